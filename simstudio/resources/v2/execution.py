"""One execution with v2: under a run id chosen by the client, at most once, however often the request is sent.

``X-Run-Id`` is a claim: the server runs the first request that carries the id and responds to others with 409
``RUN_ID_CONFLICT``. If a response is lost the request is therefore sent again under the same id; after a conflict the
existing run is read.

Sim claims the id before it checks :data:`EXECUTION_LIMITS`. A 429 of these limits uses up the id although nothing runs,
and leaves a failed run of 1 ms under it: the execution is then sent again under a new id. A 429 that comes before the
claim (API rate limit, server at capacity) leaves the id unused.

With ``Accept: application/x-ndjson`` the server sends a heartbeat line every 15 s and the run as the last line, so that
no proxy closes an idle connection during a long run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.core.conversion import require, structure
from simstudio.core.errors import JobFailedError, StreamError
from simstudio.core.failures import add_advice, read_error, status_error
from simstudio.core.polling import TRANSIENT_ERRORS, Poller
from simstudio.models.runs import is_resuming
from simstudio.models.v2.runs import Run
from simstudio.resources.claims import is_anonymous, mint, spends
from simstudio.resources.settings import SIM
from simstudio.resources.v2.gate import explain_not_found
from simstudio.resources.v2.run_responses import RunResponse, error_response, fetch_run, last_line, parse_run, run_data
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import (
    APIConnectionError,
    APITimeoutError,
    ConflictError,
    NotFoundError,
    RateLimitError,
    ServerError,
    SimStudioError,
)
from simstudio.transport.message import Claim, Response

if TYPE_CHECKING:
    from simstudio.core.options import Unset
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request

T = TypeVar("T")

NDJSON = "application/x-ndjson"
PROTOCOL = "agent-events-v1"
HEARTBEATS_FROM = 30.0
"""Seconds. A call that may take longer asks for heartbeats."""
MOST_SELECTED = 100

EXECUTION_LIMITS = {
    "RATE_LIMIT_EXCEEDED": "Rate limit exceeded",
    "EXECUTION_CONCURRENCY_LIMIT": "Too many concurrent executions",
}
"""Limits that Sim checks after it has claimed the run id: ``error.details.code`` of the 429, and the start of the error
message of the failed run that the refusal leaves behind."""

_OVER = frozenset({"completed", "failed", "cancelled", "paused"})
_MAX_FAILURES = 20  # polls for a run whose id is claimed but which does not exist yet: several minutes


def claim(run_id: str | None = None) -> Claim:
    """The claim of an execution: the caller's run id, or a new one that may be replaced after a refusal."""
    return Claim("X-Run-Id", run_id or mint(), spent_by=_spends, mint=None if run_id else mint)


def has_spent_run_id(error: SimStudioError) -> bool:
    """Whether an error reports a refusal that used up the run id, so that nothing ran under it."""
    if isinstance(error, JobFailedError):
        return error.job is not None and find_refusal(error.job) is not None
    if not isinstance(error, RateLimitError):
        return False
    return _code_in(error.details) in EXECUTION_LIMITS or (error.response is not None and spends(error.response))


def _spends(response: Response) -> bool:
    return response.status == 429 and _code_in(read_error(response).details) in EXECUTION_LIMITS


def is_refusal(response: Response) -> bool:
    """Whether an execution or a resume was refused before it began, so that even without a claim it may be sent again.

    No Response block sets the status of a response of v2.
    """
    return response.status == 429


def _code_in(details: Any) -> str | None:
    code = details.get("code") if isinstance(details, Mapping) else None
    return code if isinstance(code, str) else None


def find_refusal(run: Mapping[str, Any]) -> str | None:
    """The key in :data:`EXECUTION_LIMITS` of the limit that refused a run before it began; None for a run that began.

    A run in which a block failed with the same words is not a refusal: it names the block, took longer, or has a cost.
    """
    error, cost = run.get("error"), run.get("cost")
    if run.get("status") != "failed" or not isinstance(error, Mapping) or "blockId" in error:
        return None
    if run.get("durationMs") not in (0, 1) or (isinstance(cost, Mapping) and cost.get("total")):
        return None
    message = str(error.get("message"))
    return next((code for code, begin in EXECUTION_LIMITS.items() if message.startswith(begin)), None)


@attrs.frozen
class ClaimedRun:
    """The run under the claimed id of an execution.

    Attributes:
        resource: Resource whose client sends the requests.
        claim: The claimed run id; a new one after a refusal has used it up.
    """

    resource: APIResource[Any]
    workflow_id: str
    claim: Claim

    @property
    def run_id(self) -> str:
        """The run id of the latest attempt."""
        return self.claim.id

    def settle(
        self, request: Request, *, renew: bool, until: Callable[[RunResponse], bool] | None = None
    ) -> Flow[RunResponse | None]:
        """After a conflict, wait for the run of the earlier request that claimed the id.

        Args:
            request: The request that met the conflict.
            renew: Whether the request may be sent again under a new id.
            until: See :meth:`wait`.

        Returns:
            The run; None if it was refused before it began, and the request now has a new id.

        Raises:
            RateLimitError: The run was refused before it began, and the request may not be sent again.
        """
        budget = request.budget
        run = yield from self.wait(budget.remaining() if budget is not None else None, until=until)
        limit = find_refusal(run.data)
        if limit is None:
            return run
        if renew and self.claim.renew(request):
            return None
        raise RateLimitError(
            f"{run.data['error']['message']} The run {self.run_id} was refused before it began.",
            SIM.error_codes[429],
            429,
            details={"code": limit},
            response=run.response,
            history=run.response.history,
        )

    def wait(self, timeout: float | None, *, until: Callable[[RunResponse], bool] | None = None) -> Flow[RunResponse]:
        """Poll the run with the claimed id until it is over. Shortly after the claim it may not exist yet.

        Args:
            timeout: Seconds to wait; None for no limit.
            until: Condition that ends the wait; default: the run is over.

        Raises:
            APITimeoutError: The run was not over within ``timeout``; it continues.
            NotFoundError: The id is claimed, but no run was created.
        """
        poller = attrs.evolve(Poller(), transient=(*TRANSIENT_ERRORS, NotFoundError), max_failures=_MAX_FAILURES)

        def make_error(_: RunResponse | None) -> APITimeoutError:
            message = f"The run {self.run_id} was not over in time. It goes on."
            return APITimeoutError(message, sent=True)

        def ask(seconds: float | Unset) -> Flow[RunResponse]:
            run = yield from self._fetch({"timeout": seconds}, whole=until is None)
            if until is None:
                require(structure(run.data, Run, response=run.response), run.response, status=str)
            return run

        done = until or (lambda run: run.data["status"] in _OVER and not is_resuming(run.data))
        client_timeout = self.resource._context.options.timeout
        return (
            yield from poller.wait(ask, done=done, expired=make_error, timeout=timeout, client_timeout=client_timeout)
        )

    def _fetch(self, options: Mapping[str, Any], *, whole: bool) -> Flow[RunResponse]:
        return fetch_run(self.resource, self.workflow_id, self.run_id, whole=whole, **options)


@attrs.frozen
class Execution(ClaimedRun):
    """One execution of a workflow, with all attempts to send it.

    Attributes:
        headers: Headers in addition to the client's own.
        observers: Functions called with the response of each attempt.
    """

    content: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict)
    observers: tuple[Callable[[Response], None], ...] = ()

    def request(self, *, accept: str = "application/json", **options: Any) -> Request:
        """The request; ``options`` are those of ``APIResource._request``."""
        headers = {"Content-Type": "application/json", "Accept": accept, "X-Run-Id": self.run_id, **self.headers}
        path = f"/api/v2/workflows/{segment(self.workflow_id, 'workflow_id')}/execute"
        # Sim replaces the id of an anonymous caller, which therefore claims nothing.
        keyed = not is_anonymous(self.resource)
        request = self.resource._request(
            "POST",
            path,
            content=self.content,
            headers=headers,
            resend="claimed" if keyed else "never",
            refused=None if keyed else is_refusal,
            **options,
        )
        request.observers = self.observers
        request.claim = self.claim
        return request

    def run(self, *, heartbeats: bool | None = None, **options: Any) -> Flow[RunResponse]:
        """Run the workflow and wait for the end of the run.

        Args:
            heartbeats: Whether to ask for heartbeats; None: if the call may take longer than :data:`HEARTBEATS_FROM`.
            options: Arguments of ``APIResource._request``.

        Raises:
            SimStudioError: No run was received; ``error.run_id`` is its id.
        """
        return self._identify_run(self._run(options, heartbeats=heartbeats))

    def _run(self, options: dict[str, Any], *, heartbeats: bool | None) -> Flow[RunResponse]:
        request = self.request(**options)
        budget = request.budget
        left = budget.remaining() if budget is not None else None
        if heartbeats or (heartbeats is None and (left is None or left > HEARTBEATS_FROM)):
            request.headers.put("Accept", NDJSON)
        came = yield from self._send(request, self._call)
        run = came if isinstance(came, RunResponse) else self._parse(came)
        if run is None:  # the connection broke after some heartbeats; the run continues and can be read
            return (yield from self.wait(budget.remaining() if budget is not None else None))
        return run

    def queue(self, **options: Any) -> Flow[Response | None]:
        """Queue the run.

        Returns:
            The response; None if an earlier request with this id has queued the run.

        Raises:
            SimStudioError: The run was not queued, or its state is unknown (``error.run_id``).
        """
        return self._identify_run(self._queue(options))

    def _queue(self, options: dict[str, Any]) -> Flow[Response | None]:
        came = yield from self._send(self.request(**options), self._call, until=lambda _: True)
        return None if isinstance(came, RunResponse) else came

    def open_stream(self, **options: Any) -> Flow[Response | RunResponse]:
        """Run the workflow and return the response with its stream unread.

        Returns:
            The response; the finished run if an earlier request with this id started it, as a stream cannot be
            repeated.

        Raises:
            SimStudioError: The run was not started, or its state is unknown (``error.run_id``).
        """
        return self._identify_run(self._open_stream(options))

    def _open_stream(self, options: dict[str, Any]) -> Flow[Response | RunResponse]:
        return self._send(self.request(**options), self._call_streaming)

    def _call(self, request: Request) -> Flow[Response]:
        return self.resource._call_explained(request)

    def _call_streaming(self, request: Request) -> Flow[Response]:
        response = yield from self.resource._send(request)
        if response.ok:
            return response
        error = self.resource._error(response)
        if isinstance(error, NotFoundError):
            yield from explain_not_found(self.resource, error)
        raise error

    def _send(
        self,
        request: Request,
        send: Callable[[Request], Flow[Response]],
        *,
        until: Callable[[RunResponse], bool] | None = None,
    ) -> Flow[Response | RunResponse]:
        """Send the request. If an earlier request has claimed the run id, return the run of that one.

        If that run was refused before it began, the request is sent again under a new id.

        Args:
            send: Flow of one call; it raises for an error status.
            until: See :meth:`wait`.

        Raises:
            RateLimitError: The run was refused before it began, and no retry is left.
        """
        repeats = request.max_retries or 0
        while True:
            try:
                return (yield from send(request))
            except ConflictError as error:
                if not is_claim_conflict(error):
                    raise
            run = yield from self.settle(request, renew=repeats > 0, until=until)
            if run is not None:
                return run
            repeats -= 1

    def _parse(self, response: Response) -> RunResponse | None:
        """The run in a response; None if only heartbeats arrived."""
        if "ndjson" in response.headers.get("content-type", "").lower():
            line = last_line(response)
            if line is None:
                return None
            if line.get("type") == "error":
                raise status_error(error_response(response, line), self.resource._context.session.credentials, SIM)
            return RunResponse(run_data(line.get("data"), response), response)
        return parse_run(response)

    def _identify_run(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow; add the run id, and advice on how to continue, to its errors."""
        try:
            return (yield from flow)
        except SimStudioError as error:
            if is_anonymous(self.resource):
                raise
            name_run(error, self.run_id, self.workflow_id)
            if self.claim.mint is None and has_spent_run_id(error):
                advice = f"The run id {self.run_id} is used up, although nothing ran: send the input under another."
                add_advice(error, advice)
            raise


def name_run(error: SimStudioError, run_id: str, workflow_id: str, *, job: str | None = None) -> None:
    """Add the run id to an error, and, if the state of the run is unknown, how to read it.

    Args:
        job: Expression of the job's state; by default that of a v2 client.
    """
    error.run_id = run_id
    unknown = isinstance(error, (ServerError, StreamError)) or (isinstance(error, APIConnectionError) and error.sent)
    if unknown and run_id not in str(error):
        job = job or f"client.jobs.get({run_id!r}, workflow_id={workflow_id!r})"
        add_advice(error, f"The run's id is {run_id}; its state: {job}")


def is_claim_conflict(error: ConflictError) -> bool:
    """Whether a 409 says that the run id has been used before."""
    return "RUN_ID_CONFLICT" in (_code_in(error.details), error.server_code)
