"""Clients live, have twins, and are closed; the module's own functions have a client of the environment."""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import threading
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest

import simstudio
from simstudio import ConfigurationError
from simstudio.core.runs import SubmittedRun
from simstudio.sandbox.services.speedpix import SpeedPixSandbox, SpeedPixServer
from simstudio.services import speedpix
from simstudio.services.speedpix import (
    AsyncClient,
    AsyncSpeedPixClient,
    Client,
    FileOutput,
    Prediction,
    PredictionStatus,
    SpeedPixClient,
    SpeedPixException,
)
from tests.modes import both_modes
from tests.services.speedpix.helpers import KEY, SECRET, keys, run


@pytest.fixture
def environment(server: SpeedPixServer, monkeypatch: pytest.MonkeyPatch) -> SpeedPixServer:
    """The environment leads to a server."""
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    return server


# --- names and forms --------------------------------------------------------------------------------------------------


def test_the_clients_have_both_their_names():
    assert Client is SpeedPixClient
    assert AsyncClient is AsyncSpeedPixClient


def test_the_constructor_takes_its_arguments_in_the_documented_order():
    client = Client("k-1", "s-1", "https://e.test/", 60.0, "mine/1.0")

    assert (client.app_key, client.endpoint, client.timeout, client.user_agent) == (
        "k-1",
        "https://e.test",
        60.0,
        "mine/1.0",
    )
    names = list(inspect.signature(Client).parameters)
    assert names[:5] == ["app_key", "app_secret", "endpoint", "timeout", "user_agent"]


def test_all_that_is_exported_is_there():
    assert [name for name in speedpix.__all__ if not hasattr(speedpix, name)] == []


def test_every_exception_is_one_of_the_package():
    kinds = [getattr(speedpix, name) for name in speedpix.__all__]
    errors = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseException)]

    assert len(errors) > 15
    assert all(issubclass(kind, SpeedPixException) and issubclass(kind, simstudio.SimStudioError) for kind in errors)


@pytest.mark.parametrize(
    "name", ["run", "predictions.create", "predictions.get", "predictions.list", "files.create", "post"]
)
def test_each_operation_has_an_awaited_form_on_both_clients(name: str):
    for client in (Client(KEY, SECRET), AsyncClient(KEY, SECRET)):
        *path, last = name.split(".")
        resource: Any = client
        for part in path:
            resource = getattr(resource, part)
        method, awaited = getattr(resource, last), getattr(resource, f"async_{last}")

        assert inspect.iscoroutinefunction(awaited)
        assert inspect.iscoroutinefunction(method) == isinstance(client, AsyncClient)
        assert inspect.signature(awaited) == inspect.signature(method)
        assert pickle.loads(pickle.dumps(awaited)).__name__ == f"async_{last}"


def test_statuses_are_the_texts_they_are():
    assert PredictionStatus("canceled") == "canceled" == str(PredictionStatus.CANCELED)


@both_modes
def test_predictions_are_runs_like_any_other_service_s(mode: str, server: SpeedPixServer):
    def script(client: Any) -> Any:
        handle = yield client.predictions.create("paint", {"a": 1})
        assert isinstance(handle, SubmittedRun)
        seen = [(handle.id, handle.status, handle.done)]
        yield handle.refresh()
        seen.append((handle.id, handle.status, handle.done))
        yield handle.wait(timeout=60)
        seen.append((handle.id, handle.status, handle.done))
        result = yield handle.result()
        return seen, result

    seen, result = run(mode, script, **keys(server))

    assert seen == [("task-1", "waiting", False), ("task-1", "waiting", False), ("task-1", "succeeded", True)]
    assert isinstance(result["images"]["url"], FileOutput)


def test_a_handle_is_had_of_an_id_and_of_a_record(mode: str, server: SpeedPixServer):
    def script(client: Any) -> Any:
        begun = yield client.predictions.create("echo", {"a": 1})
        record = pickle.loads(pickle.dumps(begun))
        for known in (begun.id, record):
            handle = client.predictions.handle(known)
            assert (handle.id, handle.status, handle.done) == (begun.id, "unknown", False)
        return (yield handle.result())

    assert run(mode, script, **keys(server)) == {"a": 1}


@both_modes
def test_a_finished_prediction_is_not_asked_for_again(mode: str, server: SpeedPixServer):
    def script(client: Any) -> Any:
        prediction = yield client.predictions.create("echo", {})
        yield prediction.wait()
        asked = len(server.requests)
        yield prediction.wait()
        yield prediction.result()
        return len(server.requests) - asked

    assert run(mode, script, **keys(server)) == 0


@both_modes
def test_progress_is_told_at_each_question(mode: str, server: SpeedPixServer):
    seen: list[Any] = []

    run(mode, lambda c: c.run("echo", {}, on_progress=lambda p: seen.append((p.status, p.progress))), **keys(server))

    assert seen == [("waiting", 0.5), ("running", 0.5), ("succeeded", 1.0)]


async def test_progress_may_be_awaited_where_the_wait_is(server: SpeedPixServer):
    seen: list[str] = []

    async def told(prediction: Prediction[Any]) -> None:
        await asyncio.sleep(0)
        seen.append(prediction.status)

    with server.client() as client:
        await client.async_run("echo", {}, on_progress=told)

    assert seen[-1] == "succeeded"


# --- twins ------------------------------------------------------------------------------------------------------------


async def test_a_blocking_client_can_be_awaited(server: SpeedPixServer, here: Path):
    async with server.client() as client:
        output = await client.async_run("paint", {"image": "./in.png"})
        prediction = await client.predictions.async_create("paint", {})
        assert await prediction.async_wait() is prediction
        assert await prediction.async_reload() is prediction
        assert (await client.predictions.async_get(prediction.id)).succeeded
        assert (await client.files.async_create("./in.png")).size == 12
        assert (await client.async_post("/scc/any", {"a": 1})).json()["data"] == {"a": 1}
        assert (await client.async_invoke("/scc/any", {"a": 1})).ok
        assert await output["images"]["url"].async_read() == b"PNGDATA"

    with pytest.raises(ConfigurationError, match="closed"):
        await client.async_run("echo", {})
    with pytest.raises(ConfigurationError, match="closed"):
        client.run("echo", {})


def test_an_async_client_s_output_can_be_read_blocking(server: SpeedPixServer):
    output = run("async", lambda client: client.run("paint", {}), **keys(server))

    with server.client() as client:
        assert client.run("paint", {})["images"]["url"].read() == b"PNGDATA"
    with pytest.raises(ConfigurationError, match="closed"):
        output["images"]["url"].read()
    assert pickle.loads(pickle.dumps(output))["images"]["url"].read() == b"PNGDATA"


async def test_a_client_of_one_s_own_library_has_no_twin(server: SpeedPixServer):
    with httpx.Client() as library, server.client(http_client=library) as client:
        assert client.run("echo", {"a": 1}) == {"a": 1}
        with pytest.raises(ConfigurationError, match="blocks, so nothing of it can be awaited"):
            await client.async_run("echo", {})
    async with httpx.AsyncClient() as other, server.async_client(http_client=other) as client_:
        output = await client_.run("paint", {})
        with pytest.raises(ConfigurationError, match="awaited, so nothing of it can block"):
            output["images"]["url"].read()


def test_the_clients_refuse_the_other_kind_s_library():
    with pytest.raises(ConfigurationError, match="async"):
        Client(KEY, SECRET, http_client=httpx.AsyncClient())
    with pytest.raises(ConfigurationError, match="not async"):
        AsyncClient(KEY, SECRET, http_client=httpx.Client())


def test_one_async_client_works_across_loops(server: SpeedPixServer):
    client = server.async_client()

    assert [asyncio.run(client.run("echo", {"n": n})) for n in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]
    asyncio.run(client.aclose())


def test_one_blocking_client_serves_threads(server: SpeedPixServer):
    results: list[Any] = []
    with server.client() as client:
        threads = [threading.Thread(target=lambda n=n: results.append(client.run("echo", {"n": n}))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(result["n"] for result in results) == [0, 1, 2, 3]


# --- module-level functions -------------------------------------------------------------------------------------------


async def test_the_module_s_functions_use_the_environment(environment: SpeedPixServer):
    assert speedpix.run("echo", {"a": 1}) == {"a": 1}
    assert await speedpix.async_run("echo", {"a": 2}, polling_interval=0.5) == {"a": 2}


async def test_the_module_s_functions_take_a_client(server: SpeedPixServer):
    with server.client(user_agent="mine") as client:
        assert speedpix.run("echo", {"a": 1}, client=client) == {"a": 1}
        assert await speedpix.async_run("echo", {"a": 2}, client=client) == {"a": 2}
    async with server.async_client(user_agent="mine") as client_:
        assert await speedpix.async_run("echo", {"a": 3}, client=client_) == {"a": 3}
        wrong: Any = client_
        with pytest.raises(ConfigurationError, match="async_run"):
            speedpix.run("echo", {}, client=wrong)

    assert {each.headers["user-agent"] for each in server.requests} == {"mine"}


def test_the_module_s_client_is_made_once(environment: SpeedPixServer, monkeypatch: pytest.MonkeyPatch):
    made: list[Any] = []
    monkeypatch.setattr(
        "simstudio.services.speedpix.default.SpeedPixClient", lambda: made.append(Client(user_agent="new")) or made[-1]
    )
    monkeypatch.setenv("SPEEDPIX_APP_KEY", f"{environment.sandbox.app_key}")
    monkeypatch.setenv("SPEEDPIX_ENDPOINT", f"{environment.base_url}/")  # another one than before

    speedpix.run("echo", {})
    speedpix.run("echo", {})

    assert len(made) == 1


def test_the_module_s_client_follows_a_changed_environment(
    environment: SpeedPixServer, monkeypatch: pytest.MonkeyPatch
):
    speedpix.run("echo", {})
    with SpeedPixSandbox().serve() as other:
        monkeypatch.setenv("SPEEDPIX_ENDPOINT", other.base_url)
        speedpix.run("echo", {})

        assert other.requests


def test_without_keys_the_module_s_functions_say_what_is_missing():
    with pytest.raises(ConfigurationError, match="SPEEDPIX_APP_KEY"):
        speedpix.run("echo", {})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_opens_connections_of_its_own(environment: SpeedPixServer):
    speedpix.run("echo", {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the server's thread, which the child does not need
        child = os.fork()
    if child == 0:  # pragma: no cover - in another process
        try:
            os._exit(0 if speedpix.run("echo", {"a": 1}) == {"a": 1} else 1)
        finally:
            os._exit(2)

    assert os.waitpid(child, 0)[1] == 0
    assert speedpix.run("echo", {"a": 2}) == {"a": 2}


def test_the_warning_of_the_other_form_points_at_the_caller(environment: SpeedPixServer, mode: str):
    options = {"input": {"a": 1}, "alias_id": "main"}

    with pytest.warns(DeprecationWarning, match="taken for options") as caught:
        run(mode, lambda client: client.run("echo", options), **keys(environment))
    assert "simstudio/" not in caught[0].filename.replace(os.sep, "/")
    with pytest.warns(DeprecationWarning, match="taken for options") as caught:
        speedpix.run("echo", options)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("given", [{"input": "text"}, {"input": {"a": 1}, "seed": 3}, {"input": [1]}])
def test_what_is_no_other_form_of_options_is_the_input(mode: str, given: dict[str, Any], server: SpeedPixServer):
    assert run(mode, lambda client: client.run("echo", given), **keys(server)) == given
