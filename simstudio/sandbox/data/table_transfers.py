"""Imports of files into tables, and exports of tables. Times are epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.data.uploads import Upload


def _new_id() -> str:
    return str(new_uuid())


@attrs.define(eq=False, kw_only=True)
class Transfer:
    """An import or an export.

    Attributes:
        rows: Number of rows that were read or written.
        error: Reason of a failure.
    """

    id: str = attrs.field(factory=_new_id)
    workspace_id: str
    status: Literal["uploading", "queued", "processing", "completed", "failed", "canceled"]
    created: float
    rows: int = 0
    error: str | None = None
    updated: float = 0.0
    completed: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.status in ("completed", "failed", "canceled")

    def end(self, status: Literal["completed", "failed", "canceled"], now: float, error: str | None = None) -> None:
        """Note how it ended."""
        self.status, self.error, self.updated, self.completed = status, error, now, now

    def times(self) -> dict[str, object]:
        """The keys with which the API ends an import or an export."""
        return {
            "rowsProcessed": self.rows,
            "error": self.error,
            "createdAt": iso(self.created),
            "updatedAt": iso(max(self.created, self.updated)),
            "completedAt": iso_or_none(self.completed),
        }


@attrs.define(eq=False, kw_only=True)
class Import(Transfer):
    """An import.

    Attributes:
        options: ``source``, ``target``, ``mapping``, ``createColumns`` and ``timezone``, as they were given.
        upload: The session that receives the file; None for a file of the workspace.
    """

    options: Mapping[str, Any]
    table_id: str | None = None
    upload: Upload | None = None

    @property
    def target(self) -> Mapping[str, Any]:
        """The table that it fills."""
        found: Mapping[str, Any] = self.options["target"]
        return found

    def to_dict(self) -> dict[str, object]:
        """The import as the API shows it."""
        return {
            "id": self.id,
            "workspaceId": self.workspace_id,
            "status": self.status,
            "source": self.options["source"],
            "target": self.target,
            "tableId": self.table_id,
            **self.times(),
        }


@attrs.define(eq=False, kw_only=True)
class Export(Transfer):
    """An export."""

    table_id: str
    format: str
    file_name: str

    def to_dict(self) -> dict[str, object]:
        """The export as the API shows it."""
        return {
            "id": self.id,
            "tableId": self.table_id,
            "workspaceId": self.workspace_id,
            "format": self.format,
            "status": self.status,
            **self.times(),
        }
