"""``client.v2.files``: files of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from simstudio.core.downloads import Download
from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, items, length, local, secret
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.file_params import DeleteBetween, InsertAfter, ReplaceBetween, SearchReplace
from simstudio.models.v2.file_uploads import FileUpload
from simstudio.models.v2.files import (
    DeletedFiles,
    EditedFile,
    FileDetails,
    FileSearchResult,
    FileShare,
    FileText,
    MovedFiles,
    UnzippedFile,
    WorkspaceFile,
)
from simstudio.resources.bodies import FileContent
from simstudio.resources.folder_paths import FolderPath, FolderPaths
from simstudio.resources.parameters import SaveTo, Search, WorkspaceId
from simstudio.resources.v2.file_folders import FileFolders
from simstudio.resources.v2.file_uploads import FileUploads
from simstudio.resources.v2.file_versions import FileVersions
from simstudio.resources.v2.transfers import CONCURRENCY, UploadProgress
from simstudio.transport.flow import Flow


class Files(APIResource[M]):
    """Files of a workspace.

    A folder is given by its path: a text such as ``/Sales/New leads``, percent-encoded as Sim shows it or not, or a
    list of names such as ``["Sales", "New leads"]``.
    """

    @namespace
    def folders(self) -> FileFolders[M]:
        """Folders of files."""
        return FileFolders(self._context, f"{self._name}.folders")

    @namespace
    def uploads(self) -> FileUploads[M]:
        """Upload sessions, step by step."""
        return FileUploads(self._context, f"{self._name}.uploads")

    @namespace
    def versions(self) -> FileVersions[M]:
        """Earlier contents of files."""
        return FileVersions(self._context, f"{self._name}.versions")

    @operation
    def upload(
        self,
        file: FileContent,
        *,
        workspace_id: str,
        name: str | None = None,
        content_type: str | None = None,
        folder_path: str | Sequence[str] | None = None,
        session: FileUpload | UploadProgress | None = None,
        keep_session: bool = False,
        concurrency: int = CONCURRENCY,
        timeout: float | Unset | None = UNSET,
        on_progress: Callable[[UploadProgress], Any] | None = None,
    ) -> Flow[WorkspaceFile]:
        """Upload a file of up to 5 GiB in an upload session, in one request or in parts, as the server decides.

        It is read in pieces while it is sent. A part that fails is sent again. After another failure the session is
        aborted, unless ``session`` or ``keep_session`` is given.

        Args:
            file: A path (``pathlib.Path``), a file opened in binary mode, bytes, a :class:`simstudio.File`, ``(name,
                content)``, or a file that a web framework received. A ``str`` is refused.
            name: Default: the name of the file. Sim changes it to ``name (1).txt`` if the folder has such a file.
            content_type: Media type; by default guessed from the name.
            folder_path: An existing folder; default: the root.
            session: Resume this upload of the same file: the last progress of ``on_progress``, or the result of
                ``uploads.create``.
            keep_session: Leave the session open after a failure, so that it can be resumed within 24 hours.
            concurrency: Parts that are sent at a time, 1 to 64.
            timeout: Seconds without progress after which sending fails; None for no limit; default: the client's
                timeout.
            on_progress: Called before the transfer and after each part.

        Raises:
            InvalidInputError: The file cannot be read, or has not the size of ``session``.
            NotFoundError: No folder has this path, or the session belongs to another API key.
            ConflictError: The session was aborted, or has expired.

        Example:
            >>> client.v2.files.upload(pathlib.Path("video.mp4"), workspace_id="workspace-id").id  # doctest: +SKIP
        """
        from simstudio.resources.v2.file_transfers import upload_file  # few programs upload files

        return (
            yield from upload_file(
                self.uploads,
                file,
                workspace_id=workspace_id,
                name=name,
                content_type=content_type,
                folder_path=folder_path,
                session=session,
                keep_session=keep_session,
                concurrency=concurrency,
                timeout=timeout,
                on_progress=on_progress,
            )
        )

    @paged("GET", "/api/v2/files", "listFiles")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        folder_path: FolderPath | None = None,
        recursive: bool | None = None,
        scope: Literal["active", "archived"] | None = None,
        search: Search | None = None,
        sort_by: Literal["name", "size", "uploadedAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: Annotated[int, between(1, 1000)] | None = None,
        cursor: str | None = None,
    ) -> Pages[WorkspaceFile]:
        """List the files of a workspace, in all folders or in one. An unknown folder has no files; it is no error.

        Args:
            recursive: Include the folder's subfolders; by default only with ``search``.
            scope: ``archived`` for deleted files; default ``active``.
            search: Part of the name, in any case.
            sort_by: Default ``uploadedAt``.
            sort_order: Default ``asc``.
            limit: Files per page, 1 to 1,000; default 100.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.

        Example:
            >>> for file in client.v2.files.list("workspace-id", folder_path=["Sales"]):  # doctest: +SKIP
            ...     print(file.name, file.size)
        """
        return send.pages(WorkspaceFile)

    @endpoint("POST", "/api/v2/files", "createFile")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: str,
        content_type: str | Unset = UNSET,
        folder_path: FolderPath | Unset = UNSET,
        content: Annotated[str | Unset, length(0, 70_000_000)] = UNSET,
        encoding: Literal["utf-8", "base64"] | Unset = UNSET,
    ) -> Flow[WorkspaceFile]:
        """Create a file from a text, or from bytes as base64: at most 50 MiB. ``upload`` takes larger files.

        Args:
            content_type: Media type; by default guessed from the name.
            content: Default: an empty file.
            encoding: Encoding of ``content``; default ``utf-8``.

        Raises:
            ConflictError: The folder has a file of this name.
            NotFoundError: No folder has this path.

        Example:
            >>> client.v2.files.create("workspace-id", name="notes.md", content="# Notes").id  # doctest: +SKIP
        """
        return send.one(WorkspaceFile)

    @endpoint("GET", "/api/v2/files/{fileId}/metadata", "getFile")
    def get(
        self,
        send: Sender,
        file_id: str,
        *,
        workspace_id: WorkspaceId,
        scope: Literal["active", "archived"] | None = None,
    ) -> Flow[FileDetails]:
        """Retrieve a file's name, size, folder and share, without its content.

        Args:
            scope: ``archived`` finds deleted files as well; default ``active``.

        Raises:
            NotFoundError: No file of the workspace has this id, or it is archived.
        """
        return send.one(FileDetails)

    @endpoint("GET", "/api/v2/files/{fileId}", "downloadFile")
    def download(self, send: Sender, file_id: str, *, workspace_id: WorkspaceId, to: SaveTo = None) -> Flow[Download]:
        """Download a file. With ``to`` a broken download begins again.

        Args:
            to: A file that does not exist yet, or a directory, to save it to while it is received; nothing is replaced.
                Default: keep it in memory, up to the client's ``max_response_size``.

        Raises:
            ConflictError: The file is a generated document that is still being made.
            NotFoundError: No file of the workspace has this id, or it is archived.

        Example:
            >>> client.v2.files.download("file-id", workspace_id="workspace-id", to="reports").path  # doctest: +SKIP
        """
        return send.download(to)

    @endpoint("GET", "/api/v2/files/bulk-download", "bulkDownloadFiles")
    def bulk_download(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        file_ids: Annotated[Sequence[str], items(1, 100)] | None = None,
        folder_paths: Annotated[FolderPaths, items(1, 100)] | None = None,
        to: SaveTo = None,
    ) -> Flow[Download]:
        """Download several files, or folders with all their contents, as one ZIP archive of at most 100 files.

        Args:
            file_ids: Unknown ids are left out as long as one is known.
            to: As in ``download``.

        Raises:
            InvalidRequestError: No id is known, a folder does not exist, or the selection is too large.
        """
        return send.download(to)

    @endpoint("GET", "/api/v2/files/{fileId}/text", "readFileText")
    def read_text(
        self,
        send: Sender,
        file_id: str,
        *,
        workspace_id: WorkspaceId,
        max_bytes: int | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> Flow[FileText]:
        """Read the text of a file: plain text, PDF or an office document.

        Args:
            max_bytes: Refuse files with more bytes; at most and by default 26,214,400.
            offset: First line. Servers of August 2026 lack it.
            limit: Number of lines. Servers of August 2026 lack it.

        Raises:
            InvalidRequestError: The file has no text that the server can read, or has more than ``max_bytes``.
            ConflictError: The file is a generated document that is still being made.
        """
        return send.one(FileText)

    @endpoint("GET", "/api/v2/files/search", "searchFileContent", evidence="documented")
    def search(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        query: str,
        mode: Literal["exact", "regex"] | None = None,
        max_results: int | None = None,
        folder_paths: FolderPaths | None = None,
        include_subfolders: bool | None = None,
    ) -> Flow[FileSearchResult]:
        """Search the texts of files line by line. Without ``complete`` in the result, more files may match.

        Args:
            mode: Default ``regex``.
            max_results: Default 50.
        """
        return send.one(FileSearchResult)

    @endpoint("PATCH", "/api/v2/files/{fileId}", "renameFile")
    def rename(self, send: Sender, file_id: str, *, workspace_id: WorkspaceId, name: str) -> Flow[WorkspaceFile]:
        """Rename a file. Its media type stays.

        Raises:
            ConflictError: The folder has another file of this name.
        """
        return send.one(WorkspaceFile)

    @endpoint("POST", "/api/v2/files/move", "moveFileItems")
    def move(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        file_ids: Annotated[Sequence[str], items(1, 1000)],
        target_folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[MovedFiles]:
        """Move files to a folder: all of them, or none after an error.

        Args:
            file_ids: 1 to 1,000 file ids.
            target_folder_path: Default: the root.

        Raises:
            ConflictError: The folder has a file of the same name.
            NotFoundError: A file or the folder does not exist.
        """
        return send.one(MovedFiles)

    @endpoint("PUT", "/api/v2/files/{fileId}/content", "updateFileContent")
    def replace_content(
        self,
        send: Sender,
        file_id: str,
        *,
        workspace_id: WorkspaceId,
        content: Annotated[str, length(0, 70_000_000)],
        encoding: Literal["utf-8", "base64"] | Unset = UNSET,
        expected_revision: str | Unset = UNSET,
    ) -> Flow[WorkspaceFile]:
        """Replace the content of a file by a text, or by bytes as base64: at most 50 MiB.

        Args:
            encoding: Encoding of ``content``; default ``utf-8``.
            expected_revision: Refuse if the file has another ``revision``. Servers of August 2026 lack it.

        Raises:
            ConflictError: The file has another revision.
        """
        return send.one(WorkspaceFile)

    @endpoint("PATCH", "/api/v2/files/{fileId}/content", "editFileContent", evidence="documented")
    def edit_content(
        self,
        send: Sender,
        file_id: str,
        *,
        workspace_id: WorkspaceId,
        edit: SearchReplace | ReplaceBetween | InsertAfter | DeleteBetween | Mapping[str, Any],
        expected_revision: str | Unset = UNSET,
    ) -> Flow[EditedFile]:
        """Change a part of a UTF-8 text file.

        Args:
            expected_revision: Refuse if the file has another ``revision``.

        Raises:
            ConflictError: The file has another revision.
            LockedError: Another person is editing the file.

        Example:
            >>> edit = {"mode": "search_replace", "search": "2025", "content": "2026", "replaceAll": True}
            >>> client.v2.files.edit_content("file-id", workspace_id="workspace-id", edit=edit)  # doctest: +SKIP
        """
        return send.one(EditedFile)

    @endpoint("POST", "/api/v2/files/{fileId}/unzip", "unzipFile")
    def unzip(
        self,
        send: Sender,
        file_id: str,
        *,
        workspace_id: WorkspaceId,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[UnzippedFile]:
        """Unpack a ``.zip`` archive into a new folder beside it. Each call makes another folder.

        Args:
            timeout: Seconds for the whole call, which takes minutes for a large archive; None for no limit; default:
                the client's timeout.

        Raises:
            InvalidRequestError: The file's name does not end with ``.zip``.
            ConflictError: The archive is being unpacked already.
            ServerError: The archive is damaged.
        """
        return send.one(UnzippedFile, timeout=timeout)

    @endpoint("DELETE", "/api/v2/files/{fileId}", "deleteFile")
    def delete(self, send: Sender, file_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Archive a file; ``restore`` brings it back.

        Raises:
            NotFoundError: No file of the workspace has this id, or it is archived.
        """
        return send.one(Deleted)

    @endpoint("POST", "/api/v2/files/bulk-delete", "bulkDeleteFiles")
    def bulk_delete(
        self, send: Sender, workspace_id: WorkspaceId, *, file_ids: Annotated[Sequence[str], items(1, 1000)]
    ) -> Flow[DeletedFiles]:
        """Archive files: all of them, or none after an error.

        Args:
            file_ids: 1 to 1,000 file ids.

        Raises:
            NotFoundError: A file does not exist or is archived; the message names it.
        """
        return send.one(DeletedFiles)

    @endpoint("POST", "/api/v2/files/{fileId}/restore", "restoreFile")
    def restore(self, send: Sender, file_id: str, *, workspace_id: WorkspaceId) -> Flow[WorkspaceFile]:
        """Bring an archived file back, into the root; it is renamed if its name is taken there."""
        return send.one(WorkspaceFile)

    @endpoint("GET", "/api/v2/files/{fileId}/share", "getFileShare")
    def get_share(self, send: Sender, file_id: str, *, workspace_id: WorkspaceId) -> Flow[FileShare | None]:
        """Retrieve the public link to a file; None if the file was never shared."""
        return send.optional(FileShare)

    @endpoint("PATCH", "/api/v2/files/{fileId}/share", "upsertFileShare")
    def update_share(
        self,
        send: Sender,
        file_id: str,
        *,
        workspace_id: WorkspaceId,
        is_active: bool,
        auth_type: Literal["public", "password", "email", "sso"] | Unset = UNSET,
        password: Annotated[str | Unset, length(15, 1024), secret] = UNSET,
        allowed_emails: Sequence[str] | Unset = UNSET,
    ) -> Flow[FileShare]:
        """Share a file by a public link, or end that. Its address stays the same. Needs a personal key.

        Args:
            is_active: Whether the link works; what else was set is kept.
            password: Required when ``auth_type`` becomes ``password``; 15 to 1,024 characters.
            allowed_emails: Addresses or domains; required when ``auth_type`` becomes ``email`` or ``sso``.

        Raises:
            PermissionDeniedError: The key is a workspace key.

        Example:
            >>> client.v2.files.update_share("file-id", workspace_id="ws", is_active=True).url  # doctest: +SKIP
        """
        return send.one(FileShare)
