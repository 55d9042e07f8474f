"""Knowledge bases of a workspace, their documents, and search results, in v1."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from simstudio.core.model import Model, model


@model
class ChunkingConfig(Model):
    """How documents are cut into chunks.

    Attributes:
        max_size: Tokens a chunk has at most.
        min_size: Characters a chunk has at least.
        overlap: Tokens that neighbouring chunks share.
    """

    max_size: int | None = None
    min_size: int | None = None
    overlap: int | None = None


@model
class KnowledgeBase(Model):
    """A knowledge base.

    Attributes:
        id: Of the knowledge base.
        name: Unique in the workspace.
        description: What it is for.
        token_count: Tokens of all documents.
        embedding_model: Such as ``text-embedding-3-small``.
        embedding_dimension: Numbers of a vector.
        chunking_config: How documents are cut.
        doc_count: Documents it has.
        connector_types: Kinds of the connectors that feed it.
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
    """The answer to a knowledge base's deletion.

    Attributes:
        message: The server's sentence.
    """

    message: str | None = None


@model
class Document(Model):
    """A document of a knowledge base, as lists and uploads give it.

    Attributes:
        id: Of the document.
        knowledge_base_id: Where it is.
        filename: What it is called.
        file_size: Bytes.
        mime_type: Its media type.
        processing_status: ``pending``, ``processing``, ``completed`` or ``failed``.
        chunk_count: 0 until it is processed.
        token_count: 0 until it is processed.
        character_count: 0 until it is processed.
        enabled: Whether searches look at it.
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
    """A document of a knowledge base, with how its processing went.

    Attributes:
        processing_error: Reason of a failure.
        processing_started_at: ISO 8601.
        processing_completed_at: ISO 8601; of a failure too.
        connector_id: Of the connector that brought it.
        connector_type: Of the connector that brought it.
        source_url: Where the connector found it.
    """

    processing_error: str | None = None
    processing_started_at: str | None = None
    processing_completed_at: str | None = None
    connector_id: str | None = None
    connector_type: str | None = None
    source_url: str | None = None


@model
class DeletedDocument(Model):
    """The answer to a document's deletion.

    Attributes:
        message: The server's sentence.
    """

    message: str | None = None


@model
class SearchResult(Model):
    """A chunk that a search found.

    Attributes:
        document_id: Of its document.
        document_name: What that is called.
        content: Its text.
        chunk_index: Its place in the document, from 0.
        metadata: The document's tags by name, as plain JSON data.
        similarity: To the query, 1.0 at most.
    """

    document_id: str
    document_name: str | None = None
    content: str | None = None
    chunk_index: int | None = None
    metadata: dict[str, Any] | None = None
    similarity: float | None = None


@model
class KnowledgeSearch(Model):
    """What a search found.

    Attributes:
        results: Best first.
        query: As it was asked.
        knowledge_base_ids: Searched knowledge bases; a list even if the request named one.
        top_k: How many results were wanted at most.
        total_results: How many there are.
    """

    results: list[SearchResult]
    query: str | None = None
    knowledge_base_ids: list[str] | None = None
    top_k: int | None = None
    total_results: int | None = None


class Chunking(TypedDict, total=False):
    """How documents are to be cut, under the wire's names; the server's own where one is left out."""

    maxSize: int
    minSize: int
    overlap: int


class _Tag(TypedDict):
    tagName: str
    value: str | float | bool


class TagFilter(_Tag, total=False):
    """Only documents with this tag, under the wire's names; ``valueTo`` is the end of a range."""

    fieldType: Literal["text", "number", "date", "boolean"]
    operator: str
    valueTo: str | float
