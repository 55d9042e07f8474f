"""The documented methods of the async client: the same names, awaited, against each generation of the server."""

from __future__ import annotations

import asyncio
import inspect

import pytest

import simstudio as sim
from simstudio.sandbox import RateLimits
from tests.documents.stage import JOB, KEY, TEXT, documented, nothing

AWAITED = (
    "execute_workflow",
    "execute_workflow_sync",
    "execute_with_retry",
    "get_workflow_status",
    "validate_workflow",
    "get_job_status",
    "get_usage_limits",
    "close",
)
AT_ONCE = ("get_rate_limit_info", "set_api_key", "set_base_url")


@pytest.mark.parametrize("method", AWAITED)
def test_what_asks_the_server_is_a_coroutine_function(method):
    assert inspect.iscoroutinefunction(getattr(sim.AsyncSimStudioClient("sk-sim-test"), method))


@pytest.mark.parametrize("method", AT_ONCE)
def test_what_asks_nobody_is_no_coroutine_function(method):
    assert not inspect.iscoroutinefunction(getattr(sim.AsyncSimStudioClient("sk-sim-test"), method))


async def test_a_workflow_is_executed(generation, serve):
    serve(documented(generation))

    async with sim.AsyncSimStudioClient() as client:
        results = [
            await client.execute_workflow("workflow-id", input_data={"message": "Hello, world!"}, timeout=30.0),
            await client.execute_workflow("workflow-id", {"message": "Hello, world!"}),
            await client.execute_workflow("workflow-id", input={"message": "Hello, world!"}),
            await client.execute_workflow_sync("workflow-id", {"message": "Hello, world!"}),
            await client.execute_with_retry(
                "workflow-id",
                input_data={"message": "Hello"},
                timeout=30.0,
                max_retries=3,
                initial_delay=1.0,
                max_delay=30.0,
                backoff_multiplier=2.0,
            ),
        ]

    for result in results:
        assert type(result) is sim.WorkflowExecutionResult
        assert (result.success, result.output) == (True, {"content": TEXT})
        assert result.metadata["duration"] >= 0


async def test_a_streamed_execution_brings_its_text(generation, serve):
    server = serve(documented(generation))
    block = server.sandbox.block_id("workflow-id")

    async with sim.AsyncSimStudioClient() as client:
        result = await client.execute_workflow(
            "workflow-id", input_data={"message": "Count to five"}, stream=True, selected_outputs=["agent1.content"]
        )

    assert result.output == {block: {"content": TEXT}}


async def test_a_job_is_followed(generation, serve):
    serve(documented(generation))

    async with sim.AsyncSimStudioClient() as client:
        receipt = await client.execute_workflow("workflow-id", {"data": "large dataset"}, async_execution=True)
        assert receipt.links["status"] == f"/api/jobs/{receipt.task_id}"
        assert receipt.status == "queued"
        status = await client.get_job_status(receipt.task_id)
        while status["status"] in ("pending", "queued", "processing"):
            await asyncio.sleep(0.002)
            status = await client.get_job_status(receipt.task_id)

    assert type(status) is dict
    assert (status["success"], status["taskId"], status["status"]) == (True, receipt.task_id, "completed")
    assert TEXT in str(status["output"])


async def test_the_documented_job_is_asked_for(generation, serve):
    serve(documented(generation), job=True)

    async with sim.AsyncSimStudioClient() as client:
        assert (await client.get_job_status(JOB))["status"] == "completed"


async def test_a_workflow_is_validated(generation, serve):
    sandbox = documented(generation)
    sandbox.workflow("workflow-2", deployed=False)(nothing)
    serve(sandbox)

    async with sim.AsyncSimStudioClient(max_retries=0) as client:
        status = await client.get_workflow_status("workflow-id")
        assert (type(status), status.is_deployed) == (sim.WorkflowStatus, True)
        assert await client.validate_workflow("workflow-id") is True
        assert await client.validate_workflow("workflow-2") is False
        assert await client.validate_workflow("workflow-9") is False
        client.set_base_url("http://127.0.0.1:1")
        assert await client.validate_workflow("workflow-id") is False


async def test_the_limits_are_told(generation, serve):
    serve(documented(generation))

    async with sim.AsyncSimStudioClient() as client:
        limits = await client.get_usage_limits()
        info = client.get_rate_limit_info()

    assert limits.rate_limit["sync"]["remaining"] >= 0
    assert limits.rate_limit["async"]["limit"] > 0
    assert (limits.usage["currentPeriodCost"], limits.usage["plan"]) == (0, "free")
    if generation == "documents":
        assert info.limit == limits.rate_limit["sync"]["limit"]
    else:
        assert info is None  # the servers send no such headers here


async def limited(client: sim.AsyncSimStudioClient) -> bool:
    """Whether an execution meets the rate limit."""
    try:
        await client.execute_workflow("workflow-id")
    except sim.RateLimitError:
        return True
    return False


async def test_a_429_is_retried_and_nothing_else_is(generation, serve, monkeypatch):
    sandbox = documented(generation, rate_limits=RateLimits(sync_per_minute=1))
    server = serve(sandbox)
    slept: list[float] = []
    sleep = asyncio.sleep

    async def short(seconds: float, *more: object) -> None:
        if seconds >= 0.1:  # the client's own pauses, not the sandbox's
            slept.append(seconds)
            sandbox.rate_limits = None
            seconds = 0
        await sleep(seconds, *more)

    monkeypatch.setattr("asyncio.sleep", short)
    async with sim.AsyncSimStudioClient() as client:
        assert [await limited(client) for _ in range(3)][-1]
        before = len(server.requests)
        result = await client.execute_with_retry("workflow-id", {"message": "Process this"}, max_retries=5)
        with pytest.raises(sim.NotFoundError):
            await client.execute_with_retry("workflow-9", max_retries=5)

    assert result.success
    assert len(slept) == 1
    assert len(server.requests) - before == 3


async def test_key_and_address_are_changed_for_the_next_request(generation, serve):
    server = serve(documented(generation, api_key="new-api-key"))

    client = sim.AsyncSimStudioClient("wrong", "http://127.0.0.1:1")
    client.set_base_url(server.base_url)
    with pytest.raises(sim.AuthenticationError) as raised:
        await client.get_usage_limits()
    client.set_api_key("new-api-key")
    limits = await client.get_usage_limits()
    await client.close()

    assert raised.value.code == "UNAUTHORIZED"
    assert limits.success
    with pytest.raises(sim.ConfigurationError, match="closed"):
        await client.get_usage_limits()


async def test_sim_ai_is_the_address_that_is_used_without_another(generation, serve, monkeypatch):
    serve(documented(generation))
    monkeypatch.delenv("SIM_BASE_URL")

    async with sim.AsyncSimStudioClient(KEY) as client:
        assert client.base_url == "https://sim.ai"
        assert (await client.execute_workflow("workflow-id")).output == {"content": TEXT}
