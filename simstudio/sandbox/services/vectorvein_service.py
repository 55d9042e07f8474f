"""The endpoints of a local VectorVein: workflows, their runs, schedules and templates, and uploads.

:mod:`simstudio.sandbox.services.vectorvein` serves them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simstudio.sandbox.forms import parse_form
from simstudio.sandbox.services.functions import Functions
from simstudio.sandbox.services.vectorvein_access_keys import AccessKeys
from simstudio.sandbox.services.vectorvein_agents import Agents
from simstudio.sandbox.services.vectorvein_records import (
    ROUTES,
    USER,
    Body,
    Envelope,
    Problem,
    at,
    page_of,
    public_fields,
    template,
)
from simstudio.sandbox.services.vectorvein_runs import Inputs, Run, inputs_of_nodes


class Service(AccessKeys, Agents):
    """The endpoints. Each workflow is a template as well, of the same id.

    Args:
        clock: Epoch seconds.
        polls: Number of polls at which a run, or a task of an agent, is still running.
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
        """Restore the objects of a state file. Workflows whose functions are no longer registered are dropped."""
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
        polls = 0 if body.get("wait_for_completion") else self.polls
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

    @at("file-upload/upload")
    def _file_upload_upload(self, content_type: str, content: bytes) -> Body:
        name, kind, data = file_of(content_type, content)
        path = f"oss/{self._id('upload')}/{name}"
        self.uploads[path] = data
        return {"oss_path": path, "original_filename": name, "file_size": len(data), "content_type": kind}


def file_of(content_type: str, content: bytes) -> tuple[str, str, bytes]:
    """The name, the media type and the content of the file in a form.

    Raises:
        ValueError: The body is no form.
    """
    found = next((each for each in parse_form(content_type, content)[1] if each.field == "file"), None)
    if found is None:
        raise Problem(400, "no part named file")
    return found.name, found.mime, found.content
