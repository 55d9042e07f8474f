"""The sandbox answers the recorded requests for tables, files, knowledge and the audit log as the server did.

What an answer is depends on everything before it, so the recorded session is played in its order, once, as raw HTTP;
each test then compares one answer: status, header names, JSON shape. The ids the server gave are learned from its
answers, and take the place of ours when they come back in a request. What happened between the recordings (in a
browser, or in recordings that are not kept) is done by `MEANWHILE`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from recorded import Recording, recording, recordings

from simstudio.sandbox import RateLimits, Sandbox
from simstudio.sandbox.data.audit import Resource

from . import shapes
from .calls import KEY
from .differences import V06, V1_DATA_DIFFERENCES

COVERED = re.compile(r"/api/v1/(?:tables|files|knowledge|audit-logs)(?:/.*)?")
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:tbl|row)_[0-9a-f]{32}|ey\w+=*")
AUDIT_ID = re.compile(r"[\w-]{21}")
WORKSPACE = "1c944e88-6ad4-4e55-8c66-c415e73eeb32"
ENTERPRISE = range(376, 384)
"""The numbers of the recordings of a server with an enterprise organization."""


class Session:
    """One sandbox, and which of its ids stand for the recorded ones."""

    def __init__(self, sandbox: Sandbox, base_url: str) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=base_url, headers={"X-API-Key": KEY}, timeout=10)
        self.ids = {WORKSPACE: sandbox.workspace_id}

    def play(self, recording: Recording) -> httpx.Response:
        headers = {**recording.request_headers, "X-API-Key": KEY}
        body = recording.request_body
        answer = self.http.request(
            recording.method,
            self._ours(recording.path),
            params={name: self._ours(values[-1]) for name, values in recording.query.items()},
            content=None if body is None else self._ours(body.decode()).encode(),
            headers=headers,
        )
        if recording.status == answer.status_code == 200 and b"{" in recording.body[:1]:
            self._learn(json.loads(recording.body), answer.json())
        return answer

    def post(self, path: str, **body: object) -> dict:
        """A request of our own; ids in the path are the recorded ones."""
        workspace = {"workspaceId": self.sandbox.workspace_id}
        return self.http.post(f"/api/v1{self._ours(path)}", json={**workspace, **body}).json()["data"]

    def upload(self, path: str, name: str, content: bytes) -> dict:
        form = {"workspaceId": self.sandbox.workspace_id}
        answer = self.http.post(f"/api/v1{self._ours(path)}", data=form, files={"file": (name, content)})
        return answer.json()["data"]

    def get(self, path: str) -> dict:
        return self.http.get(f"/api/v1{path}", params={"workspaceId": self.sandbox.workspace_id}).json()["data"]

    def _ours(self, text: str) -> str:
        for theirs, ours in self.ids.items():
            text = text.replace(theirs, ours)
        return text

    def _learn(self, theirs: object, ours: object) -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                self._learn(theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for left, right in zip(theirs, ours, strict=False):
                self._learn(left, right)
        elif isinstance(theirs, str) and isinstance(ours, str) and (ID.fullmatch(theirs) or AUDIT_ID.fullmatch(theirs)):
            self.ids.setdefault(theirs, ours)


TABLE = "/tables/tbl_9f95c24c83c04451b18a47a51d90d409"
FIRST_ROW = {"sku": "A1", "qty": 5, "active": True, "added": "2026-01-02", "meta": {"k": [1]}}


def _add_searchable_document(session: Session) -> None:
    text = json.loads(recording(V06, 324).body)["data"]["results"][0]["content"]
    base = session.post("/knowledge", name="Search KB")["knowledgeBase"]["id"]
    path = f"/knowledge/{base}/documents"
    document = session.upload(path, "fox.txt", text.encode())["document"]["id"]
    session.get(f"{path}/{document}")
    theirs = re.findall(ID, recording(V06, 321).path)
    session.ids.update(zip(theirs, (base, document), strict=True))


def _do_what_is_in_the_audit_log(session: Session) -> None:
    for number in range(2):
        workflow = Resource("workflow", f"workflow-{number}", "Agent")
        session.sandbox._core.data.audit.record("workflow.deployed", workflow, "Deployed workflow", version=1)
    for name in "ABC":
        session.post("/knowledge", name=name)


MEANWHILE: dict[float, Callable[[Session], object]] = {
    218: lambda session: session.post(f"{TABLE}/rows", data=FIRST_ROW),
    223: lambda session: session.post(f"{TABLE}/rows", data={"sku": "U1", "nosuch": 1}),
    263: lambda session: session.http.delete(
        f"/api/v1{session._ours(TABLE)}", params={"workspaceId": session.sandbox.workspace_id}
    ),
    272: lambda session: session.upload("/files", "bin.bin", bytes(range(256))),
    293: lambda session: session.upload(f"/knowledge/{BASE}/documents", "doc.txt", b"no text: \xff"),
    320: _add_searchable_document,
    375.5: _do_what_is_in_the_audit_log,
}
"""What had happened by a number, unless the recording of that number is played."""

BASE = re.findall(ID, recording(V06, 289).path)[0]


def covered() -> list[Recording]:
    return [each for each in recordings(V06) if COVERED.fullmatch(each.path) and each.status != 429]


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[int, httpx.Response]]:
    """What the sandbox answered, by the number of the recording."""
    found: dict[int, httpx.Response] = {}
    steps: dict[float, Recording | Callable[[Session], object]] = {
        **MEANWHILE,
        **{each.number: each for each in covered()},
    }
    with ExitStack() as stack:
        sandboxes = {enterprise: Sandbox(KEY, generation="v0.6", enterprise=enterprise) for enterprise in (False, True)}
        servers = {key: stack.enter_context(sandbox.serve()) for key, sandbox in sandboxes.items()}
        sessions = {key: Session(server.sandbox, server.base_url) for key, server in servers.items()}
        for session in sessions.values():
            stack.enter_context(session.http)
        for number, step in sorted(steps.items()):
            session = sessions[number in ENTERPRISE or step is _do_what_is_in_the_audit_log]
            if isinstance(step, Recording):
                found[step.number] = session.play(step)
            else:
                step(session)
        yield found


@pytest.mark.parametrize("recording", covered(), ids=str)
def test_answers_as_recorded(answers: dict[int, httpx.Response], recording: Recording) -> None:
    answer = answers[recording.number]
    ours = shapes.answer(answer.status_code, list(answer.headers.items()), answer.content)
    theirs = shapes.answer(recording.status, recording.headers, recording.body)
    if recording.number in V1_DATA_DIFFERENCES:
        assert ours != theirs, "listed as different, but is the same: take it out of differences.py"
    else:
        assert ours == theirs


def test_every_difference_is_one_of_a_recording() -> None:
    assert set(V1_DATA_DIFFERENCES) <= {each.number for each in covered()}


@pytest.mark.parametrize(
    "recording",
    [each for each in recordings(V06) if COVERED.fullmatch(each.path) and each.status == 429],
    ids=str,
)
def test_a_used_up_rate_limit_answers_as_recorded(recording: Recording) -> None:
    sandbox = Sandbox(KEY, generation="v0.6", rate_limits=RateLimits(v1_per_minute=1))
    with sandbox.serve() as server:
        session = Session(sandbox, server.base_url)
        with session.http:
            session.play(recording)
            session.play(recording)
            answer = session.play(recording)
    ours = shapes.answer(answer.status_code, list(answer.headers.items()), answer.content)
    assert ours == shapes.answer(recording.status, recording.headers, recording.body)


def test_the_pages_of_the_audit_log_are_those_the_cursor_names(answers: dict[int, httpx.Response]) -> None:
    first, second = answers[376].json(), answers[377].json()
    ids = [entry["id"] for page in (first, second) for entry in page["data"]]
    assert len(set(ids)) == 4


def test_filters_and_orders_find_the_rows_the_server_found(answers: dict[int, httpx.Response]) -> None:
    for number in (229, 230, 231, 232, 236, 240):
        theirs = json.loads(recording(V06, number).body)["data"]["rows"]
        ours = answers[number].json()["data"]["rows"]
        assert [(row["data"], row["position"]) for row in ours] == [(row["data"], row["position"]) for row in theirs]


def test_columns_are_in_the_order_the_server_gave_them(answers: dict[int, httpx.Response]) -> None:
    for number in (197, 206, 207, 211, 212, 215, 217):
        assert _columns(answers[number].json()) == _columns(json.loads(recording(V06, number).body))


def _columns(answer: dict) -> list[dict]:
    data = answer["data"]
    return data["columns"] if "columns" in data else data["table"]["schema"]["columns"]


def test_a_download_has_the_headers_the_server_gave(answers: dict[int, httpx.Response]) -> None:
    theirs = dict(recording(V06, 277).headers)
    ours = answers[277].headers
    for name in ("content-disposition", "content-length", "content-type", "x-file-name"):
        assert ours[name] == theirs[name]


def test_issues_are_the_ones_the_server_found(answers: dict[int, httpx.Response]) -> None:
    for each in covered():
        if each.status == 400 and b'"code"' in each.body:
            assert answers[each.number].json() == json.loads(each.body), each
