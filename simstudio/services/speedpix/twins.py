"""Operations of both modes on one client: ``run`` blocks, and ``async_run`` is awaited.

SpeedPix's own SDK has one client for both. A session has connections for both modes; :class:`asynchronous` makes the
operations that always use the async ones.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from simstudio.core.functions import Form
from simstudio.core.modes import Async, Mode
from simstudio.core.operation import Method, operation, result_of
from simstudio.transport.errors import ConfigurationError

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class Detached:
    """Stands in for the session of an object without a client, and refuses every call.

    Args:
        advice: Message of the error, which says what the caller can do instead.
    """

    def __init__(self, advice: str) -> None:
        self.advice = advice
        self.sync_wire = self.async_wire = self

    def get(self) -> NoReturn:
        """Raise the advice as a ConfigurationError."""
        raise ConfigurationError(self.advice)


class asynchronous(Method[P, T]):  # noqa: N801 - used like `operation`
    """The awaited form of an operation, on clients of either mode: ``async_get = asynchronous(get)``."""

    def __init__(self, method: operation[P, T]) -> None:
        super().__init__(method.flow)
        self.__doc__ = f"Await what :meth:`{method.__name__}` does; on a blocking client too.\n\n{method.__doc__ or ''}"
        self._result = result_of(method.flow, "Flow")

    @overload
    def __get__(self, resource: None, owner: Any) -> asynchronous[P, T]: ...
    @overload
    def __get__(self, resource: APIResource[Any], owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: APIResource[Any] | None, owner: Any) -> Any:
        return self._bind(resource, owner)

    def _form(self, mode: type[Mode]) -> Form:
        del mode
        return Form(self._result, _await, awaited=True)


def _await(resource: APIResource[Any], flow: Flow[Any]) -> Any:
    return Async.run(resource._context.session, resource._redact_errors(flow))
