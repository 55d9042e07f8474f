"""Streams of executions."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from simstudio.core import streaming as core
from simstudio.models.execution import WorkflowExecutionResult

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

E = TypeVar("E")
T = TypeVar("T")


class OpenedStream(core.OpenedStream[E, WorkflowExecutionResult], Generic[E]):
    """An open response and the decoder of its events: the result of the flow behind a streaming operation."""


class Stream(core.EventStream[E, WorkflowExecutionResult], Generic[E]):
    """An iterator over the events of a run as they arrive, and a context manager.

    ``text()`` yields nothing when no outputs were selected: Sim then streams no text, and ``result()`` has the whole
    output. When the stream is closed early, the run continues on the server or, on some v0.8 servers, is cancelled.

    Example:
        >>> with client.workflows.stream("wf") as stream:  # doctest: +SKIP
        ...     for text in stream.text():
        ...         print(text, end="", flush=True)
    """


class AsyncStream(core.AsyncEventStream[E, WorkflowExecutionResult], Generic[E]):
    """The async form of :class:`Stream`."""


class AsyncStreamManager(core.EventStreamManager[E, AsyncStream[E]], Generic[E]):
    """The return value of ``stream(...)`` on the async client: await it, use ``async with``, or iterate over it.

    The request is sent at that moment, not before.
    """

    def __init__(self, opening: Coroutine[Any, Any, OpenedStream[E]]) -> None:
        super().__init__(opening, AsyncStream)
