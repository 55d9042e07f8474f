"""Routes, records and pages of the endpoints of a local VectorVein."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from zlib import crc32

Workflow = Callable[[Any], Any]
Body = dict[str, Any]
Handler = TypeVar("Handler", bound=Callable[..., Any])

USER = {"nickname": "You", "avatar": ""}
KINDS = ("workflows", "schedules", "access_keys", "agents", "tasks", "workspaces")
"""Records that are kept."""
ROUTES: dict[str, Callable[..., Any]] = {}
"""The method of each endpoint, as :func:`at` registers them."""


def at(endpoint: str) -> Callable[[Handler], Handler]:
    """Make a method of the service answer at an endpoint."""

    def register(function: Handler) -> Handler:
        ROUTES[endpoint] = function
        return function

    return register


class Problem(Exception):  # noqa: N818 - an answer, not a fault of the program
    """Ends the handling of a request with the envelope of a failure."""

    def __init__(self, status: int, msg: str) -> None:
        super().__init__(msg)
        self.status = status
        self.msg = msg


class Envelope(dict[str, Any]):
    """A response with a status of its own."""


class Records:
    """The records of a local VectorVein, and their lists.

    Args:
        clock: Epoch seconds.
        polls: Number of polls at which a run, or a task of an agent, is still running.
    """

    def __init__(self, clock: Callable[[], float], polls: int) -> None:
        self.polls = polls
        self.workflows: dict[str, Workflow] = {}
        self.uploads: dict[str, bytes] = {}
        self._clock = clock
        self._records: dict[str, dict[str, Body]] = {kind: {} for kind in KINDS}
        self._numbers = itertools.count(1)
        self.add_workflow("hello", lambda inputs: {"Text": f"Hello, {inputs.get('Name')}!"})

    def add_workflow(self, wid: str, function: Workflow, **record: Any) -> Body:
        """Keep one workflow."""
        self.workflows[wid] = function
        empty: Body = {
            "title": wid, "brief": "", "data": {"nodes": [], "edges": []}, "language": "en-US", "images": [],
            "tags": [], "source_workflow": None, "tool_call_data": {},
        }  # fmt: skip
        return self._records["workflows"].setdefault(wid, {"wid": wid, **empty, **record, **self._times()})

    def remove_workflow(self, wid: str) -> None:
        """Remove one workflow, if it is still there."""
        self.workflows.pop(wid, None)
        self._records["workflows"].pop(wid, None)

    def _id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    def _now(self) -> str:
        return str(int(self._clock() * 1000))

    def _times(self) -> Body:
        return {"create_time": self._now(), "update_time": self._now()}

    def _record(self, kind: str, name: str) -> Body:
        try:
            return self._records[kind][name]
        except KeyError:
            raise Problem(404, f"no such record in {kind}: {name}") from None

    def _keys(self, names: Iterable[str]) -> list[Body]:
        return [self._record("access_keys", name) for name in names]

    def _page(self, kind: str, body: Body, wanted: Callable[[Body], bool]) -> Body:
        return page_of(kind, [public_fields(record) for record in self._records[kind].values() if wanted(record)], body)

    def _move(self, body: Body, status: str) -> Body:
        task = self._record("tasks", body["task_id"])
        task.update(status=status, complete_time=None, waiting_question=None, _left=self.polls)
        return public_fields(task)

    def _workspace(self, workspace_id: str) -> Body:
        record = self._record("workspaces", workspace_id)
        files = [file(path, text) for path, text in record["files"].items()]
        return {
            "workspace_id": workspace_id, "agent_task_id": record["agent_task_id"], "user": USER,
            "oss_bucket": "sandbox", "base_storage_path": f"workspaces/{workspace_id}",
            "created_at": record["created_at"], "last_accessed": self._now(),
            "latest_files": files[-5:], "file_count": len(files),
        }  # fmt: skip

    def _file_of(self, body: Body) -> tuple[str, str]:
        path, files = body["file_path"], self._record("workspaces", body["workspace_id"])["files"]
        if path not in files:
            raise Problem(404, f"no such file: {path}")
        return path, files[path]


def _sort_key(field: str) -> Callable[[Body], tuple[bool, Any]]:
    def key(record: Body) -> tuple[bool, Any]:
        value = record.get(field)
        return (True, value) if isinstance(value, (str, int)) else (False, 0)

    return key


def page_of(kind: str, found: list[Body], body: Body) -> Body:
    """One page of a list, sorted by ``sort_field`` of the request: the largest first, unless it asks otherwise."""
    if "sort_field" in body:
        descending = body.get("sort_order", "descend") == "descend"
        found = sorted(found[::-1] if descending else found, key=_sort_key(body["sort_field"]), reverse=descending)
    number, size = body.get("page", 1), body.get("page_size", 10)
    page, count = found[(number - 1) * size : number * size], -(-len(found) // size)
    return {kind: page, "total": len(found), "page": number, "page_size": size, "page_count": count}


def public_fields(record: Body) -> Body:
    """A record, or the body of a request, without the sandbox's own fields."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def template(workflow: Body) -> Body:
    """A workflow as a template."""
    return {"tid": workflow["wid"], **{name: workflow[name] for name in ("title", "brief", "images", "tags", "data")}}


def app(app_id: str) -> Body:
    """An app, of which only the id is known."""
    return {"app_id": app_id, "title": app_id, "description": "", "info": {}, "images": []}


def file(path: str, text: str) -> Body:
    """A file of a workspace."""
    return {"key": path, "size": len(text.encode()), "etag": f"{crc32(text.encode()):x}", "last_modified": "0"}


def cycle(task: Body) -> Body:
    """The only cycle of a task."""
    return {
        "cycle_id": f"cycle-of-{task['task_id']}", "agent_task_id": task["task_id"], "cycle_index": 0,
        "status": task["status"], "title": task["title"], "messages": [], "ai_response": task["result"],
    }  # fmt: skip


def outputs(returned: Any) -> Any:
    """The outputs of a run, made of the value that its function returned."""
    if isinstance(returned, dict):
        return [{"type": "Text", "title": title, "value": value} for title, value in returned.items()]
    return returned if isinstance(returned, list) else [{"type": "Text", "title": "Output", "value": returned}]
