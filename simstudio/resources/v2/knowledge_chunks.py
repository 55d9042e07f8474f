"""``client.v2.knowledge.documents.chunks``: the passages into which a document was split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.knowledge_documents import Chunk, UpdatedChunks
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow

_ALL = "/api/v2/knowledge/{knowledgeBaseId}/documents/{documentId}/chunks"
_ONE = "/api/v2/knowledge/{knowledgeBaseId}/documents/{documentId}/chunks/{chunkId}"


class KnowledgeChunks(APIResource[M]):
    """Chunks of a document. They need a personal key.

    Chunks of a connector's documents cannot be changed: PermissionDeniedError, whose ``details["code"]`` is
    ``CONNECTOR_MANAGED_RESOURCE_READ_ONLY``. Chunks of a document that is not processed are a ConflictError.
    """

    @paged("GET", _ALL, "listKnowledgeChunks")
    def list(
        self,
        send: Sender,
        knowledge_base_id: str,
        document_id: str,
        *,
        workspace_id: WorkspaceId,
        search: Search | None = None,
        enabled: Literal["true", "false", "all"] | None = None,
        sort_by: Literal["chunkIndex", "tokenCount", "enabled"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Chunk]:
        """List the chunks of a document.

        Args:
            search: Text in the content.
            enabled: Default ``all``.
            sort_by: Default ``chunkIndex``.
            sort_order: Default ``asc``.

        Raises:
            ConflictError: The document is not processed yet, or could not be; the message has its status.
        """
        return send.pages(Chunk)

    @endpoint("POST", _ALL, "createKnowledgeChunk")
    def create(
        self,
        send: Sender,
        knowledge_base_id: str,
        document_id: str,
        *,
        workspace_id: WorkspaceId,
        content: str,
        enabled: bool | Unset = UNSET,
    ) -> Flow[Chunk]:
        """Add a chunk at the end of a document. Searches find it at once; it gets the tags of the document.

        Args:
            content: 1 to 10,000 characters.
            enabled: Default True.
        """
        return send.one(Chunk)

    @endpoint("PATCH", _ALL, "bulkUpdateKnowledgeChunks")
    def bulk_update(
        self,
        send: Sender,
        knowledge_base_id: str,
        document_id: str,
        *,
        workspace_id: WorkspaceId,
        operation: Literal["enable", "disable", "delete"],
        chunk_ids: Sequence[str],
    ) -> Flow[UpdatedChunks]:
        """Enable, disable or delete 1 to 100 chunks. Unknown ids are skipped."""
        return send.one(UpdatedChunks)

    @endpoint("GET", _ONE, "getKnowledgeChunk")
    def get(
        self, send: Sender, knowledge_base_id: str, document_id: str, chunk_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[Chunk]:
        """Retrieve a chunk."""
        return send.one(Chunk)

    @endpoint("PATCH", _ONE, "updateKnowledgeChunk")
    def update(
        self,
        send: Sender,
        knowledge_base_id: str,
        document_id: str,
        chunk_id: str,
        *,
        workspace_id: WorkspaceId,
        content: str | Unset = UNSET,
        enabled: bool | Unset = UNSET,
    ) -> Flow[Chunk]:
        """Change a chunk; a new content is embedded at once.

        Args:
            content: 1 to 10,000 characters.
            enabled: Whether searches include the chunk.
        """
        return send.one(Chunk)

    @endpoint("DELETE", _ONE, "deleteKnowledgeChunk")
    def delete(
        self, send: Sender, knowledge_base_id: str, document_id: str, chunk_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[Deleted]:
        """Delete a chunk. It cannot be restored; the others keep their ``chunk_index``."""
        return send.one(Deleted)
