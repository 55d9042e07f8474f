"""A stand-in for Sim's upload sessions and the storage behind them, for flows that are driven by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from simstudio.transport.errors import APIConnectionError
from simstudio.transport.message import Request, Response
from tests.driving import answer

TOKEN = "upload-token-Yak5812"
SIGNATURE = "signature-Yak5813"
STORAGE = "https://storage.test"
STAMP = "2026-11-29T19:41:37.582Z"


def error(status: int, message: str) -> Response:
    return answer(status, {"error": {"code": "CONFLICT" if status == 409 else "ERROR", "message": message}})


@attrs.define
class UploadServer:
    """Keeps the bytes of one session, as a recorded Sim does.

    Attributes:
        part_size: Bytes of a part; None for one request.
        fails: Given each request with its number, from 1; a response replaces the answer, ``lost`` loses it.
    """

    part_size: int | None = None
    fails: Callable[[int, Request], Response | str | None] = lambda number, request: None
    size: int = 0
    parts: dict[int, bytes] = attrs.field(factory=dict)
    status: str = "none"
    asked: list[tuple[str, str]] = attrs.field(factory=list)
    created: Mapping[str, Any] = attrs.field(factory=dict)
    name: str = "Grüße (1).txt"

    @property
    def content(self) -> bytes:
        """The bytes that have arrived, in order."""
        return b"".join(self.parts[number] for number in sorted(self.parts))

    def __call__(self, request: Request) -> Response:
        self.asked.append((request.method, request.path))
        failure = self.fails(len(self.asked), request)
        if failure == "not sent":
            raise APIConnectionError("refused", sent=False)
        if isinstance(failure, Response):
            return failure
        response = self._respond(request)
        if failure == "lost":
            raise APIConnectionError("lost")
        return response

    def _respond(self, request: Request) -> Response:
        if request.url.startswith(STORAGE):
            return self._receive(request)
        path = request.path
        if path.endswith("/uploads"):
            return self._create(json.loads(request.content))
        assert request.headers["upload-token"] == TOKEN
        if self.status in ("aborted", "expired"):
            return error(409, f"Upload session is {self.status}")
        if request.method == "DELETE":
            self.status = "aborted"
        elif path.endswith("/parts"):
            urls = [self._part_url(number) for number in json.loads(request.content)["partNumbers"]]
            return answer(200, {"data": {"parts": urls}})
        elif path.endswith("/complete"):
            if len(self.content) != self.size or not self.parts:
                return error(409, "Uploaded object not found")
            self.status = "completed"
        return answer(200, {"data": self._session()})

    def _create(self, body: Mapping[str, Any]) -> Response:
        self.created, self.size, self.status = body, body["size"], "uploading"
        transfer: dict[str, Any] = {"method": "put", "url": f"{STORAGE}/bytes?sig={SIGNATURE}", "expiresAt": STAMP}
        transfer["headers"] = {"Content-Type": "text/plain", "x-signed": SIGNATURE}
        if self.part_size is not None:
            count = -(-self.size // self.part_size)
            transfer = {"method": "multipart", "partSize": self.part_size, "partCount": count}
        return answer(201, {"data": {"session": self._session(), "uploadToken": TOKEN, "transfer": transfer}})

    def _part_url(self, number: int) -> dict[str, Any]:
        url = f"{STORAGE}/parts/{number}?token={TOKEN}"
        return {"partNumber": number, "url": url, "headers": {"Content-Type": "part/type"}, "expiresAt": STAMP}

    def _receive(self, request: Request) -> Response:
        number = int(request.path.rpartition("/")[2]) if "parts" in request.path else 1
        if self.part_size is None and self.parts:
            return error(500, "Internal server error")  # EEXIST
        assert parse_qs(urlsplit(request.url).query)
        self.parts[number] = b"".join(request.content) if not isinstance(request.content, bytes) else request.content
        return answer(204)

    def _session(self) -> dict[str, Any]:
        file = {
            "id": "wf_1", "name": self.name, "size": self.size, "type": "text/plain", "key": "k", "folderPath": "/",
            "uploadedByEmail": "grace@example.com", "uploadedAt": STAMP, "updatedAt": STAMP, "deletedAt": None,
        }  # fmt: skip
        return {
            "id": "up-1", "status": self.status, "name": "Grüße.txt", "contentType": "text/plain", "size": self.size,
            "expiresAt": STAMP, "error": None, "file": file if self.status == "completed" else None,
        }  # fmt: skip
