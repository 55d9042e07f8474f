"""``client.v2.connector_types``: the types of connectors for knowledge bases."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.connectors import ConnectorType
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId


class ConnectorTypes(APIResource[M]):
    """The types of connectors for ``client.v2.knowledge.connectors``."""

    @paged("GET", "/api/v2/connector-types", "listConnectorTypes")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        search: Search | None = None,
        detail: Literal["summary", "full"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[ConnectorType]:
        """List the types of connectors, with the fields of their configuration.

        Servers of August 2026 list all in one page, and refuse ``detail``, ``limit`` and ``cursor``.

        Args:
            detail: Default ``summary``.
            limit: Default 25.

        Example:
            >>> [each.connector_type for each in client.v2.connector_types.list("ws")]  # doctest: +SKIP
        """
        return send.pages(ConnectorType)
