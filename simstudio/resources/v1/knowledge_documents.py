"""``client.v1.knowledge.documents``: documents of a knowledge base."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, local, wire
from simstudio.core.resource import APIResource
from simstudio.models.v1.knowledge import DeletedDocument, Document, DocumentDetails
from simstudio.resources.bodies import FileContent, form_body
from simstudio.resources.parameters import PageLimit
from simstudio.resources.v1.offset_pages import OffsetPages
from simstudio.transport.flow import Flow

_ALL = "/api/v1/knowledge/{id}/documents"
_ONE = "/api/v1/knowledge/{id}/documents/{documentId}"
KnowledgeBaseId: TypeAlias = Annotated[str, wire("id")]


class KnowledgeDocuments(APIResource[M]):
    """Documents of a knowledge base."""

    @paged("GET", _ALL, "listDocuments")
    def list(
        self,
        send: Sender,
        knowledge_base_id: KnowledgeBaseId,
        *,
        workspace_id: str,
        limit: PageLimit | None = None,
        offset: Annotated[int | None, between(0)] = None,
        search: str | None = None,
        enabled_filter: Literal["all", "enabled", "disabled"] | None = None,
        sort_by: Literal[
            "filename", "fileSize", "tokenCount", "chunkCount", "uploadedAt", "processingStatus", "enabled"
        ]
        | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        cursor: Annotated[str | None, local] = None,
    ) -> Pages[Document]:
        """List the documents of a knowledge base; ``extra["totalCount"]`` of a page is the number of matches.

        Args:
            limit: Documents per page, 1 to 100; default 50.
            offset: Number of documents to skip.
            search: Text in the name of the document.
            enabled_filter: Default ``all``.
            sort_by: Default ``uploadedAt``.
            sort_order: Default ``desc``.
            cursor: ``next_cursor`` of an earlier page with the same filters and order; replaces ``offset``.

        Raises:
            NotFoundError: No knowledge base has this id.

        Example:
            >>> for document in client.v1.knowledge.documents.list("kb-id", workspace_id="ws"):  # doctest: +SKIP
            ...     print(document.filename, document.processing_status)
        """
        return OffsetPages(send, Document, "data", "documents")

    @endpoint("POST", _ALL, "uploadDocument")
    def upload(
        self, send: Sender, knowledge_base_id: KnowledgeBaseId, file: FileContent, *, workspace_id: str
    ) -> Flow[Document]:
        """Upload a document. Sim processes it in the background: :meth:`get` shows the state.

        Args:
            file: As in ``client.v1.files.upload``, at most 10 MiB. The name must end in pdf, csv, doc, docx, txt, md,
                xlsx, xls, ppt, pptx, html, htm, json, jsonl, yaml or yml.

        Returns:
            The document, with ``processing_status`` ``pending``.

        Raises:
            InvalidInputError: The file cannot be read, was opened in text mode, or is too large.
            InvalidRequestError: The server does not accept this type of file (415).
            NotFoundError: No knowledge base has this id.

        Example:
            >>> report = pathlib.Path("report.pdf")  # doctest: +SKIP
            >>> client.v1.knowledge.documents.upload("kb-id", report, workspace_id="ws").id  # doctest: +SKIP
        """
        options = yield from form_body(send, file)
        return (yield from send.one(Document, "data", "document", **options))

    @endpoint("GET", _ONE, "getDocument")
    def get(
        self, send: Sender, knowledge_base_id: KnowledgeBaseId, document_id: str, *, workspace_id: str
    ) -> Flow[DocumentDetails]:
        """Retrieve a document and the state of its processing; ``processing_error`` has the reason of a failure.

        Raises:
            NotFoundError: No document has this id.

        Example:
            >>> document = client.v1.knowledge.documents.get("kb-id", "doc-id", workspace_id="ws")  # doctest: +SKIP
            >>> document.processing_status  # doctest: +SKIP
            'completed'
        """
        return send.one(DocumentDetails, "data", "document")

    @endpoint("DELETE", _ONE, "deleteDocument")
    def delete(
        self, send: Sender, knowledge_base_id: KnowledgeBaseId, document_id: str, *, workspace_id: str
    ) -> Flow[DeletedDocument]:
        """Delete a document.

        Raises:
            NotFoundError: No document has this id, or it has been deleted before.
        """
        return send.one(DeletedDocument)
