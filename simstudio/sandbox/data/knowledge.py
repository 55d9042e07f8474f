"""Knowledge bases, their documents, and the search in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import attrs

from simstudio.sandbox.data.search import Chunking, pieces, similarity, tokens
from simstudio.sandbox.data.tags import SLOTS, Tag, Tags
from simstudio.sandbox.definitions.folders import ROOT, Folder, Folders
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso, iso_or_none

Processing = Literal["pending", "processing", "completed", "failed"]

DOCUMENT_TYPES = "pdf, csv, doc, docx, txt, md, xlsx, xls, ppt, pptx, html, htm, json, jsonl, yaml, yml"
"""Endings of files that the server processes; the sandbox reads all of them as text."""


def check_type(filename: str) -> None:
    """Raise if the server does not process files with this ending.

    Raises:
        Refusal: 415.
    """
    ending = filename.rpartition(".")[2].lower()
    if ending not in DOCUMENT_TYPES.split(", "):
        raise Refusal(415, f"Unsupported file type: {ending}. Supported types are: {DOCUMENT_TYPES}")


@attrs.define
class Chunk:
    """A passage of a document. Times are epoch seconds.

    Attributes:
        index: Position in the document.
        start: First character in the text of the document.
        length: Characters it had when it was made; `content` may have changed since.
    """

    id: str
    index: int
    content: str
    start: int
    length: int
    created: float
    updated: float
    enabled: bool = True

    @classmethod
    def of(cls, index: int, content: str, start: int, now: float) -> Chunk:
        """A new chunk."""
        return cls(str(new_uuid()), index, content, start, len(content), now, now)

    def to_dict(self, document: Document) -> dict[str, object]:
        """The chunk as the API shows it."""
        return {
            "id": self.id,
            "chunkIndex": self.index,
            "content": self.content,
            "contentLength": len(self.content),
            "tokenCount": tokens(self.content),
            "enabled": self.enabled,
            "startOffset": self.start,
            "endOffset": self.start + self.length,
            **{slot: document.tags.get(slot) for slot in SLOTS["text"]},
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }


@attrs.frozen
class Copy:
    """The origin of a document that a connector copied.

    Attributes:
        name: File name at the source.
    """

    connector_id: str
    connector_type: str
    name: str


@attrs.define
class Document:
    """One document. Times are epoch seconds.

    Processing needs no thread and no clock: each request that reads a document moves it one step on, from pending to
    processing to completed, or to failed if its content is not text. So a test sees every state and waits for none.

    Attributes:
        tags: Values by slot.
        copy: Origin, if a connector copied the document.
        excluded: Whether a user deleted it, which keeps the connector from copying it again.
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
    chunks: list[Chunk] = attrs.field(factory=list)
    enabled: bool = True
    tags: dict[str, Any] = attrs.field(factory=dict)
    copy: Copy | None = None
    excluded: bool = False

    def step(self, chunking: Chunking, now: float) -> None:
        """Move on to the next state."""
        if self.state == "pending":
            self.state, self.started = "processing", now
        elif self.state == "processing":
            self._process(chunking, now)

    def process(self, chunking: Chunking, now: float) -> None:
        """Process the document to the end."""
        self.state, self.started = "processing", now
        self._process(chunking, now)

    def _process(self, chunking: Chunking, now: float) -> None:
        self.ended = now
        try:
            found = pieces(self.content.decode(), chunking)
        except UnicodeDecodeError:
            self.state, self.error = "failed", f"{self.filename} is not text in UTF-8: the sandbox reads nothing else"
            return
        self.chunks = [Chunk.of(index, piece, start, now) for index, (start, piece) in enumerate(found)]
        self.state, self.error = "completed", None

    def chunk(self, chunk_id: str) -> Chunk:
        """Return one chunk.

        Raises:
            Refusal: 404.
        """
        for chunk in self.chunks:
            if chunk.id == chunk_id:
                return chunk
        raise Refusal(404, "Chunk not found")

    @property
    def token_count(self) -> int:
        """Tokens of all chunks."""
        return sum(tokens(chunk.content) for chunk in self.chunks)

    def to_dict(self, base_id: str) -> dict[str, object]:
        """The document as lists show it."""
        return {
            "id": self.id,
            "knowledgeBaseId": base_id,
            "filename": self.filename,
            "fileSize": len(self.content),
            "mimeType": self.kind,
            "processingStatus": self.state,
            "chunkCount": len(self.chunks),
            "tokenCount": self.token_count,
            "characterCount": sum(len(chunk.content) for chunk in self.chunks),
            "enabled": self.enabled,
            "createdAt": iso(self.uploaded),
        }

    def processing(self) -> dict[str, object]:
        """State and source of the document, which only the document alone is shown with."""
        return {
            "processingError": self.error,
            "processingStartedAt": iso_or_none(self.started),
            "processingCompletedAt": iso_or_none(self.ended),
            "connectorId": None if self.copy is None else self.copy.connector_id,
            "connectorType": None if self.copy is None else self.copy.connector_type,
            "sourceUrl": None,
        }


@attrs.frozen
class Hit:
    """A chunk that a search found."""

    base: KnowledgeBase
    document: Document
    chunk: Chunk
    similarity: float

    def to_dict(self) -> dict[str, object]:
        """The hit as the API shows it."""
        return {
            "documentId": self.document.id,
            "documentName": self.document.filename,
            "content": self.chunk.content,
            "chunkIndex": self.chunk.index,
            "metadata": self.base.tags.name_values(self.document.tags),
            "similarity": self.similarity,
        }


@attrs.define
class KnowledgeBase:
    """A knowledge base with its documents, oldest first. Times are epoch seconds."""

    id: str
    workspace_id: str
    name: str
    description: str | None
    chunking: Chunking
    created: float
    updated: float
    folder: str = ROOT
    deleted: float | None = None
    documents: dict[str, Document] = attrs.field(factory=dict)
    tags: Tags = attrs.field(factory=Tags)

    def to_v1(self) -> dict[str, object]:
        """The knowledge base as v1 shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "tokenCount": sum(document.token_count for document in self.list_included()),
            "embeddingModel": "text-embedding-3-small",
            "embeddingDimension": 1536,
            "chunkingConfig": self.chunking.to_dict(),
            "docCount": len(self.list_included()),
            "connectorTypes": [],
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }

    def list_included(self) -> list[Document]:
        """The documents that are not excluded."""
        return [document for document in self.documents.values() if not document.excluded]

    def document(self, document_id: str) -> Document:
        """Return one document.

        Raises:
            Refusal: 404.
        """
        document = self.documents.get(document_id)
        if document is None or document.excluded:
            raise Refusal(404, "Document not found")
        return document

    def add(self, filename: str, kind: str, content: bytes, now: float, document_id: str | None = None) -> Document:
        """Add a document, which is still to be processed."""
        document = Document(document_id or str(new_uuid()), filename, kind, content, now)
        self.documents[document.id] = document
        return document

    def remove(self, document: Document) -> None:
        """Delete a document; one of a connector is excluded instead."""
        if document.copy is None:
            del self.documents[document.id]
        document.excluded = True

    def remove_tag(self, tag: Tag) -> None:
        """Delete the definition of a tag, and its values in all documents."""
        self.tags.remove(tag)
        for document in self.documents.values():
            document.tags.pop(tag.slot, None)

    def step(self, documents: Iterable[Document], now: float) -> None:
        """Move documents on to their next state."""
        for document in documents:
            document.step(self.chunking, now)

    def search(self, query: str, filters: Sequence[dict[str, Any]]) -> list[Hit]:
        """The chunks that share a word with a query and meet filters; without a query all that meet the filters.

        Raises:
            Refusal: 400, a tag is not defined.
        """
        meets = self.tags.filter(filters)
        return [
            Hit(self, document, chunk, closeness)
            for document in self.list_included()
            if document.enabled and meets(document.tags)
            for chunk in document.chunks
            if chunk.enabled and (closeness := similarity(query, chunk.content) if query.strip() else 1.0) > 0
        ]


class KnowledgeBases:
    """The knowledge bases of all workspaces, oldest first, and their folders."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bases: dict[str, KnowledgeBase] = {}
        self._folders: dict[str, Folders] = {}

    def folders(self, workspace_id: str) -> Folders:
        """The folders of a workspace's knowledge bases."""
        return self._folders.setdefault(workspace_id, Folders())

    def all(self, workspace_id: str, *, archived: bool = False) -> list[KnowledgeBase]:
        """The knowledge bases of a workspace: those in use, or the archived ones."""
        return [
            base
            for base in self._bases.values()
            if base.workspace_id == workspace_id and (base.deleted is not None) is archived
        ]

    def get(self, workspace_id: str, base_id: str, *, archived: bool = False) -> KnowledgeBase:
        """Return one knowledge base.

        Args:
            archived: Whether to include archived knowledge bases.

        Raises:
            Refusal: 404.
        """
        base = self._bases.get(base_id)
        if base is None or base.workspace_id != workspace_id or (base.deleted is not None and not archived):
            raise Refusal(404, "Knowledge base not found")
        return base

    def create(
        self, workspace_id: str, name: str, description: str | None, chunking: Chunking, folder: str = ROOT
    ) -> KnowledgeBase:
        """Add a knowledge base.

        Raises:
            Refusal: 409, the name is taken; 404, there is no such folder.
        """
        folder = self.folders(workspace_id).require(folder)
        self._check_free(workspace_id, name)
        now = self._clock()
        base = KnowledgeBase(str(new_uuid()), workspace_id, name, description, chunking, now, now, folder)
        self._bases[base.id] = base
        return base

    def update(
        self,
        base: KnowledgeBase,
        name: str | None,
        description: str | None,
        chunking: Chunking | None,
        folder: str | None = None,
    ) -> None:
        """Change the attributes that are not None.

        Raises:
            Refusal: 409, the name is taken; 404, there is no such folder.
        """
        if folder is not None:
            folder = self.folders(base.workspace_id).require(folder)
        if name is not None and name != base.name:
            self._check_free(base.workspace_id, name)
            base.name = name
        base.folder = folder or base.folder
        base.description = base.description if description is None else description
        base.chunking = chunking or base.chunking
        base.updated = self._clock()

    def archive(self, base: KnowledgeBase) -> None:
        """Delete a knowledge base with its documents, so that it can be restored."""
        base.deleted = base.updated = self._clock()

    def restore(self, base: KnowledgeBase) -> None:
        """Restore an archived knowledge base; if its name is taken, it gets another."""
        if base.deleted is None:
            return
        while self._is_taken(base.workspace_id, base.name):
            base.name = f"{base.name}_restored"
        base.deleted, base.updated = None, self._clock()

    def relocate_folder(self, workspace_id: str, path: str, destination: str) -> Folder:
        """Rename or move a folder with its knowledge bases.

        Raises:
            Refusal: 404 or 409.
        """
        folder, moved = self.folders(workspace_id).relocate(path, destination, self._clock())
        for base in self.all(workspace_id):
            base.folder = moved.get(base.folder, base.folder)
        return folder

    def delete_folder(self, workspace_id: str, path: str, *, recursive: bool) -> tuple[int, int]:
        """Delete a folder, and archive the knowledge bases in it; return the numbers of folders and knowledge bases.

        Raises:
            Refusal: 404 or 409.
        """
        folders = self.folders(workspace_id)
        inside = folders.require(path)
        bases = [base for base in self.all(workspace_id) if f"{base.folder}/".startswith(f"{inside}/")]
        deleted = folders.delete(path, occupied=bool(bases), recursive=recursive)
        for base in bases:
            base.folder = ROOT
            self.archive(base)
        return len(deleted), len(bases)

    def search(
        self, workspace_id: str, ids: Sequence[str], query: str, filters: Sequence[dict[str, Any]], most: int
    ) -> list[Hit]:
        """The ``most`` chunks that are most similar to a query; all documents of the knowledge bases move one step on.

        Raises:
            Refusal: 404, one of the knowledge bases does not exist; 400, a tag is not defined.
        """
        known = {base.id: base for base in self.all(workspace_id)}
        unknown = [base_id for base_id in ids if base_id not in known]
        if unknown:
            raise Refusal(404, f"Knowledge bases not found or access denied: {', '.join(unknown)}")
        if filters and len(ids) > 1:
            raise Refusal(400, "Tag filters are only supported when searching a single knowledge base")
        hits: list[Hit] = []
        for base in (known[base_id] for base_id in dict.fromkeys(ids)):
            base.step(base.list_included(), self._clock())
            hits += base.search(query, filters)
        return sorted(hits, key=lambda hit: hit.similarity, reverse=True)[:most]

    def _is_taken(self, workspace_id: str, name: str) -> bool:
        return any(base.name == name for base in self.all(workspace_id))

    def _check_free(self, workspace_id: str, name: str) -> None:
        if self._is_taken(workspace_id, name):
            raise Refusal(
                409,
                f'A knowledge base named "{name}" already exists in this workspace. Names are unique across the whole '
                "workspace — folders do not namespace them — so pick a different name, or rename/delete the existing "
                "knowledge base first.",
            )
