"""``client.v2.tables.groups``: groups of columns that a workflow or an enrichment fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import body, conversion
from simstudio.core.resource import APIResource
from simstudio.models.v2.table_groups import DeletedWorkflowGroup, SavedWorkflowGroup, WorkflowGroup
from simstudio.models.v2.table_params import Dependencies, Input, NewGroup, NewOutputColumn, Output, OutputMapping
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Flow

_GROUPS = "/api/v2/tables/{tableId}/groups"


def _with_auto_run(name: str, group: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse a new group that leaves it to the server whether it runs in rows that are inserted later."""
    if group.get("autoRun") is None:
        raise InvalidInputError(
            f'{name} must say "autoRun": True runs the workflow in each row that is inserted from now on, at its cost, '
            "as the server does by default; False does not."
        )
    return group


class TableGroups(APIResource[M]):
    """Groups of columns that a workflow or an enrichment fills, row by row."""

    @paged("GET", _GROUPS, "listTableWorkflowGroups")
    def list(self, send: Sender, table_id: str, *, workspace_id: WorkspaceId) -> Pages[WorkflowGroup]:
        """List the groups of a table, all in one page.

        Raises:
            NotFoundError: No table has this id.
        """
        return send.pages(WorkflowGroup)

    @endpoint("POST", _GROUPS, "addTableWorkflowGroup")
    def add(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        group: Annotated[NewGroup | WorkflowGroup | Mapping[str, Any], conversion(_with_auto_run)],
        output_columns: Sequence[NewOutputColumn | Mapping[str, Any]] | Unset = UNSET,
        auto_run: bool | Unset = UNSET,
    ) -> Flow[SavedWorkflowGroup]:
        """Add a group and its columns.

        Args:
            group: ``workflowId``, or ``type`` and ``enrichmentId`` of an enrichment; ``outputs`` and their columns;
                ``autoRun``, whether it runs in each row that is inserted from now on. An unknown column in
                ``inputMappings`` is no error.
            output_columns: New columns of the outputs; servers before September 2026 require it.
            auto_run: Whether it runs in the existing rows now; default False.

        Raises:
            InvalidRequestError: The workflow, an output or a dependency does not exist.
            NotFoundError: No table has this id.
            LockedError: The table's columns are locked.

        Example:
            >>> output = {"blockId": "block-id", "path": "result", "columnName": "summary"}  # doctest: +SKIP
            >>> group = {"workflowId": "workflow-id", "outputs": [output], "autoRun": False}  # doctest: +SKIP
            >>> columns = [{"name": "summary", "type": "string"}]  # doctest: +SKIP
            >>> client.v2.tables.groups.add(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", group=group, output_columns=columns
            ... ).group.id
        """
        return send.one(SavedWorkflowGroup)

    @endpoint("PATCH", _GROUPS, "updateTableWorkflowGroup")
    def update(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        group_id: str,
        workflow_id: str | Unset = UNSET,
        name: str | Unset = UNSET,
        dependencies: Dependencies | Unset = UNSET,
        outputs: Sequence[Output | Mapping[str, Any]] | Unset = UNSET,
        new_output_columns: Sequence[NewOutputColumn | Mapping[str, Any]] | Unset = UNSET,
        mapping_updates: Sequence[OutputMapping | Mapping[str, Any]] | Unset = UNSET,
        input_mappings: Sequence[Input | Mapping[str, Any]] | Unset = UNSET,
        deployment_mode: Literal["live", "deployed"] | Unset = UNSET,
        type: Literal["manual", "enrichment"] | Unset = UNSET,
        auto_run: bool | Unset = UNSET,
    ) -> Flow[SavedWorkflowGroup]:
        """Change a group; parameters that are left out stay unchanged.

        Args:
            outputs: All outputs, in place of the present ones.
            new_output_columns: Columns that new outputs fill.
            mapping_updates: Other outputs for existing columns.
            deployment_mode: Version of the workflow that runs: the draft (``live``) or the deployed one.
            auto_run: Whether it runs in rows that are inserted from now on.

        Raises:
            InvalidRequestError: The workflow, an output or a dependency does not exist.
            NotFoundError: The table or group does not exist.
            LockedError: The table's columns are locked.
        """
        return send.one(SavedWorkflowGroup)

    @endpoint("DELETE", _GROUPS, "deleteTableWorkflowGroup")
    def delete(
        self, send: Sender, table_id: str, *, workspace_id: Annotated[WorkspaceId, body], group_id: Annotated[str, body]
    ) -> Flow[DeletedWorkflowGroup]:
        """Delete a group with its columns and their values.

        Raises:
            NotFoundError: The table or group does not exist.
            LockedError: The table's columns are locked.
        """
        return send.one(DeletedWorkflowGroup)
