"""``client.v1.tables.rows``: what the methods send, and where they stop before sending."""

from __future__ import annotations

import json
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pytest

import simstudio as sim
from simstudio.models.v1.tables import DeletedRows, TableRow
from tests.driving import answer

ROW = {"id": "row_1", "data": {"sku": "A1"}}


def said(**data):
    return answer(200, {"success": True, "data": data})


def body_of(client):
    (request,) = client.script.requests
    assert request.headers["content-type"] == "application/json"
    return request.method, json.loads(request.content)


async def test_one_row_is_inserted_where_it_is_wanted(both):
    client = both.client(said(row=ROW, message="Row inserted successfully"))

    inserted = await both(
        client.v1.tables.rows.insert("tbl_1", workspace_id="ws", data={"sku": "A1", "qty": None}, position=0)
    )

    assert inserted == TableRow("row_1", {"sku": "A1"})
    assert body_of(client) == ("POST", {"workspaceId": "ws", "data": {"sku": "A1", "qty": None}, "position": 0})


async def test_several_rows_are_inserted_in_one_request(both):
    client = both.client(said(rows=[ROW], insertedCount=1))

    rows = ({"sku": "A1"}, {"sku": "é"})
    inserted = await both(client.v1.tables.rows.insert_many("tbl_1", workspace_id="ws", rows=rows, positions=[4, 2]))

    assert inserted.rows == [TableRow("row_1", {"sku": "A1"})]
    assert body_of(client) == ("POST", {"workspaceId": "ws", "rows": [*rows], "positions": [4, 2]})
    assert "é".encode() in client.script.requests[0].content


async def test_rows_are_changed_by_a_filter_with_put_and_one_by_one_with_patch(both):
    client = both.client(said(updatedCount=0), said(updatedCount=1, updatedRowIds=["row_1"]))
    rows = client.v1.tables.rows

    await both(rows.update_many("tbl_1", workspace_id="ws", filter={"qty": 1}, data={"qty": 2}, limit=1000))
    changed = await both(
        rows.batch_update("tbl_1", workspace_id="ws", updates=[{"rowId": "row_1", "data": {"qty": 3}}])
    )

    assert changed.updated_row_ids == ["row_1"]
    put, patch = client.script.requests
    assert (put.method, patch.method) == ("PUT", "PATCH")
    assert json.loads(put.content) == {"workspaceId": "ws", "filter": {"qty": 1}, "data": {"qty": 2}, "limit": 1000}
    assert json.loads(patch.content)["updates"] == [{"rowId": "row_1", "data": {"qty": 3}}]


async def test_rows_are_deleted_by_a_body(both):
    client = both.client(said(deletedCount=1, deletedRowIds=["row_1"], requestedCount=2, missingRowIds=["row_2"]))

    deleted = await both(client.v1.tables.rows.delete_many("tbl_1", workspace_id="ws", row_ids=["row_1", "row_2"]))

    assert type(deleted) is DeletedRows
    assert (deleted.requested_count, deleted.missing_row_ids) == (2, ["row_2"])
    assert body_of(client) == ("DELETE", {"workspaceId": "ws", "rowIds": ["row_1", "row_2"]})


async def test_one_row_is_deleted_by_a_query_as_recorded(both):
    client = both.client(said(message="Row deleted successfully", deletedCount=1))

    await both(client.v1.tables.rows.delete("tbl_1", "row/1", workspace_id="ws"))

    (request,) = client.script.requests
    assert request.url.endswith("/api/v1/tables/tbl_1/rows/row%2F1?workspaceId=ws")
    assert not request.content


async def test_an_upsert_may_name_its_column(both):
    client = both.client(said(row=ROW, operation="update"))

    upserted = await both(
        client.v1.tables.rows.upsert("tbl_1", workspace_id="ws", data={"sku": "A1"}, conflict_target="sku")
    )

    assert upserted.operation == "update"
    assert body_of(client) == ("POST", {"workspaceId": "ws", "data": {"sku": "A1"}, "conflictTarget": "sku"})


async def test_a_filter_and_an_order_are_json_in_the_query_in_the_order_given(both):
    client = both.client(said(rows=[], rowCount=0, totalCount=0))

    conditions = {"$or": [{"sku": {"$contains": "A&B é"}}, {"qty": None}]}
    sort = MappingProxyType({"b": "desc", "a": "asc"})
    await both(client.v1.tables.rows.list("tbl_1", workspace_id="ws", filter=conditions, sort=dict(sort)).page())

    query = parse_qs(urlsplit(client.script.requests[0].url).query)
    assert json.loads(query["filter"][0]) == conditions
    assert list(json.loads(query["sort"][0])) == ["b", "a"]


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("insert_many", {"rows": []}, "rows must have from 1 to 1,000 items, not 0"),
        ("insert_many", {"rows": [{}] * 1001}, "rows must have from 1 to 1,000 items, not 1,001"),
        ("insert_many", {"rows": {"sku": "A1"}}, "rows must be"),
        ("insert", {"data": [{"sku": "A1"}]}, "data must be"),
        ("insert", {"data": {}, "position": -1}, "position must be at least 0"),
        ("insert_many", {"rows": [{}], "positions": [0] * 1001}, "positions must have at most 1,000 items"),
        ("update_many", {"filter": {"a": 1}, "data": {}, "limit": 0}, "limit must be from 1 to 1,000"),
        ("batch_update", {"updates": []}, "updates must have from 1 to 1,000 items"),
        ("delete_many", {"row_ids": ["r"] * 1001}, "row_ids must have at most 1,000 items"),
        ("delete_many", {"filter": {"a": 1}, "limit": 1001}, "limit must be from 1 to 1,000"),
        ("delete_many", {"row_ids": "row_1"}, "row_ids must be"),
        ("upsert", {"data": {"a": float("nan")}}, "JSON"),
        ("upsert", {"data": {"a": b"bytes"}}, "JSON"),
    ],
)
async def test_what_cannot_be_sent_is_refused_by_name_and_limit(both, name, arguments, text):
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match=text):
        await both(getattr(client.v1.tables.rows, name)("tbl_1", workspace_id="ws", **arguments))

    assert client.script.requests == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("insert_many", {"rows": [{"text": "x" * 6_000_000}] * 2}),
        ("batch_update", {"updates": [{"rowId": "r", "data": {"text": "x" * 6_000_000}}] * 2}),
        ("upsert", {"data": {"text": "é" * 6_000_000}}),
    ],
)
async def test_more_than_sim_takes_is_refused_before_sending(both, name, arguments):
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match="10,485,760") as raised:
        await both(getattr(client.v1.tables.rows, name)("tbl_1", workspace_id="ws", **arguments))

    assert raised.value.code == "PAYLOAD_TOO_LARGE"
    assert client.script.requests == []
