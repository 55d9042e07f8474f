"""Who may ask v2, and how often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simstudio.sandbox.http import Headers, Refusal
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import error, not_found

if TYPE_CHECKING:
    from starlette.requests import Request

    from simstudio.sandbox.core import Core

CHALLENGES: Headers = (("www-authenticate", 'SimApiKey realm="Sim API", header="x-api-key", Bearer realm="Sim API"'),)


def unauthorized(message: str) -> Refusal:
    """401 with both challenges, to be raised."""
    return Refusal(error(401, None, message, headers=CHALLENGES))


def authenticate(core: Core, request: Request) -> None:
    """Let a valid key pass, an outsider's too.

    Raises:
        Refusal: 401.
    """
    key = core.key_state(request)
    if key == "missing":
        raise unauthorized("API key required")
    if key == "invalid":
        raise unauthorized("Invalid API key")


def counted(core: Core, operation: str) -> Headers:
    """Take one request of an operation's bucket; the headers that say so.

    Raises:
        Refusal: 429.
    """
    limiter = core.limiter()
    allowed, now = limiter.take_of(operation)
    headers = (
        ("x-ratelimit-limit", str(now.burst)),
        ("x-ratelimit-remaining", str(now.remaining)),
        ("x-ratelimit-reset", iso(now.reset_at)),
    )
    if allowed:
        return headers
    seconds = max(1, math.ceil(now.reset_at - core.clock()))
    details = {"retryAfter": iso(now.reset_at)}
    message = "API rate limit exceeded"
    raise Refusal(error(429, None, message, details, (*headers, ("retry-after", str(seconds)))))


def check_workspace(core: Core, request: Request, workspace_id: str) -> None:
    """Let a member of a workspace pass. What belongs to others is not found.

    Raises:
        Refusal: 404.
    """
    if workspace_id not in core.definitions.workspaces or core.key_state(request) == "outsider":
        raise not_found("Workspace")
