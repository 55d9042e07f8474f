"""Knowledge bases, and searches in them."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class ChunkingOptions(Model):
    """Settings of a chunking strategy.

    Attributes:
        pattern: Regular expression of the strategy ``regex``.
        separators: In their order.
        recipe: ``plain``, ``markdown`` or ``code``.
        strict_boundaries: Whether each match of ``pattern`` ends a chunk.
    """

    pattern: str | None = None
    separators: list[str] | None = None
    recipe: str | None = None
    strict_boundaries: bool | None = None


@model
class ChunkingConfig(Model):
    """Sizes of the chunks into which documents are split.

    Attributes:
        max_size: Tokens per chunk at most.
        min_size: Characters per chunk at least.
        overlap: Characters that adjacent chunks share.
        strategy: ``auto``, ``text``, ``regex``, ``recursive``, ``sentence`` or ``token``.
    """

    max_size: int
    min_size: int
    overlap: int
    strategy: str | None = None
    strategy_options: ChunkingOptions | None = None


@model
class KnowledgeBase(Model):
    """A knowledge base.

    Attributes:
        name: Unique in the workspace.
        token_count: Tokens of all documents.
        embedding_model: Such as ``text-embedding-3-small``.
        embedding_dimension: Length of a vector.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        folder_path: Percent-encoded by segment; ``/`` is the root.
        doc_count: Number of documents.
        connector_types: Kinds of the connectors that add documents.
        deleted_at: Time of the deletion, ISO 8601; None unless it is archived.
        web_url: Page in Sim's web application; None from servers that do not send it.
    """

    id: str
    name: str
    token_count: int
    embedding_model: str
    embedding_dimension: int
    chunking_config: ChunkingConfig
    created_at: str
    updated_at: str
    owner_email: str
    folder_path: str
    description: str | None = None
    doc_count: int | None = None
    connector_types: list[str] | None = None
    deleted_at: str | None = None
    web_url: str | None = None


@model
class SearchResult(Model):
    """A chunk that matches a search.

    Attributes:
        chunk_index: Position of the chunk in its document, from 0.
        metadata: Tags of the document by display name.
        similarity: Similarity to the query, 1.0 at most; 1 in a search by tags only.
        document_name: None if the document's name is unknown.
        source_url: URL at which a connector found the document.
        reranker_score: Score by which the results are ordered, if a reranking model was applied.
        rank: Position in the results; None from servers that do not send it, as is ``rank_score``.
    """

    knowledge_base_id: str
    document_id: str
    content: str
    chunk_index: int
    metadata: dict[str, Any]
    similarity: float
    document_name: str | None = None
    source_url: str | None = None
    reranker_score: float | None = None
    rank: int | None = None
    rank_score: float | None = None


@model
class KnowledgeSearch(Model):
    """The results of a search.

    Attributes:
        results: Best first.
        query: Empty in a search by tags only.
        knowledge_base_ids: Searched knowledge bases.
        top_k: Number of results that the request allowed.
        total_results: Number of ``results``.
        reranker_status: ``not_requested``, ``applied``, ``skipped``, or ``unavailable`` (the results are in the order
            of their similarity).
    """

    results: list[SearchResult]
    query: str
    knowledge_base_ids: list[str]
    top_k: int
    total_results: int
    reranker_status: str


@model
class DeletedKnowledgeItems(Model):
    """The numbers of folders and knowledge bases that were deleted with a folder."""

    folders: int
    knowledge_bases: int


@model
class DeletedKnowledgeFolder(Model):
    """The response to the deletion of a folder.

    Attributes:
        deleted: True.
    """

    path: str
    deleted: bool
    deleted_items: DeletedKnowledgeItems
