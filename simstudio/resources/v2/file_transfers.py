"""The upload of a file through its upload session, from the first request to the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.files import File
from simstudio.core.multipart import file_part
from simstudio.core.options import UNSET, Unset
from simstudio.core.polling import Poller
from simstudio.core.sections import SectionedFile
from simstudio.errors import APITimeoutError, InvalidInputError, SimStudioError
from simstudio.models.v2.file_uploads import FileUpload
from simstudio.resources.bodies import DEFAULT_NAME
from simstudio.resources.v2.file_uploads import FileUploads
from simstudio.resources.v2.transfers import Transfer, UploadProgress, check_concurrency
from simstudio.transport.flow import Blocking, Flow

if TYPE_CHECKING:
    from simstudio.models.v2.file_uploads import FileUploadSession
    from simstudio.models.v2.files import WorkspaceFile
    from simstudio.models.v2.uploads import UploadPartUrls
    from simstudio.resources.bodies import FileContent

FINISHING = 3600.0
"""Seconds that the server may take to make a file of bytes that have arrived."""
_PENDING = ("uploading", "completing", "finalizing")


def upload_file(
    uploads: FileUploads[Any],
    file: FileContent,
    *,
    workspace_id: str,
    name: str | None,
    content_type: str | None,
    folder_path: str | Sequence[str] | None,
    session: FileUpload | UploadProgress | None,
    keep_session: bool,
    concurrency: int,
    timeout: float | Unset | None,
    on_progress: Callable[[UploadProgress], Any] | None,
) -> Flow[WorkspaceFile]:
    """Upload a file; the arguments are those of :meth:`simstudio.resources.v2.files.Files.upload`."""
    check_concurrency(concurrency)
    part = file_part("file", file, default_filename=DEFAULT_NAME)
    source: Any = part.content  # file_part has refused a str
    named = File(source, name=name or part.filename, mime=part.mime)
    content = yield Blocking(SectionedFile, named.content)
    opened = session.upload if isinstance(session, UploadProgress) else session
    if opened is None:
        opened = yield from FileUploads.create.flow(
            uploads,
            workspace_id,
            name=named.name,
            content_type=content_type or named.mime,
            size=content.size,
            folder_path=UNSET if folder_path is None else folder_path,
        )
    elif not isinstance(opened, FileUpload):
        raise InvalidInputError(
            f"session must be the result of files.uploads.create or an UploadProgress, not {type(session).__name__}."
        )
    steps = FileSteps(uploads, workspace_id, opened)
    transfer = Transfer(
        uploads,
        opened if session is None else session,
        content,
        steps,
        concurrency=concurrency,
        timeout=timeout,
        on_progress=on_progress,
    )
    return (yield from transfer.run(abort=session is None and not keep_session))


@attrs.frozen
class FileSteps:
    """The calls of a file's upload session that need the API key."""

    uploads: FileUploads[Any]
    workspace_id: str
    upload: FileUpload

    def part_urls(self, numbers: Sequence[int]) -> Flow[UploadPartUrls]:
        """Request the addresses of parts."""
        return self._call(FileUploads.create_part_urls, part_numbers=numbers)

    def complete(self) -> Flow[WorkspaceFile]:
        """Complete the session, wait until the server has made the file, and return it.

        Raises:
            ConflictError: Bytes are missing.
            SimStudioError: The server could not make the file.
        """
        session: FileUploadSession = yield from Poller(transient=()).wait(
            lambda seconds: self._call(FileUploads.complete, timeout=seconds),
            done=lambda session: session.file is not None or session.status not in _PENDING,
            expired=lambda _: APITimeoutError(f"The server made no file within {FINISHING:g} s of the upload."),
            timeout=FINISHING,
            client_timeout=None,  # the server may take longer to complete a large file than to answer other requests
        )
        if session.file is None:
            reason = f": {session.error}" if session.error else "."
            raise SimStudioError(f"The upload of {session.name!r} ended with status {session.status!r}{reason}")
        return session.file

    def abort(self) -> Flow[Any]:
        """Give the session up."""
        return self._call(FileUploads.abort)

    def _call(self, operation: Any, **more: Any) -> Flow[Any]:
        upload = self.upload
        flow: Flow[Any] = operation.flow(
            self.uploads, upload.session.id, workspace_id=self.workspace_id, upload_token=upload.upload_token, **more
        )
        return flow
