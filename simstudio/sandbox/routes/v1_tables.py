"""Tables and their columns below ``/api/v1/tables``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.sandbox.checks import Flag, ListOf, Number, OneOf, Optional, Shape, Text
from simstudio.sandbox.data import columns
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.tables import KINDS, LONGEST_NAME, MOST_COLUMNS, Column, Table
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_requests import IN_BODY, WORKSPACE, check_member, success
from simstudio.sandbox.routes.v1_rows import table_asked_for, table_of

if TYPE_CHECKING:
    from simstudio.sandbox.core import Core

_V1 = V1()
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


@_V1.operation("GET", "/api/v1/tables", query=WORKSPACE)
def list_tables(call: Call) -> Reply:
    """All tables, without paging."""
    check_member(call, call.query["workspaceId"])
    tables = call.core.data.tables.all()
    return success(tables=[table.to_v1() for table in tables], totalCount=len(tables))


@_V1.operation("POST", "/api/v1/tables", body=_NEW_TABLE)
def create_table(call: Call) -> Reply:
    """Create a table."""
    core, asked = call.core, call.body
    check_member(call, asked["workspaceId"])
    wanted = [_column(each) for each in asked["schema"]["columns"]]
    table = core.data.tables.create(asked["name"], asked.get("description"), wanted)
    core.data.audit.record(
        "table.created", _resource(table), f'Created table "{table.name}" via API', columnCount=len(wanted)
    )
    return success(table=table.to_v1(), message="Table created successfully")


@_V1.operation("GET", "/api/v1/tables/{table}")
def get_table(call: Call) -> Reply:
    """One table."""
    return success(table=table_asked_for(call).to_v1())


@_V1.operation("DELETE", "/api/v1/tables/{table}")
def delete_table(call: Call) -> Reply:
    """Archive a table."""
    core = call.core
    table = core.data.tables.archive(table_asked_for(call).id)
    core.data.audit.record("table.deleted", _resource(table), f'Archived table "{table.name}" via API')
    return success(message="Table archived successfully")


@_V1.operation("POST", "/api/v1/tables/{table}/columns", body=_NEW_COLUMN)
def add_column(call: Call) -> Reply:
    """Add a column."""
    core, asked = call.core, call.body
    table = table_of(call, asked["workspaceId"])
    wanted = asked["column"]
    columns.add(table, _column(wanted), wanted.get("position"), core.clock())
    _record_change(core, table, f'Added column "{wanted["name"]}" to table "{table.name}"', column=wanted)
    return success(columns=table.to_v1_columns())


@_V1.operation("PATCH", "/api/v1/tables/{table}/columns", body=_CHANGED_COLUMN)
def update_column(call: Call) -> Reply:
    """Change the name, type or constraints of a column."""
    core, asked = call.core, call.body
    table = table_of(call, asked["workspaceId"])
    name, updates = asked["columnName"], asked["updates"]
    columns.change(table, name, updates, core.clock())
    _record_change(core, table, f'Updated column "{name}" in table "{table.name}"', columnName=name, updates=updates)
    return success(columns=table.to_v1_columns())


@_V1.operation("DELETE", "/api/v1/tables/{table}/columns", body=_DROPPED_COLUMN)
def delete_column(call: Call) -> Reply:
    """Delete a column, which the body of the DELETE names."""
    core, asked = call.core, call.body
    table = table_of(call, asked["workspaceId"])
    name = asked["columnName"]
    columns.drop(table, name, core.clock())
    _record_change(core, table, f'Deleted column "{name}" from table "{table.name}"', columnName=name)
    return success(columns=table.to_v1_columns())


def _column(wanted: dict[str, Any]) -> Column:
    return Column(wanted["name"], wanted["type"], wanted["required"], wanted["unique"])


def _resource(table: Table) -> Resource:
    return Resource("table", table.id, table.name)


def _record_change(core: Core, table: Table, description: str, **metadata: object) -> None:
    core.data.audit.record("table.updated", _resource(table), description, **metadata)
