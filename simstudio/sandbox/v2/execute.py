"""POST /api/v2/workflows/{workflowId}/execute: synchronous, with heartbeats, streamed, in the background."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.routing import Route

from simstudio.sandbox import jsontext
from simstudio.sandbox.dialects.v06 import V06
from simstudio.sandbox.http import Headers, Refusal, Reply, head
from simstudio.sandbox.outputs import Selection
from simstudio.sandbox.refusals import refuse_execution
from simstudio.sandbox.runs import AgentEvent, Invocation
from simstudio.sandbox.streaming import EventStream, FrameWriter, frame
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2 import access, results
from simstudio.sandbox.v2.answers import data, error, not_found, refused
from simstudio.sandbox.v2.operation import Call, Contract, Field, read
from simstudio.sandbox.workflow import RESPONSE_BLOCK, Reset, Thinking, Workflow, normalised

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.runs import Outcome, Run

PATH = "/api/v2/workflows/{workflowId}/execute"
PROTOCOL = "agent-events-v1"
BODY_LIMIT = 10 * 1024 * 1024
RUN_ID = "x-run-id"
_RUN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_DEEPEST_CALL_CHAIN = 25
_RETRY_AFTER = 5
_NDJSON = "application/x-ndjson"
_LARGEST_BASE64 = 16 * 1024 * 1024
_FILES = ("includeFileBase64", "base64MaxBytes")

_RUN = (
    "{source:'deployment'}|{source:'manual',entry?:{type:'trigger',blockId?:string,useMockPayload?:boolean}"
    "|{type:'block',blockId:string,sourceRunId:string},stopAfterBlockId?:string}"
)


OPERATION = Contract(
    "POST",
    PATH,
    "executeWorkflowV2",
    body=(
        Field("input", "map<any>"),
        Field("run", _RUN),
        Field("async", "boolean"),
        Field("executionTimeoutSeconds", "integer", least=1, most=604800),
        Field("stream", "boolean"),
        Field("selectedOutputs", "string[]", least=0, most=100),
        Field("includeThinking", "boolean"),
        Field("includeToolCalls", "boolean"),
        Field("includeFileBase64", "boolean"),
        Field("base64MaxBytes", "integer", least=1, most=_LARGEST_BASE64),
    ),
    body_limit=BODY_LIMIT,
)


def routes(core: Core) -> list[Route]:
    """The one route of this group."""
    return [Route(PATH, Execute(core), methods=["POST"])] if core.settings.v2 else []


class Execute:
    """The execute route: it may be asked without a key, and counts the requests in flight."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a stream is in flight until its end."""
        self._in_flight += 1
        headers: Headers = ()
        answer: ASGIApp
        try:
            request = Request(scope, receive)
            try:
                headers = _admitted(self._core, request)
                self._check_capacity()
                answer = await self._handle(await read(self._core, request, OPERATION, headers))
            except Refusal as refusal:
                answer = refusal.reply
            if isinstance(answer, Reply):
                answer = answer.with_headers(dict(headers))
            await answer(scope, receive, send)
        finally:
            self._in_flight -= 1

    def _check_capacity(self) -> None:
        limit = self._core.settings.admission_limit
        if limit is not None and self._in_flight > limit:
            message = "Server is at capacity. Please retry shortly."
            raise Refusal(error(429, None, message, headers=(("retry-after", str(_RETRY_AFTER)),)))

    async def _handle(self, call: Call) -> ASGIApp:
        core = self._core
        wanted = Wanted(call)
        workflow = wanted.workflow
        run_id = wanted.claimed()
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
            headers: Headers = ((RUN_ID, run.id), *protocol, *call.headers)
            return EventStream(core, run, headers, lambda sink: core.engine.execute(run, sink), wanted.frames())
        if wanted.heartbeats:
            return Heartbeats(core, run, call.headers, wanted.selected)
        # Shielded, because a run goes on when its caller hangs up.
        outcome = await asyncio.shield(core.engine.execute(run))
        if outcome.ending == "interrupted":
            return error(503, None, "Server is shutting down", {"runId": run.id}, ((RUN_ID, run.id),))
        return data(results.finished(core, run, outcome, run.id, wanted.selected), headers=((RUN_ID, run.id),))


def _admitted(core: Core, request: Request) -> Headers:
    """Let a key pass, or nobody in particular to a public workflow; the rate limit's headers.

    Raises:
        Refusal: 401, 409 or 429.
    """
    anonymous = core.key_state(request) == "missing"
    headers: Headers = ()
    if not anonymous:
        access.authenticate(core, request)
        headers = access.counted(core, OPERATION.id)
    hops = [hop for hop in request.headers.get("x-sim-via", "").split(",") if hop.strip()]
    if len(hops) > _DEEPEST_CALL_CHAIN:
        message = f"Maximum workflow call chain depth ({_DEEPEST_CALL_CHAIN}) exceeded."
        raise refused(409, message, {"code": "CALL_CHAIN_DEPTH_EXCEEDED"})
    if anonymous:
        workflow = core.workflows.get(request.path_params["workflowId"])
        if workflow is None or not workflow.public or not workflow.deployed:
            raise access.unauthorized("API key required")
    return headers


def _take_allowance(core: Core, workflow: Workflow, invocation: Invocation, run_id: str | None) -> None:
    """Check the usage limit and the execution limits, and use up one run.

    The execution limits are checked once the run id is claimed: a run that they refuse is kept under it, as failed.

    Raises:
        Refusal: 402 or 429.
    """
    over = core.account().error
    if over is not None:
        raise refused(402, over)
    refused_by = refuse_execution(core, "async" if invocation.background else "sync")
    if refused_by is None:
        return
    core.engine.refuse(workflow, invocation, refused_by.reason, run_id)
    headers: Headers = (("retry-after", str(refused_by.retry_after)),)
    raise Refusal(error(429, None, refused_by.message, {"code": refused_by.code}, headers))


class Wanted:
    """What one request asks for, after the checks of how its parts go together.

    Raises:
        Refusal: 400, 403 or 404.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._body: Mapping[str, Any] = call.body
        self._anonymous = call.core.key_state(call.request) == "missing"
        run = self._body.get("run") or {}
        self._manual: Mapping[str, Any] | None = run if run.get("source") == "manual" else None
        self.negotiated = PROTOCOL in _listed(call.request.headers.get("x-sim-stream-protocol", ""))
        self.heartbeats = _accepts(call.request.headers.get("accept", ""), _NDJSON)
        self._check_combinations()
        self.selected: list[str] | None = self._body.get("selectedOutputs") or None
        self.workflow = self._found()
        self._check_selection()

    def claimed(self) -> str | None:
        """The caller's id for the run; None when the server makes one, as it does for nobody in particular.

        Raises:
            Refusal: 400 for what is no id, 409 when it is taken.
        """
        run_id = self._call.request.headers.get(RUN_ID)
        if run_id is None or self._anonymous:
            return None
        if _RUN_ID.fullmatch(run_id) is None:
            raise refused(400, "X-Run-Id must be 1 to 128 letters, digits, dots, underscores, colons or hyphens")
        if self._call.core.engine.knows(run_id):
            details = {"code": "RUN_ID_CONFLICT", "runId": run_id}
            raise Refusal(error(409, None, "Run ID has already been used", details, ((RUN_ID, run_id),)))
        return run_id

    def invocation(self) -> Invocation:
        """The run that is asked for."""
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
        """What writes the stream."""
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
            (self._anonymous and background, "Async execution requires an OAuth access token or API key"),
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
            raise access.unauthorized("Manual execution requires an OAuth access token or personal API key")
        for wrong, message in problems:
            if wrong:
                raise refused(400, message)

    def _found(self) -> Workflow:
        core = self._call.core
        workflow_id: str = self._call.path["workflowId"]
        manual = self._manual is not None
        found = core.definitions.workflow(workflow_id, draft=True) if manual else core.workflows.get(workflow_id)
        if found is None or core.key_state(self._call.request) == "outsider":
            raise not_found("Workflow")
        if not found.deployed and not manual:
            raise refused(403, "Workflow is not deployed")
        return found

    def _check_selection(self) -> None:
        known = known_blocks(self.workflow)
        for selector in self.selected or ():
            ((block, path),) = Selection.parse([selector]).entries
            if not block or not path or (known is not None and block not in known):
                raise refused(400, f"Invalid selectedOutputs: no block output is called {selector!r}")


def known_blocks(workflow: Workflow) -> set[str] | None:
    """The names and ids of the blocks a workflow can have; None when only running it would tell."""
    own = {normalised(workflow.block), workflow.block_id(), normalised(RESPONSE_BLOCK)}
    known = {*own, *workflow.block_ids, *workflow.block_ids.values()}
    return known if _names_no_blocks(workflow.function) else None


def _names_no_blocks(function: object) -> bool:
    """Whether a function surely speaks for no other block: none that yields can, unless it uses something of ours."""
    if not isinstance(function, FunctionType):
        return inspect.isbuiltin(function)
    if inspect.iscoroutinefunction(function):
        return function.__code__.co_argcount < 2  # the context of a run can pause it, for a block of any name
    if not (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        return True
    used = inspect.getclosurevars(function)
    return not used.globals and not used.nonlocals


class AgentFrames(FrameWriter):
    """Frames of v2: what does not stream is a chunk too, and those who ask for it see what a model does.

    Args:
        selected: the selected outputs.
        negotiated: whether the caller speaks the protocol of agent events.
        shown: which of ``includeThinking`` and ``includeToolCalls`` were asked for.
    """

    def __init__(self, selected: tuple[str, ...], *, negotiated: bool, shown: set[str]) -> None:
        super().__init__(_V2(), selected)
        self._negotiated = negotiated
        self._shown = shown

    def agent_event(self, event: AgentEvent) -> list[bytes]:
        """The frame of one event, if the caller wants to see it."""
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
    """How streams of v2 differ from those of v0.6: every selected value that does not stream is sent as one chunk."""

    name = "v2"

    def chunked_path(self, path: str) -> str | None:
        """The path itself."""
        return path


class Heartbeats:
    """A synchronous run as lines of JSON: heartbeats while it goes on, then its result."""

    def __init__(self, core: Core, run: Run, headers: Headers, selected: list[str] | None) -> None:
        self._core = core
        self._run = run
        self._selected = selected
        self._headers: Headers = (
            ("content-type", f"{_NDJSON}; charset=utf-8"),
            ("cache-control", "no-cache, no-transform"),
            ("x-accel-buffering", "no"),
            ("vary", "Accept"),
            (RUN_ID, run.id),
            *headers,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run and send; the run goes on when the caller hangs up."""
        del scope, receive
        work = self._core.engine.execute(self._run)
        await send(head(200, self._headers))
        while True:
            await _line(send, {"type": "heartbeat", "timestamp": iso(self._core.clock())})
            done, _ = await asyncio.wait([work], timeout=self._core.settings.heartbeat)
            if done:
                break
        await _line(send, self._last(work.result()))
        await send({"type": "http.response.body", "body": b""})

    def _last(self, outcome: Outcome) -> dict[str, object]:
        if outcome.ending == "interrupted":
            return {"type": "error", "error": "Server is shutting down", "code": "SERVICE_UNAVAILABLE", "status": 503}
        found = results.finished(self._core, self._run, outcome, self._run.id, self._selected)
        return {"type": "final", "data": found}


async def _line(send: Send, value: object) -> None:
    await send({"type": "http.response.body", "body": jsontext.encode(value) + b"\n", "more_body": True})


def _listed(text: str) -> set[str]:
    return {each.strip() for each in text.split(",")}


def _accepts(accept: str, media_type: str) -> bool:
    """Whether a media type is named among those accepted, and not refused by ``q=0``."""
    for each in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        if kind == media_type:
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False
