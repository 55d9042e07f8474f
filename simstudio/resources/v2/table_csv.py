"""``client.v2.tables.export_csv``: a table as a CSV file, from the server's export or from the rows."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from simstudio.core.disk import NewFile
from simstudio.core.downloads import write_body
from simstudio.core.notices import notify
from simstudio.models.v2.table_rows import TableRow
from simstudio.models.v2.table_transfers import TableExport, TableExportDownload
from simstudio.models.v2.tables import TableColumn
from simstudio.resources.v2.table_exports import TableExports
from simstudio.resources.v2.table_rows import TableRows
from simstudio.resources.v2.transfers import check_address
from simstudio.transport.deadline import Budget
from simstudio.transport.flow import Blocking, Call, Flow
from simstudio.transport.message import Headers, Request

if TYPE_CHECKING:
    from simstudio.core.paging import Page, Pages

_ROWS_AT_ONCE: Final = 1000
_FOR_BROWSERS: Final = "/api/files/serve/"
"""Route of a server that stores files on its own disk; it refuses API keys."""


class ExportFromRowsWarning(UserWarning):
    """Warning that a file was written from the rows, because the server's export cannot be fetched with an API key."""


def export_table(
    exports: TableExports[Any],
    rows: TableRows[Any],
    table_id: str,
    path: str | os.PathLike[str],
    *,
    workspace_id: str,
    overwrite: bool,
    timeout: float | None,
    on_progress: Callable[[int], Any] | None,
) -> Flow[Path]:
    """Export a table; the arguments are those of :meth:`simstudio.resources.v2.tables.Tables.export_csv`."""
    file = NewFile(Path(path), overwrite=overwrite)
    try:
        yield Blocking(file.open)  # an existing file is refused before the server works
        url = yield from _make_export(exports, table_id, workspace_id, timeout, on_progress)
        if _FOR_BROWSERS in urlsplit(url.url).path:
            notify(
                "This server keeps exports where no API key can fetch them: the file is written from the rows, "
                "page by page.",
                ExportFromRowsWarning,
            )
            yield from _write_rows(file, rows, table_id, workspace_id, on_progress)
        else:
            yield from _fetch(file, exports, url)
        yield Blocking(file.finish)
    finally:
        file.discard()
    return file.path


def _make_export(
    exports: TableExports[Any],
    table_id: str,
    workspace_id: str,
    timeout: float | None,
    on_progress: Callable[[int], Any] | None,
) -> Flow[TableExportDownload]:
    """Export the table on the server, and return the address of the file."""
    export: TableExport = yield from TableExports.create.flow(
        exports, table_id, workspace_id=workspace_id, format="csv"
    )
    handle = exports.handle(table_id, export.id, workspace_id=workspace_id)
    handle.state = export
    report = None if on_progress is None else lambda state: on_progress(state.rows_processed)
    yield from handle._await(timeout, report, None)
    found: TableExportDownload = yield from TableExports.download.flow(
        exports, table_id, export.id, workspace_id=workspace_id
    )
    return found


def _fetch(file: NewFile, exports: TableExports[Any], found: TableExportDownload) -> Flow[None]:
    """Fetch the file of an export, without the API key."""
    check_address(found)
    context = exports._context
    request = Request(
        "GET",
        found.url,
        Headers({"User-Agent": context.defaults["User-Agent"], "Accept-Encoding": "identity"}),
        resend="read",
        streamed=True,
        budget=Budget(idle=context.options.timeout, connect=context.options.timeout),
        max_retries=context.options.max_retries,
        anonymous=True,
    )
    response = yield from context.session.send(request)
    response.url = response.url.partition("?")[0]  # the query permits the download
    if not response.ok:
        raise exports._error(response)
    yield from write_body(response, file)


def _write_rows(
    file: NewFile,
    rows: TableRows[Any],
    table_id: str,
    workspace_id: str,
    on_progress: Callable[[int], Any] | None,
) -> Flow[None]:
    """Write the rows of a table, page by page."""
    columns = (yield from rows._fetch_table(table_id, workspace_id)).schema.columns
    yield Blocking(file.write, format_lines([[column.name for column in columns]]))
    pages: Pages[TableRow] = TableRows.list.flow(
        rows, table_id, workspace_id=workspace_id, limit=_ROWS_AT_ONCE, cursor=None, include_run_state=None
    )
    count = 0

    def write(page: Page[TableRow]) -> Flow[None]:
        nonlocal count
        yield Blocking(file.write, format_lines(_format_row(columns, row) for row in page.items))
        count += len(page.items)
        if on_progress is not None:
            yield Call(on_progress, count)

    yield from pages.each(write)


def _format_row(columns: Sequence[TableColumn], row: TableRow) -> list[str]:
    return [format_cell(column, row.data.get(column.name)) for column in columns]


def format_cell(column: TableColumn, value: Any) -> str:
    """Format a value as the server's export does: choices joined by commas, JSON as text, null as an empty cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if column.type == "select" and isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def format_lines(lines: Iterable[Sequence[str]]) -> bytes:
    """Format cells as CSV in UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode("utf-8", "replace")
