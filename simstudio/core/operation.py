"""``@operation`` and ``@listing``: turn a method that is written once into one of sync, async and raw clients.

Type checkers read the overloads of ``__get__``. At run time ``resource.method`` is a bound method of an ordinary
function, ``def`` or ``async def``, with the parameters of the generator method, so that checking arguments, comparing,
hashing and pickling are Python's own. There is one function for each mode, compiled when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, NoReturn, TypeVar, overload

from simstudio.core.functions import Form, compile_function, shown_method
from simstudio.core.modes import APIResponse, Async, Mode, RawAsync, RawSync, Sync

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.paging import AsyncPager, Page, Pager, Pages
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class Method(Generic[P, T]):
    """Base of the decorators of methods, such as ``@operation``: binds the function for the mode of the resource.

    Attributes:
        flow: The decorated method.
    """

    _modules: tuple[str, ...] = ()
    """Modules whose names the annotations use, beside those of the method and the decorator."""

    def __init__(self, flow: Callable[..., Any]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__
        self.__name__: str = flow.__name__
        self.__qualname__: str = flow.__qualname__
        self.__module__ = flow.__module__
        self.__wrapped__ = flow
        self._functions: dict[type[Mode], FunctionType] = {}

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__, self.__qualname__ = name, f"{owner.__qualname__}.{name}"

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Raise: only the resources of a client have the operation, their class does not."""
        raise TypeError(f"{self.__qualname__}() is called on a client's resource, not on the class.")

    def _form(self, mode: type[Mode]) -> Form:
        raise NotImplementedError

    def _bind(self, resource: APIResource[Any] | None, owner: Any) -> Any:
        if resource is None:  # only classes of clients have a mode
            return self._function(owner._mode) if hasattr(owner, "_mode") else self
        mode = resource._context.mode
        return MethodType(self._functions.get(mode) or self._function(mode), resource)

    def _function(self, mode: type[Mode]) -> FunctionType:
        form = self._form(mode)
        function = compile_function(self.flow, form)
        modules = [*self._modules, *(each.__module__ for each in type(self).__mro__ if issubclass(each, Method))]
        shown = shown_method(self.flow, form.returns, *modules)
        function.__name__, function.__qualname__, function.__doc__ = self.__name__, self.__qualname__, self.__doc__
        function.__module__, function.__annotations__ = self.__module__, shown.__annotations__
        vars(function)["__wrapped__"] = shown
        return self._functions.setdefault(mode, function)


class operation(Method[P, T]):  # noqa: N801 - a decorator
    """Turn a generator method that returns ``Flow[T]`` into an operation."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        super().__init__(flow)
        self._result = result_of(flow, "Flow")

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
        return self._bind(resource, owner)

    def _form(self, mode: type[Mode]) -> Form:
        returns = f"APIResponse[{self._result}]" if mode.raw else self._result
        return Form(returns, _call, mode.asynchronous)


def _call(resource: APIResource[Any], flow: Flow[Any]) -> Any:
    return resource._context.call(resource._redact_errors(flow))


class listing(Method[P, T]):  # noqa: N801 - a decorator
    """Turn a method that returns ``Pages[T]`` into one that returns a ``Pager[T]`` or an ``AsyncPager[T]``."""

    def __init__(self, pages: Callable[Concatenate[Any, P], Pages[T]]) -> None:
        super().__init__(pages)
        self._item = result_of(pages, "Pages")

    @overload
    def __get__(self, resource: None, owner: Any) -> listing[P, T]: ...
    @overload
    def __get__(self, resource: APIResource[Sync], owner: Any) -> Callable[P, Pager[T]]: ...
    @overload
    def __get__(self, resource: APIResource[Async], owner: Any) -> Callable[P, AsyncPager[T]]: ...
    @overload
    def __get__(self, resource: APIResource[RawSync], owner: Any) -> Callable[P, APIResponse[Page[T]]]: ...
    @overload
    def __get__(
        self, resource: APIResource[RawAsync], owner: Any
    ) -> Callable[P, Coroutine[Any, Any, APIResponse[Page[T]]]]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        return self._bind(resource, owner)

    def _form(self, mode: type[Mode]) -> Form:
        from simstudio.core.paging import AsyncPager, Pager

        if mode.raw:
            return Form(f"APIResponse[Page[{self._item}]]", _first_page, mode.asynchronous)
        kind = AsyncPager if mode.asynchronous else Pager
        return Form(f"{kind.__name__}[{self._item}]", kind)


def _first_page(resource: APIResource[Any], pages: Pages[Any]) -> Any:
    return resource._context.call(resource._redact_errors(pages.fetch(pages.start)))


def result_of(flow: Callable[..., Any], wrapper: str) -> str:
    """Return the T of a method annotated with ``wrapper[T]``; the wrapper may be nested, as ``Flow[OpenedStream``.

    Raises:
        TypeError: The annotation differs, or the module lacks ``from __future__ import annotations``.
    """
    annotation = flow.__annotations__.get("return")
    end = "]" * (wrapper.count("[") + 1)
    if not (isinstance(annotation, str) and annotation.startswith(f"{wrapper}[") and annotation.endswith(end)):
        raise TypeError(f"{flow.__qualname__} must be annotated '{wrapper}[…{end}', not {annotation!r}.")
    return annotation[len(wrapper) + 1 : -len(end)]
