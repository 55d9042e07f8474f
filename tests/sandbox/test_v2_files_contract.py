"""Every operation on files, their folders, versions and upload sessions answers in the promised form."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simstudio.sandbox import Sandbox

from .calls import Caller
from .contract import operations, problems, served

RESOURCES = ("/files", "/uploads")


class Stage:
    """A sandbox with files, folders, an archive and an upload session; each operation gets what it needs."""

    def __init__(self, call: Caller) -> None:
        self.call = call
        self.where = {"workspaceId": call.sandbox.workspace_id}
        self.folder = self.send("POST", "/folders", path="/reports")["path"]
        self.file = self.new("notes.txt", b"one\ntwo\n", folderPath="/reports")

    def send(self, method: str, path: str, /, **body: Any) -> Any:
        answer = self.call.http.request(method, f"/api/v2/files{path}", json={**self.where, **body})
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    def new(self, name: str, content: bytes, **more: Any) -> str:
        text = base64.b64encode(content).decode()
        return self.send("POST", "", name=name, content=text, encoding="base64", **more)["id"]

    def archived(self) -> str:
        file = self.new("gone.txt", b"")
        self.send("POST", "/bulk-delete", fileIds=[file])
        return file

    def versions(self) -> str:
        self.send("PUT", f"/{self.file}/content", content="three\n")
        return f"/{self.file}/versions"

    def archived_folder(self) -> dict[str, str]:
        self.send("POST", "/folders", path="/reports/old")
        self.call.http.delete("/api/v2/files/folders", params={**self.where, "path": "/reports", "recursive": "true"})
        return {"path": "/reports"}

    def upload(self, size: int = 3, *, sent: bool = False) -> tuple[str, dict[str, str], dict[str, Any]]:
        made = self.send("POST", "/uploads", name="a.txt", contentType="text/plain", size=size)
        if sent:
            transfer = made["transfer"]
            self.call.http.put(transfer["url"], headers=transfer["headers"], content=b"abc")
        return made["session"]["id"], {"upload-token": made["uploadToken"]}, made["transfer"]


Asked = tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], dict[str, str]]
"""A path below ``/files``, the query or body, and headers."""


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.txt", b"a")
    return content.getvalue()


def _session(stage: Stage, step: str, **options: Any) -> Asked:
    upload_id, headers, _ = stage.upload(**options)
    return f"/uploads/{upload_id}{step}", {}, headers


REQUESTS: dict[str, Callable[[Stage], Asked]] = {
    "listFiles": lambda stage: ("", {"folderPath": "/reports", "recursive": "yes"}),
    "createFile": lambda stage: ("", {"name": "new.md", "content": "# New"}),
    "getFile": lambda stage: (f"/{stage.file}/metadata", {}),
    "renameFile": lambda stage: (f"/{stage.file}", {"name": "other.txt"}),
    "deleteFile": lambda stage: (f"/{stage.file}", {}),
    "restoreFile": lambda stage: (f"/{stage.archived()}/restore", {}),
    "moveFileItems": lambda stage: ("/move", {"fileIds": [stage.file]}),
    "bulkDeleteFiles": lambda stage: ("/bulk-delete", {"fileIds": [stage.file]}),
    "readFileText": lambda stage: (f"/{stage.file}/text", {"offset": 2, "limit": 1}),
    "searchFileContent": lambda stage: ("/search", {"query": "^T", "folderPaths": "/reports"}),
    "updateFileContent": lambda stage: (f"/{stage.file}/content", {"content": "three"}),
    "editFileContent": lambda stage: (
        f"/{stage.file}/content",
        {"edit": {"mode": "insert_after", "anchor": "one", "content": "one and a half"}},
    ),
    "unzipFile": lambda stage: (f"/{stage.new('a.zip', _zip())}/unzip", {}),
    "getFileShare": lambda stage: (f"/{_shared(stage)}/share", {}),
    "upsertFileShare": lambda stage: (f"/{stage.file}/share", {"isActive": True, "authType": "public"}),
    "listFilesFolders": lambda stage: ("/folders", {"search": "REP"}),
    "createFilesFolder": lambda stage: ("/folders", {"path": "/reports/new"}),
    "relocateFilesFolder": lambda stage: ("/folders", {"path": "/reports", "destinationPath": "/papers"}),
    "deleteFilesFolder": lambda stage: ("/folders", {"path": "/reports", "recursive": "true"}),
    "restoreFilesFolder": lambda stage: ("/folders/restore", stage.archived_folder()),
    "listFileVersions": lambda stage: (stage.versions(), {}),
    "getFileVersion": lambda stage: (f"{stage.versions()}/1", {}),
    "readFileVersionText": lambda stage: (f"{stage.versions()}/1/text", {}),
    "revertFileVersion": lambda stage: (f"{stage.versions()}/1/revert", {"expectedCurrentVersion": 2}),
    "deleteFileVersion": lambda stage: (f"{stage.versions()}/1", {}),
    "createFileUpload": lambda stage: ("/uploads", {"name": "a", "contentType": "text/plain", "size": 3}),
    "getFileUpload": lambda stage: _session(stage, ""),
    "abortFileUpload": lambda stage: _session(stage, ""),
    "completeFileUpload": lambda stage: _session(stage, "/complete", sent=True),
    "createFileUploadPartUrls": lambda stage: (
        *_session(stage, "/parts", size=20)[:1],
        {"partNumbers": [2, 1]},
        _last_token(stage),
    ),
}


def _last_token(stage: Stage) -> dict[str, str]:
    *_, upload = stage.call.sandbox._core.data.uploads
    return {"upload-token": upload.token}


def _shared(stage: Stage) -> str:
    stage.send("PATCH", f"/{stage.file}/share", isActive=True)
    return stage.file


BYTES: dict[str, Callable[[Stage], str]] = {
    "downloadFile": lambda stage: f"/{stage.file}",
    "downloadFileVersion": lambda stage: f"{stage.versions()}/1/content",
    "bulkDownloadFiles": lambda stage: f"/bulk-download?fileIds={stage.file}",
}
IN_QUERY = {"createFileUploadPartUrls", "completeFileUpload"}
"""Operations with a body whose workspace is in the query."""


@pytest.fixture
def stage(shared: Caller) -> Stage:
    shared.sandbox._core.data._files.clear()
    return Stage(shared)


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    caller = Caller(Sandbox(generation="v0.8", upload_part_size=16).serve().start())
    yield caller
    caller.http.close()
    caller.server.close()


@pytest.mark.parametrize("operation_id", sorted(REQUESTS))
def test_an_operation_answers_in_the_promised_form(operation_id: str, stage: Stage) -> None:
    path, given, *more = REQUESTS[operation_id](stage)
    operation = operations()[operation_id]
    path = f"/api/v2/files{path}"
    assert operation["path"].count("/") == path.count("/")
    is_read = operation["method"] in ("GET", "DELETE")
    query = (given if is_read else {}) | (stage.where if is_read or operation_id in IN_QUERY else {})
    body = None if is_read else given | ({} if operation_id in IN_QUERY else stage.where)
    answer = stage.call.http.request(operation["method"], path, params=query, json=body or None, headers=dict(*more))
    assert problems(operation, answer.status_code, answer.json()) == []
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("operation_id", sorted(BYTES))
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=1-2"}], ids=["whole", "range"])
def test_bytes_are_sent_whole_with_the_name_of_the_file(
    operation_id: str, headers: dict[str, str], stage: Stage
) -> None:
    path = f"/api/v2/files{BYTES[operation_id](stage)}"
    answer = stage.call.http.get(path, params={**dict(_pairs(path)), **stage.where}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert answer.headers["cache-control"] == "private, no-store"
    assert "x-ratelimit-limit" in answer.headers
    assert b"one\ntwo\n" in answer.content
    head = stage.call.http.head(path, params={**dict(_pairs(path)), **stage.where})
    assert (head.status_code, head.headers["content-length"]) == (200, "0")


def _pairs(path: str) -> list[list[str]]:
    return [pair.split("=") for pair in path.partition("?")[2].split("&") if pair]


def test_every_operation_on_files_is_served() -> None:
    promised = {
        name for name, each in operations().items() if each["path"].removeprefix("/api/v2").startswith(RESOURCES)
    }
    assert promised == {*REQUESTS, *BYTES, "uploadBytes", "uploadPartBytes"}
    assert promised <= set(served())


def test_a_stranger_sees_no_files() -> None:
    sandbox = Sandbox(generation="v0.8", outsider_key="sk-out")
    with sandbox.serve() as server:
        call = Caller(server)
        stage = Stage(call)
        call.http.headers["X-API-Key"] = "sk-out"
        statuses = {
            path: call.http.get(f"/api/v2/files{path}", params=stage.where).status_code
            for path in ("", "/folders", f"/{stage.file}", f"/{stage.file}/metadata")
        }
        call.http.close()
    assert list(statuses.values()) == [403, 403, 404, 404]
