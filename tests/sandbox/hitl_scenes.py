"""What had happened before the recorded requests about paused runs."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable

import httpx
from recorded import Recording

from .calls import Caller, pause
from .stand_ins import Stage

WORKFLOW = "approval"

_RECORDED = re.compile(r"/(?:workflows|resume)/94046471-")
_JOBS = ("job-status-paused-execution", "job-status-async-resume")

_ANSWER = {"input": {"approved": True, "comment": "ok"}}


class Paused:
    """Brings runs of the stand-in into the states the recorded ones were in."""

    def __init__(self, call: Caller, stage: Stage) -> None:
        self.call = call
        self._stage = stage
        self.context = call.sandbox.block_id(WORKFLOW, "Approval")

    def sync(self) -> str:
        return self.call.execute(WORKFLOW, {"message": "ship it"}).json()["executionId"]

    def stream(self) -> str:
        frames = self.call.frames(WORKFLOW, {"message": "ship it"})
        return json.loads(frames[0])["data"]["output"]["data"]["_resume"]["executionId"]

    def background(self) -> tuple[str, str]:
        accepted = self.call.submit(WORKFLOW, {"message": "async pause"})
        self.call.finished_job(accepted["jobId"])
        return accepted["executionId"], accepted["jobId"]

    def resume(self, execution: str) -> httpx.Response:
        return self.call.http.post(f"/api/resume/{WORKFLOW}/{execution}/{self.context}", json=_ANSWER)

    def resumed(self, execution: str) -> str:
        assert self.resume(execution).status_code == 200
        return execution

    def cancelled(self, execution: str) -> str:
        assert self.call.http.post(f"/api/workflows/{WORKFLOW}/executions/{execution}/cancel").status_code == 200
        return execution

    def held(self, execution: str) -> str:
        """Resume a run that was started in the background, and hold it."""
        self._stage.released.clear()
        self._stage.entered.clear()
        assert self.resume(execution).status_code == 202
        assert self._stage.entered.wait(5)
        return execution

    def the_six_recorded(self) -> None:
        self.stream()
        self.resumed(self.sync())
        self.resumed(self.sync())
        background, _ = self.background()
        self.resumed(self.stream())
        self.cancelled(self.sync())
        self.held(background)


def tells_of_paused_runs(recording: Recording) -> bool:
    """Whether a recording is played here."""
    return _RECORDED.search(recording.path) is not None or recording.name.startswith(_JOBS)


def execution_for(recording: Recording, paused: Paused) -> str | None:
    """Play what came before; the execution that takes the recorded one's place."""
    before: dict[str, Callable[[], object]] = {
        "paused-list-status-paused": lambda: (paused.stream(), paused.sync()),
        "paused-list-status-empty": paused.the_six_recorded,
        "paused-list-status-two": paused.the_six_recorded,
        "resume-post-again-400": lambda: paused.resumed(paused.sync()),
        "resume-post-after-cancel-400": lambda: paused.cancelled(paused.sync()),
        "resume-post-stream-origin": paused.stream,
    }
    of_one_run = re.search(r"/(?:paused|resume/[^/]+|executions)/[0-9a-f-]{36}", recording.path)
    happened = before.get(recording.name, paused.sync if of_one_run else lambda: None)()
    return happened if isinstance(happened, str) else None


def mapped(path: str, execution: str | None, context: str) -> str:
    """The recorded path with our ids, as far as they were known there."""
    path = re.sub(r"/resume/[0-9a-f-]{36}", f"/resume/{WORKFLOW}", path)
    if execution is not None and "00000000-" not in path:
        path = re.sub(r"/(paused|resume/[^/]+|executions)/[0-9a-f-]{36}", rf"/\1/{execution}", path)
    return re.sub(r"/[0-9a-f-]{36}$", f"/{context}", path) if path.count("/") > 4 and "/resume/" in path else path


def job_for(recording: Recording, paused: Paused) -> str:
    """The job that takes the place of the recorded one: of a run that paused, or of its resumption."""
    execution, job = paused.background()
    if recording.name == _JOBS[0]:
        return job
    job = paused.resume(execution).json()["jobId"]
    until(lambda: paused.call.job(job)["status"] == "completed")
    return job


def until(true: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    for _ in range(1000):
        if true():
            return
        pause()
    raise AssertionError("it never happened")


def in_background(function: Callable[[], object]) -> threading.Thread:
    """Start a function in a thread."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread
