"""Streams of executions, and ``@streaming``, the decorator of the operations that open them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, TypeVar, overload

from simstudio.core import streaming as core
from simstudio.core.functions import Form
from simstudio.core.modes import Async, Mode, RawAsync, RawSync, Sync
from simstudio.core.operation import Method, result_of
from simstudio.models.execution import WorkflowExecutionResult

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow

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


class streaming(Method[P, T]):  # noqa: N801 - a decorator
    """Make a streaming operation from a generator method that returns ``Flow[OpenedStream[T]]``."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[OpenedStream[T]]]) -> None:
        super().__init__(flow)
        self._event = result_of(flow, "Flow[OpenedStream")

    @overload
    def __get__(self, resource: None, owner: Any) -> streaming[P, T]: ...
    @overload
    def __get__(self, resource: APIResource[Sync] | APIResource[RawSync], owner: Any) -> Callable[P, Stream[T]]: ...
    @overload
    def __get__(
        self, resource: APIResource[Async] | APIResource[RawAsync], owner: Any
    ) -> Callable[P, AsyncStreamManager[T]]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        return self._bind(resource, owner)

    def _form(self, mode: type[Mode]) -> Form:
        kind = AsyncStreamManager if mode.asynchronous else Stream

        def open_stream(resource: APIResource[Any], flow: Flow[Any]) -> Any:
            return kind(resource._context.run(resource._redact_errors(flow)))

        return Form(f"{kind.__name__}[{self._event}]", open_stream)
