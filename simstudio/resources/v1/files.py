"""``client.v1.files``: files of a workspace."""

from __future__ import annotations

from simstudio.core.downloads import Download
from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v1.files import DeletedFile, WorkspaceFile
from simstudio.resources.bodies import FileContent, form_body
from simstudio.resources.parameters import SaveTo
from simstudio.transport.flow import Flow


class Files(APIResource[M]):
    """Files of a workspace."""

    @paged("GET", "/api/v1/files", "listFiles")
    def list(self, send: Sender, workspace_id: str) -> Pages[WorkspaceFile]:
        """List the files of a workspace, all in one page; ``page().extra["totalCount"]`` is their number.

        Raises:
            PermissionDeniedError: No workspace has this id, or the API key may not see it.

        Example:
            >>> for file in client.v1.files.list("workspace-id"):  # doctest: +SKIP
            ...     print(file.name, file.size)
        """
        return send.pages(WorkspaceFile, "data", "files")

    @endpoint("POST", "/api/v1/files", "uploadFile")
    def upload(self, send: Sender, workspace_id: str, file: FileContent) -> Flow[WorkspaceFile]:
        """Upload a file. It is read in pieces, on the async client in a thread.

        Args:
            file: A path, a file opened in binary mode, a file that a web framework received (Starlette's
                ``UploadFile``, Werkzeug's ``FileStorage`` …), bytes, a :class:`simstudio.File`, ``(name, content)`` or
                ``(name, content, media type)``; with the form around it at most 10 MiB. A ``str`` is refused, as it
                could be a path or the content. Only the base name of a path is sent.

        Returns:
            The file; Sim renames it if the name is taken: ``name (1).txt``.

        Raises:
            InvalidInputError: The file cannot be read, was opened in text mode, or is too large.

        Example:
            >>> client.v1.files.upload("workspace-id", pathlib.Path("report.pdf")).id  # doctest: +SKIP
        """
        options = yield from form_body(send, file)
        return (yield from send.one(WorkspaceFile, "data", "file", **options))

    @endpoint("GET", "/api/v1/files/{fileId}", "downloadFile")
    def download(self, send: Sender, file_id: str, *, workspace_id: str, to: SaveTo = None) -> Flow[Download]:
        """Download a file.

        Args:
            to: A file that does not exist yet, or a directory, to save it to while it is received; nothing is replaced.
                Default: keep it in memory, up to the client's ``max_response_size``.

        Returns:
            The content, name and media type.

        Raises:
            NotFoundError: No file has this id.

        Example:
            >>> client.v1.files.download("file-id", workspace_id="workspace-id").save("reports")  # doctest: +SKIP
        """
        return send.download(to)

    @endpoint("DELETE", "/api/v1/files/{fileId}", "deleteFile")
    def delete(self, send: Sender, file_id: str, *, workspace_id: str) -> Flow[DeletedFile]:
        """Archive a file.

        Raises:
            NotFoundError: No file has this id, or it has been archived before.
        """
        return send.one(DeletedFile)
