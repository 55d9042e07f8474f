"""Uploads: what may be given, what it is called there, and what never leaves this machine."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from simstudio import ConfigurationError, File, InvalidInputError, ServerError
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox, VectorVeinServer
from simstudio.sandbox.services.vectorvein_service import file_of
from simstudio.services.vectorvein import AttachmentDetail, TaskInfo, VectorVeinAPIError, WorkflowInputField
from tests.modes import both_modes
from tests.services.vectorvein.helpers import Canned, Clock, envelope, run
from tests.uploads import UPLOADS

DONE = envelope({"oss_path": "oss/x", "original_filename": "x", "file_size": 1, "content_type": "text/plain"})
CONTENT = "Größe: 5 %\r\n".encode()


def sent(server: Canned) -> tuple[str, str, bytes]:
    """The name, the media type and the content of the one part that was sent."""
    request = server.requests[0]
    return file_of(request.headers["content-type"], request.content)


class Named(io.BytesIO):
    """An open file with a name of its own."""

    def __init__(self, name: Any) -> None:
        super().__init__(CONTENT)
        self.name = name


class Unseekable(io.RawIOBase):
    """A pipe."""

    def __init__(self) -> None:
        self._left = io.BytesIO(CONTENT)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(buffer)


@both_modes
@pytest.mark.parametrize("make", [str, Path, io.FileIO, lambda path: File(Path(path))])
def test_a_file_is_sent_whole_under_its_base_name(make: Any, mode: str, tmp_path: Path):
    path = tmp_path / "bericht ü.pdf"
    path.write_bytes(CONTENT)
    server = Canned([DONE])

    given = make(str(path))
    result = server.run(mode, lambda client: client.upload_file(given))
    if hasattr(given, "close"):
        given.close()

    assert sent(server) == ("bericht ü.pdf", "application/pdf", CONTENT)
    assert os.fsencode(tmp_path) not in server.requests[0].content
    assert result.oss_path == "oss/x"


@pytest.mark.parametrize(
    ("file", "filename", "name", "kind"),
    [
        (lambda: io.BytesIO(CONTENT), None, "unknown", "application/octet-stream"),
        (lambda: io.BytesIO(CONTENT), "图.png", "图.png", "image/png"),
        (lambda: io.BytesIO(CONTENT), "../../etc/x.txt", "x.txt", "text/plain"),
        (lambda: io.BytesIO(CONTENT), "C:\\Users\\ada\\x.txt", "x.txt", "text/plain"),
        (lambda: Named("/srv/ada/x.csv"), None, "x.csv", "text/csv"),
        (lambda: Named(b"/srv/ada/x.csv"), None, "x.csv", "text/csv"),
        (lambda: Named(7), None, "unknown", "application/octet-stream"),
        (lambda: Named("/srv/ada/x.csv"), "y.json", "y.json", "application/json"),
        (lambda: File(CONTENT, name="a.txt"), None, "a.txt", "text/plain"),
        (lambda: File(CONTENT, name="a.txt", mime="text/x-own"), None, "a.txt", "text/x-own"),
        (Unseekable, "a.txt", "a.txt", "text/plain"),
        (lambda: CONTENT, "a.txt", "a.txt", "text/plain"),
        (lambda: bytearray(CONTENT), "a.bin", "a.bin", "application/octet-stream"),
        (lambda: memoryview(CONTENT), "a.txt", "a.txt", "text/plain"),
    ],
)
def test_what_a_file_is_called_there(file: Any, filename: str | None, name: str, kind: str, mode: str):
    server = Canned([DONE])

    server.run(mode, lambda client: client.upload_file(file(), filename))

    assert sent(server) == (name, kind, CONTENT)


@pytest.mark.parametrize("framework", UPLOADS)
@pytest.mark.parametrize(("filename", "name"), [(None, "report.pdf"), ("scan", "scan")])
def test_a_file_that_a_web_framework_received_keeps_its_type(framework: str, filename: str | None, name: str):
    server = Canned([DONE])

    server.run("sync", lambda client: client.upload_file(UPLOADS[framework](), filename))

    assert sent(server) == (name, "application/pdf", b"hi")


def test_a_name_cannot_break_out_of_its_header(mode: str):
    server = Canned([DONE])

    server.run(mode, lambda client: client.upload_file(io.BytesIO(b"x"), 'a"\r\nX-Evil: 1\r\n\r\n.txt'))

    head = server.requests[0].content.partition(b"\r\n\r\n")[0]
    assert b"\r\nX-Evil" not in head
    assert head.count(b'"') == 4


@both_modes
def test_a_file_is_sent_from_its_start_and_its_position_restored(mode: str):
    file = io.BytesIO(CONTENT)
    file.seek(3)
    server = Canned([DONE])

    server.run(mode, lambda client: client.upload_file(file, "a.txt"))

    assert sent(server)[2] == CONTENT
    assert file.tell() == 3


@pytest.mark.parametrize(
    "file",
    ["", "no/such/file.txt", "a\0b", ".", b"bytes", None, 5, io.StringIO("text"), ("a.txt", b"x"), object()],
    ids=["empty", "absent", "nul", "folder", "bytes", "none", "number", "text file", "pair", "object"],
)
def test_what_is_no_file_is_refused_and_nothing_is_sent(file: Any, mode: str):
    server = Canned([DONE])

    with pytest.raises(InvalidInputError) as caught:
        server.run(mode, lambda client: client.upload_file(file))

    assert isinstance(caught.value, VectorVeinAPIError)
    assert server.requests == []


@pytest.mark.parametrize("filename", ["", " ", 5])
def test_a_name_that_is_none_is_refused(filename: Any, mode: str):
    with pytest.raises(InvalidInputError, match="filename"):
        Canned([DONE]).run(mode, lambda client: client.upload_file(io.BytesIO(b"x"), filename))


def test_a_path_that_leads_nowhere_is_named_by_its_base_name_only(mode: str):
    with pytest.raises(InvalidInputError) as caught:
        Canned([DONE]).run(mode, lambda client: client.upload_file("/srv/ada/secret/x.txt"))

    assert "x.txt" in str(caught.value)
    assert "ada" not in str(caught.value)


def test_an_upload_that_may_have_arrived_is_not_sent_again(mode: str):
    server = Canned([(503, b"")])

    with pytest.raises(ServerError, match="HTTP 503"):
        server.run(mode, lambda client: client.upload_file(io.BytesIO(b"x")), max_retries=3)

    assert len(server.requests) == 1


def test_files_are_not_read_on_the_thread_of_the_event_loop(tmp_path: Path):
    readers: set[int] = set()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if size:
                readers.add(threading.get_ident())
            return super().read(size)

    sandbox = VectorVeinSandbox()
    with sandbox.serve() as server:
        run(server.async_client(), lambda client: client.upload_file(Watched(b"x" * 10), "a.txt"))

    assert readers
    assert threading.get_ident() not in readers


@both_modes
def test_a_large_file_arrives(mode: str, sandbox: VectorVeinSandbox, server: VectorVeinServer):
    content = os.urandom(3_000_000)
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(content)
        file.flush()
        client = server.client() if mode == "sync" else server.async_client()
        result = run(client, lambda client: client.files.upload(Path(file.name)))

    assert sandbox.uploads[result.oss_path] == content
    assert result.file_size == len(content)


# --- files among inputs and attachments -----------------------------------------------------------------------------


@both_modes
def test_files_among_the_inputs_of_a_workflow_are_uploaded_in_the_same_call(
    mode: str, sandbox: VectorVeinSandbox, server: VectorVeinServer, tmp_path: Path
):
    path = tmp_path / "report.txt"
    path.write_bytes(CONTENT)
    sandbox.workflow("read")(lambda inputs: [sandbox.uploads[each].decode() for each in inputs["n", "files"]])
    value = [path, path, File(b"two", name="b.txt"), io.BytesIO(b"three")]

    def script(client: Any) -> Any:
        return client.workflows.run("read", [WorkflowInputField("n", "files", value)], poll_interval=0.001)

    result = run(server.client() if mode == "sync" else server.async_client(), script)

    assert result.data == [CONTENT.decode(), CONTENT.decode(), "two", "three"]
    assert len(sandbox.uploads) == 3  # the same file once


def test_a_file_at_any_depth_of_a_templates_data_is_uploaded(mode: str):
    server = Canned([DONE, envelope({"rid": "rid-1"})])

    rid = server.run(mode, lambda client: client.run_workflow_template("t", {"nodes": [{"value": io.BytesIO(b"x")}]}))

    assert rid == "rid-1"
    assert json.loads(server.requests[1].content) == {"tid": "t", "data": {"nodes": [{"value": "oss/x"}]}}


@pytest.mark.parametrize("value", [b"bytes", io.StringIO("text"), [bytearray(b"x")], Path("no/such/file.txt")])
def test_an_input_that_is_no_file_and_no_json_is_refused_before_the_run(value: Any, mode: str):
    server = Canned([DONE])

    with pytest.raises(InvalidInputError):
        server.run(mode, lambda client: client.run_workflow("w", [WorkflowInputField("n", "f", value)]))

    assert server.requests == []


def test_an_input_that_contains_itself_is_refused(mode: str):
    value: list[Any] = []
    value.append(value)

    with pytest.raises(InvalidInputError, match="contains itself"):
        Canned([DONE]).run(mode, lambda client: client.run_workflow("w", [WorkflowInputField("n", "f", value)]))


def test_a_run_that_the_limiter_refuses_uploads_its_files_once(mode: str, clock: Clock):
    outputs = envelope([{"type": "Text", "title": "t", "value": "v"}])
    refused = (429, envelope(None, 429), {"Retry-After": "1"})
    server = Canned([DONE, refused, refused, envelope({"rid": "r"}), outputs])

    server.run(mode, lambda c: c.workflows.run("w", [WorkflowInputField("n", "f", io.BytesIO(b"x"))]), max_retries=2)

    assert server.paths == ["file-upload/upload", *["workflow/run"] * 3, "workflow/check-status"]


@pytest.mark.parametrize(
    "call",
    [
        lambda c, files: c.create_agent_task(TaskInfo("x", files), "agent"),
        lambda c, files: c.continue_agent_task("t", "x", files),
        lambda c, files: c.resume_agent_task("t", "x", files),
        lambda c, files: c.add_pending_message("t", "x", files),
    ],
    ids=["create", "continue", "resume", "pending message"],
)
def test_files_among_the_attachments_of_a_task_are_uploaded(call: Any, mode: str):
    server = Canned([DONE, envelope({"task_id": "t"})])
    given = [AttachmentDetail("a", "http://a"), File(b"x", name="b.txt")]

    server.run(mode, lambda client: call(client, given))

    body = json.loads(server.requests[1].content)
    attachments = body["task_info"]["attachments_detail"] if "task_info" in body else body["attachments_detail"]
    assert attachments == [{"name": "a", "url": "http://a"}, {"name": "b.txt", "oss_key": "oss/x"}]


def test_the_sandbox_needs_its_extra_only_when_it_is_served(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "starlette.applications", None)

    with pytest.raises(ConfigurationError, match="pip install starlette uvicorn"):
        VectorVeinSandbox().app  # noqa: B018 - asking for it makes it
