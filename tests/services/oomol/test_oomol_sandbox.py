"""The sandbox: a server on loopback that is good enough to try the client on."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import httpx
import pytest

import simstudio
from simstudio.errors import ConfigurationError
from simstudio.sandbox.services.oomol import Context, OomolSandbox, OomolServer
from simstudio.services.oomol import ApiError, InstallFailedError, TaskFailedError, TaskStoppedError
from tests.modes import both_modes
from tests.services.oomol.helpers import run

FAST = {"interval_ms": 1, "backoff_strategy": "fixed"}


def on(server: OomolServer, mode: str, script: Any, **options: Any) -> Any:
    """What a script gives with a client of the server."""
    client = server.client(**options) if mode == "sync" else server.async_client(**options)
    return run(client, script)


@both_modes
def test_a_block_is_a_function(server: OomolServer, sandbox: OomolSandbox, mode: str):
    @sandbox.block("own::greet", inputs=("name",))
    async def greet(inputs: dict[str, Any], context: Context) -> dict[str, Any]:
        context.log("BlockOutput", {"handle": "text"})
        return {"text": f"Hello, {inputs['name']}!"}

    def script(client: Any) -> Any:
        result = yield client.tasks.run({"blockId": "own::greet", "inputValues": {"name": "Ada"}}, FAST)
        blocks = yield client.blocks.list()
        return result, blocks

    result, blocks = on(server, mode, script)
    assert result["result"] == {"text": "Hello, Ada!"}
    assert [log.type for log in result.logs] == [
        "SessionStarted", "BlockStarted", "BlockOutput", "BlockFinished", "SessionFinished",
    ]  # fmt: skip
    (own,) = [block for block in blocks.blocks if block.package == "own"]
    assert (own.block_id, own.version, own.inputs) == ("own::greet", "1.0.0", [{"handle": "name"}])


def test_what_a_block_raises_fails_its_task(server: OomolServer, mode: str):
    with pytest.raises(TaskFailedError, match="no disk") as caught:
        on(
            server,
            mode,
            lambda client: client.tasks.run({"blockId": "sandbox::fail", "inputValues": {"message": "no disk"}}, FAST),
        )
    assert [log.type for log in caught.value.logs][-1] == "SessionFinished"
    assert pickle.loads(pickle.dumps(caught.value)).task == caught.value.task


def test_a_task_can_be_stopped(server: OomolServer, mode: str):
    def script(client: Any) -> Any:
        created = yield client.tasks.create({"blockId": "sandbox::slow", "inputValues": {"seconds": 60}})
        stopped = yield client.tasks.stop(created)
        assert stopped.task.status == "stopped"
        yield client.tasks.wait_for_completion(created, FAST)

    with pytest.raises(TaskStoppedError):
        on(server, mode, script)


@both_modes
def test_files_arrive_whole(server: OomolServer, tmp_path: Path, mode: str):
    path = tmp_path / "big.bin"
    path.write_bytes(b"0123456789" * 100_000)
    with path.open("rb") as file:
        result = on(
            server,
            mode,
            lambda client: client.tasks.run_with_files(
                "sandbox::files", {"n": 1}, [file, path, ("a.csv", b"1,2", "text/csv")], FAST
            ),
        )

    assert result["result"] == {
        "n": 1,
        "files": [
            ["big.bin", "application/octet-stream", 1_000_000],
            ["big.bin", "application/octet-stream", 1_000_000],
            ["a.csv", "text/csv", 3],
        ],
    }


def test_an_applet_runs_with_its_presets(server: OomolServer, sandbox: OomolSandbox, mode: str):
    sandbox.applet("app-1", "sandbox::echo", {"a": 1, "b": 2})
    result = on(server, mode, lambda client: client.applets.run("app-1", {"b": 3}, FAST))

    assert result["result"] == {"a": 1, "b": 3}


def test_a_package_is_installed_in_steps(server: OomolServer, mode: str):
    seen: list[str] = []

    def script(client: Any) -> Any:
        yield client.packages.install_and_wait("audio-lab", **FAST, on_progress=lambda found: seen.append(found.status))
        listed = yield client.packages.list_install_tasks()
        packages = yield client.packages.list()
        return listed, packages

    listed, packages = on(server, mode, script)
    assert seen == ["running", "success"]
    assert listed["tasks"][0]["packagePath"] == "/p/audio-lab/1.2.0"
    assert "audio-lab" in [package.name for package in packages.packages]


def test_an_unknown_package_is_not_installed(server: OomolServer, mode: str):
    with pytest.raises(InstallFailedError, match="no such package"):
        on(server, mode, lambda client: client.packages.install_and_wait("nothing", None, FAST))


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda client: client.tasks.create({"blockId": "no::such"}), 404),
        (lambda client: client.tasks.get("t-99"), 404),
        (lambda client: client.packages.get_install_task("i-99"), 404),
    ],
)
def test_what_is_not_there_is_not_found(server: OomolServer, mode: str, call: Any, status: int):
    with pytest.raises(ApiError) as caught:
        on(server, mode, call)
    assert caught.value.status == status


@pytest.mark.parametrize("token", ["wrong", None, "Bearer tok-sim-sandbox"])
def test_another_token_is_refused(server: OomolServer, mode: str, token: Any):
    with pytest.raises(simstudio.AuthenticationError):
        on(server, mode, lambda client: client.tasks.list(), api_token=token)


def test_the_token_for_applets_is_a_choice(server: OomolServer, mode: str):
    with pytest.raises(simstudio.AuthenticationError, match="api_token"):
        on(server, mode, lambda client: client.tasks.list(), api_token="wrong")
    with pytest.raises(simstudio.AuthenticationError, match="applets_token="):
        on(server, mode, lambda client: client.applets.list(), applets_token="other")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{nope"),
        ("application/json", b"[]"),
        ("application/json", b'{"blockId": "sandbox::echo", "inputValues": 5}'),
        ("application/x-www-form-urlencoded", b"blockId=sandbox::echo"),
        ("multipart/form-data", b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b"no form"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"),
    ],
)
def test_a_body_that_is_none_is_refused(server: OomolServer, content_type: str, body: bytes):
    response = httpx.post(
        f"{server.base_url}/v1/tasks",
        content=body,
        headers={"Content-Type": content_type, "Authorization": server.sandbox.api_token},
    )

    assert response.status_code == 400


def test_faults_are_met(server: OomolServer, sandbox: OomolSandbox, mode: str, clock: Any):
    sandbox.faults.add(status=503, times=2)
    assert on(server, mode, lambda client: client.tasks.list())["tasks"] == []

    assert len(server.requests) == 3


def test_it_keeps_what_it_received_without_the_token(server: OomolServer, mode: str):
    on(server, mode, lambda client: client.tasks.list())

    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/api/v1/tasks")
    assert "authorization" not in request.headers


def test_it_has_no_address_before_it_is_served():
    server = OomolSandbox().serve()
    with pytest.raises(ConfigurationError, match="no address"):
        _ = server.base_url


def test_it_closes_while_tasks_run():
    with OomolSandbox().serve() as server, server.client() as client:
        client.tasks.create({"blockId": "sandbox::slow", "inputValues": {"seconds": 60}})
    server.close()
