"""The failures of httpx, and of anything with httpx's exceptions (httpx2), as errors of this package."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simstudio.errors import APIConnectionError, APITimeoutError, ConfigurationError, InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from simstudio.transport.message import Request

_DOING = {
    "Connect": "connecting",
    "Pool": "waiting for a free connection",
    "Write": "sending",
    "Read": "reading the answer",
}


def translate(error: Exception, request: Request, library: ModuleType, received: int = 0) -> SimStudioError:
    """The error to raise for a failure of an httpx-like library.

    Args:
        error: One of the library's ``TransportError`` or ``InvalidURL``.
        request: What was being sent.
        library: The module the exception classes come from (``httpx``, ``httpx2``).
        received: Bytes of the body that had come.
    """
    parts = urlsplit(request.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    where = f"{request.method} {request.path}, attempt {request.attempt}"
    if isinstance(error, library.InvalidURL):
        return InvalidInputError(f"The address of {where} cannot be used: {error}.")
    if isinstance(error, library.UnsupportedProtocol):
        return ConfigurationError(f"The address of {where} cannot be used: {error}")
    if isinstance(error, library.TimeoutException):
        return timed_out(request, type(error).__name__.removesuffix("Timeout"))
    sent = not isinstance(error, (library.ConnectError, library.ProxyError))
    reason = str(error) or str(error.__cause__ or "") or type(error).__name__
    if not sent:
        distrusted = "CERTIFICATE_VERIFY_FAILED" in reason
        check = "the network and any proxy settings"
        if distrusted:
            check = "the certificate, or name its authority in SSL_CERT_FILE"
        refused = APIConnectionError(
            f"Cannot connect to {host}:{port}: {reason} ({where}). Nothing was sent. Check base_url, {check}.",
            host=host,
            port=port,
            sent=False,
        )
        refused.lasting = distrusted
        return refused
    after = f" after {received} bytes of the answer" if received else ""
    return APIConnectionError(
        f"The connection to {host}:{port} broke{after}: {reason} ({where}). "
        "The request may have been carried out; look before sending it again.",
        host=host,
        port=port,
    )


def timed_out(request: Request, phase: str) -> APITimeoutError:
    """The error for time that is up in a phase (``Connect``, ``Pool``, ``Write``, ``Read``)."""
    parts = urlsplit(request.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    where = f"{request.method} {request.path}, attempt {request.attempt}"
    budget = request.budget
    sent = phase not in ("Connect", "Pool")
    if budget is not None and budget.total is not None:
        limit = f"within {budget.total:g} s"
    elif budget is not None and budget.idle is not None and sent:
        limit = f"for {budget.idle:g} s"
    else:
        limit = "in time"
    advice = "What was started there may go on" if sent else "Nothing was sent"
    return APITimeoutError(
        f"No whole answer from {host}:{port} {limit} (while {_DOING.get(phase, 'waiting')}; {where}). "
        f"{advice}; give a longer timeout, or check the server.",
        host=host,
        port=port,
        sent=sent,
    )
