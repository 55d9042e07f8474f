"""One execution in v2: its id is minted here, sent once or several times, and runs at most once.

``X-Run-Id`` is a claim: the server runs the first request that carries it and answers any other with 409
``RUN_ID_CONFLICT``. So a request whose answer was lost is sent again with the same id, and a conflict leads to reading
the run that is there, never to a second execution.

The server takes the id before it looks at :data:`EXECUTION_LIMITS`. A 429 of these limits therefore uses the id up
although nothing runs, and leaves a failed run of 1 ms under it: such an execution is sent again under a new id. A 429
that comes before the claim (the limit of API requests, the server at capacity) leaves the id unused.

A run of minutes is asked for with ``Accept: application/x-ndjson``: the server then sends a heartbeat line every 15 s
and the run as the last line, so that no proxy cuts an idle connection.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.core.failures import read_error, status_error
from simstudio.core.polling import TRANSIENT_ERRORS, Poller
from simstudio.errors import (
    APIConnectionError,
    APITimeoutError,
    ConflictError,
    InvalidResponseError,
    JobFailedError,
    NotFoundError,
    RateLimitError,
    ServerError,
    SimStudioError,
    StreamError,
)
from simstudio.models.large_values import may_hold_references, with_references
from simstudio.resources.settings import SIM
from simstudio.resources.v2.gate import explain
from simstudio.transport.endpoint import segment
from simstudio.transport.message import Claim, Response

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request

T = TypeVar("T")

NDJSON = "application/x-ndjson"
PROTOCOL = "agent-events-v1"
HEARTBEATS_FROM = 30.0
"""Seconds. A call that may take longer asks for heartbeats, which come every 15 s."""
MOST_SELECTED = 100

EXECUTION_LIMITS = {
    "RATE_LIMIT_EXCEEDED": "Rate limit exceeded",
    "EXECUTION_CONCURRENCY_LIMIT": "Too many concurrent executions",
}
"""Limits that are checked after the run id was claimed: ``error.details.code`` of the 429, and how the error of the run
begins that the refusal leaves behind."""

_OVER = frozenset({"completed", "failed", "cancelled", "paused"})
_UNSEEN = 20  # questions for a claimed run that is not there yet: minutes


def mint() -> str:
    """A new run id."""
    return str(uuid.uuid4())


def claim(run_id: str | None = None) -> Claim:
    """The claim of an execution: on a new id, which may be replaced, or on the one that the caller chose."""
    return Claim("X-Run-Id", run_id or mint(), spent_by=_spends, mint=None if run_id else mint)


def has_spent_run_id(error: SimStudioError) -> bool:
    """Whether an error tells of a refusal that used up the run id, so that nothing ran under it."""
    if isinstance(error, JobFailedError):
        return error.job is not None and refusal_in(error.job) is not None
    return isinstance(error, RateLimitError) and _code_in(error.details) in EXECUTION_LIMITS


def _spends(response: Response) -> bool:
    return response.status == 429 and _code_in(read_error(response).details) in EXECUTION_LIMITS


def refused_to_resume(response: Response) -> bool:
    """Whether a resume was refused, so that it may be sent again: a pause can be answered only once."""
    return response.status == 429


def _code_in(details: Any) -> str | None:
    code = details.get("code") if isinstance(details, Mapping) else None
    return code if isinstance(code, str) else None


def refusal_in(run: Mapping[str, Any]) -> str | None:
    """The key in :data:`EXECUTION_LIMITS` of the limit that refused a run before it began; None of a run that began.

    A block that fails with the same words is no refusal: the run then names the block, took longer, or cost something.
    """
    error, cost = run.get("error"), run.get("cost")
    if run.get("status") != "failed" or not isinstance(error, Mapping) or "blockId" in error:
        return None
    if run.get("durationMs") not in (0, 1) or (isinstance(cost, Mapping) and cost.get("total")):
        return None
    message = str(error.get("message"))
    return next((code for code, begin in EXECUTION_LIMITS.items() if message.startswith(begin)), None)


def run_path(workflow_id: str, run_id: str) -> str:
    """The path of a run."""
    return f"/api/v2/workflows/{segment(workflow_id, 'workflow_id')}/runs/{segment(run_id, 'run_id')}"


@attrs.frozen
class Ran:
    """A run as it came.

    Attributes:
        data: Plain JSON data, with :class:`~simstudio.LargeValueRef` where values were too large.
        response: What it came in.
    """

    data: dict[str, Any]
    response: Response


@attrs.frozen
class Execution:
    """One execution.

    Attributes:
        resource: Of the client that sends it.
        workflow_id: What is run.
        claim: The run id, which is another once a refusal has used it up.
        content: The body.
        headers: Besides the client's own.
        observers: Called with the response of each attempt.
    """

    resource: APIResource[Any]
    workflow_id: str
    claim: Claim
    content: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict)
    observers: tuple[Callable[[Response], None], ...] = ()

    @property
    def run_id(self) -> str:
        """The id that the latest attempt was sent with."""
        return self.claim.id

    def request(self, *, accept: str = "application/json", **options: Any) -> Request:
        """The request; ``options`` are those of ``APIResource._request``."""
        headers = {"Content-Type": "application/json", "Accept": accept, "X-Run-Id": self.run_id, **self.headers}
        path = f"/api/v2/workflows/{segment(self.workflow_id, 'workflow_id')}/execute"
        request = self.resource._request(
            "POST", path, content=self.content, headers=headers, resend="claimed", **options
        )
        request.observers = self.observers
        request.claim = self.claim
        return request

    def now(self, *, heartbeats: bool | None = None, **options: Any) -> Flow[Ran]:
        """Run it and wait for its end.

        Args:
            heartbeats: Whether to ask for them; by the time the call may take where it is not given.
            options: Of ``APIResource._request``.

        Raises:
            SimStudioError: No run came of it; ``error.run_id`` tells which it would be.
        """
        return self._named(self._now(options, heartbeats=heartbeats))

    def _now(self, options: dict[str, Any], *, heartbeats: bool | None) -> Flow[Ran]:
        request = self.request(**options)
        budget = request.budget
        left = budget.remaining() if budget is not None else None
        if heartbeats or (heartbeats is None and (left is None or left > HEARTBEATS_FROM)):
            request.headers.put("Accept", NDJSON)
        found = yield from self._sent(request, self._call)
        ran = found if isinstance(found, Ran) else self._ran(found)
        if ran is None:  # the heartbeats broke off: the run goes on, and can be read
            return (yield from self.reading(budget.remaining() if budget is not None else None))
        return ran

    def queued(self, **options: Any) -> Flow[Response | None]:
        """Queue it.

        Returns:
            The answer; None where an earlier request had queued it, so that the run is there.

        Raises:
            SimStudioError: It was not queued, or that is not known (``error.run_id``).
        """
        return self._named(self._queued(options))

    def _queued(self, options: dict[str, Any]) -> Flow[Response | None]:
        found = yield from self._sent(self.request(**options), self._call, until=lambda _: True)
        return None if isinstance(found, Ran) else found

    def opened(self, **options: Any) -> Flow[Response | Ran]:
        """Run it and leave its stream unread.

        Returns:
            The answer, or the run where an earlier request had begun it: a stream is not told twice.

        Raises:
            SimStudioError: It was not begun, or that is not known (``error.run_id``).
        """
        return self._named(self._opened(options))

    def _opened(self, options: dict[str, Any]) -> Flow[Response | Ran]:
        return self._sent(self.request(**options), self._open)

    def _call(self, request: Request) -> Flow[Response]:
        return self.resource._call_explained(request)

    def _open(self, request: Request) -> Flow[Response]:
        response = yield from self.resource._send(request)
        if response.ok:
            return response
        error = self.resource._error(response)
        if isinstance(error, NotFoundError):
            yield from explain(self.resource, error)
        raise error

    def _sent(
        self,
        request: Request,
        send: Callable[[Request], Flow[Response]],
        *,
        until: Callable[[Ran], bool] | None = None,
    ) -> Flow[Response | Ran]:
        """Send the request. Where an earlier one took its id, read that one's run.

        A run that was refused before it began is no run of this execution: the request is sent again under a new id.

        Args:
            request: Of :meth:`request`.
            send: The flow of one call; an error status raises.
            until: As for :meth:`reading`.

        Raises:
            RateLimitError: The run was refused before it began, and the request may not be sent again.
        """
        repeats = request.max_retries or 0
        budget = request.budget
        while True:
            try:
                return (yield from send(request))
            except ConflictError as error:
                if not is_claim_conflict(error):
                    raise
            ran = yield from self.reading(budget.remaining() if budget is not None else None, until=until)
            limit = refusal_in(ran.data)
            if limit is None:
                return ran
            if not repeats or not self.claim.renew(request):
                raise self._refused(ran, limit)
            repeats -= 1

    def _refused(self, ran: Ran, limit: str) -> RateLimitError:
        """The error for a run that was refused before it began."""
        return RateLimitError(
            f"{ran.data['error']['message']} The run {self.run_id} was refused before it began.",
            SIM.error_codes[429],
            429,
            details={"code": limit},
            response=ran.response,
            history=ran.response.history,
        )

    def reading(self, timeout: float | None, *, until: Callable[[Ran], bool] | None = None) -> Flow[Ran]:
        """Read the run that the id was claimed for, until it is over. For a while it may not be there.

        Args:
            timeout: Seconds to wait, None for no end.
            until: Whether a state is what is waited for; the run's end where it is not given.

        Raises:
            APITimeoutError: It was not over in time; it goes on.
            NotFoundError: The id was claimed, and no run came to be.
        """
        poller = attrs.evolve(Poller(), transient=(*TRANSIENT_ERRORS, NotFoundError), max_failures=_UNSEEN)

        def expired(_: Ran | None) -> APITimeoutError:
            message = f"The run {self.run_id} was not over in time. It goes on."
            return APITimeoutError(message, sent=True)

        def ask(seconds: float | None) -> Flow[Ran]:
            options = {} if seconds is None else {"timeout": seconds}
            return read_run(self.resource, self.workflow_id, self.run_id, **options)

        done = until or (lambda ran: ran.data.get("status") in _OVER)
        return (yield from poller.wait(ask, done=done, expired=expired, timeout=timeout))

    def _ran(self, response: Response) -> Ran | None:
        """The run in an answer; None where heartbeats came and then nothing."""
        if "ndjson" in response.headers.get("content-type", "").lower():
            line = last_line(response.content)
            if line is None:
                return None
            if line.get("type") == "error":
                raise status_error(_as_answer(response, line), self.resource._context.session.credentials, SIM)
            return Ran(_references(_object(line.get("data"), response), response.content), response)
        return ran_in(response)

    def _named(self, flow: Flow[T]) -> Flow[T]:
        """A flow whose errors tell the run's id, and how to learn what became of it."""
        try:
            return (yield from flow)
        except SimStudioError as error:
            name_run(error, self.run_id, self.workflow_id)
            if self.claim.mint is None and has_spent_run_id(error):
                advice = f"The run id {self.run_id} is used up, although nothing ran: send the input under another."
                error.args = (f"{error.args[0]} {advice}", *error.args[1:])
            raise


def name_run(error: SimStudioError, run_id: str, workflow_id: str) -> None:
    """Tell the run's id by an error, and how to learn what became of it where that is not known."""
    error.run_id = run_id
    unknown = isinstance(error, (ServerError, StreamError)) or (isinstance(error, APIConnectionError) and error.sent)
    if unknown and error.args and run_id not in str(error):
        advice = f"client.jobs.get({run_id!r}, workflow_id={workflow_id!r}) tells what became of it."
        error.args = (f"{error.args[0]} The run's id is {run_id}: {advice}", *error.args[1:])


def read_run(resource: APIResource[Any], workflow_id: str, run_id: str, **options: Any) -> Flow[Ran]:
    """Ask for a run, with its output.

    Raises:
        NotFoundError: No such run (yet).
    """
    request = resource._request(
        "GET", run_path(workflow_id, run_id), params={"includeOutput": "true"}, resend="read", **options
    )
    return ran_in((yield from resource._call_explained(request)))


def ran_in(response: Response) -> Ran:
    """The run in an answer.

    Raises:
        InvalidResponseError: There is none.
    """
    body = response.json()
    data = body.get("data") if isinstance(body, dict) else None
    return Ran(_references(_object(data, response), response.content), response)


def is_claim_conflict(error: ConflictError) -> bool:
    """Whether a 409 says that the run id was used before."""
    return "RUN_ID_CONFLICT" in (_code_in(error.details), error.server_code)


def last_line(content: bytes) -> dict[str, Any] | None:
    """The line that ends an NDJSON answer (``final`` or ``error``), None where it broke off before."""
    for line in reversed(content.splitlines()):
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and data.get("type") in ("final", "error"):
            return data
    return None


def _object(data: Any, response: Response) -> dict[str, Any]:
    if isinstance(data, dict):
        inner = data.get("data")
        return inner if "status" not in data and isinstance(inner, dict) else data
    raise InvalidResponseError(
        f"{response.method} {response.path} answered {response.status} without a run. The body is in "
        "error.response.content.",
        status=response.status,
        response=response,
        history=response.history,
    )


def _references(data: dict[str, Any], content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = with_references(data) if may_hold_references(content) else data
    return found


def _as_answer(response: Response, line: Mapping[str, Any]) -> Response:
    """An error line as the answer it stands for: the head had been sent already."""
    error, status = line.get("error"), line.get("status")
    if not isinstance(error, Mapping):
        error = {"message": error, "code": line.get("code")}
    return Response(
        status if type(status) is int and 400 <= status <= 599 else 500,
        response.headers,
        json.dumps({"error": error}).encode(),
        response.method,
        response.url,
        response.attempt,
        response.elapsed,
        response.history,
    )
