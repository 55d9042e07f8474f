"""With a state file, the sandboxes of the services keep what was made over the API over restarts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from simstudio import ConfigurationError, JobFailedError
from simstudio.sandbox import Sandbox
from simstudio.sandbox.services.functions import Functions
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from tests.services.limited import fields

PICTURE = b"\xff" * 10_000


@attrs.frozen
class Case:
    """A service.

    Attributes:
        register: Registers a function as ``f``.
        begin: Begins a run of it.
        make: Makes something else over the API.
        handle: The handle of a run that an earlier server began.
        read: Reads what is there.
    """

    sandbox: Callable[..., Any]
    register: Callable[[Any, Any], object]
    begin: Callable[[Any], Any]
    make: Callable[[Any], object]
    handle: Callable[[Any, str], Any]
    read: Callable[[Any], object]


def make_access_keys(client: Any) -> None:
    wid = client.workflows.create(title="copied", source_workflow_wid="f")["wid"]
    client.access_keys.create("L", app_id=wid)
    client.files.upload(b"x", "a.txt")


CASES = {
    "oomol": Case(
        OomolSandbox,
        lambda sandbox, function: sandbox.block("mine::f")(function),
        lambda client: client.tasks.handle(client.tasks.create({"blockId": "mine::f", "inputValues": {"n": 1}})),
        lambda client: client.packages.install_and_wait("audio-lab", timeout=20, poll_interval=0.01),
        lambda client, run_id: client.tasks.handle(run_id),
        lambda client: [client.tasks.list(), client.packages.list()],
    ),
    "speedpix": Case(
        lambda **options: SpeedPixSandbox(states=(), **options),
        lambda sandbox, function: sandbox.workflow("f")(function),
        lambda client: client.run("f", {"n": 1}, wait=False),
        lambda client: client.files.create(b"content", "a.png"),
        lambda client, run_id: client.predictions.handle(run_id),
        lambda client: None,
    ),
    "vectorvein": Case(
        lambda **options: VectorVeinSandbox(polls=0, **options),
        lambda sandbox, function: sandbox.workflow("f")(function),
        lambda client: client.workflows.submit("f", fields(1)),
        make_access_keys,
        lambda client, run_id: client.workflows.handle(run_id),
        lambda client: [client.run_records.list(), client.access_keys.list(), client.list_workflows()],
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def made(case: Case, path: Path, function: Any) -> Any:
    sandbox = case.sandbox(state=path)
    case.register(sandbox, function)
    return sandbox.serve()


def test_everything_is_there_after_a_restart(case: Case, tmp_path: Path) -> None:
    path, calls = tmp_path / "state.db", []

    def function(inputs: Any) -> Any:
        calls.append(inputs)
        return {"n": len(calls)}

    with made(case, path, function) as server, server.client() as client:
        case.make(client)
        run = case.begin(client)
        result = run.result(timeout=20)
        before = case.read(client)
        captured = server.sandbox._state_file.capture()

    with made(case, path, function) as server, server.client() as client:
        assert server.sandbox._state_file.capture().contents == captured.contents
        assert case.read(client) == before
        assert case.handle(client, run.id).result(timeout=20) == result
        assert case.begin(client).result(timeout=20) != result
    assert len(calls) == 2


def test_a_run_that_a_restart_ended_has_failed(case: Case, tmp_path: Path) -> None:
    path, entered, left = tmp_path / "state.db", threading.Event(), threading.Event()

    def function(inputs: Any) -> None:
        entered.set()
        left.wait(20)

    with made(case, path, function) as server, server.client() as client:
        run = case.begin(client)
        assert entered.wait(20)
        server.sandbox._state_file.save()  # as a moment after the request; what follows is a crash
        server.sandbox._state_file.save = lambda: None
    left.set()

    with made(case, path, function) as server, server.client() as client:
        again = case.handle(client, run.id)
        with pytest.raises(JobFailedError, match="server was restarted"):
            again.result(timeout=20)


async def test_the_end_of_a_run_is_written_without_another_request() -> None:
    ends: list[int] = []
    functions = Functions(lambda: ends.append(1))

    await functions.begin(functions.call(asyncio.sleep, 0))
    await asyncio.sleep(0)

    assert ends == [1]


def test_files_of_an_output_are_where_the_server_is_now(tmp_path: Path) -> None:
    def paint(inputs: Any) -> Any:
        return {"picture": Media(PICTURE)}

    case, path = CASES["speedpix"], tmp_path / "state.db"
    with made(case, path, paint) as server, server.client() as client:
        run = case.begin(client)
        assert run.result(timeout=20)["picture"].read() == PICTURE

    with made(case, path, paint) as server, server.client() as client:
        assert case.handle(client, run.id).result(timeout=20)["picture"].read() == PICTURE


def test_all_services_share_one_file_and_a_reset_is_about_one(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with made(CASES["oomol"], path, len) as oomol, Sandbox(state=path).serve() as sim:
        with oomol.client() as client, sim.client(api_version="v2") as sims:  # both write to it
            client.tasks.create({"blockId": "sandbox::echo"})
            sims.v2.workflows.create(sim.sandbox.workspace_id, name="made")
        sim.reset()

    with made(CASES["oomol"], path, len) as oomol, oomol.client() as client:
        assert len(client.tasks.list().tasks) == 1
    with Sandbox(state=path).serve() as sim, sim.client(api_version="v2") as sims:
        assert "made" not in [each.name for each in sims.v2.workflows.list(sim.sandbox.workspace_id)]


def test_a_file_of_something_else_is_refused(case: Case, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"text of somebody" * 100)

    with pytest.raises(ConfigurationError, match=r"cannot open its state .*state\.db: file is not a database"):
        made(case, tmp_path / "state.db", len).start()
