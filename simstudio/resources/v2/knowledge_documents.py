"""``client.v2.knowledge.documents``: documents of a knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import query
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.knowledge_documents import (
    AddedFiles,
    Document,
    DocumentDetails,
    QueuedDocument,
    UpdatedDocuments,
    UploadedDocument,
)
from simstudio.models.v2.knowledge_params import ProcessingOptions, TagFilter
from simstudio.resources.bodies import FileContent, form_body
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.resources.v2.document_handle import DocumentHandle
from simstudio.resources.v2.transfers import CONCURRENCY, UploadProgress
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.knowledge_chunks import KnowledgeChunks
    from simstudio.resources.v2.knowledge_uploads import KnowledgeUploads

_LARGEST = 101 * 1024 * 1024  # a document of 100 MiB, with the form around it
_ALL = "/api/v2/knowledge/{knowledgeBaseId}/documents"
_ONE = "/api/v2/knowledge/{knowledgeBaseId}/documents/{documentId}"


class KnowledgeDocuments(APIResource[M]):
    """Documents of a knowledge base."""

    @namespace
    def chunks(self) -> KnowledgeChunks[M]:
        """Passages into which a document was split."""
        from simstudio.resources.v2.knowledge_chunks import KnowledgeChunks

        return KnowledgeChunks(self._context, f"{self._name}.chunks")

    @namespace
    def uploads(self) -> KnowledgeUploads[M]:
        """Upload sessions, request by request."""
        from simstudio.resources.v2.knowledge_uploads import KnowledgeUploads

        return KnowledgeUploads(self._context, f"{self._name}.uploads")

    @paged("GET", _ALL, "listKnowledgeDocuments")
    def list(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        search: Search | None = None,
        enabled_filter: Literal["all", "enabled", "disabled"] | None = None,
        tag_filters: Sequence[TagFilter | Mapping[str, Any]] | None = None,
        sort_by: Literal[
            "filename", "fileSize", "tokenCount", "chunkCount", "uploadedAt", "processingStatus", "enabled"
        ]
        | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Document]:
        """List the documents of a knowledge base.

        Pages are counted from the beginning of the list: documents that are added or deleted meanwhile make others
        come twice or not at all.

        Args:
            search: Text in the file name.
            enabled_filter: Default ``all``.
            tag_filters: At most 10 conditions that all must hold.
            sort_by: Default ``uploadedAt``.
            sort_order: Default ``desc``.

        Example:
            >>> for document in client.v2.knowledge.documents.list("kb-id", workspace_id="ws"):  # doctest: +SKIP
            ...     print(document.filename, document.processing_status)
        """
        return send.pages(Document)

    @endpoint("POST", _ALL, "uploadKnowledgeDocument")
    def upload(
        self, send: Sender, knowledge_base_id: str, file: FileContent, *, workspace_id: Annotated[WorkspaceId, query]
    ) -> Flow[UploadedDocument]:
        """Upload a document in one request. Sim processes it in the background: :meth:`handle` waits for that.

        Args:
            file: As in ``client.v1.files.upload``, at most 100 MiB. The ending of its name says how to process it.

        Raises:
            InvalidInputError: The file cannot be read, was opened in text mode, or is too large.
            InvalidRequestError: Sim cannot process this type of file (415).
        """
        options = yield from form_body(send, file, largest=_LARGEST)
        return (yield from send.one(UploadedDocument, **options))

    def handle(self, knowledge_base_id: str, document_id: str, *, workspace_id: str) -> DocumentHandle[M]:
        """A handle of the processing of a document. No request is sent.

        Example:
            >>> new = client.v2.knowledge.documents.upload("kb", report, workspace_id="ws")  # doctest: +SKIP
            >>> handle = client.v2.knowledge.documents.handle("kb", new.id, workspace_id="ws")  # doctest: +SKIP
            >>> handle.wait(timeout=300).chunk_count  # doctest: +SKIP
        """
        base, document = segment(knowledge_base_id, "knowledge_base_id"), segment(document_id, "document_id")
        return DocumentHandle(self, document_id, f"/api/v2/knowledge/{base}/documents/{document}", workspace_id)

    @operation
    def add(
        self,
        knowledge_base_id: str,
        source: FileContent | tuple[str, str] | str,
        *,
        workspace_id: str,
        tags: Mapping[str, str] | None = None,
        processing_options: ProcessingOptions | Mapping[str, Any] | None = None,
        concurrency: int = CONCURRENCY,
        timeout: float | Unset | None = UNSET,
        on_progress: Callable[[UploadProgress], Any] | None = None,
    ) -> Flow[DocumentHandle[M]]:
        """Add a document, and return a handle that waits until searches find it.

        Args:
            source: A file as in ``client.v1.files.upload``, a text with its name (``("notes.md", text)``), or the id of
                a file of the workspace (``wf_…``), which needs a personal key. A file has at most 100 MiB; the ending
                of its name says how to process it.
            tags: Values of text tags by display name, which is looked up first, or by slot (``tag1`` to ``tag7``); not
                for a file of the workspace.
            concurrency: Parts of a large file that are sent at a time.
            timeout: Seconds without progress after which the upload fails; None for no limit; default: the client's
                timeout.
            on_progress: Called during the upload; ``wait(on_progress=…)`` of the handle reports the processing.

        Raises:
            InvalidInputError: The file has no name, is empty or too large, or cannot be read; or a tag does not exist
                or is not for text.
            InvalidRequestError: Sim cannot process this type of file (415).
            JobFailedError: The file of the workspace is unknown, or of a type that Sim cannot process.

        Example:
            >>> documents = client.v2.knowledge.documents  # doctest: +SKIP
            >>> handle = documents.add("kb", pathlib.Path("report.pdf"), workspace_id="ws")  # doctest: +SKIP
            >>> handle.wait(timeout=300).chunk_count  # doctest: +SKIP
        """
        from simstudio.resources.v2.knowledge_adding import find_added_document, upload_document  # few programs need it

        if not isinstance(source, str):
            document = yield from upload_document(
                self.uploads,
                knowledge_base_id,
                source,
                workspace_id=workspace_id,
                tags=tags or {},
                processing_options=processing_options,
                concurrency=concurrency,
                timeout=timeout,
                on_progress=on_progress,
            )
        elif tags or processing_options:
            raise InvalidInputError("tags and processing_options are for uploads, not for a file of the workspace.")
        else:
            outcome = yield from KnowledgeDocuments.add_workspace_files.flow(
                self, knowledge_base_id, workspace_id=workspace_id, file_references=[source]
            )
            document = find_added_document(outcome, source)
        return self.handle(knowledge_base_id, document, workspace_id=workspace_id)

    @endpoint("POST", f"{_ALL}/from-workspace-files", "addWorkspaceFilesToKnowledgeBase")
    def add_workspace_files(
        self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId, file_references: Sequence[str]
    ) -> Flow[AddedFiles]:
        """Make documents of 1 to 100 files of the workspace. Needs a personal key.

        Args:
            file_references: Ids (``wf_…``) or keys of the files.

        Returns:
            The documents; ``failed`` has the references that are unknown, or whose type Sim cannot process.
        """
        return send.one(AddedFiles)

    @endpoint("PATCH", _ALL, "bulkUpdateKnowledgeDocuments")
    def bulk_update(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        operation: Literal["enable", "disable"],
        document_ids: Sequence[str] | Unset = UNSET,
        select_all: Literal[True] | Unset = UNSET,
        enabled_filter: Literal["all", "enabled", "disabled"] | Unset = UNSET,
    ) -> Flow[UpdatedDocuments]:
        """Include documents in searches, or exclude them. Needs a personal key.

        Args:
            document_ids: 1 to 100 documents; unknown ids are skipped.
            select_all: All documents instead, as far as ``enabled_filter`` selects them.

        Raises:
            NotFoundError: No document has one of the ids.
        """
        return send.one(UpdatedDocuments)

    @endpoint("GET", _ONE, "getKnowledgeDocument")
    def get(
        self, send: Sender, knowledge_base_id: str, document_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[DocumentDetails]:
        """Retrieve a document and the state of its processing."""
        return send.one(DocumentDetails)

    @endpoint("PATCH", _ONE, "updateKnowledgeDocument")
    def update(
        self,
        send: Sender,
        knowledge_base_id: str,
        document_id: str,
        *,
        workspace_id: WorkspaceId,
        filename: str | Unset = UNSET,
        enabled: bool | Unset = UNSET,
        tag1: str | Unset = UNSET,
        tag2: str | Unset = UNSET,
        tag3: str | Unset = UNSET,
        tag4: str | Unset = UNSET,
        tag5: str | Unset = UNSET,
        tag6: str | Unset = UNSET,
        tag7: str | Unset = UNSET,
        number1: float | Unset = UNSET,
        number2: float | Unset = UNSET,
        number3: float | Unset = UNSET,
        number4: float | Unset = UNSET,
        number5: float | Unset = UNSET,
        date1: str | Unset = UNSET,
        date2: str | Unset = UNSET,
        boolean1: bool | Unset = UNSET,
        boolean2: bool | Unset = UNSET,
        boolean3: bool | Unset = UNSET,
    ) -> Flow[Document]:
        """Rename a document, include it in searches or not, or set its tags. Needs a personal key.

        Args:
            filename: 1 to 255 characters.
            enabled: Whether searches include the document.
            tag1: Value for the slot ``tag1``, at most 1,000 characters; an empty text removes it. The others likewise.
                Values in other slots cannot be removed.
            date1: ``YYYY-MM-DD``, as ``date2``.

        Raises:
            InvalidRequestError: No change was given, or an argument is invalid (``details``).

        Example:
            >>> tags = client.v2.knowledge.tags.list("kb", workspace_id="ws")  # doctest: +SKIP
            >>> author = {tag.display_name: tag.tag_slot for tag in tags}["Author"]  # doctest: +SKIP
            >>> client.v2.knowledge.documents.update("kb", "d", workspace_id="ws", **{author: "Ada"})  # doctest: +SKIP
        """
        return send.one(Document)

    @endpoint("PATCH", _ONE, "updateKnowledgeDocument")
    def retry(
        self, send: Sender, knowledge_base_id: str, document_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[QueuedDocument]:
        """Process a document again that failed, or that waits. Needs a personal key.

        Raises:
            InvalidRequestError: The document is processed, or is being processed.
            ServerError: The document failed again; :meth:`get` shows why.
        """
        send.body = {**(send.body or {}), "retryProcessing": True}
        return send.one(QueuedDocument)

    @endpoint("DELETE", _ONE, "deleteKnowledgeDocument")
    def delete(
        self, send: Sender, knowledge_base_id: str, document_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[Deleted]:
        """Delete a document with its chunks. A document of a connector is excluded from searches and syncs instead."""
        return send.one(Deleted)
