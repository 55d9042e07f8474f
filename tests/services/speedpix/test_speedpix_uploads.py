"""Uploads: where they go, what they carry, what a hostile server cannot make of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import simstudio
from simstudio import InvalidInputError
from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import (
    FileOutput,
    SpeedPixException,
    SpeedPixPermissionDeniedError,
    SpeedPixResponseError,
    UnsafeURLError,
)
from simstudio.services.speedpix.attachments import attach
from tests.modes import both_modes
from tests.services.speedpix.helpers import HOST, Answering, Handler, fetch, keys, on, play, run
from tests.uploads import UPLOADS

SIGN = "/scc/sp_create_temp_file_upload_sign"


def place(**data: Any) -> Handler:
    """A service that names a place to upload to; the storage takes everything."""

    def handler(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(200, json={"status": 10, "data": data}) if request.url.path == SIGN else httpx.Response(200)
        )

    return handler


def uploading(client: Any) -> Any:
    return client.files.create(Path("in.png"))


@pytest.mark.parametrize("framework", UPLOADS)
def test_a_file_that_a_web_framework_received_keeps_its_name_and_type(framework: str):
    attachment = attach(UPLOADS[framework]())

    assert attachment is not None
    assert (attachment.name, attachment.data_url()) == ("report.pdf", "data:application/pdf;base64,aGk=")


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.WEBP", "image/webp"),
        ("a.html", "text/html"),
        ("a.tar.gz", "application/x-tar"),
        ("a.unknown-suffix", "application/octet-stream"),
        ("png", "application/octet-stream"),
    ],
)
def test_a_file_has_the_type_that_its_name_says(name: str, content_type: str):
    attachment = attach(Path(name))

    assert attachment is not None
    assert attachment.content_type == content_type


@pytest.mark.parametrize(
    ("given", "content_type"),
    [({}, "image/x-own"), ({"content_type": "image/x-other"}, "image/x-other"), ({"name": "b.gif"}, "image/x-own")],
)
def test_what_a_caller_says_of_a_file_comes_first(given: dict[str, str], content_type: str):
    attachment = attach(simstudio.File(b"x", name="a.png", mime="image/x-own"), **given)

    assert attachment is not None
    assert (attachment.name, attachment.content_type) == (given.get("name", "a.png"), content_type)


# --- uploads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
@both_modes
def test_bytes_are_a_file_when_they_have_a_name(mode: str, content: Any, server: SpeedPixServer):
    made = run(mode, lambda client: client.files.create(content, filename="x.png"), **keys(server))

    assert (made.name, made.content_type, made.size) == ("x.png", "image/png", 3)
    assert list(server.sandbox.uploads.values()) == [b"abc"]
    with pytest.raises(InvalidInputError, match="no name"):
        run(mode, lambda client: client.files.create(content), **keys(server))


@both_modes
def test_an_upload_carries_its_type_and_nothing_of_the_client(mode: str, here: Path):
    answering = Answering(
        place(uploadUrl="https://oss.test/b/k?Expires=1&Signature=a%2Bb/c+d", accessUrl="https://oss.test/k")
    )

    play(mode, answering, uploading, headers={"Authorization": "Bearer x", "Cookie": "a=b", "X-Mine": "1"})

    _, put = answering.requests
    assert put.url.raw_path == b"/b/k?Expires=1&Signature=a%2Bb/c+d"
    assert put.content == Path("in.png").read_bytes()
    names = {
        name for name in put.headers if name not in ("host", "connection", "accept", "accept-encoding", "user-agent")
    }
    assert names == {"content-type", "content-length"}


@pytest.mark.parametrize("which", ["uploadUrl", "accessUrl"])
@pytest.mark.parametrize(
    "url",
    [
        "http://oss.test/k?Signature=geheim", "ftp://oss.test/k", "//oss.test/k", "/k", "https://", "https://a:b@oss.test/k",
        "https://oss.test/k\r\nX: y", "https://[::1/k", "https://oss.test:99999/k", "http://10.0.0.1/k", "https://127.0.0.1/k",
        "https://169.254.169.254/k", {"a": 1}, 7,
    ],
)  # fmt: skip
def test_an_unsafe_place_is_refused_before_anything_is_sent_there(mode: str, which: str, url: Any, here: Path):
    data = {"uploadUrl": "https://oss.test/k", "accessUrl": "https://oss.test/k", which: url}
    answering = Answering(place(**data))

    with pytest.raises(UnsafeURLError) as caught:
        play(mode, answering, uploading)

    assert "geheim" not in str(caught.value)
    assert [request.url.path for request in answering.requests] == [SIGN]


def test_an_unencrypted_place_is_used_when_asked_to(mode: str, here: Path):
    answering = Answering(place(uploadUrl="http://oss.test/k", accessUrl="http://oss.test/k"))

    file = play(mode, answering, uploading, allow_insecure_urls=True)

    assert file.url == "http://oss.test/k"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_needs_no_encryption(mode: str, host: str, here: Path):
    answering = Answering(place(uploadUrl=f"http://{host}/k"))

    def script(client: Any) -> Any:
        client.set_base_url("http://127.0.0.1:1")
        return uploading(client)

    assert play(mode, answering, script).access_url == ""


@pytest.mark.parametrize("data", [None, [], "x", {}, {"uploadUrl": ""}, {"uploadUrl": None}])
def test_an_answer_without_a_place_is_an_error(mode: str, data: Any, here: Path):
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": 10, "data": data})

    with pytest.raises(SpeedPixResponseError):
        play(mode, Answering(handler), uploading)


def test_a_file_without_an_address_runs_nothing(mode: str, here: Path):
    answering = Answering(place(uploadUrl="https://oss.test/k"))

    with pytest.raises(SpeedPixResponseError, match="gave no access_url"):
        play(mode, answering, lambda client: client.run("wf", {"image": "./in.png"}))

    assert [request.method for request in answering.requests] == ["POST", "PUT"]


@both_modes
def test_a_redirected_upload_is_an_error(mode: str, here: Path):
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == SIGN:
            return place(uploadUrl=f"{HOST}/k")(request)
        return httpx.Response(308, headers={"location": f"{HOST}/elsewhere"})

    answering = Answering(handler)
    with pytest.raises(SpeedPixException) as caught:
        play(mode, answering, uploading)

    assert caught.value.status_code == 308
    assert len(answering.requests) == 2


def test_the_storage_s_refusal_says_why(mode: str, here: Path, server: SpeedPixServer):
    def with_another_type(request: Any, call_next: Any) -> Any:
        if request.method == "PUT":
            request.headers["Content-Type"] = "text/plain"
        return (yield from call_next(request))

    with pytest.raises(SpeedPixPermissionDeniedError, match="does not match") as caught:
        on(server, mode, uploading, middleware=[with_another_type])

    assert (caught.value.error_code, caught.value.request_id) == ("SignatureDoesNotMatch", "sandbox")
    assert caught.value.response is not None
    assert "abc%2B" not in repr(vars(caught.value)) + caught.value.response.url


def test_queries_of_addresses_are_in_no_log(mode: str, here: Path, server: SpeedPixServer, caplog: Any):
    def script(client: Any) -> Iterator[Any]:
        file = yield client.files.create(Path("in.png"))
        yield fetch(client, FileOutput(file.url), "read")

    with caplog.at_level(logging.DEBUG, "simstudio"):
        on(server, mode, script)

    assert "/bucket/tmp/1/in.png" in caplog.text
    for secret in ("Signature", "abc%2B", "def%2F", server.sandbox.app_secret):
        assert secret not in caplog.text
        assert not [record for record in caplog.records if secret in repr(vars(record))]


def test_a_tilde_in_a_path_is_expanded(mode: str, here: Path, server: SpeedPixServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(here))

    assert on(server, mode, lambda client: client.files.create("~/in.png")).name == "in.png"
