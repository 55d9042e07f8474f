"""Who may ask ``/api/v1``, how often, and the ``limits`` object its answers carry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simstudio.sandbox.dialects.v06 import reading
from simstudio.sandbox.http import Headers, Refusal, json_reply
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from starlette.requests import Request

    from simstudio.sandbox.core import Core

_FAKE_LIMIT = 10


def counted(core: Core, request: Request) -> Headers:
    """Take one request of the bucket all of v1 shares; the headers that say so.

    Raises:
        Refusal: 401 (with invented numbers, as the server sends) or 429.
    """
    key = core.key_state(request)
    if key in ("missing", "invalid"):
        message = "API key required" if key == "missing" else "Invalid API key"
        raise Refusal(json_reply({"error": message}, 401, _headers(_FAKE_LIMIT, 0, core.clock())))
    limiter = core.limiter()
    allowed = limiter.take("v1")
    now = limiter.read("v1")
    headers = _headers(now.per_minute, now.remaining, now.reset_at)
    if allowed:
        return headers
    body = {
        "error": "Rate limit exceeded",
        "message": f"API rate limit exceeded. Please retry after {iso(now.reset_at)}",
        "retryAfter": round(now.reset_at * 1000),
    }
    seconds = max(1, math.ceil(limiter.seconds_to_reset("v1")))
    raise Refusal(json_reply(body, 429, (*headers, ("retry-after", str(seconds)))))


def limits_of(core: Core) -> dict[str, object]:
    """The ``limits`` object: the execution buckets and what the user has spent."""
    account, limiter = core.account(), core.limiter()
    return {
        "workflowExecutionRateLimit": {"sync": reading(limiter, "sync"), "async": reading(limiter, "async")},
        "usage": {**account.usage, "isExceeded": account.exceeded},
    }


def _headers(limit: int, remaining: int, reset_at: float) -> Headers:
    return (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(remaining)),
        ("x-ratelimit-reset", iso(reset_at)),
    )
