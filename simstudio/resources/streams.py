"""Streams of executions, and the decorator of the operations that open them."""

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
    """What the flow of a streamed execution returns."""


class Stream(core.EventStream[E, WorkflowExecutionResult], Generic[E]):
    """The events of a run as they come: an iterator and a context manager.

    ``text()`` gives nothing where no outputs were selected: Sim then streams no text, and the whole output is in
    ``result()``. A run does not stop on the server because its stream was left.

    Example:
        >>> with client.workflows.stream("wf") as stream:  # doctest: +SKIP
        ...     for text in stream.text():
        ...         print(text, end="", flush=True)
    """


class AsyncStream(core.AsyncEventStream[E, WorkflowExecutionResult], Generic[E]):
    """The events of a run as they come, awaited; otherwise like :class:`Stream`."""


class AsyncStreamManager(core.EventStreamManager[E, AsyncStream[E]], Generic[E]):
    """What the async client's ``stream(...)`` returns: await it, enter it with ``async with``, or iterate over it.

    Nothing is sent before one of these.
    """

    def __init__(self, opening: Coroutine[Any, Any, OpenedStream[E]]) -> None:
        super().__init__(opening, AsyncStream)


class streaming(Method[P, T]):  # noqa: N801 - a decorator
    """Make a streaming operation of a generator method that returns ``Flow[OpenedStream[T]]``."""

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
            return kind(resource._context.run(resource._guarded(flow)))

        return Form(f"{kind.__name__}[{self._event}]", open_stream)
