"""``Pages``: all items of a list, fetched page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from simstudio.core.paging import Walk
from simstudio.transport.errors import ConfigurationError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow

T = TypeVar("T")


class Pages(Generic[T]):
    """All items of a list: ``for`` on a sync client, ``async for`` on an async one.

    The first page is fetched when the first item is needed. Each iteration starts anew.

    Args:
        resource: Namespace whose client fetches the pages.
        fetch: Makes the flow of one page from its number, from 1.
        items: Attribute of a page that holds the items.
        page_size: Items of a full page.
    """

    def __init__(
        self, resource: APIResource[Any], fetch: Callable[[int], Flow[Any]], items: str, page_size: int
    ) -> None:
        self._resource = resource
        self._fetch = fetch
        self._items = items
        self._page_size = page_size

    def __iter__(self) -> Iterator[T]:
        context = self._resource._context
        if context.mode.asynchronous:
            raise ConfigurationError("This client is async: iterate with `async for`.")
        number, walk = 1, Walk(1)
        while True:
            page = context.run(self._resource._redact_errors(self._fetch(number)))
            items = getattr(page, self._items)
            yield from items
            if self._is_last(page, number, len(items)):
                return
            number += 1
            walk.go_on(items, number)

    async def __aiter__(self) -> AsyncIterator[T]:
        context = self._resource._context
        if not context.mode.asynchronous:
            raise ConfigurationError("This client is not async: iterate with `for`.")
        number, walk = 1, Walk(1)
        while True:
            page = await context.run(self._resource._redact_errors(self._fetch(number)))
            items = getattr(page, self._items)
            for item in items:
                yield item
            if self._is_last(page, number, len(items)):
                return
            number += 1
            walk.go_on(items, number)

    def _is_last(self, page: Any, number: int, count: int) -> bool:
        """Whether a page is the last. An empty one always is, so that no server makes this endless."""
        pages, total = getattr(page, "page_count", None), page.total
        if count == 0:
            return True
        if type(pages) is int:
            return number >= pages
        if type(total) is int:
            return number * self._page_size >= total
        return count < self._page_size

    def __repr__(self) -> str:
        return f"<Pages of {self._resource!r}>"
