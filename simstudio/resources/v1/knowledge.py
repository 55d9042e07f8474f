"""``client.v1.knowledge``: knowledge bases, and search in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.namespace import namespace
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, length
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
_ID = {"knowledge_base_id": "id"}
_LENGTHS = {"name": length(None, 255), "description": length(None, 1000)}


class Knowledge(APIResource[M]):
    """Knowledge bases of a workspace; ``documents`` is what they hold."""

    @namespace
    def documents(self) -> KnowledgeDocuments[M]:
        """Documents of a knowledge base."""
        from simstudio.resources.v1.knowledge_documents import KnowledgeDocuments

        return KnowledgeDocuments(self._context, f"{self._name}.documents")

    @paged("GET", "/api/v1/knowledge", "listKnowledgeBases")
    def list(self, send: Sender, workspace_id: str) -> Pages[KnowledgeBase]:
        """List the knowledge bases of a workspace; one page holds all.

        Args:
            workspace_id: Which workspace.

        Returns:
            The knowledge bases; ``page().extra["totalCount"]`` says how many.

        Raises:
            PermissionDeniedError: The key may not see the workspace.
            SimStudioError: Any other failure.

        Example:
            >>> for base in client.v1.knowledge.list("workspace-id"):  # doctest: +SKIP
            ...     print(base.name, base.doc_count)
        """
        return send.pages(KnowledgeBase, "data", "knowledgeBases")

    @endpoint("POST", "/api/v1/knowledge", "createKnowledgeBase", limits=_LENGTHS)
    def create(
        self,
        send: Sender,
        workspace_id: str,
        *,
        name: str,
        description: str | Unset = UNSET,
        chunking_config: Chunking | ChunkingConfig | Unset = UNSET,
    ) -> Flow[KnowledgeBase]:
        """Make a knowledge base.

        Args:
            workspace_id: Where.
            name: 1 to 255 characters, unique in the workspace.
            description: What it is for, up to 1,000 characters.
            chunking_config: How documents are cut, under the wire's names; ``maxSize`` is at least 100.

        Returns:
            The knowledge base.

        Raises:
            ConflictError: The name is taken.
            InvalidRequestError: Anything else is not as it must be (``details``).
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.knowledge.create("workspace-id", name="Docs").id  # doctest: +SKIP
        """
        return send.one(KnowledgeBase, "data", "knowledgeBase")

    @endpoint("GET", _ONE, "getKnowledgeBase", names=_ID)
    def get(self, send: Sender, knowledge_base_id: str, *, workspace_id: str) -> Flow[KnowledgeBase]:
        """Retrieve a knowledge base.

        Args:
            knowledge_base_id: Its id.
            workspace_id: Where it is.

        Returns:
            The knowledge base.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.knowledge.get("knowledge-base-id", workspace_id="workspace-id").doc_count  # doctest: +SKIP
        """
        return send.one(KnowledgeBase, "data", "knowledgeBase")

    @endpoint("PUT", _ONE, "updateKnowledgeBase", names=_ID, limits=_LENGTHS)
    def update(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: str,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        chunking_config: Chunking | ChunkingConfig | Unset = UNSET,
    ) -> Flow[KnowledgeBase]:
        """Change a knowledge base; what is not given stays.

        Args:
            knowledge_base_id: Its id.
            workspace_id: Where it is.
            name: Up to 255 characters.
            description: Up to 1,000 characters.
            chunking_config: How documents are cut, under the wire's names.

        Returns:
            The knowledge base as it is then.

        Raises:
            InvalidRequestError: Nothing is to be changed, or something is not as it must be (``details``).
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.knowledge.update("knowledge-base-id", workspace_id="ws", name="Docs 2")  # doctest: +SKIP
        """
        return send.one(KnowledgeBase, "data", "knowledgeBase")

    @endpoint("DELETE", _ONE, "deleteKnowledgeBase", names=_ID)
    def delete(self, send: Sender, knowledge_base_id: str, *, workspace_id: str) -> Flow[DeletedKnowledgeBase]:
        """Delete a knowledge base.

        Args:
            knowledge_base_id: Its id.
            workspace_id: Where it is.

        Returns:
            The server's sentence.

        Raises:
            NotFoundError: There is none of that id, or no more.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.knowledge.delete("knowledge-base-id", workspace_id="workspace-id")  # doctest: +SKIP
        """
        return send.one(DeletedKnowledgeBase)

    @endpoint("POST", "/api/v1/knowledge/search", "searchKnowledgeBase", limits={"top_k": between(1, 100)})
    def search(
        self,
        send: Sender,
        *,
        workspace_id: str,
        knowledge_base_ids: str | Sequence[str],
        query: str | Unset = UNSET,
        top_k: int | Unset = UNSET,
        tag_filters: Sequence[TagFilter] | Unset = UNSET,
    ) -> Flow[KnowledgeSearch]:
        """Search by meaning, by tags, or both.

        Args:
            workspace_id: Where the knowledge bases are.
            knowledge_base_ids: One or several.
            query: What to look for; may be left out where tags are given.
            top_k: Results at most, 1 to 100; 10 where it is not given.
            tag_filters: Only documents with these tags, under the wire's names.

        Returns:
            What was found, best first.

        Raises:
            InvalidRequestError: Neither a query nor tags.
            NotFoundError: One of the knowledge bases is not there.
            ServerError: Also where the server has no provider of embeddings (recording 300).
            SimStudioError: Any other failure.

        Example:
            >>> found = client.v1.knowledge.search(  # doctest: +SKIP
            ...     workspace_id="workspace-id", knowledge_base_ids="knowledge-base-id", query="quick foxes"
            ... )
            >>> [(each.document_name, each.similarity) for each in found.results]  # doctest: +SKIP
        """
        return send.one(KnowledgeSearch)
