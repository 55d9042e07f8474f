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
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

import attrs

from simstudio.transport.errors import InvalidResponseError
from simstudio.transport.flow import Blocking

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Self

    from simstudio.core.frames import Layout
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow

Library: TypeAlias = Literal["pandas", "polars", "arrow"]
"""The libraries of data frames."""

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

    def _shown_fields(self) -> Iterator[tuple[str, Any]]:
        yield "items", self.items
        for name in ("next_cursor", "extra"):
            if getattr(self, name):
                yield name, getattr(self, name)

    def __repr__(self) -> str:
        """Short: of many items, and of their fields, the first ones."""
        from simstudio.core.display import model_repr

        return model_repr(self)

    def _repr_html_(self) -> str:
        from simstudio.core.display import rows_html
        from simstudio.core.model import Model

        rows = [
            item._attributes_to_show() if isinstance(item, Model) else item if isinstance(item, Mapping) else {"": item}
            for item in self.items
        ]
        return rows_html(f"{len(self.items)} items", rows)


class Pages(ABC, Generic[T]):
    """The source of the pages of one list, without I/O.

    Attributes:
        into: Class of the items.
        start: Cursor of the first page; None for the beginning of the list.
    """

    def __init__(self, into: type[T], start: str | None = None) -> None:
        self.into = into
        self.start = start
        self._layout: Callable[[], Flow[Layout]] | None = None

    @abstractmethod
    def fetch(self, cursor: str | None) -> Flow[Page[T]]:
        """Return the flow that fetches the page at a cursor."""

    def each(self, use: Callable[[Page[T]], Flow[Any]]) -> Flow[None]:
        """Fetch all pages, and run the flow that ``use`` makes of each."""
        cursor, walk = self.start, Walk(self.start)
        while True:
            page = yield from self.fetch(cursor)
            yield from use(page)
            cursor = page.next_cursor
            if cursor is None:
                return
            walk.go_on(page.items, cursor)

    def laid_out(self, layout: Callable[[], Flow[Layout]]) -> Self:
        """Have data frames the columns that a flow finds, instead of the fields of the items."""
        self._layout = layout
        return self

    def to_dataframe(self, library: Library, columns: Sequence[str] | None) -> Flow[Any]:
        """Make a data frame of the items of all pages."""
        from simstudio.core.frame_libraries import import_library
        from simstudio.core.frames import FrameBuilder, Layout, UntypedColumnWarning
        from simstudio.core.notices import notify

        yield Blocking(import_library, library)
        layout = Layout.of(self.into) if self._layout is None else (yield from self._layout())
        layout = layout.select(columns)
        builder = FrameBuilder(library, layout.columns)

        def add(page: Page[T]) -> Flow[None]:
            yield Blocking(builder.add, map(layout.read, page.items))

        yield from self.each(add)
        frame = yield Blocking(builder.finish)
        for problem in builder.problems:
            notify(problem, UntypedColumnWarning)
        return frame


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
        return self._run(self._core.fetch(cursor))

    def _run(self, flow: Flow[Any]) -> Any:
        resource = self._resource
        return resource._context.run(resource._redact_errors(flow))

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

    def to_dataframe(self, library: Library = "pandas", *, columns: Sequence[str] | None = None) -> Any:
        """Make a data frame of all items, one row each: a pandas or polars DataFrame, or an Arrow table.

        Its columns are the fields of the items; those with several values hold JSON data. A list of a table's rows has
        the columns and types of the table, which are requested first. :mod:`simstudio.core.frames` lists the types.

        Args:
            library: ``pandas``, ``polars`` or ``arrow``; it must be installed.
            columns: Names of the columns; default: all. Of a table's rows also ``id``, ``created_at`` and
                ``updated_at``.

        Raises:
            ConfigurationError: The library is not installed.
            InvalidInputError: A column does not exist.

        Warns:
            UntypedColumnWarning: A value does not fit the type of its column.

        Example:
            >>> rows = client.v2.tables.rows.list("tbl_1", workspace_id="ws", limit=1000)  # doctest: +SKIP
            >>> rows.to_dataframe()["qty"].sum()  # doctest: +SKIP
        """
        return self._run(self._core.to_dataframe(library, columns))


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

    async def to_dataframe(self, library: Library = "pandas", *, columns: Sequence[str] | None = None) -> Any:
        """Make a data frame of all items, as :meth:`Pager.to_dataframe` does."""
        return await self._run(self._core.to_dataframe(library, columns))
