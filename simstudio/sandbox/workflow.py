"""Workflows as plain Python functions, and the values that such a function may yield and return."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar
from uuid import uuid5

import attrs

from simstudio.core.functions import with_hints
from simstudio.sandbox.ids import NAMESPACE
from simstudio.sandbox.parameters import Parameters
from simstudio.sandbox.pauses import Pause
from simstudio.sandbox.steps import Step

WorkflowFunction = Callable[..., Any]  # the result may have any type
F = TypeVar("F", bound=WorkflowFunction)

RESPONSE_BLOCK = "Response"


@attrs.frozen
class Chunk:
    """A piece of streamed text; yielding a plain ``str`` means a chunk of the workflow's default block.

    Args:
        text: the text, sent as it is.
        block: the name of the block; None for the default block of the workflow.

    Example:
        >>> def essay(input):
        ...     yield Chunk("Title", block="writer")
    """

    text: str
    block: str | None = None


@attrs.frozen
class Block:
    """The finished output of one block. A block that streamed has ``{"content": its text}`` by default.

    Args:
        output: any JSON value.
        name: the block's name; None is the workflow's default block.

    Example:
        >>> def two_steps(input):
        ...     yield Block({"result": 1}, name="first")
    """

    output: object
    name: str | None = None


@attrs.frozen
class Thinking:
    """A piece of a model's thinking; v2 streams show it to callers who request it.

    Args:
        text: the text, sent as it is.
        block: the name of the block; None for the default block of the workflow.

    Example:
        >>> def answer(input):
        ...     yield Thinking("Let me see. ")
        ...     yield "42"
    """

    text: str
    block: str | None = None


@attrs.frozen
class ToolCall:
    """The beginning or the end of a tool call; v2 streams show it to callers who request it.

    Args:
        name: the tool.
        phase: ``start`` or ``end``.
        id: id of the call, the same at its start and its end; None for the name of the tool.
        status: how it ended.
        block: the name of the block; None for the default block of the workflow.

    Example:
        >>> def answer(input):
        ...     yield ToolCall("search")
        ...     yield ToolCall("search", "end", status="success")
        ...     yield "42"
    """

    name: str
    phase: Literal["start", "end"] = "start"
    id: str | None = None
    status: str | None = None
    block: str | None = None


@attrs.frozen
class Reset:
    """Discards the text that a block has streamed so far; v2 streams send it to callers who accept the protocol.

    Args:
        block: the name of the block; None is the workflow's default block.

    Example:
        >>> def answer(input):
        ...     yield "41"
        ...     yield Reset()
        ...     yield "42"
    """

    block: str | None = None


@attrs.frozen
class ResponseBlock:
    """The result of `respond`: the workflow ends in a *Response* block."""

    status: int
    headers: Mapping[str, str]
    body: object

    @property
    def output(self) -> dict[str, object]:
        """The block's output as later blocks, streams and jobs see it."""
        return {"data": self.body, "status": self.status, "headers": dict(self.headers)}


def respond(status: int = 200, headers: Mapping[str, str] | None = None, body: object = None) -> ResponseBlock:
    """End a workflow with a *Response* block: the caller of a synchronous run gets exactly this response.

    Args:
        status: the HTTP status, 200 to 599.
        headers: added to the response; they may replace ``Content-Type``, but the body is JSON in any case.
        body: any JSON value.

    Raises:
        ValueError: the status or a header cannot be sent.

    Example:
        >>> def teapot(input):
        ...     return respond(418, {"X-Kind": "teapot"}, {"short": True})
    """
    if not 200 <= status <= 599:
        raise ValueError(f"a response status is between 200 and 599, not {status}")
    merged = {"Content-Type": "application/json"}
    for name, value in (headers or {}).items():
        if not f"{name}{value}".isprintable() or not name:
            raise ValueError(f"the header {name!r} cannot be sent")
        name.encode("ascii")
        value.encode("latin-1")
        key = "Content-Type" if name.lower() == "content-type" else name
        merged[key] = value
    return ResponseBlock(status, MappingProxyType(merged), body)


@attrs.frozen(eq=False)
class Context:
    """The run of a workflow, passed as the second argument.

    Attributes:
        execution_id: id of the run.
        workflow_id: the workflow's id, which is its registered name.
        raw: the parsed request body, control keys included.
        cancelled: set when the run was cancelled, timed out or the server stops. An ``async def`` workflow is
            cancelled like any asyncio task; a plain one runs in a thread and must check it, or call ``wait(seconds)``.
    """

    execution_id: str
    workflow_id: str
    raw: object
    cancelled: threading.Event = attrs.field(factory=threading.Event)
    _ask: Callable[[Pause], Awaitable[object]] | None = attrs.field(default=None, alias="ask", repr=False, kw_only=True)
    _save: Callable[[str, bytes, str], dict[str, object]] | None = attrs.field(
        default=None, alias="save", repr=False, kw_only=True
    )

    _clock: Callable[[], float] = attrs.field(default=time.time, alias="clock", repr=False, kw_only=True)
    _steps: list[Step] = attrs.field(factory=list, init=False, repr=False)

    def step(
        self,
        name: str,
        type: str = "function",
        **values: Any,
    ) -> Step:
        """Declare a step, for ``with``: the logs of the run show it as a span instead of the whole function.

        Args:
            name: the block's name.
            type: ``function``, ``agent``, ``loop``, ``loop-iteration``, ``parallel`` …
            values: ``input``, ``output``, ``model``, ``input_tokens``, ``output_tokens``, ``cost``; see `Step`.

        Returns:
            The step, whose own ``step`` makes steps inside it.

        Example:
            >>> def research(input, context):
            ...     with context.step("Search") as search:
            ...         search.output = {"hits": 3}
            ...     with context.step("Agent", "agent", model="gpt-4o", input_tokens=900, output_tokens=120, cost=0.01):
            ...         return {"answer": "42"}
        """
        made = Step(name, type, clock=self._clock, **values)
        self._steps.append(made)
        return made

    def _spans(self, started: float, block_id_of: Callable[[str], str]) -> list[dict[str, Any]]:
        """The steps that have begun, as logs show them."""
        spans = (step.span(started, block_id_of) for step in self._steps)
        return [span for span in spans if span is not None]

    @with_hints
    async def pause(self, pause: Pause) -> object:
        """Stop an ``async def`` workflow until a caller answers; a generator yields the `Pause` instead.

        Returns:
            The answer: see `Pause`.

        Raises:
            RuntimeError: the run waits for another answer already, or the context belongs to no run.

        Example:
            >>> async def publish(input, context):
            ...     answer = await context.pause(Pause("Publish?", {"approved": bool}))
            ...     return {"published": answer["approved"]}
        """
        if self._ask is None:
            raise RuntimeError("this context belongs to no run that could pause")
        return await self._ask(pause)

    def save_file(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> dict[str, object]:
        """Save a file, which callers can download from the run.

        Args:
            name: name of the file.
            media_type: ``Content-Type`` of the download.

        Returns:
            The file as it may appear in an output: ``id``, ``name``, ``size``, ``type``, ``url``, ``key``, ``context``.

        Raises:
            RuntimeError: the context belongs to no run.
        """
        if self._save is None:
            raise RuntimeError("this context belongs to no run that could keep a file")
        return self._save(name, data, media_type)


@attrs.frozen(eq=False)
class Workflow:
    """One registered function. Made by `Sandbox.workflow`."""

    name: str
    function: WorkflowFunction
    block: str
    created: float
    deployed: bool = True
    public: bool = False
    needs_redeployment: bool = False
    fields: Mapping[str, object] = attrs.field(factory=dict)
    parameters: Parameters | None = None
    """The parameters of a function that takes its input as keyword arguments."""
    deployed_at: float | None = None
    """Epoch seconds; None is when it was registered."""
    block_ids: Mapping[str, str] = attrs.field(factory=dict)
    """Ids of blocks by normalised name, where the definition gives them; the others follow from the names."""

    @property
    def id(self) -> str:
        """The path segment of its routes: the registered name."""
        return self.name

    @property
    def description(self) -> str:
        """The first line of the function's docstring, with the code in it marked as in Markdown."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0].replace("``", "`")

    def block_id(self, block: str | None = None) -> str:
        """Id of a block, derived from the names of workflow and block unless the definition gives one."""
        name = normalise_name(block or self.block)
        return self.block_ids.get(name) or block_id_of(self.name, name)

    def call(self, arguments: object, context: Context) -> object:
        """Call the function with ``input``, with ``input`` and ``context``, or with its fields."""
        if self.parameters is not None:
            return self.function(**self.parameters.arguments(arguments, context))
        return self.function(*(arguments, context)[: _positional(self.function)])


def block_id_of(workflow: str, block: str) -> str:
    """Id of a block, derived from the names of workflow and block."""
    return str(uuid5(NAMESPACE, f"{workflow}/{normalise_name(block)}"))


def normalise_name(name: str) -> str:
    """The form in which ``selectedOutputs`` compares names of blocks: lower case, without spaces."""
    return name.replace(" ", "").lower()


def _positional(function: WorkflowFunction) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins have no signature
        return 1
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return 2
    return sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters)
