"""POST /api/workflows/{id}/execute: synchronous, streamed and in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.disconnects import wait_for_outcome
from simstudio.sandbox.families import NUL, Legacy, nul_texts, read_body
from simstudio.sandbox.http import Headers, Refusal, Reply, json_reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.refusals import refuse_execution
from simstudio.sandbox.streaming import ErrorStream, EventStream

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.dialects.base import Check, KeyState
    from simstudio.sandbox.runs import Invocation, Outcome, Run
    from simstudio.sandbox.workflow import Workflow

_DEEPEST_CALL_CHAIN = 25


@Legacy("execute").operation("POST", "/api/workflows/{id}/execute")
async def execute(call: Call) -> ASGIApp:
    """Execute a workflow: at once, as a stream, or in the background."""
    core = call.core
    attempt = Attempt(call, await read_body(call))
    workflow, invocation = attempt.check()
    allowance = core.dialect.allowance(background=invocation.background)
    headers: Headers = tuple(core.dialect.write_limit_headers(core.limiter(), allowance).items())
    if invocation.background:
        job = core.engine.submit(workflow, invocation, invocation.execution_id)
        return json_reply(core.dialect.write_receipt(job, core.base_url(call.request)), 202)
    error = core.account().error if core.dialect.usage_checked_at_start else None
    if error is not None and invocation.stream:
        return ErrorStream(error, headers)
    if error is not None:
        raise refuse_over_usage(error)
    run = core.engine.begin(workflow, invocation, invocation.execution_id)
    if invocation.stream:
        return EventStream(core, run, headers, lambda sink: core.engine.execute(run, sink))
    outcome = await wait_for_outcome(core, run, core.engine.execute(run), call.request.receive)
    return _answer(core, run, outcome)


execute_by_get = Legacy("execute", "execute by GET").operation("GET", execute.path)(execute.handler)


def refuse_over_usage(message: str) -> Refusal:
    """Make the refusal of an execution over the usage limit."""
    return Refusal(402, message, code="USAGE_LIMIT_EXCEEDED")


class Attempt:
    """The checks of one request, in the order that the dialect names."""

    def __init__(self, call: Call, body: bytes) -> None:
        self._core = core = call.core
        self._dialect = core.dialect
        self._request = call.request
        self._body = body
        self._in_flight = call.in_flight
        self._key: KeyState = call.key
        self._workflow = core.workflows.get(call.path["id"])
        self._invocation: Invocation | None = None

    def check(self) -> tuple[Workflow, Invocation]:
        """Run all checks; return the workflow and its invocation.

        Raises:
            Refusal: a check failed.
        """
        checks = {
            "capacity": self._check_capacity,
            "call_chain": self._check_call_chain,
            "key": self._check_key,
            "body": self._read_body,
            "workflow": self._check_workflow,
            "access": self._check_access,
            "deployed": self._check_deployed,
            "claim": self._check_claim,
            "usage": self._check_usage,
            "rate": self._check_rate,
        }
        check: Check
        for check in self._dialect.checks:
            checks[check]()
        workflow, invocation = self._require_workflow(), self._read_body()
        if self._dialect.since_v08 and next(nul_texts(invocation.received), None) is not None:
            workflow = attrs.evolve(workflow, function=_fail_on_nul)
        return workflow, invocation

    def _check_capacity(self) -> None:
        limit = self._core.settings.admission_limit
        if limit is not None and self._in_flight > limit:
            raise self._dialect.refuse_at_capacity()

    def _check_call_chain(self) -> None:
        hops = [hop for hop in self._request.headers.get("x-sim-via", "").split(",") if hop.strip()]
        if len(hops) > _DEEPEST_CALL_CHAIN:
            message = f"Maximum workflow call chain depth ({_DEEPEST_CALL_CHAIN}) exceeded."
            raise Refusal(409, message)

    def _check_key(self) -> None:
        public = self._workflow is not None and self._workflow.public
        if self._key == "outsider" or (self._key == "missing" and public):
            return
        self._dialect.check_key("execute", self._key)

    def _check_access(self) -> None:
        if self._key == "outsider":
            self._dialect.check_key("execute", self._key)

    def _read_body(self) -> Invocation:
        if self._invocation is None:
            invocation = self._dialect.invocation(self._body, self._request.headers)
            claimed = invocation.execution_id if self._key == "member" else None
            base_url = self._core.base_url(self._request)
            self._invocation = attrs.evolve(invocation, base_url=base_url, execution_id=claimed)
        return self._invocation

    def _require_workflow(self) -> Workflow:
        if self._workflow is None:
            raise Refusal(404, "Workflow not found")
        return self._workflow

    def _check_workflow(self) -> None:
        self._require_workflow()

    def _check_deployed(self) -> None:
        if not self._require_workflow().deployed:
            raise Refusal(403, "Workflow is not deployed")

    def _check_claim(self) -> None:
        execution_id = self._read_body().execution_id
        if execution_id is not None and self._core.engine.knows(execution_id):
            body = {"error": "Execution ID has already been used", "code": "EXECUTION_ID_CONFLICT"}
            raise Refusal(409, body={**body, "executionId": execution_id})

    def _check_usage(self) -> None:
        error = self._core.account().error
        if error is not None:
            raise refuse_over_usage(error)

    def _check_rate(self) -> None:
        invocation = self._read_body()
        if invocation.exempt:
            return
        limiter = self._core.limiter()
        allowance = self._dialect.allowance(background=invocation.background)
        if self._dialect.claims:
            refusal = refuse_execution(self._core, allowance)
            if refusal is not None:
                self._core.engine.refuse(self._require_workflow(), invocation, refusal.reason, invocation.execution_id)
                raise Refusal(429, refusal.message)
        elif not limiter.take(allowance):
            self._core.engine.refuse(self._require_workflow(), invocation, self._dialect.rate_limited_job)
            raise self._dialect.refuse_over_limit(limiter, background=invocation.background)


def _fail_on_nul(given: object) -> NoReturn:
    del given
    raise ValueError(NUL)


def _answer(core: Core, run: Run, outcome: Outcome) -> Reply:
    if outcome.response is not None:
        headers = tuple(outcome.response.headers.items())
        return Reply(outcome.response.status, jsontext.encode(outcome.response.body), headers)
    if core.dialect.since_v08:
        outcome = attrs.evolve(outcome, output=core.output(outcome.output, run.id))
    return core.dialect.write_outcome(run, outcome, core.error_text(outcome, run))
