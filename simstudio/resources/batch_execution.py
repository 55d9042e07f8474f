"""Executions of Sim's workflows for the engine of batches: :class:`WorkflowExecution`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Final

import attrs

from simstudio.batch.execution import Hear, Limits, Mode, Price, Receipt, Refusal
from simstudio.core.context import Context
from simstudio.core.errors import JobFailedError
from simstudio.core.model import Model
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.models.descriptions import WorkflowDescription
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.jobs import Job
from simstudio.models.receipts import AsyncExecutionResult
from simstudio.models.usage import UsageLimits
from simstudio.resources.claims import is_anonymous, mint, probe, support
from simstudio.resources.dialects import Dialects
from simstudio.resources.dialects.stream_options import StreamOptions
from simstudio.resources.input_checks import check_input
from simstudio.resources.jobs import Jobs
from simstudio.resources.payload import selectors
from simstudio.resources.v2.execution import has_spent_run_id
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidInputError, NotFoundError, RateLimitError, SimStudioError
from simstudio.transport.flow import Flow, Sleep
from simstudio.transport.hints import RateLimits
from simstudio.transport.message import Response

MODELS: Final[Mapping[str, type[Model]]] = {"result": WorkflowExecutionResult, "job": Job}
"""The classes of what a ledger of Sim's executions keeps."""

_PATIENCE: Final = 3600.0
_PRICE_PAUSES: Final = (0.5, 1.0)
"""Seconds between questions for the cost of a run, whose log may end after the response."""
CREDITS_PER_DOLLAR: Final = 200
_RATE_REFUSAL: Final = "Rate limit exceeded"


@attrs.frozen
class ExecutionOptions:
    """Options of the execution of a workflow for each input.

    Attributes:
        api_version: The dialect of the client.
        mode: ``sync`` (a request each), ``async`` (queued, then waited for) or ``stream``.
        timeout: Seconds that an item may take.
        selected_outputs: Outputs of streams, and of v2's blocking runs.
        description: Fields that each input must fit; None for no check.
    """

    workflow_id: str
    api_version: str
    mode: Mode = "sync"
    timeout: float | Unset | None = UNSET
    selected_outputs: Sequence[str] | None = None
    description: WorkflowDescription | None = None

    def check(self) -> None:
        """Check the arguments of a batch.

        Raises:
            InvalidInputError: An option cannot be used; the message names it.
        """
        segment(self.workflow_id, "workflow_id")
        if self.mode not in ("sync", "async", "stream"):
            raise InvalidInputError(f"mode must be one of 'sync', 'async', 'stream', not {self.mode!r}.")
        if not isinstance(self.timeout, Unset):
            check_timeout(self.timeout)
        if self.selected_outputs is not None:
            selectors(self.selected_outputs)
            if self.mode != "stream" and (self.api_version, self.mode) != ("v2", "sync"):
                raise InvalidInputError('selected_outputs needs mode="stream", or api_version="v2" with mode="sync".')
        if self.description is not None and not isinstance(self.description, WorkflowDescription):
            raise InvalidInputError(f"check must be a WorkflowDescription or None, not {self.description!r}.")

    def check_item(self, value: Any) -> None:
        """Check one input against the description, if there is one.

        Raises:
            InvalidInputError: The input does not fit the fields of the workflow.
        """
        if self.description is not None:
            check_input(self.description, value)


class WorkflowExecution:
    """Executions of one workflow: an :class:`~simstudio.batch.execution.Execution`.

    Args:
        options: Options of the execution.
        context: Context of the client.
        on_hint: Called with what the responses to executions say about the rate limit, which only v2's do.
    """

    has_prices = True

    def __init__(self, options: ExecutionOptions, context: Context, on_hint: Hear | None = None) -> None:
        self._options = options
        self._dialects: Dialects[Any] = Dialects(context, options.api_version)
        self._jobs: Jobs[Any] = Jobs(context, "jobs", self._dialects)
        self._dialect = self._dialects.own
        if on_hint is not None:
            self._dialect.observers = (_Listener(on_hint),)
        self.workflow_id = options.workflow_id
        self.mode: Mode = options.mode
        self.api_version = options.api_version
        self.models = MODELS
        v2 = options.api_version == "v2"
        self.claims = not is_anonymous(self._dialect) if v2 else support(self._dialect) is True
        self.claims_advice = "" if v2 else 'use api_version="v2"'
        self._is_queued = (options.api_version, options.mode) == ("v1", "async")

    @property
    def cost(self) -> int:
        """2 where v0.6 counts the request that queues a run, and the run. Servers that honour claims count it once."""
        return 2 if self._is_queued and not self.claims else 1

    def prepare(self) -> Flow[None]:
        """Find out whether the server honours the claims of v1; of v2 it is known."""
        if self.api_version != "v2":
            self.claims = yield from self._dialect._redact_errors(probe(self._dialect, timeout=UNSET))

    def new_claim(self) -> str | None:
        """An id of an execution, if the server runs at most one under it, else None."""
        return mint() if self.claims else None

    def begin(self, value: Any, claim: str | None) -> Flow[WorkflowExecutionResult | Receipt]:
        """Execute the workflow, or queue it in the mode ``async``."""
        if self.mode == "async":
            return self._dialect._redact_errors(self._submit(value, claim))
        return self._dialect._redact_errors(self._execute(value, claim))

    def settle(self, receipt: Receipt) -> Flow[WorkflowExecutionResult]:
        """Wait for the job of a receipt."""
        return self._dialect._redact_errors(self._wait(receipt))

    def limits(self) -> Flow[Limits | None]:
        """Ask for the rate limit of such executions."""
        return self._dialect._redact_errors(self._limits())

    def reach(self) -> Flow[object]:
        """Ask for the rate limit, which runs nothing."""
        return self.limits()

    def price(self, run_id: str) -> Flow[Price | None]:
        """Ask what a run cost; None if its log says no cost, or comes too late."""
        return self._dialect._redact_errors(self._price(run_id))

    def refusal(self, error: SimStudioError) -> Refusal | None:
        """The refusal in an error of Sim: a 429, or a job that the queue took and whose run was refused."""
        return refusal_of(error)

    def _price(self, run_id: str) -> Flow[Price | None]:
        from simstudio.models.v1.logs import ExecutionDetails

        path = f"/api/v1/logs/executions/{segment(run_id, 'run_id')}"
        for pause in (*_PRICE_PAUSES, None):
            try:
                response = yield from self._dialect._get(path)
            except NotFoundError:
                metadata = None
            else:
                metadata = self._dialect._structure(response, ExecutionDetails).execution_metadata
            cost = None if metadata is None or metadata.ended_at is None else metadata.cost
            total = None if cost is None else cost.total
            if isinstance(total, (int, float)) and 0 <= total < math.inf:
                return Price(total, round(total * CREDITS_PER_DOLLAR, 6))
            if pause is not None:
                yield Sleep(pause)
        return None

    def _execute(self, value: Any, claim: str | None) -> Flow[WorkflowExecutionResult]:
        options = self._options
        options.check_item(value)
        if options.mode == "stream":
            idle = None if isinstance(options.timeout, Unset) else options.timeout
            opened = yield from self._dialect.stream(
                options.workflow_id, value, StreamOptions(options.selected_outputs, idle), max_retries=0, run_id=claim
            )
            result: WorkflowExecutionResult = yield from opened.read()
        else:
            result = yield from self._dialect.execute(
                options.workflow_id,
                value,
                timeout=options.timeout,
                max_retries=0,
                selected_outputs=options.selected_outputs,
                run_id=claim,
            )
        return result.raise_for_failure()  # v0.4 answers a failure with 200, and every version a cancelled run

    def _submit(self, value: Any, claim: str | None) -> Flow[Receipt]:
        self._options.check_item(value)
        answer = yield from self._dialect.submit(self.workflow_id, value, timeout=UNSET, max_retries=0, run_id=claim)
        self._jobs._note_queued(answer)
        return Receipt(answer.task_id, answer.execution_id, answer.api_version or self.api_version, answer)

    def _wait(self, receipt: Receipt) -> Flow[WorkflowExecutionResult]:
        timeout, answer = self._options.timeout, receipt.answer
        if answer is None:
            answer = AsyncExecutionResult(success=True, task_id=receipt.task_id, execution_id=receipt.execution_id)
        dialect = self._dialects.of(receipt.api_version)
        job = yield from self._jobs._wait(
            dialect.target(receipt.task_id, self.workflow_id, receipt.execution_id, answer),
            timeout=_PATIENCE if isinstance(timeout, Unset) else timeout,
            on_progress=None,
            poll_interval=None,
        )
        return job.result

    def _limits(self) -> Flow[Limits | None]:
        return limits_of((yield from self._dialect.limits()), background=self._is_queued)


def refusal_of(error: SimStudioError) -> Refusal | None:
    """The refusal in an error of Sim: a 429, or a job that the queue took and whose run was refused."""
    spent = has_spent_run_id(error)
    if isinstance(error, RateLimitError):
        # A run that a refused request left behind, and a later one found, is told by the response of the latter.
        current = not spent or error.response is None or error.response.status == error.status
        return Refusal(error.retry_after, spent=spent, current=current)
    if spent:
        return Refusal(spent=True, current=False)
    job = error.job if isinstance(error, JobFailedError) else None
    if job is not None and job.api_version != "v2" and str(job.error_message).startswith(_RATE_REFUSAL):
        return Refusal()
    return None


def limits_of(usage: UsageLimits, *, background: bool) -> Limits | None:
    """The rate limit of executions, as ``client.usage.limits()`` has it; None when the server does not say.

    Args:
        usage: The answer. What does not fit in it counts as not said.
        background: Whether the executions are queued. v0.4 counts queued ones in a window of their own, each once;
            v0.6 takes the tokens of both from one bucket.
    """
    entry, cost = usage.rate_limit.sync, None
    if background and entry.max_burst is None:
        entry, cost = usage.rate_limit.async_, 1
    rate, remaining = _count(entry.limit), _count(entry.remaining)
    if not rate or remaining is None:
        return None
    return Limits(rate, remaining, _count(entry.max_burst), _epoch(entry.reset_at), cost)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _epoch(text: object) -> float | None:
    """An ISO 8601 date in epoch seconds, to the millisecond."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


class _Listener:
    """Observes the rate-limit headers of responses."""

    def __init__(self, on_hint: Callable[[Any], None]) -> None:
        self._on_hint = on_hint

    def __call__(self, response: Response) -> None:
        """Pass on the limit in the headers of a response, if there is one."""
        if "x-ratelimit-remaining" not in response.headers:
            return
        limits = RateLimits()
        limits.update(response)
        current = limits.current
        if current is not None:
            self._on_hint(current)
