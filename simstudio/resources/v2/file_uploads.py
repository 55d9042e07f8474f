"""``client.v2.files.uploads``: the steps of an upload, one request each."""

from __future__ import annotations

from typing import Annotated

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import local, query
from simstudio.core.resource import APIResource
from simstudio.models.v2.file_uploads import FileUpload, FileUploadSession
from simstudio.models.v2.uploads import UploadPartUrls
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import PartNumbers, UploadToken, WorkspaceId
from simstudio.transport.flow import Flow


class FileUploads(APIResource[M]):
    """Upload sessions, step by step. ``client.v2.files.upload`` does all steps.

    A session belongs to the API key that created it; it is open for 24 hours.
    """

    @endpoint("POST", "/api/v2/files/uploads", "createFileUpload")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: str,
        content_type: str,
        size: int,
        folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[FileUpload]:
        """Begin an upload. ``transfer`` in the result says how the bytes are sent.

        Args:
            content_type: Media type.
            size: Exact number of bytes, at most 5 GiB.
            folder_path: Default: the root.

        Raises:
            NotFoundError: No folder has this path.
        """
        return send.one(FileUpload)

    @endpoint("GET", "/api/v2/files/uploads/{uploadId}", "getFileUpload")
    def get(
        self, send: Sender, upload_id: str, *, workspace_id: WorkspaceId, upload_token: UploadToken
    ) -> Flow[FileUploadSession]:
        """Retrieve the state of an upload. It never has the file: repeat ``complete`` to get that.

        Raises:
            NotFoundError: No upload has this id and token, or another API key has created it.
        """
        return send.one(FileUploadSession)

    @endpoint("POST", "/api/v2/files/uploads/{uploadId}/parts", "createFileUploadPartUrls", resend="read")
    def create_part_urls(
        self,
        send: Sender,
        upload_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, query],
        upload_token: UploadToken,
        part_numbers: PartNumbers,
    ) -> Flow[UploadPartUrls]:
        """Request the addresses of parts. They expire after an hour, and may be requested again.

        Args:
            part_numbers: 1 to 100 numbers between 1 and ``transfer.part_count``, each once.

        Raises:
            ConflictError: The upload is not in parts, was aborted, or has expired.
        """
        return send.one(UploadPartUrls)

    @endpoint("POST", "/api/v2/files/uploads/{uploadId}/complete", "completeFileUpload", resend="read")
    def complete(
        self,
        send: Sender,
        upload_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, query],
        upload_token: UploadToken,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[FileUploadSession]:
        """Make the file when all bytes were sent. Repeating it gives the same file.

        Args:
            timeout: Seconds for the whole call; None for no limit; default: the client's timeout.

        Raises:
            ConflictError: Bytes are missing, or the upload was aborted or has expired. Missing bytes can still be sent.
        """
        return send.one(FileUploadSession, timeout=timeout)

    @endpoint("DELETE", "/api/v2/files/uploads/{uploadId}", "abortFileUpload", resend="read")
    def abort(
        self, send: Sender, upload_id: str, *, workspace_id: WorkspaceId, upload_token: UploadToken
    ) -> Flow[FileUploadSession]:
        """Give an upload up. Repeating it changes nothing.

        Raises:
            ConflictError: The upload is completed.
        """
        return send.one(FileUploadSession)
