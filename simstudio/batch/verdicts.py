"""Verdicts: what an error of an execution says about its item, whether it ran and whether to send it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.core.errors import APIVersionError, JobTimeoutError, StreamError
from simstudio.core.failures import GATEWAY_TIMEOUTS
from simstudio.transport.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ConfigurationError,
    InvalidInputError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
    SimStudioError,
    UsageLimitExceededError,
)

if TYPE_CHECKING:
    from typing import TypeAlias

MAY_HAVE_RUN = GATEWAY_TIMEOUTS | {503}
"""Statuses of a gateway after which an execution may have run."""

Verdict: TypeAlias = Literal["failed", "unknown", "unsent", "refused", "fatal"]
"""``failed``: it ran or was refused, and has no result. ``unknown``: it may have run. ``unsent``: it surely did not
run. ``refused``: the rate limit refused it, so it did not run. ``fatal``: it did not run, and no other item can."""


def is_turned_away(error: SimStudioError) -> bool:
    """Whether the workflow is missing, not deployed, or of another key; or a proxy rejects one item."""
    return isinstance(error, (NotFoundError, PermissionDeniedError)) or error.status in (403, 404)


def verdict(error: SimStudioError, *, claimed: bool, succeeds: bool, queued: bool = False) -> Verdict:
    """The verdict on an error that is no refusal by the rate limit.

    Args:
        error: Raised by the execution.
        claimed: Whether the item was sent under a claim, so that sending it again runs nothing twice.
        succeeds: Whether other items of this run succeeded lately, so that a 404 concerns this item only.
        queued: Whether the item was to be queued, so that it may be in the queue after an unusable response.
    """
    if isinstance(error, (AuthenticationError, APIVersionError, UsageLimitExceededError, ConfigurationError)):
        return "fatal"
    if isinstance(error, InvalidInputError):
        return "failed"
    if isinstance(error, APIConnectionError) and not isinstance(error, APIStatusError):
        if getattr(error, "result", None) is not None:  # the server stopped it, which is an outcome
            return "failed"
        return "unknown" if error.sent else "unsent"
    if isinstance(error, (StreamError, JobTimeoutError)) or (queued and isinstance(error, InvalidResponseError)):
        return "unknown"
    if isinstance(error, ServerError):
        return "unknown" if claimed or error.status in MAY_HAVE_RUN else "failed"
    if isinstance(error, APIStatusError) and is_turned_away(error) and not succeeds:
        return "fatal"
    return "failed"


def may_repeat(found: Verdict, *, claimed: bool) -> bool:
    """Whether an item can be sent again after a verdict without running twice."""
    return found in ("refused", "unsent") or (found == "unknown" and claimed)
