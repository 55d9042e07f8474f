"""Tables of v2 as programs use them: the client's own operations against a served sandbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import simstudio as sim
from simstudio.models.v2.table_errors import BulkWriteError
from simstudio.models.v2.table_filters import any_of, column
from simstudio.resources.v2.table_csv import ExportFromRowsWarning
from simstudio.sandbox import Sandbox
from simstudio.sandbox.data.csvfiles import CSVFile, column_name
from simstudio.sandbox.data.tables import Column

from .hitl_scenes import until

STOCK = [
    {"name": "sku", "type": "string", "unique": True},
    {"name": "qty", "type": "number"},
    {"name": "due", "type": "date"},
]


class Desk:
    """A client of a sandbox, with the sandbox's workspace filled in."""

    def __init__(self, sandbox: Sandbox, client: sim.SimStudioClient) -> None:
        self.sandbox = sandbox
        self.client = client
        self.tables = client.v2.tables
        self.where = {"workspace_id": sandbox.workspace_id}

    def table(self, columns: list[dict[str, Any]], *rows: dict[str, Any]) -> str:
        made = self.tables.create(**self.where, name=_name(), schema={"columns": columns})
        if rows:
            self.tables.rows.insert_many(made.id, rows, **self.where)
        return made.id

    def values(self, table: str, name: str) -> list[Any]:
        return [row.data.get(name) for row in self.tables.rows.list(table, **self.where)]

    def group(self, table: str, workflow: str, *, auto_run: bool = False, column: str = "found", **more: Any) -> str:
        output = {"blockId": self.sandbox.block_id(workflow), "path": "result", "columnName": column}
        saved = self.tables.groups.add(
            table,
            **self.where,
            group={"workflowId": workflow, "outputs": [output], "autoRun": auto_run, **more},
            output_columns=[{"name": column, "type": "json"}],
        )
        return saved.group.id

    def wait(self, table: str, started: Any) -> Any:
        return self.tables.dispatches.handle(table, started.dispatch_id, **self.where).wait(timeout=10)

    def finish(self, table: str, started: Any) -> None:
        """Wait until a dispatch is complete, without the pause of a handle."""
        get, dispatch_id = self.tables.dispatches.get, started.dispatch_id
        until(lambda: get(table, dispatch_id, **self.where).status == "complete")

    def states(self, table: str, group: str) -> list[Any]:
        rows = self.tables.rows.list(table, **self.where, include_run_state=True)
        return [None if group not in row.run_state else row.run_state[group].status for row in rows]


def _name() -> str:
    return f"t_{uuid4().hex}"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    sandbox = Sandbox(generation="v0.8", upload_part_size=1024)

    @sandbox.workflow("length")
    def length(given: dict) -> int:
        return len(given["text"])

    with sandbox.serve() as server, server.client() as client:
        yield Desk(sandbox, client)


# -- rows -----------------------------------------------------------------------------------------------------------


def test_many_rows_go_in_and_come_out_in_their_order(desk: Desk) -> None:
    table = desk.table(STOCK)
    report = desk.tables.rows.insert_many(table, ({"sku": f"A{n}", "qty": n} for n in range(2500)), **desk.where)
    assert report.count == 2500
    assert desk.values(table, "qty") == list(range(2500))
    newest = desk.tables.rows.query(table, **desk.where, sort=[column("qty").desc()], limit=999)
    assert [row.data["qty"] for row in newest] == list(range(2499, -1, -1))


def test_rows_are_changed_by_id_by_filter_and_by_a_unique_value(desk: Desk) -> None:
    table = desk.table(STOCK, *({"sku": f"A{n}", "qty": n} for n in range(4)))
    first, *_ = desk.tables.rows.list(table, **desk.where)
    assert desk.tables.rows.update_many(table, [{"rowId": first.id, "data": {"qty": "7"}}], **desk.where).count == 1
    changed = desk.tables.rows.update_by_filter(
        table, **desk.where, filter=column("qty") < 3, data={"due": "2026-12-24"}, limit=1
    )
    assert changed.updated_count == 1
    kinds = [
        desk.tables.rows.upsert(table, **desk.where, data={"sku": sku, "qty": 9}).operation for sku in ("A1", "new")
    ]
    assert kinds == ["update", "insert"]
    gone = desk.tables.rows.delete_by_filter(table, **desk.where, filter=column("qty") == 9, limit=None)
    assert (gone.deleted_count, desk.values(table, "qty")) == (2, [7, 2, 3])


def test_a_value_of_a_wrong_type_becomes_null_only_in_a_bulk_update(desk: Desk) -> None:
    table = desk.table(STOCK, {"sku": "A", "qty": 1})
    (row,) = desk.tables.rows.list(table, **desk.where)
    with pytest.raises(sim.InvalidRequestError, match="qty must be number"):
        desk.tables.rows.update(table, row.id, **desk.where, data={"qty": "many"})
    with pytest.raises(sim.InvalidInputError, match="Nothing was sent"):
        desk.tables.rows.update_many(table, [{"rowId": row.id, "data": {"qty": "many"}}], **desk.where)
    desk.tables.rows.bulk_update(table, **desk.where, updates=[{"rowId": row.id, "data": {"qty": "many"}}])
    assert desk.values(table, "qty") == [None]


def test_a_row_that_repeats_a_unique_value_is_named(desk: Desk) -> None:
    table = desk.table(STOCK, {"sku": "A"})
    report = desk.tables.rows.insert_many(table, [{"sku": "B"}, {"sku": "a"}], **desk.where, errors="return")
    assert (report.count, [each.index for each in report.rejected]) == (1, [1])
    assert report.rejected[0].errors == ['Column "sku" must be unique. Value "a" already exists in row 1']


def test_rows_are_put_before_and_after_others(desk: Desk) -> None:
    table = desk.table(STOCK, {"qty": 1}, {"qty": 5})
    first, last = desk.tables.rows.list(table, **desk.where)
    insert = desk.tables.rows.insert
    insert(table, **desk.where, data={"qty": 4}, before_row_id=last.id)
    insert(table, **desk.where, data={"qty": 0}, before_row_id=first.id)
    insert(table, **desk.where, data={"qty": 2}, after_row_id=first.id)
    assert desk.values(table, "qty") == [0, 1, 2, 4, 5]
    assert [row.data["qty"] for row in desk.tables.rows.list(table, **desk.where, limit=1)] == [0, 1, 2, 4, 5]


@pytest.mark.parametrize(("sort", "expected"), [([column("qty").asc()], [0, 1, 3, 4, 5]), ([], [0, 1, 2, 3, 4, 5])])
def test_only_a_sorted_query_loses_a_row_when_another_is_deleted(desk: Desk, sort: Any, expected: list[int]) -> None:
    table = desk.table(STOCK, *({"qty": n} for n in range(6)))
    seen = []
    for row in desk.tables.rows.query(table, **desk.where, sort=sort, limit=2):
        if not seen:
            desk.tables.rows.delete(table, row.id, **desk.where)
        seen.append(row.data["qty"])
    assert seen == expected


def test_pages_of_large_rows_are_short(desk: Desk) -> None:
    table = desk.table(STOCK)
    for number in range(24):
        desk.tables.rows.insert(table, **desk.where, data={"sku": f"{number:03}" * 100_000})
    sizes = [len(page.items) for page in desk.tables.rows.list(table, **desk.where, limit=1000).pages()]
    assert sizes == [17, 7]
    with pytest.raises(sim.InvalidRequestError, match="exceeds the 5MB limit"):
        list(desk.tables.rows.query(table, **desk.where, limit=0))


def test_a_full_table_takes_no_more_rows() -> None:
    sandbox = Sandbox(generation="v0.8", table_rows=2)
    with sandbox.serve() as server, server.client() as client:
        desk = Desk(sandbox, client)
        table = desk.table(STOCK, {"qty": 1})
        assert client.v2.tables.get(table, **desk.where).max_rows == 2
        with pytest.raises(BulkWriteError, match="Insufficient capacity"):
            desk.tables.rows.insert_many(table, [{"qty": 2}, {"qty": 3}], **desk.where)
        target = {"type": "existing", "tableId": table, "mode": "append"}
        with pytest.raises(sim.JobFailedError, match="Insufficient capacity"):
            desk.tables.import_csv(b"qty\n2\n3\n", **desk.where, target=target)


# -- tables ---------------------------------------------------------------------------------------------------------


def test_columns_change_with_the_rows_that_are_there(desk: Desk) -> None:
    choices = [{"id": "n", "name": "New"}, {"id": "o", "name": "Old"}]
    stage = {"name": "stage", "type": "select", "options": choices}
    table = desk.table([stage, {"name": "qty", "type": "number"}], {"stage": "n", "qty": 1}, {"stage": "Old", "qty": 2})
    change = desk.tables.columns.update
    change(table, **desk.where, column_name="stage", updates={"options": [{"id": "n", "name": "Fresh"}]})
    change(table, **desk.where, column_name="qty", updates={"name": "amount", "type": "string"})
    rows = [row.data for row in desk.tables.rows.list(table, **desk.where)]
    assert rows == [{"stage": "Fresh", "amount": "1"}, {"stage": None, "amount": "2"}]
    with pytest.raises(sim.InvalidRequestError, match="1 row\\(s\\) have null, missing, or empty values"):
        change(table, **desk.where, column_name="stage", updates={"required": True})


def test_a_restored_table_gets_another_name_if_its_own_is_taken(desk: Desk) -> None:
    table = desk.tables.create(**desk.where, name="orders", schema={"columns": STOCK})
    desk.tables.delete(table.id, **desk.where)
    desk.tables.create(**desk.where, name="Orders", schema={"columns": STOCK})
    assert desk.tables.restore(table.id, **desk.where).name == "orders_restored"


def test_a_locked_table_refuses_changes(desk: Desk) -> None:
    table = desk.table(STOCK, {"qty": 1})
    desk.sandbox.lock_table(table, "insert")
    with pytest.raises(sim.LockedError, match="insert-locked"):
        desk.tables.rows.insert(table, **desk.where, data={"qty": 2})
    desk.sandbox.lock_table(table)
    desk.tables.rows.insert(table, **desk.where, data={"qty": 2})
    with pytest.raises(sim.ConfigurationError, match="unknown lock 'rows'"):
        desk.sandbox.lock_table(table, "rows")  # type: ignore[arg-type]
    with pytest.raises(sim.ConfigurationError, match="no table 'tbl_none'"):
        desk.sandbox.lock_table("tbl_none")


def test_both_versions_of_the_api_show_the_same_tables() -> None:
    sandbox = Sandbox(generation="v0.6")
    with sandbox.serve() as server, server.client() as client:
        desk = Desk(sandbox, client)
        table = client.v1.tables.create(**desk.where, name="stock", schema={"columns": STOCK})
        client.v2.tables.rows.insert(table.id, **desk.where, data={"sku": "A", "qty": "3"})
        assert [row.data for row in client.v1.tables.rows.list(table.id, **desk.where)] == [{"qty": 3, "sku": "A"}]
        assert client.v2.tables.get(table.id, **desk.where).row_count == 1


# -- imports, exports, data frames ----------------------------------------------------------------------------------


def test_a_file_becomes_a_table_whose_columns_are_inferred(desk: Desk) -> None:
    text = "\ufeffFirst Name;Größe (cm);;1st;When;OK\r\nÄda;170,5;x;1;2026-01-02T03:04:05;TRUE\r\nBo;;;2;;\r\n"
    target = {"type": "new", "name": _name()}
    done = desk.tables.import_csv(("people.csv", text.encode()), **desk.where, target=target, timezone="Europe/Berlin")
    table = desk.tables.get(done.table_id or "", **desk.where)
    assert (table.description, done.rows_processed) == ("Imported from people.csv", 2)
    columns = [(each.name, each.type) for each in table.schema.columns]
    assert columns == [
        ("First_Name", "string"),
        ("Gr_e_cm", "string"),
        ("col_", "string"),
        ("col_1st", "number"),
        ("When", "date"),
        ("OK", "boolean"),
    ]
    first, second = desk.tables.rows.list(table.id, **desk.where)
    assert (first.data["When"], first.data["OK"], second.data["When"]) == ("2026-01-02T03:04:05+01:00", True, None)


def test_a_file_in_parts_is_appended_or_replaces_the_rows(desk: Desk) -> None:
    table = desk.table(STOCK, {"sku": "A", "qty": 1})
    lines = "".join(f"B{n},{n},new\n" for n in range(150))
    existing = {"type": "existing", "tableId": table, "mode": "append"}
    done = desk.tables.import_csv(
        f"Produkt,QTY,Extra\n{lines}".encode(),
        **desk.where,
        target=existing,
        mapping={"Produkt": "sku"},
        create_columns=["Extra"],
    )
    assert (done.rows_processed, desk.tables.rows.count(table, **desk.where).total_count) == (150, 151)
    assert desk.values(table, "Extra")[:2] == [None, "new"]
    desk.tables.import_csv(b"sku,qty\nC,x\n", **desk.where, target={**existing, "mode": "replace"})
    assert [row.data for row in desk.tables.rows.list(table, **desk.where)] == [{"qty": None, "sku": "C"}]


@pytest.mark.parametrize("delete_failed", [False, True])
def test_a_failed_import_leaves_its_table_behind(desk: Desk, delete_failed: bool) -> None:
    target = {"type": "new", "name": _name()}
    with pytest.raises(sim.JobFailedError, match="CSV file has no data rows") as caught:
        desk.tables.import_csv(b"a,b\n", **desk.where, target=target, delete_failed=delete_failed)
    names = [table.name for table in desk.tables.list(**desk.where)]
    assert (target["name"] in names) is not delete_failed
    assert caught.value.job.table_id is not None


def test_the_first_row_that_does_not_fit_ends_an_import(desk: Desk) -> None:
    table = desk.table([{"name": "title", "type": "string", "required": True}, {"name": "qty", "type": "number"}])
    target = {"type": "existing", "tableId": table, "mode": "append"}
    with pytest.raises(sim.JobFailedError, match="Row 3: Missing required field: title"):
        desk.tables.import_csv(b"title,qty\nA,1\nB,x\n,3\n", **desk.where, target=target)
    assert desk.values(table, "title") == []
    with pytest.raises(sim.InvalidRequestError, match="Invalid IANA timezone"):
        desk.tables.import_csv(b"title\nA\n", **desk.where, target=target, timezone="Mars/Olympus")
    with pytest.raises(sim.JobFailedError, match="Mapping references columns that do not exist: none"):
        desk.tables.import_csv(b"title\nA\n", **desk.where, target=target, mapping={"title": "none"})


def test_a_file_of_the_workspace_is_imported_at_once(desk: Desk) -> None:
    file = desk.client.v2.files.create(**desk.where, name="n.csv", content="n\n1\n")
    made = desk.tables.imports.create(
        **desk.where,
        source={"type": "workspace_file", "fileId": file.id},
        target={"type": "new", "name": _name()},
    )
    assert (made.upload_token, made.transfer, made.session.status) == (None, None, "processing")
    done = desk.tables.imports.handle(made.session.id, **desk.where).wait(timeout=10)
    assert desk.values(done.table_id or "", "n") == [1]


def test_a_cancelled_import_leaves_what_is_written(desk: Desk) -> None:
    target = {"type": "new", "name": _name()}
    content = b"n\n" + b"1\n" * 300_000
    source = {"type": "upload", "name": "n.csv", "contentType": "text/csv", "size": len(content)}
    made = desk.tables.imports.create(**desk.where, source=source, target=target)
    *_, upload = desk.sandbox._core.data.uploads
    for part in range(upload.part_count):
        upload.receive_part(part + 1, content[part * upload.part_size : (part + 1) * upload.part_size])
    token = made.upload_token or ""
    desk.tables.imports.complete(made.session.id, **desk.where, upload_token=token)
    gone = desk.tables.imports.cancel(made.session.id, **desk.where)
    assert gone.status == "canceled"
    assert desk.tables.imports.get(made.session.id, **desk.where).status == "canceled"
    assert desk.tables.rows.count(gone.table_id or "", **desk.where).total_count < 300_000
    with pytest.raises(sim.ConflictError, match="Table import is canceled"):
        desk.tables.imports.cancel(made.session.id, **desk.where)


@pytest.mark.parametrize(
    ("header", "name"),
    [("First Name", "First_Name"), ("Größe (cm)", "Gr_e_cm"), ("", "col_"), ("1st", "col_1st"), ("_x", "_x")],
)
def test_a_header_becomes_the_name_of_a_column(header: str, name: str) -> None:
    assert column_name(header) == name


def test_of_two_columns_with_one_name_the_last_counts() -> None:
    file = CSVFile.parse(b"a\tb\ta\n1\t2\t3\n4\n", is_tsv=True)
    assert [list(file.cells(name)) for name in ("a", "b")] == [["3", ""], ["2", ""]]


def test_dates_that_have_no_time_zone_stay_as_they_are() -> None:
    file = CSVFile.parse(b"due\n2026-02-30T03:04\n2026-07-01\n2026-07-01 03:04\nsoon\n", is_tsv=False)
    found = [row["due"] for row in file.rows([("due", Column("due", "date"))], "Europe/Berlin")]
    assert found == ["2026-02-30T03:04", "2026-07-01", "2026-07-01T03:04:00+02:00", None]


def test_an_export_is_written_from_the_rows(desk: Desk, tmp_path: Path) -> None:
    table = desk.table(STOCK, {"sku": 'a,"b"', "qty": 1.5}, {"due": "2026-12-24"})
    with pytest.warns(ExportFromRowsWarning):
        path = desk.tables.export_csv(table, tmp_path / "stock.csv", **desk.where)
    assert path.read_text(encoding="utf-8") == 'sku,qty,due\n"a,""b""",1.5,\n,,2026-12-24\n'


def test_a_large_export_is_a_handle_that_ends(desk: Desk) -> None:
    table = desk.table([{"name": "n", "type": "number"}], *({"n": n} for n in range(10_001)))
    export = desk.tables.exports.create(table, **desk.where)
    assert export.status == "queued"
    done = desk.tables.exports.handle(table, export.id, **desk.where).wait(timeout=10)
    assert (done.status, done.rows_processed) == ("completed", 10_001)
    url = desk.tables.exports.download(table, export.id, **desk.where).url
    with pytest.raises(sim.AuthenticationError, match="Unauthorized"):
        desk.client.request("GET", url.removeprefix(desk.client.base_url))
    with pytest.raises(sim.ConflictError, match="Table export is completed"):
        desk.tables.exports.cancel(table, export.id, **desk.where)


def test_a_data_frame_becomes_a_table_and_comes_back(desk: Desk) -> None:
    import pandas as pd

    frame = pd.DataFrame({"sku": ["A", "B"], "qty": [1.5, None], "due": [dt.date(2026, 12, 24), None]})
    table = desk.tables.from_dataframe(frame, **desk.where, name=_name())
    assert [each.type for each in table.schema.columns] == ["string", "number", "date"]
    back = desk.tables.rows.list(table.id, **desk.where).to_dataframe()
    assert back["sku"].tolist() == ["A", "B"]
    assert back["qty"].isna().tolist() == [False, True]
    assert pd.to_datetime(back["due"])[0].date() == dt.date(2026, 12, 24)


# -- groups ---------------------------------------------------------------------------------------------------------

TEXTS = [{"name": "text", "type": "string"}]


def test_a_dispatch_is_waited_for_and_fills_the_cells(desk: Desk) -> None:
    table = desk.table(TEXTS, {"text": "four"}, {"text": ""}, {"text": "three"})
    group = desk.group(table, "length", dependencies={"columns": ["text"]})
    started = desk.tables.dispatches.create(table, **desk.where, group_ids=[group])
    assert desk.wait(table, started).status == "complete"
    assert desk.values(table, "found") == [4, None, 5]
    assert desk.states(table, group) == ["completed", None, "completed"]
    assert list(desk.tables.dispatches.list(table, **desk.where)) == []


def test_a_dispatch_runs_the_rows_that_were_chosen(desk: Desk) -> None:
    table = desk.table(TEXTS, *({"text": "x" * n} for n in range(1, 6)))
    group = desk.group(table, "length")
    chosen = any_of(column("text") == "x", column("text").contains("XXX"))
    second = next(iter(desk.tables.rows.query(table, **desk.where, predicate=column("text") == "xxxx")))
    started = desk.tables.dispatches.create(
        table,
        **desk.where,
        group_ids=[group],
        filter=chosen,
        exclude_row_ids=[second.id],
        limit={"type": "rows", "max": 2},
    )
    desk.finish(table, started)
    assert desk.values(table, "found") == [1, None, 3, None, None]
    incomplete = desk.tables.dispatches.create(table, **desk.where, group_ids=[group], run_mode="incomplete")
    desk.finish(table, incomplete)
    assert desk.values(table, "found") == [1, 2, 3, 4, 5]


def test_a_cell_whose_workflow_fails_says_why(desk: Desk) -> None:
    table = desk.table([{"name": "message", "type": "string"}], {"message": "no luck"})
    group = desk.group(table, "fail")
    desk.finish(table, desk.tables.dispatches.create(table, **desk.where, group_ids=[group]))
    (row,) = desk.tables.rows.list(table, **desk.where, include_run_state=True)
    assert row.run_state is not None
    state = row.run_state[group]
    assert (state.status, "no luck" in str(state.error)) == ("error", True)
    assert list(state.block_errors) == [desk.sandbox.block_id("fail")]


@pytest.mark.parametrize("auto_run", [True, False])
def test_a_group_that_runs_by_itself_runs_in_new_rows(desk: Desk, auto_run: bool) -> None:
    table = desk.table(TEXTS, {"text": "old"})
    group = desk.group(table, "length", auto_run=auto_run, inputMappings=[{"inputName": "text", "columnName": "text"}])
    desk.tables.rows.insert(table, **desk.where, data={"text": "new one"})
    if auto_run:
        until(lambda: desk.states(table, group)[1] == "completed")
    assert desk.values(table, "found") == [None, 7 if auto_run else None]


def test_runs_are_cancelled_and_the_dispatch_with_them(desk: Desk) -> None:
    table = desk.table([{"name": "seconds", "type": "number"}], {"seconds": 60}, {"seconds": 60})
    group = desk.group(table, "slow")
    started = desk.tables.dispatches.create(table, **desk.where, group_ids=[group])
    until(lambda: desk.states(table, group) == ["running", "running"])
    assert [each.id for each in desk.tables.dispatches.list(table, **desk.where)] == [started.dispatch_id]
    desk.tables.dispatches.cancel(table, started.dispatch_id or "", **desk.where)
    with pytest.raises(sim.JobFailedError, match="canceled"):
        desk.wait(table, started)
    first, _ = desk.tables.rows.list(table, **desk.where)
    assert desk.tables.cancel_runs(table, **desk.where, scope="row", row_id=first.id).cancelled == 1
    assert desk.tables.cancel_runs(table, **desk.where, scope="all").cancelled == 1
    assert desk.states(table, group) == ["canceled", "canceled"]


def test_an_enrichment_ends_and_says_that_no_provider_was_asked(desk: Desk) -> None:
    table = desk.table(TEXTS, {"text": "Ada"})
    group = desk.tables.groups.add(
        table,
        **desk.where,
        group={
            "type": "enrichment",
            "enrichmentId": "work-email",
            "outputs": [{"outputId": "email", "columnName": "email"}],
            "autoRun": False,
        },
        output_columns=[{"name": "email", "type": "string"}],
    ).group
    (row,) = desk.tables.rows.list(table, **desk.where)
    desk.wait(table, desk.tables.enrichments.run(table, row.id, group.id, **desk.where))
    found = desk.tables.enrichments.get(table, row.id, group.id, **desk.where)
    assert found is not None
    assert found.cascade is not None
    assert [each.error for each in found.cascade.providers] == [
        "The sandbox asks no provider: an enrichment finds nothing"
    ]
    assert desk.values(table, "email") == [""]


def test_what_goes_on_when_the_server_stops_is_cancelled() -> None:
    sandbox = Sandbox(generation="v0.8")
    with sandbox.serve() as server, server.client() as client:
        desk = Desk(sandbox, client)
        table = desk.table([{"name": "seconds", "type": "number"}], {"seconds": 60})
        group = desk.group(table, "slow")
        started = desk.tables.dispatches.create(table, **desk.where, group_ids=[group])
        until(lambda: desk.states(table, group) == ["running"])
    with sandbox.serve() as server, server.client() as client:
        found = client.v2.tables.dispatches.get(table, started.dispatch_id or "", **desk.where)
        assert found.status == "canceled"
        assert Desk(sandbox, client).states(table, group) == ["canceled"]
