"""One run of a workflow function: its events, its end and its cancellation."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import attrs

from simstudio.sandbox import inputs, jsontext, pauses
from simstudio.sandbox.outputs import BlockOutput
from simstudio.sandbox.pauses import Pause, PausePoint, Place
from simstudio.sandbox.request_log import failure_text, log_failure
from simstudio.sandbox.runfiles import RunFile
from simstudio.sandbox.seeding import timer
from simstudio.sandbox.threads import Suspended, WorkflowExit, drain, make_hand_over, run_in_thread
from simstudio.sandbox.workflow import (
    RESPONSE_BLOCK,
    Block,
    Chunk,
    Context,
    Reset,
    ResponseBlock,
    Thinking,
    ToolCall,
    Workflow,
)

if TYPE_CHECKING:
    import threading

Ending = Literal["completed", "failed", "cancelled", "timeout", "interrupted", "paused"]
Mode = Literal["sync", "stream", "async"]


_RETURNS_AT_ONCE = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)


@attrs.frozen
class Invocation:
    """The parameters of one execution, read from its request.

    Attributes:
        received: input of the Start block.
        raw: the parsed request body.
        selected: the entries of ``selectedOutputs``.
        trigger: ``api``, or the value of ``triggerType``.
        exempt: whether it is not counted against the rate limit.
        stop_after: the id of the block after which the run ends.
        base_url: address under which the caller reached the server, for the links of a paused run.
        timeout: limit in seconds; None for the limit of the server.
        execution_id: id that the caller chose; None if the server makes one.
    """

    received: object
    raw: object
    stream: bool = False
    background: bool = False
    selected: tuple[str, ...] = ()
    trigger: str = "api"
    exempt: bool = False
    stop_after: str | None = None
    base_url: str = ""
    timeout: float | None = None
    execution_id: str | None = None

    @property
    def mode(self) -> Mode:
        """Kind of the response."""
        if self.background:
            return "async"
        return "stream" if self.stream else "sync"


@attrs.frozen
class ChunkEvent:
    """A piece of text that a block streams."""

    block_id: str
    block: str
    text: str


@attrs.frozen
class AgentEvent:
    """An event of a block other than text: thinking, a tool call, or a reset of its text."""

    block_id: str
    block: str
    what: Thinking | ToolCall | Reset


Event = ChunkEvent | AgentEvent | BlockOutput
Sink = Callable[[Event], Awaitable[None]]


@attrs.frozen
class Outcome:
    """The end of a run: its status, output or error.

    Attributes:
        output: output of the last block; ``{}`` without one.
        error: the message of a failure.
        blocks: all blocks that finished, in order.
        started: epoch seconds; for a resumed run the time of its resumption.
        duration: seconds.
        pause: the pause of a paused run.
        steps: steps that the function declared, as spans.
    """

    ending: Ending
    output: object
    error: str | None
    response: ResponseBlock | None
    blocks: tuple[BlockOutput, ...]
    started: float
    duration: float
    pause: PausePoint | None = None
    steps: tuple[dict[str, Any], ...] = ()

    @property
    def ended(self) -> float:
        """Epoch seconds."""
        return self.started + self.duration

    @property
    def last_block_output(self) -> object:
        """The output of the last block that finished, also of a run that failed later."""
        return self.blocks[-1].output if self.blocks else {}


class Run:
    """Runs a workflow function, sync or async, once and under a timeout, from pause to pause.

    Args:
        clock: epoch seconds.
        timeout: seconds, or None; each part of a paused run has the whole time.
        threads: holds the threads of plain functions while they run.
        base_url: address of the server, for the links of a paused run.
        workspace_id: workspace in the keys of its files.
        may_pause: whether the generation of the API has paused runs.
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
        base_url: str = "",
        workspace_id: str = "",
        may_pause: bool = True,
    ) -> None:
        self.workflow = workflow
        self.invocation = invocation
        self.id = execution_id
        self.place = Place(base_url, workflow.id, execution_id)
        self.context = Context(execution_id, workflow.id, invocation.raw, ask=self._ask, save=self._save, clock=clock)
        self.timeout = timeout
        self.files: list[RunFile] = []
        self._workspace_id = workspace_id
        self._may_pause = may_pause
        self._threads = threads
        self._clock = clock
        self._sink: Sink | None = None
        self._work: asyncio.Future[object] | None = None
        self._pausing: asyncio.Future[PausePoint] | None = None
        self._waiting: tuple[Pause, asyncio.Future[object]] | None = None
        self._pauses: dict[str, int] = {}
        self._stopped: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._blocks: dict[str, BlockOutput] = {}
        self._texts: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self._response: ResponseBlock | None = None
        self._over = False
        self.started = clock()
        self._began = timer()

    def cancel(self, ending: Ending = "cancelled") -> None:
        """End the run now; a plain function continues in its thread until it checks ``context.cancelled``."""
        if not self._stopped.done():
            self._stopped.set_result(ending)

    async def execute(self, sink: Sink | None = None) -> Outcome:
        """Run to the next pause or the end, and return the outcome; errors of the workflow are part of it.

        Args:
            sink: awaited with every event, which delays the workflow.
        """
        if self._stopped.done():  # cancelled while it was queued
            return self._outcome(self._stopped.result(), output={})
        self._pausing = asyncio.get_running_loop().create_future()
        self._work = asyncio.ensure_future(self._run())
        return await self._wait_until_rest(self._work, self._pausing, sink)

    async def resume(self, answer: object, sink: Sink | None = None) -> Outcome:
        """Continue a paused run to its next pause or its end.

        Args:
            answer: answer to the pause.
            sink: as in `execute`.
        """
        if self._work is None or self._waiting is None:
            raise RuntimeError("the run does not wait for an answer")
        self.started, self._began = self._clock(), timer()
        self._pausing = asyncio.get_running_loop().create_future()
        pause, waiting = self._waiting
        answer = pause.complete_answer(answer)
        self._finish(pause.block, answer)
        if not waiting.done():  # the workflow may have ended in the meantime by itself
            waiting.set_result(answer)
        return await self._wait_until_rest(self._work, self._pausing, sink)

    def discard(self) -> asyncio.Future[object] | None:
        """Abandon a paused run; its clean-up can be awaited."""
        self._end(self._work)
        return self._work

    async def _wait_until_rest(
        self, work: asyncio.Future[object], pausing: asyncio.Future[PausePoint], sink: Sink | None
    ) -> Outcome:
        self._sink = sink
        rests = False
        try:
            awaited: set[asyncio.Future[Any]] = {work, pausing, self._stopped}
            await asyncio.wait(awaited, timeout=self.timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._read_outcome(work)
            if self._stopped.done():
                return self._outcome(self._stopped.result(), output={})
            if pausing.done():
                rests = True
                point = pausing.result()
                return attrs.evolve(self._outcome("paused", output=point.output), pause=point)
            return self._outcome("timeout", output={})
        finally:
            self._sink = None
            if not rests:
                self._end(work)

    def _end(self, work: asyncio.Future[object] | None) -> None:
        self._over = True
        self.context.cancelled.set()
        if work is not None:
            work.cancel()
            work.add_done_callback(_retrieve_exception)
        for task in self._tasks:
            task.cancel()
        self.cancel()

    async def _ask(self, pause: Pause) -> object:
        """Pause, and return the answer."""
        if not self._may_pause:
            raise TypeError("this generation of the API has no paused runs: a Sandbox of generation v0.6 or v0.8 has")
        if not isinstance(pause, Pause):
            raise TypeError(f"context.pause takes a Pause, not {type(pause).__name__}")
        if self._pausing is None or self._pausing.done():
            raise RuntimeError("the run waits for another answer already")
        earlier = self._pauses.get(pause.block, 0)
        point = pauses.point(pause, self.workflow.block_id(pause.block), self.place, earlier, self._clock())
        self._pauses[pause.block] = earlier + 1
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting = (pause, answer)
        self._pausing.set_result(point)
        return await answer

    def _save(self, name: str, data: bytes, media_type: str) -> dict[str, object]:
        file = RunFile.create(self.id, name, bytes(data), media_type, self._clock())
        self.files.append(file)
        return file.to_output(self.place, self._workspace_id)

    async def _emit(self, item: object) -> None:
        event = self._event(item)
        if event is not None and self._sink is not None:
            await self._sink(event)

    async def _run(self) -> object:
        try:
            value = await self._call_function()
        except (SystemExit, KeyboardInterrupt) as error:  # must not end the server's event loop
            raise WorkflowExit(f"{type(error).__name__}: {error}") from error
        for block in self._settle(value):
            if self._sink is not None:
                await self._sink(block)
        return value

    async def _call_function(self) -> object:
        """Call the function, and drive the generator or awaitable that it returns."""
        workflow, context = self.workflow, self.context
        arguments = inputs.start_output(workflow.fields, self.invocation.received)
        function = workflow.function
        if any(returns_at_once(function) for returns_at_once in _RETURNS_AT_ONCE):
            value = workflow.call(arguments, context)
        else:
            value = await run_in_thread(lambda: workflow.call(arguments, context), self._threads)
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, AsyncGenerator):
            await self._drive(value)
            return None
        if isinstance(value, Generator):
            return await self._drain(value)
        return value

    async def _drive(self, generator: AsyncGenerator[object, object]) -> None:
        answer: object = None
        try:
            while not self._over:
                try:
                    item = await generator.asend(answer)
                except StopAsyncIteration:
                    return
                answer = None
                if isinstance(item, Pause):
                    answer = await self._ask(item)
                else:
                    await self._emit(item)
                    await asyncio.sleep(0)  # a generator that never waits would block the loop
        finally:
            await generator.aclose()

    async def _drain(self, generator: Generator[object, object, object]) -> object:
        hand_over = make_hand_over(self._emit, self.context.cancelled, self._tasks)
        answer: object = None
        while True:
            value = await run_in_thread(partial(drain, generator, hand_over, self._is_over, answer), self._threads)
            if not isinstance(value, Suspended):
                return value
            try:
                answer = await self._ask(value.question)
            except BaseException:
                await asyncio.shield(run_in_thread(generator.close, self._threads))
                raise

    def _is_over(self) -> bool:
        return self._over or self.context.cancelled.is_set()

    def _event(self, item: object) -> Event | None:
        """Emit the event that a generator yielded.

        Raises:
            TypeError: a workflow cannot yield this type; the run fails.
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
        if isinstance(item, (Thinking, ToolCall, Reset)):
            return self._agent_event(item)
        raise TypeError(f"a workflow yields text, Chunk, Block or respond(...), not {type(item).__name__}")

    def _agent_event(self, item: Thinking | ToolCall | Reset) -> AgentEvent:
        name = item.block or self.workflow.block
        block_id = self.workflow.block_id(name)
        if isinstance(item, Reset) and block_id in self._texts:
            self._texts[block_id].clear()
        return AgentEvent(block_id, name, item)

    def _finish(self, name: str, output: object, *, streamed: bool = False) -> BlockOutput:
        block_id = self.workflow.block_id(name)
        self._blocks.pop(block_id, None)  # the order is that of the last finish
        before = next((block.ended for block in reversed(self._blocks.values()) if block.ended is not None), 0.0)
        ended = self._clock()
        started = min(max(before, self.started), ended)
        block = BlockOutput(block_id, name, jsontext.plain(output), streamed, started, ended)
        self._blocks[block_id] = block
        return block

    def _settle(self, value: object) -> list[BlockOutput]:
        """Emit the blocks that are open when the function has ended: streamed blocks, then the last one."""
        if isinstance(value, ResponseBlock):
            self._response = value
        own = self.workflow.block_id()
        settled = []
        for block_id, texts in self._texts.items():
            output: object = {"content": "".join(texts)}
            if block_id == own and value is not None and self._response is None:
                output = value
            elif block_id in self._blocks:  # the workflow has yielded the output of the block
                continue
            settled.append(self._finish(self._names[block_id], output, streamed=True))
        if self._response is not None:
            response = attrs.evolve(self._response, body=jsontext.plain(self._response.body))
            self._response = response
            settled.append(self._finish(RESPONSE_BLOCK, response.output))
        elif own not in self._texts and (value is not None or not self._blocks):
            settled.append(self._finish(self.workflow.block, {} if value is None else value))
        return settled

    def _read_outcome(self, work: asyncio.Future[object]) -> Outcome:
        if work.cancelled():  # the workflow cancelled itself
            return self._outcome("cancelled", output={})
        error = work.exception()
        if error is not None:
            log_failure(self.workflow.name, error)
            return self._outcome("failed", output={}, error=failure_text(error))
        stopped = self.invocation.stop_after is not None and self._over and self._response is None
        output = {} if stopped else self._last_output()
        return self._outcome("completed", output=output)

    def _last_output(self) -> object:
        blocks = list(self._blocks.values())
        return blocks[-1].output if blocks else {}

    def _outcome(self, ending: Ending, *, output: object, error: str | None = None) -> Outcome:
        blocks = (*self._blocks.values(), *self._collect_partial_texts())
        response = self._response if ending == "completed" else None
        duration = timer() - self._began
        steps = tuple(self.context._spans(self.started, self.workflow.block_id))
        return Outcome(ending, output, error, response, blocks, self.started, duration, steps=steps)

    def _collect_partial_texts(self) -> list[BlockOutput]:
        """Outputs of unfinished blocks: the texts that they streamed before the run ended."""
        return [
            BlockOutput(block_id, self._names[block_id], {"content": "".join(texts)}, streamed=True)
            for block_id, texts in self._texts.items()
            if block_id not in self._blocks
        ]


def _retrieve_exception(work: asyncio.Future[object]) -> None:
    """Retrieve the exception of an abandoned run, so that asyncio does not report it."""
    if not work.cancelled():
        work.exception()
