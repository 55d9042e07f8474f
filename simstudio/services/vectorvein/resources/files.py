"""``client.files``: uploads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from simstudio.core.files import File, UploadedFile
from simstudio.core.modes import M
from simstudio.core.multipart import Part, encode_multipart, file_part
from simstudio.core.operation import operation
from simstudio.services.vectorvein.models.files import FileUploadResult
from simstudio.services.vectorvein.resources.base import VectorVeinResource, invalid
from simstudio.transport.flow import Blocking

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class Files(VectorVeinResource[M]):
    """Upload files."""

    @operation
    def upload(
        self, file: str | os.PathLike[str] | BinaryIO | UploadedFile | File, filename: str | None = None
    ) -> Flow[FileUploadResult]:
        """Upload a file, for attachments of tasks and inputs of workflows.

        It is streamed from where it is, and read in a thread on an async client.

        Args:
            file: A path (here a ``str`` is one, because nothing else can be meant), a file opened in binary mode (read
                from its start; its position is restored), a file that a web framework received (Starlette's
                ``UploadFile``, Werkzeug's ``FileStorage`` …), or a :class:`simstudio.File`.
            filename: What it is called there; the path's or the file's own name where it is not given. Only the base
                name is ever sent.

        Returns:
            The upload: ``oss_path`` is the ``oss_key`` of an :class:`OssAttachmentDetail`.

        Raises:
            InvalidInputError: There is no such file, or it gives text.
            SimStudioError: Any other failure.

        Example:
            >>> client.upload_file("report.pdf").oss_path  # doctest: +SKIP
        """
        body, content_type = yield Blocking(_form, file, filename)
        envelope = yield from self._envelope("POST", "file-upload/upload", content=body, content_type=content_type)
        return self._data(envelope, FileUploadResult)


def _form(file: object, filename: str | None) -> object:
    if isinstance(file, str):
        if not file or "\0" in file or not Path(file).is_file():
            name = os.path.basename(file)  # noqa: PTH119 - any text
            raise invalid(f"There is no file {name!r} at the path given. Write BytesIO(…) for a content of your own.")
        file = Path(file)
    if isinstance(file, (bytes, bytearray, memoryview)):
        raise invalid('Raw bytes have no name: write simstudio.File(content, name="report.pdf").')
    if isinstance(file, tuple):
        raise invalid("file must be a path, a file opened in binary mode, or a simstudio.File, not a tuple.")
    if filename is not None and (not isinstance(filename, str) or not filename.strip()):
        raise invalid(f"filename must be a name, not {filename!r}.")
    part = file_part("file", file, default_filename="unknown")
    if filename is not None:
        part = Part(part.name, part.content, filename, None if isinstance(file, File) else part.mime)
    return encode_multipart([part])
