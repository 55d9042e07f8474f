"""What an error of one execution means for its item: whether it ran, and whether to send it again."""

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
    ServerError,
    SimStudioError,
    UsageLimitExceededError,
)

if TYPE_CHECKING:
    from typing import TypeAlias

MAY_HAVE_RUN = GATEWAY_TIMEOUTS | {503}
"""Statuses of a gateway after which an execution may have run."""

Verdict: TypeAlias = Literal["failed", "unknown", "unsent", "refused", "fatal"]
"""``failed``: it ran, or was answered, and there is no result. ``unknown``: it may have run. ``unsent``: it surely did
not. ``refused``: it did not, because the rate limit is reached. ``fatal``: it did not, and no other item can."""

TURNED_AWAY = (403, 404)
"""Statuses of a workflow that is gone, not deployed, or not this key's; or of one item that a proxy does not like."""


def verdict(error: SimStudioError, *, claimed: bool, succeeds: bool, queued: bool = False) -> Verdict:
    """What an error means that is no refusal.

    Args:
        error: What the execution raised.
        claimed: Whether it was sent under a claim, so that sending it again runs nothing twice.
        succeeds: Whether other items succeed, in this run and lately: then a 404 is this item's own trouble.
        queued: Whether it was to be queued: after an unusable response it may be in the queue.
    """
    if isinstance(error, (AuthenticationError, APIVersionError, UsageLimitExceededError, ConfigurationError)):
        return "fatal"
    if isinstance(error, InvalidInputError):
        return "failed"
    if isinstance(error, APIConnectionError) and not isinstance(error, APIStatusError):
        if getattr(error, "result", None) is not None:  # the server stopped it: that is an answer
            return "failed"
        return "unknown" if error.sent else "unsent"
    if isinstance(error, (StreamError, JobTimeoutError)) or (queued and isinstance(error, InvalidResponseError)):
        return "unknown"
    if isinstance(error, ServerError):
        return "unknown" if claimed or error.status in MAY_HAVE_RUN else "failed"
    if isinstance(error, APIStatusError) and error.status in TURNED_AWAY and not succeeds:
        return "fatal"
    return "failed"


def may_repeat(found: Verdict, *, claimed: bool) -> bool:
    """Whether an item may be sent again after a verdict, without running anything twice."""
    return found in ("refused", "unsent") or (found == "unknown" and claimed)
