"""What each service can do: a function for each name in a cell of the table in ``examples/services.md``.

Each runs on both kinds of client: ``do(value)`` awaits what the async client returns, and ``do.items(found)`` iterates
over it in its way.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import httpx

FIELDS = [{"node_id": "n", "field_name": "Name", "value": "Ada"}]


@attrs.define
class Do:
    """A client of one kind, and how its results are taken.

    Attributes:
        server: The served sandbox.
        client: A client of it.
        folder: For files.
    """

    server: Any
    client: Any
    folder: Path
    loop: asyncio.AbstractEventLoop | None

    def __call__(self, value: Any) -> Any:
        """A result; awaited, where the client is async."""
        return self.loop.run_until_complete(_awaited(value)) if self.loop is not None else value

    def items(self, found: Any) -> list[Any]:
        """The items of a batch, a stream or a list."""
        if self.loop is None:
            return list(found)

        async def collect() -> list[Any]:
            return [item async for item in found]

        return self.loop.run_until_complete(collect())

    def another(self, **options: Any) -> Any:
        """A client of the same kind with other options."""
        return (self.server.client if self.loop is None else self.server.async_client)(**options)

    def close(self, client: Any) -> None:
        """Close a client of :meth:`another`."""
        self(client.close() if self.loop is None else client.aclose())

    def file(self) -> Path:
        """A file to send."""
        path = self.folder / "in.png"
        path.write_bytes(b"abc")
        return path


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


Cell = Callable[[Do], Any]


def read_raw(call: Callable[[Any], Any]) -> Cell:
    """A call whose raw response has a status."""
    return lambda do: do(call(do.client.with_raw_response)).status == 200


def use_middleware(call: Callable[[Any], Any]) -> Cell:
    """A middleware of one's own sees the request of a call."""

    def cell(do: Do) -> bool:
        seen = []

        def mine(request: Any, call_next: Any) -> Any:
            seen.append(request.path)
            return (yield from call_next(request))

        client = do.another(middleware=[mine])
        do(call(client))
        do.close(client)
        return bool(seen)

    return cell


def use_http_client(call: Callable[[Any], Any]) -> Cell:
    """A call goes through an HTTP client of one's own."""

    def cell(do: Do) -> bool:
        seen: list[Any] = []
        if do.loop is None:
            own: Any = httpx.Client(event_hooks={"request": [seen.append]})
        else:

            async def see(request: Any) -> None:
                seen.append(request)

            own = httpx.AsyncClient(event_hooks={"request": [see]})
        client = do.another(http_client=own)
        do(call(client))
        do.close(client)
        do(own.close() if do.loop is None else own.aclose())
        return bool(seen)

    return cell


def report_progress(call: Callable[[Do, Callable[[Any], None]], Any]) -> Cell:
    """A call that tells of its progress."""

    def cell(do: Do) -> bool:
        seen: list[Any] = []
        do(call(do, seen.append))
        return bool(seen)

    return cell


def map_two(call: Callable[[Any], Any]) -> Cell:
    """A batch whose items are done."""
    return lambda do: [item.state for item in do.items(call(do.client))] == ["done", "done"]


def poll_often(**options: Any) -> dict[str, Any]:
    """Options of a wait that asks often."""
    return {"poll_interval": 0.01, **options}


# --- Sim --------------------------------------------------------------------------------------------------------------


def _sim_job(do: Do) -> Any:
    return do(do.client.workflows.submit("hello", {"name": "Ada"}))


def _cancel_sim_run(do: Do) -> bool:
    begun = do(do.client.workflows.submit("slow", {"seconds": 60}))
    return bool(do(do.client.workflows.cancel("slow", begun.execution_id)).success)


def _sim_stream(do: Do) -> bool:
    async def collect() -> list[str]:
        async with do.client.workflows.stream("count", {"to": 2}, selected_outputs=["count.content"]) as events:
            return [text async for text in events.text()]

    if do.loop is not None:
        return bool(do.loop.run_until_complete(collect()))
    with do.client.workflows.stream("count", {"to": 2}, selected_outputs=["count.content"]) as events:
        return bool(list(events.text()))


def _sim_file(do: Do) -> bool:
    workspace = do.server.sandbox.workspace_id
    uploaded = do(do.client.v1.files.upload(workspace, do.file()))
    return bool(do(do.client.v1.files.download(uploaded.id, workspace_id=workspace)).content == b"abc")


SIM: Mapping[str, Cell] = {
    "workflows.execute": lambda do: do(do.client.workflows.execute("hello", {"name": "Ada"})).output["message"],
    "workflows.run": lambda do: do(do.client.workflows.run("hello", {"name": "Ada"}, timeout=30)).output["message"],
    "workflows.submit": lambda do: _sim_job(do).task_id,
    "jobs.get": lambda do: do(do.client.jobs.get(_sim_job(do))).task_id,
    "jobs.wait": lambda do: do(do.client.jobs.wait(_sim_job(do), timeout=30)).succeeded,
    "jobs.handle": lambda do: do(do.client.jobs.handle(_sim_job(do).task_id).result(timeout=30)),
    "workflows.cancel": _cancel_sim_run,
    "workflows.map": map_two(lambda client: client.workflows.map("hello", [{"name": "Ada"}, {"name": "Grace"}])),
    "workflows.stream": _sim_stream,
    "on_progress": report_progress(lambda do, tell: do.client.jobs.wait(_sim_job(do), timeout=30, on_progress=tell)),
    "pathlib.Path": lambda do: do(do.client.workflows.execute("hello", {"file": do.file()})).success,
    "v1.files.upload": _sim_file,
    "v1.files.download": _sim_file,
    "v1.workflows": lambda do: do.items(do.client.v1.workflows.list(do.server.sandbox.workspace_id)),
    "with_raw_response": read_raw(lambda client: client.workflows.execute("hello", {"name": "Ada"})),
    "middleware": use_middleware(lambda client: client.workflows.execute("hello", {})),
    "http_client": use_http_client(lambda client: client.workflows.execute("hello", {})),
}

# --- Oomol Connect ----------------------------------------------------------------------------------------------------

_ECHO = {"blockId": "sandbox::echo", "inputValues": {"n": 1}}
_SOON = {"interval_ms": 10, "timeout_ms": 30_000}


def _task(do: Do) -> Any:
    return do(do.client.tasks.create(_ECHO))


def _slow_task(do: Do) -> Any:
    return do(do.client.tasks.create({"blockId": "sandbox::slow", "inputValues": {"seconds": 60}}))


OOMOL: Mapping[str, Cell] = {
    "tasks.run": lambda do: do(do.client.tasks.run(_ECHO, _SOON)).result == {"n": 1},
    "applets.run": lambda do: do(do.client.applets.run("a-1", {"n": 1}, _SOON)).result == {"n": 1},
    "tasks.create": lambda do: _task(do).id,
    "tasks.get": lambda do: do(do.client.tasks.get(_task(do))).status,
    "tasks.wait_for_completion": lambda do: do(do.client.tasks.wait_for_completion(_task(do), _SOON)).succeeded,
    "tasks.handle": lambda do: do(do.client.tasks.handle(_task(do).id).result(timeout=30)).result == {"n": 1},
    "tasks.stop": lambda do: do(do.client.tasks.stop(_slow_task(do))),
    "tasks.map": map_two(lambda client: client.tasks.map("sandbox::echo", [{"n": 1}, {"n": 2}])),
    "on_progress": report_progress(lambda do, tell: do.client.tasks.run(_ECHO, {**_SOON, "on_progress": tell})),
    "on_log": report_progress(lambda do, tell: do.client.tasks.run(_ECHO, {**_SOON, "on_log": tell})),
    "tasks.run_with_files": lambda do: do(
        do.client.tasks.run_with_files("sandbox::files", {"n": 1}, do.file(), _SOON)
    ).result["files"],
    "blocks": lambda do: do(do.client.blocks.list()).blocks,
    "flows": lambda do: do(do.client.flows.list()).to_dict(),
    "packages": lambda do: do(do.client.packages.list()).packages,
    "applets": lambda do: do(do.client.applets.list()),
    "with_raw_response": read_raw(lambda client: client.tasks.list()),
    "middleware": use_middleware(lambda client: client.tasks.list()),
    "http_client": use_http_client(lambda client: client.tasks.list()),
}

# --- SpeedPix ---------------------------------------------------------------------------------------------------------


def _prediction(do: Do, workflow: str = "echo", **fields: Any) -> Any:
    return do(do.client.predictions.create(workflow, fields))


def _picture(do: Do) -> bytes:
    output = do(do.client.run("paint", {"prompt": "a cat"}, polling_interval=0.01))["url"]
    path = do.folder / "cat.png"
    do(output.save(path) if do.loop is None else output.async_save(path))
    return path.read_bytes()


SPEEDPIX: Mapping[str, Cell] = {
    "run": lambda do: do(do.client.run("echo", {"n": 1}, polling_interval=0.01)) == {"n": 1},
    "predictions.create": lambda do: _prediction(do).id,
    "prediction.reload": lambda do: do(_prediction(do).reload()).status,
    "prediction.wait": lambda do: do(_prediction(do, n=1).wait(timeout=30)).output == {"n": 1},
    "predictions.handle": lambda do: do(do.client.predictions.handle(_prediction(do, n=1).id).result()) == {"n": 1},
    "map": map_two(lambda client: client.map("echo", [{"n": 1}, {"n": 2}])),
    "on_progress": report_progress(lambda do, tell: _prediction(do).wait(on_progress=tell)),
    "pathlib.Path": lambda do: do(do.client.run("echo", {"image": do.file()}, polling_interval=0.01))["image"].url,
    "files.create": lambda do: do(do.client.files.create(do.file())).access_url,
    "FileOutput.save": lambda do: _picture(do) == b"a cat",
    "with_raw_response": read_raw(lambda client: client.predictions.create("echo", {})),
    "middleware": use_middleware(lambda client: client.predictions.create("echo", {})),
    "http_client": use_http_client(lambda client: client.predictions.create("echo", {})),
}

# --- VectorVein -------------------------------------------------------------------------------------------------------


def _run(do: Do) -> Any:
    return do(do.client.workflows.submit("hello", FIELDS))


def _workspace_file(do: Do) -> tuple[str, str]:
    workspace = do(do.client.create_agent_task({"text": "Hello"})).workspace_id
    do(do.client.write_workspace_file(workspace, "a.txt", "abc"))
    return workspace, "a.txt"


VECTORVEIN: Mapping[str, Cell] = {
    "run_workflow": lambda do: do(do.client.run_workflow("hello", FIELDS, wait_for_completion=True)).data[0].value,
    "workflows.run": lambda do: do(do.client.workflows.run("hello", FIELDS, **poll_often())).data[0].value,
    "workflows.submit": lambda do: _run(do).id,
    "check_workflow_status": lambda do: do(do.client.check_workflow_status(_run(do).id)).status,
    "workflows.handle": lambda do: do(do.client.workflows.handle(_run(do).id).result(timeout=30)).data,
    "workflows.stop": lambda do: do(do.client.workflows.stop(_run(do).id)),
    "workflows.map": map_two(lambda client: client.workflows.map("hello", [FIELDS, FIELDS])),
    "on_progress": report_progress(
        lambda do, tell: do.client.workflows.run("hello", FIELDS, **poll_often(on_progress=tell))
    ),
    "pathlib.Path": lambda do: (
        do(
            do.client.workflows.run(
                "hello", [{"node_id": "n", "field_name": "Name", "value": do.file()}], **poll_often()
            )
        ).data
    ),
    "upload_file": lambda do: do(do.client.upload_file(str(do.file()))).oss_path,
    "write_workspace_file": lambda do: _workspace_file(do) is not None,
    "read_workspace_file": lambda do: do(do.client.read_workspace_file(*_workspace_file(do))).content == "abc",
    "download_workspace_file": lambda do: do(do.client.download_workspace_file(*_workspace_file(do))),
    "list_workflows": lambda do: do(do.client.list_workflows()).workflows,
    "run_records": lambda do: do(do.client.run_records.list()),
    "run_schedules": lambda do: do(do.client.run_schedules.list()),
    "workflow_templates": lambda do: do(do.client.workflow_templates.list()),
    "access_keys": lambda do: do(do.client.access_keys.list()).to_dict(),
    "agents": lambda do: do(do.client.agents.list()).to_dict(),
    "agent_tasks": lambda do: do(do.client.agent_tasks.list()).to_dict(),
    "workspaces": lambda do: do(do.client.workspaces.list()).to_dict(),
    "generate_vapp_url": lambda do: do(do.client.generate_vapp_url("app", "key", "id")),
    "with_raw_response": read_raw(lambda client: client.workflows.submit("hello", FIELDS)),
    "middleware": use_middleware(lambda client: client.workflows.submit("hello", FIELDS)),
    "http_client": use_http_client(lambda client: client.workflows.submit("hello", FIELDS)),
}
