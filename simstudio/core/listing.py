"""``@listing``: turns a method that returns :class:`~simstudio.core.paging.Pages` into one that returns a pager."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar, overload

from simstudio.core.functions import Form
from simstudio.core.modes import APIResponse, Async, Mode, RawAsync, RawSync, Sync
from simstudio.core.operation import Method, result_of

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.paging import AsyncPager, Page, Pager, Pages
    from simstudio.core.resource import APIResource

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


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
