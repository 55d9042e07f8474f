"""What an error of one execution means for its item: whether it ran, and whether to send it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.core.errors import APIVersionError, JobFailedError, JobTimeoutError, StreamError
from simstudio.transport.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ConfigurationError,
    InvalidInputError,
    RateLimitError,
    ServerError,
    SimStudioError,
    UsageLimitExceededError,
)

if TYPE_CHECKING:
    from typing import TypeAlias

Verdict: TypeAlias = Literal["failed", "unknown", "unsent", "refused", "fatal"]
"""``failed``: it ran, or was answered, and there is no result. ``unknown``: it may have run. ``unsent``: it surely did
not. ``refused``: it did not, because the rate limit is reached. ``fatal``: it did not, and no other item can."""

TURNED_AWAY = (403, 404)
"""Statuses of a workflow that is gone, not deployed, or not this key's; or of one item that a proxy does not like."""
_RATE_REFUSAL = "Rate limit exceeded"


def verdict(error: SimStudioError, *, claimed: bool, succeeds: bool) -> Verdict:
    """What an error means.

    Args:
        error: What the execution raised.
        claimed: Whether it was sent under a run id (v2), so that sending it again runs nothing twice.
        succeeds: Whether other items succeed, in this run and lately: then a 404 is this item's own trouble.
    """
    if isinstance(error, (AuthenticationError, APIVersionError, UsageLimitExceededError, ConfigurationError)):
        return "fatal"
    if isinstance(error, RateLimitError) or _refused_in_the_queue(error):
        return "refused"
    if isinstance(error, InvalidInputError):
        return "failed"
    if isinstance(error, APIConnectionError) and not isinstance(error, APIStatusError):
        if getattr(error, "result", None) is not None:  # the server stopped it: that is an answer
            return "failed"
        return "unknown" if error.sent else "unsent"
    if isinstance(error, (StreamError, JobTimeoutError)):
        return "unknown"
    if isinstance(error, ServerError):
        return "unknown" if claimed or error.status in (502, 503, 504) else "failed"
    if isinstance(error, APIStatusError) and error.status in TURNED_AWAY and not succeeds:
        return "fatal"
    return "failed"


def may_repeat(found: Verdict, *, claimed: bool) -> bool:
    """Whether an item may be sent again after a verdict, without running anything twice."""
    return found in ("refused", "unsent") or (found == "unknown" and claimed)


def _refused_in_the_queue(error: SimStudioError) -> bool:
    """Whether v1's queue took a job and the rate limit refused its run: nothing ran."""
    job = error.job if isinstance(error, JobFailedError) else None
    return job is not None and job.api_version != "v2" and str(job.error_message).startswith(_RATE_REFUSAL)
