"""Raw requests for ``/api/v1`` of a served sandbox."""

from __future__ import annotations

from typing import Any

import httpx

from .calls import Caller


class V1:
    """Requests that name the sandbox's workspace where the server asks for it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.workspace = caller.sandbox.workspace_id

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self._send("GET", path, params={"workspaceId": self.workspace, **params})

    def delete(self, path: str, body: dict | None = None) -> httpx.Response:
        if body is None:
            return self._send("DELETE", path, params={"workspaceId": self.workspace})
        return self._send("DELETE", path, json={"workspaceId": self.workspace, **body})

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self._send("POST", path, json={"workspaceId": self.workspace, **body})

    def put(self, path: str, **body: Any) -> httpx.Response:
        return self._send("PUT", path, json={"workspaceId": self.workspace, **body})

    def patch(self, path: str, **body: Any) -> httpx.Response:
        return self._send("PATCH", path, json={"workspaceId": self.workspace, **body})

    def upload(self, path: str, name: str, content: bytes, kind: str = "text/plain") -> httpx.Response:
        return self._send("POST", path, data={"workspaceId": self.workspace}, files={"file": (name, content, kind)})

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.caller.http.request(method, f"/api/v1{path}", **options)


def data(answer: httpx.Response) -> dict:
    """What a request that was served brought."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["success"] is True
    return body["data"]


def error(answer: httpx.Response) -> tuple[int, str]:
    """Why a request was not served."""
    return answer.status_code, answer.json()["error"]
