"""Uploads, for ``client.files`` and for the files among the inputs of workflows and the attachments of tasks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudio.core.files import File, as_file
from simstudio.core.modes import M
from simstudio.core.multipart import Part, encode_multipart, file_part
from simstudio.services.vectorvein.models.files import FileUploadResult
from simstudio.services.vectorvein.resources.base import VectorVeinResource, invalid
from simstudio.transport.flow import Blocking

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class Uploads(VectorVeinResource[M]):
    """A namespace that uploads files."""

    def _upload(self, file: object, filename: str | None = None) -> Flow[FileUploadResult]:
        body, content_type = yield Blocking(_form, file, filename)
        envelope = yield from self._envelope("POST", "file-upload/upload", content=body, content_type=content_type)
        return self._data(envelope, FileUploadResult, oss_path=str)

    def _store_files(self, value: Any, stored: dict[int, str] | None = None) -> Flow[Any]:
        """Upload the files in a value, each once, and return the value with their ``oss_path`` in place of them.

        Raises:
            InvalidInputError: It holds raw bytes or a file opened in text mode, or a file cannot be read.
        """
        stored = {} if stored is None else stored
        if isinstance(value, Mapping):
            copy = {}
            for name, item in value.items():
                copy[name] = yield from self._store_files(item, stored)
            return copy
        if isinstance(value, (list, tuple)):
            items = []
            for item in value:
                copied = yield from self._store_files(item, stored)
                items.append(copied)
            return items
        file = as_file(value)
        if file is None:
            return value
        if id(value) not in stored:
            stored[id(value)] = (yield from self._upload(file)).oss_path
        return stored[id(value)]


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
