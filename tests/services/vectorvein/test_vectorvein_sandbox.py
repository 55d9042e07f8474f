"""The local VectorVein: every endpoint answers, in the shapes that the samples have."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest

from simstudio import ConfigurationError, NotFoundError, RateLimitError
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox, VectorVeinServer
from simstudio.sandbox.services.vectorvein_records import ROUTES
from simstudio.services.vectorvein import APIKeyError, VectorVeinAPIError, WorkflowInputField
from tests.modes import both_modes
from tests.services.vectorvein.helpers import FIELDS, run

NAME = [WorkflowInputField("node", "Name", "Ada")]


def play(mode: str, server: VectorVeinServer, script: Any, **options: Any) -> Any:
    client = server.client(**options) if mode == "sync" else server.async_client(**options)
    return run(client, script)


def everything(client: Any) -> Any:
    """A program that calls each endpoint at least once."""
    result = yield client.workflows.run("hello", NAME, poll_interval=0.001)
    assert result.data[0].value == "Hello, Ada!"
    made = yield client.create_workflow("T", tags=[{"tid": "t"}])
    assert made.tags[0].tid == "t"
    assert (yield client.workflows.run(made.wid, NAME, poll_interval=0.001)).data[0].value == "Ada"

    key, other = yield client.create_access_keys("M", app_ids=["a", "b"], count=2)
    yield client.update_access_keys(key.access_key, description="x", app_id="a")
    yield client.add_apps_to_access_keys([key.access_key], ["c"])
    yield client.remove_apps_from_access_keys([key.access_key], ["a"])
    (key,) = yield client.get_access_keys(key.access_key)
    assert ([app.app_id for app in key.v_apps], key.description) == (["c"], "x")
    yield client.delete_access_keys("a", other.access_key)
    assert (yield client.list_access_keys(app_id="c", status="AC", access_key_type="M")).total == 1

    uploaded = yield client.upload_file(io.BytesIO(b"abc"), "图.txt")
    assert (uploaded.original_filename, uploaded.file_size, uploaded.content_type) == ("图.txt", 3, "text/plain")

    agent = yield client.create_agent("Researcher", is_public=True)
    yield client.update_agent(agent.agent_id, description="d")
    copied = yield client.duplicate_agent(agent.agent_id)
    assert (yield client.get_agent(copied.agent_id)).description == "d"
    yield client.delete_agent(copied.agent_id)
    assert (yield client.list_agents(search="Res")).page_count == 1
    assert (yield client.list_public_agents(official=True)).agents == []

    task = yield client.create_agent_task("Compare", agent.agent_id)
    yield client.pause_agent_task(task.task_id)
    assert (yield client.list_agent_tasks(status="paused", agent_id=agent.agent_id)).total == 1
    yield client.resume_agent_task(task.task_id)
    yield client.agent_tasks.handle(task).wait(poll_interval=0.001)
    yield client.continue_agent_task(task.task_id, "more")
    yield client.respond_to_agent_task(task.task_id, "call", "yes")
    ended = yield client.agent_tasks.handle(task).wait(poll_interval=0.001)
    assert ended.result == "Done: Compare"
    yield client.update_agent_task_share(task.task_id, shared=True, is_public=True)
    assert (yield client.get_shared_agent_task(task.task_id)).cycles[0].status == "finished"
    assert (yield client.list_public_shared_agent_tasks()).tasks[0].task_id == task.task_id
    (cycle,) = (yield client.list_agent_cycles(task.task_id)).cycles
    assert (yield client.get_agent_cycle(cycle.cycle_id)).agent_task_id == task.task_id

    where = ended.workspace_id
    assert (yield client.write_workspace_file(where, "a.txt", "1\n2\n3\n")) == {"success": True}
    assert (yield client.read_workspace_file(where, "a.txt", 2, 3)).content == "2\n3\n"
    assert (yield client.download_workspace_file(where, "a.txt")).endswith("/a.txt")
    assert (yield client.list_workspace_files(where, prefix="a")).files[0].size == 6
    assert (yield client.list_workspace_files(where, tree_view=True)).tree["children"]
    assert (yield client.get_agent_workspace(where)).file_count == 2
    yield client.delete_workspace_file(where, "a.txt")
    assert (yield client.list_agent_workspaces()).workspaces[0].file_count == 1
    yield client.delete_agent_task(task.task_id)
    return where


@both_modes
def test_a_program_that_calls_every_endpoint_runs(mode: str, server: VectorVeinServer):
    play(mode, server, everything)

    called = {request.path.removeprefix("/api/v1/open-api/") for request in server.requests}
    assert called == set(ROUTES)
    assert len(called) == 38


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.run_workflow("no-such-workflow", []),
        lambda c: c.check_workflow_status("no-such-run"),
        lambda c: c.get_agent("no-such-agent"),
        lambda c: c.create_agent_task("x", "no-such-agent"),
        lambda c: c.get_shared_agent_task("no-such-task"),
        lambda c: c.read_workspace_file("no-such-workspace", "f"),
        lambda c: c.request("POST", "/no/such/endpoint", json={}),
        lambda c: c.request("POST", "/answer", json={}),
    ],
)
def test_what_is_not_there_is_not_found(call: Any, mode: str, server: VectorVeinServer):
    with pytest.raises(NotFoundError):
        play(mode, server, call)


def test_another_key_is_refused(mode: str, server: VectorVeinServer):
    with pytest.raises(APIKeyError, match="invalid API key"):
        play(mode, server, lambda client: client.list_agents(), api_key="another")


def test_a_request_that_it_does_not_understand_is_refused(mode: str, server: VectorVeinServer):
    with pytest.raises(VectorVeinAPIError, match="bad request") as caught:
        play(mode, server, lambda client: client.request("POST", "/workflow/run", json={}))

    assert caught.value.status_code == 400


def test_a_vapps_run_is_found_by_its_workflow_only(mode: str, server: VectorVeinServer):
    def script(client: Any) -> Any:
        rid = yield client.run_workflow("hello", FIELDS, api_key_type="VAPP")
        state = yield client.check_workflow_status(rid, "hello", "VAPP")
        with pytest.raises(NotFoundError):
            yield client.check_workflow_status(rid, "another", "VAPP")
        return state

    assert play(mode, server, script).status == 202


def test_a_run_is_running_as_often_as_is_said(mode: str):
    with VectorVeinSandbox(polls=3).serve() as server:
        seen: list[int] = []
        play(
            mode,
            server,
            lambda client: client.workflows.run(
                "hello", NAME, poll_interval=0.001, on_progress=lambda state: seen.append(state.status)
            ),
        )

    assert seen == [202, 202, 202, 200]


@pytest.mark.parametrize(
    ("returned", "outputs"),
    [
        ({"a": 1, "b": [2]}, [("Text", "a", 1), ("Text", "b", [2])]),
        ([{"type": "Audio", "title": "t", "value": []}], [("Audio", "t", [])]),
        ("text", [("Text", "Output", "text")]),
    ],
)
def test_a_workflow_returns_its_outputs_in_one_of_three_ways(returned: Any, outputs: Any, mode: str):
    sandbox = VectorVeinSandbox(polls=0)
    sandbox.workflow("w")(lambda inputs: returned)

    with sandbox.serve() as server:
        result = play(mode, server, lambda client: client.workflows.run("w", []))

    assert [(each.type, each.title, each.value) for each in result.data] == outputs


def test_faults_happen(mode: str, sandbox: VectorVeinSandbox, server: VectorVeinServer):
    sandbox.faults.add(status=429, headers={"Retry-After": "3"}, body={"status": 429, "msg": "slow down"})

    with pytest.raises(RateLimitError, match=r"slow down.*Wait 3 s") as caught:
        play(mode, server, lambda client: client.create_agent("x"), max_retries=0)

    assert caught.value.retry_after == 3.0


def test_it_has_no_address_before_it_is_started():
    with pytest.raises(ConfigurationError, match="no address"):
        _ = VectorVeinSandbox().serve().base_url


def test_a_taken_port_is_a_clear_error(server: VectorVeinServer):
    with pytest.raises(ConfigurationError, match="cannot listen"):
        VectorVeinSandbox().serve(port=httpx.URL(server.site).port or 0).start()


def test_it_can_be_served_again_after_it_was_closed(sandbox: VectorVeinSandbox):
    for _ in range(2):
        with sandbox.serve() as server:
            assert httpx.get(server.site).status_code == 404
        server.close()
