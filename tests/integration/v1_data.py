"""The recordings of ``client.v1.tables``, ``client.v1.files`` and ``client.v1.knowledge``, and the call of each."""

from __future__ import annotations

import json
import re
from typing import Any

from attrs import frozen

import simstudio as sim
from simstudio.models.v1 import files, knowledge, tables
from tests.integration.executions import Key
from tests.integration.replaying import V06, body_of
from tests.recorded import Recording, recordings


@frozen
class Called:
    """The method that sends a route.

    Attributes:
        attribute: dotted from ``client.v1``.
        model: what it gives, or what its pages hold.
        at: where in the answer that is.
        paged: whether it is a list.
    """

    attribute: str
    model: Any
    at: tuple[str, ...] = ("data",)
    paged: bool = False


_TABLE, _ROWS = "/api/v1/tables/([^/]+)", "/api/v1/tables/([^/]+)/rows"
_BASE, _DOCUMENTS = "/api/v1/knowledge/([^/]+)", "/api/v1/knowledge/([^/]+)/documents"

METHODS: dict[tuple[str, str], Called] = {
    ("GET", "/api/v1/tables"): Called("tables.list", tables.Table, ("data", "tables"), paged=True),
    ("POST", "/api/v1/tables"): Called("tables.create", tables.Table, ("data", "table")),
    ("GET", _TABLE): Called("tables.get", tables.Table, ("data", "table")),
    ("DELETE", _TABLE): Called("tables.delete", tables.DeletedTable),
    ("POST", f"{_TABLE}/columns"): Called("tables.columns.add", list[tables.TableColumn], ("data", "columns")),
    ("PATCH", f"{_TABLE}/columns"): Called("tables.columns.update", list[tables.TableColumn], ("data", "columns")),
    ("DELETE", f"{_TABLE}/columns"): Called("tables.columns.delete", list[tables.TableColumn], ("data", "columns")),
    ("GET", _ROWS): Called("tables.rows.list", tables.TableRow, ("data", "rows"), paged=True),
    ("POST", _ROWS): Called("tables.rows.insert", tables.TableRow, ("data", "row")),
    ("PUT", _ROWS): Called("tables.rows.update_many", tables.UpdatedRows),
    ("PATCH", _ROWS): Called("tables.rows.batch_update", tables.UpdatedRows),
    ("DELETE", _ROWS): Called("tables.rows.delete_many", tables.DeletedRows),
    ("POST", f"{_ROWS}/upsert"): Called("tables.rows.upsert", tables.UpsertedRow),
    ("GET", f"{_ROWS}/([^/]+)"): Called("tables.rows.get", tables.TableRow, ("data", "row")),
    ("PATCH", f"{_ROWS}/([^/]+)"): Called("tables.rows.update", tables.TableRow, ("data", "row")),
    ("DELETE", f"{_ROWS}/([^/]+)"): Called("tables.rows.delete", tables.DeletedRow),
    ("GET", "/api/v1/files"): Called("files.list", files.WorkspaceFile, ("data", "files"), paged=True),
    ("POST", "/api/v1/files"): Called("files.upload", files.WorkspaceFile, ("data", "file")),
    ("GET", "/api/v1/files/([^/]+)"): Called("files.download", sim.Download),
    ("DELETE", "/api/v1/files/([^/]+)"): Called("files.delete", files.DeletedFile),
    ("GET", "/api/v1/knowledge"): Called(
        "knowledge.list", knowledge.KnowledgeBase, ("data", "knowledgeBases"), paged=True
    ),
    ("POST", "/api/v1/knowledge"): Called("knowledge.create", knowledge.KnowledgeBase, ("data", "knowledgeBase")),
    ("POST", "/api/v1/knowledge/search"): Called("knowledge.search", knowledge.KnowledgeSearch),
    ("GET", _BASE): Called("knowledge.get", knowledge.KnowledgeBase, ("data", "knowledgeBase")),
    ("PUT", _BASE): Called("knowledge.update", knowledge.KnowledgeBase, ("data", "knowledgeBase")),
    ("DELETE", _BASE): Called("knowledge.delete", knowledge.DeletedKnowledgeBase),
    ("GET", _DOCUMENTS): Called("knowledge.documents.list", knowledge.Document, ("data", "documents"), paged=True),
    ("POST", _DOCUMENTS): Called("knowledge.documents.upload", knowledge.Document, ("data", "document")),
    ("GET", f"{_DOCUMENTS}/([^/]+)"): Called(
        "knowledge.documents.get", knowledge.DocumentDetails, ("data", "document")
    ),
    ("DELETE", f"{_DOCUMENTS}/([^/]+)"): Called("knowledge.documents.delete", knowledge.DeletedDocument),
}

INSERT_MANY = Called("tables.rows.insert_many", tables.InsertedRows)
"""What sends several rows to the route of ``tables.rows.insert``."""

REFUSED_UNSENT: dict[int, str] = {
    196: "workspace_id",
    204: "workspace_id",
    225: "rows must have from 1 to 1,000 items",
    226: "data",
    234: "filter must be",
    239: "limit must be a whole number",
    255: "data",
    269: "file",
    275: "workspace_id",
    279: "workspace_id",
    284: "workspace_id",
    295: "file",
    297: "limit must be from 1 to 100",
}
"""What the server was sent and refused, and the methods do not send: what their error says."""

CANNOT_BE_SAID = {200, 270}
"""Bodies that are no JSON, or no form: no argument says them."""


def route_of(recorded: Recording) -> tuple[Called, tuple[str, ...]] | None:
    """The method of a recording's route, and the ids in its path; None of other routes."""
    for (verb, pattern), called in METHODS.items():
        found = re.fullmatch(pattern, recorded.path)
        if verb == recorded.method and found is not None:
            several = called.attribute == "tables.rows.insert" and "rows" in body_of(recorded)
            return INSERT_MANY if several else called, found.groups()
    return None


def method_of(recorded: Recording) -> Called:
    """The method of a recording of these routes."""
    found = route_of(recorded)
    assert found is not None, f"{recorded} is of another route"
    return found[0]


ROUTED = {recorded.number: recorded for recorded in recordings(V06) if route_of(recorded) is not None}
TYPED: dict[Key, Recording] = {
    (V06, number): recorded
    for number, recorded in ROUTED.items()
    if number not in REFUSED_UNSENT and number not in CANNOT_BE_SAID
}
"""The recordings that the methods play."""


def call(client: Any, recorded: Recording, **others: Any) -> Any:
    """What a client gives for the arguments that were recorded, and others; the first page of a list."""
    found = route_of(recorded)
    assert found is not None, f"{recorded} is of another route"
    called, ids = found
    method = client.v1
    for name in called.attribute.split("."):
        method = getattr(method, name)
    given = method(*ids, **{**arguments(recorded), **others})
    return given.page() if called.paged else given


def arguments(recorded: Recording) -> dict[str, Any]:
    """The keyword arguments that say a recording's query and body."""
    found: dict[str, Any] = {}
    for name, values in recorded.query.items():
        (value,) = values
        found[snake(name)] = _read(name, value)
    if recorded.request_body and b"form-data" in recorded.request_body:
        found.update(form_of(recorded.request_body))
    elif recorded.request_body:
        found.update({snake(name): value for name, value in body_of(recorded).items()})
    if recorded.path.endswith("/rows") and recorded.method == "GET":
        found.setdefault("limit", None)  # all at once, as the recordings' caller had it
    return found


def _read(name: str, value: str) -> Any:
    if name in ("filter", "sort", "limit", "offset"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def form_of(body: bytes) -> dict[str, Any]:
    """The fields of a recorded form; the file as ``(name, content, media type)``."""
    boundary = body.split(b"\r\n", 1)[0]
    found: dict[str, Any] = {}
    for part in body.split(boundary)[1:-1]:
        head, _, content = part[2:-2].partition(b"\r\n\r\n")
        said = dict(re.findall(r' (name|filename)="([^"]*)"', head.decode()))
        if "filename" in said:
            found[said["name"]] = (said["filename"], content, head.decode().rpartition("Content-Type: ")[2])
        else:
            found[snake(said["name"])] = content.decode()
    return found
