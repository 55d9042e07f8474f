"""``@operation``: one generator method that a sync client calls, an async one awaits, and a raw one wraps.

The descriptor's overloaded ``__get__`` tells type checkers the signature for each mode, every name and default kept.
At run time it gives a :class:`BoundOperation`, which pickles, compares, and shows the right signature to ``inspect``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Iterator
from types import CodeType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, NoReturn, TypeVar, overload

from simstudio.core.modes import APIResponse, Async, RawAsync, RawSync, Sync

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.resource import APIResource
    from simstudio.core.streaming import AsyncStreamManager, OpenedStream, Stream
    from simstudio.transport.flow import Flow

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class _Method(Generic[P, T]):
    """What both kinds of operation share: the flow they were written as, and its documentation."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[Any]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__
        self.__name__: str = flow.__name__
        self.__qualname__: str = flow.__qualname__
        self.__module__ = flow.__module__
        self.__wrapped__ = flow

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__ = name

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{self.__qualname__}() is called on a client's resource, not on the class.")


class operation(_Method[P, T]):  # noqa: N801 - a decorator
    """Make an operation of a generator method that returns ``Flow[T]``; see the module."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        super().__init__(flow)

    @overload
    def __get__(self, resource: None, owner: Any) -> operation[P, T]: ...
    @overload
    def __get__(self, resource: APIResource[Sync], owner: Any) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: APIResource[Async], owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, resource: APIResource[RawSync], owner: Any) -> Callable[P, APIResponse[T]]: ...
    @overload
    def __get__(
        self, resource: APIResource[RawAsync], owner: Any
    ) -> Callable[P, Coroutine[Any, Any, APIResponse[T]]]: ...
    def __get__(self, resource: APIResource[Any] | None, owner: Any) -> Any:
        if resource is None:
            return self
        kind = AsyncBoundOperation if resource._context.runner.asynchronous else BoundOperation
        return kind(resource, self)


class streaming(_Method[P, T]):  # noqa: N801 - a decorator
    """Make a streaming operation of a generator method that returns ``Flow[OpenedStream[T]]``."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[OpenedStream[T]]]) -> None:
        super().__init__(flow)

    @overload
    def __get__(self, resource: None, owner: Any) -> streaming[P, T]: ...
    @overload
    def __get__(self, resource: APIResource[Sync] | APIResource[RawSync], owner: Any) -> Callable[P, Stream[T]]: ...
    @overload
    def __get__(
        self, resource: APIResource[Async] | APIResource[RawAsync], owner: Any
    ) -> Callable[P, AsyncStreamManager[T]]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        return self if resource is None else BoundStreaming(resource, self)


class BoundOperation:  # noqa: D101
    # An operation of one resource: call it. (No docstring: each shows that of its method.)
    __slots__ = ("__doc__", "_method", "_resource")

    def __init__(self, resource: APIResource[Any], method: _Method[Any, Any]) -> None:
        self._resource = resource
        self._method = method
        self.__doc__ = method.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        resource = self._resource
        return resource._context.runner.call(resource._guarded(self._method.flow(resource, *args, **kwargs)))

    @property
    def __self__(self) -> APIResource[Any]:
        return self._resource

    def __getattr__(self, name: str) -> Any:
        if name in ("__name__", "__qualname__"):  # not properties: a class body may not define them
            return getattr(self._method, name)
        raise AttributeError(f"an operation has no attribute {name!r}")

    @property
    def __wrapped__(self) -> Any:
        return self._method.flow.__get__(self._resource)

    @property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self._method.flow)
        parameters = list(signature.parameters.values())[1:]
        return signature.replace(parameters=parameters, return_annotation=self._returns(signature.return_annotation))

    def _returns(self, annotation: Any) -> Any:
        inner = _inside(r"Flow\[(.*)\]", annotation)
        return annotation if inner is None else f"APIResponse[{inner}]" if self._resource._context.raw else inner

    def __get__(self, instance: Any, owner: Any = None) -> BoundOperation:
        """Stay bound to the resource; being a descriptor makes ``help()`` show this as the routine it is."""
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundOperation):
            return NotImplemented
        return self._resource is other._resource and self._method is other._method

    def __hash__(self) -> int:
        return hash((id(self._resource), self._method))

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._resource, self._method.__name__)

    def __repr__(self) -> str:
        return f"<operation {self._method.__qualname__} of {self._resource!r}>"


class AsyncBoundOperation(BoundOperation):  # noqa: D101
    # An operation of one resource of an async client: ``inspect`` sees a coroutine function.
    #
    # ``inspect.iscoroutinefunction`` has no hook before Python 3.12 (``markcoroutinefunction``), so this shows the
    # attributes by which all versions recognise a function, and the code of an ``async def``.

    __slots__ = ("__doc__",)
    __defaults__: Any = None
    __kwdefaults__: Any = None
    __annotations__: dict[str, Any] = {}

    @property
    def __code__(self) -> CodeType:
        return _awaited.__code__


class BoundStreaming(BoundOperation):  # noqa: D101
    # A streaming operation of one resource: call it, and iterate over what it gives.

    __slots__ = ("__doc__",)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        from simstudio.core.streaming import AsyncStreamManager, Stream

        runner = self._resource._context.runner
        opening = runner.run(self._resource._guarded(self._method.flow(self._resource, *args, **kwargs)))
        return AsyncStreamManager(opening) if runner.asynchronous else Stream(opening)

    def _returns(self, annotation: Any) -> Any:
        inner = _inside(r"Flow\[OpenedStream\[(.*)\]\]", annotation)
        kind = "AsyncStreamManager" if self._resource._context.runner.asynchronous else "Stream"
        return annotation if inner is None else f"{kind}[{inner}]"


def _inside(pattern: str, annotation: Any) -> str | None:
    found = re.fullmatch(pattern, annotation, re.DOTALL) if isinstance(annotation, str) else None
    return None if found is None else found[1]


async def _awaited() -> None:
    """Lends its code object to :class:`AsyncBoundOperation`."""


def operations_of(resource: type) -> Iterator[str]:
    """The names of a resource's operations."""
    for name in dir(resource):
        if not name.startswith("_") and isinstance(inspect.getattr_static(resource, name), _Method):
            yield name
