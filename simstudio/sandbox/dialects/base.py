"""The differences between generations of Sim's API, as one object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from uuid import uuid5

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Issue, Issues
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.ids import NAMESPACE
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.workflow import Workflow
from simstudio.sandbox.zod import zod3

if TYPE_CHECKING:
    from simstudio.sandbox.limits import Allowance, Limiter, Meter, RateLimits
    from simstudio.sandbox.records import JobRecord
    from simstudio.sandbox.runs import Invocation, Outcome, Run

Check = Literal["capacity", "call_chain", "key", "body", "workflow", "access", "deployed", "claim", "usage", "rate"]
KeyState = Literal["missing", "invalid", "outsider", "member"]
Area = Literal["execute", "status", "jobs", "usage", "cancel", "executions"]
KeyErrors = Mapping[KeyState, tuple[int, str]]
Option = Literal["cancel", "executions", "v1", "hitl", "execute by GET"]


@attrs.frozen
class Account:
    """The user the sandbox's key belongs to. Costs are US dollars."""

    cost: float
    limit: float
    plan: str = "free"
    user_id: str = uuid5(NAMESPACE, "user").hex
    workspace_id: str = str(uuid5(NAMESPACE, "workspace"))
    organization_id: str = str(uuid5(NAMESPACE, "organization"))

    @property
    def exceeded(self) -> bool:
        """Whether the period's cost has reached the limit."""
        return self.cost >= self.limit

    @property
    def error(self) -> str | None:
        """The message of an exceeded usage limit."""
        if not self.exceeded:
            return None
        return (
            f"Usage limit exceeded: {self.cost:.2f}$ used of {self.limit:.2f}$ limit. "
            "Please upgrade your plan to continue."
        )

    @property
    def usage(self) -> dict[str, object]:
        """The part of a response that reports the usage."""
        return {"currentPeriodCost": self.cost, "limit": self.limit, "plan": self.plan}


class Dialect(ABC):
    """One generation of the API: the forms of its requests and responses.

    Routes contain no such rule: they call the dialect, and run their checks in its order.
    """

    name: ClassVar[str]
    limits: ClassVar[RateLimits]
    """Rates that are reported where the user set no limits."""
    options: ClassVar[frozenset[Option]]
    """The operations it has beyond execute, jobs, status and usage."""
    body_limit: ClassVar[int | None] = None
    """Bytes of a request body the server keeps; the rest is dropped."""
    checks: ClassVar[tuple[Check, ...]]
    """Checks before an execution, in order; the first that fails decides the response."""
    key_errors: ClassVar[Mapping[Area, KeyErrors]]
    """Status and message for a key, per area; a state that is missing there is let through."""

    codes: ClassVar[Mapping[int, str]] = {}
    """Codes of errors by status; others are made of the message."""
    execution_codes: ClassVar[bool] = True
    """Whether errors of executions have a code."""
    usage_checked_at_start: ClassVar[bool] = False
    """Whether an exceeded usage limit shows only when the run begins."""
    job_takes_token: ClassVar[bool] = False
    rate_limited_job: ClassVar[str] = "Rate limit exceeded. Please try again later."
    since_v08: ClassVar[bool] = False
    """Whether cancelling, resuming, logs and the reading of bodies are those of servers since v0.8."""
    large_value_limit: ClassVar[int | None] = None
    """Bytes of a value of an output; larger ones are references. None for no limit."""
    claims: ClassVar[bool] = False
    """Whether the unversioned routes run an execution at most once under an id that its caller chose."""
    hanging_up_cancels_stream: ClassVar[bool] = False
    keeps_streamed_blocks: ClassVar[bool] = False
    """Whether the final output repeats what was streamed."""
    done: ClassVar[str]
    """The data of the frame that ends a stream."""

    @abstractmethod
    def meter(self, per_minute: int, now: float) -> Meter:
        """Make the meter of an allowance."""

    def allowance(self, *, background: bool) -> Allowance:
        """The allowance that an execution uses."""
        return "async" if background else "sync"

    def write_limit_headers(self, limiter: Limiter, allowance: Allowance) -> dict[str, str]:
        """Rate-limit headers on answers outside ``/api/v1``."""
        del limiter, allowance
        return {}

    def refuse_at_capacity(self) -> Refusal:
        """Make the refusal of the admission gate."""
        body = {"error": "Too many requests", "message": "Server is at capacity. Please retry shortly."}
        return Refusal(429, body={**body, "retryAfterSeconds": 5}, headers=(("retry-after", "5"),))

    def job_id(self, execution_id: str) -> str:
        """The id of the job that runs an execution."""
        del execution_id
        return f"run_{new_uuid().hex[:20]}"

    @abstractmethod
    def invocation(self, body: bytes, headers: Mapping[str, str]) -> Invocation:
        """Read an execute request.

        Raises:
            Refusal: the body is not acceptable.
        """

    def write_refusal(self, refusal: Refusal, *, is_execution: bool) -> Reply:
        """Write a refusal of an unversioned operation."""
        body: Mapping[str, object] = {"error": refusal.message}
        if refusal.details is not None:
            body = {**body, "details": refusal.details}
        elif self.execution_codes or not is_execution:
            body = {**body, "code": refusal.code or self.codes.get(refusal.status) or code_of(refusal.message)}
        return json_reply(refusal.body or body, refusal.status, refusal.headers)

    def wording(self, issue: Issue) -> dict[str, Any]:
        """The text of an issue, as the validator of the generation writes it."""
        return zod3(issue)

    def invalid(self, issues: Issues, message: str = "Invalid request body") -> Refusal:
        """The refusal of a request with issues."""
        shown = [{"path": ".".join(map(str, each.path)), "message": self.wording(each)["message"]} for each in issues]
        return Refusal(400, message, shown)

    def check_key(self, area: Area, key: KeyState) -> None:
        """Raise if operations of an area do not accept the key.

        Raises:
            Refusal: 401 or 403.
        """
        status_and_message = self.key_errors.get(area, {}).get(key)
        if status_and_message is not None:
            raise Refusal(*status_and_message)

    @abstractmethod
    def refuse_over_limit(self, limiter: Limiter, *, background: bool) -> Refusal:
        """Make the refusal of an execution over the rate limit."""

    @abstractmethod
    def error_text(self, outcome: Outcome, workflow: Workflow, timeout: float | None) -> str | None:
        """Error message of a run that failed or timed out; None for other runs."""

    @abstractmethod
    def write_outcome(self, run: Run, outcome: Outcome, error: str | None) -> Reply:
        """Write the response to a synchronous run that did not end in a Response block."""

    def chunked_path(self, path: str) -> str | None:
        """The path of the value that a block which does not stream sends as a chunk when ``path`` is selected."""
        del path
        return None

    def keeps_path(self, path: str) -> bool:
        """Whether a selected path appears in the final output."""
        del path
        return True

    def write_output(self, output: object, *, response: bool) -> object:
        """The output of a job, and of a stream in which nothing is selected."""
        del response
        return output

    @abstractmethod
    def last_frames(self, outcome: Outcome, output: object, error: str | None) -> list[object]:
        """The payloads at the end of a stream, before ``done``."""

    def says_done(self, outcome: Outcome) -> bool:
        """Whether ``[DONE]`` follows them."""
        del outcome
        return True

    @abstractmethod
    def write_receipt(self, job: JobRecord, base_url: str) -> dict[str, object]:
        """The body of a 202."""

    @abstractmethod
    def job(self, job: JobRecord, account: Account) -> dict[str, object]:
        """The response to a request for a job."""

    @abstractmethod
    def deployment(self, workflow: Workflow) -> dict[str, object]:
        """The body of a workflow's status."""

    @abstractmethod
    def usage(self, limiter: Limiter, account: Account) -> dict[str, object]:
        """The body of the usage limits."""


def code_of(message: str) -> str:
    """The code that the server derives from a message: upper case, underscores for spaces."""
    return message.upper().replace(" ", "_")


def text_of(value: object) -> str:
    """A selected value as the text of a chunk: a string as it is, anything else as JSON, indented by two."""
    return value if isinstance(value, str) else jsontext.dumps(value, indent=2)
