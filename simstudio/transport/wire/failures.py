"""The failures of httpx, and of httpx2, which names its exceptions alike, as errors of this package."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simstudio.transport.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    InvalidInputError,
    InvalidResponseError,
    SimStudioError,
)

if TYPE_CHECKING:
    from simstudio.transport.message import Request, Response

CLOSED_HERE = "the client was closed while this call was under way"
"""Cause in the error of a call whose client another thread closed."""
_CONNECTING = ("ClientConnectorError", "ConnectionTimeoutError", "ClientHttpProxyError")
"""Names of the exceptions that aiohttp raises before it has sent anything."""
_DOING = {
    "Connect": "connecting",
    "Pool": "waiting for a free connection",
    "Write": "sending",
    "Read": "reading the answer",
}


def translate(
    error: Exception,
    request: Request,
    library: ModuleType,
    received: int = 0,
    *,
    closed: bool = False,
    proxy: str | None = None,
) -> SimStudioError:
    """The error to raise for a failure of an httpx-like library.

    Args:
        error: A failure of transport, or httpx's ``InvalidURL``.
        request: The request that was being sent.
        library: The module of the exception classes (``httpx``, ``httpx2``).
        received: Bytes of the body that had come.
        closed: Whether the client was closed meanwhile, which is the reason then.
        proxy: The proxy that the connection goes through, as it may be shown.
    """
    if closed:
        unsent = isinstance(error, (library.ConnectError, library.ConnectTimeout))
        return refused_error(request, CLOSED_HERE) if unsent else broken_error(request, CLOSED_HERE, received)
    if isinstance(error, library.InvalidURL):
        return unusable(request, f"{error}.")
    if isinstance(error, library.UnsupportedProtocol):
        return ConfigurationError(f"The address of {_describe_request(request)} cannot be used: {error}")
    if isinstance(error, library.LocalProtocolError):  # its text quotes the value, which may be a key
        return InvalidInputError(
            f"What was to be sent is no HTTP/1.1 request ({_describe_request(request)}): a header of it, or an upload "
            "whose size changed while it was sent."
        )
    if _is_misnamed(error):
        reason = str(error) or type(error.__cause__).__name__
        late = any(base.__name__ == "TimeoutError" for base in type(error.__cause__).__mro__)  # asyncio's, on 3.10
        return timeout_error(request, "Read") if late else broken_error(request, reason, received)
    if isinstance(error, library.TimeoutException):
        return timeout_error(request, type(error).__name__.removesuffix("Timeout"), proxy)
    reason = str(error) or str(error.__cause__ or "") or type(error).__name__
    if isinstance(error, (library.ConnectError, library.ProxyError)):
        return refused_error(request, reason, proxy)
    return broken_error(request, reason, received)


def _is_misnamed(error: Exception) -> bool:
    """Whether a failure of aiohttp under httpx is called one of connecting, though the request may have been sent.

    ``httpx-aiohttp`` calls most of them ``ConnectTimeout``, a server's disconnecting too; executions must not be sent
    again for that.
    """
    kind = type(error.__cause__)
    return kind.__module__.partition(".")[0] == "aiohttp" and not any(
        base.__name__ in _CONNECTING for base in kind.__mro__
    )


def unusable(request: Request, reason: str) -> InvalidInputError:
    """The error for an address that is none."""
    return InvalidInputError(f"The address of {_describe_request(request)} cannot be used: {reason}")


def refused_error(request: Request, reason: str, proxy: str | None = None) -> APIConnectionError:
    """The error for a connection that could not be made, perhaps through a proxy: nothing was sent."""
    host, port, address = _server(request)
    through = f" through the proxy {proxy}" if proxy else ""
    advice = " Check base_url, the network and any proxy settings."
    distrusted = "CERTIFICATE_VERIFY_FAILED" in reason
    if distrusted:
        advice = " Check base_url, the certificate, or name its authority in SSL_CERT_FILE."
    elif reason == CLOSED_HERE:
        advice = ""
    error = APIConnectionError(
        f"Cannot connect to {address}{through}: {reason} ({_describe_request(request)}). Nothing was sent.{advice}",
        host=host,
        port=port,
        sent=False,
    )
    error.lasting = distrusted or reason == CLOSED_HERE
    return error


def broken_error(request: Request, reason: str, received: int = 0) -> APIConnectionError:
    """The error for a connection that broke when the request may have been sent."""
    host, port, address = _server(request)
    after = f" after {received} bytes of the answer" if received else ""
    advice = "" if _is_read(request) else " The request may have been carried out; look before sending it again."
    error = APIConnectionError(
        f"The connection to {address} broke{after}: {reason.rstrip('.')} ({_describe_request(request)}).{advice}",
        host=host,
        port=port,
    )
    error.lasting = reason == CLOSED_HERE
    return error


def _is_read(request: Request) -> bool:
    """Whether a request changes nothing on the server."""
    return request.resend == "read" or request.method in ("GET", "HEAD")


def _begin_advice(request: Request) -> str:
    """Begin the sentence that says what to give, after what may be under way at the server."""
    return "Give" if _is_read(request) else "What was started there may go on; give"


def _server(request: Request) -> tuple[str, int, str]:
    """The host and the port of a request, and both as a message names them."""
    parts = urlsplit(request.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    return host, port, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _describe_request(request: Request) -> str:
    return f"{request.method} {request.path}, attempt {request.attempt}"


def timeout_error(request: Request, phase: str, proxy: str | None = None) -> APITimeoutError:
    """The error for a timeout in a phase (``Connect``, ``Pool``, ``Write``, ``Read``; anything else: waiting)."""
    host, port, address = _server(request)
    budget = request.budget
    sent = phase not in ("Connect", "Pool")
    if budget is not None and budget.total is not None:
        limit = f"within {budget.total:g} s"
    elif budget is not None and budget.idle is not None and sent:
        limit = f"for {budget.idle:g} s"
    else:
        limit = "in time"
    doing = _DOING.get(phase, "waiting") + (f" through the proxy {proxy}" if proxy and phase == "Connect" else "")
    outcome = _begin_advice(request) if sent else "Nothing was sent; give"
    return APITimeoutError(
        f"No whole answer from {address} {limit} (while {doing}; {_describe_request(request)}). "
        f"{outcome} a longer timeout, or check the server.",
        host=host,
        port=port,
        sent=sent,
    )


def too_large(request: Request, response: Response, limit: int) -> InvalidResponseError:
    """The error for a body that is larger than the client holds in memory."""
    return InvalidResponseError(
        f"{request.method} {request.path} answered {response.status} with a body of more than {limit} bytes, which is "
        f"the client's max_response_size. {_begin_advice(request)} the client a larger max_response_size, or ask for "
        "less.",
        status=response.status,
        response=response,
    )
