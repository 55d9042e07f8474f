"""Lists that come in pages: a pair of thin shells around one sans-IO core.

Every list of the API is a :class:`Pager` (an :class:`AsyncPager` on an async client), whatever the server pages by:
cursors, offsets, or dates::

    for workflow in client.v2.workflows.list("workspace-id"):
        print(workflow.name)

Nothing is sent before the first item, page or :meth:`Pager.page` is asked for, and no page is fetched before it is
needed. A short or an empty page is not the end: the end is a page without ``next_cursor``. Each iteration starts anew.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@attrs.frozen
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: What is on it; may be few or none although more follow.
        next_cursor: Give it as ``cursor=`` to the same list to go on after this page; None at the end. It is opaque and
            belongs to the filters and the order of its list.
        extra: What the answer said besides, under its wire names: ``limits`` (v1), ``totalCount``, ``scope`` …
    """

    items: list[T]
    next_cursor: str | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict)


class Pages(ABC, Generic[T]):
    """Where the pages of one list come from, without I/O.

    Attributes:
        start: The cursor to begin with; None is the beginning.
    """

    def __init__(self, start: str | None = None) -> None:
        self.start = start

    @abstractmethod
    def fetch(self, cursor: str | None) -> Flow[Page[T]]:
        """The flow of the page at a cursor."""

    def after(self, cursor: str | None, page: Page[T]) -> str | None:
        """The cursor that follows a page, None at the end.

        Raises:
            InvalidResponseError: It is the page's own: following it would never end.
        """
        if page.next_cursor is not None and page.next_cursor == cursor:
            raise InvalidResponseError(
                f"The server names a page as its own successor (cursor {cursor!r}), so the list has no end. What came "
                "before is yours; go on with other filters, or report it."
            )
        return page.next_cursor


class _Shell(Generic[T]):
    """What both shells share."""

    def __init__(self, resource: APIResource[Any], core: Pages[T]) -> None:
        self._resource = resource
        self._core = core

    def _run(self, cursor: str | None) -> Any:
        resource = self._resource
        return resource._context.run(resource._guarded(self._core.fetch(cursor)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._resource!r}>"


class Pager(_Shell[T], Generic[T]):
    """The items of a list, over all its pages; see the module."""

    def __iter__(self) -> Iterator[T]:
        """Every item, from the beginning; a page is fetched when its first item is asked for.

        Raises:
            SimStudioError: A page could not be fetched.
        """
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """Page by page.

        Raises:
            SimStudioError: A page could not be fetched.

        Example:
            >>> for page in client.v2.workflows.list("workspace-id").pages():  # doctest: +SKIP
            ...     save(page.items, resume_from=page.next_cursor)
        """
        cursor = self._core.start
        while True:
            page: Page[T] = self._run(cursor)
            yield page
            following = self._core.after(cursor, page)
            if following is None:
                return
            cursor = following

    def page(self) -> Page[T]:
        """The first page only.

        Raises:
            SimStudioError: It could not be fetched.

        Example:
            >>> client.v2.workflows.list("workspace-id", limit=10).page().next_cursor  # doctest: +SKIP
        """
        page: Page[T] = self._run(self._core.start)
        return page


class AsyncPager(_Shell[T], Generic[T]):
    """The items of a list, over all its pages, awaited; otherwise like :class:`Pager`.

    The call that makes it is not awaited: ``async for workflow in client.v2.workflows.list("workspace-id")``.
    """

    async def __aiter__(self) -> AsyncIterator[T]:
        """Every item, from the beginning; a page is fetched when its first item is asked for."""
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page by page."""
        cursor = self._core.start
        while True:
            page: Page[T] = await self._run(cursor)
            yield page
            following = self._core.after(cursor, page)
            if following is None:
                return
            cursor = following

    async def page(self) -> Page[T]:
        """The first page only."""
        page: Page[T] = await self._run(self._core.start)
        return page
