"""The protocol between the engine of batches and a service: :class:`Execution`, and the values that they exchange.

A service implements it beside its resources, with flows of its own client. Inputs, ledger, pace, retries and workers
belong to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

from simstudio.core.context import Context
from simstudio.transport.errors import SimStudioError
from simstudio.transport.flow import Flow
from simstudio.transport.rate_limit import RateLimitInfo

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import TypeVar


Mode: TypeAlias = Literal["sync", "async", "stream"]
"""Way of sending an execution: one request that waits for the result, a queued job that is polled, or a stream."""
Models: TypeAlias = Mapping[str, type[Any]]
"""Classes of what a ledger holds: ``result``, ``job`` of errors, and ``error``, the root of a service's own errors."""
Hear: TypeAlias = Callable[[RateLimitInfo], None]
"""Called with the rate limit in the headers of a response."""


class Result(Protocol):
    """The part of a result that the engine reads."""

    @property
    def output(self) -> Any:
        """Output of the execution, as JSON data."""
        ...

    @property
    def run_id(self) -> str | None:
        """Id of the execution; None if the service does not say."""
        ...

    @property
    def status(self) -> str | int | None:
        """``cancelled`` if the execution was cancelled; else the service's own status."""
        ...


if TYPE_CHECKING:
    R = TypeVar("R", bound=Result, default=Any)
    R_co = TypeVar("R_co", bound=Result, covariant=True, default=Any)
else:  # only type checkers read defaults, which the standard library has since 3.13
    from typing import TypeVar

    R = TypeVar("R")
    R_co = TypeVar("R_co", covariant=True)


@attrs.frozen
class Limits:
    """The rate limit that a service reports: a bucket of tokens that is refilled once a minute.

    Attributes:
        rate: Tokens that a refill adds.
        remaining: Tokens left.
        burst: Tokens in a full bucket. None for a window, which grants all its tokens anew each minute, counted from
            the first request.
        reset: Time of the next refill in epoch seconds; None when the service does not say.
        cost: Tokens that an execution takes from this bucket; None when it takes its usual number.
    """

    rate: int
    remaining: int
    burst: int | None = None
    reset: float | None = None
    cost: int | None = None


@attrs.frozen
class Price:
    """Price of an execution in each unit that the service counts in; None in others."""

    dollars: float | None = None
    credits: float | None = None


@attrs.frozen
class Receipt:
    """Ids of an execution that the service has queued.

    Attributes:
        task_id: Id by which the service is asked for the outcome.
        execution_id: Id of the execution, where the service gives it one of its own.
        api_version: Version of the API that queued it.
        answer: The service's response to the submission; None of a receipt that comes from a ledger.
    """

    task_id: str
    execution_id: str | None = None
    api_version: str = ""
    answer: Any = attrs.field(default=None, repr=False)


@attrs.frozen
class Refusal:
    """The service's own limiter refused an execution: nothing ran.

    Attributes:
        retry_after: Seconds that the service asks to wait; None when it does not say.
        spent: Whether the claim is used up, so that the next attempt needs a new one.
        current: Whether the limiter refused this attempt. False when an earlier one was refused, which says nothing
            about the limits now.
    """

    retry_after: float | None = None
    spent: bool = False
    current: bool = True


class Execution(Protocol[R_co]):
    """Executes one workflow, model or block of a service for each input of a batch."""

    @property
    def workflow_id(self) -> str:
        """Id of the workflow, model or block that is executed. A ledger belongs to one."""
        ...

    @property
    def mode(self) -> Mode:
        """The way in which executions are sent."""
        ...

    @property
    def api_version(self) -> str:
        """Version of the API that they are sent to. An outcome is read in the version that queued it."""
        ...

    @property
    def models(self) -> Models:
        """Classes of results, jobs and errors, for the ledger."""
        ...

    @property
    def cost(self) -> int:
        """Tokens of the rate limit that an execution takes."""
        ...

    @property
    def claims(self) -> bool:
        """Whether executions carry a claim, an id under which the service runs at most once.

        It may be False until :meth:`prepare` has asked the service, and stays as it is then.
        """
        ...

    @property
    def claims_advice(self) -> str:
        """Advice on how to get executions with claims; empty if they have claims, or cannot have any."""
        ...

    def prepare(self) -> Flow[None]:
        """Make the requests that are needed before the first execution is sent.

        Raises:
            SimStudioError: The service did not respond; what depends on the response is then taken as unsupported.
        """
        ...

    def new_claim(self) -> str | None:
        """A new claim for an input; None if executions carry no claims."""
        ...

    def begin(self, value: Any, claim: str | None) -> Flow[R_co | Receipt]:
        """Execute one input, without retries.

        Returns:
            The result, or the receipt of an execution that was queued.

        Raises:
            ExecutionError: The execution ran and failed.
            SimStudioError: There is no result; the class says whether it may have run.
        """
        ...

    def settle(self, receipt: Receipt) -> Flow[R_co]:
        """Wait for an execution that this batch, or an earlier one, queued.

        Raises:
            JobFailedError: The execution failed.
            SimStudioError: The outcome is not known.
        """
        ...

    def limits(self) -> Flow[Limits | None]:
        """Request the rate limit; None if the service does not say."""
        ...

    def reach(self) -> Flow[object]:
        """Ask the service something that runs nothing: any answer shows that it is there.

        Raises:
            SimStudioError: The answer has an error status, or there is none.
        """
        ...

    @property
    def has_prices(self) -> bool:
        """Whether the service says what an execution cost."""
        ...

    def price(self, run_id: str) -> Flow[Price | None]:
        """Ask what an execution cost that has ended; None when the service does not say."""
        ...

    def refusal(self, error: SimStudioError) -> Refusal | None:
        """The refusal by the service's limiter that an error reports; None for other errors."""
        ...


MakeExecution: TypeAlias = Callable[[Context, Hear | None], Execution[R]]
"""Makes the execution of a client. It is pickled for the workers of an executor."""
