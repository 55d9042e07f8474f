"""POST /api/v2/workflows/{workflowId}/execute: synchronous, with heartbeats, streamed, in the background."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.checks import Flag, Issues, ListOf, Number, Optional, Record, Shape, Tagged, Text
from simstudio.sandbox.dialects.v06 import V06
from simstudio.sandbox.disconnects import wait_for_outcome
from simstudio.sandbox.families import V2, invalid
from simstudio.sandbox.http import Headers, Refusal, head
from simstudio.sandbox.operation import Call
from simstudio.sandbox.outputs import Selection
from simstudio.sandbox.refusals import refuse_execution
from simstudio.sandbox.runs import AgentEvent, Invocation
from simstudio.sandbox.streaming import EventStream, FrameWriter, frame
from simstudio.sandbox.v2 import results
from simstudio.sandbox.v2.answers import data
from simstudio.sandbox.v2.lines import HEADERS, NDJSON, accepts, send_heartbeats, send_line
from simstudio.sandbox.workflow import RESPONSE_BLOCK, Reset, Thinking, Workflow, normalise_name

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.runs import Outcome, Run

PATH = "/api/v2/workflows/{workflowId}/execute"
PROTOCOL = "agent-events-v1"
BODY_LIMIT = 10 * 1024 * 1024
RUN_ID = "x-run-id"
_RUN_ID = Text(
    most=(128, "Run ID too long"),
    pattern=(r"[A-Za-z0-9._:-]+", "Run ID can only contain letters, numbers, dots, underscores, colons, and hyphens"),
)
_DEEPEST_CALL_CHAIN = 25
_RETRY_AFTER = 5
_LARGEST_BASE64 = 16 * 1024 * 1024
_FAMILY = V2(body_limit=BODY_LIMIT, needs_body=True)
_FILES = ("includeFileBase64", "base64MaxBytes")

_ENTRY = Tagged(
    "type",
    {
        "trigger": Shape({"blockId": Optional(Text()), "useMockPayload": Optional(Flag())}, "keep"),
        "block": Shape({"blockId": Text(), "sourceRunId": Text()}, "keep"),
    },
)
_RUN = Tagged(
    "source",
    {
        "deployment": Shape({}, "keep"),
        "manual": Shape({"entry": Optional(_ENTRY), "stopAfterBlockId": Optional(Text())}, "keep"),
    },
)
_BODY = Shape(
    {
        "input": Optional(Record()),
        "run": Optional(_RUN),
        "async": Optional(Flag()),
        "executionTimeoutSeconds": Optional(Number(least=(1, None), most=(604800, None), whole=True)),
        "stream": Optional(Flag()),
        "selectedOutputs": Optional(ListOf(item=Text(), most=(100, None))),
        "includeThinking": Optional(Flag()),
        "includeToolCalls": Optional(Flag()),
        "includeFileBase64": Optional(Flag()),
        "base64MaxBytes": Optional(Number(least=(1, None), most=(_LARGEST_BASE64, None), whole=True)),
    },
    "refuse",
)


def _admit(call: Call) -> Headers:
    """Admit a valid key, or any caller of a public workflow, while the server has capacity."""
    anonymous = call.key == "missing"
    headers = () if anonymous else _FAMILY.admit(call)
    hops = [hop for hop in call.request.headers.get("x-sim-via", "").split(",") if hop.strip()]
    if len(hops) > _DEEPEST_CALL_CHAIN:
        message = f"Maximum workflow call chain depth ({_DEEPEST_CALL_CHAIN}) exceeded."
        raise Refusal(409, message, {"code": "CALL_CHAIN_DEPTH_EXCEEDED"})
    if anonymous:
        workflow = call.core.workflows.get(call.request.path_params["workflowId"])
        if workflow is None or not workflow.public or not workflow.deployed:
            raise Refusal(401, "API key required")
    limit = call.core.settings.admission_limit
    if limit is not None and call.in_flight > limit:
        message = "Server is at capacity. Please retry shortly."
        raise Refusal(429, message, headers=(*headers, ("retry-after", str(_RETRY_AFTER))))
    return headers


@_FAMILY.operation("POST", PATH, "executeWorkflowV2", query=Shape({}, "refuse"), body=_BODY, admit=_admit)
async def execute(call: Call) -> ASGIApp:
    """Execute a workflow."""
    core, wanted = call.core, ExecuteRequest(call)
    workflow = wanted.workflow
    run_id = wanted.claim()
    invocation = wanted.invocation()
    _take_allowance(core, workflow, invocation, run_id)
    if invocation.background:
        # The request has paid for its run already, unlike one of v0.6, whose run pays again.
        job = core.engine.submit(workflow, invocation, run_id)
        status_url = f"{invocation.base_url}/api/v2/workflows/{workflow.id}/runs/{job.execution_id}"
        accepted = {"runId": job.execution_id, "statusUrl": status_url}
        return data(accepted, 202, ((RUN_ID, job.execution_id),))
    run = core.engine.begin(workflow, invocation, run_id)
    if invocation.stream:
        protocol = (("x-sim-stream-protocol", PROTOCOL),) if wanted.negotiated else ()
        named = () if core.dialect.since_v08 else ((RUN_ID, run.id),)
        headers: Headers = (*named, *protocol, *call.headers)
        return EventStream(core, run, headers, lambda sink: core.engine.execute(run, sink), wanted.frames())
    if wanted.heartbeats:
        return Heartbeats(core, run, call.headers, wanted.selected)
    outcome = await wait_for_outcome(core, run, core.engine.execute(run), call.request.receive)
    if outcome.ending == "interrupted":
        raise Refusal(503, "Server is shutting down", {"runId": run.id}, headers=((RUN_ID, run.id),))
    return data(results.present_run(core, run, outcome, run.id, wanted.selected), headers=((RUN_ID, run.id),))


def _take_allowance(core: Core, workflow: Workflow, invocation: Invocation, run_id: str | None) -> None:
    """Check the usage limit and the execution limits, and use up one run.

    The execution limits are checked once the run id is claimed: a refused run is kept under it as failed.

    Raises:
        Refusal: 402 or 429.
    """
    over = core.account().error
    if over is not None:
        raise Refusal(402, over)
    refused_by = refuse_execution(core, "async" if invocation.background else "sync")
    if refused_by is None:
        return
    core.engine.refuse(workflow, invocation, refused_by.reason, run_id)
    headers: Headers = (("retry-after", str(refused_by.retry_after)),)
    raise Refusal(429, refused_by.message, {"code": refused_by.code}, headers=headers)


class ExecuteRequest:
    """One execute request, after the checks of its combinations of parameters.

    Raises:
        Refusal: 400, 403 or 404.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._body: Mapping[str, Any] = call.body
        self._anonymous = call.key == "missing"
        run = self._body.get("run") or {}
        self._manual: Mapping[str, Any] | None = run if run.get("source") == "manual" else None
        self.negotiated = PROTOCOL in _split(call.request.headers.get("x-sim-stream-protocol", ""))
        self.heartbeats = accepts(call.request.headers.get("accept", ""), NDJSON)
        self._check_combinations()
        self.selected: list[str] | None = self._body.get("selectedOutputs") or None
        self.workflow = self._find_workflow()
        self._check_selection()

    def claim(self) -> str | None:
        """Claim the caller's id for the run; None if the server makes one, as for anonymous callers.

        Raises:
            Refusal: 400, the header is no id; 409, the id is taken.
        """
        run_id = self._call.request.headers.get(RUN_ID)
        if run_id is None or self._anonymous:
            return None
        issues = Issues()
        _RUN_ID.read(run_id, (RUN_ID,), issues)
        if issues:
            raise invalid(*issues)
        if self._call.core.engine.knows(run_id):
            details = {"code": "RUN_ID_CONFLICT", "runId": run_id}
            raise Refusal(409, "Run ID has already been used", details, headers=((RUN_ID, run_id),))
        return run_id

    def invocation(self) -> Invocation:
        """The invocation of the run."""
        body = self._body
        return Invocation(
            received=body.get("input") or {},
            raw=dict(body),
            stream=body.get("stream") is True,
            background=body.get("async") is True,
            selected=tuple(self.selected or ()),
            trigger="api" if self._manual is None else "manual",
            exempt=True,
            stop_after=None if self._manual is None else self._manual.get("stopAfterBlockId"),
            base_url=self._call.core.base_url(self._call.request),
            timeout=body.get("executionTimeoutSeconds"),
        )

    def frames(self) -> FrameWriter:
        """The writer of the stream."""
        shown = {name for name in ("includeThinking", "includeToolCalls") if self._body.get(name)}
        return AgentFrames(tuple(self.selected or ()), negotiated=self.negotiated, shown=shown)

    def _check_combinations(self) -> None:
        body, manual = self._body, self._manual
        entry = {} if manual is None else manual.get("entry") or {}
        background, stream = body.get("async") is True, body.get("stream") is True
        agent = bool(body.get("includeThinking") or body.get("includeToolCalls"))
        shaped = agent or bool(body.get("selectedOutputs")) or any(name in body for name in _FILES)
        problems = (
            (manual is not None and background, "Manual execution does not support async mode"),
            (
                entry.get("useMockPayload") is True and "input" in body,
                "input and run.entry.useMockPayload cannot be combined",
            ),
            (self._anonymous and background, "Async execution requires an API key"),
            (background and stream, "async and stream cannot be combined"),
            (
                "executionTimeoutSeconds" in body and not background,
                "executionTimeoutSeconds is supported only for async execution",
            ),
            (background and shaped, "Async execution does not support streaming or output-shaping options"),
            (agent and not stream, "includeThinking and includeToolCalls require stream: true"),
            (
                agent and not self.negotiated,
                f"includeThinking and includeToolCalls require the header X-Sim-Stream-Protocol: {PROTOCOL}",
            ),
            (entry.get("type") == "block", "the sandbox cannot begin a Python function in its middle"),
        )
        if manual is not None and self._anonymous:
            raise Refusal(401, "Manual execution requires an OAuth access token or personal API key")
        for wrong, message in problems:
            if wrong:
                raise Refusal(400, message)

    def _find_workflow(self) -> Workflow:
        core = self._call.core
        workflow_id: str = self._call.path["workflowId"]
        manual = self._manual is not None
        found = core.definitions.workflow(workflow_id, draft=True) if manual else core.workflows.get(workflow_id)
        if found is None or self._call.key == "outsider":
            raise Refusal(404, "Workflow not found")
        if not found.deployed and not manual:
            raise Refusal(403, "Workflow is not deployed")
        return found

    def _check_selection(self) -> None:
        known = known_blocks(self.workflow)
        if self._call.core.dialect.since_v08:
            return  # unknown outputs are left out
        for selector in self.selected or ():
            ((block, path),) = Selection.parse([selector]).entries
            if not block or not path or (known is not None and block not in known):
                raise Refusal(400, f"Invalid selectedOutputs: no block output is called {selector!r}")


def known_blocks(workflow: Workflow) -> set[str] | None:
    """Names and ids of the blocks of a workflow; None if they are known only when it runs."""
    own = {normalise_name(workflow.block), workflow.block_id(), normalise_name(RESPONSE_BLOCK)}
    known = {*own, *workflow.block_ids, *workflow.block_ids.values()}
    return known if _has_fixed_blocks(workflow.function) else None


def _has_fixed_blocks(function: object) -> bool:
    """Whether a function can yield output for its own block only. For others it needs a class of the sandbox."""
    if not isinstance(function, FunctionType):
        return inspect.isbuiltin(function)
    if inspect.iscoroutinefunction(function):
        return function.__code__.co_argcount < 2  # the context of a run can pause it, for a block of any name
    if not (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        return True
    used = inspect.getclosurevars(function)
    return not used.globals and not used.nonlocals


class AgentFrames(FrameWriter):
    """Frames of v2: outputs that do not stream are chunks as well, and agent events are sent on request.

    Args:
        selected: the selected outputs.
        negotiated: whether the caller accepts the protocol of agent events.
        shown: the ones of ``includeThinking`` and ``includeToolCalls`` that were requested.
    """

    def __init__(self, selected: tuple[str, ...], *, negotiated: bool, shown: set[str]) -> None:
        super().__init__(_V2(), selected)
        self._negotiated = negotiated
        self._shown = shown

    def agent_event(self, event: AgentEvent) -> list[bytes]:
        """The frame of one event, if the caller requested such events."""
        what, block = event.what, {"blockId": event.block_id}
        if isinstance(what, Reset):
            return [frame({**block, "event": "chunk_reset"})] if self._negotiated else []
        if isinstance(what, Thinking):
            shown = "includeThinking" in self._shown
            return [frame({**block, "event": "thinking", "data": what.text})] if shown else []
        if "includeToolCalls" not in self._shown:
            return []
        call = {"event": "tool", "phase": what.phase, "id": what.id or what.name, "name": what.name}
        status = {} if what.status is None else {"status": what.status}
        return [frame({**block, **call, **status})]


class _V2(V06):
    """The dialect of streams of v2: a selected value that does not stream is sent as one chunk, unlike in v0.6."""

    name = "v2"

    def chunked_path(self, path: str) -> str | None:
        """The path itself."""
        return path


class Heartbeats:
    """A synchronous run as lines of JSON: heartbeats until its end, then its result."""

    def __init__(self, core: Core, run: Run, headers: Headers, selected: list[str] | None) -> None:
        self._core = core
        self._run = run
        self._selected = selected
        self._headers: Headers = (*HEADERS, (RUN_ID, run.id), *headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run and send."""
        del scope
        outcome = wait_for_outcome(self._core, self._run, self._core.engine.execute(self._run), receive)
        await send(head(200, self._headers))
        await send_line(send, self._last(await send_heartbeats(self._core, send, outcome)))
        await send({"type": "http.response.body", "body": b""})

    def _last(self, outcome: Outcome) -> dict[str, object]:
        if outcome.ending == "interrupted":
            return {"type": "error", "error": "Server is shutting down", "code": "SERVICE_UNAVAILABLE", "status": 503}
        found = results.present_run(self._core, self._run, outcome, self._run.id, self._selected)
        return {"type": "final", "data": found}


def _split(text: str) -> set[str]:
    return {each.strip() for each in text.split(",")}
