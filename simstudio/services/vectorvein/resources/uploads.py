"""Uploads, for ``client.files`` and for the files among the inputs of workflows and the attachments of tasks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudio.core.failures import run_beforehand
from simstudio.core.files import File, as_file
from simstudio.core.modes import M
from simstudio.core.multipart import Part, encode_multipart, file_part
from simstudio.services.vectorvein.models.base import plain
from simstudio.services.vectorvein.models.files import FileUploadResult
from simstudio.services.vectorvein.resource import VectorVeinResource, invalid
from simstudio.transport.flow import Blocking

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class Uploads(VectorVeinResource[M]):
    """A namespace that uploads files."""

    def _upload(self, file: object, filename: str | None = None) -> Flow[FileUploadResult]:
        body, content_type = yield Blocking(_form, file, filename)
        envelope = yield from self._envelope("POST", "file-upload/upload", content=body, content_type=content_type)
        return self._data(envelope, FileUploadResult, oss_path=str)

    def _store_files(self, value: Any) -> Flow[Any]:
        """Upload the files in a value, each once, and return the value with their ``oss_path`` in place of them.

        Raises:
            InvalidInputError: The value holds raw bytes or a file opened in text mode, or a file cannot be read.
        """
        files: dict[int, File] = {}

        def find(item: Any) -> Any:
            file = None if item is None or isinstance(item, (str, int, float)) else as_file(item)
            if file is not None:
                files[id(item)] = file
            return item

        plain(value, leaf=find)
        if not files:
            return value
        paths: dict[int, str] = {}
        for key, file in files.items():
            paths[key] = (yield from run_beforehand(self._upload(file))).oss_path
        return plain(value, leaf=lambda item: paths.get(id(item), item))


def _form(file: object, filename: str | None) -> object:
    if isinstance(file, str):
        if not file or "\0" in file or not Path(file).is_file():
            name = os.path.basename(file)  # noqa: PTH119 - any text
            raise invalid(f"There is no file {name!r} at the path given. Write BytesIO(…) for a content of your own.")
        file = Path(file)
    if isinstance(file, (bytes, bytearray, memoryview)) and filename is None:
        raise invalid('Raw bytes have no name: give filename="report.pdf".')
    if isinstance(file, tuple):
        raise invalid("file must be a path, a file opened in binary mode, or a simstudio.File, not a tuple.")
    if filename is not None and (not isinstance(filename, str) or not filename.strip()):
        raise invalid(f"filename must be a name, not {filename!r}.")
    part = file_part("file", file, default_filename="unknown")
    if filename is not None:
        part = Part(part.name, part.content, filename, None if isinstance(file, File) else part.mime)
    return encode_multipart([part])
