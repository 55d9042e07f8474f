"""Uploads of files: where the bytes go, and what happens when a step of it fails."""

from __future__ import annotations

import io
import logging
import pickle
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from upload_server import SIGNATURE, STORAGE, TOKEN, UploadServer, error

from simstudio import (
    APIConnectionError,
    ConflictError,
    File,
    InvalidInputError,
    InvalidRequestError,
    InvalidResponseError,
    SimStudioError,
)
from simstudio.models.v2.file_uploads import FileUpload
from simstudio.resources.v2.file_transfers import FINISHING
from simstudio.resources.v2.files import Files
from simstudio.resources.v2.transfers import UploadProgress
from simstudio.transport.message import Request, Response
from tests.driving import KEY, Both, Played, answer, client, play, resource
from tests.frames import leaks
from tests.modes import both_modes

DATA = b"Gr\xc3\xbc\xc3\x9fe, Welt!"
HOW = pytest.mark.parametrize("part_size", [None, 4], ids=["one request", "parts"])


def upload(server: UploadServer, file: Any = ("a.txt", DATA), **more: Any) -> Played:
    """Drive an upload by hand: no socket, no sleep."""
    files = resource(Files, client())
    return play(Files.upload.flow(files, file, workspace_id="ws", **more), *[server] * 99)


def bytes_of(played: Played) -> list[Request]:
    return [request for request in played.asked if request.url.startswith(STORAGE)]


class TestWhereTheBytesGo:
    @HOW
    def test_the_file_arrives_and_is_returned(self, part_size: int | None) -> None:
        server = UploadServer(part_size)
        assert upload(server, folder_path=["Q 1"]).result.name == "Grüße (1).txt"
        assert server.content == DATA
        created = {"workspaceId": "ws", "name": "a.txt", "contentType": "text/plain", "size": 14}
        assert server.created == {**created, "folderPath": "/Q%201"}

    @HOW
    def test_they_go_to_the_named_address_with_the_named_headers_and_no_key(self, part_size: int | None) -> None:
        files = resource(Files, client(headers={"X-Tenant": "secret"}))
        played = play(Files.upload.flow(files, DATA, workspace_id="ws"), *[UploadServer(part_size)] * 99)
        for request in bytes_of(played):
            kind = "text/plain" if part_size is None else "part/type"
            signed = {"x-signed": SIGNATURE} if part_size is None else {}
            assert dict(request.headers) | {"user-agent": ""} == {"user-agent": "", "content-type": kind, **signed}

    def test_no_key_goes_even_to_an_address_of_sim(self) -> None:
        server = UploadServer()
        moved = lambda request: _moved(server(request))  # noqa: E731
        sent: list[Request] = []

        def respond(request: Request) -> Response:
            sent.append(request.copy())
            request.url = request.url.replace("https://sim.test/bytes", f"{STORAGE}/bytes")
            return moved(request)

        files = resource(Files, client())
        play(Files.upload.flow(files, DATA, workspace_id="ws"), *[respond] * 9)
        (put,) = [request for request in sent if request.method == "PUT"]
        assert put.url.startswith("https://sim.test/bytes")
        assert "x-api-key" not in put.headers
        assert all("x-api-key" in request.headers for request in sent if request is not put)

    @pytest.mark.parametrize("url", ["", "file:///etc/passwd", "https://me:secret@host/", "//host", "https://["])
    def test_what_is_no_address_is_refused(self, url: str) -> None:
        server = UploadServer()
        respond = lambda request: _moved(server(request), url)  # noqa: E731
        played = play(Files.upload.flow(resource(Files, client()), DATA, workspace_id="ws"), *[respond] * 9)
        assert isinstance(played.error, InvalidResponseError)
        assert server.status == "aborted"


def _moved(response: Response, url: str = "https://sim.test/bytes?sig=1") -> Response:
    response.content = response.content.replace(f"{STORAGE}/bytes?sig={SIGNATURE}".encode(), url.encode())
    return response


class TestWhatMayBeAFile:
    @pytest.mark.parametrize(
        "make",
        [
            lambda path: path,
            lambda path: path.open("rb"),
            lambda path: path.read_bytes(),
            File,
            lambda path: ("a.txt", path.read_bytes()),
            lambda path: _Pipe(path.read_bytes()),
        ],
    )
    @HOW
    def test_each_form(self, make: Callable[[Path], Any], part_size: int | None, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(DATA)
        server = UploadServer(part_size)
        file = make(path)
        assert upload(server, file).error is None
        assert server.content == DATA
        if isinstance(file, io.BufferedReader):
            assert file.tell() == 0
            file.close()

    @pytest.mark.parametrize("file", ["a.txt", io.StringIO("text"), Path("/no/such/file"), Path(), 7])
    def test_what_cannot_be_read_is_refused_before_anything_is_sent(self, file: Any) -> None:
        server = UploadServer()
        assert isinstance(upload(server, file).error, InvalidInputError)
        assert server.asked == []

    @HOW
    def test_one_that_is_cut_while_it_is_sent(self, part_size: int | None, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(DATA)

        def cut(number: int, request: Request) -> None:
            if request.method == "PUT":
                path.write_bytes(b"cut")

        server = UploadServer(part_size, cut)
        assert isinstance(upload(server, path).error, InvalidInputError)
        assert server.status == "aborted"

    def test_an_empty_one(self) -> None:
        server = UploadServer()
        assert upload(server, b"").error is None
        assert server.content == b""


class _Pipe(io.BytesIO):
    """A file that cannot be rewound."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise OSError("a pipe")

    tell = seek


def every_fault() -> list[Any]:
    """Each request of an upload, failing once in each way that leaves the outcome open."""
    faults = {"lost": "lost", "not sent": "not sent", "503": 503, "500": 500, "429": 429}
    steps = {None: {"put": 2, "complete": 3}, 4: {"urls": 2, "part": 4, "complete": 7}}
    return [
        pytest.param(size, number, fault, id=f"{name}-{step}-{size}")
        for size, named in steps.items()
        for step, number in named.items()
        for name, fault in faults.items()
    ]


class TestFaults:
    @pytest.mark.parametrize(("part_size", "number", "fault"), every_fault())
    def test_a_fault_at_any_step_is_survived(self, part_size: int | None, number: int, fault: Any) -> None:
        def fails(count: int, request: Request) -> Any:
            return None if count != number else error(fault, "once") if isinstance(fault, int) else fault

        server = UploadServer(part_size, fails)
        assert upload(server).result.id == "wf_1"
        assert (server.content, server.status) == (DATA, "completed")

    def test_parts_that_are_still_sent_are_not_read_on_after_a_failure(self) -> None:
        stopped = threading.Event()
        begun = threading.Event()

        def fails(_: int, request: Request) -> Response | None:
            if request.path == "/parts/1":
                begun.wait()
                return error(400, "no")
            if request.path == "/parts/2":
                begun.set()
                for _ in range(1000):
                    try:
                        b"".join(request.content)
                    except InvalidInputError:
                        stopped.set()
                        raise
                    time.sleep(0.002)  # until the first part has failed
            return None

        caller = client(*[UploadServer(4, fails)] * 9)
        with pytest.raises(InvalidRequestError):
            caller.v2.files.upload(DATA, workspace_id="ws", concurrency=2)
        assert stopped.is_set()

    def test_bytes_whose_answer_was_lost_are_not_sent_again(self) -> None:
        server = UploadServer(fails=lambda number, request: "lost" if request.method == "PUT" else None)
        assert upload(server).result.id == "wf_1"
        assert [method for method, _ in server.asked] == ["POST", "PUT", "POST"]

    @HOW
    def test_a_failure_that_lasts_aborts_the_session(self, part_size: int | None) -> None:
        server = UploadServer(part_size, lambda _, request: error(503, "no") if request.method == "PUT" else None)
        assert upload(server).error.status == 503  # type: ignore[union-attr]
        assert server.status == "aborted"

    def test_an_abort_that_fails_hides_no_error(self) -> None:
        server = UploadServer(fails=lambda _, request: error(400, request.method) if request.method != "POST" else None)
        assert "PUT" in str(upload(server).error)

    def test_a_callback_that_raises_aborts_the_session(self) -> None:
        def stop(progress: UploadProgress) -> None:
            raise ZeroDivisionError

        server = UploadServer()
        assert isinstance(upload(server, on_progress=stop).error, ZeroDivisionError)
        assert server.status == "aborted"

    @HOW
    def test_an_interruption_aborts_the_session(self, part_size: int | None) -> None:
        def interrupt(_: int, request: Request) -> None:
            if request.method == "PUT":
                raise KeyboardInterrupt

        server = UploadServer(part_size, interrupt)
        with pytest.raises(KeyboardInterrupt):
            upload(server)
        assert server.status == "aborted"

    def test_the_server_may_take_longer_to_make_the_file_than_for_other_calls(self) -> None:
        played = upload(UploadServer())
        assert [request.budget.total for request in played.requests if request.path.endswith("complete")] == [
            pytest.approx(FINISHING, abs=60)
        ]

    def test_an_address_that_has_expired_is_requested_again(self) -> None:
        expired = {4}
        server = UploadServer(4, lambda number, _: error(403, "expired") if number in expired else None)
        assert upload(server).result.id == "wf_1"
        assert server.content == DATA
        assert server.asked.count(("POST", "/api/v2/files/uploads/up-1/parts")) == 2

    def test_a_session_that_fails_later_says_why(self) -> None:
        server = UploadServer()
        session = {**server._session(), "status": "failed", "error": "storage is full", "size": 14}
        server.fails = lambda _, request: answer(200, {"data": session}) if request.path.endswith("complete") else None
        assert str(upload(server).error) == "The upload of 'Grüße.txt' ended with status 'failed': storage is full"

    def test_a_file_that_is_still_made_is_waited_for(self) -> None:
        server = UploadServer()
        session = {**server._session(), "status": "finalizing", "size": 14}
        server.fails = lambda number, _: answer(200, {"data": session}) if number in (3, 4) else None
        played = upload(server)
        assert played.result.id == "wf_1"
        assert len(played.sleeps) == 2

    @pytest.mark.parametrize("size", [0, 3])
    def test_parts_that_do_not_make_the_file_are_refused(self, size: int) -> None:
        server = UploadServer(4)

        def respond(request: Request) -> Response:
            response = server(request)
            response.content = response.content.replace(b'"partSize": 4', b'"partSize": %d' % size)
            return response

        played = play(Files.upload.flow(resource(Files, client()), DATA, workspace_id="ws"), *[respond] * 9)
        assert isinstance(played.error, InvalidResponseError)


class TestResuming:
    def test_the_parts_that_arrived_are_not_sent_again(self) -> None:
        seen: list[UploadProgress] = []
        broken = UploadServer(4, lambda _, request: "not sent" if request.path == "/parts/3" else None)
        failed = upload(broken, keep_session=True, on_progress=seen.append)
        assert isinstance(failed.error, APIConnectionError)
        assert broken.status == "uploading"
        assert (seen[0].sent, seen[-1].sent, seen[-1].size, seen[-1].parts) == (0, 8, 14, frozenset({1, 2}))
        broken.fails = lambda *_: None
        resumed = upload(broken, session=pickle.loads(pickle.dumps(seen[-1])), on_progress=seen.append)
        assert resumed.result.id == "wf_1"
        assert broken.content == DATA
        assert [request.path for request in bytes_of(resumed)] == ["/parts/3", "/parts/4"]
        assert (seen[-1].sent, seen[-1].parts) == (14, frozenset({1, 2, 3, 4}))

    def test_parts_that_the_server_has_lost_are_sent_again(self) -> None:
        server = UploadServer(4)
        progress = UploadProgress(new_upload(server), 8, 14, frozenset({1, 2}))
        assert upload(server, session=progress).result.id == "wf_1"
        assert server.content == DATA

    @HOW
    def test_a_session_of_ones_own_is_used_and_stays_open(self, part_size: int | None) -> None:
        server = UploadServer(part_size, lambda _, request: error(400, "no") if request.method == "PUT" else None)
        session = new_upload(server)
        assert upload(server, session=session).error.status == 400  # type: ignore[union-attr]
        assert server.status == "uploading"
        server.fails = lambda *_: None
        assert upload(server, session=session).result.id == "wf_1"
        assert server.asked.count(("POST", "/api/v2/files/uploads")) == 1

    def test_a_session_that_is_complete_gives_its_file(self) -> None:
        server = UploadServer()
        session = new_upload(server)
        assert upload(server, session=session).result == upload(server, session=session).result

    def test_one_that_was_aborted(self) -> None:
        server = UploadServer(4)
        session = new_upload(server)
        server.status = "aborted"
        assert isinstance(upload(server, session=session).error, ConflictError)

    @pytest.mark.parametrize("session", [7, "other size"])
    def test_one_that_does_not_fit(self, session: Any) -> None:
        server = UploadServer()
        given = new_upload(server, size=15) if session == "other size" else session
        assert isinstance(upload(server, session=given).error, InvalidInputError)

    @pytest.mark.parametrize("concurrency", [0, 65, True, 1.5])
    def test_a_concurrency_that_cannot_be(self, concurrency: Any) -> None:
        server = UploadServer()
        assert "concurrency" in str(upload(server, concurrency=concurrency).error)
        assert server.asked == []


def new_upload(server: UploadServer, size: int = len(DATA)) -> FileUpload:
    body = {"workspace_id": "ws", "name": "a.txt", "content_type": "text/plain", "size": size}
    return client(server).v2.files.uploads.create(body.pop("workspace_id"), **body)  # type: ignore[no-any-return]


class TestSecrets:
    @HOW
    def test_no_error_and_no_log_shows_a_key_or_what_permits_the_upload(
        self, part_size: int | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        def fails(_: int, request: Request) -> Response | None:
            return error(400, f"no {TOKEN}") if request.method == "PUT" else None

        played = upload(UploadServer(part_size, fails))
        assert isinstance(played.error, SimStudioError)
        shown = caplog.text + str(played.error) + pickle.dumps(played.error).decode("latin-1")
        for secret in (KEY, TOKEN, SIGNATURE):
            assert secret not in shown
            assert leaks(played.error, secret) == []

    def test_no_repr_shows_what_permits_the_upload(self) -> None:
        for size in (None, 4):
            session = new_upload(UploadServer(size))
            assert TOKEN not in repr((session, UploadProgress(session, 0, 1)))
            assert SIGNATURE not in repr(session)


@both_modes
@HOW
async def test_both_clients_upload_several_parts_at_a_time(mode: str, part_size: int | None, tmp_path: Path) -> None:
    both = Both(mode)
    path = tmp_path / "a.txt"
    path.write_bytes(DATA)
    server = UploadServer(part_size)
    seen: list[int] = []
    caller = both.client(*[server] * 9)
    file = await both(caller.v2.files.upload(path, workspace_id="ws", on_progress=lambda each: seen.append(each.sent)))
    assert file.id == "wf_1"
    assert server.content == DATA
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, len(DATA))


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    server = UploadServer(8 << 20)

    def respond(request: Request) -> Response:
        if request.method == "PUT":
            assert not isinstance(request.content, bytes)
            assert sum(map(len, request.content)) == 8 << 20
            return answer(204)
        if request.path.endswith("complete"):
            server.status = "completed"
            return answer(200, {"data": server._session()})
        return server(request)

    caller = client(*[respond] * 20)
    tracemalloc.start()
    try:
        assert caller.v2.files.upload(path, workspace_id="ws").size == 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
