"""Groups of columns that a workflow or an enrichment fills, and their runs. Times are epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso, iso_or_none

Mode = Literal["all", "incomplete", "new"]


@attrs.define(eq=False)
class Group:
    """One group.

    Attributes:
        id: Id of the group.
        settings: Given settings under their wire names: outputs, inputs, name, ``autoRun`` and so on.
    """

    id: str
    settings: dict[str, Any]

    @property
    def workflow_id(self) -> str:
        """Id of the workflow; empty for an enrichment."""
        found: str = self.settings.get("workflowId", "")
        return found

    @property
    def enrichment_id(self) -> str | None:
        """Id of the enrichment; None for a workflow."""
        return self.settings.get("enrichmentId") if self.settings.get("type") == "enrichment" else None

    @property
    def outputs(self) -> Sequence[Mapping[str, str]]:
        """The outputs, each with the column that it fills."""
        found: Sequence[Mapping[str, str]] = self.settings["outputs"]
        return found

    @property
    def dependencies(self) -> Sequence[str]:
        """The columns that must have a value before the group runs."""
        found: Sequence[str] = self.settings.get("dependencies", {}).get("columns", ())
        return found

    @property
    def runs_in_new_rows(self) -> bool:
        """Whether it runs in rows that are inserted; the server's default is that it does."""
        return bool(self.settings.get("autoRun", True))

    def inputs(self, data: Mapping[str, object]) -> dict[str, object]:
        """The input of a run in a row: the columns that are mapped, or the whole row if none is."""
        mapped = self.settings.get("inputMappings")
        if mapped is None:
            outputs = {each["columnName"] for each in self.outputs}
            return {name: value for name, value in data.items() if name not in outputs}
        return {each["inputName"]: data.get(each["columnName"]) for each in mapped}

    def rename_column(self, old: str, new: str) -> None:
        """Take over the new name of a column."""
        for key in ("outputs", "inputMappings"):
            listed = self.settings.get(key, ())
            renamed = [{**each, "columnName": new} if each["columnName"] == old else each for each in listed]
            if renamed:
                self.settings[key] = renamed
        if self.dependencies:
            self.settings["dependencies"] = {"columns": [new if each == old else each for each in self.dependencies]}

    def to_dict(self) -> dict[str, object]:
        """The group as the API shows it, without the parts that were not given."""
        order = (
            "enrichmentId",
            "name",
            "type",
            "dependencies",
            "outputs",
            "inputMappings",
            "deploymentMode",
            "autoRun",
        )
        given = {name: self.settings[name] for name in order if name in self.settings}
        return {"id": self.id, "workflowId": self.workflow_id, **given}


@attrs.define(eq=False)
class Cell:
    """The state of a group in one row.

    Attributes:
        workflow_id: Id of the workflow or of the enrichment.
        block_errors: Error texts by block id.
        cascade: Responses of an enrichment's providers.
    """

    workflow_id: str
    run_id: str
    status: Literal["running", "completed", "error", "canceled", "paused"] = "running"
    error: str | None = None
    block_errors: dict[str, str] = attrs.field(factory=dict)
    running_blocks: tuple[str, ...] = ()
    canceled: float | None = None
    cascade: Mapping[str, object] | None = None

    def cancel(self, now: float) -> None:
        """Note that it was cancelled."""
        self.status, self.error, self.canceled, self.running_blocks = "canceled", "Cancelled", now, ()

    def to_dict(self) -> dict[str, object]:
        """The cell as the run states of a row show it."""
        return {
            "status": self.status,
            "executionId": self.run_id,
            "workflowId": self.workflow_id,
            "error": self.error,
            "runningBlockIds": list(self.running_blocks),
            "blockErrors": self.block_errors,
            "canceledAt": iso_or_none(self.canceled),
        }


def _dispatch_id() -> str:
    return f"tdsp_{new_uuid().hex}"


@attrs.define(eq=False)
class Dispatch:
    """A run of groups over rows.

    Attributes:
        scope: Requested scope, as the API shows it.
        limit: Largest number of rows, as the API shows it.
        is_manual: Whether a request started it, and not the insertion of a row.
    """

    mode: Mode
    scope: Mapping[str, object]
    requested: float
    limit: Mapping[str, object] | None = None
    is_manual: bool = True
    status: Literal["dispatching", "complete", "canceled"] = "dispatching"
    completed: float | None = None
    canceled: float | None = None
    id: str = attrs.field(factory=_dispatch_id)

    def cancel(self, now: float) -> None:
        """Start no more cells; nothing if it has ended."""
        if self.status == "dispatching":
            self.status, self.canceled = "canceled", now

    def complete(self, now: float) -> None:
        """Note that all cells have run; nothing if it was cancelled."""
        if self.status == "dispatching":
            self.status, self.completed = "complete", now

    def to_dict(self, table_id: str, workspace_id: str) -> dict[str, object]:
        """The dispatch as the API shows it. The count stays 0, as on the real server."""
        return {
            "id": self.id,
            "tableId": table_id,
            "workspaceId": workspace_id,
            "status": self.status,
            "mode": self.mode,
            "scope": dict(self.scope),
            "limit": self.limit,
            "processedCount": 0,
            "isManualRun": self.is_manual,
            "requestedAt": iso(self.requested),
            "completedAt": iso_or_none(self.completed),
            "canceledAt": iso_or_none(self.canceled),
        }
