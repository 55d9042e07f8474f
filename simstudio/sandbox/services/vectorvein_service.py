"""The endpoints of a local VectorVein; served by :mod:`simstudio.sandbox.services.vectorvein`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from simstudio.sandbox.services.functions import Functions
from simstudio.sandbox.services.vectorvein_records import (
    ROUTES,
    USER,
    Body,
    Envelope,
    Problem,
    Records,
    app,
    at,
    cycle,
    file,
    page_of,
    public_fields,
    template,
)
from simstudio.sandbox.services.vectorvein_runs import Inputs, Run, inputs_of_nodes


class Service(Records):
    """The endpoints. Each workflow is a template as well, of the same id.

    Args:
        clock: Epoch seconds.
        polls: How often a run, or a task of an agent, is still running when it is asked for.
        on_end: Called when a run has ended.
    """

    def __init__(self, clock: Callable[[], float], polls: int, on_end: Callable[[], None]) -> None:
        super().__init__(clock, polls)
        self._runs: dict[str, Run] = {}
        self._sources: dict[str, str] = {}
        """Ids of workflows that were copied over the API, by those of the copies."""
        self._functions = Functions(on_end)

    def save(self) -> Body:
        """The objects that were made, for a state file."""
        return {
            "records": self._records,
            "numbers": self._numbers,
            "sources": self._sources,
            "uploads": self.uploads,
            "runs": [run.save() for run in self._runs.values()],
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """Make all what it was, but functions, and workflows whose functions are gone."""
        self._numbers, self._sources, self.uploads = data["numbers"], data["sources"], data["uploads"]
        for wid, source in self._sources.items():
            self.workflows[wid] = self.workflows.get(source, dict)
        for kind, records in data["records"].items():
            known = self._records[kind] if kind in ("workflows", "access_keys") else {}
            self._records[kind] = {**known, **records}
        for wid in self._records["workflows"].keys() - self.workflows.keys():
            del self._records["workflows"][wid]
        self._runs = {each["rid"]: Run.load(each, self._now) for each in data["runs"]}

    def stop(self) -> None:
        """Stop all runs."""
        for run in self._runs.values():
            run.stop()

    def answer(self, endpoint: str, *request: Any) -> Any:
        """The response of an endpoint, or an awaitable of it.

        Raises:
            Problem: A failure, or there is no such endpoint.
        """
        if endpoint not in ROUTES:
            raise Problem(404, f"no such endpoint: {endpoint}")
        return ROUTES[endpoint](self, *request)

    @at("user/validate-api-key")
    def _user_validate_api_key(self, _: Body) -> Body:
        return {"user_id": "user-1", "username": USER["nickname"]}

    @at("user-info/get")
    def _user_info_get(self, _: Body) -> Body:
        return {"user_id": "user-1", "username": USER["nickname"], **USER}

    @at("workflow/run")
    def _workflow_run(self, body: Body) -> Body:
        polls = 0 if body["wait_for_completion"] else self.polls
        return self._begin(body["wid"], body["input_fields"], polls)

    @at("workflow/run-template")
    def _workflow_run_template(self, body: Body) -> Body:
        return self._begin(body["tid"], inputs_of_nodes(body["data"]), self.polls)

    def _begin(self, wid: str, fields: list[Body], polls: int) -> Body:
        if wid not in self.workflows:
            raise Problem(404, "no such workflow")
        run = Run(self._id("rid"), wid, Inputs(fields), polls, self._now)
        self._runs[run.rid] = run
        run.begin(self.workflows[wid], self._functions)
        return {"rid": run.rid}

    @at("workflow/check-status")
    async def _workflow_check_status(self, body: Body) -> Envelope:
        run = self._run(body)
        if body["_vapp"] and body.get("wid") != run.wid:
            raise Problem(404, "no such run")
        return await run.state()

    @at("workflow/stop-run")
    @at("workflow/run-record/stop")
    def _workflow_stop_run(self, body: Body) -> Body:
        run = self._run(body)
        run.stop()
        return {"rid": run.rid}

    @at("workflow/resume-run")
    def _workflow_resume_run(self, body: Body) -> Body:
        raise Problem(400, f"the run {self._run(body).rid} does not wait for a human")

    @at("workflow/run-record/get")
    def _workflow_run_record_get(self, body: Body) -> Body:
        return self._run(body).record()

    @at("workflow/run-record/list")
    def _workflow_run_record_list(self, body: Body) -> Body:
        found = [run.record() for run in self._runs.values()]
        for name in ("wid", "status"):
            if name in body:
                found = [each for each in found if each[name] in body[name]]
        return page_of("workflow_run_records", found, body)

    @at("workflow/run-record/delete")
    def _workflow_run_record_delete(self, body: Body) -> None:
        run = self._run(body)
        run.stop()
        del self._runs[run.rid]

    def _run(self, body: Body) -> Run:
        if body["rid"] not in self._runs:
            raise Problem(404, "no such run")
        return self._runs[body["rid"]]

    @at("workflow/create")
    def _workflow_create(self, body: Body) -> Body:
        tags = [{"tid": tag["tid"], "name": tag["tid"]} for tag in body.pop("tags")]
        wid, source = self._id("wid"), body.pop("source_workflow_wid", "")
        self._sources[wid] = source
        return self.add_workflow(wid, self.workflows.get(source, dict), **{**public_fields(body), "tags": tags})

    @at("workflow/get")
    def _workflow_get(self, body: Body) -> Body:
        return self._record("workflows", body["wid"])

    @at("workflow/list")
    def _workflow_list(self, body: Body) -> Body:
        def wanted(workflow: Body) -> bool:
            tags = {tag["tid"] for tag in workflow["tags"]}
            return body.get("search_text", "") in workflow["title"] and tags >= set(body.get("tags", ()))

        return self._page("workflows", body, wanted)

    @at("workflow/update")
    def _workflow_update(self, body: Body) -> Body:
        workflow = self._record("workflows", body["wid"])
        workflow.update(public_fields(body), update_time=self._now())
        return workflow

    @at("workflow/delete")
    def _workflow_delete(self, body: Body) -> None:
        del self._records["workflows"][self._record("workflows", body["wid"])["wid"]]
        del self.workflows[body["wid"]]
        self._sources.pop(body["wid"], None)

    @at("workflow/run-schedule/get")
    def _workflow_run_schedule_get(self, body: Body) -> Body:
        return self._record("schedules", body["sid"])

    @at("workflow/run-schedule/list")
    def _workflow_run_schedule_list(self, body: Body) -> Body:
        return self._page("schedules", body, lambda schedule: schedule["status"] in body.get("status", ["ACTIVE"]))

    @at("workflow/run-schedule/update")
    def _workflow_run_schedule_update(self, body: Body) -> Body:
        if "sid" in body:
            schedule = self._record("schedules", body["sid"])
        else:
            made = {"sid": self._id("sid"), "wid": self._record("workflows", body["wid"])["wid"], "timezone": None}
            schedule = self._records["schedules"].setdefault(made["sid"], {**made, "status": "ACTIVE", **self._times()})
        schedule.update({name: body[name] for name in ("cron_expression", "timezone") if name in body})
        return schedule

    @at("workflow/run-schedule/delete")
    def _workflow_run_schedule_delete(self, body: Body) -> None:
        del self._records["schedules"][self._record("schedules", body["sid"])["sid"]]

    @at("workflow/template/get")
    def _workflow_template_get(self, body: Body) -> Body:
        return template(self._record("workflows", body["tid"]))

    @at("workflow/template/list")
    def _workflow_template_list(self, body: Body) -> Body:
        return page_of("templates", [template(each) for each in self._records["workflows"].values()], body)

    @at("vapp/access-key/get")
    def _vapp_access_key_get(self, body: Body) -> list[Body]:
        records = self._records["access_keys"]
        if body["get_type"] == "all":
            return list(records.values())
        return [self._record("access_keys", key) for key in body["access_keys"].split(",")]

    @at("vapp/access-key/create")
    def _vapp_access_key_create(self, body: Body) -> list[Body]:
        return [self.add_access_key(body, self._id("ak")) for _ in range(body["count"])]

    def add_access_key(self, body: Body, key: str) -> Body:
        """Keep one access key."""
        apps = body.get("app_ids") or ([body["app_id"]] if "app_id" in body else [])
        record = {
            "access_key": key, "access_key_type": body["access_key_type"], "use_count": 0, "used_credits": 0,
            "max_use_count": body.get("max_use_count"), "max_credits": body.get("max_credits"),
            "v_app": app(apps[0]) if len(apps) == 1 else None, "v_apps": [app(each) for each in apps],
            "records": [], "status": "AC", "access_scope": "S" if len(apps) == 1 else "M",
            "description": body.get("description", ""), "create_time": self._now(),
            "expire_time": body.get("expire_time"), "last_use_time": None,
        }  # fmt: skip
        return self._records["access_keys"].setdefault(key, record)

    @at("vapp/access-key/list")
    def _vapp_access_key_list(self, body: Body) -> Body:
        def wanted(key: Body) -> bool:
            return (
                ("status" not in body or key["status"] in body["status"])
                and ("access_key_type" not in body or key["access_key_type"] == body["access_key_type"])
                and ("app_id" not in body or body["app_id"] in [app["app_id"] for app in key["v_apps"]])
            )

        page = self._page("access_keys", body, wanted)
        return {name: value for name, value in page.items() if name != "page_count"}

    @at("vapp/access-key/update")
    def _vapp_access_key_update(self, body: Body) -> None:
        for key in self._keys(body.get("access_keys") or [body["access_key"]]):
            apps = body.get("app_ids") or ([body["app_id"]] if "app_id" in body else None)
            if apps is not None:
                key["v_apps"] = [app(each) for each in apps]
            for name in ("expire_time", "max_use_count", "max_credits", "description", "access_key_type"):
                if name in body:
                    key[name] = body[name]

    @at("vapp/access-key/delete")
    def _vapp_access_key_delete(self, body: Body) -> None:
        for key in self._keys(body["access_keys"]):
            del self._records["access_keys"][key["access_key"]]

    @at("vapp/access-key/add-apps")
    def _vapp_access_key_add_apps(self, body: Body) -> None:
        for key in self._keys(body["access_keys"]):
            key["v_apps"] = [*key["v_apps"], *map(app, body["app_ids"])]

    @at("vapp/access-key/remove-apps")
    def _vapp_access_key_remove_apps(self, body: Body) -> None:
        for key in self._keys(body["access_keys"]):
            key["v_apps"] = [app for app in key["v_apps"] if app["app_id"] not in body["app_ids"]]

    @at("file-upload/upload")
    def _file_upload_upload(self, content_type: str, content: bytes) -> Body:
        name, kind, data = file_of(content_type, content)
        path = f"oss/{self._id('upload')}/{name}"
        self.uploads[path] = data
        return {"oss_path": path, "original_filename": name, "file_size": len(data), "content_type": kind}

    @at("task-agent/agent/create")
    def _task_agent_agent_create(self, body: Body) -> Body:
        agent_id = self._id("agent")
        record = {
            "agent_id": agent_id, "user": USER, "avatar": None, "description": None, "default_model_name": None,
            "default_backend_type": None, "default_load_user_memory": None,
            "default_compress_memory_after_tokens": 128000, "is_official": False, "official_order": 0,
            **public_fields(body), "used_count": 0, "is_owner": True, **self._times(),
        }  # fmt: skip
        return self._records["agents"].setdefault(agent_id, record)

    @at("task-agent/agent/get")
    def _task_agent_agent_get(self, body: Body) -> Body:
        return self._record("agents", body["agent_id"])

    @at("task-agent/agent/list")
    def _task_agent_agent_list(self, body: Body) -> Body:
        def wanted(agent: Body) -> bool:
            filters = {"is_public": body.get("is_public"), "is_official": body.get("official")}
            return body.get("search", "") in agent["name"] and all(
                value is None or agent[name] == value for name, value in filters.items()
            )

        return self._page("agents", body, wanted)

    @at("task-agent/agent/public-list")
    def _task_agent_agent_public_list(self, body: Body) -> Body:
        """List public agents, as version 0.3.68 of the package does."""
        return self._task_agent_agent_list({**body, "is_public": True})

    @at("task-agent/agent/update")
    def _task_agent_agent_update(self, body: Body) -> Body:
        agent = self._record("agents", body["agent_id"])
        agent.update(public_fields(body))
        return agent

    @at("task-agent/agent/delete")
    def _task_agent_agent_delete(self, body: Body) -> None:
        del self._records["agents"][self._record("agents", body["agent_id"])["agent_id"]]

    @at("task-agent/agent/duplicate")
    def _task_agent_agent_duplicate(self, body: Body) -> Body:
        agent = self._record("agents", body["agent_id"])
        copied = {name: value for name, value in agent.items() if name not in ("agent_id", "user")}
        return self._task_agent_agent_create(copied)

    @at("task-agent/agent-task/create")
    def _task_agent_agent_task_create(self, body: Body) -> Body:
        if "agent_id_to_start" in body:
            self._record("agents", body["agent_id_to_start"])
        task_id, workspace_id = self._id("task"), self._id("workspace")
        self._records["workspaces"][workspace_id] = {"agent_task_id": task_id, "files": {}, "created_at": self._now()}
        task = {
            "task_id": task_id, "user": USER, "source_agent_id": body.get("agent_id_to_start"),
            "title": body.get("title", body["task_info"]["text"]), "task_info": body["task_info"],
            "agent_definition": body.get("agent_definition_to_start"), "status": "RUNNING",
            "max_cycles": body.get("max_cycles", 20), "workspace_id": workspace_id, "current_cycle_index": 0,
            "result": None, "shared": False, "is_public": False, "waiting_question": None, "complete_time": None,
            **self._times(), "_left": self.polls,
        }  # fmt: skip
        self._records["tasks"][task_id] = task
        return public_fields(task)

    @at("task-agent/agent-task/get")
    def _task_agent_agent_task_get(self, body: Body) -> Body:
        task = self._record("tasks", body["task_id"])
        if task["status"] == "RUNNING":
            task["_left"] -= 1
            if task["_left"] < 0:
                result = f"Done: {task['task_info']['text']}"
                task.update(status="COMPLETED", result=result, complete_time=self._now())
                self._records["workspaces"][task["workspace_id"]]["files"]["result.md"] = result
        return public_fields(task)

    @at("task-agent/agent-task/get-shared")
    def _task_agent_agent_task_get_shared(self, body: Body) -> Body:
        task = self._record("tasks", body["task_id"])
        if not task["shared"]:
            raise Problem(404, "no such shared task")
        return {**public_fields(task), "cycles": [cycle(task)]}

    @at("task-agent/agent-task/list")
    def _task_agent_agent_task_list(self, body: Body) -> Body:
        asked = [body["status"]] if isinstance(body.get("status"), str) else body.get("status")
        statuses = None if asked is None else [status.upper() for status in asked]

        def wanted(task: Body) -> bool:
            return (
                (statuses is None or task["status"] in statuses)
                and ("agent_id" not in body or task["source_agent_id"] == body["agent_id"])
                and body.get("search", "") in task["title"]
            )

        return self._page("tasks", body, wanted)

    @at("task-agent/agent-task/public-shared-list")
    def _task_agent_agent_task_public_shared_list(self, body: Body) -> Body:
        return self._page("tasks", body, lambda task: task["is_public"] and body.get("search", "") in task["title"])

    @at("task-agent/agent-task/delete")
    def _task_agent_agent_task_delete(self, body: Body) -> None:
        del self._records["tasks"][self._record("tasks", body["task_id"])["task_id"]]

    @at("task-agent/agent-task/batch-delete")
    def _task_agent_agent_task_batch_delete(self, body: Body) -> Body:
        for task_id in body["task_ids"]:
            self._task_agent_agent_task_delete({"task_id": task_id})
        return {"deleted_count": len(body["task_ids"])}

    @at("task-agent/agent-task/add-pending-message")
    def _task_agent_agent_task_add_pending_message(self, body: Body) -> Body:
        return {"task_id": self._record("tasks", body["task_id"])["task_id"], "message": body["message"]}

    @at("task-agent/agent-task/update-share")
    def _task_agent_agent_task_update_share(self, body: Body) -> Body:
        task = self._record("tasks", body["task_id"])
        task.update({name: body[name] for name in ("shared", "is_public", "shared_meta") if name in body})
        return public_fields(task)

    @at("task-agent/agent-task/pause-task")
    def _task_agent_agent_task_pause_task(self, body: Body) -> Body:
        return self._move(body, "PAUSED")

    @at("task-agent/agent-task/respond")
    @at("task-agent/agent-task/continue-task")
    @at("task-agent/agent-task/resume-task")
    def _task_agent_agent_task_resume_task(self, body: Body) -> Body:
        return self._move(body, "RUNNING")

    @at("task-agent/agent-cycle/list")
    def _task_agent_agent_cycle_list(self, body: Body) -> Body:
        cycles = [cycle(self._record("tasks", body["task_id"]))][body["cycle_index_offset"] :]
        return {"cycles": cycles, "total": 1}

    @at("task-agent/agent-cycle/get")
    def _task_agent_agent_cycle_get(self, body: Body) -> Body:
        return cycle(self._record("tasks", body["cycle_id"].removeprefix("cycle-of-")))

    @at("agent-workspace/list")
    def _agent_workspace_list(self, body: Body) -> Body:
        page = self._page("workspaces", body, lambda _: True)
        ids = list(self._records["workspaces"])
        start = (body["page"] - 1) * body["page_size"]
        return {**page, "workspaces": [self._workspace(each) for each in ids[start : start + body["page_size"]]]}

    @at("agent-workspace/get")
    def _agent_workspace_get(self, body: Body) -> Body:
        return self._workspace(body["workspace_id"])

    @at("agent-workspace/list-files")
    def _agent_workspace_list_files(self, body: Body) -> Body:
        files = self._record("workspaces", body["workspace_id"])["files"]
        found = [file(path, text) for path, text in files.items() if path.startswith(body.get("prefix", ""))]
        tree = {"name": "/", "children": found}
        return {"files": tree if body["tree_view"] else found, "tree_view": body["tree_view"]}

    @at("agent-workspace/read-file")
    def _agent_workspace_read_file(self, body: Body) -> Body:
        path, text = self._file_of(body)
        first, last = body.get("start_line"), body.get("end_line")
        lines = text.splitlines(keepends=True)[(first or 1) - 1 : last]
        return {
            "content": "".join(lines), "file_info": file(path, text), "file_path": path,
            "start_line": first, "end_line": last,
        }  # fmt: skip

    @at("agent-workspace/download-file")
    def _agent_workspace_download_file(self, body: Body) -> Body:
        path, _ = self._file_of(body)
        return {"file_url": f"https://files.example/{body['workspace_id']}/{path}"}

    @at("agent-workspace/write-file")
    def _agent_workspace_write_file(self, body: Body) -> Body:
        self._record("workspaces", body["workspace_id"])["files"][body["file_path"]] = body["content"]
        return {"success": True}

    @at("agent-workspace/delete-file")
    def _agent_workspace_delete_file(self, body: Body) -> Body:
        path, _ = self._file_of(body)
        del self._record("workspaces", body["workspace_id"])["files"][path]
        return {"success": True}

    @at("agent-workspace/zip-files")
    def _agent_workspace_zip_files(self, body: Body) -> Body:
        self._record("workspaces", body["workspace_id"])
        return {"file_url": f"https://files.example/{body['workspace_id']}.zip"}

    @at("agent-workspace/sync-container-to-oss")
    def _agent_workspace_sync_container_to_oss(self, body: Body) -> Body:
        self._record("workspaces", body["workspace_id"])
        return {"success": True}


def file_of(content_type: str, content: bytes) -> tuple[str, str, bytes]:
    """The name, the media type and the content of a form's one file."""
    boundary = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    part = content.removeprefix(boundary + b"\r\n").rpartition(b"\r\n" + boundary + b"--")[0]
    head, _, data = part.partition(b"\r\n\r\n")
    found = re.search(r'name="file"; filename="([^"]*)"\r\nContent-Type: (\S+)', head.decode())
    if found is None:
        raise Problem(400, "no part named file")
    return found[1], found[2], data
