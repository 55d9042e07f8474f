"""One run of one workflow function: what it emits, how it ends, how it is stopped."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Literal

import attrs

from simstudio.sandbox import inputs, jsontext
from simstudio.sandbox.outputs import BlockOutput
from simstudio.sandbox.threads import WorkflowExit, drain, handing_over, in_thread
from simstudio.sandbox.workflow import RESPONSE_BLOCK, Block, Chunk, Context, ResponseBlock, Workflow

if TYPE_CHECKING:
    import threading

Ending = Literal["completed", "failed", "cancelled", "timeout", "interrupted"]


_RETURNS_AT_ONCE = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)


@attrs.frozen
class Invocation:
    """What a caller asked for, read from one request.

    Attributes:
        received: what the server hands to the workflow's Start block.
        raw: the parsed request body.
        selected: the entries of ``selectedOutputs``.
        trigger: ``api``, or what the caller called it.
        exempt: whether it is not counted against the rate limit.
        stop_after: the id of the block after which the run ends.
    """

    received: object
    raw: object
    stream: bool = False
    background: bool = False
    selected: tuple[str, ...] = ()
    trigger: str = "api"
    exempt: bool = False
    stop_after: str | None = None


@attrs.frozen
class ChunkEvent:
    """A piece of text said by a block."""

    block_id: str
    block: str
    text: str


Event = ChunkEvent | BlockOutput
Sink = Callable[[Event], Awaitable[None]]


@attrs.frozen
class Outcome:
    """How a run ended.

    Attributes:
        output: the last block's output; ``{}`` when there is none.
        error: the message of a failure.
        blocks: all blocks that finished, in order.
        started: epoch seconds.
        duration: seconds.
    """

    ending: Ending
    output: object
    error: str | None
    response: ResponseBlock | None
    blocks: tuple[BlockOutput, ...]
    started: float
    duration: float

    @property
    def ended(self) -> float:
        """Epoch seconds."""
        return self.started + self.duration

    @property
    def last_block_output(self) -> object:
        """The output of the last block that finished, also of a run that failed later."""
        return self.blocks[-1].output if self.blocks else {}


class Run:
    """Runs a workflow function once, whatever its colour, under a timeout.

    Args:
        clock: epoch seconds.
        timeout: seconds, or None.
        threads: where the threads of plain functions are kept while they run.
    """

    def __init__(
        self,
        workflow: Workflow,
        invocation: Invocation,
        execution_id: str,
        *,
        clock: Callable[[], float],
        timeout: float | None,
        threads: set[threading.Thread],
    ) -> None:
        self.workflow = workflow
        self.invocation = invocation
        self.id = execution_id
        self.context = Context(execution_id, workflow.id, invocation.raw)
        self._timeout = timeout
        self._threads = threads
        self._stopped: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._blocks: dict[str, BlockOutput] = {}
        self._texts: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self._response: ResponseBlock | None = None
        self._over = False
        self.started = clock()
        self._began = time.perf_counter()

    def cancel(self, ending: Ending = "cancelled") -> None:
        """End the run now; a plain function goes on in its thread until it looks at ``context.cancelled``."""
        if not self._stopped.done():
            self._stopped.set_result(ending)

    async def execute(self, sink: Sink | None = None) -> Outcome:
        """Run to the end and tell how it ended; never raises what the workflow raised.

        Args:
            sink: awaited with every event as it happens; a slow one slows the workflow down.
        """
        if self._stopped.done():  # cancelled while it was waiting for its turn
            return self._outcome(self._stopped.result(), output={})
        work = asyncio.ensure_future(self._work(sink))
        try:
            awaited: set[asyncio.Future[Any]] = {work, self._stopped}
            await asyncio.wait(awaited, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._finished(work)
            ending: Ending = self._stopped.result() if self._stopped.done() else "timeout"
            return self._outcome(ending, output={})
        finally:
            self._over = True
            self.context.cancelled.set()
            work.cancel()
            work.add_done_callback(_look_away)
            for task in self._tasks:
                task.cancel()
            self.cancel()

    async def _work(self, sink: Sink | None) -> object:
        async def emit(item: object) -> None:
            event = self._event(item)
            if event is not None and sink is not None:
                await sink(event)

        try:
            value = await self._value(emit)
        except (SystemExit, KeyboardInterrupt) as error:  # would end the server's event loop
            raise WorkflowExit(f"{type(error).__name__}: {error}") from error
        for block in self._settle(value):
            if sink is not None:
                await sink(block)
        return value

    async def _value(self, emit: Callable[[object], Awaitable[None]]) -> object:
        """Call the function; drive what it returned."""
        workflow, context = self.workflow, self.context
        arguments = inputs.start_output(workflow.fields, self.invocation.received)
        function = workflow.function
        if any(returns_at_once(function) for returns_at_once in _RETURNS_AT_ONCE):
            value = workflow.call(arguments, context)
        else:
            value = await in_thread(lambda: workflow.call(arguments, context), self._threads)
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, AsyncGenerator):
            try:
                async for item in value:
                    await emit(item)
                    await asyncio.sleep(0)  # one that never waits would let nobody else run, nor itself be cancelled
                    if self._over:
                        break
            finally:
                await value.aclose()
            return None
        if isinstance(value, Generator):
            generator = value
            hand_over = handing_over(emit, context.cancelled, self._tasks)
            over = self._is_over
            return await in_thread(lambda: drain(generator, hand_over, over), self._threads)
        return value

    def _is_over(self) -> bool:
        return self._over or self.context.cancelled.is_set()

    def _event(self, item: object) -> Event | None:
        """Note what a generator yielded.

        Raises:
            TypeError: it is nothing a workflow may yield, which fails the run.
        """
        if self._over:
            return None
        if isinstance(item, str):
            item = Chunk(item)
        if isinstance(item, Chunk):
            name = item.block or self.workflow.block
            block_id = self.workflow.block_id(name)
            self._names.setdefault(block_id, name)
            self._texts.setdefault(block_id, []).append(item.text)
            return ChunkEvent(block_id, name, item.text)
        if isinstance(item, Block):
            name = item.name or self.workflow.block
            done = self._finish(name, item.output, streamed=self.workflow.block_id(name) in self._texts)
            self._over = done.id == self.invocation.stop_after
            return done
        if isinstance(item, ResponseBlock):
            self._response, self._over = item, True
            return None
        raise TypeError(f"a workflow yields text, Chunk, Block or respond(...), not {type(item).__name__}")

    def _finish(self, name: str, output: object, *, streamed: bool = False) -> BlockOutput:
        block_id = self.workflow.block_id(name)
        block = BlockOutput(block_id, name, jsontext.plain(output), streamed)
        self._blocks[block_id] = block
        return block

    def _settle(self, value: object) -> list[BlockOutput]:
        """Finish what is still open when the function has ended: streamed blocks, then the last one."""
        if isinstance(value, ResponseBlock):
            self._response = value
        own = self.workflow.block_id()
        settled = []
        for block_id, texts in self._texts.items():
            output: object = {"content": "".join(texts)}
            if block_id == own and value is not None and self._response is None:
                output = value
            elif block_id in self._blocks:  # the workflow has said itself what the block's output is
                continue
            settled.append(self._finish(self._names[block_id], output, streamed=True))
        if self._response is not None:
            response = attrs.evolve(self._response, body=jsontext.plain(self._response.body))
            self._response = response
            settled.append(self._finish(RESPONSE_BLOCK, response.output))
        elif own not in self._texts and (value is not None or not self._blocks):
            settled.append(self._finish(self.workflow.block, {} if value is None else value))
        return settled

    def _finished(self, work: asyncio.Future[object]) -> Outcome:
        if work.cancelled():  # the workflow cancelled itself
            return self._outcome("cancelled", output={})
        error = work.exception()
        if error is not None:
            return self._outcome("failed", output={}, error=str(error) or type(error).__name__)
        stopped = self.invocation.stop_after is not None and self._over and self._response is None
        output = {} if stopped else self._last()
        return self._outcome("completed", output=output)

    def _last(self) -> object:
        blocks = list(self._blocks.values())
        return blocks[-1].output if blocks else {}

    def _outcome(self, ending: Ending, *, output: object, error: str | None = None) -> Outcome:
        self._keep_streamed()
        response = self._response if ending == "completed" else None
        duration = time.perf_counter() - self._began
        return Outcome(ending, output, error, response, tuple(self._blocks.values()), self.started, duration)

    def _keep_streamed(self) -> None:
        """What had been said when the run ended early is the output of the block that said it."""
        for block_id, texts in self._texts.items():
            if block_id not in self._blocks:
                self._finish(self._names[block_id], {"content": "".join(texts)}, streamed=True)


def _look_away(work: asyncio.Future[object]) -> None:
    """Retrieve the exception of a run nobody waits for any more, so that asyncio does not report it."""
    if not work.cancelled():
        work.exception()
