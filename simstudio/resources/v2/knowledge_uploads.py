"""``client.v2.knowledge.documents.uploads``: upload sessions of documents, request by request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import local, query
from simstudio.core.resource import APIResource
from simstudio.models.v2.knowledge_documents import DocumentUpload, NewDocumentUpload
from simstudio.models.v2.knowledge_params import ProcessingOptions
from simstudio.models.v2.uploads import UploadPartUrls
from simstudio.resources.parameters import PartNumbers, UploadToken, WorkspaceId
from simstudio.transport.flow import Flow

_ALL = "/api/v2/knowledge/{knowledgeBaseId}/documents/uploads"
_ONE = "/api/v2/knowledge/{knowledgeBaseId}/documents/uploads/{uploadId}"


class KnowledgeUploads(APIResource[M]):
    """Upload sessions of documents.

    A session is valid for 24 hours, and needs the same API key throughout. It cannot be retrieved.
    """

    @endpoint("POST", _ALL, "createKnowledgeDocumentUpload")
    def create(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        name: str,
        content_type: str,
        size: int,
        tag1: str | Unset = UNSET,
        tag2: str | Unset = UNSET,
        tag3: str | Unset = UNSET,
        tag4: str | Unset = UNSET,
        tag5: str | Unset = UNSET,
        tag6: str | Unset = UNSET,
        tag7: str | Unset = UNSET,
        processing_options: ProcessingOptions | Mapping[str, Any] | Unset = UNSET,
    ) -> Flow[NewDocumentUpload]:
        """Begin the upload of a document. Its bytes are sent to ``transfer.url``, or in parts.

        Args:
            name: File name, 1 to 255 characters.
            content_type: Media type that Sim can process.
            size: Bytes, 1 to 104,857,600.
            tag1: Value for the slot ``tag1``, at most 1,000 characters; the others likewise.

        Raises:
            InvalidRequestError: Sim cannot process this type (415), or an argument is invalid (``details``).
        """
        return send.one(NewDocumentUpload)

    @endpoint("POST", f"{_ONE}/parts", "createKnowledgeDocumentUploadPartUrls", resend="read")
    def create_part_urls(
        self,
        send: Sender,
        knowledge_base_id: str,
        upload_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, query],
        upload_token: UploadToken,
        part_numbers: PartNumbers,
    ) -> Flow[UploadPartUrls]:
        """Create the URLs for parts of an upload; they are valid for an hour."""
        return send.one(UploadPartUrls)

    @endpoint("POST", f"{_ONE}/complete", "completeKnowledgeDocumentUpload", resend="read")
    def complete(
        self,
        send: Sender,
        knowledge_base_id: str,
        upload_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, query],
        upload_token: UploadToken,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[DocumentUpload]:
        """Complete an upload, which makes it a document. It may be repeated.

        Args:
            timeout: Seconds for the call; None for no limit; default: the client's timeout. A server without a queue
                processes the document before it answers, which may take minutes.

        Raises:
            ConflictError: Bytes or parts are missing; the session stays open.
        """
        return send.one(DocumentUpload, timeout=timeout)

    @endpoint("DELETE", _ONE, "abortKnowledgeDocumentUpload", resend="read")
    def abort(
        self,
        send: Sender,
        knowledge_base_id: str,
        upload_id: str,
        *,
        workspace_id: WorkspaceId,
        upload_token: UploadToken,
    ) -> Flow[DocumentUpload]:
        """Abort an upload and delete its bytes. It may be repeated.

        Raises:
            ConflictError: The upload is complete.
        """
        return send.one(DocumentUpload)
