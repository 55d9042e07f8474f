"""``client.v2.tables``: what is special about its operations; tests of the catalogue hold all to the documents."""

from __future__ import annotations

import json
import pickle
from datetime import date
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v2.table_errors import BulkWriteReport, RejectedRow
from simstudio.models.v2.table_filters import all_of, any_of, column
from simstudio.models.v2.table_values import RoundedIntegerWarning
from simstudio.resources.v2.table_rows import TableRows
from tests.driving import Both, answer, client, play
from tests.recorded import SELECTION, recordings

ROW = {"id": "row_1", "data": {"qty": 3}, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}
UPDATED = answer(200, {"data": {"updatedCount": 1, "updatedRowIds": ["row_1"]}})
COUNTED = answer(200, {"data": {"totalCount": 1}})
CONDITION = {"field": "qty", "op": "gt", "value": 2}


def bodies(used: Any) -> list[Any]:
    """The bodies of the requests."""
    return [json.loads(request.content) for request in used.script.requests]


class TestFilters:
    @pytest.mark.parametrize(
        ("made", "sent"),
        [
            (column("qty") == 2, {"all": [{"field": "qty", "op": "eq", "value": 2}]}),
            (column("qty") != 2, {"all": [{"field": "qty", "op": "ne", "value": 2}]}),
            (column("qty") > 2, {"all": [CONDITION]}),
            (column("qty") >= 2, {"all": [{"field": "qty", "op": "gte", "value": 2}]}),
            (column("qty") < 2, {"all": [{"field": "qty", "op": "lt", "value": 2}]}),
            (column("due") <= date(2026, 1, 2), {"all": [{"field": "due", "op": "lte", "value": "2026-01-02"}]}),
            (column("a").in_({1}), {"all": [{"field": "a", "op": "in", "value": [1]}]}),
            (column("a").not_in([1]), {"all": [{"field": "a", "op": "nin", "value": [1]}]}),
            (column("a").contains("x"), {"all": [{"field": "a", "op": "contains", "value": "x"}]}),
            (column("a").not_contains("x"), {"all": [{"field": "a", "op": "ncontains", "value": "x"}]}),
            (column("a").startswith("x"), {"all": [{"field": "a", "op": "startsWith", "value": "x"}]}),
            (column("a").endswith("x"), {"all": [{"field": "a", "op": "endsWith", "value": "x"}]}),
            (column("a").like("x*"), {"all": [{"field": "a", "op": "like", "value": "x*"}]}),
            (column("a").like("x*", ignore_case=True), {"all": [{"field": "a", "op": "ilike", "value": "x*"}]}),
            (column("a").not_like("x*"), {"all": [{"field": "a", "op": "nlike", "value": "x*"}]}),
            (column("a").not_like("*", ignore_case=True), {"all": [{"field": "a", "op": "nilike", "value": "*"}]}),
            (column("a").is_empty(), {"all": [{"field": "a", "op": "isEmpty"}]}),
            (column("a").is_not_empty(), {"all": [{"field": "a", "op": "isNotEmpty"}]}),
            (column("a").is_null(), {"all": [{"field": "a", "op": "isNull"}]}),
            (column("a").is_not_null(), {"all": [{"field": "a", "op": "isNotNull"}]}),
            (
                all_of(column("qty") > 2, any_of(column("a").is_null(), column("b").is_null())),
                {
                    "all": [
                        CONDITION,
                        {"any": [{"field": "a", "op": "isNull"}, {"field": "b", "op": "isNull"}]},
                    ]
                },
            ),
        ],
    )
    def test_they_are_the_servers_data_and_are_sent_as_that(self, made: Any, sent: Any) -> None:
        used = client(COUNTED)
        used.v2.tables.rows.count("tbl_1", workspace_id="ws", predicate=made)
        assert bodies(used) == [{"workspaceId": "ws", "predicate": sent}]

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({}, "predicate must be a condition with field, op and value, or a group .* it has nothing"),
            ({"qty": {"$gt": 2}}, "it has qty"),
            ({"all": [], "any": []}, "it has all, any"),
            ({"all": []}, r"predicate\.all must be a list of 1 to 100"),
            ({"all": [CONDITION] * 101}, r"predicate\.all must be a list of 1 to 100"),
            ({"any": "text"}, r"predicate\.any must be a list"),
            ({"all": [2]}, r"predicate\.all\[0\] must be a condition or a group, not 2"),
            ({"all": [CONDITION, {"field": "a", "op": "=", "value": 1}]}, r"predicate\.all\[1\]\.op must be .*not '='"),
            ({"field": "a", "op": "eq"}, "must have a value for the operator eq"),
            ({"field": "a", "op": "in", "value": "abc"}, r"predicate\.value must be a list for the operator in"),
            ({"op": "isNull"}, r"predicate\.field must be the name of a column, not None"),
            ({**CONDITION, "negate": True}, "must have field, op and value, and not negate"),
            ({"all": [{"all": [CONDITION] * 100}] * 5}, "must have at most 500 groups and conditions, not 506"),
        ],
    )
    def test_what_the_server_would_refuse_is_refused_with_its_place(self, wrong: Any, said: str) -> None:
        used = client()
        with pytest.raises(sim.InvalidInputError, match=said):
            used.v2.tables.rows.count("tbl_1", workspace_id="ws", predicate=wrong)
        assert used.script.requests == []

    @pytest.mark.parametrize("wrong", ["qty", {"qty": "desc"}, {"field": "qty"}, {"field": "qty", "direction": "down"}])
    def test_an_order_names_columns_and_directions(self, wrong: Any) -> None:
        used = client(answer(200, {"data": [], "nextCursor": None}))
        with pytest.raises(sim.InvalidInputError, match=r"sort\[1\] must be the field and the direction"):
            used.v2.tables.rows.query("t", workspace_id="ws", sort=[column("a").asc(), wrong]).page()
        used.v2.tables.rows.query("t", workspace_id="ws", sort=[column("a").asc(), column("b").desc()]).page()
        assert bodies(used)[0]["sort"] == [{"field": "a", "direction": "asc"}, {"field": "b", "direction": "desc"}]

    def test_more_than_ten_groups_within_one_another_are_refused(self) -> None:
        made: Any = column("qty") > 2
        for _ in range(9):
            made = {"any": [made]}
        client(COUNTED).v2.tables.rows.count("tbl_1", workspace_id="ws", predicate=made)
        with pytest.raises(sim.InvalidInputError, match="at most 10 groups within one another"):
            client().v2.tables.rows.count("tbl_1", workspace_id="ws", predicate={"any": [made]})

    def test_a_condition_alone_is_a_predicate_but_no_filter(self) -> None:
        rows = client(COUNTED).v2.tables.rows
        rows.count("tbl_1", workspace_id="ws", predicate=CONDITION)
        with pytest.raises(sim.InvalidInputError, match="filter must be a group here, also around one condition"):
            rows.delete_by_filter("tbl_1", workspace_id="ws", filter=CONDITION, limit=None)

    @pytest.mark.parametrize(
        "found",
        [each for each in recordings(SELECTION) if b'"predicate"' in (each.request_body or b"")],
        ids=lambda found: found.name,
    )
    def test_those_that_a_real_server_answered_pass_and_those_of_a_wrong_form_do_not(self, found: Any) -> None:
        used = client(COUNTED)
        predicate = json.loads(found.request_body)["predicate"]
        said = json.loads(found.body).get("error", {}).get("message", "")
        # Whether a column exists, and what its type is, only the server knows.
        if found.status == 200 or said.startswith("Unknown"):
            used.v2.tables.rows.count("tbl_1", workspace_id="ws", predicate=predicate)
        else:
            with pytest.raises(sim.InvalidInputError):
                used.v2.tables.rows.count("tbl_1", workspace_id="ws", predicate=predicate)


class TestRows:
    async def test_a_query_sends_the_cursor_in_its_body(self, both: Both) -> None:
        pages = [answer(200, {"data": [ROW], "nextCursor": cursor}) for cursor in ("c2", None)]
        used = both.client(*pages)
        pager = used.v2.tables.rows.query("tbl_1", workspace_id="ws", predicate=column("qty") > 2)
        found = [row async for row in pager] if hasattr(pager, "__aiter__") else list(pager)
        assert [row.data for row in found] == [{"qty": 3}, {"qty": 3}]
        first = {"workspaceId": "ws", "predicate": {"all": [CONDITION]}}
        assert bodies(used) == [first, {**first, "cursor": "c2"}]
        assert {(request.method, request.resend) for request in used.script.requests} == {("POST", "read")}

    def test_no_limit_of_a_change_by_filter_has_to_be_said_and_is_not_sent(self) -> None:
        deleted = answer(200, {"data": {"deletedCount": 0, "deletedRowIds": []}})
        used = client(UPDATED, deleted)
        matching = column("qty") > 2
        with pytest.raises(TypeError, match="limit"):
            used.v2.tables.rows.update_by_filter("t", workspace_id="ws", filter=matching, data={})  # type: ignore[call-arg]
        used.v2.tables.rows.update_by_filter("t", workspace_id="ws", filter=matching, data={"a": None}, limit=None)
        used.v2.tables.rows.delete_by_filter("t", workspace_id="ws", filter=matching, limit=None)
        assert bodies(used) == [
            {"workspaceId": "ws", "filter": {"all": [CONDITION]}, "data": {"a": None}},
            {"workspaceId": "ws", "filter": {"all": [CONDITION]}},
        ]

    def test_a_change_by_filter_whose_answer_was_lost_is_not_sent_again(self) -> None:
        used = client(answer(503), UPDATED, max_retries=2)
        with pytest.raises(sim.ServerError):
            used.v2.tables.rows.update_by_filter(
                "t", workspace_id="ws", filter=column("qty") > 2, data={"qty": 1}, limit=5
            )
        assert len(used.script.requests) == 1

    def test_an_integer_that_the_server_would_round_is_sent_with_a_warning(self) -> None:
        used = client(answer(201, {"data": {"rows": [ROW, ROW], "insertedCount": 2}}))
        rows = [{"qty": 2**53}, {"meta": {"ids": [1, -(2**53) - 1]}}]
        with pytest.warns(RoundedIntegerWarning, match=r"rows\[1\]\['meta'\]\['ids'\]\[1\] is -9007199254740993"):
            used.v2.tables.rows.bulk_insert("t", workspace_id="ws", rows=rows)
        assert bodies(used) == [{"workspaceId": "ws", "rows": rows}]


BAD = answer(400, {"error": {"code": "BAD_REQUEST", "message": "Validation failed for some rows", "details": [
    {"row": 1, "errors": ["qty must be number"]}, {"row": 2, "errors": ["Missing required field: title"]},
]}})  # fmt: skip
REFUSED = answer(429, {"error": {"code": "RATE_LIMITED", "message": "Slow down"}}, headers={"Retry-After": "60"})


def inserted(count: int) -> Any:
    return answer(201, {"data": {"rows": [ROW] * count, "insertedCount": count}})


def insert(*answers: Any, rows: Any, **more: Any) -> Any:
    """Drive ``insert_many`` by hand."""
    return play(TableRows.insert_many.flow(client().v2.tables.rows, "t", rows, workspace_id="ws", **more), *answers)


def lengths(played: Any) -> list[int]:
    return [len(json.loads(request.content)["rows"]) for request in played.asked]


class TestInsertingMany:
    def test_any_iterable_goes_in_batches_of_a_thousand_which_are_read_as_they_are_sent(self) -> None:
        read: list[int] = []
        seen: list[tuple[int, int]] = []

        def rows() -> Any:
            for number in range(2001):
                read.append(number)
                yield {"qty": number}

        played = insert(
            *map(inserted, (1000, 1000, 1)),
            rows=rows(),
            on_batch=lambda each: seen.append((each.inserted_count, len(read))),
        )
        assert played.result == BulkWriteReport(2001)
        assert lengths(played) == [1000, 1000, 1]
        assert seen == [(1000, 1000), (1000, 2000), (1, 2001)]

    def test_what_is_no_row_is_not_sent(self) -> None:
        played = insert(rows=["sku", "qty"])
        assert isinstance(played.error, sim.InvalidInputError)
        assert "row 0 is of type str. insert_dataframe inserts the rows of a data frame" in str(played.error)

    def test_no_rows_are_no_request(self) -> None:
        assert insert(rows=[]).result == BulkWriteReport(0)

    def test_the_first_refused_batch_ends_it_and_the_error_names_rows_and_what_is_in_the_table(self) -> None:
        played = insert(inserted(1000), BAD, rows=[{"qty": "many"}] * 1500)
        error = played.error
        assert isinstance(error, sim.BulkWriteError)
        assert isinstance(error.__cause__, sim.InvalidRequestError)
        assert error.report == BulkWriteReport(
            1000, (RejectedRow(1001, ["qty must be number"]), RejectedRow(1002, ["Missing required field: title"]))
        )
        assert (error.status, len(error.in_doubt)) == (400, 0)
        assert "stopped at rows 1,000 to 1,499 after 1,000 rows were written, and none of these" in str(error)
        assert "Row 1001: qty must be number." in str(error)

    def test_rows_that_do_not_fit_can_be_left_out(self) -> None:
        again = answer(
            400, {"error": {"code": "BAD_REQUEST", "message": "m", "details": [{"row": 1, "errors": ["u"]}]}}
        )
        played = insert(BAD, again, inserted(1), rows=[{"n": n} for n in range(4)], errors="return")
        assert [json.loads(request.content)["rows"] for request in played.asked] == [
            [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}], [{"n": 0}, {"n": 3}], [{"n": 0}],
        ]  # fmt: skip
        assert (played.result.count, [row.index for row in played.result.rejected]) == (1, [1, 2, 3])

    def test_a_refusal_that_names_no_rows_ends_it_in_any_case(self) -> None:
        unknown = answer(400, {"error": {"code": "BAD_REQUEST", "message": "Unknown column: colour"}})
        played = insert(unknown, rows=[{"colour": 1}], errors="return")
        assert isinstance(played.error, sim.BulkWriteError)
        assert "Unknown column: colour" in str(played.error)

    def test_a_batch_that_is_too_large_is_halved(self) -> None:
        too_large = answer(413, {"error": {"code": "PAYLOAD_TOO_LARGE", "message": "m"}})
        played = insert(too_large, inserted(1), inserted(2), rows=[{}] * 3)
        assert lengths(played) == [3, 1, 2]
        assert played.result.count == 3

    def test_a_batch_that_the_rate_limit_refused_is_sent_again_after_the_wait_that_the_server_asks_for(self) -> None:
        played = insert(REFUSED, inserted(1), rows=[{}])
        assert played.sleeps == [60.0]
        assert played.result.count == 1
        assert isinstance(insert(*[REFUSED] * 6, rows=[{}]).error.__cause__, sim.RateLimitError)

    @pytest.mark.parametrize(
        ("lost", "in_doubt"),
        [
            (sim.APIConnectionError("lost", sent=True), range(1000, 1002)),
            (sim.APIConnectionError("refused", sent=False), range(0)),
            (answer(503), range(1000, 1002)),
            (answer(201, []), range(1000, 1002)),
            (answer(423, {"error": {"code": "LOCKED", "message": "m"}}), range(0)),
        ],
    )
    def test_a_batch_whose_answer_was_lost_is_not_sent_again_and_the_error_says_so(
        self, lost: Any, in_doubt: range
    ) -> None:
        played = insert(inserted(1000), *[lost] * 3, rows=[{}] * 1002)
        assert isinstance(played.error, sim.BulkWriteError)
        assert (played.error.report.count, played.error.in_doubt) == (1000, in_doubt)
        assert pickle.loads(pickle.dumps(played.error)).in_doubt == in_doubt


TABLE = {
    "id": "tbl_1", "name": "t", "ownerEmail": "a@example.com", "rowCount": 0, "maxRows": 1, "folderPath": "/",
    "locks": {"schemaLocked": False, "insertLocked": False, "updateLocked": False, "deleteLocked": False},
    "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
    "schema": {"columns": [
        {"name": "title", "type": "string", "required": True, "unique": False},
        {"name": "qty", "type": "number", "required": False, "unique": False},
        {"name": "price", "type": "currency", "required": False, "unique": False},
        {"name": "active", "type": "boolean", "required": False, "unique": False},
        {"name": "due", "type": "date", "required": False, "unique": False},
        {"name": "meta", "type": "json", "required": False, "unique": False},
        {"name": "stage", "type": "select", "required": False, "unique": False,
         "options": [{"id": "o", "name": "New"}]},
        {"name": "tags", "type": "select", "required": False, "unique": False, "multiple": True,
         "options": [{"id": "a", "name": "Alpha"}]},
    ]},
}  # fmt: skip


class TestUpdatingMany:
    @pytest.mark.parametrize(
        "data",
        [
            {"title": "x", "qty": 1, "price": 2.5, "active": True, "due": "2026-12-24", "meta": [None], "stage": "New"},
            {"qty": " 1e3", "active": "true", "due": "2026-12-24T23:30:00+02:00", "stage": "o", "tags": ["a", "Alpha"]},
            {"qty": None, "tags": "Alpha", "meta": "text"},
        ],
    )
    def test_values_that_the_server_stores_are_sent(self, data: Any) -> None:
        used = client(answer(200, {"data": TABLE}), UPDATED)
        updates = [{"rowId": "row_1", "data": data}]
        assert used.v2.tables.rows.update_many("tbl_1", updates, workspace_id="ws").count == 1
        assert json.loads(used.script.requests[1].content) == {"workspaceId": "ws", "updates": updates}

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            ({"qty": "many"}, "qty is a column of type number, which 'many' does not fit"),
            ({"qty": True}, "qty is a column of type number"),
            ({"price": float("nan")}, "price is a column of type currency"),
            ({"active": "yes"}, "active is a column of type boolean"),
            ({"due": "24/12/2026"}, "due is a column of type date"),
            ({"title": 5}, "title is a column of type string"),
            ({"title": None}, "title needs a value"),
            ({"stage": "Old"}, "stage is a column of type select"),
            ({"tags": ["Alpha", "Beta"]}, "tags is a column of type select"),
            ({"colour": 1}, "the table has no column 'colour'"),
        ],
    )
    def test_a_value_that_the_server_would_store_as_null_is_refused_before_anything_changes(
        self, data: Any, said: str
    ) -> None:
        used = client(answer(200, {"data": TABLE}))
        updates = [{"rowId": "row_1", "data": {"qty": 1}}] * 1500 + [{"rowId": "row_2", "data": data}]
        with pytest.raises(sim.InvalidInputError, match=rf"^Nothing was sent\. updates\[1500\]: {said}"):
            used.v2.tables.rows.update_many("tbl_1", updates, workspace_id="ws")
        assert [request.method for request in used.script.requests] == ["GET"]


@pytest.mark.parametrize("group", [{"workflowId": "w", "outputs": []}, {"workflowId": "w", "autoRun": None}])
def test_a_group_says_whether_it_runs_in_rows_that_are_inserted_later(group: Any) -> None:
    used = client()
    with pytest.raises(sim.InvalidInputError, match='group must say "autoRun"'):
        used.v2.tables.groups.add("t", workspace_id="ws", group=group)
    assert used.script.requests == []


def test_an_enrichment_has_one_shape_whichever_server_answers() -> None:
    cascade = {
        "startedAt": None, "completedAt": None, "durationMs": 12.5, "totalCost": 0, "matchedProvider": None,
        "aborted": False, "providers": [],
    }  # fmt: skip
    newer = {"groupId": "g", "runState": None, "outputs": {}, "cascade": cascade}
    used = client(answer(200, {"data": newer}), answer(200, {"data": cascade}), answer(200, {"data": None}))
    found = [used.v2.tables.enrichments.get("t", "r", "g", workspace_id="ws") for _ in range(3)]
    assert [each and (each.group_id, each.cascade and each.cascade.duration_ms) for each in found] == [
        ("g", 12.5), ("g", 12.5), None,
    ]  # fmt: skip
