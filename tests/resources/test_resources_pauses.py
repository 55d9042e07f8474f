"""Human in the loop, without a server: what a pause says, which one an answer is for, what v2 sends."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from simstudio import (
    AsyncExecutionResult,
    ConflictError,
    InvalidInputError,
    InvalidResponseError,
    Job,
    JobFailedError,
    JobTimeoutError,
    NotFoundError,
    Pause,
    PausedRun,
    ServerError,
    WorkflowExecutionResult,
)
from simstudio.models.v2.runs import RunResult
from tests.driving import Both, answer, client, frames

REFUSED = "Execution can no longer be resumed"
V2 = {"api_version": "v2"}
QUESTION = {
    "operation": "human",
    "responseStructure": [{"name": "question", "type": "string", "value": "Approve?"}],
    "inputFormat": [{"name": "approved", "type": "boolean", "required": True}, {"no": "name"}, "odd"],
    "_resume": {"contextId": "c1", "executionId": "e1", "workflowId": "wf", "uiUrl": "https://sim/resume"},
}
OUTPUT = {"data": QUESTION, "status": 200}
BLOCK = {"contextId": "c1", "pausedAt": "t", "resumeAt": None, "pauseKind": "human", "pausePointCount": 2}


def point(context: str, status: str = "paused") -> dict[str, Any]:
    return {"contextId": context, "resumeStatus": status, "response": OUTPUT, "resumeLinks": QUESTION["_resume"]}


def paused_run(*points: dict[str, Any]) -> Any:
    return answer(200, {"workflowId": "wf", "executionId": "e1", "status": "paused", "pausePoints": list(points)})


def v2_run(status: str = "paused", **changes: Any) -> Any:
    return answer(200, {"data": {"runId": "e1", "workflowId": "wf", "status": status, "output": OUTPUT, **changes}})


class TestAPause:
    def test_of_a_result_is_in_its_output(self) -> None:
        pause = WorkflowExecutionResult(True, OUTPUT).pause
        assert pause is not None
        assert bool(pause)
        assert (pause.context_id, pause.execution_id, pause.workflow_id) == ("c1", "e1", "wf")
        assert (pause.question, pause.waiting) == ("Approve?", True)
        (field,) = pause.input_fields
        assert (field.name, field.type, field.required, field.label) == ("approved", "boolean", True, None)
        assert pause.links.ui_url == "https://sim/resume"
        assert pause["operation"] == "human"  # what came stays reachable

    def test_is_none_of_a_result_that_does_not_wait(self) -> None:
        assert WorkflowExecutionResult(True, {"n": 1}).pause is None
        assert Job("j", "completed", {"n": 1}).pause is None

    def test_of_v2_says_what_its_block_and_its_output_say(self) -> None:
        pause = Job("r", "paused", OUTPUT, block=BLOCK, workflow_id="wf", api_version="v2").pause
        assert pause is not None
        assert (pause.context_id, pause.kind, pause.paused_at, pause.resume_at) == ("c1", "human", "t", None)
        assert pause.question == "Approve?"
        assert pause["pausePointCount"] == 2

    def test_of_v2_may_say_nothing_of_what_is_asked(self) -> None:
        pause = Job("r", "paused", None, block=BLOCK, execution_id="r", workflow_id="wf", api_version="v2").pause
        assert pause is not None
        assert (pause.question, pause.input_fields, pause.context_id) == (None, [], "c1")

    def test_shows_all_values_where_none_is_called_question(self) -> None:
        shown = [{"name": "amount", "value": 5}, {"name": "to", "value": "Ada"}, {"name": "note", "value": ""}]
        pause = WorkflowExecutionResult(True, {"data": {**QUESTION, "responseStructure": shown}}).pause
        assert pause is not None
        assert pause.question == "5\nAda"

    @pytest.mark.parametrize("odd", [None, 5, "text", {"a": 1}, [1, None]])
    def test_survives_odd_questions(self, odd: Any) -> None:
        data = {**QUESTION, "responseStructure": odd, "inputFormat": odd}
        pause = WorkflowExecutionResult(True, {"data": data}).pause
        assert pause is not None
        assert (pause.question, pause.input_fields) == (None, [])

    def test_of_a_run_is_the_one_that_waits(self) -> None:
        over, waiting = Pause(context_id="a", status="resumed"), Pause(context_id="b", status="paused")
        assert PausedRun("wf", "e", "partially_resumed", [over, waiting]).paused is waiting
        assert PausedRun("wf", "e", "fully_resumed", [over]).paused is None


class TestAnswering:
    @pytest.mark.parametrize(
        "held",
        [
            WorkflowExecutionResult(True, OUTPUT),
            Job("j", "completed", {"success": True, "output": OUTPUT}),
            Pause("c1", "wf", "e1"),
            PausedRun("wf", "e1", "paused", [Pause("c1", "wf", "e1", status="paused")]),
        ],
    )
    async def test_takes_whatever_a_caller_holds(self, both: Both, held: Any) -> None:
        client = both.client(answer(200, {"success": True, "output": 1, "executionId": "e1"}))
        result = await both(client.workflows.resume(held, {"approved": True}))
        (request,) = client.script.requests
        assert (request.method, request.path) == ("POST", "/api/resume/wf/e1/c1")
        assert request.json() == {"input": {"approved": True}}
        assert result.output == 1

    async def test_looks_up_the_pause_of_a_bare_id(self, both: Both) -> None:
        done = answer(200, {"success": True, "output": 1})
        client = both.client(paused_run(point("c0", "resumed"), point("c1")), done)
        await both(client.workflows.resume("e1", workflow_id="wf"))
        assert [request.path for request in client.script.requests] == [
            "/api/workflows/wf/paused/e1",
            "/api/resume/wf/e1/c1",
        ]
        assert client.script.requests[1].json() == {}

    async def test_asks_which_when_several_wait(self, both: Both) -> None:
        client = both.client(paused_run(point("c1"), point("c2")))
        with pytest.raises(InvalidInputError, match=r"context_id=.*c1 \(Approve\?\), c2"):
            await both(client.workflows.resume("e1", workflow_id="wf"))

    async def test_refuses_a_run_that_does_not_wait(self, both: Both) -> None:
        client = both.client(paused_run(point("c1", "resumed")))
        with pytest.raises(InvalidInputError, match="does not wait"):
            await both(client.workflows.resume("e1", workflow_id="wf"))
        with pytest.raises(InvalidInputError, match="does not wait"):
            await both(client.workflows.resume(WorkflowExecutionResult(True, 1)))

    async def test_needs_the_workflow(self, both: Both) -> None:
        with pytest.raises(InvalidInputError, match="workflow_id="):
            await both(both.client().workflows.resume("e1"))
        with pytest.raises(InvalidInputError, match="execution id"):
            await both(both.client().workflows.resume(Pause("c1", "wf")))
        with pytest.raises(InvalidInputError, match="not int"):
            await both(both.client().workflows.resume(5))

    async def test_gives_a_job_when_the_run_was_queued(self, both: Both) -> None:
        client = both.client(answer(202, {"success": True, "async": True, "jobId": "run_2", "executionId": "e9"}))
        queued = await both(client.workflows.resume("e1", 1, workflow_id="wf", context_id="c1"))
        assert isinstance(queued, AsyncExecutionResult)
        assert (queued.task_id, queued.execution_id, queued.workflow_id) == ("run_2", "e1", "wf")

    async def test_gives_a_job_when_the_answer_waits_its_turn(self, both: Both) -> None:
        waits = {"status": "queued", "executionId": "e9", "queuePosition": 1, "message": "busy"}
        client = both.client(answer(200, waits))
        queued = await both(client.workflows.resume("e1", 1, workflow_id="wf", context_id="c1"))
        assert isinstance(queued, AsyncExecutionResult)
        assert (queued.task_id, queued.message) == ("e1", "busy")

    @pytest.mark.parametrize(
        "answered",
        [
            answer(200, {"success": True, "output": 1, "executionId": "e9"}),
            answer(200, content=b""),
            answer(200, {"any": "body of a Response block"}),
            answer(200, content=frames({"event": "final", "data": {"success": True, "output": 1}}, '"[DONE]"'),
                   headers={"Content-Type": "text/event-stream"}),
        ],
    )  # fmt: skip
    async def test_the_run_keeps_its_first_id(self, both: Both, answered: Any) -> None:
        result = await both(both.client(answered).workflows.resume(Pause("c1", "wf", "e1")))
        assert result.execution_id == "e1"

    async def test_counts_once(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(answer(503, {"error": "busy"}))
        with pytest.raises(ServerError, match="busy") as caught:
            await both(client.workflows.resume("e1", 1, workflow_id="wf", context_id="c1"))
        assert caught.value.run_id == "e1"
        assert (len(client.script.requests), no_waiting) == (1, [])


SECOND = {"data": {**QUESTION, "_resume": {"contextId": "c2", "executionId": "e9", "workflowId": "wf"}}}
SEVERAL = {"pausedBlocks": [OUTPUT, SECOND], "pauseCount": 2}


class TestSeveralPauses:
    @pytest.mark.parametrize(
        "held",
        [
            WorkflowExecutionResult(True, SEVERAL),
            Job("j", "completed", {"success": True, "output": SEVERAL}),
            RunResult("e1", "wf", "paused", SEVERAL),
            Job(
                "e1", "paused", None, block={**BLOCK, "pausePoints": [point("c1"), point("c0", "resumed"), point("c2")]}
            ),
        ],
    )
    def test_are_all_shown(self, held: Any) -> None:
        assert [pause.context_id for pause in held.pauses] == ["c1", "c2"]
        assert held.paused

    @pytest.mark.parametrize(
        "held",
        [
            WorkflowExecutionResult(True, SEVERAL),
            PausedRun("wf", "e1", "paused", [Pause("c1", "wf", "e1", "Approve?"), Pause("c2", "wf", "e1")]),
        ],
    )
    async def test_are_never_chosen_among_by_chance(self, both: Both, held: Any) -> None:
        with pytest.raises(InvalidInputError, match=r"context_id=.*c1 \(Approve\?\), c2"):
            await both(both.client().workflows.resume(held))
        client = both.client(answer(200, {"success": True, "output": 1}))
        await both(client.workflows.resume(held, context_id="c2"))
        assert client.script.requests[0].path.endswith("/c2")

    async def test_of_v2_come_from_the_unversioned_route(self, both: Both) -> None:
        one_of_two = v2_run(paused={**BLOCK, "resumedCount": 0}, output=None)
        client = both.client(one_of_two, paused_run(point("c1"), point("c2")), **V2)
        job = await both(client.jobs.wait("e1", workflow_id="wf"))
        assert [(pause.context_id, pause.question) for pause in job.pauses] == [("c1", "Approve?"), ("c2", "Approve?")]
        assert pickle.loads(pickle.dumps(job)).pauses == job.pauses


class TestASecondPauseInSequence:
    """Servers since August 2026 name it by an id of its own, and cannot resume it."""

    @pytest.mark.parametrize(
        ("version", "first", "refusal"),
        [
            ("v1", {"success": True, "status": "paused", "executionId": "e9", "output": SECOND}, {"error": REFUSED}),
            ("v2", {"data": {"runId": "e9", "status": "paused", "output": SECOND}}, {"error": {"message": REFUSED}}),
        ],
    )
    async def test_is_refused_with_the_reason(self, both: Both, version: str, first: Any, refusal: Any) -> None:
        client = both.client(answer(200, first), answer(409, refusal), api_version=version)
        paused = await both(client.workflows.resume(Pause("c1", "wf", "e1")))
        assert (paused.paused, paused.execution_id, paused.pause.execution_id) == (True, "e1", "e9")
        with pytest.raises(ConflictError, match=r"can no longer be resumed.*paused again after an answer.*cancel\(\)"):
            await both(client.workflows.resume(paused))

    async def test_of_a_job_fails_with_the_reason(self, both: Both) -> None:
        failed = answer(200, {"success": True, "taskId": "run_2", "status": "failed", "output": None, "error": REFUSED})
        with pytest.raises(JobFailedError, match=r"can no longer be resumed.*paused again after an answer"):
            await both(both.client(failed).jobs.wait("run_2"))

    @pytest.mark.parametrize("points", [paused_run(point("c1", "resuming")), answer(404, {"error": "gone"})])
    async def test_leaves_a_run_that_nobody_can_answer(self, both: Both, points: Any) -> None:
        stuck = v2_run(paused={**BLOCK, "contextId": None, "pausedAt": "T1"}, endedAt="T2", output=None)
        client = both.client(stuck, stuck, points, **V2)
        job = await both(client.jobs.wait("e1", workflow_id="wf"))
        assert (job.done, job.paused, job.pauses) == (True, True, [])
        with pytest.raises(ConflictError, match="paused again"):
            await both(client.workflows.resume(job))


class TestARunThatIsResumed:
    """It says ``paused`` until it goes on, but names no pause."""

    IN_PROGRESS = v2_run(paused={**BLOCK, "contextId": None, "pausedAt": "T2"}, endedAt="T1", output=None)

    async def test_is_waited_for(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(self.IN_PROGRESS, v2_run("completed", output=1), **V2)
        assert (await both(client.jobs.wait("e1", workflow_id="wf"))).result.output == 1
        client = both.client(self.IN_PROGRESS, v2_run("completed", output=1))
        assert (await both(client.v2.runs.wait("wf", "e1"))).output == 1
        conflict = answer(409, {"error": {"message": "in use", "details": {"code": "RUN_ID_CONFLICT"}}})
        client = both.client(conflict, self.IN_PROGRESS, v2_run("completed", output=1))
        assert (await both(client.v2.runs.execute("wf", run_id="e1"))).output == 1

    async def test_has_no_pause_to_answer(self, both: Both) -> None:
        client = both.client(self.IN_PROGRESS, self.IN_PROGRESS, paused_run(point("c1", "resuming")), **V2)
        job = await both(client.jobs.get("e1", workflow_id="wf"))
        assert (job.done, job.paused, job.pause) == (False, False, None)
        with pytest.raises(ConflictError, match="about to continue"):
            await both(client.workflows.resume(job))


@pytest.mark.parametrize(
    "act",
    [
        lambda workflows, run: workflows.get_paused("wf", run),
        lambda workflows, run: workflows.resume(run, {}, workflow_id="wf", context_id="c1"),
        lambda workflows, run: workflows.cancel("wf", run),
    ],
)
def test_a_run_is_found_by_the_id_of_its_job_too(act: Any) -> None:
    """The server takes the id of a job for that of an unknown execution, and says that this was cancelled."""
    sim = client(answer(404, {"error": "not found"}))

    with pytest.raises(NotFoundError):
        act(sim.workflows, "workflow-execution:e1")

    (request,) = sim.script.requests
    assert "/e1" in request.path
    assert "workflow-execution" not in request.path


class TestWaitingThroughPauses:
    """``until="done"``."""

    PAUSED = answer(200, {"taskId": "j", "status": "completed", "output": {"success": True, "output": OUTPUT}})
    RECEIPT = answer(202, {"success": True, "async": True, "jobId": "run_2", "executionId": "e9"})
    DONE = answer(200, {"taskId": "run_2", "status": "completed", "output": {"success": True, "output": 1}})
    V2_OFF = answer(404, {"error": {"code": "NOT_FOUND", "message": "Not found"}})

    async def test_hands_a_pause_to_a_function_and_sends_its_answer(self, both: Both, no_waiting: list[float]) -> None:
        asked: list[Pause] = []
        client = both.client(self.PAUSED, self.RECEIPT, self.DONE)

        def answer_to(pause: Pause) -> dict[str, bool]:
            asked.append(pause)
            return {"approved": True}

        job = await both(client.jobs.wait("j", until="done", on_pause=answer_to))
        assert (job.result.output, [pause.question for pause in asked]) == (1, ["Approve?"])
        sent = client.script.requests
        assert [request.path for request in sent] == ["/api/jobs/j", "/api/resume/wf/e1/c1", "/api/jobs/run_2"]
        assert sent[1].json() == {"input": {"approved": True}}

    async def test_waits_for_somebody_else_and_says_whom_the_run_asks(
        self, both: Both, no_waiting: list[float]
    ) -> None:
        workflow = answer(200, {"data": {"id": "wf", "workspaceId": "ws"}})
        log = {"executionId": "e1", "level": "info", "endedAt": "T", "finalOutput": {"published": True}}
        logs = answer(200, {"data": [log]})
        resumed = paused_run(point("c1", "resumed"))
        client = both.client(self.PAUSED, paused_run(point("c1")), resumed, self.V2_OFF, self.V2_OFF, workflow, logs)
        seen: list[Any] = []
        job = await both(
            client.jobs.wait("j", until="done", on_progress=lambda job: seen.append(job.pause and job.pause.question))
        )
        assert (job.result.output, job.execution_id, seen) == (
            {"published": True},
            "e1",
            ["Approve?", "Approve?", None],
        )

    async def test_of_two_pauses_one_may_be_left_to_somebody_else(self, both: Both, no_waiting: list[float]) -> None:
        two = {"taskId": "j", "status": "completed", "output": {"success": True, "output": SEVERAL}}
        partly = paused_run(point("c1", "resumed"), point("c2"))
        over = paused_run(point("c1", "resumed"), point("c2", "resumed"))
        client = both.client(answer(200, two), self.RECEIPT, partly, over, v2_run("completed", output=1))
        asked: list[Any] = []

        def answer_to(pause: Pause) -> Any:
            asked.append(pause.context_id)
            return {} if pause.context_id == "c1" else None

        job = await both(client.jobs.wait("j", until="done", on_pause=answer_to))
        assert (job.result.output, asked) == (1, ["c1", "c2"])

    async def test_of_v2_reads_the_run_and_looks_up_its_question(self, both: Both, no_waiting: list[float]) -> None:
        silent = v2_run(paused=BLOCK, output=None)
        receipt = answer(202, {"data": {"runId": "e9", "statusUrl": "x"}})
        client = both.client(silent, silent, paused_run(point("c1")), receipt, v2_run("completed", output=1), **V2)
        asked: list[Any] = []
        wait = client.jobs.wait("e1", workflow_id="wf", until="done", on_pause=lambda pause: asked.append(pause) or {})
        assert (await both(wait)).result.output == 1
        assert [pause.question for pause in asked] == ["Approve?"]

    async def test_a_wait_that_ends_too_soon_says_who_is_asked(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(*[self.PAUSED], *[paused_run(point("c1"))] * 9)
        with pytest.raises(JobTimeoutError, match=r"within 0\.001 s \(it waits for a human: Approve\?"):
            await both(client.jobs.wait("j", until="done", timeout=0.001))

    @pytest.mark.parametrize(
        "options", [{"until": "end"}, {"on_pause": print}, {"until": "done", "on_pause": "no function"}]
    )
    async def test_options_that_make_no_sense_are_refused(self, both: Both, options: Any) -> None:
        with pytest.raises(InvalidInputError, match=r"until|on_pause"):
            await both(both.client().jobs.wait("j", **options))


class TestV2:
    async def test_lists_what_each_run_asks(self, both: Both) -> None:
        listed = answer(200, {"data": [{"runId": "e1"}, {"runId": "e2"}, {"runId": ""}, "odd"], "nextCursor": "n"})
        client = both.client(listed, v2_run(paused=BLOCK), v2_run(paused=BLOCK), **V2)
        page = await both(client.workflows.paused("wf").page())
        assert [request.url.partition("/api/v2")[2] for request in client.script.requests] == [
            "/workflows/wf/runs?status=paused",
            "/workflows/wf/runs/e1?includeOutput=true",
            "/workflows/wf/runs/e2?includeOutput=true",
        ]
        assert page.next_cursor == "n"
        assert [run.paused.question for run in page.items[:2]] == ["Approve?", "Approve?"]
        assert page.items[0].total_pause_count == 2
        assert page.items[2:] == [{"runId": ""}, "odd"]

    async def test_asks_the_unversioned_route_what_the_run_does_not_tell(self, both: Both) -> None:
        silent = v2_run(paused=BLOCK, output=None)
        client = both.client(silent, paused_run(point("c1")), silent, answer(404, {"error": "gone"}), **V2)
        told = await both(client.workflows.get_paused("wf", "e1"))
        assert client.script.requests[1].path == "/api/workflows/wf/paused/e1"
        assert [(pause.question, pause.context_id) for pause in told.pauses] == [("Approve?", "c1")]
        untold = await both(client.workflows.get_paused("wf", "e1"))
        assert (untold.paused.question, untold.paused.context_id) == (None, "c1")

    async def test_the_run_keeps_its_first_id(self, both: Both) -> None:
        resumed = answer(200, {"data": {"runId": "e9", "workflowId": "wf", "status": "completed", "output": 2}})
        client = both.client(v2_run(paused=BLOCK), resumed, **V2)
        job = await both(client.jobs.get("e1", workflow_id="wf"))
        result = await both(client.workflows.resume(job, {"approved": True}))
        request = client.script.requests[1]
        assert (request.method, request.path) == ("POST", "/api/v2/workflows/wf/runs/e1/resume")
        assert request.json() == {"contextId": "c1", "input": {"approved": True}}
        assert (result.output, result.execution_id) == (2, "e1")

    async def test_the_job_of_a_queued_run_is_read_under_its_first_id(self, both: Both) -> None:
        receipt = answer(202, {"data": {"runId": "e9", "statusUrl": "x"}})
        client = both.client(receipt, v2_run("completed", output=1), **V2)
        queued = await both(client.workflows.resume(Pause("c1", "wf", "e1")))
        assert isinstance(queued, AsyncExecutionResult)
        assert (queued.task_id, queued.api_version) == ("e1", "v2")
        assert (await both(client.jobs.wait(queued))).result.output == 1
        assert client.script.requests[1].path == "/api/v2/workflows/wf/runs/e1"

    async def test_an_answer_too_late_is_a_conflict(self, both: Both) -> None:
        late = {"error": {"code": "CONFLICT", "message": "Already resumed"}}
        client = both.client(answer(409, late), **V2)
        with pytest.raises(ConflictError, match="Already resumed"):
            await both(client.workflows.resume(Pause("c1", "wf", "e1")))
        assert len(client.script.requests) == 1

    async def test_a_list_that_is_none_is_an_invalid_response(self, both: Both) -> None:
        client = both.client(answer(200, {"data": {}}), **V2)
        with pytest.raises(InvalidResponseError, match="list of runs"):
            await both(client.workflows.paused("wf").page())
