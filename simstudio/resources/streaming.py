"""``@streaming``: the decorator of the operations that open streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar, overload

from simstudio.core.functions import Form
from simstudio.core.modes import Async, Mode, RawAsync, RawSync, Sync
from simstudio.core.operation import Method, result_of

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.resource import APIResource
    from simstudio.resources.streams import AsyncStreamManager, OpenedStream, Stream
    from simstudio.transport.flow import Flow

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


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
        from simstudio.resources.streams import AsyncStreamManager, Stream

        kind = AsyncStreamManager if mode.asynchronous else Stream

        def open_stream(resource: APIResource[Any], flow: Flow[Any]) -> Any:
            return kind(resource._context.run(resource._redact_errors(flow)))

        return Form(f"{kind.__name__}[{self._event}]", open_stream)
