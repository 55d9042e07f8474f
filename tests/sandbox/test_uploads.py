"""Upload sessions: what is refused, and when they are over. Statuses and messages are those of the recordings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simstudio.sandbox.data.uploads import Upload, Uploads
from simstudio.sandbox.http import Refusal

DAY = 24 * 3600
now = 0.0


@pytest.fixture(autouse=True)
def clock() -> None:
    globals()["now"] = 0.0


def opened(size: int = 5, **facts: object) -> tuple[Uploads, Upload]:
    uploads = Uploads(lambda: now, part_size=8)
    return uploads, uploads.open("file", "ws", "a.txt", "text/plain", size, **facts)


def refusal(action: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        action()
    return caught.value.status, caught.value.message


@pytest.mark.parametrize(("size", "in_parts", "count"), [(0, False, 1), (8, False, 1), (9, True, 2), (16, True, 2)])
def test_the_size_decides_whether_the_bytes_go_in_parts(size: int, in_parts: bool, count: int) -> None:
    _, upload = opened(size)
    assert (upload.in_parts, upload.part_count) == (in_parts, count)


@pytest.mark.parametrize("size", [0, 5])
def test_bytes_in_one_request(size: int) -> None:
    _, upload = opened(size)
    assert refusal(lambda: upload.complete(bytes)) == (409, "Uploaded object not found")
    assert upload.error == "Uploaded object not found"
    assert refusal(lambda: upload.receive(b"12345", "text/html")) == (400, "Content-Type must be text/plain")
    assert refusal(lambda: upload.receive(b"123456", "text/plain"))[1] == f"Upload must contain exactly {size} bytes"
    upload.receive(b"12345"[:size], "text/plain")
    assert refusal(lambda: upload.receive(b"12345"[:size], "text/plain")) == (500, "Internal server error")
    assert refusal(lambda: upload.check_parts([1])) == (409, "PUT upload sessions do not have multipart parts")
    assert upload.complete(bytes) == b"12345"[:size]
    assert (upload.status, upload.error) == ("completed", None)


def test_bytes_in_parts() -> None:
    _, upload = opened(10)
    assert refusal(lambda: upload.receive_part(1, b"short")) == (400, "Part 1 must contain exactly 8 bytes")
    assert refusal(lambda: upload.check_parts([3])) == (400, "partNumber must be between 1 and 2")
    assert refusal(lambda: upload.check_parts([1, 1])) == (400, "partNumbers must not contain duplicates")
    upload.receive_part(2, b"xx")
    upload.receive_part(2, b"90")
    assert refusal(lambda: upload.complete(bytes)) == (409, "Expected 2 uploaded parts; provider returned 1")
    assert upload.status == "uploading"
    upload.receive_part(1, b"12345678")
    assert upload.complete(bytes) == b"1234567890"


def test_a_completed_session_keeps_its_outcome_and_cannot_be_aborted() -> None:
    _, upload = opened()
    upload.receive(b"12345", "text/plain")
    made = upload.complete(lambda content: [content])
    assert upload.complete(lambda content: [content]) is made
    assert refusal(upload.abort) == (409, "Completed upload sessions cannot be aborted")


def test_a_completion_that_fails_can_be_repeated() -> None:
    _, upload = opened()
    upload.receive(b"12345", "text/plain")
    with pytest.raises(ZeroDivisionError):
        upload.complete(lambda content: 1 / 0)
    assert upload.complete(bytes) == b"12345"


def _expire(upload: Upload) -> None:
    globals()["now"] = DAY


OVER = pytest.mark.parametrize(
    ("end", "message"), [(Upload.abort, "Upload session is aborted"), (_expire, "Upload session has expired")]
)


@OVER
@pytest.mark.parametrize("size", [5, 10])
def test_a_session_that_is_over_takes_nothing(end: Callable[[Upload], Any], message: str, size: int) -> None:
    _, upload = opened(size)
    end(upload)
    send = (lambda: upload.receive_part(1, b"")) if upload.in_parts else (lambda: upload.receive(b"", ""))
    assert refusal(send) == refusal(lambda: upload.complete(bytes)) == (409, message)
    upload.abort()
    assert upload.status == "aborted"


def test_a_session_is_found_by_all_that_it_belongs_to() -> None:
    uploads, upload = opened(knowledge="kb")
    assert uploads.get("file", upload.id, upload.token, "ws") is upload
    assert upload.facts == {"knowledge": "kb"}
    for other in (("document", upload.id, upload.token, "ws"), ("file", upload.id, upload.token, "other")):
        assert refusal(lambda other=other: uploads.get(*other)) == (404, "Upload session not found")
    assert refusal(lambda: uploads.get("file", upload.id, "x", "ws"))[0] == 404
    assert uploads.for_bytes(upload.id, upload.token, in_parts=False) is upload
    for token, in_parts, message in (
        ("x", False, "Invalid or expired upload token"),
        (upload.token, True, "Upload URL does not match this session"),
    ):
        assert refusal(
            lambda token=token, in_parts=in_parts: uploads.for_bytes(upload.id, token, in_parts=in_parts)
        ) == (403, message)


def test_no_repr_shows_the_token_or_the_bytes() -> None:
    _, upload = opened()
    upload.receive(b"12345", "text/plain")
    assert upload.token not in repr(upload)
    assert "12345" not in repr(upload)
