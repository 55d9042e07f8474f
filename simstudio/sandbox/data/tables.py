"""The tables of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args

import attrs

from simstudio.sandbox.data.table_views import View
from simstudio.sandbox.definitions.folders import ROOT, Folder, Folders, is_within, normalise_path
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.ids import OWNER
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from simstudio.sandbox.data.table_groups import Cell, Dispatch, Group

KINDS = ("string", "number", "boolean", "date", "json")
"""The types a column of v1 may have."""

MOST_COLUMNS = 50
LONGEST_NAME = 50
Lock = Literal["schema", "insert", "update", "delete"]
LOCKS: tuple[Lock, ...] = get_args(Lock)
"""Kinds of changes that can be forbidden in a table."""

NOTHING = Fraction(0)


@attrs.frozen
class TablePlan:
    """Limits of tables under a plan.

    Attributes:
        tables: Tables of a workspace.
        rows: Rows of a table.
        row_bytes: Bytes of a row.
        columns: Columns of a table.
        since_v08: Whether messages give the number of a row instead of its id, and v1 shows the ids of columns and the
            locks.
    """

    tables: int
    rows: int
    row_bytes: int = 100 * 1024
    columns: int = MOST_COLUMNS
    since_v08: bool = False

    def with_rows(self, rows: int) -> TablePlan:
        """The plan with another number of rows."""
        return attrs.evolve(self, rows=rows)


PLANS: Mapping[str, TablePlan] = {"free": TablePlan(3, 1000), "enterprise": TablePlan(10_000, 1_000_000)}
SELF_HOSTED = TablePlan(10_000, 2**53 - 1, 400 * 1024, 1000, since_v08=True)
"""A server of v0.8 without billing."""


def _column_id() -> str:
    return f"col_{new_uuid().hex}"


@attrs.frozen
class Column:
    """One column.

    Attributes:
        options: Names of the choices of a ``select`` column by their ids.
        multiple: Whether a ``select`` column holds a list of choices.
        group_id: The group that fills it.
    """

    name: str
    kind: str
    required: bool = False
    unique: bool = False
    id: str = attrs.field(factory=_column_id)
    options: Mapping[str, str] | None = None
    multiple: bool = False
    currency: str | None = None
    group_id: str | None = None

    def to_v1(self) -> dict[str, object]:
        """The column as v1 shows it."""
        return {"name": self.name, "type": self.kind, "required": self.required, "unique": self.unique}

    def to_v2(self) -> dict[str, object]:
        """The column as v2 shows it."""
        shown: dict[str, object] = {"id": self.id, **self.to_v1()}
        if self.group_id is not None:
            shown["workflowGroupId"] = self.group_id
        if self.options is not None:
            shown["options"] = [{"id": key, "name": name} for key, name in self.options.items()]
        if self.multiple:
            shown["multiple"] = True
        if self.currency is not None:
            shown["currencyCode"] = self.currency
        return shown


@attrs.define(eq=False)
class Row:
    """One row. Its place among the table's rows is its position. Times are epoch seconds.

    Attributes:
        order: Grows from row to row, and never changes, so that a cursor can hold it.
    """

    id: str
    data: dict[str, object]
    created: float
    updated: float
    order: Fraction = NOTHING

    def to_v2(self, **more: object) -> dict[str, object]:
        """The row as v2 shows it, followed by further keys."""
        return {
            "id": self.id,
            "data": self.data,
            **more,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }


@attrs.define(eq=False)
class Table:
    """A table with its rows in order. Times are epoch seconds.

    Attributes:
        archived_with: Path of the folder whose deletion archived it; ``/`` if it was archived by itself.
        cells: States of groups in rows, by the ids of row and group.
    """

    id: str
    name: str
    description: str | None
    columns: list[Column]
    plan: TablePlan
    created: float
    updated: float
    rows: list[Row] = attrs.field(factory=list)
    workspace_id: str = ""
    folder: str = ROOT
    archived_with: str | None = None
    locks: set[Lock] = attrs.field(factory=set)
    views: list[View] = attrs.field(factory=list)
    groups: list[Group] = attrs.field(factory=list)
    dispatches: dict[str, Dispatch] = attrs.field(factory=dict)
    cells: dict[str, dict[str, Cell]] = attrs.field(factory=dict)

    @property
    def is_archived(self) -> bool:
        """Whether it was deleted."""
        return self.archived_with is not None

    @property
    def max_rows(self) -> int:
        """The number of rows that the plan allows."""
        return self.plan.rows

    def to_v1(self) -> dict[str, object]:
        """The table as v1 shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "schema": {"columns": self.to_v1_columns()},
            "rowCount": len(self.rows),
            "maxRows": self.max_rows,
            **({"locks": self._lock_flags()} if self.plan.since_v08 else {}),
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }

    def to_v2(self) -> dict[str, object]:
        """The table as v2 shows it; like the real server, never with a job."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "ownerEmail": OWNER,
            "schema": {"columns": self.to_v2_columns()},
            "rowCount": len(self.rows),
            "maxRows": self.max_rows,
            "folderPath": self.folder,
            "locks": self._lock_flags(),
            "job": None,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }

    def to_v1_columns(self) -> list[dict[str, object]]:
        """The columns as v1 shows them."""
        return self.to_v2_columns() if self.plan.since_v08 else [column.to_v1() for column in self.columns]

    def to_v2_columns(self) -> list[dict[str, object]]:
        """The columns as v2 shows them."""
        return [column.to_v2() for column in self.columns]

    def _lock_flags(self) -> dict[str, bool]:
        return {f"{name}Locked": name in self.locks for name in LOCKS}

    def row(self, row_id: str) -> Row:
        """One row.

        Raises:
            Refusal: 404, no row has this id.
        """
        for row in self.rows:
            if row.id == row_id:
                return row
        raise Refusal(404, "Row not found")

    def to_v1_rows(self, rows: Iterable[Row]) -> list[dict[str, object]]:
        """Rows as v1 shows them."""
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
    """The tables of the workspaces, oldest first, and their folders."""

    def __init__(self, clock: Callable[[], float], plan: TablePlan, workspace_id: str = "") -> None:
        self.clock = clock
        self._plan = plan
        self._workspace_id = workspace_id
        self._tables: dict[str, Table] = {}
        self._folders: dict[str, Folders] = {}

    def all(self) -> list[Table]:
        """Every table of the first workspace that is not archived."""
        return self.of(self._workspace_id)

    def cancel_runs(self) -> None:
        """Note that all runs of groups are cancelled, because the server that ran them is gone."""
        now = self.clock()
        for table in self._tables.values():
            for dispatch in table.dispatches.values():
                dispatch.cancel(now)
            for cells in table.cells.values():
                for cell in cells.values():
                    if cell.status == "running":
                        cell.cancel(now)

    def of(self, workspace_id: str, *, archived: bool = False) -> list[Table]:
        """The tables of a workspace."""
        tables = [each for each in self._tables.values() if each.workspace_id == workspace_id]
        return [each for each in tables if each.is_archived == archived]

    def folders(self, workspace_id: str) -> Folders:
        """The folders of a workspace."""
        return self._folders.setdefault(workspace_id, Folders())

    def find(self, table_id: str, *, archived: bool = False) -> Table | None:
        """One table; None if there is none, or if it is archived and `archived` is False."""
        table = self._tables.get(table_id)
        return None if table is None or (table.is_archived and not archived) else table

    def get(self, table_id: str) -> Table:
        """One table.

        Raises:
            Refusal: 404, no table has this id.
        """
        table = self.find(table_id)
        if table is None:
            raise Refusal(404, "Table not found")
        return table

    def is_taken(self, workspace_id: str, name: str) -> bool:
        """Whether a table of a workspace has a name; case makes no difference."""
        return any(table.name.lower() == name.lower() for table in self.of(workspace_id))

    def create(self, name: str, description: str | None, columns: list[Column]) -> Table:
        """Add a table of v1.

        Raises:
            Refusal: the plan allows no more, or the name or a column's name is taken.
        """
        self._check_columns(columns)
        self._check_room()
        if any(table.name == name for table in self.all()):
            raise Refusal(400, f'Table with name "{name}" already exists in this workspace')
        return self._add(self._workspace_id, name, description, columns, ROOT)

    def add(self, workspace_id: str, name: str, description: str | None, columns: list[Column], folder: str) -> Table:
        """Add a table of v2.

        Raises:
            Refusal: the plan allows no more, there is no such folder, or the name or a column's name is taken.
        """
        self._check_columns(columns)
        folder = self.folders(workspace_id).require(folder)
        self.check_name(workspace_id, name)
        self._check_room()
        return self._add(workspace_id, name, description, columns, folder)

    def update(self, table: Table, changes: Mapping[str, Any]) -> None:
        """Rename, describe or move a table: all changes or none.

        Raises:
            Refusal: the name is taken, or there is no such folder.
        """
        name, folder = changes.get("name", table.name), changes.get("folderPath")
        if folder is not None:
            folder = self.require_folder(table.workspace_id, folder)
        if name.lower() != table.name.lower():
            self.check_name(table.workspace_id, name)
        table.name = name
        table.description = changes.get("description", table.description)
        table.folder = folder or table.folder
        table.updated = self.clock()

    def require_folder(self, workspace_id: str, path: str) -> str:
        """The stored path of a folder into which a table is moved.

        Raises:
            Refusal: 404.
        """
        try:
            return self.folders(workspace_id).require(path)
        except Refusal as refusal:
            raise Refusal(refusal.status, "Folder not found in this workspace") from None

    def check_name(self, workspace_id: str, name: str) -> None:
        """Raise if a table of a workspace has a name.

        Raises:
            Refusal: 409.
        """
        if self.is_taken(workspace_id, name):
            raise Refusal(409, f'A table named "{name}" already exists in this workspace')

    def archive(self, table_id: str, folder: str = ROOT) -> Table:
        """Archive a table, which frees its name.

        Raises:
            Refusal: 404, no table has this id.
        """
        table = self.get(table_id)
        table.archived_with = folder
        return table

    def restore(self, table: Table) -> None:
        """Restore an archived table: under another name if its own is taken, in the root if its folder is gone."""
        if not table.is_archived:
            return
        while self.is_taken(table.workspace_id, table.name):
            table.name = f"{table.name}_restored"
        if table.folder != ROOT and all(each.path != table.folder for each in self.folders(table.workspace_id)):
            table.folder = ROOT
        table.archived_with = None
        table.updated = self.clock()

    def relocate_folder(self, workspace_id: str, path: str, destination: str) -> Folder:
        """Rename or move a folder with everything in it.

        Raises:
            Refusal: there is no such folder, or it cannot go there.
        """
        folder, moved = self.folders(workspace_id).relocate(path, destination, self.clock())
        for table in self.of(workspace_id):
            table.folder = moved.get(table.folder, table.folder)
        return folder

    def delete_folder(self, workspace_id: str, path: str, *, recursive: bool) -> tuple[str, int, int]:
        """Delete a folder and archive its tables.

        Returns:
            The path, and the numbers of deleted folders and archived tables.

        Raises:
            Refusal: there is no such folder, or it is not empty and ``recursive`` is False.
        """
        folders = self.folders(workspace_id)
        path = folders.require(path)
        inside = [table for table in self.of(workspace_id) if is_within(table.folder, path)]
        gone = folders.delete(path, occupied=bool(inside), recursive=recursive)
        for table in inside:
            self.archive(table.id, path)
        return path, len(gone), len(inside)

    def restore_folder(self, workspace_id: str, path: str) -> tuple[Folder, int, int]:
        """Restore a deleted folder with its contents.

        Returns:
            The folder, and the numbers of restored folders and tables.

        Raises:
            Refusal: 404, no deleted folder had this path.
        """
        path = normalise_path(path)
        folder, moved = self.folders(workspace_id).restore(path, self.clock())
        tables = [each for each in self.of(workspace_id, archived=True) if each.archived_with == path]
        for table in tables:
            table.folder = moved[table.folder]
            self.restore(table)
        return folder, len(moved), len(tables)

    def _check_columns(self, columns: list[Column]) -> None:
        if len({column.name.lower() for column in columns}) < len(columns):
            raise Refusal(400, "Invalid schema: Duplicate column names found")

    def _check_room(self) -> None:
        if sum(not table.is_archived for table in self._tables.values()) >= self._plan.tables:
            raise Refusal(403, f"Workspace has reached maximum table limit ({self._plan.tables})")

    def _add(self, workspace_id: str, name: str, description: str | None, columns: list[Column], folder: str) -> Table:
        now = self.clock()
        table = Table(
            f"tbl_{new_uuid().hex}",
            name,
            description,
            columns,
            self._plan,
            now,
            now,
            workspace_id=workspace_id,
            folder=folder,
            views=[View("Default", {}, now, now, is_default=True)],
        )
        self._tables[table.id] = table
        return table
