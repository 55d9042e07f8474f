"""``client.v1.tables`` and ``.columns``: what they send, and what they make of unknown answers."""

from __future__ import annotations

import json

import pytest

import simstudio as sim
from simstudio.models.v1.tables import Table, TableColumn
from tests.driving import answer

COLUMN = {"name": "sku", "type": "string"}
TABLE = {"id": "tbl_1", "name": "stock", "schema": {"columns": [COLUMN]}}


def made(**said):
    return answer(200, {"success": True, "data": {"table": {**TABLE, **said}, "message": "…"}})


def sent(client):
    (request,) = client.script.requests
    return request.method, request.url.removeprefix("https://sim.test"), json.loads(request.content or b"null")


async def test_what_is_not_given_is_not_sent(both):
    client = both.client(made())

    await both(client.v1.tables.create("ws", name="stock", schema={"columns": [COLUMN]}))

    body = {"workspaceId": "ws", "name": "stock", "schema": {"columns": [COLUMN]}}
    assert sent(client) == ("POST", "/api/v1/tables", body)


async def test_the_schema_of_one_table_makes_another(both):
    client = both.client(made(), made(id="tbl_2"))

    table = await both(client.v1.tables.get("tbl_1", workspace_id="ws"))
    await both(client.v1.tables.create("ws", name="copy", schema=table.schema, description=""))

    body = json.loads(client.script.requests[1].content)
    assert body == {"workspaceId": "ws", "name": "copy", "description": "", "schema": {"columns": [COLUMN]}}


@pytest.mark.parametrize("name", ["get", "delete"])
async def test_a_table_is_named_by_one_segment_of_the_path(both, name):
    client = both.client(made(message="gone"))

    await both(getattr(client.v1.tables, name)("a/b ?é", workspace_id="w s"))

    _, path, body = sent(client)
    assert path == "/api/v1/tables/a%2Fb%20%3F%C3%A9?workspaceId=w+s"
    assert body is None


async def test_a_column_is_deleted_by_a_body(both):
    client = both.client(answer(200, {"success": True, "data": {"columns": [COLUMN]}}))

    columns = await both(client.v1.tables.columns.delete("tbl_1", workspace_id="ws", column_name="note"))

    assert columns == [TableColumn("sku", "string")]
    body = {"workspaceId": "ws", "columnName": "note"}
    assert sent(client) == ("DELETE", "/api/v1/tables/tbl_1/columns", body)
    assert client.script.requests[0].headers["content-type"] == "application/json"


async def test_writes_are_not_sent_again(both):
    client = both.client(answer(503, {"error": "later"}), max_retries=5)

    with pytest.raises(sim.ServerError):
        await both(client.v1.tables.delete("tbl_1", workspace_id="ws"))

    assert len(client.script.requests) == 1


async def test_what_the_model_does_not_know_is_kept(both):
    client = both.client(made(colour="red", rowCount="many", schema={"columns": [{**COLUMN, "type": "vector"}]}))

    table = await both(client.v1.tables.get("tbl_1", workspace_id="ws"))

    assert table.extra == {"colour": "red"}
    assert table.row_count == "many"
    assert table.schema.columns[0].type == "vector"


async def test_a_table_needs_an_id_only(both):
    client = both.client(answer(200, {"data": {"table": {"id": "tbl_1"}}}))

    assert await both(client.v1.tables.get("tbl_1", workspace_id="ws")) == Table("tbl_1")


async def test_a_table_without_an_id_is_one_and_text_is_none(both):
    client = both.client(answer(200, {"data": {"table": {"name": "stock"}}}), answer(200, {"data": {"table": "stock"}}))

    assert (await both(client.v1.tables.get("tbl_1", workspace_id="ws"))).name == "stock"
    with pytest.raises(sim.InvalidResponseError, match="no Table: as a whole it is text and not an object"):
        await both(client.v1.tables.get("tbl_1", workspace_id="ws"))


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda tables: tables.create("ws", name=3, schema={"columns": []}), "name must be text, not 3"),
        (lambda tables: tables.create("ws", name="a", schema=[COLUMN]), "schema must be"),
        (lambda tables: tables.create("ws", name="a", schema={"columns": []}, description=None), "description must be"),
        (lambda tables: tables.get("", workspace_id="ws"), "table_id"),
        (lambda tables: tables.get("tbl_1", workspace_id=None), "workspace_id must be text, not None"),
        (lambda tables: tables.columns.add("tbl_1", workspace_id="ws", column="note"), "column must be"),
    ],
)
async def test_what_cannot_be_sent_is_refused_by_name(both, ask, text):
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match=text):
        await both(ask(client.v1.tables))

    assert client.script.requests == []
