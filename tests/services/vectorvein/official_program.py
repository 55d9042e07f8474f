"""A program for VectorVein's own packages and for ours: ``python -m … MODULE sync|async BASE_URL KEY``.

It prints what the calls returned, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import attrs

from tests.scripts import adrive, drive

GRAPH = {"nodes": [{"id": "n", "data": {"template": {"Name": {"value": "Ada"}}}}], "edges": []}


def documented(api: Any, client: Any) -> Any:
    """What the documented version has; gives the results by name."""
    fields = [api.WorkflowInputField("n", "Name", "Ada"), api.WorkflowInputField("m", "Name", "Bob")]
    found: dict[str, Any] = {}
    found["rid"] = yield client.run_workflow("both", fields, "all")
    found["state"] = yield client.check_workflow_status(found["rid"])
    found["result"] = yield client.run_workflow("both", fields, "output_fields_only", True, timeout=20)
    for wid in ("broken", "no such workflow"):
        try:
            yield client.run_workflow(wid, [], wait_for_completion=True)
        except api.VectorVeinAPIError as error:
            found[wid] = error.status_code
    (key,) = yield client.create_access_keys("L", "app", None, 1, None, 500, None, "For a fair")
    found["keys"] = yield client.get_access_keys([key.access_key])
    yield client.update_access_keys(access_key=key.access_key, description="For two fairs")
    yield client.add_apps_to_access_keys([key.access_key], ["other"])
    yield client.remove_apps_from_access_keys([key.access_key], ["app"])
    found["all keys"] = yield client.list_access_keys(1, 5, "use_count", "ascend", None, ["AC"], "L")
    yield client.delete_access_keys("other", [key.access_key])
    try:
        yield client.get_access_keys([key.access_key])
    except api.AccessKeyError:
        found["gone"] = True
    return found


def newest(api: Any, client: Any) -> Any:
    """What the newest version has besides; gives the results by name."""
    found: dict[str, Any] = {"identity": (yield client.validate_api_key()), "user": (yield client.get_user_info())}
    upload = yield client.upload_file(io.BytesIO(b"abc"), "a.txt")
    found["upload"] = upload
    made = yield client.create_workflow("T", tags=[{"tid": "t"}])
    yield client.update_workflow(made.wid, GRAPH, "Renamed")
    found["workflow"] = yield client.get_workflow(made.wid)
    found["workflows"] = yield client.list_workflows(1, 5, ["t"])
    rid = yield client.run_workflow_template("both", GRAPH)
    found["vapp"] = yield client.run_workflow("both", [], "all", True, "VAPP", 20)
    yield client.stop_workflow_run(rid)
    found["record"] = yield client.get_workflow_run_record(rid)
    found["records"] = yield client.list_workflow_run_records(1, 5, made.wid, ["FINISHED"])
    yield client.stop_workflow_run_record(rid)
    yield client.delete_workflow_run_record(rid)
    schedule = yield client.update_workflow_run_schedule("0 8 * * *", None, made.wid)
    found["schedule"] = yield client.get_workflow_run_schedule(schedule["sid"])
    found["schedules"] = yield client.list_workflow_run_schedules(page_size=5)
    yield client.delete_workflow_run_schedule(schedule["sid"])
    found["template"] = yield client.get_workflow_template("both")
    found["templates"] = yield client.list_workflow_templates(page=1, page_size=2)
    yield client.delete_workflow(made.wid)

    agent = yield client.create_agent("A", None, "d", "S", {"text": "Ask me"}, "m", "b", default_sub_agent_ids=["s"])
    yield client.update_agent(agent.agent_id, "B", tag_ids=[], is_public=True)
    found["agent"] = yield client.get_agent(agent.agent_id)
    found["agents"] = yield client.list_agents(1, 5, "B", True, False)
    found["copy"] = yield client.duplicate_agent(agent.agent_id)
    yield client.delete_agent(found["copy"].agent_id)

    attachments = [api.AttachmentDetail("a", "http://a"), api.OssAttachmentDetail("a.txt", upload.oss_path)]
    definition = api.AgentDefinition("m", "b", compress_memory_after_tokens=9)
    task = yield client.create_agent_task(
        api.TaskInfo("Compare", attachments), None, definition, api.AgentSettings(agent_type="x"), 3, "T"
    )
    yield client.pause_agent_task(task.task_id)
    found["paused"] = yield client.list_agent_tasks(1, 5, ["paused"])
    yield client.resume_agent_task(task.task_id, "go on", attachments)
    yield client.respond_to_agent_task(task.task_id, "call", "yes")
    yield client.continue_agent_task(task.task_id, "more", attachments)
    yield client.add_pending_message(task.task_id, "hurry", attachments, "append")
    found["task"] = yield client.get_agent_task(task.task_id)
    yield client.update_agent_task_share(task.task_id, True, True, {"title": "T"})
    found["shared"] = yield client.get_shared_agent_task(task.task_id)
    found["public"] = yield client.list_public_shared_agent_tasks()
    found["cycles"] = yield client.list_agent_cycles(task.task_id)
    found["cycle"] = yield client.get_agent_cycle(f"cycle-of-{task.task_id}")

    workspace = task.workspace_id
    yield client.write_workspace_file(workspace, "out/a.txt", "1\n2\n3\n")
    yield client.write_workspace_file(workspace, "b.txt", "")
    found["files"] = yield client.list_workspace_files(workspace, "out/")
    found["tree"] = yield client.list_workspace_files(workspace, None, True)
    found["lines"] = yield client.read_workspace_file(workspace, "out/a.txt", 2, 3)
    found["address"] = yield client.download_workspace_file(workspace, "out/a.txt")
    found["archive"] = yield client.zip_workspace_files(workspace)
    yield client.sync_workspace_container_to_oss(workspace)
    yield client.delete_workspace_file(workspace, "b.txt")
    found["workspace"] = yield client.get_agent_workspace(workspace)
    found["workspaces"] = yield client.list_agent_workspaces()
    other = yield client.create_agent_task(api.TaskInfo("x"), agent.agent_id)
    yield client.batch_delete_agent_tasks([other.task_id])
    yield client.delete_agent_task(task.task_id)
    return found


def program(api: Any, client: Any) -> Any:
    """Everything that the client's version has."""
    found = yield from documented(api, client)
    if hasattr(client, "validate_api_key"):
        found.update((yield from newest(api, client)))
    return found


def plain(value: Any) -> Any:
    """A result as JSON data, a record by the attributes that it has."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if attrs.has(type(value)):
        value = {field.name: getattr(value, field.name, None) for field in attrs.fields(type(value))}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def main(module: str, mode: str, base_url: str, key: str) -> None:
    """Run the program with the clients of a module."""
    api = importlib.import_module(module)
    if mode == "sync":
        with api.VectorVeinClient(key, base_url) as client:
            found = drive(program(api, client))
    else:
        found = asyncio.run(awaited(api, api.AsyncVectorVeinClient(key, base_url)))
    print(json.dumps(plain(found)))


async def awaited(api: Any, client: Any) -> Any:
    """The program with an async client."""
    async with client:
        return await adrive(program(api, client))


if __name__ == "__main__":
    main(*sys.argv[1:])
