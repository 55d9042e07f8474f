"""One program, two versions of the API: what a user sees is the same, on the sandbox, sync and async."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterator
from typing import Any

import pytest

import simstudio as sim
from simstudio.sandbox import Block, Chunk, Context, Pause, Sandbox, SandboxServer
from tests.scripts import adrive, drive

Script = Generator[Any, Any, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    sandbox = Sandbox(outsider_key="sk-sim-test-outsider")

    @sandbox.workflow("echo")
    def echo(input: Any) -> Any:
        return {"got": input}

    @sandbox.workflow("story", block="writer")
    def story(input: Any) -> Iterator[Any]:
        yield Chunk("Once ")
        yield Chunk("upon a time")
        yield Block({"title": "A story"}, name="titler")

    @sandbox.workflow("approve")
    def approve(input: Any) -> Any:
        answer = yield Pause("Approve?", {"approved": bool})
        return {"approved": answer["approved"]}

    @sandbox.workflow("endless")
    async def endless(input: Any, context: Context) -> Any:
        import asyncio

        await asyncio.sleep(60)

    sandbox.workflow("draft", deployed=False)(echo)
    with sandbox.serve() as served:
        yield served


def played(server: SandboxServer, script: Any, mode: str, version: str, **options: Any) -> Any:
    """What a script gives on the client of a mode and a version."""
    if mode == "sync":
        with server.client(api_version=version, **options) as client:
            return drive(script(client))

    async def run() -> Any:
        async with server.async_client(api_version=version, **options) as client:
            return await adrive(script(client))

    import asyncio

    return asyncio.run(run())


@pytest.fixture(params=["sync", "async"])
def same(request: pytest.FixtureRequest, server: SandboxServer) -> Any:
    """What a script gives, which is the same in both versions."""

    def compare(script: Any, **options: Any) -> Any:
        told = {version: played(server, script, request.param, version, **options) for version in ("v1", "v2")}
        assert told["v1"] == told["v2"]
        return told["v2"]

    return compare


def raised(call: Any) -> Script:
    """What a call raised, as a user would look at it."""
    try:
        yield call()
    except sim.SimStudioError as error:
        result = getattr(error, "result", None)
        return type(error).__name__, error.code, result and (result.success, result.output, result.error)
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("value", [None, {}, {"name": "Ada", "n": 1.5, "list": [1, None]}, [1, 2], "text", 0, False])
def test_an_execution_gets_the_same_input_and_gives_the_same_output(same, value):
    def script(client: Any) -> Script:
        result = yield client.workflows.execute("echo", value)
        return result.success, result.output, result.error, sorted(result.metadata)

    assert same(script)[0] is True


def test_a_key_that_v1_must_nest_is_free_in_v2(server):
    def script(client: Any) -> Script:
        return (yield client.workflows.execute("echo", {"stream": 1})).output

    assert played(server, script, "sync", "v2") == {"got": {"stream": 1}}
    with pytest.raises(sim.InvalidInputError):
        played(server, script, "sync", "v1")


def test_a_failing_workflow_raises_the_same(same):
    told = same(lambda client: raised(lambda: client.workflows.execute("fail", {"message": "no"})))
    assert told == ("ExecutionError", "EXECUTION_ERROR", (False, {}, "fail: no"))


def test_an_unknown_a_hidden_and_an_undeployed_workflow_are_the_same_errors(same):
    def script(client: Any) -> Script:
        nobody = yield from raised(lambda: client.workflows.execute("nobody"))
        draft = yield from raised(lambda: client.workflows.execute("draft"))
        return nobody[0], draft[0]

    assert same(script) == ("NotFoundError", "PermissionDeniedError")
    assert same(lambda client: raised(lambda: client.workflows.execute("echo")), api_key="sk-sim-wrong")[:2] == (
        "AuthenticationError",
        "UNAUTHORIZED",
    )


def test_a_background_run_is_waited_for_alike(same):
    def script(client: Any) -> Script:
        receipt = yield client.workflows.submit("echo", {"a": 1})
        job = yield client.jobs.wait(receipt, poll_interval=0.01)
        again = yield client.jobs.get(receipt.task_id, workflow_id="echo")
        whole = yield client.workflows.run("echo", {"a": 2}, poll_interval=0.01)
        assert isinstance(receipt, sim.AsyncExecutionResult)
        assert receipt.links["status"].startswith("/api/")
        return (
            (receipt.success, receipt.status),
            (job.status, job.succeeded, job.result.output),
            again.result.output,
            (whole.success, whole.output),
        )

    assert same(script)[1] == ("completed", True, {"got": {"a": 1}})


def test_a_failing_background_run_raises_the_same(same):
    def script(client: Any) -> Script:
        return (yield from raised(lambda: client.workflows.run("fail", {"message": "no"}, poll_interval=0.01)))

    assert same(script)[0] == "JobFailedError"


def test_a_cancelled_background_run_raises_the_same(same):
    def script(client: Any) -> Script:
        receipt = yield client.workflows.submit("endless")
        cancelled = yield client.workflows.cancel("endless", receipt.execution_id)
        name, *_ = yield from raised(lambda: client.jobs.wait(receipt, poll_interval=0.01))
        return cancelled.success, name

    assert same(script) == (True, "JobCancelledError")


def test_a_stream_tells_the_same_text_and_the_same_result(same):
    def script(client: Any) -> Script:
        # v2 sends the selected output of a block that does not stream as text as well.
        result = yield client.execute_workflow("story", {}, stream=True, selected_outputs=["writer.content"])
        return result.success, result.output

    success, output = same(script)
    assert success
    assert {"content": "Once upon a time"} in output.values()


def test_a_failing_stream_raises_the_same(same):
    told = same(lambda client: raised(lambda: client.execute_workflow("fail", {"message": "no"}, stream=True)))
    assert told[:2] == ("ExecutionError", "EXECUTION_ERROR")


def test_a_paused_run_is_found_inspected_and_answered_alike(same):
    def script(client: Any) -> Script:
        result = yield client.workflows.execute("approve")
        page = yield client.workflows.paused("approve").page()
        listed = [run for run in page.items if run.execution_id == result.execution_id]
        found = yield client.workflows.get_paused("approve", result.execution_id)
        resumed = yield client.workflows.resume(listed[0], {"approved": True})
        return (
            result.paused,
            [(each.question, [field.name for field in each.input_fields]) for each in (result.pause, found.paused)],
            len(listed),
            (type(resumed).__name__, resumed.success, resumed.output),
        )

    paused, asked, listed, resumed = same(script)
    assert (paused, listed) == (True, 1)
    assert asked == [("Approve?", ["approved"])] * 2
    assert resumed == ("WorkflowExecutionResult", True, {"approved": True})


def test_a_paused_background_run_goes_on_as_a_job(same):
    def script(client: Any) -> Script:
        job = yield client.jobs.wait((yield client.workflows.submit("approve")), poll_interval=0.01)
        receipt = yield client.workflows.resume(job, {"approved": False})
        done = yield client.jobs.wait(receipt, poll_interval=0.01)
        return job.paused, job.succeeded, type(receipt).__name__, done.result.output

    assert same(script) == (True, False, "AsyncExecutionResult", {"approved": False})


def test_a_paused_run_can_be_cancelled_alike(same):
    def script(client: Any) -> Script:
        result = yield client.workflows.execute("approve")
        cancelled = yield client.workflows.cancel("approve", result.execution_id)
        late = yield from raised(lambda: client.workflows.resume(result, {"approved": True}))
        return cancelled.success, late[0] in ("InvalidRequestError", "ConflictError")

    assert same(script) == (True, True)


def test_status_and_validation_are_alike(same):
    def script(client: Any) -> Script:
        status = yield client.workflows.status("echo")
        deployed = yield client.workflows.validate("echo")
        draft = yield client.workflows.validate("draft")
        nobody = yield client.workflows.validate("nobody")
        return status.is_deployed, status.needs_redeployment, bool(status.deployed_at), [deployed, draft, nobody]

    assert same(script) == (True, False, True, [True, False, False])


def test_the_plan_and_the_storage_are_alike(same):
    def script(client: Any) -> Script:
        limits = yield client.usage.limits()
        return limits.success, limits.usage.plan, limits.storage.to_dict()

    assert same(script)[:2] == (True, "free")


def test_the_documented_polling_loop_runs_unchanged(same):
    def script(client: Any) -> Script:
        receipt = yield client.execute_workflow("echo", {"a": 1}, async_execution=True)
        status: dict[str, Any] = {"status": "queued"}
        while status["status"] in ("queued", "processing"):
            status = yield client.get_job_status(receipt.task_id)
        return (
            status["status"],
            status["success"],
            status.get("error"),
            sorted(receipt.links),
        )

    assert same(script)[0] == "completed"


def test_raw_responses_differ_only_in_the_wire(server):
    for version in ("v1", "v2"):
        with server.client(api_version=version) as client:
            raw = client.with_raw_response.workflows.execute("echo", {"a": 1})
            assert (raw.status, raw.parse().output) == (200, {"got": {"a": 1}})
            with contextlib.suppress(KeyError):
                assert json.loads(raw.response.content)["data"]["status"] == "completed"
