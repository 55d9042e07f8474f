"""Jobs in an SQLite file survive a restart, and none is lost."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from simstudio.errors import ConfigurationError
from simstudio.sandbox import Context, Sandbox

from .calls import Caller, Serve

REASON = "The server was restarted while this job was running"


def holding(state: Path | None, entered: threading.Event) -> Sandbox:
    """A sandbox that runs one job at a time, and one workflow that does not end by itself."""
    sandbox = Sandbox(state=state, job_concurrency=1)

    @sandbox.workflow("hold")
    def hold(input: dict, context: Context) -> None:
        entered.set()
        context.cancelled.wait(5)

    return sandbox


def stopped_in_the_middle(serve: Serve, state: Path) -> tuple[Caller, str, str, str]:
    """A server that went away with one job done, one running and one pending."""
    entered = threading.Event()
    call = serve(holding(state, entered))
    done = call.submit("hello", {"name": "first"})["jobId"]
    call.finished_job(done)
    running = call.submit("hold")["jobId"]
    assert entered.wait(5)
    pending = call.submit("hello", {"name": "last"})["jobId"]
    call.server.close()
    return call, done, running, pending


def test_after_a_restart_every_job_is_accounted_for(serve: Serve, tmp_path: Path) -> None:
    _, done, running, pending = stopped_in_the_middle(serve, tmp_path / "state.db")
    call = serve(holding(tmp_path / "state.db", threading.Event()))
    assert call.job(done)["output"]["output"] == {"message": "Hello, first!"}
    orphan = call.job(running)
    assert (orphan["status"], orphan["error"], orphan["output"]) == ("failed", REASON, None)
    assert call.finished_job(pending)["output"]["output"] == {"message": "Hello, last!"}


def test_the_execution_of_an_orphan_failed_too(serve: Serve, tmp_path: Path) -> None:
    _, _, running, _ = stopped_in_the_middle(serve, tmp_path / "state.db")
    call = serve(holding(tmp_path / "state.db", threading.Event()))
    execution = call.job(running)["metadata"]["correlation"]["executionId"]
    body = call.http.get(f"/api/workflows/hold/executions/{execution}").json()
    assert (body["status"], body["error"]) == ("failed", REASON)


def test_a_pending_job_whose_workflow_is_gone_fails_and_says_so(serve: Serve, tmp_path: Path) -> None:
    entered = threading.Event()
    sandbox = holding(tmp_path / "state.db", entered)
    sandbox.workflow("passing")(lambda given: None)
    call = serve(sandbox)
    call.submit("hold")
    assert entered.wait(5)
    pending = call.submit("passing")["jobId"]
    call.server.close()
    job = serve(Sandbox(state=tmp_path / "state.db")).finished_job(pending)
    assert (job["status"], job["error"]) == ("failed", "Workflow passing has no active deployment")


def test_in_memory_the_same_sandbox_can_be_served_again(serve: Serve) -> None:
    call = serve(holding(None, threading.Event()))
    job_id = call.submit("hello")["jobId"]
    call.finished_job(job_id)
    call.server.close()
    call.server.start()
    call.http.base_url = call.server.base_url
    assert call.job(job_id)["status"] == "completed"


def test_a_job_is_in_the_file_before_anyone_hears_of_it(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db"))
    job_id = call.submit("slow", {"seconds": 60})["jobId"]
    with sqlite3.connect(tmp_path / "state.db") as other:
        rows = other.execute("SELECT id FROM records WHERE kind = 'job'").fetchall()
    other.close()
    assert rows == [(job_id,)]


def test_a_state_that_cannot_be_opened_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot open its state"):
        Sandbox(state=tmp_path / "missing" / "state.db").serve().start()


def test_finished_jobs_are_forgotten_after_a_day(tmp_path: Path) -> None:
    from simstudio.sandbox.records import ExecutionRecord, JobRecord, MemoryStore, Store
    from simstudio.sandbox.sqlite import SQLiteStore

    def job(name: str) -> JobRecord:
        return JobRecord(name, name, "hello", "r", {}, {}, "api", created=1.0)

    stores: list[Store] = [MemoryStore(), SQLiteStore(tmp_path / "state.db")]
    for store in stores:
        store.open()
        store.save_job(job("old").refuse("no", 10.0))
        store.save_job(job("running").start(10.0))
        store.save_execution(ExecutionRecord("e", "hello", "api", 1.0).interrupt("no", 30.0))
        store.forget_before(20.0)
        assert store.job("old") is None
        assert store.job("running") is not None
        assert store.execution("e") is not None
        store.close()


def test_only_its_owner_may_read_it(serve: Serve, tmp_path: Path, umask: int) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db"))
    call.submit("hello")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm"), 0o600)
