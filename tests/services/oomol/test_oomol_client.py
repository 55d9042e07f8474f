"""The clients: life cycle, pickles, clones, raw responses, handles, and the same names on both sides."""

from __future__ import annotations

import asyncio
import builtins
import copy
import inspect
import logging
import pickle
import subprocess
import sys
from typing import Any

import pytest

import simstudio
from simstudio.errors import ConfigurationError
from simstudio.services import oomol
from simstudio.services.oomol import (
    ApiConnectionError,
    ApiError,
    ApiRateLimitError,
    AsyncOomolConnectClient,
    InstallFailedError,
    OomolConnectClient,
    OomolConnectError,
    RunResult,
    Task,
    TaskFailedError,
    TaskStoppedError,
)
from simstudio.services.oomol import TimeoutError as OomolTimeoutError
from tests.modes import both_modes
from tests.scripts import reached
from tests.services.oomol.helpers import APPLETS_URL, BASE_URL, TOKEN, Canned, Clock, logs, run, task

DOCUMENTED = {
    "tasks": [
        "list", "create", "create_with_files", "get", "stop", "get_logs", "wait_for_completion", "create_and_wait",
        "run", "run_with_files",
    ],
    "blocks": ["list"],
    "flows": ["list"],
    "packages": [
        "list", "install", "list_install_tasks", "get_install_task", "wait_for_install_completion", "install_and_wait",
    ],
    "applets": ["list", "run"],
}  # fmt: skip

ERRORS = ["OomolConnectError", "ApiError", "TaskFailedError", "TaskStoppedError", "TimeoutError", "InstallFailedError"]


@pytest.mark.parametrize("kind", [OomolConnectClient, AsyncOomolConnectClient])
@pytest.mark.parametrize("namespace", DOCUMENTED)
def test_every_documented_method_is_there_and_no_other(kind: Any, namespace: str):
    resource = getattr(kind(BASE_URL), namespace)

    methods = inspect.getmembers(resource, inspect.ismethod)
    own = {name for name, _ in methods if not name.startswith("_")} - {"handle", "map"}
    assert own == set(DOCUMENTED[namespace])
    for name in DOCUMENTED[namespace]:
        method = getattr(resource, name)
        assert inspect.iscoroutinefunction(method) == (kind is AsyncOomolConnectClient)
        assert "self" not in inspect.signature(method).parameters
        assert "Example:" in (inspect.getdoc(method) or "")


def test_both_clients_have_the_same_constructor():
    assert inspect.signature(OomolConnectClient) == inspect.signature(AsyncOomolConnectClient)


@pytest.mark.parametrize("name", oomol.__all__)
def test_everything_exported_is_there_and_documented(name: str):
    found = getattr(oomol, name)
    assert not isinstance(found, type) or found.__doc__


@pytest.mark.parametrize("name", ERRORS)
def test_every_documented_error_is_exported_and_under_the_root(name: str):
    kind = getattr(oomol, name)
    assert issubclass(kind, OomolConnectError)
    assert issubclass(kind, simstudio.SimStudioError)


def test_the_documented_constructor_of_an_api_error():
    error = ApiError("no such task", 404, '{"message": "no such task"}')

    assert (error.message, error.status, str(error)) == ("no such task", 404, "no such task")
    assert error.response is not None
    assert error.response.text == '{"message": "no such task"}'


@pytest.mark.parametrize(
    "error",
    [
        ApiError("m", 404, "body"),
        ApiRateLimitError("m", 429, said="slow"),
        ApiConnectionError("m", host="h", port=1),
        TaskFailedError("m", "t-1", Task(id="t-1", status="failed"), logs=[]),
        TaskStoppedError("m", "t-1"),
        OomolTimeoutError("m", "t-1"),
        InstallFailedError("m", "i-1"),
    ],
)
def test_errors_pickle_and_copy(error: OomolConnectError):
    for made in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(made) is type(error)
        assert (str(made), made.message, made.status, made.task_id) == (
            str(error), error.message, error.status, error.task_id,
        )  # fmt: skip
        assert vars(made).keys() == vars(error).keys()
    assert isinstance(error, builtins.TimeoutError) == isinstance(error, OomolTimeoutError)


def test_importing_it_imports_nothing_heavy():
    program = (
        "import sys, simstudio.services.oomol\n"
        "heavy = {'httpx', 'cattrs', 'asyncio.base_events', 'starlette', 'numpy', 'cryptography', 'vcr'}\n"
        "print(sorted(heavy & set(sys.modules) - {'asyncio.base_events'}))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_a_client_shows_no_token(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG, "simstudio.transport"):
        server = Canned([{"tasks": []}])
        client = server.client("sync")
        client.tasks.list()

    assert caplog.records
    assert TOKEN not in repr(client) + repr(client.tasks)
    assert TOKEN not in "".join(map(repr, reached(client)))
    assert all(TOKEN not in repr(vars(record)) for record in caplog.records)
    assert server.requests[0].headers["authorization"] == TOKEN


@both_modes
def test_a_closed_client_is_refused(mode: str):
    client = Canned([{"tasks": []}]).client(mode)

    def closed() -> Any:
        client.close()
        client.close()
        return client.tasks.list()

    async def aclosed() -> Any:
        await client.close()
        await client.aclose()
        return await client.tasks.list()

    with pytest.raises(ConfigurationError, match="closed"):
        _ = closed() if mode == "sync" else asyncio.run(aclosed())


ANSWERED: list[Any] = []
"""What `answered` was asked."""


def both_hosts(client: Any) -> Any:
    yield client.tasks.list()
    yield client.applets.list()


def answered(request: Any, call_next: Any) -> Any:
    """A middleware that answers by itself, and pickles."""
    ANSWERED.append(request)
    return simstudio.Response(200, content=b'{"tasks": []}' if request.url.endswith("tasks") else b"[]")
    yield call_next


@pytest.mark.parametrize("kind", [OomolConnectClient, AsyncOomolConnectClient])
def test_a_pickled_client_is_the_same_one(kind: Any):
    client = kind(
        BASE_URL,
        f"Bearer {TOKEN}",
        {"X-A": "1"},
        5.0,
        applets_url=APPLETS_URL,
        applets_token=None,
        max_retries=4,
        middleware=[answered],
    )
    for made in (
        pickle.loads(pickle.dumps(client)),
        copy.deepcopy(client),
    ):
        assert made.get_default_headers() == {"X-A": "1"}
        assert (made.base_url, made.applets_url) == (BASE_URL, APPLETS_URL)
        run(made, both_hosts)
        assert [request.headers.get("authorization") for request in ANSWERED] == [f"Bearer {TOKEN}", None]
        while ANSWERED:
            request = ANSWERED.pop()
            assert (request.budget.total, request.max_retries) == (5.0, 4)
    raw = client.with_raw_response
    assert type(pickle.loads(pickle.dumps(raw))) is type(raw)


@both_modes
def test_a_client_with_an_http_client_of_ones_own_does_not_pickle(mode: str):
    with pytest.raises(ConfigurationError, match="http_client="):
        pickle.dumps(Canned([{}]).client(mode))


def test_a_client_without_a_token_sends_none(mode: str):
    server = Canned([{"tasks": []}])
    server.run(mode, lambda client: client.tasks.list(), api_token=None)

    assert "authorization" not in server.requests[0].headers


@both_modes
def test_the_token_can_be_changed_here_and_in_clones(mode: str):
    server = Canned([*[{"tasks": []}] * 3, []])

    def script(client: Any) -> Any:
        clone = client.with_options(headers={"X-B": "2"}, max_retries=1)
        yield clone.tasks.list()
        client.set_api_token("Bearer other")
        yield clone.tasks.list()
        client.set_api_token(None)
        yield clone.tasks.list()
        yield clone.applets.list()

    server.run(mode, script, default_headers={"X-A": "1"})

    assert [request.headers.get("authorization") for request in server.requests] == [TOKEN, "Bearer other", None, None]
    assert server.requests[0].headers["x-b"] == "2"


def test_default_headers_are_a_copy():
    client = OomolConnectClient(BASE_URL, default_headers={"X-A": "1"})
    client.get_default_headers()["X-A"] = "2"

    assert client.get_default_headers() == {"X-A": "1"}


def test_raw_responses_come_with_their_status(mode: str):
    server = Canned([task(), logs()])
    found = server.run(mode, lambda client: client.with_raw_response.tasks.get("t-1"))

    assert (found.status, found.parse().status) == (200, "completed")


@both_modes
def test_a_handle_refreshes_waits_and_gives_the_result(mode: str, clock: Clock):
    finished = {"id": 1, "type": "BlockFinished", "event": {"result": 42}}
    server = Canned([task("created"), task("running"), task("running"), task(), logs(finished)])
    seen: list[str] = []

    def script(client: Any) -> Any:
        created = yield client.tasks.create({"blockId": "a::b"})
        handle = client.tasks.handle(created)
        seen.append(handle.status)
        yield handle.refresh()
        seen.append(handle.status)
        assert not handle.done
        yield handle.wait(timeout=60, poll_interval=1.0, on_progress=lambda found: seen.append(found.status))
        assert handle.done
        return (yield handle.result())

    result = server.run(mode, script, clock=clock)

    assert isinstance(result, RunResult)
    assert result.result == 42
    assert seen == ["created", "running", "running", "completed"]
    assert clock.slept == [1.0]


def test_a_handle_of_a_failed_task_raises(mode: str):
    server = Canned([task("failed", error="no disk")])

    with pytest.raises(TaskFailedError, match="no disk") as caught:
        server.run(mode, lambda client: client.tasks.handle("t-1").result())
    assert caught.value.task_id == "t-1"


@pytest.mark.parametrize(
    "wait",
    [
        lambda client: client.tasks.handle("t-1").wait(),
        lambda client: client.tasks.handle("t-1").result(),
        lambda client: client.tasks.wait_for_completion("t-1"),
    ],
    ids=["handle.wait", "handle.result", "wait_for_completion"],
)
def test_every_wait_for_a_failed_task_says_why_its_log_says_it_failed(wait: Any):
    log = {"id": 1, "type": "BlockFinished", "event": {"error": "no such voice"}}
    server = Canned([task("failed"), {"logs": [log]}])

    with pytest.raises(TaskFailedError, match="The task t-1 failed: no such voice") as caught:
        server.run("sync", wait)
    assert [found.id for found in caught.value.logs or []] == [1]


def test_a_handle_whose_answer_never_comes_is_a_connection_error_of_the_service(mode: str):
    import httpx

    with pytest.raises(ApiConnectionError):
        Canned([httpx.ReadError("gone")]).run(mode, lambda client: client.tasks.handle("t-1").refresh())


@pytest.mark.parametrize(
    ("status", "done", "succeeded"),
    [
        ("created", False, False),
        ("running", False, False),
        ("completed", True, True),
        ("failed", True, False),
        ("stopped", True, False),
        ("of the future", False, False),
    ],
)
def test_the_status_of_a_task_says_whether_and_how_it_ended(status: str, done: bool, succeeded: bool):
    made = Task(id="t-1", status=status)

    assert (made.done, made.succeeded) == (done, succeeded)


@pytest.mark.parametrize(("status", "found"), [(404, 404), (0, 0), (None, 0)])
def test_an_error_made_by_hand_may_have_a_text_for_its_answer(status: int | None, found: int):
    error = ApiError("m", status, "the body")

    assert error.response is not None
    assert (error.response.status, error.response.text, error.message) == (found, "the body", "m")


def test_a_connection_error_of_a_users_own_class_stays_what_it_is():
    class Refused(simstudio.APIConnectionError):
        pass

    refused = Refused("by a middleware")

    def refuse(request: Any, call_next: Any) -> Any:
        raise refused
        yield

    with pytest.raises(Refused) as caught:
        Canned([]).run("sync", lambda client: client.tasks.get("t-1"), middleware=[refuse])
    assert caught.value is refused
    assert caught.value.__cause__ is None


def test_a_handle_pickles():
    client = OomolConnectClient(BASE_URL, TOKEN)
    made = pickle.loads(pickle.dumps(client.tasks.handle(Task(id="t-1", status="running"))))

    assert (made.id, made.status, made.done) == ("t-1", "running", False)
    assert repr(made) == "<TaskHandle t-1 running>"


@pytest.mark.parametrize("reference", ["t-1", Task(id="t-1", status="running")])
def test_a_task_stands_for_its_id(mode: str, reference: Any):
    server = Canned([task()])
    server.run(mode, lambda client: client.tasks.get(reference))

    assert server.paths == ["GET /api/v1/tasks/t-1"]


def test_models_read_as_in_the_document(mode: str):
    found = Canned([{"flows": [{"name": "flow-1", "path": "/p", "new": 1}]}]).run(
        mode, lambda client: client.flows.list()
    )

    (flow,) = found["flows"]
    assert (flow["name"], flow["path"], flow.name, flow.extra) == ("flow-1", "/p", "flow-1", {"new": 1})
    assert pickle.loads(pickle.dumps(found)) == found


def test_several_tasks_of_one_async_client_run_at_the_same_time():
    def reply(request: Any) -> Any:
        if request.method == "POST":
            return task("created", "t-" + request.content.decode()[-4])
        task_id = request.url.path.split("/")[4]
        return logs() if request.url.path.endswith("/logs") else task("completed", task_id)

    async def script() -> list[Any]:
        async with Canned([reply]).client("async") as client:
            requests = [{"blockId": "a::b", "tag": [number]} for number in range(5)]
            return await asyncio.gather(*(client.tasks.run(request) for request in requests))

    results = asyncio.run(script())

    assert len({result["task_id"] for result in results}) == len({result.task.id for result in results})


@both_modes
def test_an_operation_of_one_client_runs_in_both_modes(mode: str):
    assert run(Canned([{"packages": []}]).client(mode), lambda client: client.packages.list())["packages"] == []
