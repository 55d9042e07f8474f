"""Tables and their columns below ``/api/v1/tables``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.sandbox.data import columns
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.checks import Flag, ListOf, Number, OneOf, Optional, Shape, Text, present
from simstudio.sandbox.data.tables import KINDS, LONGEST_NAME, MOST_COLUMNS, Column, Table
from simstudio.sandbox.routes import v1_rows
from simstudio.sandbox.routes.v1_requests import (
    IN_BODY,
    WORKSPACE,
    check_member,
    checked,
    given,
    json_body,
    query,
    route,
    success,
)
from simstudio.sandbox.routes.v1_rows import table_asked_for, table_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core

_NAME_RULE = "must start with a letter or underscore and contain only alphanumeric characters and underscores"


def _name(of: str) -> Text:
    return Text(
        least=(1, f"{of} name is required"),
        most=(LONGEST_NAME, f"{of} name must be {LONGEST_NAME} characters or less"),
        pattern=(r"[A-Za-z_][A-Za-z0-9_]*", f"{of} name {_NAME_RULE}"),
    )


_CONSTRAINTS = {"required": Optional(Flag(), default=False), "unique": Optional(Flag(), default=False)}
_NEW_TABLE = Shape(
    {
        "workspaceId": IN_BODY,
        "name": _name("Table"),
        "description": Optional(Text(most=(500, "Description must be 500 characters or less"))),
        "schema": Shape(
            {
                "columns": ListOf(
                    item=Shape(
                        {
                            "name": _name("Column"),
                            "type": OneOf(KINDS, f"Column type must be one of: {', '.join(KINDS)}"),
                            **_CONSTRAINTS,
                        }
                    ),
                    least=(1, "Table must have at least one column"),
                    most=(MOST_COLUMNS, f"Table cannot have more than {MOST_COLUMNS} columns"),
                )
            }
        ),
    }
)
_COLUMN_NAME = Text(least=(1, "Column name is required"))
_NEW_COLUMN = Shape(
    {
        "workspaceId": IN_BODY,
        "column": Shape(
            {
                "name": _COLUMN_NAME,
                "type": OneOf(KINDS),
                **_CONSTRAINTS,
                "position": Optional(Number(least=(0, None), whole="Expected integer, received float")),
            }
        ),
    }
)
_CHANGED_COLUMN = Shape(
    {
        "workspaceId": IN_BODY,
        "columnName": _COLUMN_NAME,
        "updates": Shape(
            {
                "name": Optional(_COLUMN_NAME),
                "type": Optional(OneOf(KINDS)),
                "required": Optional(Flag()),
                "unique": Optional(Flag()),
            }
        ),
    }
)
_DROPPED_COLUMN = Shape({"workspaceId": IN_BODY, "columnName": _COLUMN_NAME})


def routes(core: Core) -> list[Route]:
    """The routes of tables, columns and rows."""
    return [
        route(core, "GET", "/tables", list_tables),
        route(core, "POST", "/tables", create_table),
        route(core, "GET", "/tables/{table}", get_table),
        route(core, "DELETE", "/tables/{table}", delete_table),
        route(core, "POST", "/tables/{table}/columns", add_column),
        route(core, "PATCH", "/tables/{table}/columns", update_column),
        route(core, "DELETE", "/tables/{table}/columns", delete_column),
        *v1_rows.routes(core),
    ]


async def list_tables(core: Core, request: Request) -> ASGIApp:
    """All tables, without paging."""
    check_member(core, request, query(request, WORKSPACE)["workspaceId"])
    tables = core.data.tables.all()
    return success(tables=[table.shown() for table in tables], totalCount=len(tables))


async def create_table(core: Core, request: Request) -> ASGIApp:
    """A new table, as far as the plan allows."""
    asked = checked(_NEW_TABLE, await json_body(core, request))
    check_member(core, request, asked["workspaceId"])
    wanted = [_column(each) for each in asked["schema"]["columns"]]
    table = core.data.tables.create(asked["name"], given(asked["description"]), wanted)
    core.data.audit.record(
        "table.created", _resource(table), f'Created table "{table.name}" via API', columnCount=len(wanted)
    )
    return success(table=table.shown(), message="Table created successfully")


async def get_table(core: Core, request: Request) -> ASGIApp:
    """One table."""
    return success(table=table_asked_for(core, request).shown())


async def delete_table(core: Core, request: Request) -> ASGIApp:
    """A table is archived."""
    table = core.data.tables.archive(table_asked_for(core, request).id)
    core.data.audit.record("table.deleted", _resource(table), f'Archived table "{table.name}" via API')
    return success(message="Table archived successfully")


async def add_column(core: Core, request: Request) -> ASGIApp:
    """A new column."""
    asked = checked(_NEW_COLUMN, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    wanted = asked["column"]
    columns.add(table, _column(wanted), given(wanted["position"]), core.clock())
    _record_change(core, table, f'Added column "{wanted["name"]}" to table "{table.name}"', column=present(wanted))
    return success(columns=table.shown_columns())


async def update_column(core: Core, request: Request) -> ASGIApp:
    """Another name, type or constraint."""
    asked = checked(_CHANGED_COLUMN, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    name, updates = asked["columnName"], present(asked["updates"])
    columns.change(table, name, updates, core.clock())
    _record_change(core, table, f'Updated column "{name}" in table "{table.name}"', columnName=name, updates=updates)
    return success(columns=table.shown_columns())


async def delete_column(core: Core, request: Request) -> ASGIApp:
    """A column goes, named in the body of the DELETE."""
    asked = checked(_DROPPED_COLUMN, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    name = asked["columnName"]
    columns.drop(table, name, core.clock())
    _record_change(core, table, f'Deleted column "{name}" from table "{table.name}"', columnName=name)
    return success(columns=table.shown_columns())


def _column(wanted: dict[str, Any]) -> Column:
    return Column(wanted["name"], wanted["type"], wanted["required"], wanted["unique"])


def _resource(table: Table) -> Resource:
    return Resource("table", table.id, table.name)


def _record_change(core: Core, table: Table, description: str, **metadata: object) -> None:
    core.data.audit.record("table.updated", _resource(table), description, **metadata)
