"""Both modes of one client: ``run`` blocks and ``async_run`` is awaited, on the same object.

SpeedPix's own SDK has one client for both. Here a client has its mode, and a *twin* of the other mode, which is only
another wire under the same session: made when it is first used, and closed with the client.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

import attrs

from simstudio.core.functions import Form
from simstudio.core.modes import AsyncRunner, Mode, RawAsyncRunner, RawSyncRunner, Sync, SyncRunner
from simstudio.core.operation import Method, operation, result_of
from simstudio.core.session import LazyWire
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.flow import AsyncWire, Flow, Wire

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.modes import Runner
    from simstudio.core.resource import APIResource

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


@attrs.frozen(eq=False)
class Wires:
    """The wires of a client and of its twin."""

    blocking: LazyWire[Wire]
    awaiting: LazyWire[AsyncWire]


class TwinSyncRunner(SyncRunner):
    """Blocking; knows the wires of both modes."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(wires.blocking)
        self.wires = wires

    def raw(self) -> Runner:
        """The runner whose operations return responses too."""
        return _RawTwinSyncRunner(self.wires)


class _RawTwinSyncRunner(RawSyncRunner):
    def __init__(self, wires: Wires) -> None:
        super().__init__(wires.blocking)
        self.wires = wires


class TwinAsyncRunner(AsyncRunner):
    """Awaited; knows the wires of both modes."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(wires.awaiting)
        self.wires = wires

    def raw(self) -> Runner:
        """The runner whose operations return responses too."""
        return _RawTwinAsyncRunner(self.wires)


class _RawTwinAsyncRunner(RawAsyncRunner):
    def __init__(self, wires: Wires) -> None:
        super().__init__(wires.awaiting)
        self.wires = wires


class DetachedRunner:
    """The runner of something that has no client (any more)."""

    mode = Sync

    def __init__(self, advice: str) -> None:
        self.advice = advice

    @property
    def wires(self) -> NoReturn:
        """There are none."""
        raise ConfigurationError(self.advice)

    def run(self, flow: Flow[Any]) -> NoReturn:
        """Refuse."""
        flow.close()
        raise ConfigurationError(self.advice)

    call = run

    def raw(self) -> Runner:
        """The same."""
        return self

    def concurrent(self, most: int) -> NoReturn:
        """Refuse."""
        del most
        raise ConfigurationError(self.advice)


def blocking(runner: Any) -> SyncRunner:
    """The blocking runner of the client that a runner belongs to."""
    return SyncRunner(runner.wires.blocking)


def awaiting(runner: Any) -> AsyncRunner:
    """The awaited runner of the client that a runner belongs to."""
    return AsyncRunner(runner.wires.awaiting)


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
    return awaiting(resource._context.runner).run(resource._guarded(flow))
