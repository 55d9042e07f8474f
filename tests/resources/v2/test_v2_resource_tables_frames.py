"""Tables as data frames, and data frames as tables."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

import simstudio as sim
from simstudio.models.v2.table_errors import BulkWriteReport
from simstudio.models.v2.table_filters import column
from tests.driving import Both, answer, client
from tests.modes import both_modes

STAMP = "2026-01-01T00:00:00.000Z"
LOCKS = {"schemaLocked": False, "insertLocked": False, "updateLocked": False, "deleteLocked": False}
RULES = {"required": False, "unique": False}
COLUMNS = [
    {"name": "sku", "type": "string", **RULES},
    {"name": "price", "type": "currency", "currencyCode": "EUR", **RULES},
    {"name": "due", "type": "date", **RULES},
    {"name": "stage", "type": "select", "options": [{"id": "o", "name": "New"}], **RULES},
    {"name": "tags", "type": "select", "multiple": True, "options": [{"id": "a", "name": "Alpha"}], **RULES},
    {"name": "meta", "type": "json", **RULES},
    {"name": "later", "type": "not yet known", **RULES},
]  # fmt: skip
TABLE = {
    "id": "tbl_1", "name": "t", "ownerEmail": "a@example.com", "rowCount": 2, "maxRows": 9, "folderPath": "/",
    "locks": LOCKS, "createdAt": STAMP, "updatedAt": STAMP, "schema": {"columns": COLUMNS},
}  # fmt: skip
FOUND = answer(200, {"data": TABLE})
CREATED = answer(201, {"data": TABLE})
FIRST: dict[str, Any] = {
    "tags": ["Alpha"],
    "sku": "A1",
    "due": "2026-12-24",
    "price": 2,
    "meta": {"a": 1},
    "stage": "New",
}
ROWS = [
    {**FIRST, "later": "x"},
    {"sku": "B2", "price": None, "tags": [], "gone": 1},
]  # fmt: skip
FRAME = {
    "sku": ["A1", "B2"], "price": [2.0, None], "due": ["2026-12-24", None], "stage": ["New", None],
    "tags": [["Alpha"], []], "meta": ['{"a":1}', None], "later": ['"x"', None],
}  # fmt: skip
TYPES = ["string", "double", "date32[day]", "string", "list<item: string>", "string", "string"]


def page(*rows: Any) -> Any:
    found = [{"id": f"row_{at}", "data": row, "createdAt": STAMP, "updatedAt": STAMP} for at, row in enumerate(rows)]
    return answer(200, {"data": found, "nextCursor": None})


def inserted(count: int) -> Any:
    row = {"id": "row", "data": {}, "createdAt": STAMP, "updatedAt": STAMP}
    return answer(201, {"data": {"rows": [row] * count, "insertedCount": count}})


def bodies(used: Any) -> list[Any]:
    return [json.loads(request.content) for request in used.script.requests if request.content]


def asked(used: Any) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in used.script.requests]


class TestReading:
    @both_modes
    async def test_rows_have_the_columns_and_types_of_their_table(self, both: Both) -> None:
        used = both.client(FOUND, page(*ROWS))
        frame = await both(used.v2.tables.rows.list("tbl_1", workspace_id="ws").to_dataframe("arrow"))
        assert [str(each) for each in frame.schema.types] == TYPES
        assert frame.set_column(2, "due", frame["due"].cast("string")).to_pydict() == FRAME
        assert asked(used) == [("GET", "/api/v2/tables/tbl_1"), ("GET", "/api/v2/tables/tbl_1/rows")]

    def test_those_of_a_query_may_be_some_columns_and_have_their_ids(self) -> None:
        used = client(FOUND, page(*ROWS))
        rows = used.v2.tables.rows.query("tbl_1", workspace_id="ws", predicate=column("sku") == "A1")
        assert rows.to_dataframe("arrow", columns=["id", "sku"]).to_pylist() == [
            {"id": "row_0", "sku": "A1"}, {"id": "row_1", "sku": "B2"},
        ]  # fmt: skip

    def test_those_of_v1(self) -> None:
        rows = {"rows": [{"id": "row_1", "data": {"price": 2}, "position": 0, "createdAt": STAMP, "updatedAt": STAMP}]}
        used = client(
            answer(200, {"success": True, "data": {"table": TABLE}}),
            answer(200, {"success": True, "data": {**rows, "totalCount": 1}}),
        )
        frame = used.v1.tables.rows.list("tbl_1", workspace_id="ws").to_dataframe("arrow")
        assert [str(each) for each in frame.schema.types] == TYPES
        assert frame["price"].to_pylist() == [2.0]


class TestInserting:
    @both_modes
    async def test_rows_of_a_frame_are_what_the_table_would_give(self, both: Both) -> None:
        used = both.client(FOUND, inserted(2))
        rows = used.v2.tables.rows
        assert await both(rows.insert_dataframe("tbl_1", pa.table(FRAME), workspace_id="ws")) == BulkWriteReport(2)
        (sent,) = bodies(used)
        assert sent["rows"] == [
            {**FIRST, "later": '"x"'},
            {"sku": "B2", "price": None, "due": None, "stage": None, "tags": [], "meta": None, "later": None},
        ]

    def test_unknown_columns_are_refused_before_anything_is_inserted(self) -> None:
        used = client(FOUND)
        with pytest.raises(sim.InvalidInputError, match=r"The table has no column 'color', 'size'\. It has 'sku', "):
            used.v2.tables.rows.insert_dataframe("tbl_1", pa.table({"color": [1], "size": [1]}), workspace_id="ws")
        assert asked(used) == [("GET", "/api/v2/tables/tbl_1")]

    def test_a_value_that_cannot_be_sent_ends_it_and_the_error_counts_the_rows_before(self) -> None:
        prices = [float(number) for number in range(6000)] + [float("inf")]
        used = client(FOUND, *[inserted(1000)] * 5)
        with pytest.raises(
            sim.BulkWriteError, match="stopped after 5,000 rows were written: Row 6000 of the"
        ) as caught:
            used.v2.tables.rows.insert_dataframe("tbl_1", pa.table({"price": prices}), workspace_id="ws")
        assert caught.value.report == BulkWriteReport(5000)


class TestCreating:
    @both_modes
    async def test_a_frame_becomes_a_table_with_its_columns(self, both: Both) -> None:
        frame = pa.table(
            {"sku": ["A1"], "qty": [1], "price": [0.5], "new": [True], "due": pa.array([0], pa.date32()),
             "tags": [["x"]], "meta": ['{"a":1}']}
        )  # fmt: skip
        used = both.client(CREATED, inserted(1), FOUND)
        settings = {"price": {"type": "currency", "currencyCode": "EUR"}, "meta": {"type": "json"}}
        made = await both(used.v2.tables.from_dataframe(frame, workspace_id="ws", name="t", columns=settings))
        assert (made.id, made.row_count) == ("tbl_1", 2)
        created, rows = bodies(used)
        assert created == {
            "workspaceId": "ws", "name": "t",
            "schema": {"columns": [
                {"name": "sku", "type": "string"}, {"name": "qty", "type": "number"},
                {"name": "price", "type": "currency", "currencyCode": "EUR"}, {"name": "new", "type": "boolean"},
                {"name": "due", "type": "date"}, {"name": "tags", "type": "json"}, {"name": "meta", "type": "json"},
            ]},
        }  # fmt: skip
        assert rows["rows"] == [
            {"sku": "A1", "qty": 1, "price": 0.5, "new": True, "due": "1970-01-01", "tags": ["x"], "meta": {"a": 1}}
        ]

    @pytest.mark.parametrize(
        ("frame", "settings", "message"),
        [
            (pa.table({"a": [float("inf")]}), None, "Row 0 of the data frame, column 'a'"),
            (pa.table({"a": [1]}), {"b": {"type": "json"}}, "The data frame has no column 'b'. It has 'a'"),
            ([{"a": 1}], None, "it is of type list"),
        ],
    )
    def test_what_cannot_be_a_table_is_refused_before_anything_is_created(
        self, frame: Any, settings: Any, message: str
    ) -> None:
        used = client()
        with pytest.raises(sim.InvalidInputError, match=message):
            used.v2.tables.from_dataframe(frame, workspace_id="ws", name="t", columns=settings)

    def test_a_table_that_was_not_filled_is_named_or_deleted(self) -> None:
        locked = answer(423, {"error": {"code": "LOCKED", "message": "m"}})
        used = client(CREATED, locked, CREATED, locked, answer(200, {"data": {"id": "tbl_1", "deleted": True}}))
        for delete, table_id in ((False, "tbl_1"), (True, None)):
            with pytest.raises(sim.BulkWriteError) as caught:
                used.v2.tables.from_dataframe(pa.table({"a": [1]}), workspace_id="ws", name="t", delete_failed=delete)
            assert caught.value.table_id == table_id
        assert asked(used)[-1] == ("DELETE", "/api/v2/tables/tbl_1")
