"""Files of the v1 API. The recordings are compared in `test_parity_v1_data`."""

from __future__ import annotations

import pytest

from .calls import Caller
from .v1_calls import V1, data, error

pytestmark = pytest.mark.generation("v0.6")


@pytest.fixture
def v1(call: Caller) -> V1:
    return V1(call)


def names(v1: V1) -> list[str]:
    return [file["name"] for file in data(v1.get("/files"))["files"]]


@pytest.mark.parametrize("content", [b"", b"text\r\n--not a boundary--\r\n", bytes(range(256)) * 20], ids=len)
def test_what_is_uploaded_is_downloaded(v1: V1, content: bytes) -> None:
    file = data(v1.upload("/files", "a.bin", content, "application/x-test"))["file"]
    assert (file["size"], file["type"]) == (len(content), "application/x-test")
    answer = v1.get(f"/files/{file['id']}")
    assert answer.content == content
    assert answer.headers["content-type"] == "application/x-test"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-uploaded-at"] == file["uploadedAt"]


def test_a_name_that_is_taken_gets_a_number(v1: V1) -> None:
    for name in ("notes.txt", "notes.txt", "notes.txt", "README", "README", ".env", ".env"):
        v1.upload("/files", name, b"x")
    assert names(v1) == [
        "notes.txt",
        "notes (1).txt",
        "notes (2).txt",
        "README",
        "README (1)",
        ".env",
        ".env (1)",
    ]


def test_an_archived_file_is_gone_and_its_name_free(v1: V1) -> None:
    path = f"/files/{data(v1.upload('/files', 'a.txt', b'x'))['file']['id']}"
    assert data(v1.delete(path))["message"] == "File archived successfully"
    assert error(v1.delete(path)) == (404, "File not found")
    assert error(v1.get(path)) == (404, "File not found")
    assert data(v1.upload("/files", "a.txt", b"x"))["file"]["name"] == "a.txt"


def test_a_name_is_safe_in_the_headers(v1: V1) -> None:
    file = data(v1.upload("/files", "über ‘x’ & more.txt", b"x"))["file"]
    headers = v1.get(f"/files/{file['id']}").headers
    assert headers["x-file-name"] == "%C3%BCber%20%E2%80%98x%E2%80%99%20%26%20more.txt"
    assert headers["content-disposition"].startswith('attachment; filename="_ber__x____more.txt"; filename*=UTF-8')


def test_a_name_with_quotes_arrives_as_it_was(v1: V1) -> None:
    assert data(v1.upload("/files", 'a "b".txt', b"x"))["file"]["name"] == 'a "b".txt'


def test_another_workspace_is_not_seen(v1: V1) -> None:
    file = data(v1.upload("/files", "a.txt", b"x"))["file"]
    v1.workspace = "another"
    for answer in (v1.get("/files"), v1.upload("/files", "b.txt", b"x"), v1.get(f"/files/{file['id']}")):
        assert error(answer) == (403, "Access denied")


def test_an_upload_says_which_field_is_missing(v1: V1) -> None:
    http = v1.caller.http
    without_workspace = http.post("/api/v1/files", files={"file": ("a.txt", b"x")})
    assert error(without_workspace) == (400, "workspaceId form field is required")
    under_another_name = http.post("/api/v1/files", data={"workspaceId": v1.workspace}, files={"other": ("a", b"x")})
    assert error(under_another_name) == (400, "file form field is required")


def test_an_upload_beyond_ten_mebibytes_is_cut_and_no_form_any_more(v1: V1) -> None:
    answer = v1.upload("/files", "big.bin", bytes(10 * 1024 * 1024))
    assert error(answer) == (400, "Request body must be valid multipart form data")
    assert names(v1) == []
