"""Both modes of one client: ``run`` blocks and ``async_run`` is awaited, on the same object.

SpeedPix's own SDK has one client for both. Here a client has its mode, and a *twin* of the other mode, which is only
another wire under the same session: made when it is first used, and closed with the client.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

import attrs

from simstudio.core.modes import AsyncRunner, RawAsyncRunner, RawSyncRunner, SyncRunner
from simstudio.core.operation import AsyncBoundOperation, operation
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

    asynchronous = False

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


class asynchronous(Generic[P, T]):  # noqa: N801 - used like `operation`
    """The awaited form of an operation, on clients of either mode: ``async_get = asynchronous(get)``."""

    def __init__(self, method: operation[P, T]) -> None:
        self.method = method
        self.name = f"async_{method.__name__}"
        self.__doc__ = f"Await what :meth:`{method.__name__}` does; on a blocking client too.\n\n{method.__doc__ or ''}"

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, resource: None, owner: Any) -> asynchronous[P, T]: ...
    @overload
    def __get__(self, resource: APIResource[Any], owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: APIResource[Any] | None, owner: Any) -> Any:
        return self if resource is None else TwinOperation(resource, self)


class TwinOperation(AsyncBoundOperation):  # noqa: D101
    # An operation of one resource in its awaited form: call it. (No docstring: each shows that of its method.)
    __slots__ = ("__doc__", "_name")

    def __init__(self, resource: APIResource[Any], made: asynchronous[Any, Any]) -> None:
        super().__init__(resource, made.method)
        self._name = made.name
        self.__doc__ = made.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        resource = self._resource
        runner = awaiting(resource._context.runner)
        return runner.run(resource._guarded(self._method.flow(resource, *args, **kwargs)))

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._resource, self._name)
