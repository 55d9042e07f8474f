"""The object storage of a local SpeedPix: files that clients upload, and files that workflows return."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from simstudio.sandbox.http import Reply

if TYPE_CHECKING:
    from starlette.requests import Request

_KEPT_FOR = 3600

Files = dict[str, tuple[bytes, str]]
"""Contents and media types by storage key."""


class FileStorage:
    """Stored files, and the storage keys that were given out for uploads.

    Args:
        clock: Returns epoch seconds.

    Attributes:
        origin: Address of the server; None before it is served.
        places: Media types by the storage keys that were given out for uploads.
        files: The files that are there.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.origin: str | None = None
        self.places: dict[str, str] = {}
        self.files: Files = {}

    @property
    def uploads(self) -> dict[str, bytes]:
        """Contents of the files that clients uploaded, by storage key."""
        return {key: self.files[key][0] for key in self.places if key in self.files}

    def store(self, content: bytes, name: str, content_type: str | None) -> str:
        """Keep a file, and return the URL from which it can be fetched."""
        key = f"out-{len(self.files) + 1}/{quote(name)}"
        self.files[key] = (bytes(content), content_type or mimetypes.guess_type(name)[0] or "application/octet-stream")
        return f"{self._address}/files/{key}?Signature=sandbox"

    def reserve(self, name: str, content_type: str) -> dict[str, object]:
        """Give out a storage key for an upload, with its URLs."""
        key = f"tmp/{len(self.places) + 1}/{quote(name, safe='')}"
        self.places[key] = content_type
        return {
            "uploadUrl": f"{self._address}/bucket/{key}?Expires=1&Signature=abc%2B",
            "objectKey": key,
            "path": f"oss://bucket/{key}",
            "expireTime": int(self._clock()) + _KEPT_FOR,
            "accessUrl": f"{self._address}/files/{key}?Signature=def%2F",
        }

    def clear(self) -> None:
        """Forget all files."""
        self.places.clear()
        self.files.clear()

    async def put(self, request: Request) -> Reply:
        """Take the upload of a file. Its URL is the only authentication, as at Alibaba Cloud OSS."""
        key, headers = _key_of(request, "/bucket/"), request.headers
        if "authorization" in headers or any(name.startswith("x-ca-") for name in headers):
            return _refusal("InvalidArgument", "Only one auth mechanism allowed")
        is_signed = parse_qs(request.url.query).get("Signature") == ["abc+"]
        if not is_signed or headers.get("content-type") != self.places.get(key):
            return _refusal("SignatureDoesNotMatch", "The request signature we calculated does not match")
        self.files[key] = (await request.body(), headers["content-type"])
        return Reply(200, b"", (("etag", '"sandbox"'),))

    async def get(self, request: Request) -> Reply:
        """Send a file."""
        found = self.files.get(_key_of(request, "/files/"))
        if found is None:
            return _refusal("NoSuchKey", "The specified key does not exist.", 404)
        content, content_type = found
        return Reply(200, content, (("content-type", content_type),))

    @property
    def _address(self) -> str:
        if self.origin is None:
            from simstudio.errors import ConfigurationError

            raise ConfigurationError("the sandbox has no address before start() or `with sandbox.serve()`")
        return self.origin


def _key_of(request: Request, prefix: str) -> str:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("ascii", "replace").removeprefix(prefix)


def _refusal(code: str, message: str, status: int = 403) -> Reply:
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, xml.encode(), (("content-type", "application/xml"), ("x-oss-request-id", "sandbox")))
