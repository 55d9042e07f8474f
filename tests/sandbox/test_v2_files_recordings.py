"""The sandbox answers the recorded requests for files as the recorded server of August 2026 did.

The requests are sent in the order in which they were recorded. Ids and tokens of the recorded server become those that
the sandbox gave in the same place. What happened between two recordings of the selection is done by `BEFORE`.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simstudio.sandbox import Sandbox
from tests.recorded import SELECTION, Recording, recordings

from .calls import Caller
from .differences import reason_for_v08

COVERED = re.compile(r"/api/v2/(?:files|uploads)(?:/.*)?")
SENT = {"content-type", "upload-token"}
NEWER = {"webUrl", "revision", "currentVersion", "path"}
"""Fields that newer servers have, and the sandbox with them; `path` is that of a text."""
GREETING, PIXEL, EMPTY = "wf_pzubfsBRZrJkgWys0ViyK", "wf_TpKJiQjGpO5QAogPdIvqC", "wf_X5QUUgxSCcyMoP5FLZDqF"


def covered() -> list[Recording]:
    return [each for each in recordings(SELECTION) if COVERED.fullmatch(each.path)]


class Stage:
    """A sandbox, and the names that recorded ids and tokens have in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.call = Caller(Sandbox(generation="v0.8", clock=lambda: self.now).serve().start())
        self.workspace = self.call.sandbox.workspace_id
        self.names: dict[str, str] = {}

    def ours(self, text: str) -> str:
        for theirs, ours in self.names.items():
            text = text.replace(theirs, ours)
        return text

    def do(self, path: str, /, **body: Any) -> Any:
        answer = self.call.http.post(f"/api/v2/{path}", json={"workspaceId": self.workspace, **body})
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    def file(self, recorded_id: str, name: str, content: bytes = b"") -> None:
        file = self.do("files", name=name, content=base64.b64encode(content).decode(), encoding="base64")
        self.names[recorded_id] = file["id"]

    def session(self, recorded: Recording, content: bytes | None) -> None:
        """The session of a recording, with its bytes if there are any."""
        made = self.do("files/uploads", name="Grüße.txt", contentType="text/plain", size=3)
        recorded_id = re.search(r"uploads/([^/]+)", recorded.path)
        assert recorded_id is not None
        self.names[recorded_id[1]] = made["session"]["id"]
        self.names[recorded.request_headers["upload-token"]] = made["uploadToken"]
        if content is not None:
            self.put(made["transfer"], content)

    def put(self, target: dict[str, Any], content: bytes) -> None:
        assert httpx.put(target["url"], headers=target["headers"], content=content).status_code == 204

    def play(self, recorded: Recording) -> httpx.Response:
        for number, before in BEFORE.items():
            if str(recorded).startswith(f"resources-{number}"):
                before(self, recorded)
        query = {name: self.ours(values[0]) for name, values in recorded.query.items()}
        query |= {"workspaceId": self.workspace} if "workspaceId" in query else {}
        body = recorded.request_body
        if body is not None and not recorded.path.startswith("/api/v2/uploads"):
            body = self.ours(
                re.sub(rb'("workspaceId":")[^"]*', rb"\g<1>" + self.workspace.encode(), body).decode()
            ).encode()
        headers = {name: self.ours(value) for name, value in recorded.request_headers.items() if name.lower() in SENT}
        answer = self.call.http.request(
            recorded.method, self.ours(recorded.path), params=query, headers=headers, content=body
        )
        if answer.status_code < 300 and recorded.body.startswith(b"{"):
            self._learn(json.loads(recorded.body), answer.json())
        return answer

    def _learn(self, theirs: Any, ours: Any) -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                if name in ("id", "uploadToken") and isinstance(ours[name], str):
                    self.names[theirs[name]] = ours[name]
                else:
                    self._learn(theirs[name], ours[name])


_OVERVIEW = "/Reports/%C3%9Cbersicht%202026"


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("readme.txt", "sub/t.txt", "__MACOSX/._readme.txt", "sub/.DS_Store"):
            archive.writestr(name, b"ab")
    return content.getvalue()


def _first_part(stage: Stage, recorded: Recording) -> None:
    path = stage.ours(recorded.path).replace("/complete", "/parts")
    headers = {"upload-token": stage.ours(recorded.request_headers["upload-token"])}
    params = {"workspaceId": stage.workspace}
    answer = stage.call.http.post(path, params=params, headers=headers, json={"partNumbers": [1]})
    stage.put(answer.json()["data"]["parts"][0], bytes(8 << 20))


def _archive(stage: Stage, recorded: Recording) -> None:
    headers = {"upload-token": stage.ours(recorded.request_headers["upload-token"])}
    stage.call.http.delete(stage.ours(recorded.path), params={"workspaceId": stage.workspace}, headers=headers)


def _expire(stage: Stage, recorded: Recording) -> None:
    stage.session(recorded, b"abc")
    stage.now += 24 * 3600


BEFORE: dict[str, Callable[[Stage, Recording], object]] = {
    "0047": lambda stage, _: [stage.do("files/folders", path=path) for path in ("/Archive", _OVERVIEW)],
    "0058": lambda stage, _: stage.do("files/folders", path="/Reports/Archive"),
    "0063": lambda stage, _: [
        stage.file(GREETING, "Grüße 世界 🎈.md"),
        stage.file(PIXEL, "pixel.png"),
        stage.file(EMPTY, "empty.txt"),
        stage.file("wf_more", "more.txt"),
    ],
    "0104": lambda stage, _: stage.call.http.put(
        stage.ours(f"/api/v2/files/{GREETING}/content"),
        json={"workspaceId": stage.workspace, "content": "# Grüße\n\n世界 🎈\n"},
    ),
    "0125": lambda stage, _: stage.call.http.post(
        "/api/v2/files/move", json={"workspaceId": stage.workspace, "fileIds": [stage.ours(GREETING)]}
    ),
    "0157": lambda stage, _: stage.call.http.patch(
        stage.ours("/api/v2/files/wf_zwaCvj3-APyn0B6fD2Q1y/share"),
        json={"workspaceId": stage.workspace, "isActive": False, "authType": "email", "allowedEmails": ["@sim.test"]},
    ),
    "0159": lambda stage, _: stage.file("wf_ks8Ta7YaaPw7jlQwfaRyD", "bundle.zip", _zip()),
    "0163": lambda stage, _: stage.file("wf_PtPbaJFdeJ7X3GiZJm3jg", "broken.zip", b"no archive"),
    "0232": lambda stage, recorded: stage.session(recorded, b"abc"),
    "0239": lambda stage, recorded: [stage.session(recorded, None), _archive(stage, recorded)],
    "0280": _first_part,
    "1234": _expire,
}
"""What happened before a recording, and is in none of the selection."""


@pytest.fixture(scope="module")
def played() -> Any:
    stage = Stage()
    yield {str(each): (stage.play(each), dict(stage.names)) for each in covered()}
    stage.call.http.close()
    stage.call.server.close()


@pytest.mark.parametrize("recording", covered(), ids=str)
def test_a_request_is_answered_as_recorded(recording: Recording, played: Any) -> None:
    answer, names = played[str(recording)]
    theirs = _facts(recording.status, dict(recording.headers), recording.body, names)
    ours = _facts(answer.status_code, dict(answer.headers), answer.content, names)
    if reason_for_v08(str(recording)) is not None:
        assert ours != theirs, "listed as different, but is the same"
    else:
        assert ours == theirs


def _facts(status: int, headers: dict[str, str], body: bytes, names: dict[str, str]) -> object:
    """What must be the same: error, or the shape of the data; of downloads their head."""
    kind = {name.lower(): value for name, value in headers.items()}
    if not body.startswith(b"{"):
        return status, kind.get("content-type"), kind.get("content-disposition")
    parsed = json.loads(body)
    if status < 300:
        return status, _shape(parsed)
    error = parsed["error"]
    for theirs, ours in names.items():
        error["message"] = error["message"].replace(theirs, ours)
    details = error.get("details")
    issues = (
        [(each["code"], each["path"], each["message"]) for each in details] if isinstance(details, list) else details
    )
    return status, error["code"], error["message"], issues


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        known = value.keys() - (NEWER if "text" in value else NEWER - {"path"})
        return {name: _shape(value[name]) for name in sorted(known)}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return value if isinstance(value, bool) else type(value).__name__
