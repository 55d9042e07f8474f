"""The local VectorVein: every endpoint answers, in the shapes that the samples have."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import Any

import httpx
import pytest

from simstudio import ConfigurationError, NotFoundError, RateLimitError
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox, VectorVeinServer
from simstudio.sandbox.services.vectorvein_records import ROUTES, page_of
from simstudio.services.vectorvein import APIKeyError, VectorVeinAPIError, WorkflowError, WorkflowInputField
from tests.modes import both_modes
from tests.services.vectorvein.helpers import FIELDS, run

GRAPH = {
    "nodes": [{"id": "node", "data": {"template": {"Name": {"value": "Ada"}, "Out": {"is_output": True}}}}],
    "edges": [],
}
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
    rid = (yield client.workflows.run(made.wid, NAME, poll_interval=0.001)).rid
    copied = yield client.create_workflow(source_workflow_wid="hello")
    assert (yield client.workflows.run(copied.wid, NAME, poll_interval=0.001)).data[0].value == "Hello, Ada!"
    assert (yield client.update_workflow(made.wid, GRAPH, title="Renamed"))["title"] == "Renamed"
    assert (yield client.get_workflow(made.wid)).data == GRAPH
    assert [each.wid for each in (yield client.list_workflows(search_text="Renamed", tags="t")).workflows] == [made.wid]
    assert (yield client.get_workflow_template(made.wid))["data"] == GRAPH
    assert (yield client.list_workflow_templates(page_size=2))["total"] == 3
    template = yield client.run_workflow_template("hello", GRAPH)
    assert (yield client.workflows.handle(template).wait(poll_interval=0.001)).data[0].value == "Hello, Ada!"
    yield client.stop_workflow_run(template)  # it has ended
    assert (yield client.get_workflow_run_record(rid))["status"] == "FINISHED"
    assert (yield client.list_workflow_run_records(wid=made.wid, status="FINISHED"))["total"] == 1
    yield client.stop_workflow_run_record(rid)
    yield client.delete_workflow_run_record(rid)
    with pytest.raises(VectorVeinAPIError, match="does not wait for a human"):
        yield client.resume_workflow_run(template, [])
    sid = (yield client.update_workflow_run_schedule("0 8 * * *", wid=made.wid))["sid"]
    yield client.update_workflow_run_schedule("0 9 * * *", sid, timezone="Europe/Berlin")
    schedule = yield client.get_workflow_run_schedule(sid)
    assert (schedule["cron_expression"], schedule["timezone"]) == ("0 9 * * *", "Europe/Berlin")
    assert (yield client.list_workflow_run_schedules(status=["ACTIVE"]))["total"] == 1
    yield client.delete_workflow_run_schedule(sid)
    yield client.delete_workflow(made.wid)
    with pytest.raises(NotFoundError):
        yield client.workflows.run(made.wid, NAME)
    assert (yield client.validate_api_key()).username == (yield client.get_user_info())["username"]

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
    assert (yield client.list_agents(is_public=True)).total == 1
    older = yield client.request("POST", "/task-agent/agent/public-list", json={"page": 1, "page_size": 9})
    assert older["data"]["total"] == 1

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
    assert (yield client.get_shared_agent_task(task.task_id)).cycles[0].status == "COMPLETED"
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
    assert (yield client.zip_workspace_files(where))["file_url"]
    yield client.sync_workspace_container_to_oss(where)
    yield client.add_pending_message(task.task_id, "Hurry")
    yield client.delete_agent_task(task.task_id)
    other = yield client.create_agent_task("Compare", agent.agent_id)
    assert (yield client.batch_delete_agent_tasks([other.task_id]))["deleted_count"] == 1
    return where


@both_modes
def test_a_program_that_calls_every_endpoint_runs(mode: str, server: VectorVeinServer):
    play(mode, server, everything)

    called = {request.path.removeprefix("/api/v1/open-api/") for request in server.requests}
    assert called == set(ROUTES)
    assert len(called) == 61


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ({}, ["b", "a", "c"]),
        ({"sort_field": "start_time"}, ["c", "a", "b"]),
        ({"sort_field": "start_time", "sort_order": "ascend"}, ["b", "a", "c"]),
        ({"sort_field": "end_time"}, ["b", "c", "a"]),
        ({"sort_field": "unknown"}, ["c", "a", "b"]),
    ],
)
def test_a_list_has_the_order_of_the_request(order: dict[str, Any], found: list[str]):
    records = [
        {"rid": "b", "start_time": 1, "end_time": 3},
        {"rid": "a", "start_time": 2, "end_time": None},
        {"rid": "c", "start_time": 2, "end_time": 2},
    ]

    assert [each["rid"] for each in page_of("runs", records, order)["runs"]] == found


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


def test_inputs_are_found_by_field_and_by_node_and_field(mode: str):
    seen: list[Any] = []
    sandbox = VectorVeinSandbox(polls=0)

    @sandbox.workflow("two")
    def two(inputs: Any) -> Any:
        seen.append((dict(inputs), inputs["a", "text"], inputs["b", "text"], inputs["c", "only"], inputs.get("no", 0)))
        seen.append(inputs.fields)
        return inputs["text"]

    fields = [WorkflowInputField(*each) for each in (("a", "text", 1), ("b", "text", 2), ("c", "only", 3))]
    with (
        sandbox.serve() as server,
        pytest.raises(WorkflowError, match=r"inputs\['a', 'text'\] or inputs\['b', 'text'\]"),
    ):
        play(mode, server, lambda client: client.workflows.run("two", fields))

    assert seen[0] == ({"a.text": 1, "b.text": 2, "only": 3}, 1, 2, 3, 0)
    assert seen[1] == fields


def test_runs_go_on_side_by_side_and_a_submit_is_answered_at_once(mode: str):
    sandbox = VectorVeinSandbox(polls=1)
    barrier, gate = threading.Barrier(2, timeout=30), asyncio.Event()
    begun: list[str] = []

    @sandbox.workflow("thread")
    def in_thread(inputs: Any) -> str:
        barrier.wait()  # both runs are in here at the same time
        return "thread"

    @sandbox.workflow("first")
    async def first(inputs: Any) -> str:
        begun.append("first")
        await gate.wait()
        return "first"

    @sandbox.workflow("second")
    async def second(inputs: Any) -> str:
        gate.set()
        return "second"

    def script(client: Any) -> Any:
        threads = (yield client.workflows.submit("thread", [])), (yield client.workflows.submit("thread", []))
        first = yield client.workflows.submit("first", [])
        assert (yield first.refresh()).status == 202
        assert begun == ["first"]
        runs = (*threads, first, (yield client.workflows.submit("second", [])))
        for each in runs:
            yield each.wait(poll_interval=0.001)
        return [each.state.data[0].value for each in runs]

    with sandbox.serve() as server:
        assert play(mode, server, script) == ["thread", "thread", "first", "second"]


def test_a_run_that_is_stopped_fails(mode: str):
    sandbox = VectorVeinSandbox(polls=9)

    @sandbox.workflow("endless")
    async def endless(inputs: Any) -> None:
        await asyncio.Event().wait()

    def script(client: Any) -> Any:
        rid = yield client.run_workflow("endless", [])
        yield client.stop_workflow_run(rid)
        record = yield client.get_workflow_run_record(rid)
        assert record["status"] == "STOPPED"
        return client.check_workflow_status(rid)

    with sandbox.serve() as server, pytest.raises(WorkflowError, match="stopped"):
        play(mode, server, script)


def test_outputs_that_are_no_json_are_the_failure_of_the_run(mode: str):
    sandbox = VectorVeinSandbox(polls=0)
    sandbox.workflow("odd")(lambda inputs: object())

    with sandbox.serve() as server, pytest.raises(WorkflowError):
        play(mode, server, lambda client: client.workflows.run("odd", []))


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
