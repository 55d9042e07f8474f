"""The sandbox answers the recorded requests for tables, of v1 as well, as the recorded server of August 2026 did.

The requests are sent in the order in which they were recorded. Ids and tokens of the recorded server become those that
the sandbox gave in the same place. What happened between two recordings of the selection is done by `BEFORE`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simstudio.sandbox import Sandbox
from simstudio.sandbox.data.table_transfers import Export
from tests.recorded import SELECTION, Recording, recordings

from .calls import Caller
from .contract import operations, served
from .differences import reason_for_v08
from .hitl_scenes import until

SENT = {"content-type", "upload-token"}
WORKSPACE, OUTSIDERS = "ba3c3edb-e12e-4efa-a30c-78bffff34bd3", "a48b75ec-32e3-407e-8868-d78e182c0d42"
MOMENTS = {"completedAt", "canceledAt"}
"""Fields that are null until something has ended, which in the sandbox is sooner."""

INVENTORY, FRUIT, SHEET = (
    "tbl_c464ad4b06ac4609a38c2d3da80e1e05",
    "tbl_969623b3358142f7ac5c1c9f7849c950",
    "tbl_ec39da08c4c8443babbea7caf95fdb6e",
)
BIG = "tbl_7c81e71835234668b24e23f7cb3a1095"
DOUBLES, SLOW, FAILS, ENRICHES = "765df7b2", "8fca0c26", "b2e861e2", "2d17141d"


def covered() -> list[Recording]:
    return [each for each in recordings(SELECTION) if re.match("/api/v[12]/tables", each.path)]


def _double(given: dict) -> dict:
    return {"doubled": 2 * (given.get("count") or 0), "message": given.get("message", "")}


def _boom(given: dict) -> None:
    raise RuntimeError("deliberate failure")


class Stage:
    """A sandbox, and the names that recorded ids and tokens have in it."""

    def __init__(self) -> None:
        sandbox = Sandbox(generation="v0.8", outsider_key="sk-out")
        sandbox.workflow("double", block="Compute")(_double)
        sandbox.workflow("boom", block="Boom")(_boom)
        self.sandbox = sandbox
        self.call = Caller(sandbox.serve().start())
        self.names = {
            WORKSPACE: sandbox.workspace_id,
            OUTSIDERS: sandbox.workspace_id,
            "5866674c-55d4-46fb-a9d4-bd1f862918f6": "double",
            "e684dcc8-2363-4ca8-8174-9b10366a34ec": sandbox.block_id("double"),
            "77be73c9-355e-4dbd-9f73-5ed01487c876": sandbox.block_id("boom"),
        }

    def ours(self, text: str) -> str:
        for theirs, ours in self.names.items():
            text = text.replace(theirs, ours)
        return text

    def do(self, method: str, path: str, /, **body: Any) -> Any:
        where = {"workspaceId": self.sandbox.workspace_id}
        path = self.ours(f"/api/v2/tables{path}")
        if method == "GET":
            answer = self.call.http.get(path, params=where)
        elif path.endswith("/complete"):
            answer = self.call.http.post(path, params=where, headers=body)
        else:
            answer = self.call.http.request(method, path, json={**where, **body})
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    def table(self, recorded_id: str, called: str, /, *rows: dict[str, Any], folder: str = "/", **columns: str) -> None:
        schema = {"columns": [{"name": column, "type": kind} for column, kind in columns.items()]}
        made = self.do("POST", "", name=called, schema=schema, folderPath=folder)
        self.names[recorded_id] = made["id"]
        if rows:
            self.do("POST", f"/{made['id']}/rows", rows=list(rows))

    def sheet(self) -> None:
        rows = ({"message": f"m{number}", "count": number} for number in range(4))
        self.table(SHEET, "sheet", *rows, message="string", count="number")
        self.do("PATCH", f"/{SHEET}/columns", columnName="message", updates={"required": True})
        for theirs, row in zip(("row_535531", "row_3338c6"), self.do("GET", f"/{SHEET}/rows"), strict=False):
            self.names[self._whole(theirs)] = row["id"]

    def group(self, recorded: str, column: str, **settings: Any) -> None:
        workflow = settings.get("workflowId")
        output = {"blockId": self.sandbox.block_id(workflow), "path": "result"} if workflow else {"outputId": "email"}
        settings = {"outputs": [{**output, "columnName": column}], "autoRun": False, **settings}
        columns = [{"name": column, "type": "string" if workflow is None else "json"}]
        made = self.do("POST", f"/{SHEET}/groups", group=settings, outputColumns=columns)
        self.names[self._whole(recorded)] = made["group"]["id"]

    def dispatch(self, recorded_group: str, *rows: str, done: bool = True) -> str:
        chosen = {"rowIds": [self.ours(self._whole(row)) for row in rows]} if rows else {}
        group = self.ours(self._whole(recorded_group))
        made = self.do("POST", f"/{SHEET}/dispatches", groupIds=[group], **chosen)["dispatchId"]
        path = f"/{SHEET}/dispatches/{made}"
        if done:
            until(lambda: self.do("GET", path)["status"] == "complete")
        return str(made)

    def session(self, recorded: Recording, content: bytes | None, size: int = 0, **options: Any) -> None:
        """The import of a recording, with its bytes if there are any."""
        source = {"type": "upload", "name": "in.csv", "contentType": "text/csv", "size": size or len(content or b"")}
        made = self.do("POST", "/imports", source=source, **options)
        theirs = re.search(r"imports/([^/]+)", recorded.path)
        assert theirs is not None
        self.names[recorded.request_headers.get("upload-token", "no token")] = made["uploadToken"]
        self.names[theirs[1]] = made["session"]["id"]
        if content is not None:
            self.put(made["transfer"], content)

    def put(self, transfer: dict[str, Any], content: bytes) -> None:
        assert httpx.put(transfer["url"], headers=transfer["headers"], content=content).status_code == 204

    def finish(self, import_id: str, token: str) -> None:
        self.do("POST", f"/imports/{import_id}/complete", **{"upload-token": token})
        until(lambda: self.do("GET", f"/imports/{import_id}")["status"] in ("completed", "failed"))

    def export(self, recorded: Recording, status: Any = "processing") -> None:
        theirs = re.search(r"exports/([^/]+)", recorded.path)
        table = re.search(r"tbl_[0-9a-f]+", recorded.path)
        assert theirs is not None
        assert table is not None
        made = Export(
            workspace_id=self.sandbox.workspace_id,
            status=status,
            created=0.0,
            table_id=self.ours(table[0]),
            format="csv",
            file_name="big_t.csv",
        )
        self.sandbox._core.data.exports[made.id] = made
        self.names[theirs[1]] = made.id

    def end_exports(self) -> None:
        for each in self.sandbox._core.data.exports.values():
            each.end("completed", 0.0)

    def play(self, recorded: Recording) -> httpx.Response:
        for name, before in BEFORE.items():
            if str(recorded).startswith(name):
                before(self, recorded)
        query = {name: self.ours(values[0]) for name, values in recorded.query.items()}
        body = recorded.request_body
        headers = {name: self.ours(value) for name, value in recorded.request_headers.items() if name.lower() in SENT}
        if str(recorded).startswith("claims-449"):
            headers["X-API-Key"] = "sk-out"
        answer = self.call.http.request(
            recorded.method,
            self.ours(recorded.path),
            params=query,
            headers=headers,
            content=None if body is None else self.ours(body.decode()).encode(),
        )
        if answer.status_code < 300 and recorded.body.startswith(b"{"):
            self._learn(json.loads(recorded.body), answer.json())
        return answer

    def _learn(self, theirs: Any, ours: Any) -> None:
        if isinstance(theirs, list) and isinstance(ours, list):
            for pair in zip(theirs, ours, strict=False):
                self._learn(*pair)
        elif isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                if name in ("id", "uploadToken", "dispatchId") and isinstance(ours[name], str):
                    self.names[theirs[name]] = ours[name]
                else:
                    self._learn(theirs[name], ours[name])

    def _whole(self, beginning: str) -> str:
        """The recorded id with this beginning."""
        found = re.search(rf"{beginning}[0-9a-f-]{{20,}}", ALL_IDS)
        assert found is not None, beginning
        return found[0]


ALL_IDS = " ".join(f"{each.path} {(each.request_body or b'').decode()}" for each in covered())


def _columns(stage: Stage) -> None:
    path = f"/{INVENTORY}/columns"
    stage.do("PATCH", path, columnName="notes", updates={"name": "remarks"})
    options = [{"id": f"opt_{name.lower()}", "name": name} for name in ("New", "Lost", "On hold")]
    options.append({"id": "opt_won", "name": "Won ✓"})
    stage.do("PATCH", path, columnName="stage", updates={"options": options})


def _running(stage: Stage) -> None:
    output = {"blockId": stage.sandbox.block_id("double")}
    named = (("log", "stdout"), ("raw", "result"), ("echoed", "stdout"))
    outputs = [{**output, "path": path, "columnName": name} for name, path in named]
    new = [{"name": "echoed", "type": "string"}]
    group = stage.ours(stage._whole(DOUBLES))
    stage.do("PATCH", f"/{SHEET}/groups", groupId=group, outputs=outputs, newOutputColumns=new)
    stage.group(SLOW, "waited", workflowId="slow", inputMappings=[])
    stage.names["tdsp_4d0aeb73ea824466b1f7574f00a20c6d"] = stage.dispatch(SLOW, done=False)


def _cancelled(stage: Stage) -> None:
    stage.dispatch(DOUBLES)
    stage.do("POST", f"/{SHEET}/cancel-runs", scope="all")


def _still_running(stage: Stage) -> None:
    output = {"blockId": stage.sandbox.block_id("slow"), "path": "result", "columnName": "waited_again"}
    settings = {"workflowId": "slow", "outputs": [output], "inputMappings": [], "autoRun": False}
    columns = [{"name": "waited_again", "type": "json"}]
    group = stage.do("POST", f"/{SHEET}/groups", group=settings, outputColumns=columns)["group"]["id"]
    stage.do("POST", f"/{SHEET}/dispatches", groupIds=[group])
    stage.names["a group that waits"] = group


def _fruit(stage: Stage, recorded: Recording) -> None:
    content = b"Name,Qty\nApple,1\nPear,2\n"
    stage.session(recorded, None, size=len(content), target={"type": "new", "name": "fruit"})


def _fruit_is_there(stage: Stage, recorded: Recording) -> None:
    *_, upload = stage.sandbox._core.data.uploads
    upload.receive(b"Name,Qty\nApple,1\nPear,2\n", "text/csv")
    stage.finish(upload.id, upload.token)
    stage.names[FRUIT] = stage.do("GET", f"/imports/{upload.id}")["tableId"]


def _append(stage: Stage, recorded: Recording, **options: Any) -> None:
    target = {"type": "existing", "tableId": stage.ours(FRUIT), "mode": "append"}
    stage.session(recorded, b"A\n1\n", target=target, **options)


def _appended(stage: Stage, recorded: Recording) -> None:
    _append(stage, recorded)
    *_, upload = stage.sandbox._core.data.uploads
    stage.finish(upload.id, upload.token)


def _without_rows(stage: Stage, recorded: Recording) -> None:
    *_, upload = stage.sandbox._core.data.uploads
    upload.receive(b"Name,Qty\n", "text/csv")
    stage.finish(upload.id, upload.token)


def _folders(stage: Stage) -> None:
    stage.do("POST", "/folders", path="/Sales/Q4%20%E2%80%93%20Z%C3%BCrich")
    stage.do("PATCH", "/folders", path="/Old", destinationPath="/Sales/Old")


def _archived_folder(stage: Stage) -> None:
    stage.do("POST", "/folders", path="/R1")
    stage.table("tbl_in_r1", "in_r1", folder="/R1", a="string")
    stage.do("POST", "/bulk-delete", folderPaths=["/R1"])


def _locked(stage: Stage) -> None:
    stage.names[stage._whole("row_f8de36")] = stage.do("GET", f"/{FRUIT}/rows")[0]["id"]
    stage.sandbox.lock_table(stage.ours(FRUIT), "insert", "delete", "schema")


def _email(stage: Stage) -> None:
    stage.do("DELETE", f"/{SHEET}/groups", groupId=stage.names["a group that waits"])
    stage.group(ENRICHES, "work_email", type="enrichment", enrichmentId="work-email")


def _failed(stage: Stage) -> None:
    stage.group(FAILS, "boom", workflowId="boom")
    stage.dispatch(FAILS, "row_535531")


BEFORE: dict[str, Callable[[Stage, Recording], object]] = {
    "live-166": lambda stage, recorded: stage.do(
        "POST",
        f"/{recorded.path.split('/')[4]}/columns",
        column={"name": "b", "type": "boolean"},
    ),
    "live-194": lambda stage, recorded: stage.call.http.delete(
        stage.ours(recorded.path), params={"workspaceId": stage.sandbox.workspace_id}
    ),
    "tables-0036": lambda stage, _: stage.table("tbl_leads", "leads", email="string"),
    "tables-0040": lambda stage, _: stage.do(
        "POST", f"/{INVENTORY}/columns", column={"name": "notes", "type": "string", "position": 1}
    ),
    "tables-0054": lambda stage, _: _columns(stage),
    "tables-0104": lambda stage, _: stage.do(
        "PATCH", f"/{INVENTORY}/rows/{stage._whole('row_29e0e4')}", data={"due": None, "tags": None}
    ),
    "tables-0237": lambda stage, _: stage.names.update(
        {stage._whole("6d10f14f"): stage.do("POST", f"/{INVENTORY}/views", name="plain", config={})["id"]}
    ),
    "tables-0241": lambda stage, _: stage.sheet(),
    "tables-0276": lambda stage, _: _running(stage),
    "tables-0281": lambda stage, _: _cancelled(stage),
    "tables-0300": lambda stage, _: _still_running(stage),
    "tables-0313": lambda stage, _: stage.do("POST", "/folders", path="/Archive"),
    "tables-0320": lambda stage, _: _folders(stage),
    "live-323": lambda stage, _: stage.table(
        stage._whole("tbl_16f65a"),
        "made",
        {"name": "Ada", "n": 1},
        {"name": "Grace", "n": 2},
        name="string",
        n="number",
    ),
    "tables-0376": _fruit,
    "tables-0385": _fruit_is_there,
    "tables-0393": _appended,
    "tables-0402": lambda stage, recorded: _append(stage, recorded, mapping={"A": "NoSuchColumn"}),
    "tables-0406": _without_rows,
    "tables-0423": lambda stage, recorded: stage.session(
        recorded, None, size=12, target={"type": "new", "name": "to_cancel"}
    ),
    "tables-0430": lambda stage, recorded: stage.session(
        recorded, None, size=209715200, target={"type": "new", "name": "huge_t"}
    ),
    "tables-0450": lambda stage, recorded: [stage.table(BIG, "big_t", a="number"), stage.export(recorded)],
    "tables-0455": lambda stage, _: stage.end_exports(),
    "tables-0457": lambda stage, recorded: stage.export(recorded),
    "tables-0468": lambda stage, _: stage.table(stage._whole("tbl_e86da6"), "q4", folder="/Sales", a="string"),
    "tables-0500": lambda stage, _: _archived_folder(stage),
    "tables-0510": lambda stage, _: _locked(stage),
    "live-524": lambda stage, recorded: [
        stage.table(stage._whole("tbl_ba00c4"), "again", a="string"),
        stage.export(recorded),
        stage.end_exports(),
    ],
    "tables-0919": lambda stage, _: stage.table(stage._whole("tbl_85524d"), "narrow", a="number"),
    "tables-0929": lambda stage, _: _email(stage),
    "tables-0930": lambda stage, _: until(
        lambda: stage.do("GET", f"/{SHEET}/dispatches/{_last_dispatch(stage)}")["status"] == "complete"
    ),
    "tables-0936": lambda stage, _: _failed(stage),
}
"""What happened before a recording, and is in none of the selection."""


def _last_dispatch(stage: Stage) -> str:
    return list(stage.sandbox._core.data.tables.get(stage.ours(SHEET)).dispatches)[-1]


@pytest.fixture(scope="module")
def played() -> Any:
    stage = Stage()
    try:
        yield {str(each): (stage.play(each), dict(stage.names)) for each in covered()}
    finally:
        stage.call.http.close()
        stage.call.server.close()


@pytest.mark.parametrize("recording", covered(), ids=str)
def test_a_request_is_answered_as_recorded(recording: Recording, played: Any) -> None:
    answer, names = played[str(recording)]
    theirs, ours = (
        _facts(*each, names) for each in ((recording.status, recording.body), (answer.status_code, answer.content))
    )
    if reason_for_v08(str(recording)) is not None:
        assert ours != theirs, "listed as different, but is the same"
    else:
        assert ours == theirs


def test_every_operation_on_tables_is_served() -> None:
    promised = {name for name, each in operations().items() if each["path"].startswith("/api/v2/tables")}
    assert len(promised) == 53
    assert promised <= set(served())


def _facts(status: int, body: bytes, names: dict[str, str]) -> object:
    """What must be the same: the error, or the shape of the data."""
    if not body:
        return status
    parsed = json.loads(body)
    if status < 300:
        return status, _shape(parsed, names)
    error = (
        parsed["error"] if isinstance(parsed["error"], dict) else {"code": None, **parsed, "message": parsed["error"]}
    )
    for theirs, ours in names.items():
        error["message"] = error["message"].replace(theirs, ours)
    details = error.get("details")
    issues = [
        (each["code"], each["path"], each["message"]) if isinstance(each, dict) and "path" in each else each
        for each in (details if isinstance(details, list) else [details])
    ]
    return status, error["code"], error["message"], issues


def _shape(value: Any, names: dict[str, str], name: str = "") -> Any:
    if name in MOMENTS:
        return "a moment, or null"
    if isinstance(value, dict):
        return {names.get(key, key): _shape(each, names, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(value[0], names)] if value else []
    if isinstance(value, bool):
        return value
    return "number" if isinstance(value, (int, float)) else type(value).__name__
