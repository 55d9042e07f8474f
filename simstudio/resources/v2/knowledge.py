"""``client.v2.knowledge``: knowledge bases, and search in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from simstudio.core.downloads import Download
from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, items, length
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.knowledge import KnowledgeBase, KnowledgeSearch
from simstudio.models.v2.knowledge_params import Chunking, TagFilter
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import PageLimit, SaveTo, Search, WorkspaceId
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.knowledge_connectors import KnowledgeConnectors
    from simstudio.resources.v2.knowledge_documents import KnowledgeDocuments
    from simstudio.resources.v2.knowledge_folders import KnowledgeFolders
    from simstudio.resources.v2.knowledge_tags import KnowledgeTags


class Knowledge(APIResource[M]):
    """Knowledge bases of a workspace, and search in them."""

    @namespace
    def documents(self) -> KnowledgeDocuments[M]:
        """Documents of a knowledge base, with their chunks and uploads."""
        from simstudio.resources.v2.knowledge_documents import KnowledgeDocuments

        return KnowledgeDocuments(self._context, f"{self._name}.documents")

    @namespace
    def tags(self) -> KnowledgeTags[M]:
        """Tags that documents of a knowledge base may have."""
        from simstudio.resources.v2.knowledge_tags import KnowledgeTags

        return KnowledgeTags(self._context, f"{self._name}.tags")

    @namespace
    def connectors(self) -> KnowledgeConnectors[M]:
        """Connectors that copy documents from other services."""
        from simstudio.resources.v2.knowledge_connectors import KnowledgeConnectors

        return KnowledgeConnectors(self._context, f"{self._name}.connectors")

    @namespace
    def folders(self) -> KnowledgeFolders[M]:
        """Folders of knowledge bases."""
        from simstudio.resources.v2.knowledge_folders import KnowledgeFolders

        return KnowledgeFolders(self._context, f"{self._name}.folders")

    @paged("GET", "/api/v2/knowledge", "listKnowledgeBases")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        scope: Literal["active", "archived"] | None = None,
        folder_path: FolderPath | None = None,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[KnowledgeBase]:
        """List the knowledge bases of a workspace.

        Args:
            scope: ``archived`` lists the deleted ones instead; :meth:`restore` brings them back.
            folder_path: Only knowledge bases in this folder; none if there is no such folder.
            sort_by: Default ``createdAt``.
            sort_order: Default ``asc``.

        Example:
            >>> for base in client.v2.knowledge.list("workspace-id"):  # doctest: +SKIP
            ...     print(base.name, base.doc_count)
        """
        return send.pages(KnowledgeBase)

    @endpoint("POST", "/api/v2/knowledge", "createKnowledgeBase")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: str,
        description: str | Unset = UNSET,
        chunking_config: Chunking | Mapping[str, Any] | Unset = UNSET,
        folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[KnowledgeBase]:
        """Create a knowledge base.

        Args:
            name: 1 to 255 characters, unique in the workspace.
            description: At most 10,000 characters.
            folder_path: Existing folder; default: the root.

        Raises:
            ConflictError: The name is taken.
            NotFoundError: No folder has this path, or no workspace this id.
        """
        return send.one(KnowledgeBase)

    @endpoint("GET", "/api/v2/knowledge/{knowledgeBaseId}", "getKnowledgeBase")
    def get(self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId) -> Flow[KnowledgeBase]:
        """Retrieve a knowledge base."""
        return send.one(KnowledgeBase)

    @endpoint("PATCH", "/api/v2/knowledge/{knowledgeBaseId}", "updateKnowledgeBase")
    def update(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        chunking_config: Chunking | Mapping[str, Any] | Unset = UNSET,
        folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[KnowledgeBase]:
        """Change a knowledge base. Documents that exist are not split again.

        Args:
            description: An empty text removes it.
            chunking_config: Replaces the whole configuration: a key that is left out gets its default.
            folder_path: Existing folder; ``/`` is the root.

        Raises:
            ConflictError: The name is taken.
            InvalidRequestError: No change was given, or an argument is invalid (``details``).
        """
        return send.one(KnowledgeBase)

    @endpoint("DELETE", "/api/v2/knowledge/{knowledgeBaseId}", "deleteKnowledgeBase")
    def delete(self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Archive a knowledge base with its documents; :meth:`restore` brings it back."""
        return send.one(Deleted)

    @endpoint("POST", "/api/v2/knowledge/{knowledgeBaseId}/restore", "restoreKnowledgeBase")
    def restore(self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId) -> Flow[KnowledgeBase]:
        """Restore a deleted knowledge base; one that is not deleted stays as it is.

        Returns:
            The knowledge base, with another name if its own was taken in the meantime (``Docs_restored``).
        """
        return send.one(KnowledgeBase)

    @endpoint("GET", "/api/v2/knowledge/{knowledgeBaseId}/export", "exportKnowledgeBase", evidence="documented")
    def export(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        vectors: bool | None = None,
        to: SaveTo = None,
    ) -> Flow[Download]:
        """Download a knowledge base as a file.

        Args:
            vectors: Include the embeddings of the chunks.
        """
        return send.download(to)

    @endpoint("POST", "/api/v2/knowledge/search", "searchKnowledge")
    def search(
        self,
        send: Sender,
        *,
        workspace_id: WorkspaceId,
        knowledge_base_ids: Annotated[str | Sequence[str], items(1, 20)],
        query: Annotated[str | Unset, length(1, 32768)] = UNSET,
        top_k: Annotated[int | Unset, between(1, 100)] = UNSET,
        tag_filters: Annotated[Sequence[TagFilter | Mapping[str, Any]] | Unset, items(0, 10)] = UNSET,
        search_mode: Literal["vector", "hybrid"] | Unset | None = UNSET,
        reranker_enabled: bool | Unset = UNSET,
        reranker_model: Literal["rerank-v4.0-pro", "rerank-v4.0-fast", "rerank-v3.5"] | Unset = UNSET,
        reranker_input_count: Annotated[int | Unset, between(1, 100)] = UNSET,
    ) -> Flow[KnowledgeSearch]:
        """Search knowledge bases by meaning, by tags, or both.

        Chunks far from the query are left out, so that there may be fewer results than ``top_k``.

        Args:
            knowledge_base_ids: One id, or up to 20.
            query: Search text; may be omitted if ``tag_filters`` is given.
            top_k: Largest number of results, 1 to 100; default 10.
            tag_filters: Conditions that all must hold.
            search_mode: ``hybrid`` searches for words as well; default ``vector``.
            reranker_enabled: Order the results with ``reranker_model`` (default ``rerank-v4.0-fast``), at extra cost;
                ``reranker_status`` of the result says whether that was done.
            reranker_input_count: Number of chunks to order, 1 to 100; default: four times ``top_k``.

        Raises:
            InvalidRequestError: Neither ``query`` nor ``tag_filters`` was given, or no tag has such a name.
            NotFoundError: One of the knowledge bases does not exist; the message names it.
            UsageLimitExceededError: The account has no credits left for the embedding of the query.

        Example:
            >>> found = client.v2.knowledge.search(  # doctest: +SKIP
            ...     workspace_id="workspace-id", knowledge_base_ids="knowledge-base-id", query="quick foxes"
            ... )
            >>> [(each.document_name, each.similarity) for each in found.results]  # doctest: +SKIP
        """
        return send.one(KnowledgeSearch)
