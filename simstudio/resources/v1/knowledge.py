"""``client.v1.knowledge``: knowledge bases, and search in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, length, wire
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v1.knowledge import (
    Chunking,
    ChunkingConfig,
    DeletedKnowledgeBase,
    KnowledgeBase,
    KnowledgeSearch,
    TagFilter,
)
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v1.knowledge_documents import KnowledgeDocuments

_ONE = "/api/v1/knowledge/{id}"
KnowledgeBaseId: TypeAlias = Annotated[str, wire("id")]


class Knowledge(APIResource[M]):
    """Knowledge bases of a workspace, and search in them."""

    @namespace
    def documents(self) -> KnowledgeDocuments[M]:
        """Documents of a knowledge base."""
        from simstudio.resources.v1.knowledge_documents import KnowledgeDocuments

        return KnowledgeDocuments(self._context, f"{self._name}.documents")

    @paged("GET", "/api/v1/knowledge", "listKnowledgeBases")
    def list(self, send: Sender, workspace_id: str) -> Pages[KnowledgeBase]:
        """List the knowledge bases of a workspace, all in one page; ``page().extra["totalCount"]`` is their number.

        Raises:
            PermissionDeniedError: No workspace has this id, or the API key may not see it.

        Example:
            >>> for base in client.v1.knowledge.list("workspace-id"):  # doctest: +SKIP
            ...     print(base.name, base.doc_count)
        """
        return send.pages(KnowledgeBase, "data", "knowledgeBases")

    @endpoint("POST", "/api/v1/knowledge", "createKnowledgeBase")
    def create(
        self,
        send: Sender,
        workspace_id: str,
        *,
        name: Annotated[str, length(None, 255)],
        description: Annotated[str | Unset, length(None, 1000)] = UNSET,
        chunking_config: Chunking | ChunkingConfig | Unset = UNSET,
    ) -> Flow[KnowledgeBase]:
        """Create a knowledge base.

        Args:
            name: 1 to 255 characters, unique in the workspace.
            description: At most 1,000 characters.
            chunking_config: Settings for splitting documents, with the wire names; ``maxSize`` is at least 100.

        Raises:
            ConflictError: The name is taken.
            InvalidRequestError: Another argument is invalid (``details``).

        Example:
            >>> client.v1.knowledge.create("workspace-id", name="Docs").id  # doctest: +SKIP
        """
        return send.one(KnowledgeBase, "data", "knowledgeBase")

    @endpoint("GET", _ONE, "getKnowledgeBase")
    def get(self, send: Sender, knowledge_base_id: KnowledgeBaseId, *, workspace_id: str) -> Flow[KnowledgeBase]:
        """Retrieve a knowledge base.

        Raises:
            NotFoundError: No knowledge base has this id.

        Example:
            >>> client.v1.knowledge.get("knowledge-base-id", workspace_id="workspace-id").doc_count  # doctest: +SKIP
        """
        return send.one(KnowledgeBase, "data", "knowledgeBase")

    @endpoint("PUT", _ONE, "updateKnowledgeBase")
    def update(
        self,
        send: Sender,
        knowledge_base_id: KnowledgeBaseId,
        *,
        workspace_id: str,
        name: Annotated[str | Unset, length(None, 255)] = UNSET,
        description: Annotated[str | Unset, length(None, 1000)] = UNSET,
        chunking_config: Chunking | ChunkingConfig | Unset = UNSET,
    ) -> Flow[KnowledgeBase]:
        """Change a knowledge base. Omitted arguments leave their value unchanged.

        Args:
            name: At most 255 characters.
            description: At most 1,000 characters.
            chunking_config: Settings for splitting documents, with the wire names.

        Raises:
            InvalidRequestError: No change was given, or an argument is invalid (``details``).
            NotFoundError: No knowledge base has this id.
        """
        return send.one(KnowledgeBase, "data", "knowledgeBase")

    @endpoint("DELETE", _ONE, "deleteKnowledgeBase")
    def delete(
        self, send: Sender, knowledge_base_id: KnowledgeBaseId, *, workspace_id: str
    ) -> Flow[DeletedKnowledgeBase]:
        """Delete a knowledge base.

        Raises:
            NotFoundError: No knowledge base has this id, or it has been deleted before.
        """
        return send.one(DeletedKnowledgeBase)

    @endpoint("POST", "/api/v1/knowledge/search", "searchKnowledgeBase")
    def search(
        self,
        send: Sender,
        *,
        workspace_id: str,
        knowledge_base_ids: str | Sequence[str],
        query: str | Unset = UNSET,
        top_k: Annotated[int | Unset, between(1, 100)] = UNSET,
        tag_filters: Sequence[TagFilter] | Unset = UNSET,
    ) -> Flow[KnowledgeSearch]:
        """Search knowledge bases by meaning, by tags, or both; best results first.

        Args:
            knowledge_base_ids: One id or several.
            query: Search text; may be omitted if ``tag_filters`` is given.
            top_k: Largest number of results, 1 to 100; default 10.
            tag_filters: Tags that a document must have, with the wire names.

        Raises:
            InvalidRequestError: Neither ``query`` nor ``tag_filters`` was given.
            NotFoundError: One of the knowledge bases does not exist.
            ServerError: The server failed, or it has no provider of embeddings.

        Example:
            >>> search = client.v1.knowledge.search(  # doctest: +SKIP
            ...     workspace_id="workspace-id", knowledge_base_ids="knowledge-base-id", query="quick foxes"
            ... )
            >>> [(each.document_name, each.similarity) for each in search.results]  # doctest: +SKIP
        """
        return send.one(KnowledgeSearch)
