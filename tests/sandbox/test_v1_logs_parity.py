"""The sandbox answers the recorded requests for logs as the recorded server did.

A history like the recorded one is made once; each recording is then asked for, and its answer compared: status, header
names, JSON shape.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import httpx
import pytest
from recorded import Recording, recordings

from simstudio.sandbox import Context, Sandbox

from . import shapes, stand_ins
from .calls import KEY, Caller
from .differences import V06, V1_LOG_DIFFERENCES

COVERED = re.compile(r"/api/v1/logs(?:/.*)?")
WORKSPACE = "1c944e88-6ad4-4e55-8c66-c415e73eeb32"
RUN = "a3b37daf-d3d4-4c4a-9bd0-3e06ec20873c"
_WITH_FILES = (166, 176)
"""When these were recorded, runs with files were the latest."""
LOG = "cbca395a-c639-49d9-a1ce-13ec25cf04fe"


class History:
    """A sandbox in which as much has happened as in the recorded server."""

    def __init__(self, call: Caller) -> None:
        self.call = call
        self._names = stand_ins.v06(call.sandbox, stand_ins.Stage())
        self._store_a_file()
        for _ in range(2):
            call.execute("boom", {})
            call.execute("compute", {})
        call.execute("boom", {})
        call.execute("compute", {"triggerType": "manual"})
        self.run = call.execute("compute", {}).json()["executionId"]
        (log,) = self._get("", executionId=self.run).json()["data"]
        self._log = log["id"]

    def ask(self, recording: Recording) -> httpx.Response:
        latest = "uploads" if recording.number in _WITH_FILES else "compute"
        for _ in range(2):
            self.call.execute(latest, {})
        query = {name: values[-1] for name, values in recording.query.items()}
        if query.get("workspaceId") == WORKSPACE:
            query["workspaceId"] = self.call.sandbox.workspace_id
        if query.get("executionId") == RUN:
            query["executionId"] = self.run
        if "workflowIds" in query:
            query["workflowIds"] = self._names[query["workflowIds"][:8]]
        path = recording.path.replace(LOG, self._log)
        if "404" not in recording.name:
            path = path.replace(RUN, self.run)
        return self.call.http.get(path, params=query)

    def _get(self, path: str, **query: str) -> httpx.Response:
        params = {"workspaceId": self.call.sandbox.workspace_id, **query}
        return self.call.http.get(f"/api/v1/logs{path}", params=params)

    def _store_a_file(self) -> None:
        @self.call.sandbox.workflow("uploads")
        def uploads(input: dict, context: Context) -> object:
            return context.save_file("a.txt", b"fifteen letters", "text/plain")


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    with Sandbox(KEY, generation="v0.6").serve() as server:
        caller = Caller(server)
        yield History(caller)
        caller.http.close()
    assert threading.active_count() < 50


def without_code(body: bytes) -> bytes:
    """The answer without the code of function blocks, which is nobody's protocol."""
    return re.sub(rb'"input":\{"code":"(?:[^"\\]|\\.)*"\}', b'"input":{"source":""}', body)


def covered() -> list[object]:
    return [
        pytest.param(each, id=f"{each.number:03d}-{each.name}")
        for each in recordings(V06)
        if COVERED.fullmatch(each.path)
    ]


@pytest.mark.parametrize("recording", covered())
def test_answers_as_recorded(recording: Recording, history: History) -> None:
    answer = history.ask(recording)
    ours = shapes.answer(answer.status_code, list(answer.headers.items()), without_code(answer.content))
    theirs = shapes.answer(recording.status, recording.headers, without_code(recording.body))
    if recording.number in V1_LOG_DIFFERENCES:
        assert ours != theirs, "listed as different, but is the same: take it out of differences.py"
    else:
        assert ours == theirs


def test_every_line_of_the_table_speaks_of_a_recording() -> None:
    assert set(V1_LOG_DIFFERENCES) <= {each.number for each in recordings(V06) if COVERED.fullmatch(each.path)}
