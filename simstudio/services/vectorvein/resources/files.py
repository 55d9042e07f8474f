"""``client.files``: uploads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from simstudio.core.files import File, UploadedFile
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.models.files import FileUploadResult
from simstudio.services.vectorvein.resources.uploads import Uploads

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class Files(Uploads[M]):
    """Upload files."""

    @operation
    def upload(
        self, file: str | os.PathLike[str] | bytes | BinaryIO | UploadedFile | File, filename: str | None = None
    ) -> Flow[FileUploadResult]:
        """Upload a file, for attachments of tasks and inputs of workflows.

        It is never held in memory as a whole. An async client reads it in a thread.

        Args:
            file: A path (here a ``str`` is one, too), a file opened in binary mode (read
                from its start; its position is restored), a file that a web framework received (Starlette's
                ``UploadFile``, Werkzeug's ``FileStorage`` …), a :class:`simstudio.File`, or, with ``filename``, bytes.
            filename: File name, of which the base name is sent; by default the name of the path or the file.

        Returns:
            The upload: ``oss_path`` is the ``oss_key`` of an :class:`OssAttachmentDetail`.

        Raises:
            InvalidInputError: There is no such file, it gives text, or bytes have no file name.

        Example:
            >>> client.upload_file("report.pdf").oss_path  # doctest: +SKIP
        """
        return (yield from self._upload(file, filename))
