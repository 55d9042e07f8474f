"""``client.v1.knowledge.documents``: documents of a knowledge base."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between
from simstudio.models.v1.knowledge import DeletedDocument, Document, DocumentDetails
from simstudio.resources.v1.bodies import FileContent, form
from simstudio.resources.v1.offset_pages import OffsetPages
from simstudio.transport.flow import Flow

_ALL = "/api/v1/knowledge/{id}/documents"
_ONE = "/api/v1/knowledge/{id}/documents/{documentId}"
_ID = {"knowledge_base_id": "id"}


class KnowledgeDocuments(APIResource[M]):
    """Documents of a knowledge base."""

    @paged(
        "GET",
        _ALL,
        "listDocuments",
        names=_ID,
        local=("cursor",),
        limits={"limit": between(1, 100), "offset": between(0)},
    )
    def list(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: str,
        limit: int | None = None,
        offset: int | None = None,
        search: str | None = None,
        enabled_filter: Literal["all", "enabled", "disabled"] | None = None,
        sort_by: Literal[
            "filename", "fileSize", "tokenCount", "chunkCount", "uploadedAt", "processingStatus", "enabled"
        ]
        | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        cursor: str | None = None,
    ) -> Pages[Document]:
        """List documents.

        Args:
            knowledge_base_id: Of which knowledge base.
            workspace_id: Where that is.
            limit: Documents a page, 1 to 100; 50 where it is not given.
            offset: Documents to leave out at the beginning.
            search: Only those with this text in their names.
            enabled_filter: ``all`` (where it is not given), ``enabled`` or ``disabled``.
            sort_by: ``uploadedAt`` where it is not given.
            sort_order: ``desc`` where it is not given.
            cursor: Where to go on, instead of ``offset``: ``next_cursor`` of an earlier page with the same filter and
                order.

        Returns:
            The documents, over all pages; ``extra["totalCount"]`` of a page says how many match.

        Raises:
            NotFoundError: There is no such knowledge base.
            SimStudioError: Any other failure.

        Example:
            >>> for document in client.v1.knowledge.documents.list("kb-id", workspace_id="ws"):  # doctest: +SKIP
            ...     print(document.filename, document.processing_status)
        """
        return OffsetPages(send, Document, "data", "documents")

    @endpoint("POST", _ALL, "uploadDocument", names=_ID)
    def upload(self, send: Sender, knowledge_base_id: str, file: FileContent, *, workspace_id: str) -> Flow[Document]:
        """Upload a document, which is then processed in the background: look at it with :meth:`get`.

        Args:
            knowledge_base_id: Where to.
            file: As ``client.v1.files.upload`` takes it, less than 10 MiB (NOTES 0). The name must end in one of pdf,
                csv, doc, docx, txt, md, xlsx, xls, ppt, pptx, html, htm, json, jsonl, yaml, yml (recording 294).
            workspace_id: Where the knowledge base is.

        Returns:
            The document, ``pending``.

        Raises:
            InvalidInputError: The file cannot be read, gives text, or is too large.
            InvalidRequestError: The server takes no such files (415).
            NotFoundError: There is no such knowledge base.
            SimStudioError: Any other failure.

        Example:
            >>> report = pathlib.Path("report.pdf")  # doctest: +SKIP
            >>> client.v1.knowledge.documents.upload("kb-id", report, workspace_id="ws").id  # doctest: +SKIP
        """
        options = yield from form(send, file)
        return (yield from send.one(Document, "data", "document", **options))

    @endpoint("GET", _ONE, "getDocument", names=_ID)
    def get(
        self, send: Sender, knowledge_base_id: str, document_id: str, *, workspace_id: str
    ) -> Flow[DocumentDetails]:
        """Retrieve a document, and how its processing went.

        Args:
            knowledge_base_id: Where it is.
            document_id: Its id.
            workspace_id: Where the knowledge base is.

        Returns:
            The document; ``processing_error`` says why it failed.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> document = client.v1.knowledge.documents.get("kb-id", "doc-id", workspace_id="ws")  # doctest: +SKIP
            >>> document.processing_status  # doctest: +SKIP
            'completed'
        """
        return send.one(DocumentDetails, "data", "document")

    @endpoint("DELETE", _ONE, "deleteDocument", names=_ID)
    def delete(
        self, send: Sender, knowledge_base_id: str, document_id: str, *, workspace_id: str
    ) -> Flow[DeletedDocument]:
        """Delete a document.

        Args:
            knowledge_base_id: Where it is.
            document_id: Its id.
            workspace_id: Where the knowledge base is.

        Returns:
            The server's sentence.

        Raises:
            NotFoundError: There is none of that id, or no more.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.knowledge.documents.delete("kb-id", "doc-id", workspace_id="ws").message  # doctest: +SKIP
        """
        return send.one(DeletedDocument)
