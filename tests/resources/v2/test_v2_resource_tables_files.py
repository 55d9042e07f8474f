"""``client.v2.tables``: imports and exports from the first request to the file or the table, and their handles."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim
from simstudio.core.sections import SectionedFile
from simstudio.models.v2.table_transfers import TableExport, TableImport
from simstudio.models.v2.tables import TableColumn
from simstudio.resources.v2.table_csv import ExportFromRowsWarning, format_cell, format_lines
from simstudio.resources.v2.table_importing import check_utf8
from simstudio.resources.v2.tables import Tables
from tests.driving import KEY, Both, answer, client, play, resource, streamed
from tests.recorded import SELECTION, recordings

STAMP = "2026-11-29T19:44:30.555Z"
NEW = {"type": "new", "name": "stock"}
CSV = "sku,größe\nA1,3\n".encode()
TABLE_LOCKS = {"schemaLocked": False, "insertLocked": False, "updateLocked": False, "deleteLocked": False}


def imported(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "imp-1", "workspaceId": "ws", "status": status, "target": NEW, "tableId": None, "rowsProcessed": 0,
        "source": {"type": "upload", "name": "table.csv", "contentType": "text/csv", "size": len(CSV)}, "error": None,
        "createdAt": STAMP, "updatedAt": STAMP, "completedAt": None, **more,
    }  # fmt: skip


def data(body: Any, status: int = 200) -> Any:
    return answer(status, {"data": body})


CREATED = data(
    {
        "session": imported("uploading"),
        "uploadToken": "token-Yak1",
        "transfer": {
            "method": "put",
            "url": "https://storage.test/in?sig=x",
            "headers": {"Content-Type": "text/csv"},
            "expiresAt": STAMP,
        },
    },
    201,
)
PUT = answer(204)


def run(*answers: Any, file: Any = CSV, **more: Any) -> Any:
    """Drive an import by hand."""
    tables = resource(Tables, client())
    more = {"target": NEW, **more}
    return play(Tables.import_csv.flow(tables, file, workspace_id="ws", **more), *answers)


class TestImports:
    def test_a_file_is_uploaded_and_waited_for(self) -> None:
        seen: list[Any] = []
        played = run(
            CREATED, PUT, data(imported("processing")), data(imported("processing", rowsProcessed=1)),
            data(imported("completed", tableId="tbl_1", rowsProcessed=1)),
            timezone="Europe/Berlin", mapping={"sku": None}, on_progress=seen.append,
        )  # fmt: skip
        assert (played.result.status, played.result.table_id) == ("completed", "tbl_1")
        create, put, complete, *polls = played.asked
        assert json.loads(create.content) == {
            "workspaceId": "ws", "target": NEW, "timezone": "Europe/Berlin", "mapping": {"sku": None},
            "source": {"type": "upload", "name": "table.csv", "contentType": "text/csv", "size": len(CSV)},
        }  # fmt: skip
        assert b"".join(put.content) == CSV
        assert KEY not in str(dict(put.headers))
        assert (complete.headers["upload-token"], complete.resend) == ("token-Yak1", "read")
        assert [poll.path for poll in polls] == ["/api/v2/tables/imports/imp-1"] * 2
        assert [getattr(each, "sent", None) for each in seen if not isinstance(each, TableImport)] == [0, len(CSV)]
        assert [each.rows_processed for each in seen if isinstance(each, TableImport)] == [1, 1]

    @pytest.mark.parametrize("delete", [False, True])
    def test_a_failed_import_says_why_and_its_new_table_is_deleted_on_request(self, delete: bool) -> None:
        failed = data(imported("failed", tableId="tbl_1", error="CSV file has no data rows"))
        deleted = data({"id": "tbl_1", "deleted": True})
        played = run(CREATED, PUT, failed, deleted, delete_failed=delete)
        assert isinstance(played.error, sim.JobFailedError)
        assert "CSV file has no data rows" in str(played.error)
        assert played.error.job.table_id == "tbl_1"
        assert [request.method for request in played.asked[3:]] == (["DELETE"] if delete else [])

    def test_rows_that_were_added_to_an_existing_table_do_not_delete_it(self) -> None:
        existing = {"type": "existing", "tableId": "tbl_1", "mode": "append"}
        failed = data(imported("failed", tableId="tbl_1", error="Row 3"))
        assert len(run(CREATED, PUT, failed, target=existing, delete_failed=True).asked) == 3

    def test_an_import_that_cannot_be_completed_is_cancelled(self) -> None:
        taken = answer(409, {"error": {"code": "CONFLICT", "message": "A table named stock exists"}})
        played = run(CREATED, PUT, taken, data(imported("canceled")))
        assert isinstance(played.error, sim.ConflictError)
        assert (played.asked[-1].method, played.asked[-1].headers["upload-token"]) == ("DELETE", "token-Yak1")

    def test_a_file_that_is_not_utf8_is_refused_before_anything_is_sent(self) -> None:
        played = run(file=("stock.csv", "größe\n".encode("latin-1")))
        assert isinstance(played.error, sim.InvalidInputError)
        assert "not UTF-8 at byte 2," in str(played.error)
        assert played.asked == []

    @pytest.mark.parametrize(("content", "position"), [(b"a" * (2**20 - 1) + "ü".encode(), None), (b"ab\xc3", "2")])
    def test_a_character_at_the_border_of_two_pieces_is_read_whole(self, content: bytes, position: str | None) -> None:
        if position is None:
            check_utf8(SectionedFile(content))
        else:
            with pytest.raises(sim.InvalidInputError, match=f"at byte {position},"):
                check_utf8(SectionedFile(content))


def export(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "exp-1", "tableId": "tbl_1", "workspaceId": "ws", "format": "csv", "status": status, "rowsProcessed": 2,
        "error": None, "createdAt": STAMP, "updatedAt": STAMP, "completedAt": STAMP, **more,
    }  # fmt: skip


def address(url: str) -> Any:
    return data({"url": url, "fileName": "stock.csv", "expiresAt": STAMP})


IN_STORAGE = address("https://storage.test/stock.csv?sig=x")
(ON_DISK,) = [found for found in recordings(SELECTION) if "exports-async-download-200" in found.name]
COLUMNS = [
    {"name": "sku", "type": "string", "required": True, "unique": True},
    {"name": "tags", "type": "select", "required": False, "unique": False, "multiple": True},
    {"name": "meta", "type": "json", "required": False, "unique": False},
]
TABLE = {
    "id": "tbl_1", "name": "stock", "ownerEmail": "ada@example.com", "rowCount": 2, "maxRows": 9, "folderPath": "/",
    "createdAt": STAMP, "updatedAt": STAMP, "locks": TABLE_LOCKS, "schema": {"columns": COLUMNS},
}  # fmt: skip


def page(*rows: Any, cursor: str | None = None) -> Any:
    found = [{"id": "row", "data": row, "createdAt": STAMP, "updatedAt": STAMP} for row in rows]
    return answer(200, {"data": found, "nextCursor": cursor})


class TestExports:
    async def test_the_servers_file_is_downloaded_in_pieces_without_the_key(self, both: Both, tmp_path: Path) -> None:
        used = both.client(data(export(), 201), IN_STORAGE, streamed(b"sku\n", b"A1\n", content_type="text/csv"))
        path = await both(used.v2.tables.export_csv("tbl_1", tmp_path / "stock.csv", workspace_id="ws"))
        assert path.read_bytes() == b"sku\nA1\n"
        assert os.listdir(tmp_path) == ["stock.csv"]  # noqa: PTH208 - a list without I/O of pathlib
        assert KEY not in str(dict(used.script.requests[2].headers))

    def test_an_export_that_takes_time_is_waited_for_with_progress(self, tmp_path: Path) -> None:
        seen: list[int] = []
        used = client(
            data(export("queued"), 201), data(export("processing", rowsProcessed=1)), data(export()), IN_STORAGE,
            answer(200, content=b"x"),
        )  # fmt: skip
        flow = Tables.export_csv.flow(
            resource(Tables, used), "tbl_1", tmp_path / "a", workspace_id="ws", on_progress=seen.append
        )
        played = play(flow, *used.script.answers)
        assert played.error is None
        assert seen == [1, 2]

    def test_where_no_key_can_fetch_it_the_file_is_written_from_the_rows_and_a_warning_says_so(
        self, tmp_path: Path
    ) -> None:
        seen: list[int] = []
        used = client(
            data(export(), 201), answer(200, json.loads(ON_DISK.body)), data(TABLE),
            page({"meta": {"a": [1, None]}, "sku": "A,1"}, cursor="c2"), page({"tags": ["x", "y"], "sku": "ü"}),
        )  # fmt: skip
        with pytest.warns(ExportFromRowsWarning, match="written from the rows"):
            used.v2.tables.export_csv("tbl_1", tmp_path / "a.csv", workspace_id="ws", on_progress=seen.append)
        assert (tmp_path / "a.csv").read_text("utf-8") == ('sku,tags,meta\n"A,1",,"{""a"":[1,null]}"\nü,"x, y",\n')
        assert seen == [1, 2]
        assert used.script.requests[-1].url.endswith("?workspaceId=ws&limit=1000&cursor=c2")

    def test_what_is_at_the_path_is_kept_and_found_before_anything_is_sent(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("mine")
        used = client()
        with pytest.raises(sim.InvalidInputError, match="is there already"):
            used.v2.tables.export_csv("tbl_1", tmp_path / "a.csv", workspace_id="ws")
        assert (used.script.requests, (tmp_path / "a.csv").read_text()) == ([], "mine")

    @pytest.mark.parametrize(
        "answers",
        [
            [data(export("failed", error="Out of disk"), 201)],
            [data(export(), 201), IN_STORAGE, answer(403)],
            [data(export(), 201), address("file:///etc/passwd")],
        ],
    )
    def test_a_failed_export_leaves_no_file(self, answers: list[Any], tmp_path: Path) -> None:
        used = client(*answers, max_retries=0)
        with pytest.raises(sim.SimStudioError) as caught:
            used.v2.tables.export_csv("tbl_1", tmp_path / "a.csv", workspace_id="ws", overwrite=True)
        assert "sig=x" not in f"{caught.value} {caught.value.response and caught.value.response.url}"
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("type", "value", "text"),
    [
        ("string", None, ""),
        ("string", "a", "a"),
        ("boolean", True, "true"),
        ("number", 2.5, "2.5"),
        ("json", ["a", "b"], '["a","b"]'),
        ("select", ["a", "b"], "a, b"),
        ("select", [], ""),
    ],
)
def test_cells_are_written_as_the_servers_export_does(type: str, value: Any, text: str) -> None:
    assert format_cell(TableColumn(name="c", type=type, required=False, unique=False), value) == text


def test_a_cell_with_a_line_break_or_a_quote_is_quoted() -> None:
    assert format_lines([['a"b', "c\nd"]]) == b'"a""b","c\nd"\n'


class TestHandles:
    async def test_each_is_waited_for_in_the_same_way(self, both: Both) -> None:
        dispatch = {
            "id": "tdsp_1", "tableId": "tbl_1", "workspaceId": "ws", "mode": "all", "scope": {"groupIds": ["g"]},
            "processedCount": 0, "isManualRun": True, "requestedAt": STAMP,
        }  # fmt: skip
        used = both.client(
            data(imported("completed")), data(export()), data({**dispatch, "status": "complete"}),
            data({**dispatch, "status": "canceled"}),
        )  # fmt: skip
        tables = used.v2.tables
        assert (await both(tables.imports.handle("imp-1", workspace_id="ws").result())).status == "completed"
        exporting = tables.exports.handle("tbl_1", "exp-1", workspace_id="ws")
        assert isinstance(await both(exporting.wait()), TableExport)
        assert exporting.done
        running = tables.dispatches.handle("tbl_1", "tdsp_1", workspace_id="ws")
        assert (await both(running.wait())).status == "complete"
        with pytest.raises(sim.JobFailedError, match="dispatch tdsp_1 failed: it was canceled"):
            await both(tables.dispatches.handle("tbl_1", "tdsp_1", workspace_id="ws").wait())
        assert [request.path for request in used.script.requests] == [
            "/api/v2/tables/imports/imp-1", "/api/v2/tables/tbl_1/exports/exp-1",
            *["/api/v2/tables/tbl_1/dispatches/tdsp_1"] * 2,
        ]  # fmt: skip

    def test_it_pickles(self) -> None:
        with sim.SimStudioClient(KEY) as used:
            handle = used.v2.tables.exports.handle("tbl_1", "exp-1", workspace_id="ws")
            assert pickle.loads(pickle.dumps(handle)).id == "exp-1"
