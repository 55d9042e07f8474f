"""Tables, columns and rows of the v1 API. The recordings are compared in `test_parity_v1_data`."""

from __future__ import annotations

import json

import httpx
import pytest

from simstudio.sandbox import RateLimits, Sandbox

from .calls import Caller, Serve
from .v1_calls import V1, data, error

pytestmark = pytest.mark.generation("v0.6")

COLUMNS = [
    {"name": "sku", "type": "string", "required": True, "unique": True},
    {"name": "qty", "type": "number"},
    {"name": "active", "type": "boolean"},
    {"name": "added", "type": "date"},
    {"name": "meta", "type": "json"},
]


class Table:
    """The table most tests work on."""

    def __init__(self, v1: V1, name: str = "stock", columns: list[dict] = COLUMNS) -> None:
        self.v1 = v1
        self.id = data(v1.post("/tables", name=name, schema={"columns": columns}))["table"]["id"]
        self.path = f"/tables/{self.id}"

    def add(self, **row: object) -> dict:
        return data(self.v1.post(f"{self.path}/rows", data=row))["row"]

    def add_all(self, *rows: dict) -> list[dict]:
        return data(self.v1.post(f"{self.path}/rows", rows=list(rows)))["rows"]

    def listed(self, **params: object) -> dict:
        encoded = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in params.items()}
        return data(self.v1.get(f"{self.path}/rows", **encoded))

    def skus(self, **params: object) -> list[str]:
        return [row["data"]["sku"] for row in self.listed(**params)["rows"]]


@pytest.fixture
def v1(call: Caller) -> V1:
    return V1(call)


@pytest.fixture
def table(v1: V1) -> Table:
    return Table(v1)


@pytest.fixture
def stock(table: Table) -> Table:
    table.add_all(
        {"sku": "A1", "qty": 5, "active": True, "added": "2026-01-02", "meta": {"k": [1, 2], "l": "x"}},
        {"sku": "B1", "qty": 1, "added": "2025-12-31T10:00:00Z"},
        {"sku": "B2", "qty": 20, "active": False},
        {"sku": "b_3", "qty": 300},
        {"sku": "U1", "nosuch": 1},
    )
    return table


class TestTables:
    def test_a_table_that_was_made_is_listed_and_read(self, v1: V1, table: Table) -> None:
        listed = data(v1.get("/tables"))
        assert listed["totalCount"] == 1
        assert listed["tables"] == [data(v1.get(table.path))["table"]]
        assert listed["tables"][0]["id"].startswith("tbl_")

    def test_a_column_is_neither_required_nor_unique_unless_it_says_so(self, v1: V1, table: Table) -> None:
        columns = data(v1.get(table.path))["table"]["schema"]["columns"]
        assert columns[0] == COLUMNS[0]
        assert columns[1] == {"name": "qty", "type": "number", "required": False, "unique": False}

    def test_a_name_is_taken_by_a_table_that_is_there(self, v1: V1, table: Table) -> None:
        answer = v1.post("/tables", name="stock", schema={"columns": COLUMNS})
        assert error(answer) == (400, 'Table with name "stock" already exists in this workspace')

    def test_an_archived_table_is_gone_and_its_name_free(self, v1: V1, table: Table) -> None:
        assert data(v1.delete(table.path))["message"] == "Table archived successfully"
        assert error(v1.delete(table.path)) == (404, "Table not found")
        assert error(v1.get(f"{table.path}/rows")) == (404, "Table not found")
        Table(v1)

    def test_two_columns_of_one_name_are_refused(self, v1: V1) -> None:
        columns = [{"name": "a", "type": "string"}, {"name": "A", "type": "number"}]
        answer = v1.post("/tables", name="t", schema={"columns": columns})
        assert error(answer) == (400, "Invalid schema: Duplicate column names found")

    def test_the_free_plan_has_three_tables_of_a_thousand_rows(self, v1: V1, table: Table) -> None:
        Table(v1, "second")
        Table(v1, "third")
        answer = v1.post("/tables", name="fourth", schema={"columns": COLUMNS})
        assert error(answer) == (403, "Workspace has reached maximum table limit (3)")
        assert data(v1.get(table.path))["table"]["maxRows"] == 1000

    def test_an_enterprise_has_more(self, serve: Serve) -> None:
        v1 = V1(serve(Sandbox(generation="v0.6", enterprise=True)))
        for number in range(4):
            Table(v1, f"table_{number}")
        assert data(v1.get("/tables"))["tables"][3]["maxRows"] == 1_000_000

    def test_a_full_table_takes_no_more(self, table: Table) -> None:
        for begin in (0, 500):
            table.add_all(*({"sku": str(number)} for number in range(begin, begin + 500)))
        assert error(table.v1.post(f"{table.path}/rows", data={"sku": "more"}))[0] == 400
        answer = table.v1.post(f"{table.path}/rows", rows=[{"sku": "more"}])
        assert error(answer) == (
            400,
            "Insufficient capacity. Can only insert 0 more rows (table has 1000/1000 rows)",
        )


class TestWhoAsks:
    def test_another_workspace_has_its_answer_per_route(self, v1: V1, table: Table) -> None:
        v1.workspace = "another"
        assert error(v1.get("/tables")) == (403, "Access denied")
        assert error(v1.post("/tables", name="t", schema={"columns": COLUMNS})) == (403, "Access denied")
        for answer in (
            v1.get(table.path),
            v1.delete(table.path),
            v1.get(f"{table.path}/rows"),
            v1.post(f"{table.path}/rows", data={"sku": "A"}),
            v1.get(f"{table.path}/rows/nope"),
            v1.delete(f"{table.path}/rows/nope"),
            v1.post(f"{table.path}/columns", column={"name": "a", "type": "string"}),
        ):
            assert error(answer) == (400, "Invalid workspace ID")

    def test_an_outsider_may_see_nothing(self, serve: Serve) -> None:
        v1 = V1(serve(Sandbox(generation="v0.6", outsider_key="sk-sim-outsider")))
        table = Table(v1)
        v1.caller.http.headers["X-API-Key"] = "sk-sim-outsider"
        assert error(v1.get("/tables")) == (403, "Access denied")
        assert error(v1.get(table.path)) == (403, "Access denied")
        assert error(v1.get("/tables/nope")) == (404, "Table not found")

    def test_a_key_is_needed(self, v1: V1) -> None:
        del v1.caller.http.headers["X-API-Key"]
        answer = v1.get("/tables")
        assert error(answer) == (401, "API key required")
        assert answer.headers["x-ratelimit-limit"] == "10"

    def test_every_request_takes_from_one_limit_and_no_success_tells_of_it(self, serve: Serve) -> None:
        v1 = V1(serve(Sandbox(generation="v0.6", rate_limits=RateLimits(v1_per_minute=1))))
        answers = [v1.get(path) for path in ("/tables", "/files", "/knowledge")]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert not [name for name in answers[0].headers if name.startswith("x-ratelimit")]
        assert answers[2].headers["x-ratelimit-remaining"] == "0"

    def test_the_october_server_has_none_of_this(self, serve: Serve) -> None:
        assert V1(serve(Sandbox(generation="v0.4"))).get("/tables").status_code == 404


class TestColumns:
    def columns(self, answer: httpx.Response) -> list[str]:
        return [column["name"] for column in data(answer)["columns"]]

    def test_one_is_added_at_the_end_or_in_a_place(self, v1: V1, table: Table) -> None:
        path = f"{table.path}/columns"
        assert self.columns(v1.post(path, column={"name": "note", "type": "string"}))[-1] == "note"
        assert self.columns(v1.post(path, column={"name": "first", "type": "json", "position": 0}))[0] == "first"

    def test_a_taken_name_is_refused_and_a_bad_one_breaks_the_server(self, v1: V1, table: Table) -> None:
        path = f"{table.path}/columns"
        taken = v1.post(path, column={"name": "SKU", "type": "string"})
        assert error(taken) == (400, 'Column "SKU" already exists')
        assert error(v1.post(path, column={"name": "a b", "type": "string"})) == (500, "Failed to add column")

    def test_values_follow_a_renamed_column(self, v1: V1, table: Table) -> None:
        table.add(sku="A", qty=3)
        assert "amount" in self.columns(v1.patch(f"{table.path}/columns", columnName="QTY", updates={"name": "amount"}))
        assert table.listed()["rows"][0]["data"] == {"sku": "A", "amount": 3}

    def test_values_go_with_a_deleted_column(self, v1: V1, table: Table) -> None:
        table.add(sku="A", qty=3)
        assert "qty" not in self.columns(v1.delete(f"{table.path}/columns", {"columnName": "qty"}))
        assert table.listed()["rows"][0]["data"] == {"sku": "A"}

    def test_the_last_column_stays(self, v1: V1) -> None:
        table = Table(v1, columns=[{"name": "only", "type": "string"}])
        answer = v1.delete(f"{table.path}/columns", {"columnName": "only"})
        assert error(answer) == (400, "Cannot delete the last column in a table")

    def test_an_unknown_column_is_not_found(self, v1: V1, table: Table) -> None:
        answer = v1.patch(f"{table.path}/columns", columnName="zzz", updates={"required": True})
        assert error(answer) == (404, 'Column "zzz" not found')

    @pytest.mark.parametrize(
        ("updates", "beginning"),
        [
            (
                {"type": "number"},
                'Cannot change column "sku" to type "number": 1 row(s) have incompatible values.',
            ),
            ({"name": "qty"}, 'Column "qty" already exists'),
            ({"name": "1st"}, 'Invalid column name "1st".'),
        ],
    )
    def test_a_change_the_rows_or_names_do_not_allow_is_refused(
        self, v1: V1, table: Table, updates: dict, beginning: str
    ) -> None:
        table.add_all({"sku": "text"}, {"sku": "12"})
        status, message = error(v1.patch(f"{table.path}/columns", columnName="sku", updates=updates))
        assert status == 400
        assert message.startswith(beginning)

    @pytest.mark.parametrize(
        ("updates", "message"),
        [
            ({"required": True}, 'Cannot set column "qty" as required: 1 row(s) have null or missing values'),
            ({"unique": True}, 'Cannot set column "qty" as unique: duplicate values exist'),
        ],
    )
    def test_a_constraint_the_rows_break_is_refused(self, v1: V1, table: Table, updates: dict, message: str) -> None:
        table.add_all({"sku": "A", "qty": 1}, {"sku": "B", "qty": 1}, {"sku": "C"})
        answer = v1.patch(f"{table.path}/columns", columnName="qty", updates=updates)
        assert error(answer) == (400, message)

    def test_a_type_the_values_can_be_read_as_is_taken(self, v1: V1, table: Table) -> None:
        table.add(sku="12")
        updates = {"type": "number", "unique": False}
        columns = data(v1.patch(f"{table.path}/columns", columnName="sku", updates=updates))["columns"]
        assert columns[0] == {"name": "sku", "type": "number", "required": True, "unique": False}


class TestFilters:
    @pytest.mark.parametrize(
        ("wanted", "skus"),
        [
            ({}, ["A1", "B1", "B2", "b_3", "U1"]),
            ({"sku": "A1"}, ["A1"]),
            ({"qty": {"$eq": 20}}, ["B2"]),
            ({"qty": {"$ne": 20}}, ["A1", "B1", "b_3", "U1"]),
            ({"qty": {"$gt": 5}}, ["B2", "b_3"]),
            ({"qty": {"$gte": 5, "$lt": 300}}, ["A1", "B2"]),
            ({"qty": {"$lte": 5}}, ["A1", "B1"]),
            ({"sku": {"$in": ["A1", "U1", "zz"]}}, ["A1", "U1"]),
            ({"sku": {"$nin": ["A1", "U1"]}}, ["B1", "B2", "b_3"]),
            ({"sku": {"$contains": "B"}}, ["B1", "B2", "b_3"]),
            ({"sku": {"$contains": "_1"}}, ["A1", "B1", "U1"]),
            ({"active": True}, ["A1"]),
            ({"active": False}, ["B2"]),
            ({"qty": True}, []),
            ({"nosuch": 1}, ["U1"]),
            ({"meta": {"$eq": {"k": [2]}}}, ["A1"]),
            ({"$or": [{"sku": "B1"}, {"qty": {"$gt": 100}}]}, ["B1", "b_3"]),
            ({"$and": [{"qty": {"$gt": 1}}, {"qty": {"$lt": 20}}]}, ["A1"]),
            ({"sku": {"$contains": "b"}, "qty": {"$lt": 10}}, ["B1"]),
        ],
    )
    def test_finds_rows(self, stock: Table, wanted: dict, skus: list[str]) -> None:
        assert stock.skus(filter=wanted) == skus

    @pytest.mark.parametrize(
        "wanted",
        [{"qty": {"$near": 2}}, {"a b": 1}, {"qty": {"$gt": "x"}}, {"sku": {"$gt": 1}}, {"qty": {"$lt": True}}],
    )
    def test_what_the_database_cannot_read_breaks_the_server(self, stock: Table, wanted: dict) -> None:
        answer = stock.v1.get(f"{stock.path}/rows", filter=json.dumps(wanted))
        assert error(answer) == (500, "Failed to query rows")

    def test_one_that_is_no_json_is_told_apart_from_one_that_is_no_object(self, stock: Table) -> None:
        broken = stock.v1.get(f"{stock.path}/rows", filter="{nope")
        assert error(broken) == (400, "Invalid filter or sort JSON")
        answer = stock.v1.get(f"{stock.path}/rows", filter="[1]")
        assert error(answer) == (400, "Validation error")
        assert answer.json()["details"][0]["path"] == ["filter"]


class TestOrder:
    @pytest.mark.parametrize(
        ("sort", "skus"),
        [
            ({"qty": "asc"}, ["B1", "A1", "B2", "b_3", "U1"]),
            ({"qty": "desc"}, ["b_3", "B2", "A1", "B1", "U1"]),
            ({"added": "asc"}, ["B1", "A1", "B2", "b_3", "U1"]),
            ({"active": "asc", "qty": "desc"}, ["B2", "A1", "b_3", "B1", "U1"]),
            ({"active": "desc"}, ["B1", "b_3", "U1", "A1", "B2"]),
        ],
    )
    def test_numbers_and_dates_have_nulls_last_and_texts_have_them_largest(
        self, stock: Table, sort: dict, skus: list[str]
    ) -> None:
        assert stock.skus(sort=sort) == skus

    def test_without_one_it_is_the_position(self, stock: Table) -> None:
        assert [row["position"] for row in stock.listed()["rows"]] == [0, 1, 2, 3, 4]

    def test_rows_can_be_sorted_by_their_time(self, table: Table) -> None:
        table.add(sku="old")
        table.add(sku="new")
        assert sorted(table.skus(sort={"createdAt": "desc"})) == ["new", "old"]


class TestPages:
    def test_no_limit_asked_for_means_no_limit_and_none_is_told(self, table: Table) -> None:
        table.add_all(*({"sku": str(number)} for number in range(120)))
        listed = table.listed()
        assert listed["rowCount"] == listed["totalCount"] == 120
        assert set(listed) == {"rows", "rowCount", "totalCount"}

    def test_a_page_tells_what_was_asked_for(self, stock: Table) -> None:
        listed = stock.listed(limit=2, offset=3)
        assert [row["data"]["sku"] for row in listed["rows"]] == ["b_3", "U1"]
        assert {name: listed[name] for name in ("rowCount", "totalCount", "limit", "offset")} == {
            "rowCount": 2,
            "totalCount": 5,
            "limit": 2,
            "offset": 3,
        }

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"limit": 0}, "Limit must be at least 1"),
            ({"limit": 1001}, "Limit cannot exceed 1000"),
            ({"limit": 1.5}, "Limit must be an integer"),
            ({"limit": "1e400"}, "Limit must be an integer"),
            ({"limit": "abc"}, "Expected number, received nan"),
            ({"offset": -1}, "Offset must be 0 or greater"),
        ],
    )
    def test_its_bounds_are_checked(self, stock: Table, params: dict, message: str) -> None:
        answer = stock.v1.get(f"{stock.path}/rows", **params)
        assert answer.status_code == 400
        assert answer.json()["details"][0]["message"] == message


class TestInsertion:
    def test_values_without_a_column_are_kept(self, table: Table) -> None:
        assert table.add(sku="A", nosuch=[1])["data"] == {"sku": "A", "nosuch": [1]}

    def test_keys_come_back_as_the_database_orders_them(self, table: Table) -> None:
        row = table.add(sku="A", meta={"zz": 1, "b": 2, "aa": 3}, qty=1)
        assert list(row["data"]) == ["qty", "sku", "meta"]
        assert list(row["data"]["meta"]) == ["b", "aa", "zz"]

    @pytest.mark.parametrize(
        ("row", "problems"),
        [
            ({}, ["Missing required field: sku"]),
            ({"sku": None}, ["Missing required field: sku"]),
            ({"sku": 1}, ["sku must be string"]),
            (
                {"sku": "A", "qty": "1", "active": 1, "added": "never"},
                ["qty must be number", "active must be boolean", "added must be valid date"],
            ),
        ],
    )
    def test_what_does_not_fit_its_column_is_listed_as_text(self, table: Table, row: dict, problems: list) -> None:
        answer = table.v1.post(f"{table.path}/rows", data=row)
        assert error(answer) == (400, "Row data does not match schema")
        assert answer.json()["details"] == problems

    def test_a_unique_value_is_there_once_whatever_its_case(self, table: Table) -> None:
        first = table.add(sku="A1")
        answer = table.v1.post(f"{table.path}/rows", data={"sku": "a1"})
        assert error(answer) == (400, "Unique constraint violation")
        assert answer.json()["details"] == [
            f'Column "sku" must be unique. Value "a1" already exists in row {first["id"]}'
        ]

    def test_many_are_all_inserted_or_none(self, table: Table) -> None:
        answer = table.v1.post(f"{table.path}/rows", rows=[{"sku": "A"}, {"qty": 1}, {"sku": 2}])
        assert error(answer) == (400, "Validation failed for some rows")
        assert answer.json()["details"] == [
            {"row": 1, "errors": ["Missing required field: sku"]},
            {"row": 2, "errors": ["sku must be string"]},
        ]
        assert table.listed()["totalCount"] == 0

    def test_a_unique_value_may_not_be_twice_in_a_batch(self, table: Table) -> None:
        answer = table.v1.post(f"{table.path}/rows", rows=[{"sku": "A"}, {"sku": "A"}])
        assert error(answer) == (400, "Unique constraint violations in batch")
        assert answer.json()["details"] == [
            {"row": 1, "errors": ['Column "sku" must be unique. Value "A" duplicates row 1 in batch']}
        ]

    def test_more_than_a_thousand_at_a_time_are_refused(self, table: Table) -> None:
        answer = table.v1.post(f"{table.path}/rows", rows=[{"sku": str(number)} for number in range(1001)])
        assert answer.json()["details"][0]["message"] == "Cannot insert more than 1000 rows per batch"

    def test_a_row_of_more_than_100_kib_is_refused(self, table: Table) -> None:
        answer = table.v1.post(f"{table.path}/rows", data={"sku": "x" * 103_000})
        assert error(answer) == (400, "Invalid row data")


class TestUpdate:
    def test_a_row_is_merged_and_null_stays_null(self, table: Table) -> None:
        row = table.add(sku="A", qty=1, active=True)
        changed = data(table.v1.patch(f"{table.path}/rows/{row['id']}", data={"qty": None}))["row"]
        assert changed["data"] == {"sku": "A", "qty": None, "active": True}
        assert changed["createdAt"] == row["createdAt"]

    def test_a_row_that_would_not_fit_stays_as_it_is(self, table: Table) -> None:
        row = table.add(sku="A")
        table.add(sku="B")
        path = f"{table.path}/rows/{row['id']}"
        wrong = table.v1.patch(path, data={"qty": "x", "active": 1})
        assert error(wrong) == (400, "Schema validation failed: qty must be number, active must be boolean")
        assert error(table.v1.patch(path, data={"sku": "B"}))[0] == 400
        assert data(table.v1.patch(path, data={"sku": "A"}))["row"]["data"] == {"sku": "A"}

    def test_a_filter_changes_what_it_finds(self, stock: Table) -> None:
        changed = data(stock.v1.put(f"{stock.path}/rows", filter={"qty": {"$lt": 50}}, data={"active": True}))
        assert changed["updatedCount"] == len(changed["updatedRowIds"]) == 3
        assert stock.skus(filter={"active": True}) == ["A1", "B1", "B2"]

    def test_a_filter_with_a_limit_changes_so_many(self, stock: Table) -> None:
        changed = data(stock.v1.put(f"{stock.path}/rows", filter={"qty": {"$gt": 0}}, data={"qty": -1}, limit=2))
        assert changed["updatedCount"] == 2

    def test_a_filter_that_finds_nothing_names_no_rows(self, stock: Table) -> None:
        changed = data(stock.v1.put(f"{stock.path}/rows", filter={"sku": "none"}, data={"qty": 1}))
        assert changed == {"message": "No rows matched the filter criteria", "updatedCount": 0}

    @pytest.mark.parametrize(
        "body", [{"filter": {"sku": "A1"}, "data": {"qty": "x"}}, {"filter": {"x y": 1}, "data": {}}]
    )
    def test_values_or_filters_that_do_not_fit_break_the_server(self, stock: Table, body: dict) -> None:
        assert error(stock.v1.put(f"{stock.path}/rows", **body)) == (500, "Failed to update rows")

    def test_a_batch_changes_each_row_in_its_own_way(self, stock: Table) -> None:
        first, second = stock.listed()["rows"][:2]
        updates = [{"rowId": first["id"], "data": {"qty": 6}}, {"rowId": second["id"], "data": {"qty": 7}}]
        changed = data(stock.v1.patch(f"{stock.path}/rows", updates=updates))
        assert changed["updatedRowIds"] == [first["id"], second["id"]]
        assert [row["data"]["qty"] for row in stock.listed(limit=2)["rows"]] == [6, 7]

    def test_a_batch_with_an_unknown_row_changes_none(self, stock: Table) -> None:
        row = stock.listed()["rows"][0]
        updates = [{"rowId": row["id"], "data": {"qty": 6}}, {"rowId": "row_x", "data": {}}]
        assert error(stock.v1.patch(f"{stock.path}/rows", updates=updates)) == (400, "Rows not found: row_x")
        assert stock.listed()["rows"][0] == row


class TestUpsert:
    def test_replaces_the_row_with_the_same_unique_value(self, stock: Table) -> None:
        answer = data(stock.v1.post(f"{stock.path}/rows/upsert", data={"sku": "A1", "qty": 9}))
        assert answer["operation"] == "update"
        assert answer["row"]["data"] == {"sku": "A1", "qty": 9}
        assert "position" not in answer["row"]
        assert stock.listed()["totalCount"] == 5

    def test_adds_a_row_when_there_is_none(self, stock: Table) -> None:
        answer = data(stock.v1.post(f"{stock.path}/rows/upsert", data={"sku": "N", "qty": 9}, conflictTarget="sku"))
        assert answer["operation"] == "insert"
        assert stock.skus()[-1] == "N"

    def test_needs_to_know_which_column_is_meant(self, v1: V1) -> None:
        none = Table(v1, "none", [{"name": "a", "type": "string"}])
        assert error(v1.post(f"{none.path}/rows/upsert", data={"a": "x"}))[0] == 400
        two = Table(v1, "two", [{"name": name, "type": "string", "unique": True} for name in "ab"])
        status, message = error(v1.post(f"{two.path}/rows/upsert", data={"a": "x"}))
        assert status == 400
        assert message.startswith("Table has multiple unique columns (a, b).")
        missing = v1.post(f"{two.path}/rows/upsert", data={"a": "x"}, conflictTarget="b")
        assert error(missing) == (400, 'Upsert requires a value for the conflict target column "b"')

    def test_keeps_the_other_unique_columns_unique(self, v1: V1) -> None:
        table = Table(v1, "two", [{"name": name, "type": "string", "unique": True} for name in "ab"])
        table.add(a="1", b="1")
        answer = v1.post(f"{table.path}/rows/upsert", data={"a": "2", "b": "1"}, conflictTarget="a")
        assert error(answer)[1].startswith("Unique constraint violation: ")


class TestDeletion:
    def test_ids_that_were_not_there_are_reported(self, stock: Table) -> None:
        ids = [row["id"] for row in stock.listed()["rows"]]
        gone = data(stock.v1.delete(f"{stock.path}/rows", {"rowIds": [ids[1], "row_x", ids[1]]}))
        assert gone == {
            "message": "Rows deleted successfully",
            "deletedCount": 1,
            "deletedRowIds": [ids[1]],
            "requestedCount": 2,
            "missingRowIds": ["row_x"],
        }

    def test_ids_that_were_all_there_leave_nothing_to_report(self, stock: Table) -> None:
        ids = [row["id"] for row in stock.listed()["rows"]]
        assert "missingRowIds" not in data(stock.v1.delete(f"{stock.path}/rows", {"rowIds": ids}))
        assert stock.listed()["totalCount"] == 0

    def test_positions_move_up(self, stock: Table) -> None:
        data(stock.v1.delete(f"{stock.path}/rows", {"filter": {"sku": "A1"}}))
        assert [row["position"] for row in stock.listed()["rows"]] == [0, 1, 2, 3]

    def test_a_filter_wins_over_ids(self, stock: Table) -> None:
        ids = [row["id"] for row in stock.listed()["rows"]]
        gone = data(stock.v1.delete(f"{stock.path}/rows", {"rowIds": ids[:1], "filter": {"sku": "B1"}}))
        assert gone["deletedRowIds"] == [ids[1]]

    def test_a_filter_may_have_a_limit(self, stock: Table) -> None:
        gone = data(stock.v1.delete(f"{stock.path}/rows", {"filter": {"qty": {"$gt": 0}}, "limit": 1}))
        assert gone["deletedCount"] == 1

    def test_an_empty_filter_or_list_is_told_apart_from_none_at_all(self, stock: Table) -> None:
        messages = [
            stock.v1.delete(f"{stock.path}/rows", body).json()["details"][0]["message"]
            for body in ({"filter": {}}, {"rowIds": []}, {})
        ]
        assert messages == ["Filter must not be empty", "At least one row ID is required", "Invalid input"]
