"""Lists in pages: a sync and an async class around one source of pages without I/O.

Every list of the API is a :class:`Pager` (an :class:`AsyncPager` on an async client), whether the server pages by
cursors, by offsets or by dates::

    for workflow in client.v2.workflows.list("workspace-id"):
        print(workflow.name)

A page is fetched when its first item is needed; making a pager sends nothing. A short or empty page is not the end of
the list, a page without ``next_cursor`` is. Each iteration starts anew. A list that its server never ends, because
pages come again or are all empty, is given up with an InvalidResponseError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MOST_EMPTY_PAGES: Final = 1000
"""Empty pages that may follow one another. Servers that filter pages after reading them send some."""


@attrs.frozen
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: Items of the page; may be empty although more pages follow.
        next_cursor: Cursor of the next page, for ``cursor=`` of the same list with the same filters and order; None at
            the end.
        extra: Other fields of the response, under their wire names: ``limits`` (v1), ``totalCount``, ``scope`` …
    """

    items: list[T]
    next_cursor: str | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict)


class Pages(ABC, Generic[T]):
    """The source of the pages of one list, without I/O.

    Attributes:
        start: Cursor of the first page; None for the beginning of the list.
    """

    def __init__(self, start: str | None = None) -> None:
        self.start = start

    @abstractmethod
    def fetch(self, cursor: str | None) -> Flow[Page[T]]:
        """Return the flow that fetches the page at a cursor."""


class Walk:
    """One walk through the pages of a list, which gives up a list whose server never ends it.

    Args:
        start: Cursor of the first page, or whatever else names a page.
    """

    def __init__(self, start: Hashable = None) -> None:
        self._seen = {start}
        self._pages = self._empty = 0
        self._kept: Sequence[object] = ()

    def go_on(self, items: Sequence[object], following: Hashable) -> None:
        """Go on to the next page.

        Args:
            items: Items of the page before it.
            following: Cursor of the next page.

        Raises:
            InvalidResponseError: The list has no end: a page comes a second time, or too many were empty.
        """
        if following in self._seen:
            raise _endless(f"names the page {str(following)[:80]!r} a second time")
        self._seen.add(following)
        self._pages += 1
        if not items:
            self._empty += 1
            if self._empty >= MOST_EMPTY_PAGES:
                raise _endless(f"sent {self._empty:,} empty pages one after another")
            return
        self._empty = 0
        if self._kept and items == self._kept:
            raise _endless("sends the same page again and again")
        # A cycle of any length comes back to a page that is kept for as many pages as came before it (Brent).
        if self._pages & (self._pages - 1) == 0:
            self._kept = items


def _endless(what: str) -> InvalidResponseError:
    return InvalidResponseError(
        f"The server {what}, so the list has no end. What came before is yours; go on with other filters, or report it."
    )


class _Shell(Generic[T]):
    """Base of both pagers."""

    def __init__(self, resource: APIResource[Any], core: Pages[T]) -> None:
        self._resource = resource
        self._core = core

    def _fetch(self, cursor: str | None) -> Any:
        resource = self._resource
        return resource._context.run(resource._redact_errors(self._core.fetch(cursor)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._resource!r}>"


class Pager(_Shell[T], Generic[T]):
    """A list: an iterable over the items of all its pages."""

    def __iter__(self) -> Iterator[T]:
        """Iterate over all items from the beginning.

        Raises:
            SimStudioError: A page could not be fetched.
        """
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """Iterate over the pages from the beginning.

        Raises:
            SimStudioError: A page could not be fetched.

        Example:
            >>> for page in client.v2.workflows.list("workspace-id").pages():  # doctest: +SKIP
            ...     save(page.items, resume_from=page.next_cursor)
        """
        cursor = self._core.start
        walk = Walk(cursor)
        while True:
            page: Page[T] = self._fetch(cursor)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
            walk.go_on(page.items, cursor)

    def page(self) -> Page[T]:
        """Fetch the first page.

        Raises:
            SimStudioError: The page could not be fetched.

        Example:
            >>> client.v2.workflows.list("workspace-id", limit=10).page().next_cursor  # doctest: +SKIP
        """
        page: Page[T] = self._fetch(self._core.start)
        return page


class AsyncPager(_Shell[T], Generic[T]):
    """A list of an async client: an async iterable; otherwise like :class:`Pager`.

    The call that makes it is not awaited: ``async for workflow in client.v2.workflows.list("workspace-id")``.
    """

    async def __aiter__(self) -> AsyncIterator[T]:
        """Iterate over all items from the beginning."""
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Iterate over the pages from the beginning."""
        cursor = self._core.start
        walk = Walk(cursor)
        while True:
            page: Page[T] = await self._fetch(cursor)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
            walk.go_on(page.items, cursor)

    async def page(self) -> Page[T]:
        """Fetch the first page."""
        page: Page[T] = await self._fetch(self._core.start)
        return page
