"""The tables of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

import attrs

from simstudio.sandbox.http import Refusal
from simstudio.sandbox.times import iso

KINDS = ("string", "number", "boolean", "date", "json")
"""The types a column may have."""

MOST_COLUMNS = 50
LONGEST_NAME = 50


@attrs.frozen
class TablePlan:
    """What a plan allows: tables a workspace, rows a table."""

    tables: int
    rows: int


PLANS: Mapping[str, TablePlan] = {"free": TablePlan(3, 1000), "enterprise": TablePlan(10_000, 1_000_000)}


@attrs.frozen
class Column:
    """One column."""

    name: str
    kind: str
    required: bool = False
    unique: bool = False

    def shown(self) -> dict[str, object]:
        """The column as the API shows it."""
        return {"name": self.name, "type": self.kind, "required": self.required, "unique": self.unique}


@attrs.define(eq=False)
class Row:
    """One row. Its place among the table's rows is its position. Times are epoch seconds."""

    id: str
    data: dict[str, object]
    created: float
    updated: float


@attrs.define
class Table:
    """A table with its rows in order. Times are epoch seconds."""

    id: str
    name: str
    description: str | None
    columns: list[Column]
    max_rows: int
    created: float
    updated: float
    rows: list[Row] = attrs.field(factory=list)

    def shown(self) -> dict[str, object]:
        """The table as the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "schema": {"columns": self.shown_columns()},
            "rowCount": len(self.rows),
            "maxRows": self.max_rows,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }

    def shown_columns(self) -> list[dict[str, object]]:
        """The columns as the API shows them."""
        return [column.shown() for column in self.columns]

    def row(self, row_id: str) -> Row:
        """One row.

        Raises:
            Refusal: there is none.
        """
        for row in self.rows:
            if row.id == row_id:
                return row
        raise Refusal(404, "Row not found")

    def shown_rows(self, rows: Iterable[Row]) -> list[dict[str, object]]:
        """Some of the rows as the API shows them."""
        positions = {row.id: position for position, row in enumerate(self.rows)}
        return [
            {
                "id": row.id,
                "data": row.data,
                "position": positions[row.id],
                "createdAt": iso(row.created),
                "updatedAt": iso(row.updated),
            }
            for row in rows
        ]


class Tables:
    """The tables that are not archived, oldest first."""

    def __init__(self, clock: Callable[[], float], plan: TablePlan) -> None:
        self._clock = clock
        self._plan = plan
        self._tables: dict[str, Table] = {}

    def all(self) -> list[Table]:
        """Every table."""
        return list(self._tables.values())

    def get(self, table_id: str) -> Table:
        """One table.

        Raises:
            Refusal: there is none.
        """
        table = self._tables.get(table_id)
        if table is None:
            raise Refusal(404, "Table not found")
        return table

    def create(self, name: str, description: str | None, columns: list[Column]) -> Table:
        """Add a table.

        Raises:
            Refusal: the plan allows no more, or the name or a column's name is taken.
        """
        if len({column.name.lower() for column in columns}) < len(columns):
            raise Refusal(400, "Invalid schema: Duplicate column names found")
        if len(self._tables) >= self._plan.tables:
            raise Refusal(403, f"Workspace has reached maximum table limit ({self._plan.tables})")
        if any(table.name == name for table in self._tables.values()):
            raise Refusal(400, f'Table with name "{name}" already exists in this workspace')
        now = self._clock()
        table = Table(f"tbl_{uuid4().hex}", name, description, columns, self._plan.rows, now, now)
        self._tables[table.id] = table
        return table

    def archive(self, table_id: str) -> Table:
        """Take a table away; its name is free again.

        Raises:
            Refusal: there is none.
        """
        table = self.get(table_id)
        del self._tables[table_id]
        return table
