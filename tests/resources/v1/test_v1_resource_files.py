"""``client.v1.files``: uploads that stream, and downloads with their names."""

from __future__ import annotations

import io
import json
from pathlib import Path

import httpx
import pytest
from werkzeug.datastructures import FileStorage

import simstudio as sim
from simstudio import AsyncSimStudioClient, File, SimStudioClient
from simstudio.transport.upload import Upload
from tests.driving import KEY, answer

STORED = {"id": "f1", "name": "a.txt", "size": 2, "type": "text/plain"}
LIMIT = 10 * 1024 * 1024


def stored():
    return answer(200, {"success": True, "data": {"file": STORED, "message": "File uploaded successfully"}})


def form_of(client):
    """The body's parts: their heads and contents."""
    (request,) = client.script.requests
    assert type(request.content) is Upload
    body = b"".join(request.content)
    assert len(body) == len(request.content)
    boundary = request.headers["content-type"].removeprefix("multipart/form-data; boundary=").encode()
    parts = body.split(b"--" + boundary)
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")
    return [tuple(part[2:-2].split(b"\r\n\r\n", 1)) for part in parts[1:-1]]


WAYS = {
    "a path": lambda path: path,
    "an open file": lambda path: path.open("rb"),
    "bytes with a name": lambda path: ("a.txt", path.read_bytes()),
    "bytes with a name and a type": lambda path: ("a.txt", path.read_bytes(), "text/plain"),
    "a File": lambda path: File(path.read_bytes(), name="a.txt"),
    "a File of a path": File,
    "a file of a web framework": lambda path: FileStorage(
        io.BytesIO(path.read_bytes()), filename="a.txt", name="attachment", content_type="text/plain; charset=utf-8"
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_file_is_given_as_what_is_at_hand(both, tmp_path, way):
    path = tmp_path / "a.txt"
    path.write_bytes(b"hi")
    client = both.client(stored())
    file = WAYS[way](path)

    given = await both(client.v1.files.upload("ws", file))

    assert given.to_dict() == STORED
    assert form_of(client) == [
        (b'Content-Disposition: form-data; name="workspaceId"', b"ws"),
        (b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain', b"hi"),
    ]
    assert client.script.requests[0].resend == "never"
    if isinstance(file, io.BufferedReader):
        file.close()


async def test_bytes_alone_are_called_file_bin(both):
    client = both.client(stored())

    await both(client.v1.files.upload("ws", b"hi"))

    assert b'filename="file.bin"\r\nContent-Type: application/octet-stream' in form_of(client)[1][0]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("notes é.txt", 'filename="notes é.txt"'),
        ('say "hi".txt', 'filename="say %22hi%22.txt"'),
        ("../../etc/passwd", 'filename="passwd"'),
        ("a\r\nX-Evil: 1.txt", 'filename="a%0D%0AX-Evil: 1.txt"'),
    ],
)
async def test_names_cannot_leave_their_place(both, name, sent):
    client = both.client(stored())

    await both(client.v1.files.upload("ws", (name, b"hi")))

    assert sent in form_of(client)[1][0].decode()


class Watched(io.BytesIO):
    """A file that tells the largest piece it was asked for."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self.largest = max(self.largest, len(piece))
        return piece


def handler(bodies: list[httpx.Request]):
    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(request)
        return httpx.Response(200, json={"data": {"file": STORED}})

    return handle


async def test_an_upload_is_read_piece_by_piece_and_its_length_is_said(both):
    file = Watched(b"x" * 3_000_000)
    file.seek(5)
    seen: list[httpx.Request] = []

    if both.asynchronous:

        async def handle(request: httpx.Request) -> httpx.Response:
            await request.aread()
            return handler(seen)(request)

        async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
            client = AsyncSimStudioClient(KEY, "https://sim.test", http_client=http)
            await client.v1.files.upload("ws", file)
    else:

        def read(request: httpx.Request) -> httpx.Response:
            request.read()
            return handler(seen)(request)

        with httpx.Client(transport=httpx.MockTransport(read)) as http:
            SimStudioClient(KEY, "https://sim.test", http_client=http).v1.files.upload("ws", file)

    (request,) = seen
    assert int(request.headers["content-length"]) == len(request.content) > 3_000_000
    assert 0 < file.largest <= 1_000_000
    assert file.tell() == 5


async def test_what_fills_the_body_to_the_limit_passes_and_one_byte_more_does_not(both):
    client = both.client(stored(), stored())
    await both(client.v1.files.upload("ws", ("a", b"")))
    room = LIMIT - len(client.script.requests[0].content)

    await both(client.v1.files.upload("ws", ("a", b"x" * room)))
    assert len(client.script.requests[1].content) == LIMIT

    with pytest.raises(sim.InvalidInputError, match="10,485,761 bytes") as raised:
        await both(client.v1.files.upload("ws", ("a", b"x" * (room + 1))))
    assert raised.value.code == "PAYLOAD_TOO_LARGE"
    assert len(client.script.requests) == 2


async def test_a_large_file_is_refused_by_its_size_unread(both, tmp_path):
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match="52,42"):
        await both(client.v1.files.upload("ws", path))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.txt", r"pathlib\.Path"),
        (None, "file must be a path.* not NoneType"),
        (5, "file must be a path.* not int"),
        (Path("no/such/file"), "cannot be read"),
        (io.StringIO("hi"), "binary mode"),
        (("a.txt",), "tuple"),
        (("a.txt", b"hi", "no type"), "media type"),
    ],
)
async def test_what_is_no_file_is_refused_before_sending(both, file, text):
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match=text):
        await both(client.v1.files.upload("ws", file))

    assert client.script.requests == []


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-File-Name": "notes%20%C3%A9.txt", "Content-Disposition": 'attachment; filename="x"'}, "notes é.txt"),
        ({"Content-Disposition": "attachment; filename=\"n_.txt\"; filename*=UTF-8''n%C3%A9.txt"}, "né.txt"),
        ({"Content-Disposition": 'attachment; filename="plain.txt"'}, "plain.txt"),
        ({"X-File-Name": "..%2F..%2Fetc%2Fpasswd"}, "passwd"),
        ({}, None),
    ],
)
async def test_a_download_is_called_what_the_headers_say(both, headers, name):
    client = both.client(answer(200, headers={"Content-Type": "text/plain", **headers}, content=b"hi"))

    file = await both(client.v1.files.download("f/1", workspace_id="ws"))

    assert (file.content, file.name, file.content_type) == (b"hi", name, "text/plain")
    (request,) = client.script.requests
    assert request.url.endswith("/api/v1/files/f%2F1?workspaceId=ws")
    assert request.headers["accept"] == "*/*"


async def test_a_download_that_looks_like_json_stays_bytes(both, tmp_path):
    content = json.dumps({"error": "no"}).encode()
    client = both.client(answer(200, content=content, headers={"X-File-Name": "a.json"}))

    file = await both(client.v1.files.download("f1", workspace_id="ws"))

    assert file.save(tmp_path).read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


async def test_a_list_of_files_is_one_page(both):
    client = both.client(answer(200, {"success": True, "data": {"files": [STORED], "totalCount": 1}}))

    page = await both(client.v1.files.list("ws").page())

    assert (page.items[0].id, page.next_cursor, page.extra) == ("f1", None, {"totalCount": 1})


async def test_a_deleted_file_leaves_a_sentence(both):
    client = both.client(answer(200, {"success": True, "data": {"message": "File archived successfully"}}))

    assert (await both(client.v1.files.delete("f1", workspace_id="ws"))).message == "File archived successfully"
