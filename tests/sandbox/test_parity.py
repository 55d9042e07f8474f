"""The sandbox answers the recorded requests as the recorded servers did.

Ordinary functions (`stand_ins`) take the places of the recorded workflows, ids are mapped, and every request goes out
as raw HTTP. Status, header names and JSON shape must be the recorded ones; `differences` is the one table of what is
different on purpose, and of what is not played.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from recorded import Recording, recordings

from simstudio.sandbox import RateLimits, Sandbox

from . import hitl_scenes, shapes, stand_ins
from .calls import KEY, Serve, pause
from .differences import DIFFERENCES, OUT_OF_SCOPE, V04, V06, Key, reason_not_played

COVERED = re.compile(
    r"/api/(?:workflows/[^/]+/(?:execute/?|status|executions/.*|paused(?:/.*)?)|resume/.*|jobs/[^/]+|users/me/usage-limits|v1/workflows(?:/[^/]+)?)"
)
OUTSIDER = "sk-sim-outsider"


def covered() -> list[object]:
    return [
        pytest.param(name, recording, id=f"{name}-{recording.number:03d}-{recording.name}")
        for name in (V06, V04)
        for recording in recordings(name)
        if COVERED.fullmatch(recording.path) and reason_not_played(name, recording.name) is None
    ]


@pytest.mark.parametrize(("source", "recording"), covered())
def test_answers_as_recorded(source: str, recording: Recording, serve: Serve) -> None:
    answer = Scene(source, recording, serve).play()
    ours = shapes.answer(answer.status_code, list(answer.headers.items()), answer.content)
    theirs = shapes.answer(recording.status, recording.headers, recording.body)
    if (source, recording.number) in DIFFERENCES:
        assert ours != theirs, "listed as different, but is the same: take it out of differences.py"
    else:
        assert ours == theirs


def test_every_line_of_the_tables_speaks_of_a_recording() -> None:
    names = {
        (source, each.number): each.name
        for source in (V06, V04)
        for each in recordings(source)
        if COVERED.fullmatch(each.path)
    }
    assert set(DIFFERENCES) <= set(names)
    assert all(any(reason_not_played(source, name) == why for (source, _), name in names.items()) for why in REASONS)


REASONS = set(OUT_OF_SCOPE.values())

SMALL = RateLimits(sync_per_minute=2, async_per_minute=2, v1_per_minute=1)

TOLD_BY_THE_ANSWER: dict[bytes, dict[str, object]] = {
    b"Rate limit exceeded": {"rate_limits": SMALL},
    b"Too many requests": {"admission_limit": 1},
    b"timed out": {"execution_timeout": 0.02},
    b"Usage limit exceeded": {"usage_cost": 5, "usage_limit": 1},
    b"redis_unavailable": {"redis": False},
}
"""How the recorded server was set up, where its answer says so."""

SETTINGS: dict[Key, dict[str, object]] = {
    **{(V06, number): {"rate_limits": SMALL} for number in (325, 329, 330, 331, 332)},
    **{(V06, number): {"execution_timeout": 0.02} for number in (339, 340)},
    **{(V06, number): {"redis": False} for number in (344, 346)},
    **{(V06, number): {"usage_cost": 5, "usage_limit": 1} for number in (349,)},
    **{(V04, number): {"rate_limits": SMALL} for number in (199, 200, 205, 206, 208, 218)},
    **{(V04, number): {"usage_cost": 5, "usage_limit": 1} for number in (221, 223)},
    (V04, 75): {"job_concurrency": 1},
    (V04, 164): {"job_concurrency": 1},
}
"""How it was set up, where only the order of the recordings tells."""


def settings(key: Key, recording: Recording) -> dict[str, object]:
    told = [setting for text, setting in TOLD_BY_THE_ANSWER.items() if text in recording.body]
    return {**(told[0] if told else {}), **SETTINGS.get(key, {})}


class Scene:
    """One recording: its server, what had happened before, its request."""

    def __init__(self, source: str, recording: Recording, serve: Serve) -> None:
        self.source = source
        self.recording = recording
        self.key: Key = (source, recording.number)
        self.stage = stand_ins.Stage()
        generation = "v0.6" if source == V06 else "v0.4"
        self.sandbox = Sandbox(KEY, generation=generation, outsider_key=OUTSIDER, **settings(self.key, recording))
        register = stand_ins.v06 if source == V06 else stand_ins.v04
        self.names = register(self.sandbox, self.stage)
        if "deleted-workflow" in recording.name:
            self.names.clear()
        self.call = serve(self.sandbox)

    def play(self) -> httpx.Response:
        path = self.recording.path
        if hitl_scenes.tells_of_paused_runs(self.recording):
            return self._hitl()
        if path.startswith("/api/jobs/"):
            return self._job()
        if path.endswith("/cancel"):
            self._running_execution()
        self._what_the_answer_tells()
        before = BEFORE.get(self.key)
        if before is not None:
            before(self)
        try:
            return self.send(path)
        finally:
            self.stage.released.set()

    def send(self, path: str) -> httpx.Response:
        recording = self.recording
        body = recording.request_body
        request = self.call.http.build_request(
            recording.method,
            self._mapped(path),
            content=None if body is None else self._mapped_blocks(body),
            params=self._query(),
            headers=self._headers(),
        )
        if "x-api-key" not in {name.lower() for name in recording.request_headers}:
            del request.headers["x-api-key"]
        return self.call.http.send(request)

    def _headers(self) -> dict[str, str]:
        headers = dict(self.recording.request_headers)
        if "empty-user-agent" in self.recording.name:
            headers["User-Agent"] = ""
        for name, value in headers.items():
            if name.lower() == "x-api-key" and value == "REDACTED":
                headers[name] = self._key()
        return headers

    def _key(self) -> str:
        name = self.recording.name
        if self.recording.status == 401 or "wrong-key" in name:
            return "sk-sim-nobody"
        return OUTSIDER if "foreign-user" in name and "setup" not in name else KEY

    def _query(self) -> dict[str, str]:
        query = {name: values[-1] for name, values in self.recording.query.items()}
        if "workspaceId" in query:
            query["workspaceId"] = self.sandbox.workspace_id
        if self.key == (V06, 149):
            query["cursor"] = self._second_page(query["limit"])
        return query

    def _second_page(self, limit: str) -> str:
        params = {"workspaceId": self.sandbox.workspace_id, "limit": limit}
        return self.call.http.get("/api/v1/workflows", params=params).json()["nextCursor"]

    def _mapped(self, path: str) -> str:
        for beginning, name in self.names.items():
            path = re.sub(rf"/workflows/{beginning}-[^/]+", f"/workflows/{name}", path)
        return path

    def _mapped_blocks(self, body: bytes) -> bytes:
        """Block ids the recorded caller selected become those of the stand-in's blocks."""
        blocks = {"adb086a2": ("compute", None), "2935e2a0": ("compute", None), "930adf6f": ("two-steps", "First")}
        for beginning, (workflow, block) in blocks.items():
            if self.names.get(self._workflow()) == workflow:
                ours = self.sandbox.block_id(workflow, block).encode()
                body = re.sub(rf"{beginning}-[0-9a-f-]{{27}}".encode(), ours, body)
        return body

    def _workflow(self) -> str:
        return self.recording.path.split("/")[3][:8]

    # What had happened before

    def _what_the_answer_tells(self) -> None:
        """Use up the limits the recorded server had used up; hold what it waited for; cancel what was cancelled."""
        body, limited = self.recording.body, self.recording.status == 429
        if limited and b"Too many requests" in body:
            self.fill_the_gate()
        elif limited and self.recording.path.startswith("/api/v1/"):
            self.exhaust_v1()
        elif limited and self.source == V06:
            self.exhaust(4)
        elif limited:
            mode = {"X_Execution_Mode": "async"} if "X-Execution-Mode" in self.recording.request_headers else {}
            self.exhaust(2, **mode)
        elif b"timed out" in body:
            self.stage.released.clear()
        elif self.source == V06 and self.recording.status == 200 and body.startswith(b'{"success":false,"executionId"'):
            threading.Thread(target=self._cancel_it, daemon=True).start()

    def _cancel_it(self) -> None:
        """Cancel the run that waits on the stage."""
        assert self.stage.entered.wait(5)
        workflow = self.names[self._workflow()]
        with suppress(httpx.TransportError):
            self.call.http.post(f"/api/workflows/{workflow}/executions/{self.stage.execution_id}/cancel")

    def _running_execution(self) -> None:
        """The execution to cancel: a background run in progress, where the workflow is known."""
        name = self.names.get(self._workflow())
        if name is not None:
            self.call.submit(name, {})
            assert self.stage.entered.wait(5)

    def exhaust(self, times: int, **headers: str) -> None:
        for _ in range(times):
            assert self.call.execute("compute", {}, **headers).status_code < 300

    def exhaust_v1(self) -> None:
        for _ in range(2):
            self.call.http.get("/api/v1/workflows", params={"workspaceId": self.sandbox.workspace_id})

    def fill_the_gate(self) -> None:
        """Hold one execution in flight."""
        url = f"{self.call.server.base_url}/api/workflows/long-wait/execute"
        threading.Thread(target=_post_and_forget, args=(url,), daemon=True).start()
        assert self.stage.entered.wait(5)

    def _hitl(self) -> httpx.Response:
        """Bring runs into the states the recorded ones were in, then ask for them."""
        paused = hitl_scenes.Paused(self.call, self.stage)
        try:
            if self.recording.path.startswith("/api/jobs/"):
                return self.send(f"/api/jobs/{hitl_scenes.job_for(self.recording, paused)}")
            execution = hitl_scenes.execution_for(self.recording, paused)
            return self.send(hitl_scenes.mapped(self.recording.path, execution, paused.context))
        finally:
            self.stage.released.set()

    def _job(self) -> httpx.Response:
        """Bring a job into the recorded state, then ask for it."""
        job_id = self._job_like_the_recorded() if self.recording.status in (200, 403) else None
        path = self.recording.path if job_id is None else f"/api/jobs/{job_id}"
        try:
            return self.send(path)
        finally:
            self.stage.released.set()

    def _job_like_the_recorded(self) -> str:
        status = json.loads(self.recording.body).get("status")
        origin = self._origin()
        workflow, body = ("compute", {}) if origin is None else origin
        if status in ("processing", "queued", "pending"):
            self.stage.released.clear()
        if self.key == (V06, 332):
            self.exhaust(3)
        if status == "queued" or self.key == (V04, 164):
            self.stage.released.clear()
            self.call.submit("slow", {})
            assert self.stage.entered.wait(5)
        accepted = self.call.submit(workflow, body)
        job_id = accepted.get("jobId") or accepted["taskId"]
        if self.key == (V04, 164):
            self.sandbox.workflow(workflow, deployed=False)(lambda given: None)
            self.stage.released.set()
        if self.key == (V06, 354):
            self._restart()
        if self.source == V06 and workflow == "long-wait" and status == "completed":
            self._cancel_unless_timed_out(accepted["executionId"])
        self._until(job_id, "failed" if self.key == (V06, 354) else status)
        return job_id

    def _cancel_unless_timed_out(self, execution_id: str) -> None:
        if "execution_timeout" not in settings(self.key, self.recording):
            self.call.http.post(f"/api/workflows/long-wait/executions/{execution_id}/cancel")

    def _restart(self) -> None:
        assert self.stage.entered.wait(5)
        self.call.server.close()
        self.call.server.start()
        self.call.http.base_url = self.call.server.base_url

    def _until(self, job_id: str, status: str | None) -> None:
        for _ in range(500):
            if status is None or self.call.job(job_id)["status"] == status:
                return
            pause()
        raise AssertionError(f"the job never was {status}: {self.call.job(job_id)}")

    def _origin(self) -> tuple[str, dict] | None:
        """The workflow and input of the recorded 202 that began the job, or of the job's own record."""
        job_id = self.recording.path.rpartition("/")[2]
        for each in recordings(self.source):
            if each.status == 202 and job_id.encode() in each.body:
                name = self.names.get(each.path.split("/")[3][:8])
                return None if name is None else (name, json.loads(each.request_body or b"{}"))
        workflow_id = re.search(rb'"workflowId":"([0-9a-f]{8})', self.recording.body)
        name = self.names.get(workflow_id[1].decode()) if workflow_id else None
        return None if name is None else (name, {"message": "hi", "count": 21})


def _post_and_forget(url: str) -> None:
    """An execution whose server goes away under it."""
    with suppress(httpx.TransportError):
        httpx.post(url, json={}, headers={"X-API-Key": KEY})


BEFORE: dict[Key, Callable[[Scene], object]] = {
    (V06, 329): lambda scene: scene.exhaust(4),
    (V06, 330): lambda scene: scene.exhaust(4),
    (V06, 331): lambda scene: scene.exhaust(3),
    (V06, 164): lambda scene: scene.call.execute("files"),
    **{(V04, number): lambda scene: scene.exhaust(2) for number in (205, 206, 208)},
    (V04, 218): lambda scene: scene.exhaust(2, X_Execution_Mode="async"),
}
"""What had happened before, where only the order of the recordings tells."""
