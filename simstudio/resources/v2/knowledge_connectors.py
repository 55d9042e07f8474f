"""``client.v2.knowledge.connectors``: connectors, which copy documents from other services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import secret
from simstudio.core.resource import APIResource
from simstudio.models.v2.connectors import (
    Connector,
    ConnectorDetails,
    ConnectorDocument,
    DeletedConnector,
    TriggeredSync,
)
from simstudio.models.v2.knowledge_documents import UpdatedDocuments
from simstudio.resources.parameters import PageLimit, WorkspaceId
from simstudio.resources.v2.sync_handle import SyncHandle
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow


class KnowledgeConnectors(APIResource[M]):
    """Connectors of a knowledge base. They need a personal key; ``client.v2.connector_types`` lists their types."""

    @paged("GET", "/api/v2/knowledge/{knowledgeBaseId}/connectors", "listKnowledgeConnectors")
    def list(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        sort_by: Literal["connectorType", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Connector]:
        """List the connectors of a knowledge base.

        Args:
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(Connector)

    @endpoint("POST", "/api/v2/knowledge/{knowledgeBaseId}/connectors", "createKnowledgeConnector")
    def create(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        connector_type: str,
        source_config: Mapping[str, Any],
        credential_id: str | Unset = UNSET,
        api_key: Annotated[str | Unset, secret] = UNSET,
        sync_interval_minutes: int | Unset = UNSET,
    ) -> Flow[Connector]:
        """Create a connector and start its first sync. The source is asked whether it accepts the configuration.

        Args:
            source_config: Values of the type's ``config_fields``, which say what is copied.
            credential_id: Credential, for types with ``auth.mode`` ``oauth``.
            api_key: Key of the source, for types with ``auth.mode`` ``apiKey``. It is never returned.
            sync_interval_minutes: Minutes between syncs, at most 525,600; 0 for no schedule; default 1,440.

        Raises:
            InvalidRequestError: There is no such type, or the source refused; the message has its text.

        Example:
            >>> client.v2.knowledge.connectors.create(  # doctest: +SKIP
            ...     "kb", workspace_id="ws", connector_type="obsidian", source_config={"vaultUrl": url}, api_key=key
            ... ).id
        """
        return send.one(Connector)

    @endpoint("GET", "/api/v2/knowledge/{knowledgeBaseId}/connectors/{connectorId}", "getKnowledgeConnector")
    def get(
        self, send: Sender, knowledge_base_id: str, connector_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[ConnectorDetails]:
        """Retrieve a connector with its last ten syncs."""
        return send.one(ConnectorDetails)

    @endpoint("PATCH", "/api/v2/knowledge/{knowledgeBaseId}/connectors/{connectorId}", "updateKnowledgeConnector")
    def update(
        self,
        send: Sender,
        knowledge_base_id: str,
        connector_id: str,
        *,
        workspace_id: WorkspaceId,
        source_config: Mapping[str, Any] | Unset = UNSET,
        sync_interval_minutes: int | Unset = UNSET,
        status: Literal["active", "paused"] | Unset = UNSET,
    ) -> Flow[Connector]:
        """Change a connector. Its API key or credential cannot be changed.

        Args:
            source_config: Replaces the whole configuration, including Sim's own ``tagSlotMapping``.
            sync_interval_minutes: Minutes between syncs, at most 525,600; 0 for no schedule.
            status: ``paused`` stops scheduled syncs.
        """
        return send.one(Connector)

    @endpoint("DELETE", "/api/v2/knowledge/{knowledgeBaseId}/connectors/{connectorId}", "deleteKnowledgeConnector")
    def delete(
        self,
        send: Sender,
        knowledge_base_id: str,
        connector_id: str,
        *,
        workspace_id: WorkspaceId,
        delete_documents: bool | None = None,
    ) -> Flow[DeletedConnector]:
        """Delete a connector.

        Args:
            delete_documents: Delete its documents as well; by default they stay.
        """
        return send.one(DeletedConnector)

    @endpoint("POST", "/api/v2/knowledge/{knowledgeBaseId}/connectors/{connectorId}/sync", "syncKnowledgeConnector")
    def sync(
        self,
        send: Sender,
        knowledge_base_id: str,
        connector_id: str,
        *,
        workspace_id: WorkspaceId,
        rehydrate: bool | Unset = UNSET,
    ) -> Flow[TriggeredSync]:
        """Request a sync; :meth:`start_sync` gives a handle of it. The answer is the same if the connector is paused.

        Args:
            rehydrate: Copy documents that did not change as well; default False.
        """
        return send.one(TriggeredSync)

    def handle(self, knowledge_base_id: str, connector_id: str, *, workspace_id: str) -> SyncHandle[M]:
        """A handle of the first sync of a connector, or of one that runs. No request is sent.

        Example:
            >>> new = client.v2.knowledge.connectors.create("kb", workspace_id="ws", **settings)  # doctest: +SKIP
            >>> sync = client.v2.knowledge.connectors.handle("kb", new.id, workspace_id="ws")  # doctest: +SKIP
            >>> sync.wait(timeout=600).sync_logs[0].docs_added  # doctest: +SKIP
        """
        base, connector = segment(knowledge_base_id, "knowledge_base_id"), segment(connector_id, "connector_id")
        path = f"/api/v2/knowledge/{base}/connectors/{connector}"
        return SyncHandle(self, connector_id, path, workspace_id)

    @operation
    def start_sync(
        self, knowledge_base_id: str, connector_id: str, *, workspace_id: str, rehydrate: bool = False
    ) -> Flow[SyncHandle[M]]:
        """Request a sync as :meth:`sync` does, and return a handle that waits for its end.

        The syncs so far are read first, because the answer to the request does not name the new one.

        Args:
            rehydrate: Copy documents that did not change as well.

        Example:
            >>> sync = client.v2.knowledge.connectors.start_sync("kb", "connector", workspace_id="ws")  # doctest: +SKIP
            >>> sync.wait(timeout=600).sync_logs[0].docs_updated  # doctest: +SKIP
        """
        handle = self.handle(knowledge_base_id, connector_id, workspace_id=workspace_id)
        known = yield from handle._fetch_state()
        yield from KnowledgeConnectors.sync.flow(
            self, knowledge_base_id, connector_id, workspace_id=workspace_id, rehydrate=rehydrate or UNSET
        )
        handle.before = frozenset(each.id for each in known.sync_logs)
        return handle

    @paged(
        "GET",
        "/api/v2/knowledge/{knowledgeBaseId}/connectors/{connectorId}/documents",
        "listKnowledgeConnectorDocuments",
    )
    def list_documents(
        self,
        send: Sender,
        knowledge_base_id: str,
        connector_id: str,
        *,
        workspace_id: WorkspaceId,
        include_excluded: bool | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[ConnectorDocument]:
        """List the documents of a connector.

        Args:
            include_excluded: List documents that a user excluded as well; default False.
        """
        return send.pages(ConnectorDocument)

    @endpoint(
        "PATCH",
        "/api/v2/knowledge/{knowledgeBaseId}/connectors/{connectorId}/documents",
        "updateKnowledgeConnectorDocuments",
    )
    def update_documents(
        self,
        send: Sender,
        knowledge_base_id: str,
        connector_id: str,
        *,
        workspace_id: WorkspaceId,
        operation: Literal["restore", "exclude"],
        document_ids: Sequence[str],
    ) -> Flow[UpdatedDocuments]:
        """Exclude 1 to 100 documents from searches and syncs, or restore excluded ones.

        Returns:
            The documents that changed. Servers of August 2026 exclude none: ``updated_count`` is then 0. Deleting such
            a document excludes it (``client.v2.knowledge.documents.delete``).
        """
        return send.one(UpdatedDocuments)
