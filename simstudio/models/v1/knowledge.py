"""Knowledge bases of a workspace, their documents, and searches in v1."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from simstudio.core.model import Model, model


@model
class ChunkingConfig(Model):
    """Sizes of the chunks into which documents are split.

    Attributes:
        max_size: Tokens per chunk at most.
        min_size: Characters per chunk at least.
        overlap: Tokens that adjacent chunks share.
    """

    max_size: int | None = None
    min_size: int | None = None
    overlap: int | None = None


@model
class KnowledgeBase(Model):
    """A knowledge base.

    Attributes:
        name: Unique in the workspace.
        token_count: Tokens of all documents.
        embedding_model: Such as ``text-embedding-3-small``.
        embedding_dimension: Length of a vector.
        doc_count: Number of documents.
        connector_types: Kinds of the connectors that add documents.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    id: str
    name: str | None = None
    description: str | None = None
    token_count: int | None = None
    embedding_model: str | None = None
    embedding_dimension: int | None = None
    chunking_config: ChunkingConfig | None = None
    doc_count: int | None = None
    connector_types: list[str] | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class DeletedKnowledgeBase(Model):
    """The response to the deletion of a knowledge base.

    Attributes:
        message: Text of the server.
    """

    message: str | None = None


@model
class Document(Model):
    """A document of a knowledge base, as lists and uploads return it.

    Attributes:
        file_size: Bytes.
        processing_status: ``pending``, ``processing``, ``completed`` or ``failed``.
        chunk_count: 0 until the document is processed.
        token_count: 0 until the document is processed.
        character_count: 0 until the document is processed.
        enabled: Whether searches include the document.
        created_at: ISO 8601.
    """

    id: str
    knowledge_base_id: str | None = None
    filename: str | None = None
    file_size: int | None = None
    mime_type: str | None = None
    processing_status: str | None = None
    chunk_count: int | None = None
    token_count: int | None = None
    character_count: int | None = None
    enabled: bool | None = None
    created_at: str | None = None


@model
class DocumentDetails(Document):
    """A document of a knowledge base, with the progress of its processing and its source.

    Attributes:
        processing_error: Reason of a failure.
        processing_started_at: ISO 8601.
        processing_completed_at: ISO 8601; also set after a failure.
        connector_id: Id of the connector that added the document.
        source_url: URL at which the connector found the document.
    """

    processing_error: str | None = None
    processing_started_at: str | None = None
    processing_completed_at: str | None = None
    connector_id: str | None = None
    connector_type: str | None = None
    source_url: str | None = None


@model
class DeletedDocument(Model):
    """The response to the deletion of a document.

    Attributes:
        message: Text of the server.
    """

    message: str | None = None


@model
class SearchResult(Model):
    """A chunk that matches a search.

    Attributes:
        chunk_index: Position of the chunk in its document, from 0.
        metadata: Tags of the document by name, as JSON data.
        similarity: Similarity to the query, 1.0 at most.
    """

    document_id: str
    document_name: str | None = None
    content: str | None = None
    chunk_index: int | None = None
    metadata: dict[str, Any] | None = None
    similarity: float | None = None


@model
class KnowledgeSearch(Model):
    """The results of a search.

    Attributes:
        results: Most similar first.
        knowledge_base_ids: Searched knowledge bases; a list even if one id was given.
        top_k: Number of results that the request allowed.
    """

    results: list[SearchResult]
    query: str | None = None
    knowledge_base_ids: list[str] | None = None
    top_k: int | None = None
    total_results: int | None = None


class Chunking(TypedDict, total=False):
    """Sizes of chunks of documents, under the wire names; the server's default for a key that is left out."""

    maxSize: int
    minSize: int
    overlap: int


class _Tag(TypedDict):
    tagName: str
    value: str | float | bool


class TagFilter(_Tag, total=False):
    """A condition on a tag of documents, under the wire names; ``valueTo`` is the end of a range."""

    fieldType: Literal["text", "number", "date", "boolean"]
    operator: str
    valueTo: str | float
