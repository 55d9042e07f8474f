"""What the engine gets of Sim: each answer of a server as a result, a receipt, limits or an error."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import pytest

import simstudio as sim
from simstudio.batch.execution import Limits, Receipt, Refusal
from simstudio.models.usage import ExecutionRateLimits, RateLimitEntry
from simstudio.resources.batch_execution import ExecutionOptions, WorkflowExecution, limits_of
from simstudio.transport.rate_limit import RateLimitInfo
from tests.driving import KEY, Played, answer, client, context_of, frames, play, result_of, streamed

RUN = {"runId": "r1", "workflowId": "wf", "status": "completed", "output": {"n": 1}}
QUEUED = answer(202, {"success": True, "jobId": "j1", "executionId": "e1", "statusUrl": "https://sim.test/api/jobs/j1"})
JOB = {"taskId": "j1", "status": "completed", "output": {"success": True, "output": {"n": 1}}}


def made(mode: Any = "sync", version: Any = "v1", **options: Any) -> WorkflowExecution:
    return WorkflowExecution(ExecutionOptions("wf", version, mode, **options), context_of(client()))


class TestBeginning:
    def test_a_request_brings_the_result(self) -> None:
        result = result_of(made().begin({"a": 1}, None), answer(200, {"success": True, "output": {"n": 1}}))
        assert isinstance(result, sim.WorkflowExecutionResult)
        assert result.output == {"n": 1}

    @pytest.mark.parametrize("mode", ["sync", "stream"])
    def test_a_result_without_success_is_an_error(self, mode: str) -> None:
        """v0.4 answers 200 when a workflow fails, and every version when a run is cancelled."""
        end = {"success": False, "output": {}, "error": "Boom"}
        sent = streamed(frames({"event": "final", "data": end}, '"[DONE]"')) if mode == "stream" else answer(200, end)
        played = play(made(mode).begin({}, None), sent)
        assert isinstance(played.error, sim.ExecutionError)
        assert "Boom" in str(played.error)
        assert played.error.result.error == "Boom"

    @pytest.mark.parametrize("mode", ["sync", "async", "stream"])
    def test_nothing_is_sent_twice(self, mode: str) -> None:
        """The pace must see each refusal, and the ledger each attempt."""
        played = play(made(mode).begin({}, None), answer(429, {"error": "Rate limit exceeded"}))
        assert isinstance(played.error, sim.RateLimitError)
        assert len(played.requests) == 1

    def test_a_claim_is_the_run_id_of_v2(self) -> None:
        execution = made(version="v2")
        claim = execution.new_claim()
        played = play(execution.begin({}, claim), answer(200, {"data": RUN}))
        assert played.asked[0].headers["X-Run-Id"] == claim
        assert claim != execution.new_claim()

    @pytest.mark.parametrize(
        ("told", "claims"),
        [(answer(400, {"error": "Invalid execution ID header"}), True), (answer(404, {"error": "no"}), False)],
    )
    def test_v1_has_claims_where_the_server_honours_them(self, told: Any, claims: bool) -> None:
        execution = made()
        assert (execution.claims, execution.new_claim()) == (False, None)
        result_of(execution.prepare(), told)
        assert execution.claims is claims
        assert (execution.new_claim() is not None) is claims

    def test_a_claim_of_v1_is_relied_on_by_a_client_that_has_learnt_nothing(self) -> None:
        """A worker's client sends what the batch's client has asked the server about."""
        used = {"error": "used", "code": "EXECUTION_ID_CONFLICT", "executionId": "mine"}
        played = play(made().begin({}, "mine"), answer(409, used), answer(200, {"data": {**RUN, "runId": "mine"}}))
        assert (played.result.output, played.result.run_id) == ({"n": 1}, "mine")
        lost = play(made().begin({}, "mine"), sim.APIConnectionError("gone", sent=True))
        assert isinstance(lost.error, sim.APIConnectionError)
        assert lost.error.run_id == "mine"

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_nobody_without_a_key_has_claims(self, version: Any) -> None:
        execution = WorkflowExecution(ExecutionOptions("wf", version), context_of(client(api_key=sim.ANONYMOUS)))
        result_of(execution.prepare())
        assert execution.new_claim() is None

    def test_no_error_holds_the_key(self) -> None:
        played = play(made().begin({}, None), answer(400, {"error": f"the key {KEY} is odd"}))
        assert isinstance(played.error, sim.InvalidRequestError)
        assert KEY not in str(played.error)


class TestTheQueue:
    def test_what_is_queued_gives_a_receipt_and_then_the_result(self) -> None:
        execution = made("async")
        receipt = result_of(execution.begin({}, None), QUEUED)
        assert isinstance(receipt, Receipt)
        assert (receipt.task_id, receipt.execution_id, receipt.api_version) == ("j1", "e1", "v1")
        travelled = pickle.loads(pickle.dumps(receipt))
        assert result_of(execution.settle(travelled), answer(200, JOB)).output == {"n": 1}

    @pytest.mark.parametrize(
        ("version", "path", "body"),
        [("v1", "/api/jobs/j1", JOB), ("v2", "/api/v2/workflows/wf/runs/j1", {"data": {**RUN, "runId": "j1"}})],
    )
    def test_a_receipt_of_a_ledger_is_asked_for_in_the_version_that_queued_it(
        self, version: str, path: str, body: Any
    ) -> None:
        other = "v1" if version == "v2" else "v2"
        played = play(made("async", other).settle(Receipt("j1", None, version)), answer(200, body))
        assert played.result.output == {"n": 1}
        assert played.asked[0].path.partition("?")[0] == path

    def test_a_job_that_failed_is_an_error(self) -> None:
        failed = answer(200, {"taskId": "j1", "status": "failed", "error": "Boom"})
        assert isinstance(play(made("async").settle(Receipt("j1")), failed).error, sim.JobFailedError)


class TestRefusals:
    def of(self, played: Played) -> Refusal | None:
        assert isinstance(played.error, sim.SimStudioError)
        return made().refusal(played.error)

    def test_429_says_when_to_come_back(self) -> None:
        refused = answer(429, {"error": "Rate limit exceeded"}, headers={"Retry-After": "7"})
        assert self.of(play(made().begin({}, None), refused)) == Refusal(7.0)

    def test_the_queue_may_refuse_what_it_took(self) -> None:
        failed = answer(200, {"taskId": "j1", "status": "failed", "error": "Rate limit exceeded. Please try again."})
        assert self.of(play(made("async").settle(Receipt("j1")), failed)) == Refusal()

    def test_a_limit_of_executions_uses_the_claim_up(self) -> None:
        code = {"code": "RATE_LIMIT_EXCEEDED", "message": "Slow down", "details": {"code": "RATE_LIMIT_EXCEEDED"}}
        refused = answer(429, {"error": code}, headers={"Retry-After": "7"})
        assert self.of(play(made(version="v2").begin({}, "r1"), refused)) == Refusal(7.0, spent=True)

    def test_a_run_that_an_earlier_refusal_left_behind_says_nothing_of_the_limits_now(self) -> None:
        conflict = {"code": "CONFLICT", "message": "Run id in use", "details": {"code": "RUN_ID_CONFLICT"}}
        left = {"message": "Rate limit exceeded. Please try again.", "code": "EXECUTION_FAILED"}
        run = {**RUN, "status": "failed", "output": None, "error": left, "durationMs": 1}
        played = play(made(version="v2").begin({}, "r1"), answer(409, {"error": conflict}), answer(200, {"data": run}))
        refusal = self.of(played)
        assert refusal is not None
        assert (refusal.spent, refusal.current) == (True, False)

    def test_other_errors_are_none(self) -> None:
        failed = answer(200, {"taskId": "j1", "status": "failed", "error": "Boom"})
        assert self.of(play(made("async").settle(Receipt("j1")), failed)) is None
        assert self.of(play(made().begin({}, None), answer(404, {"error": "no such workflow"}))) is None


class TestLimits:
    def test_are_those_that_the_server_tells(self) -> None:
        bucket = {"limit": 50, "remaining": 7, "resetAt": "1970-01-01T00:01:00.500Z", "maxBurst": 100}
        told = answer(200, {"success": True, "rateLimit": {"sync": bucket, "async": {}}})
        assert result_of(made().limits(), told) == Limits(50, 7, 100, 60.5)
        assert result_of(made().limits(), answer(200, {"success": True})) is None

    @pytest.mark.parametrize(("version", "mode", "cost"), [("v1", "sync", 1), ("v1", "async", 2), ("v2", "async", 1)])
    def test_what_an_execution_takes(self, version: str, mode: str, cost: int) -> None:
        assert made(mode, version).cost == cost

    def test_servers_with_claims_count_a_background_run_once(self) -> None:
        execution = made("async")
        result_of(execution.prepare(), answer(400, {"error": "Invalid execution ID"}))
        assert execution.cost == 1

    def test_v0_4_counts_background_runs_apart_and_once(self) -> None:
        entries = ExecutionRateLimits(RateLimitEntry(limit=10, remaining=0), RateLimitEntry(limit=50, remaining=2))
        limits = sim.UsageLimits(True, entries)
        assert limits_of(limits, background=True) == Limits(50, 2, cost=1)
        assert limits_of(limits, background=False) == Limits(10, 0)

    def test_headers_are_heard_where_they_say_what_is_left(self) -> None:
        heard: list[RateLimitInfo] = []
        execution = WorkflowExecution(ExecutionOptions("wf", "v2"), context_of(client()), heard.append)
        headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "1795161600"}
        result_of(execution.begin({}, "r1"), answer(200, {"data": RUN}, headers=headers))
        play(execution.begin({}, "r2"), answer(429, {"error": {}}, headers={"Retry-After": "3"}))
        assert [(info.limit, info.remaining, info.reset) for info in heard] == [(60, 5, 1795161600)]


def test_what_makes_it_travels_to_workers() -> None:
    options = ExecutionOptions("wf", "v1", "stream", selected_outputs=["a.b"])
    make = pickle.loads(pickle.dumps(partial(WorkflowExecution, options)))
    execution = make(context_of(client()))
    assert (execution.workflow_id, execution.mode, execution.api_version) == ("wf", "stream", "v1")
