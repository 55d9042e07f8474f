"""Imports of CSV files into tables, and exports of tables, whose files no API key can fetch, as on a real server."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simstudio.resources.v2.table_exports import TableExports
from simstudio.resources.v2.table_imports import TableImports
from simstudio.sandbox.checks import ListOf, Nullable, Number, OneOf, Optional, Record, Shape, Tagged, Text
from simstudio.sandbox.data import columns, rows
from simstudio.sandbox.data.csvfiles import CSVFile, NoRowsError, column_name
from simstudio.sandbox.data.table_transfers import Export, Import
from simstudio.sandbox.definitions.folders import ROOT
from simstudio.sandbox.engine import RESTARTED
from simstudio.sandbox.families import V2, Legacy
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2 import table_runs
from simstudio.sandbox.v2.answers import data
from simstudio.sandbox.v2.table_requests import TABLE_NAME, check_lock, find_table, invalid_at, table_of
from simstudio.sandbox.v2.uploads import PART_NUMBERS, find_upload, part_urls, present_upload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.tables import Column, Table

_LARGEST = 5 * 1024**3
_ROWS_AT_ONCE = 1000
_MOST_AT_ONCE = 10_000
_HOUR = 3600.0
_SOURCE = Tagged(
    "type",
    {
        "upload": Shape(
            {
                "type": Text(),
                "name": Text(least=(1, None)),
                "contentType": Text(least=(1, None)),
                "size": Number(
                    least=(1, None), most=(_LARGEST, "File exceeds maximum allowed size of 5 GB"), whole=True
                ),
            },
            "refuse",
        ),
        "workspace_file": Shape({"type": Text(), "fileId": Text(least=(1, None))}, "refuse"),
    },
)
_TARGET = Tagged(
    "type",
    {
        "new": Shape({"type": Text(), "name": TABLE_NAME, "folderPath": Optional(Text())}, "refuse"),
        "existing": Shape(
            {"type": Text(), "tableId": Text(least=(1, None)), "mode": OneOf(("append", "replace"))}, "refuse"
        ),
    },
)
_TYPES = {".csv": "text/csv", ".tsv": "text/tab-separated-values"}


# -- imports --------------------------------------------------------------------------------------------------------


@V2().serves(
    TableImports.create,
    own={
        "source": _SOURCE,
        "target": _TARGET,
        "mapping": Optional(Record(values=Nullable(Text()))),
        "createColumns": Optional(ListOf(item=Text())),
    },
)
def create_import(call: Call) -> Reply:
    """Begin an import; that of a file of the workspace starts at once."""
    body = call.body
    source, target = body["source"], body["target"]
    for name in ("mapping", "createColumns"):
        if target["type"] == "new" and name in body:
            raise invalid_at(f"{name} is only supported for an existing table target", name)
    workspace_id = call.workspace(body["workspaceId"], is_hidden=False)
    if "timezone" in body:
        _check_zone(body["timezone"])
    made = Import(workspace_id=workspace_id, status="uploading", created=call.core.clock(), options=_options(body))
    if target["type"] == "existing":
        made.table_id = _require_table(call, made).id
    else:
        call.core.data.tables.folders(workspace_id).require(target.get("folderPath", ROOT))
    imports = call.core.data.imports
    if source["type"] == "upload":
        _check_kind(source["name"], source["contentType"])
        made.upload = call.core.data.uploads.open(
            "import", workspace_id, source["name"], source["contentType"], source["size"]
        )
        made.id = made.upload.id
        imports[made.id] = made
        return present_upload(call, made.upload, made.to_dict())
    file = call.core.data.files_of(workspace_id).get(source["fileId"])
    _check_kind(file.name, file.kind)
    imports[made.id] = made
    _begin(call, made, file.name, file.content)
    return data({"session": made.to_dict(), "uploadToken": None, "transfer": None}, 201)


@V2().serves(TableImports.get)
def get_import(call: Call) -> Reply:
    """One import; while it is uploaded only with its token."""
    return data(_import(call).to_dict())


@V2().serves(TableImports.cancel)
def cancel_import(call: Call) -> Reply:
    """Cancel an import; rows that are written stay."""
    found = _import(call)
    if found.is_done:
        raise Refusal(409, f"Table import is {found.status}")
    if found.upload is not None and found.status == "uploading":
        found.upload.abort()
    found.end("canceled", call.core.clock())
    return data(found.to_dict())


@V2().serves(TableImports.create_part_urls, own={"partNumbers": PART_NUMBERS})
def create_part_urls(call: Call) -> Reply:
    """The addresses of parts."""
    return part_urls(call, find_upload(call, "import", "importId"))


@V2().serves(TableImports.complete)
def complete_import(call: Call) -> Reply:
    """Start an import whose bytes have arrived; a repeated request returns its state."""
    upload = find_upload(call, "import", "importId")
    found: Import = call.core.data.imports[upload.id]
    upload.complete(lambda content: _begin(call, found, upload.name, content))
    return data(found.to_dict())


def _options(body: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "workspaceId"}


def _check_kind(name: str, content_type: str) -> None:
    if not name.lower().endswith(tuple(_TYPES)) and content_type not in _TYPES.values():
        raise Refusal(400, "Only CSV and TSV files are supported")


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid_at("Invalid IANA timezone", "timezone") from None


def _require_table(call: Call, found: Import) -> Table:
    """The table that an import appends to or replaces.

    Raises:
        Refusal: 404 or 423.
    """
    table = find_table(call, found.workspace_id, found.target["tableId"])
    check_lock(table, "insert")
    if found.target["mode"] == "replace":
        check_lock(table, "delete")
    return table


def _import(call: Call) -> Import:
    found = call.core.data.imports.get(call.path["importId"])
    is_hidden = found is None or found.workspace_id != call.query["workspaceId"] or call.key == "outsider"
    if found is not None and found.upload is not None and found.status == "uploading":
        is_hidden = is_hidden or call.request.headers.get("upload-token") != found.upload.token
    if found is None or is_hidden:
        raise Refusal(404, "Table import not found")
    return found


def _begin(call: Call, found: Import, name: str, content: bytes) -> None:
    """Make the table if it is a new one, and write the rows in the background.

    Raises:
        Refusal: 409, the name of the new table is taken; 404, the table is gone.
    """
    core = call.core
    is_tsv = name.lower().endswith(".tsv") or found.options["source"].get("contentType") == _TYPES[".tsv"]
    try:
        file, problem = CSVFile.parse(content, is_tsv=is_tsv), None
    except NoRowsError as error:
        file, problem = CSVFile(["column"], ()), str(error)
    if found.target["type"] == "new":
        names = dict.fromkeys(file.header)
        made = {column.name.lower(): column for column in map(file.infer_column, names)}
        table = core.data.tables.add(
            found.workspace_id,
            found.target["name"],
            f"Imported from {name}",
            list(made.values()),
            found.target.get("folderPath", ROOT),
        )
        found.table_id = table.id
    else:
        table = _require_table(call, found)
    found.status, found.created = "processing", core.clock()
    if problem is None and not file.lines:
        problem = "CSV file has no data rows"
    core.engine.spawn(_write(core, table, found, file, problem))


async def _write(core: Core, table: Table, found: Import, file: CSVFile, problem: str | None) -> None:
    """Write the rows of a file, in batches as large as a request; a batch that does not fit ends the import."""
    try:
        if problem is not None:
            raise NoRowsError(problem)
        made = file.rows(_map_columns(core, table, found, file), found.options.get("timezone"))
        if found.target.get("mode") == "replace":
            rows.delete(table, list(table.rows))
        while batch := list(islice(made, _ROWS_AT_ONCE)):
            if found.is_done:
                break
            _insert(core, table, found, batch)
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        found.end("failed", core.clock(), RESTARTED)
        raise
    except NoRowsError as error:
        found.end("failed", core.clock(), str(error))
    except Refusal as refusal:
        found.end("failed", core.clock(), refusal.message)
    else:
        if not found.is_done:
            found.end("completed", core.clock())


def _insert(core: Core, table: Table, found: Import, batch: Sequence[dict[str, object]]) -> None:
    try:
        added = rows.insert_many(table, batch, core.clock())
    except Refusal as refusal:
        wrong = refusal.details[0] if isinstance(refusal.details, list) else None
        text = f"Row {found.rows + wrong['row'] + 1}: {wrong['errors'][0]}" if wrong else refusal.message
        raise NoRowsError(text) from None
    table_runs.run_in_new_rows(core, table, added)
    found.rows += len(added)
    found.updated = core.clock()


def _map_columns(core: Core, table: Table, found: Import, file: CSVFile) -> list[tuple[str, Column]]:
    """The columns of a file, and those of the table that they fill; new ones are made.

    Raises:
        NoRowsError: The mapping names a column that is not there.
    """
    created = found.options.get("createColumns", ())
    for name in created:
        if name not in file.header:
            raise NoRowsError(f"Columns to create are not in the file: {name}")
        columns.add(table, file.infer_column(name), None, core.clock())
    known = {column.name: column for column in table.columns}
    given = found.options.get("mapping", {})
    unknown = sorted({target for target in given.values() if target is not None and target not in known})
    if unknown:
        raise NoRowsError(f"Mapping references columns that do not exist: {', '.join(unknown)}")
    targets = {name: given[name] if name in given else _same(known, name) for name in file.header}
    return [(name, known[target]) for name, target in targets.items() if target is not None]


def _same(known: dict[str, Column], header: str) -> str | None:
    """The column of the same name, which a column of the file fills without a mapping."""
    wanted = {header.strip().lower(), column_name(header).lower()}
    return next((name for name in known if name.lower() in wanted), None)


# -- exports --------------------------------------------------------------------------------------------------------


@V2().serves(TableExports.create, {"format": "csv"})
def create_export(call: Call) -> Reply:
    """Begin an export; up to 10,000 rows it is completed at once."""
    core, table = call.core, table_of(call, call.body["workspaceId"])
    kind = call.body["format"]
    made = Export(
        workspace_id=table.workspace_id,
        status="queued",
        created=core.clock(),
        table_id=table.id,
        format=kind,
        file_name=f"{table.name}.{kind}",
    )
    core.data.exports[made.id] = made
    if len(table.rows) <= _MOST_AT_ONCE:
        made.rows = len(table.rows)
        made.end("completed", core.clock())
    else:
        core.engine.spawn(_export(core, table, made))
    return data(made.to_dict(), 201)


@V2().serves(TableExports.get)
def get_export(call: Call) -> Reply:
    """One export."""
    return data(_export_of(call).to_dict())


@V2().serves(TableExports.cancel)
def cancel_export(call: Call) -> Reply:
    """Cancel a running export."""
    found = _export_of(call)
    if found.is_done:
        raise Refusal(409, f"Table export is {found.status}")
    found.end("canceled", call.core.clock())
    return data(found.to_dict())


@V2().serves(TableExports.download)
def download_export(call: Call) -> Reply:
    """The address of the file, which needs a browser session instead of an API key."""
    found = _export_of(call)
    if found.status != "completed":
        raise Refusal(409, f"Table export is {found.status}")
    key = f"workspace/{found.workspace_id}/exports/{found.table_id}/{found.id}/{found.file_name}"
    return data(
        {
            "url": f"{call.core.base_url(call.request)}/api/files/serve/{quote(key, safe='')}",
            "fileName": found.file_name,
            "expiresAt": iso(call.core.clock() + _HOUR),
        }
    )


@Legacy("jobs", "v1").operation("GET", "/api/files/serve/{key:path}")
def serve_file(call: Call) -> Reply:
    """Files on local storage, for which API keys are refused."""
    del call
    raise Refusal(401, "Unauthorized")


def _export_of(call: Call) -> Export:
    table = table_of(call, call.query["workspaceId"])
    found = call.core.data.exports.get(call.path["exportId"])
    if found is None or found.table_id != table.id:
        raise Refusal(404, "Table export not found")
    return found


async def _export(core: Core, table: Table, made: Export) -> None:
    made.status = "processing"
    try:
        while made.rows < len(table.rows) and not made.is_done:
            made.rows = min(made.rows + _ROWS_AT_ONCE, len(table.rows))
            made.updated = core.clock()
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        made.end("failed", core.clock(), RESTARTED)
        raise
    if not made.is_done:
        made.end("completed", core.clock())
