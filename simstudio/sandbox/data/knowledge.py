"""The knowledge bases of a workspace, their documents, and the search in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal
from uuid import uuid4

import attrs

from simstudio.sandbox.data.search import Chunking, chunks, similarity, tokens
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.times import iso, iso_or_none

Processing = Literal["pending", "processing", "completed", "failed"]


@attrs.define
class Document:
    """One document. Times are epoch seconds.

    It is processed while it is being looked at: each `KnowledgeBase.looked_at` takes it one step on, from pending to
    processing to completed (or failed, when its content is no text), so that every state can be seen and none has to
    be waited for.
    """

    id: str
    filename: str
    kind: str
    content: bytes
    uploaded: float
    state: Processing = "pending"
    error: str | None = None
    started: float | None = None
    ended: float | None = None
    chunks: list[str] = attrs.field(factory=list)
    enabled: bool = True

    def step(self, chunking: Chunking, now: float) -> None:
        """Take it one step on."""
        if self.state == "pending":
            self.state, self.started = "processing", now
        elif self.state == "processing":
            self._process(chunking)
            self.ended = now

    def _process(self, chunking: Chunking) -> None:
        try:
            self.chunks = chunks(self.content.decode(), chunking)
            self.state = "completed"
        except UnicodeDecodeError:
            self.state, self.error = "failed", f"{self.filename} is no text in UTF-8: the sandbox reads nothing else"

    @property
    def token_count(self) -> int:
        """The tokens of its chunks."""
        return sum(tokens(chunk) for chunk in self.chunks)

    def shown(self, base_id: str) -> dict[str, object]:
        """The document as a list shows it."""
        return {
            "id": self.id,
            "knowledgeBaseId": base_id,
            "filename": self.filename,
            "fileSize": len(self.content),
            "mimeType": self.kind,
            "processingStatus": self.state,
            "chunkCount": len(self.chunks),
            "tokenCount": self.token_count,
            "characterCount": sum(len(chunk) for chunk in self.chunks),
            "enabled": self.enabled,
            "createdAt": iso(self.uploaded),
        }

    def shown_in_full(self, base_id: str) -> dict[str, object]:
        """The document as it is shown on its own."""
        return {
            **self.shown(base_id),
            "processingError": self.error,
            "processingStartedAt": iso_or_none(self.started),
            "processingCompletedAt": iso_or_none(self.ended),
            "connectorId": None,
            "connectorType": None,
            "sourceUrl": None,
        }


@attrs.frozen
class Hit:
    """A chunk that was found."""

    document: Document
    index: int
    similarity: float

    def shown(self) -> dict[str, object]:
        """The hit as the API shows it."""
        return {
            "documentId": self.document.id,
            "documentName": self.document.filename,
            "content": self.document.chunks[self.index],
            "chunkIndex": self.index,
            "metadata": {},
            "similarity": self.similarity,
        }


@attrs.define
class KnowledgeBase:
    """A knowledge base with its documents, oldest first. Times are epoch seconds."""

    id: str
    name: str
    description: str | None
    chunking: Chunking
    created: float
    updated: float
    documents: dict[str, Document] = attrs.field(factory=dict)

    def shown(self) -> dict[str, object]:
        """The knowledge base as the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "tokenCount": sum(document.token_count for document in self.documents.values()),
            "embeddingModel": "text-embedding-3-small",
            "embeddingDimension": 1536,
            "chunkingConfig": self.chunking.shown(),
            "docCount": len(self.documents),
            "connectorTypes": [],
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }

    def document(self, document_id: str) -> Document:
        """One document.

        Raises:
            Refusal: there is none.
        """
        document = self.documents.get(document_id)
        if document is None:
            raise Refusal(404, "Document not found")
        return document

    def add(self, filename: str, kind: str, content: bytes, now: float) -> Document:
        """Add a document, which is still to be processed."""
        document = Document(str(uuid4()), filename, kind, content, now)
        self.documents[document.id] = document
        return document

    def looked_at(self, documents: Sequence[Document], now: float) -> None:
        """Take documents one step on."""
        for document in documents:
            document.step(self.chunking, now)

    def found(self, query: str) -> list[Hit]:
        """The chunks that share a word with a query."""
        return [
            Hit(document, index, closeness)
            for document in self.documents.values()
            for index, chunk in enumerate(document.chunks)
            if document.enabled and (closeness := similarity(query, chunk)) > 0
        ]


class KnowledgeBases:
    """The knowledge bases that are not deleted, oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bases: dict[str, KnowledgeBase] = {}

    def all(self) -> list[KnowledgeBase]:
        """Every knowledge base."""
        return list(self._bases.values())

    def get(self, base_id: str) -> KnowledgeBase:
        """One knowledge base.

        Raises:
            Refusal: there is none.
        """
        base = self._bases.get(base_id)
        if base is None:
            raise Refusal(404, "Knowledge base not found")
        return base

    def create(self, name: str, description: str | None, chunking: Chunking) -> KnowledgeBase:
        """Add a knowledge base.

        Raises:
            Refusal: the name is taken.
        """
        self._check_free(name)
        now = self._clock()
        base = KnowledgeBase(str(uuid4()), name, description, chunking, now, now)
        self._bases[base.id] = base
        return base

    def update(self, base: KnowledgeBase, name: str | None, description: str | None, chunking: Chunking | None) -> None:
        """Change what is not None.

        Raises:
            Refusal: the name is taken.
        """
        if name is not None and name != base.name:
            self._check_free(name)
            base.name = name
        base.description = base.description if description is None else description
        base.chunking = chunking or base.chunking
        base.updated = self._clock()

    def delete(self, base_id: str) -> KnowledgeBase:
        """Take a knowledge base away, its documents with it.

        Raises:
            Refusal: there is none.
        """
        base = self.get(base_id)
        del self._bases[base_id]
        return base

    def check_known(self, ids: Sequence[str]) -> None:
        """Nothing, when every id is a knowledge base's.

        Raises:
            Refusal: one is not.
        """
        unknown = [base_id for base_id in ids if base_id not in self._bases]
        if len(unknown) == len(ids):
            raise Refusal(404, "Knowledge base not found or access denied")
        if unknown:
            raise Refusal(404, f"Knowledge bases not found or access denied: {', '.join(unknown)}")

    def search(self, ids: Sequence[str], query: str, most: int) -> list[Hit]:
        """The chunks most like a query, at most ``most``, the likest first. It looks at the documents, too."""
        hits: list[Hit] = []
        for base in (self._bases[base_id] for base_id in dict.fromkeys(ids)):
            base.looked_at(list(base.documents.values()), self._clock())
            hits += base.found(query)
        return sorted(hits, key=lambda hit: hit.similarity, reverse=True)[:most]

    def _check_free(self, name: str) -> None:
        if any(base.name == name for base in self._bases.values()):
            raise Refusal(409, "Resource already exists")
