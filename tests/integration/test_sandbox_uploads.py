"""Uploads to the local Sim, with a fault at every step: what is left on the server, and what the error says.

Whatever happens, a file is there once or not at all, no upload session stays open unless the caller keeps it, and the
API key is never sent with bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from simstudio import (
    APIConnectionError,
    AsyncSimStudioClient,
    ConflictError,
    InvalidInputError,
    InvalidRequestError,
    PermissionDeniedError,
    ServerError,
    SimStudioClient,
    SimStudioError,
)
from simstudio.resources.v2.transfers import UploadProgress
from simstudio.sandbox import Sandbox
from simstudio.sandbox.data.files import Files
from simstudio.sandbox.data.uploads import Uploads
from simstudio.transport.flow import Flow, Sleep
from simstudio.transport.message import Request, Response

PART = 4096
CONTENT = {"one request": bytes(range(256)) * 12, "parts": bytes(range(256)) * 42}
UPLOADS = "/api/v2/files/uploads"
STEPS = {
    "create": ("POST", UPLOADS),
    "put": ("PUT", "/api/v2/uploads/*"),
    "urls": ("POST", f"{UPLOADS}/*/parts"),
    "part": ("PUT", "/api/v2/uploads/*/parts/2"),
    "complete": ("POST", f"{UPLOADS}/*/complete"),
}
STEPS_OF = {"one request": ("put", "complete"), "parts": ("urls", "part", "complete")}
PASSING: dict[str, dict[str, Any]] = {
    "refused": {"status": 503},
    "half sent": {"drop": "body", "reset": True},
    "lost": {"drop": "request"},
    "answer lost": {"drop": "response"},
}
LASTING: dict[str, tuple[dict[str, Any], type[SimStudioError]]] = {
    "refused 400": ({"status": 400}, InvalidRequestError),
    "refused 403": ({"status": 403}, PermissionDeniedError),
    "refused 503": ({"status": 503}, ServerError),
    "lost": ({"drop": "request"}, APIConnectionError),
}


@attrs.frozen
class Stage:
    """A served sandbox; ``sent`` are the requests that left a client, with their headers."""

    sandbox: Sandbox
    base_url: str
    sent: list[Request]

    @property
    def workspace_id(self) -> str:
        return self.sandbox.workspace_id

    @property
    def contents(self) -> dict[str, bytes]:
        """What is left: the files by name."""
        return {file.name: file.content for file in self.sandbox._core.data.files_of(self.workspace_id).all()}

    @property
    def sessions(self) -> list[str]:
        return [upload.status for upload in self.sandbox._core.data.uploads]

    def fails(self, step: str, *, times: int | None = None, **fault: Any) -> None:
        method, path = STEPS[step]
        self.sandbox.faults.add(method=method, path=path, times=times, **fault)

    def record(self, request: Request, call_next: Callable[[Request], Flow[Response]]) -> Flow[Response]:
        self.sent.append(request)
        return (yield from call_next(request))


@pytest.fixture(scope="module")
def served() -> Iterator[Stage]:
    sandbox = Sandbox(generation="v0.8", upload_part_size=PART)
    with sandbox.serve() as server:
        yield Stage(sandbox, server.base_url, [])


@pytest.fixture
def stage(served: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    data = served.sandbox._core.data
    data._files[served.workspace_id] = Files(served.sandbox.clock, served.workspace_id)
    data.uploads = Uploads(served.sandbox.clock, PART)
    served.sandbox.faults.clear()
    served.sent.clear()
    monkeypatch.setattr("simstudio.transport.flow.time.sleep", lambda _: None)  # between the attempts
    return served


@pytest.fixture
def client(stage: Stage) -> Iterator[SimStudioClient]:
    with SimStudioClient(stage.sandbox.api_key, stage.base_url, middleware=[stage.record]) as client:
        yield client
    sent = [(request.path.startswith("/api/v2/uploads/"), "x-api-key" in request.headers) for request in stage.sent]
    assert all(of_bytes is not with_key for of_bytes, with_key in sent)


def upload(client: SimStudioClient, stage: Stage, how: str, **more: Any) -> Any:
    return client.v2.files.upload(("a.bin", CONTENT[how]), workspace_id=stage.workspace_id, **more)


def places(*faults: str) -> Any:
    return pytest.mark.parametrize(
        ("how", "step", "fault"),
        [pytest.param(how, step, fault, id=f"{how}-{step}-{fault}")
         for how, steps in STEPS_OF.items() for step in steps for fault in faults],
    )  # fmt: skip


@places(*PASSING)
def test_a_fault_that_passes_is_survived(
    how: str, step: str, fault: str, stage: Stage, client: SimStudioClient
) -> None:
    stage.fails(step, times=1, **PASSING[fault])
    assert upload(client, stage, how).name == "a.bin"
    assert stage.contents == {"a.bin": CONTENT[how]}
    assert stage.sessions == ["completed"]


@places(*LASTING)
def test_a_fault_that_lasts_leaves_neither_a_file_nor_a_session(
    how: str, step: str, fault: str, stage: Stage, client: SimStudioClient
) -> None:
    given, kind = LASTING[fault]
    stage.fails(step, **given)
    with pytest.raises(kind) as caught:
        upload(client, stage, how)
    assert "session" not in str(caught.value)
    assert ("nothing of the file stays" in str(caught.value)) is (kind is APIConnectionError)
    assert (stage.contents, stage.sessions) == ({}, ["aborted"])
    stage.sandbox.faults.clear()
    assert upload(client, stage, how).name == "a.bin"
    assert stage.contents == {"a.bin": CONTENT[how]}


@places("refused 403", "lost")
def test_a_session_that_is_kept_can_be_resumed(
    how: str, step: str, fault: str, stage: Stage, client: SimStudioClient
) -> None:
    given, kind = LASTING[fault]
    seen: list[UploadProgress] = []
    stage.fails(step, **given)
    with pytest.raises(kind) as caught:
        upload(client, stage, how, keep_session=True, on_progress=seen.append)
    assert "session=" in str(caught.value)
    assert (stage.contents, stage.sessions) == ({}, ["uploading"])
    stage.sandbox.faults.clear()
    assert upload(client, stage, how, session=seen[-1]).name == "a.bin"
    assert stage.contents == {"a.bin": CONTENT[how]}
    assert stage.sessions == ["completed"]


@pytest.mark.parametrize("drop", ["request", "response", "head"])
def test_an_upload_that_was_never_begun(drop: Any, stage: Stage, client: SimStudioClient) -> None:
    stage.fails("create", drop=drop)
    with pytest.raises(APIConnectionError):
        upload(client, stage, "parts")
    assert stage.contents == {}
    assert [request.method for request in stage.sent] == ["POST"]  # a session without bytes ends by itself


@pytest.mark.parametrize("how", CONTENT)
class TestCompletion:
    def test_whose_answers_are_lost_is_settled_when_the_server_is_back(
        self, how: str, stage: Stage, client: SimStudioClient
    ) -> None:
        stage.fails("complete", times=3, drop="response")
        assert upload(client, stage, how).name == "a.bin"
        assert stage.contents == {"a.bin": CONTENT[how]}

    def test_whose_answers_stay_lost_tells_that_the_file_is_there(
        self, how: str, stage: Stage, client: SimStudioClient
    ) -> None:
        stage.fails("complete", drop="response")
        with pytest.raises(APIConnectionError, match="has completed the upload: look for the outcome"):
            upload(client, stage, how)
        assert stage.contents == {"a.bin": CONTENT[how]}

    def test_of_a_session_that_was_completed_meanwhile(self, how: str, stage: Stage, client: SimStudioClient) -> None:
        seen: list[UploadProgress] = []
        first = upload(client, stage, how, on_progress=seen.append)
        assert upload(client, stage, how, session=seen[0]) == first
        assert stage.contents == {"a.bin": CONTENT[how]}

    def test_an_interruption_after_it_hides_no_file(self, how: str, stage: Stage, client: SimStudioClient) -> None:
        def stop(progress: UploadProgress) -> None:
            if progress.sent == progress.size:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            upload(client, stage, how, on_progress=stop)
        assert stage.sessions == (["completed"] if how == "one request" else ["aborted"])


@pytest.mark.parametrize("how", CONTENT)
class TestAbort:
    def test_that_fails_as_well_tells_when_the_session_ends(
        self, how: str, stage: Stage, client: SimStudioClient
    ) -> None:
        step = STEPS_OF[how][-2]
        stage.fails(step, status=400)
        stage.sandbox.faults.add(method="DELETE", path="*/uploads/*", times=None, status=503)
        with pytest.raises(InvalidRequestError, match="could not be aborted either; it ends by itself until 20"):
            upload(client, stage, how)
        assert (stage.contents, stage.sessions) == ({}, ["uploading"])

    def test_whose_answer_is_lost_is_repeated(self, how: str, stage: Stage, client: SimStudioClient) -> None:
        stage.fails("complete", status=400)
        stage.sandbox.faults.add(method="DELETE", path="*/uploads/*", drop="response")
        with pytest.raises(InvalidRequestError):
            upload(client, stage, how)
        assert stage.sessions == ["aborted"]

    def test_by_somebody_else_is_told(self, how: str, stage: Stage, client: SimStudioClient) -> None:
        def abort(_: UploadProgress) -> None:
            for session in stage.sandbox._core.data.uploads:
                session.abort()

        with pytest.raises(ConflictError, match="Upload session is aborted"):
            upload(client, stage, how, on_progress=abort)
        assert stage.contents == {}


def add_document(client: SimStudioClient, stage: Stage, name: str) -> list[str]:
    base = client.v2.knowledge.create(stage.workspace_id, name=name).id
    with suppress(SimStudioError):
        client.v2.knowledge.documents.add(base, ("a.txt", b"Greetings. " * 900), workspace_id=stage.workspace_id)
    return [each.filename for each in client.v2.knowledge.documents.list(base, workspace_id=stage.workspace_id)]


def import_table(client: SimStudioClient, stage: Stage, name: str) -> list[str]:
    rows = "name\n" + "Ada\n" * 2500
    with suppress(SimStudioError):
        client.v2.tables.import_csv(
            ("a.csv", rows.encode()), workspace_id=stage.workspace_id, target={"type": "new", "name": name}
        )
    return ["a.csv" for each in client.v2.tables.list(stage.workspace_id) if each.name == name]


@pytest.mark.parametrize("add", [add_document, import_table])
@pytest.mark.parametrize(
    ("path", "times", "fault", "survived"),
    [
        ("*/parts", 1, {"drop": "response"}, True),
        ("*/parts/2", None, {"status": 400}, False),
        ("*/complete", 3, {"drop": "response"}, True),
    ],
    ids=["urls", "part", "complete"],
)
def test_documents_and_imports_are_uploaded_alike(
    add: Callable[..., list[str]], path: str, times: int, fault: dict[str, Any], survived: bool, stage: Stage,
    client: SimStudioClient,
) -> None:  # fmt: skip
    stage.sandbox.faults.add(path=path, times=times, **fault)
    assert len(add(client, stage, f"of_{path.rpartition('/')[2]}")) == survived
    assert stage.sessions == ["completed" if survived else "aborted"]


INTERRUPTED = pytest.mark.parametrize(
    ("how", "step"), [(how, step) for how, steps in STEPS_OF.items() for step in steps]
)


def _matches(step: str, request: Request) -> bool:
    from fnmatch import fnmatchcase

    method, path = STEPS[step]
    return request.method == method and fnmatchcase(request.path, path)


@INTERRUPTED
@pytest.mark.parametrize("keep", [False, True], ids=["aborted", "kept"])
def test_an_interruption_at_a_step(how: str, step: str, keep: bool, stage: Stage) -> None:
    def interrupt(request: Request, call_next: Callable[[Request], Flow[Response]]) -> Flow[Response]:
        if _matches(step, request):
            raise KeyboardInterrupt
        return (yield from call_next(request))

    with (
        SimStudioClient(stage.sandbox.api_key, stage.base_url, middleware=[interrupt]) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        upload(client, stage, how, keep_session=keep)
    assert (stage.contents, stage.sessions) == ({}, ["uploading" if keep else "aborted"])


@INTERRUPTED
async def test_a_task_that_is_cancelled_at_a_step(how: str, step: str, stage: Stage) -> None:
    def cancel(request: Request, call_next: Callable[[Request], Flow[Response]]) -> Flow[Response]:
        if _matches(step, request):
            task.cancel()
            yield Sleep(0.0)  # where it is raised: before the request
        return (yield from call_next(request))

    async with AsyncSimStudioClient(stage.sandbox.api_key, stage.base_url, middleware=[cancel]) as client:
        file = ("a.bin", CONTENT[how])
        task = asyncio.ensure_future(client.v2.files.upload(file, workspace_id=stage.workspace_id))
        with pytest.raises(asyncio.CancelledError):
            await task
    assert stage.contents == {}
    assert stage.sessions == ["aborted"]


async def test_a_part_that_fails_ends_those_that_are_sent_beside_it(stage: Stage) -> None:
    stage.fails("part", status=400)
    async with AsyncSimStudioClient(stage.sandbox.api_key, stage.base_url) as client:
        with pytest.raises(InvalidRequestError):
            await client.v2.files.upload(("a.bin", CONTENT["parts"]), workspace_id=stage.workspace_id)
    assert (stage.contents, stage.sessions) == ({}, ["aborted"])


@pytest.mark.parametrize("how", CONTENT)
def test_a_file_that_changes_its_size_is_not_uploaded(
    how: str, stage: Stage, client: SimStudioClient, tmp_path: Path
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT[how])
    with pytest.raises(InvalidInputError, match="became shorter"):
        client.v2.files.upload(path, workspace_id=stage.workspace_id, on_progress=lambda _: path.write_bytes(b"cut"))
    assert (stage.contents, stage.sessions) == ({}, ["aborted"])


def test_a_large_request_that_the_server_breaks_off_is_sent_again(stage: Stage, client: SimStudioClient) -> None:
    content = bytes(4 << 20)
    stage.sandbox._core.data.uploads = Uploads(stage.sandbox.clock, len(content))
    stage.fails("put", times=1, drop="body")
    client.v2.files.upload(("a.bin", content), workspace_id=stage.workspace_id)
    assert stage.contents == {"a.bin": content}
