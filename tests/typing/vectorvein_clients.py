"""What a checker infers for a user of VectorVein's clients. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from simstudio import APIResponse
from simstudio.core.modes import Async, Sync
from simstudio.services import vectorvein
from simstudio.services.vectorvein import (
    AccessKey,
    AccessKeyListResponse,
    Agent,
    AgentDefinition,
    AgentTask,
    AsyncVectorVeinClient,
    AttachmentDetail,
    FileUploadResult,
    VAppURL,
    VectorVeinClient,
    Workflow,
    WorkflowInputField,
    WorkflowRun,
    WorkflowRunResult,
)

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type

FIELDS = [WorkflowInputField(node_id="n", field_name="f", value="v")]


def sync_client(client: VectorVeinClient) -> None:
    assert_type(client.run_workflow("w", FIELDS, "all", True, 30), str | WorkflowRunResult)
    assert_type(client.run_workflow("w", FIELDS, "all", True, "VAPP", 30), str | WorkflowRunResult)
    assert_type(client.workflows.run("w", FIELDS), WorkflowRunResult)
    assert_type(client.workflows.run("w", {"n.f": 1}), WorkflowRunResult)
    assert_type(client.workflows.run("w", FIELDS).data[0].value, Any)
    run = client.workflows.submit("w", [{"node_id": "n", "field_name": "f", "value": 1}])
    assert_type(run, WorkflowRun[Sync])
    assert_type(run.wait(timeout=5), WorkflowRunResult)
    assert_type(client.check_workflow_status("rid"), WorkflowRunResult)
    assert_type(client.get_access_keys(["a"]), list[AccessKey])
    assert_type(client.list_access_keys(page=2), AccessKeyListResponse)
    assert_type(client.access_keys.list(page=2), AccessKeyListResponse)
    assert_type(client.delete_agent("a"), None)
    assert_type(client.upload_file("a.txt"), FileUploadResult)
    assert_type(client.upload_file(b"abc", "a.txt"), FileUploadResult)
    assert_type(client.run_workflow("w", [WorkflowInputField("n", "f", Path("a.txt"))]), str | WorkflowRunResult)
    assert_type(client.continue_agent_task("t", "x", [AttachmentDetail("a", "u"), Path("b.txt")]), AgentTask)
    assert_type(client.get_workflow("w"), Workflow)
    assert_type(client.list_workflows(tags=["t"]).workflows, list[Workflow])
    assert_type(client.run_workflow_template("t", {}), str)
    assert_type(client.validate_api_key().username, str | None)
    assert_type(client.agent_tasks.get("t").waiting, bool)
    assert_type(AgentDefinition("m", "b").compress_memory_after_tokens, int | None)
    for workflow in client.workflows.iterate():
        assert_type(workflow, Workflow)
    assert_type(client.agent_tasks.handle("t").wait(), AgentTask)
    assert_type(client.generate_vapp_url("a", "b", "c"), VAppURL)
    assert_type(client.with_raw_response.get_agent("a"), APIResponse[Agent])
    for key in client.access_keys.iterate():
        assert_type(key, AccessKey)


async def async_client(client: AsyncVectorVeinClient) -> None:
    run = await client.workflows.submit("w", FIELDS)
    assert_type(run, WorkflowRun[Async])
    assert_type(await run.result(), WorkflowRunResult)
    assert_type(await client.get_agent("a"), Agent)
    assert_type(await client.generate_vapp_url("a", "b", "c"), str)
    assert_type(await client.with_raw_response.agents.get("a"), APIResponse[Agent])
    async for key in client.access_keys.iterate():
        assert_type(key, AccessKey)
    try:
        await client.list_agents()
    except vectorvein.TimeoutError as error:
        assert_type(error.rid, str | None)


def mistakes(client: VectorVeinClient) -> None:
    client.create_agent("a", "b", "c", "d", "model")  # type: ignore[arg-type]
    client.continue_agent_task("t", "x", [b"bytes"])  # type: ignore[list-item]
    client.get_agent(5)  # type: ignore[arg-type]
    client.list_agents(pages=3)  # type: ignore[call-arg]
    client.no_such_method()  # type: ignore[attr-defined]
