"""``client.v1.files``: files of a workspace."""

from __future__ import annotations

from simstudio.core.downloads import Download
from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v1.files import DeletedFile, WorkspaceFile
from simstudio.resources.v1.bodies import FileContent, form
from simstudio.transport.flow import Flow


class Files(APIResource[M]):
    """Files of a workspace."""

    @paged("GET", "/api/v1/files", "listFiles")
    def list(self, send: Sender, workspace_id: str) -> Pages[WorkspaceFile]:
        """List the files of a workspace; one page holds all.

        Args:
            workspace_id: Which workspace.

        Returns:
            The files; ``page().extra["totalCount"]`` says how many.

        Raises:
            PermissionDeniedError: The key may not see the workspace, or there is none.
            SimStudioError: Any other failure.

        Example:
            >>> for file in client.v1.files.list("workspace-id"):  # doctest: +SKIP
            ...     print(file.name, file.size)
        """
        return send.pages(WorkspaceFile, "data", "files")

    @endpoint("POST", "/api/v1/files", "uploadFile")
    def upload(self, send: Sender, workspace_id: str, file: FileContent) -> Flow[WorkspaceFile]:
        """Upload a file. It is read piece by piece, in a thread on an async client.

        Args:
            workspace_id: Where to.
            file: A path, a file opened in binary mode (read from its start; its position is restored), bytes, a
                :class:`simstudio.File`, or ``(name, content)`` or ``(name, content, media type)``; with name and all
                less than 10 MiB, whatever else the documents say (NOTES 0). Only the base name is sent. A ``str`` is
                refused: it may be meant as a path or as the content.

        Returns:
            The file. Its name differs from the one sent where that was taken: ``name (1).txt``.

        Raises:
            InvalidInputError: The file cannot be read, gives text, or is too large.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.files.upload("workspace-id", pathlib.Path("report.pdf")).id  # doctest: +SKIP
        """
        options = yield from form(send, file)
        return (yield from send.one(WorkspaceFile, "data", "file", **options))

    @endpoint("GET", "/api/v1/files/{fileId}", "downloadFile")
    def download(self, send: Sender, file_id: str, *, workspace_id: str) -> Flow[Download]:
        """Download a file.

        Args:
            file_id: Its id.
            workspace_id: Where it is.

        Returns:
            Its bytes, name and media type.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.files.download("file-id", workspace_id="workspace-id").save("reports")  # doctest: +SKIP
        """
        return send.download()

    @endpoint("DELETE", "/api/v1/files/{fileId}", "deleteFile")
    def delete(self, send: Sender, file_id: str, *, workspace_id: str) -> Flow[DeletedFile]:
        """Archive a file.

        Args:
            file_id: Its id.
            workspace_id: Where it is.

        Returns:
            The server's sentence.

        Raises:
            NotFoundError: There is none of that id, or no more.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.files.delete("file-id", workspace_id="workspace-id").message  # doctest: +SKIP
        """
        return send.one(DeletedFile)
