"""Files of a workspace, their folders, shares and texts."""

from __future__ import annotations

from simstudio.core.model import Model, model
from simstudio.models.v2.folders import Folder


@model
class WorkspaceFile(Model):
    """A file of a workspace.

    Attributes:
        size: Bytes.
        type: Media type. Renaming the file does not change it.
        key: Key of the file in the server's storage.
        folder_path: Percent-encoded by segment; ``/`` is the root.
        uploaded_at: ISO 8601.
        updated_at: ISO 8601.
        deleted_at: ISO 8601; None unless the file is archived.
        web_url: Address of the file in Sim's editor; None on older servers.
        revision: Revision of the content, for ``expected_revision``; None where the server gives none.
    """

    id: str
    name: str
    size: int
    type: str
    key: str
    folder_path: str
    uploaded_by_email: str
    uploaded_at: str
    updated_at: str
    deleted_at: str | None = None
    web_url: str | None = None
    revision: str | None = None


@model
class FileShare(Model):
    """The public link to a file.

    Attributes:
        token: Last segment of the address.
        url: Address of the shared file.
        is_active: Whether the address works.
        resource_type: ``file`` or ``folder``.
        auth_type: Access to the file: ``public``, ``password``, ``email`` or ``sso``.
        allowed_emails: Addresses or domains that may sign in, for ``email`` and ``sso``.
    """

    id: str
    token: str
    url: str
    is_active: bool
    resource_type: str
    resource_id: str
    auth_type: str
    has_password: bool
    allowed_emails: list[str]


@model
class FileDetails(WorkspaceFile):
    """A file of a workspace with its share and version. The other fields are those of :class:`WorkspaceFile`.

    Attributes:
        share: None if the file has never been shared.
        current_version: Number of the version; None on servers without versions.
    """

    share: FileShare | None = None
    current_version: int | None = None


@model
class ItemCounts(Model):
    """Numbers of files and folders that an operation has changed.

    Attributes:
        folders: None if the operation changes files only.
    """

    files: int
    folders: int | None = None


@model
class DeletedFiles(Model):
    """The response to the deletion of several files."""

    deleted_items: ItemCounts


@model
class MovedFiles(Model):
    """The response to moving files."""

    moved_items: ItemCounts


@model
class DeletedFileFolder(Model):
    """The response to the deletion of a folder of files.

    Attributes:
        deleted: True.
    """

    path: str
    deleted: bool
    deleted_items: ItemCounts


@model
class RestoredFileFolder(Model):
    """A folder of files that was restored with its contents.

    Attributes:
        folder: Renamed if its old path was taken.
    """

    folder: Folder
    restored_items: ItemCounts


@model
class EditedFile(Model):
    """A text file after an edit.

    Attributes:
        line_count: Lines of the new text.
        revision: Revision of the new content; None where the server gives none.
    """

    file: WorkspaceFile
    line_count: int
    revision: str | None = None


@model
class UnzippedFile(Model):
    """The result of unpacking an archive.

    Attributes:
        folder_path: New folder beside the archive, percent-encoded by segment.
        skipped_file_count: Files that were left out, such as ``.DS_Store``.
    """

    folder_path: str
    extracted_file_count: int
    skipped_file_count: int


@model
class LineRange(Model):
    """The lines of a text that were read.

    Attributes:
        offset: First line.
        total_lines_exact: Whether ``total_lines`` is exact; otherwise the file has at least as many.
    """

    offset: int
    line_count: int
    total_lines: int
    total_lines_exact: bool


@model
class FileText(Model):
    """The text of a file.

    Attributes:
        type: Media type of the file.
        truncated: Whether the text was cut.
        degraded: Whether the text may be incomplete or wrong, because the file could not be parsed fully.
        degraded_reason: None unless ``degraded``.
        char_count: Length of the text in UTF-16 code units, as JavaScript counts.
        path: Path of the file; None on older servers.
        line_range: None unless a range of lines was requested.
        version: Version of the file; None for its current text.
    """

    file_id: str
    name: str
    type: str
    text: str
    truncated: bool
    degraded: bool
    char_count: int
    byte_count: int
    degraded_reason: str | None = None
    path: str | None = None
    line_range: LineRange | None = None
    version: int | None = None


@model
class FileMatch(Model):
    """A line that a search has found.

    Attributes:
        line_number: Counted from 1.
    """

    file_id: str
    line_number: int
    text: str


@model
class FileIndexStatus(Model):
    """Number of files in the search index.

    Attributes:
        skipped_files: Files without text, or too large.
        partial_files: Files of which only the beginning is indexed.
    """

    ready_files: int
    pending_files: int
    failed_files: int
    skipped_files: int
    partial_files: int


@model
class FileSearchResult(Model):
    """The lines that a search in files has found.

    Attributes:
        truncated: Whether there are more results.
        complete: Whether all files were searched; if not, more files may match.
    """

    results: list[FileMatch]
    count: int
    truncated: bool
    complete: bool
    index_status: FileIndexStatus
