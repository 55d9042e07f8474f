"""``throttled_session``: the session of a service that limits calls, as every service beside Sim does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from simstudio.core.session import Session
from simstudio.transport.call_limit import CallLimit
from simstudio.transport.hints import RateLimits
from simstudio.transport.logging import Logging
from simstudio.transport.retry import Retry
from simstudio.transport.throttle import Throttle, is_429, retries_beside_throttle
from simstudio.transport.wire import WireOptions

if TYPE_CHECKING:
    from simstudio.transport.auth import Credentials
    from simstudio.transport.endpoint import Endpoint
    from simstudio.transport.message import Response
    from simstudio.transport.stack import Middleware

S = TypeVar("S", bound=Session)


def throttled_session(
    kind: Callable[..., S],
    endpoint: Endpoint,
    credentials: Credentials,
    *,
    auth: Sequence[Middleware] = (),
    call_limit: CallLimit | None = None,
    is_refusal: Callable[[Response], bool] = is_429,
    patience: float | None = None,
    max_response_size: int | None,
    **options: Any,
) -> S:
    """Make a session whose calls wait for their turn, with the default stack of middleware.

    Args:
        kind: :class:`Session`, or a function with its arguments.
        endpoint: Base address of the service.
        credentials: Its key, which is also removed from logs and errors.
        auth: Middleware above all other, which authenticates a call.
        call_limit: Documented limit of calls; by default refusals teach how fast to call.
        is_refusal: Whether a response is a refusal of the service's limiter.
        patience: Seconds for which a call may wait for its turn; see :class:`Throttle`.
        max_response_size: Bytes of a body that are held in memory; None for no bound.
        **options: Further arguments of :class:`Session`.
    """
    rate_limits = RateLimits()
    limit = call_limit or CallLimit()
    stack: list[Middleware] = [
        *auth,
        rate_limits,
        Retry(retries_beside_throttle()),
        Throttle(limit, endpoint, is_refusal, patience=patience),
        Logging(credentials=credentials),
    ]
    wire = WireOptions(max_response_size=max_response_size)
    return kind(endpoint, credentials, rate_limits, stack=stack, wire=wire, call_limit=limit, **options)
