"""Chunks of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.resources.v2.knowledge_chunks import KnowledgeChunks
from simstudio.sandbox.checks import ListOf, Text
from simstudio.sandbox.data.knowledge import Chunk
from simstudio.sandbox.data.search import tokens
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.signatures import one_of
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.knowledge_documents import document_of
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from simstudio.sandbox.data.knowledge import Document

_CONTENT = Text(least=(1, "content is required"), most=(10000, "content cannot exceed 10000 characters"))
_ENABLED = {"true": True, "false": False}


@V2().serves(
    KnowledgeChunks.list,
    {"enabled": "all", "sortBy": "chunkIndex", "sortOrder": "asc", "limit": 50},
    own={"enabled": one_of("enabled", "true", "false", "all")},
)
def list_chunks(call: Call) -> Reply:
    """A page of the chunks of a document, which must be processed."""
    query = call.query
    _, document = document_of(call, query["workspaceId"])
    if document.state != "completed":
        raise Refusal(409, f"Document is not ready for access (status: {document.state})")
    found = [
        chunk
        for chunk in document.chunks
        if _ENABLED.get(query["enabled"], chunk.enabled) is chunk.enabled
        and matches(query.get("search", ""), chunk.content)
    ]

    def key(chunk: Chunk) -> Position:
        values = {"chunkIndex": chunk.index, "tokenCount": tokens(chunk.content), "enabled": chunk.enabled}
        return values[query["sortBy"]], chunk.index

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing((chunk.to_dict(document) for chunk in shown), after)


@V2().serves(KnowledgeChunks.create, {"enabled": True}, own={"content": _CONTENT})
def create_chunk(call: Call) -> Reply:
    """Add a chunk at the end of a document."""
    document, now = _writable(call), call.core.clock()
    if document.state == "failed":
        raise Refusal(400, "Cannot add chunks to failed document")
    index = max((chunk.index + 1 for chunk in document.chunks), default=0)
    chunk = Chunk.of(index, call.body["content"], 0, now)
    chunk.enabled = call.body["enabled"]
    document.chunks.append(chunk)
    return data(chunk.to_dict(document), 201)


@V2().serves(
    KnowledgeChunks.bulk_update,
    own={
        "operation": one_of("operation", "enable", "disable", "delete"),
        "chunkIds": ListOf(
            item=Text(least=(1, None)),
            least=(1, "chunkIds cannot be empty"),
            most=(100, "chunkIds cannot contain more than 100 chunks"),
        ),
    },
)
def bulk_update(call: Call) -> Reply:
    """Enable, disable or delete chunks. Unknown ids are skipped, but `enable` and `disable` count them."""
    document, operation, ids = _writable(call), call.body["operation"], set(call.body["chunkIds"])
    found = [chunk for chunk in document.chunks if chunk.id in ids]
    if operation == "delete":
        document.chunks = [chunk for chunk in document.chunks if chunk.id not in ids]
    for chunk in found:
        chunk.enabled = operation == "enable"
    processed = len(found) if operation == "delete" else len(ids)
    return data({"operation": operation, "processed": processed, "errors": []})


@V2().serves(KnowledgeChunks.get)
def get_chunk(call: Call) -> Reply:
    """One chunk."""
    _, document = document_of(call, call.query["workspaceId"])
    return data(document.chunk(call.path["chunkId"]).to_dict(document))


@V2().serves(KnowledgeChunks.update, own={"content": _CONTENT})
def update_chunk(call: Call) -> Reply:
    """Change the text of a chunk, or whether searches include it. Its offsets stay."""
    body = call.body
    if len(body) == 1:
        raise invalid_value("content", "At least one of content or enabled is required")
    document = _writable(call)
    chunk = document.chunk(call.path["chunkId"])
    chunk.content = body.get("content", chunk.content)
    chunk.enabled = body.get("enabled", chunk.enabled)
    chunk.updated = call.core.clock()
    return data(chunk.to_dict(document))


@V2().serves(KnowledgeChunks.delete)
def delete_chunk(call: Call) -> Reply:
    """Delete a chunk; the others keep their positions."""
    _, document = document_of(call, call.query["workspaceId"])
    _check_writable(document)
    chunk = document.chunk(call.path["chunkId"])
    document.chunks.remove(chunk)
    return data({"id": chunk.id, "deleted": True})


def _writable(call: Call) -> Document:
    """Return the document that the path names, whose chunks may be changed.

    Raises:
        Refusal: 404; 403 for a document of a connector.
    """
    _, document = document_of(call, call.body["workspaceId"])
    _check_writable(document)
    return document


def _check_writable(document: Document) -> None:
    if document.copy is not None:
        code = {"code": "CONNECTOR_MANAGED_RESOURCE_READ_ONLY"}
        raise Refusal(403, "Chunks from connector-synced documents are read-only", code)
