"""``client.v2.tables.enrichments``: runs of a group in one row."""

from __future__ import annotations

from simstudio.core.conversion import structure
from simstudio.core.endpoint import Sender, endpoint, extract
from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.models.v2.table_groups import StartedDispatch
from simstudio.models.v2.table_rows import RowEnrichment
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow

_ENRICHMENT = "/api/v2/tables/{tableId}/rows/{rowId}/enrichment/{groupId}"


class TableEnrichments(APIResource[M]):
    """Runs of a group in one row."""

    @endpoint("GET", _ENRICHMENT, "getRowEnrichment")
    def get(
        self, send: Sender, table_id: str, row_id: str, group_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[RowEnrichment | None]:
        """Retrieve what a group did in a row; of an enrichment, with the providers that it asked.

        Returns:
            None if it has not run, or the row or group does not exist; for a group of a workflow always None from
            servers before September 2026.

        Raises:
            NotFoundError: No table has this id.
        """
        response = yield from send()
        data = extract(response, ("data",))
        if data is None:
            return None
        # Servers before September 2026 send the cascade alone.
        is_cascade = isinstance(data, dict) and "providers" in data and "groupId" not in data
        found = {"groupId": group_id, "cascade": data} if is_cascade else data
        return structure(found, RowEnrichment, response=response)

    @endpoint("POST", _ENRICHMENT, "runRowEnrichment")
    def run(
        self, send: Sender, table_id: str, row_id: str, group_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[StartedDispatch]:
        """Run a group in one row.

        Raises:
            NotFoundError: The table, row or group does not exist.
        """
        return send.one(StartedDispatch)
