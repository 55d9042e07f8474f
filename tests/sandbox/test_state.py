"""Jobs in an SQLite file survive a restart, and none is lost."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from simstudio.errors import ConfigurationError
from simstudio.sandbox import Context, Sandbox, sqlite
from simstudio.sandbox.data.table_groups import Cell, Dispatch
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.snapshot import Captured
from simstudio.sandbox.sqlite import SQLiteStore

from .calls import Caller, Serve, pause

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
    with pytest.raises(ConfigurationError, match=r"cannot open its state .*state\.db: unable to open"):
        Sandbox(state=tmp_path / "missing" / "state.db").serve().start()


def test_a_second_sandbox_of_the_same_service_is_refused_until_the_first_is_closed(
    serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "state.db"
    call = serve(Sandbox(state=path))
    job_id = call.submit("slow", {"seconds": 60})["jobId"]

    with pytest.raises(
        ConfigurationError, match=rf"a running sandbox of the same service uses it \(process {os.getpid()}\)"
    ):
        Sandbox(state=path).serve().start()
    with OomolSandbox(state=path).serve():
        assert {each.name for each in tmp_path.glob("*.lock")} == {"state.db-sim.lock", "state.db-oomol.lock"}
    assert call.job(job_id)["status"] in ("pending", "queued", "processing")

    call.server.close()
    serve(Sandbox(state=path)).server.close()
    assert not list(tmp_path.glob("*.lock"))


def test_a_sandbox_that_is_not_closed_leaves_its_state_when_it_is_collected(tmp_path: Path) -> None:
    def leave() -> None:
        sandbox = Sandbox(state=tmp_path / "state.db")
        sandbox._open_state()
        sandbox._core.store.close()

    leave()
    gc.collect()
    Sandbox(state=tmp_path / "state.db").serve().start().close()


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
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm", "state.db-sim.lock"), 0o600)


def populated(call: Caller) -> None:
    """A sandbox with something of each kind."""
    workspace = {"workspaceId": call.sandbox.workspace_id}
    requests: list[tuple[str, dict[str, object]]] = [
        ("tables", {"name": "people", "schema": {"columns": [{"name": "name", "type": "string"}]}}),
        ("knowledge", {"name": "handbook"}),
        ("workflows", {"name": "made"}),
    ]
    for path, body in requests:
        answer = call.http.post(f"/api/v2/{path}", json={**workspace, **body})
        assert answer.status_code in (200, 201), answer.text
    with call.server.client(api_version="v2") as client:
        client.v2.files.upload(("large.bin", b"\xff" * 10_000), workspace_id=call.sandbox.workspace_id)
        client.v2.secrets.set("TOKEN", value="abc", scope="workspace", workspace_id=call.sandbox.workspace_id)
    call.execute("hello")


def listed(call: Caller) -> dict[str, list[dict[str, object]]]:
    """Everything that can be listed, without addresses of the server."""
    params = {"workspaceId": call.sandbox.workspace_id}
    found = {}
    for kind in ("tables", "knowledge", "workflows", "files", "secrets", "logs"):
        answer = call.http.get(f"/api/v2/{kind}", params=params)
        assert answer.status_code == 200, answer.text
        found[kind] = [{k: v for k, v in each.items() if k != "webUrl"} for each in answer.json()["data"]]
    return found


def capture(call: Caller) -> Captured:
    assert call.sandbox._state_file is not None
    return call.sandbox._state_file.capture()


def test_everything_is_there_after_a_restart(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db"))
    populated(call)
    before = listed(call)
    captured = capture(call)
    call.server.close()

    call = serve(Sandbox(state=tmp_path / "state.db"))

    assert capture(call) == captured
    assert min(map(len, before.values())) >= 1
    assert listed(call) == before
    (file,) = before["files"]
    download = call.http.get(f"/api/v2/files/{file['id']}", params={"workspaceId": call.sandbox.workspace_id})
    assert download.content == b"\xff" * 10_000


def test_runs_of_a_table_that_a_crash_ended_are_cancelled(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db"))
    populated(call)
    (table,) = call.sandbox._core.data.tables.all()
    dispatch = Dispatch("all", {}, 1.0)
    table.dispatches[dispatch.id] = dispatch
    table.cells["row"] = {"group": Cell("hello", "run"), "other": Cell("hello", "run", "completed")}
    call.server.close()

    call = serve(Sandbox(state=tmp_path / "state.db"))

    (table,) = call.sandbox._core.data.tables.all()
    assert [each.status for each in table.dispatches.values()] == ["canceled"]
    assert [each.status for each in table.cells["row"].values()] == ["canceled", "completed"]


def test_data_is_in_the_file_soon_after_a_request(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simstudio.sandbox.state_file._PAUSE", 0.0)
    call = serve(Sandbox(state=tmp_path / "state.db"))
    populated(call)

    for _ in range(500):
        other = SQLiteStore(tmp_path / "state.db")
        found = other.data()
        other.close()
        if found is not None and "handbook" in found.document and found.contents:
            return
        pause()
    raise AssertionError("it was not written")


def test_a_function_that_was_edited_has_its_new_fields_and_others_keep_their_versions(
    serve: Serve, tmp_path: Path
) -> None:
    def sandbox(first: object, *, with_second: bool = True) -> Sandbox:
        made = Sandbox(state=tmp_path / "state.db")
        made.workflow("first")(first)  # type: ignore[type-var]
        if with_second:
            made.workflow("second")(lambda given: None)
        return made

    def one(a: str = "x") -> None: ...
    def two(a: str = "x", b: int = 1) -> None: ...

    call = serve(sandbox(one))
    for name in ("first", "second"):
        assert call.http.post(f"/api/v2/workflows/{name}/deploy", json={}).status_code == 200
    call.server.close()
    call = serve(sandbox(two))
    with call.server.client(api_version="v2") as client:
        assert [field.name for field in client.workflows.describe("first").inputs or ()] == ["a", "b"]
        assert len(call.http.get("/api/v2/workflows/second/versions").json()["data"]) == 2
    call.server.close()

    call = serve(sandbox(two, with_second=False))
    assert "second" not in {each["id"] for each in listed(call)["workflows"]}


def test_a_file_of_the_first_release_opens(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, began REAL NOT NULL, ended REAL,
                document TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
            CREATE INDEX unfinished ON records (kind, began) WHERE ended IS NULL;
            INSERT INTO records VALUES ('job', 'run_1', 4e9, 4e9, json_object('id', 'run_1', 'execution_id', 'e-1',
                'workflow_id', 'hello', 'request_id', 'r', 'received', json('{}'), 'raw', json('{}'), 'trigger', 'api',
                'created', 4e9, 'state', 'done', 'ending', 'completed', 'output', 'old', 'started', 4e9, 'ended', 4e9));
            PRAGMA user_version = 1;
            """
        )
    db.close()
    call = serve(Sandbox(state=path))
    populated(call)

    assert call.job("run_1")["output"]["output"] == "old"


def test_a_file_that_two_services_begin_at_once_serves_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.db"
    check = sqlite._check_version

    def check_late(connection: sqlite3.Connection) -> int:
        version = check(connection)
        monkeypatch.setattr(sqlite, "_check_version", check)
        oomol.save_data(Captured("{}", {}))
        return version

    monkeypatch.setattr(sqlite, "_check_version", check_late)
    with closing(SQLiteStore(path)) as sim, closing(SQLiteStore(path, "oomol")) as oomol:
        sim.save_data(Captured("[]", {}))

        assert [sim.data(), oomol.data()] == [Captured("[]", {}), Captured("{}", {})]


def test_data_of_another_shape_are_called_so(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "state.db")
    store.save_data(Captured("[]", {}))
    store.close()

    with pytest.raises(ConfigurationError, match="not the data of a sandbox"):
        Sandbox(state=tmp_path / "state.db").serve().start()


def test_the_database_of_another_program_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (a)")
    other.close()

    with pytest.raises(ConfigurationError, match="of another program, with the table theirs"):
        Sandbox(state=path).serve().start()

    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
        assert other.execute("PRAGMA user_version").fetchone() == (0,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    other.close()


@pytest.mark.parametrize(
    "document",
    [
        '{"data": {"$class": "os:system", "$id": 1}}',
        '{"data": {"$class": "data.stores:Data", "$id": 1, "x": {"$y": 1}}}',
    ],
)
def test_a_document_that_names_something_else_runs_nothing(tmp_path: Path, document: str) -> None:
    store = SQLiteStore(tmp_path / "state.db")
    store.save_data(Captured(f'{document[:-1]}, "definitions": {{}}, "lastRuns": {{}}, "functions": {{}}}}', {}))
    store.close()

    with pytest.raises(ConfigurationError, match="cannot open its state"):
        Sandbox(state=tmp_path / "state.db").serve().start()


def test_an_application_that_another_server_runs_keeps_its_state_too(tmp_path: Path) -> None:
    def run(sandbox: Sandbox, *requests: httpx.Request) -> list[httpx.Response]:
        async def live() -> list[httpx.Response]:
            app = sandbox.app
            started, over = asyncio.Event(), asyncio.Event()

            async def receive() -> dict[str, str]:
                if started.is_set():
                    await over.wait()
                    return {"type": "lifespan.shutdown"}
                return {"type": "lifespan.startup"}

            async def send(message: dict[str, str]) -> None:
                started.set()

            lifespan = asyncio.ensure_future(app({"type": "lifespan"}, receive, send))
            await started.wait()
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
                found = [await client.send(request) for request in requests]
            over.set()
            await lifespan
            return found

        return asyncio.run(live())

    def sandbox() -> Sandbox:
        return Sandbox(state=tmp_path / "state.db")

    url = "http://any/api/v2/knowledge"
    headers = {"X-API-Key": "sk-sim-sandbox", "User-Agent": "test"}
    workspace = {"workspaceId": sandbox().workspace_id}
    run(sandbox(), httpx.Request("POST", url, json={**workspace, "name": "handbook"}, headers=headers))
    (listing,) = run(sandbox(), httpx.Request("GET", url, params=workspace, headers=headers))

    assert [each["name"] for each in listing.json()["data"]] == ["handbook"]
