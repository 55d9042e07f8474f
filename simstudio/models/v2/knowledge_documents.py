"""Documents of knowledge bases, their uploads and chunks."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model
from simstudio.models.v2.uploads import UploadTransfer

TagValue = str | float | bool | None


@model
class UploadedDocument(Model):
    """A document that was just uploaded.

    Attributes:
        file_size: Bytes.
        processing_status: ``pending``, ``processing``, ``completed`` or ``failed``; after an upload ``pending``, even
            if the document was processed in the meantime.
        chunk_count: 0 until the document is processed, as are ``token_count`` and ``character_count``.
        enabled: Whether searches include the document.
        created_at: ISO 8601.
    """

    id: str
    knowledge_base_id: str
    filename: str
    file_size: int
    mime_type: str
    processing_status: str
    chunk_count: int
    token_count: int
    character_count: int
    enabled: bool
    created_at: str | None = None


@model
class Document(UploadedDocument):
    """A document of a knowledge base, as lists and updates return it.

    Attributes:
        tags: Values by the display name of the tag, or by its slot if the slot has no definition.
    """

    tags: dict[str, TagValue] = attrs.field(kw_only=True)


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
class QueuedDocument(Model):
    """A document that is to be processed again.

    Attributes:
        queued: True.
        processing_status: ``pending`` or ``processing``.
        message: Text of the server.
    """

    id: str
    queued: bool
    processing_status: str
    message: str


@model
class UpdatedDocuments(Model):
    """The documents that a bulk update changed.

    Attributes:
        operation: ``enable`` or ``disable``; of a connector's documents ``exclude`` or ``restore``.
        document_ids: None if all documents were selected.
    """

    operation: str
    updated_count: int
    document_ids: list[str] | None = None


@model
class AddedFile(Model):
    """A workspace file that became a document.

    Attributes:
        file_size: Bytes.
    """

    document_id: str
    filename: str
    mime_type: str
    file_size: int


@model
class AddedFiles(Model):
    """The workspace files that became documents.

    Attributes:
        failed: References of files that were not added, as they were given.
    """

    knowledge_base_id: str
    added: list[AddedFile]
    failed: list[str]


@model
class DocumentUpload(Model):
    """An upload session of a document.

    Attributes:
        id: Id of the session; the document gets the same.
        status: ``uploading``, ``completing``, ``finalizing``, ``completed``, ``failed``, ``aborting``, ``aborted`` or
            ``expired``.
        content_type: Media type.
        size: Bytes.
        expires_at: End of the session, ISO 8601.
        error: Reason why the upload could not be completed; missing bytes can still be sent.
        document: None until the upload is completed.
    """

    id: str
    knowledge_base_id: str
    status: str
    name: str
    content_type: str
    size: int
    expires_at: str
    error: str | None = None
    document: UploadedDocument | None = None


@model
class NewDocumentUpload(Model):
    """A new upload session, and how the bytes are sent.

    Attributes:
        upload_token: Secret for all requests of the session; ``repr`` leaves it out.
    """

    session: DocumentUpload
    upload_token: str = attrs.field(repr=False)
    transfer: UploadTransfer


@model
class Chunk(Model):
    """A passage of a document, as it was embedded.

    Attributes:
        chunk_index: Position in the document, from 0. Deletions leave gaps.
        content_length: Characters of ``content``.
        enabled: Whether searches include the chunk.
        start_offset: First character in the text of the document; an update of ``content`` leaves the offsets.
        end_offset: Character after the last.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        tag1: Value of the document in the slot ``tag1``; the others likewise.
    """

    id: str
    chunk_index: int
    content: str
    content_length: int
    token_count: int
    enabled: bool
    start_offset: int
    end_offset: int
    created_at: str
    updated_at: str
    tag1: str | None = None
    tag2: str | None = None
    tag3: str | None = None
    tag4: str | None = None
    tag5: str | None = None
    tag6: str | None = None
    tag7: str | None = None


@model
class UpdatedChunks(Model):
    """The outcome of a bulk update of chunks.

    Attributes:
        operation: ``enable``, ``disable`` or ``delete``.
        processed: Number of chunks; of ``enable`` and ``disable`` some servers count unknown ids as well.
        errors: Texts of the server for chunks that were not changed.
    """

    operation: str
    processed: int
    errors: list[str]
