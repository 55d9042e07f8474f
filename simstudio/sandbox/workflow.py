"""Workflows as plain Python functions, and what such a function may say."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

import attrs

NAMESPACE = uuid5(NAMESPACE_URL, "urn:simstudio:sandbox")
"""Where every deterministic id of the sandbox comes from."""

WorkflowFunction = Callable[..., Any]  # the user's own function: its result type is the user's business
F = TypeVar("F", bound=WorkflowFunction)

RESPONSE_BLOCK = "Response"


@attrs.frozen
class Chunk:
    """A piece of streamed text; yielding a plain ``str`` means a chunk of the workflow's default block.

    Args:
        text: the text, sent as it is.
        block: the name of the block that says it; None is the workflow's default block.

    Example:
        >>> def essay(input):
        ...     yield Chunk("Title", block="writer")
    """

    text: str
    block: str | None = None


@attrs.frozen
class Block:
    """The finished output of one block, of one that streamed too (which is else ``{"content": its text}``).

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
class ResponseBlock:
    """What `respond` made: the workflow ends in a *Response* block."""

    status: int
    headers: Mapping[str, str]
    body: object

    @property
    def output(self) -> dict[str, object]:
        """The block's output as later blocks, streams and jobs see it."""
        return {"data": self.body, "status": self.status, "headers": dict(self.headers)}


def respond(status: int = 200, headers: Mapping[str, str] | None = None, body: object = None) -> ResponseBlock:
    """End a workflow with a *Response* block: the caller of a synchronous run gets exactly this answer.

    Args:
        status: the HTTP status, 200 to 599.
        headers: added to the answer; ``Content-Type`` may be replaced, the body is JSON-serialised all the same.
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
    """What a workflow may know of its run, as its second argument.

    Attributes:
        execution_id: the run.
        workflow_id: the workflow's id, which is its registered name.
        raw: the parsed request body, control keys included.
        cancelled: set when the run was cancelled, timed out or the server stops. An ``async def`` workflow is
            cancelled as asyncio tasks are; a plain one runs in a thread and has to look, or ``wait(seconds)``.
    """

    execution_id: str
    workflow_id: str
    raw: object
    cancelled: threading.Event = attrs.field(factory=threading.Event)


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

    @property
    def id(self) -> str:
        """The path segment of its routes: the registered name."""
        return self.name

    @property
    def description(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def block_id(self, block: str | None = None) -> str:
        """The id of one of its blocks: always the same for the same two names."""
        return str(uuid5(NAMESPACE, f"{self.name}/{normalised(block or self.block)}"))

    def call(self, arguments: object, context: Context) -> object:
        """Call the function with as many of (input, context) as it takes."""
        return self.function(*(arguments, context)[: _positional(self.function)])


def normalised(name: str) -> str:
    """A block's name as ``selectedOutputs`` compares it: lower case, without spaces."""
    return name.replace(" ", "").lower()


def _positional(function: WorkflowFunction) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins have no signature
        return 1
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return 2
    return sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters)
