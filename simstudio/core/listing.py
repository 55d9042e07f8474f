"""``@listing``: a method that gives a pager of the pages it returns."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar, cast, overload

from simstudio.core.modes import APIResponse, Async, RawAsync, RawSync, Sync
from simstudio.core.operation import AsyncBoundOperation, BoundOperation, _Method

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.paging import AsyncPager, Page, Pager, Pages
    from simstudio.core.resource import APIResource

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")
_PAGES = "Pages["


class listing(_Method[P, T]):  # noqa: N801 - a decorator
    """Make a list of a method that returns the :class:`~simstudio.core.paging.Pages` it is of."""

    def __init__(self, pages: Callable[Concatenate[Any, P], Pages[T]]) -> None:
        super().__init__(cast("Any", pages))

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
        if resource is None:
            return self
        context = resource._context
        return (AsyncBoundListing if context.raw and context.runner.asynchronous else BoundListing)(resource, self)


class BoundListing(BoundOperation):  # noqa: D101
    # A list of one resource: call it, and iterate over what it gives. (``with_raw_response``: its first page.)

    __slots__ = ("__doc__",)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        resource = self._resource
        from simstudio.core.paging import AsyncPager, Pager

        context = resource._context
        pages: Any = self._method.flow(resource, *args, **kwargs)
        if context.raw:
            return context.runner.call(resource._guarded(pages.fetch(pages.start)))
        return (AsyncPager if context.runner.asynchronous else Pager)(resource, pages)

    def _returns(self, annotation: Any) -> Any:
        if not (isinstance(annotation, str) and annotation.startswith(_PAGES)):
            return annotation
        item = annotation[len(_PAGES) : -1]
        context = self._resource._context
        if context.raw:
            return f"APIResponse[Page[{item}]]"
        return f"{'AsyncPager' if context.runner.asynchronous else 'Pager'}[{item}]"


class AsyncBoundListing(AsyncBoundOperation):  # noqa: D101
    # A list of an async client's ``with_raw_response``, which is awaited.

    __slots__ = ("__doc__",)
    __call__ = BoundListing.__call__
    _returns = BoundListing._returns
