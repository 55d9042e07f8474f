"""One file, ``report.pdf`` with the bytes ``hi``, as web frameworks hand it to a handler."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from aiohttp.web_request import FileField
from multidict import CIMultiDict, CIMultiDictProxy
from starlette.datastructures import Headers, UploadFile
from werkzeug.datastructures import FileStorage

CONTENT = b"hi"
TYPE = "application/pdf; name=report"


def _starlette() -> Any:
    headers = Headers({"content-type": TYPE})
    return UploadFile(io.BytesIO(CONTENT), filename="../report.pdf", headers=headers)


def _werkzeug() -> Any:
    return FileStorage(io.BytesIO(CONTENT), filename="C:\\report.pdf", name="attachment", content_type=TYPE)


def _aiohttp() -> Any:
    file = io.BufferedReader(io.BytesIO(CONTENT))  # type: ignore[arg-type]
    return FileField("attachment", "report.pdf", file, "application/pdf", CIMultiDictProxy(CIMultiDict()))


class _Django:
    """Like Django's ``UploadedFile``: the file name is in ``name``, and ``read`` passes on to ``file``."""

    def __init__(self) -> None:
        self.file, self.name, self.content_type = io.BytesIO(CONTENT), "report.pdf", TYPE

    def read(self, size: int = -1) -> bytes:
        return self.file.read(size)

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        return self.file.seek(place, whence)

    def tell(self) -> int:
        return self.file.tell()


UPLOADS: dict[str, Callable[[], Any]] = {
    "Starlette": _starlette,
    "Werkzeug": _werkzeug,
    "aiohttp": _aiohttp,
    "Django": _Django,
}
