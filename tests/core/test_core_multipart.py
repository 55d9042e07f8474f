"""Forms: what is written, how long it is, and that it can be written again."""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from simstudio import File
from simstudio.core.multipart import Part, encode_multipart, file_part
from simstudio.errors import InvalidInputError
from simstudio.sandbox.forms import parse_form
from simstudio.transport.upload import PIECE
from tests.uploads import UPLOADS


def written(*parts: Part, boundary: str = "b") -> bytes:
    body, content_type = encode_multipart(parts, boundary=boundary)
    whole = b"".join(body)
    assert len(whole) == body.size
    assert content_type == f"multipart/form-data; boundary={boundary}"
    return whole


def test_a_form_is_written_as_the_rfc_says(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello")

    assert (
        written(Part("title", "é"), Part("files", path))
        == (
            '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\né\r\n'
            '--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
            "hello\r\n--b--\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("file", "theirs"),
    [
        (("a.txt", b"x"), ("a.txt", b"x")),
        (("a b.csv", b"x", "text/plain"), ("a b.csv", b"x", "text/plain")),
        (('q"uote\n.txt', b"x"), ('q"uote\n.txt', b"x")),
        (("ünïcode.png", b"\x00\xff\r\n--b"), ("ünïcode.png", b"\x00\xff\r\n--b")),
        (io.BytesIO(b"nameless"), io.BytesIO(b"nameless")),
        (("text.txt", "text"), ("text.txt", b"text")),
    ],
)
def test_a_form_is_what_httpx_would_write(file: Any, theirs: Any):
    request = httpx.Request(
        "POST",
        "http://x.test",
        data={"field": "value"},
        files=[("files", theirs)],
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert written(Part("field", "value"), file_part("files", file)) == request.read()


def test_boundaries_differ():
    _, first = encode_multipart([Part("a", "1")])
    _, second = encode_multipart([Part("a", "1")])

    assert first != second


@pytest.mark.parametrize("boundary", ["", "with space", 'with"quote', "x" * 71, "line\r\n"])
def test_a_boundary_that_cannot_be_one_is_refused(boundary: str):
    with pytest.raises(InvalidInputError, match="boundary"):
        encode_multipart([Part("a", "1")], boundary=boundary)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ('a"; name="other', "a%22; name=%22other"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil: 1"),
        ("a\x00b\x7f", "a%00b%7F"),
        ("..", "upload"),
        ("dir/", "upload"),
        ("报告.pdf", "报告.pdf"),
    ],
)
def test_a_files_name_cannot_break_out(name: str, shown: str):
    body = written(file_part("files", (name, b"x")))

    assert f'filename="{shown}"\r\n'.encode() in body
    ((file,),) = [parse_form("multipart/form-data; boundary=b", body)[1]]
    assert (file.field, file.content) == ("files", b"x")


def test_a_fields_name_cannot_break_out_either():
    assert b'name="a%22%0D%0Ab"\r\n' in written(Part('a"\r\nb', "1"))


@pytest.mark.parametrize(
    ("file", "name", "mime"),
    [
        (b"x", "upload", "application/octet-stream"),
        (bytearray(b"x"), "upload", "application/octet-stream"),
        (memoryview(b"x"), "upload", "application/octet-stream"),
        ((None, b"x"), "upload", "application/octet-stream"),
        (("a.json", b"x"), "a.json", "application/json"),
        (("a.unknown-suffix", b"x"), "a.unknown-suffix", "application/octet-stream"),
        (("a.json", b"x", "text/x-own; charset=utf-8"), "a.json", "text/x-own; charset=utf-8"),
        (File(b"x", name="a.png"), "a.png", "image/png"),
        (File(b"x", name="a.png", mime="image/x-own"), "a.png", "image/x-own"),
        (io.BufferedReader(io.BytesIO(b"x")), "upload", "application/octet-stream"),
    ],
)
def test_a_file_has_a_name_and_a_media_type(file: Any, name: str, mime: str):
    _, (found,) = parse_form("multipart/form-data; boundary=b", written(file_part("files", file)))

    assert (found.name, found.mime, found.content) == (name, mime, b"x")


@pytest.mark.parametrize("framework", UPLOADS)
def test_what_a_web_framework_received_is_a_file(framework: str):
    for file in (UPLOADS[framework](), (None, UPLOADS[framework]())):
        _, (found,) = parse_form("multipart/form-data; boundary=b", written(file_part("files", file)))

        assert (found.name, found.mime, found.content) == ("report.pdf", "application/pdf", b"hi")


@pytest.mark.parametrize(
    "file",
    [
        "a.txt",
        (None, "a.txt"),
        None,
        5,
        ("a",),
        ("a", b"x", "text/plain", {}),
        (5, b"x"),
        ("a", b"x", 5),
        ("a", b"x", "no media type"),
        ("a", b"x", "text/plain\r\nX-Evil: 1"),
        ("\ud800", b"x"),
        io.StringIO("text"),
    ],
)
def test_what_is_no_file_is_refused(file: Any):
    with pytest.raises(InvalidInputError):
        encode_multipart([file_part("files", file)])


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    closed = io.BytesIO(b"x")
    closed.close()
    text = (tmp_path / "a.txt").open("w")
    with text:
        for file in (tmp_path / "missing", tmp_path, closed, text):
            with pytest.raises(InvalidInputError):
                encode_multipart([file_part("files", file)])


@pytest.mark.parametrize("name", ["", None, 5])
def test_a_part_needs_a_name(name: Any):
    with pytest.raises(InvalidInputError, match="name"):
        encode_multipart([Part(name, "1")])


def test_a_part_that_cannot_be_written_is_refused():
    for content in (5, None, "\ud800"):
        with pytest.raises(InvalidInputError):
            encode_multipart([Part("a", content)])  # type: ignore[arg-type]


def test_a_file_is_read_from_its_start_each_time_and_left_where_it_was(tmp_path: Path):
    path = tmp_path / "big.bin"
    path.write_bytes(b"0123456789" * PIECE)
    with path.open("rb") as file:
        file.seek(7)
        body, _ = encode_multipart([file_part("files", file)], boundary="b")

        async def awaited() -> bytes:
            return b"".join([piece async for piece in body])

        assert b"".join(body) == b"".join(body) == asyncio.run(awaited())
        assert file.tell() == 7
        assert max(len(piece) for piece in body) <= PIECE
    assert body.size == len(written(Part("files", path)))


def test_a_file_that_cannot_be_rewound_is_read_at_once():
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.rest = b"piped"

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            given, self.rest = self.rest, b""
            return given

    body, _ = encode_multipart([file_part("files", Pipe())], boundary="b")

    assert b"".join(body) == b"".join(body)
    assert b"piped" in b"".join(body)


def test_a_spooled_file_is_a_file():
    with tempfile.SpooledTemporaryFile() as file:
        file.write(b"spooled")
        assert b"spooled" in written(file_part("files", file))


def test_no_parts_are_an_empty_form():
    assert written() == b"--b--\r\n"
