"""A program for Oomol's own package and for ours: ``python -m … MODULE CLIENT FIELD BASE_URL TOKEN``.

It prints what the calls returned, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any

POLLING = {"interval_ms": 20, "timeout_ms": 60_000, "backoff_strategy": "fixed"}


async def program(api: Any, client: Any, field: str) -> dict[str, Any]:
    """The results of all calls that the package has, by name; ``field`` holds the block id of a task."""
    found: dict[str, Any] = {"blocks": await client.blocks.list()}
    if field == "manifest":
        found["flows"] = await client.flows.list()
    else:
        found["all blocks"] = await client.blocks.list(include_all_versions=True)
    found["created"] = await client.tasks.create({field: "sandbox::echo", "inputValues": {"text": "你好"}})
    task_id = found["created"]["task"]["id"]
    seen: list[str] = []
    options = {
        **POLLING,
        "on_progress": lambda task: seen.append(task["status"]),
        "on_log": lambda log: seen.append(log["type"]),
    }
    found["completed"] = await client.tasks.wait_for_completion(task_id, options)
    found["seen"] = sorted(set(seen) - {"created", "running"})
    found["logs"] = await client.tasks.get_logs(task_id)
    for inputs in ([{"handle": "a", "value": 1}], [{"nodeId": "n", "inputs": [{"handle": "b", "value": None}]}]):
        ran = await client.tasks.run({field: "sandbox::echo", "inputValues": inputs}, POLLING)
        found[f"result of {inputs}"] = ran["result"]
    found["ended"] = await client.tasks.create_and_wait({field: "sandbox::echo"}, POLLING)
    for name, message in (("sandbox::fail", "it broke"), ("sandbox::nothing", "none")):
        try:
            await client.tasks.run({field: name, "inputValues": {"message": message}}, POLLING)
        except api.TaskFailedError as error:
            found[name] = [error.task_id, error.task["status"]]
        except api.ApiError as error:
            found[name] = [error.status, error.message]
    slow = (await client.tasks.create({field: "sandbox::slow", "inputValues": {"seconds": 30}}))["task"]["id"]
    try:
        await client.tasks.wait_for_completion(slow, {"interval_ms": 20, "timeout_ms": 50})
    except api.TimeoutError as error:
        found["timeout"] = type(error).__name__
    found["stopped"] = (await client.tasks.stop(slow))["task"]["status"]
    try:
        await client.tasks.wait_for_completion(slow, POLLING)
    except api.TaskStoppedError as error:
        found["stopped error"] = error.task_id
    found["tasks"] = [task["status"] for task in (await client.tasks.list())["tasks"]]
    found["packages"] = await client.packages.list()
    found["install"] = (await client.packages.install("audio-lab", "1.2.0"))["status"]
    found["installed"] = await client.packages.wait_for_install_completion("i-1", POLLING)
    found["again"] = (await client.packages.get_install_task("i-1"))["packagePath"]
    try:
        await client.packages.install_and_wait("nothing", None, POLLING)
    except api.InstallFailedError as error:
        found["failed install"] = error.task_id
    found["installations"] = await client.packages.list_install_tasks()
    found["raw"] = await client.request("/v1/blocks")
    found["raw post"] = (await client.request("/v1/tasks", "POST", {field: "sandbox::echo"}))["task"]["status"]
    return found


def plain(value: Any) -> Any:
    """A result as JSON data, without times and without the envelope around a single task."""
    value = value.to_dict() if hasattr(value, "to_dict") else value
    if isinstance(value, dict):
        envelope = {"task", "success", "taskId"} if "status" in value else set()
        names = [name for name in value if not name.endswith(("_at", "At")) and name not in envelope]
        return {name: plain(value[name]) for name in names}
    return [plain(item) for item in value] if isinstance(value, list) else value


async def main(module: str, client: str, field: str, base_url: str, token: str) -> None:
    """Run the program with the client of a module."""
    api = importlib.import_module(module)
    async with getattr(api, client)({"base_url": base_url, "api_token": token}) as made:
        print(json.dumps(plain(await program(api, made, field))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
