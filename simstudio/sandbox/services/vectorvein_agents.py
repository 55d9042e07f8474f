"""The endpoints of a local VectorVein for agents: the agents, their tasks and cycles, and the workspaces of tasks."""

from __future__ import annotations

from simstudio.sandbox.services.vectorvein_records import (
    USER,
    Body,
    Problem,
    Records,
    at,
    cycle,
    file,
    public_fields,
)


class Agents(Records):
    """The endpoints of agents. A task is done after some polls, and leaves one file in its workspace."""

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
