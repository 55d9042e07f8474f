"""Exceptions for error responses: what happened, where, and what to do next, without the API key.

Bodies of these shapes are read: ``{"error": "text", "code"?, "details"?}``, ``{"error": {"code", "message",
"details"}}``, ``{"error", "message", "retryAfterSeconds"}``, the HTML page of a proxy, and an empty body.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from simstudio.core.model import Model, restore_model
from simstudio.transport.errors import (
    APIConnectionError,
    APIStatusError,
    RateLimitError,
    SimStudioError,
    status_error_class,
)
from simstudio.transport.hints import parse_retry_after
from simstudio.transport.message import unread_json_reason

if TYPE_CHECKING:
    from simstudio.core.session import Service
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

T = TypeVar("T")

_LONGEST = 500


class Redactor(Protocol):
    """Removes secrets, such as the API key, which a server may have echoed."""

    def redact(self, text: str) -> str:
        """Return a text without the secrets."""
        ...

    def redact_bytes(self, content: bytes) -> bytes:
        """Return a body without the secrets."""
        ...


class ErrorBody:
    """The content of an error body. What the body lacks is None.

    Args:
        code: The server's code.
        details: Plain JSON data.
        retry_after: Seconds to wait before the next request.
        is_json: Whether the body is JSON. Proxies and gateways mostly answer with HTML, text or nothing.
    """

    __slots__ = ("code", "details", "is_json", "message", "retry_after")

    def __init__(
        self,
        *,
        message: str | None = None,
        code: str | None = None,
        details: Any = None,
        retry_after: float | None = None,
        is_json: bool = True,
    ) -> None:
        self.message = message
        self.code = code
        self.details = details
        self.retry_after = retry_after
        self.is_json = is_json


def run_beforehand(flow: Flow[T]) -> Flow[T]:
    """Run a flow that precedes the call itself, such as the upload of its files.

    If a connection fails in it, the call was not sent, so ``error.sent`` is False.
    """
    try:
        return (yield from flow)
    except APIConnectionError as error:
        error.sent = False
        raise


def read_error(response: Response) -> ErrorBody:
    """Read the body of an error response."""
    content = response.content
    if not content.strip():
        return ErrorBody(is_json=False)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as problem:
        unread = unread_json_reason(problem, content)
        if unread is not None:
            return ErrorBody(message=f"{reason(response.status)}, with JSON that Python does not read: {unread}")
        text = response.text
        title = re.search(r"<title[^<>]*>([^<]{1,120})", text, re.IGNORECASE)
        html = "html" in response.headers.get("content-type", "") or text.lstrip()[:1] == "<"
        found = text.strip()[:_LONGEST]
        if html:
            found = f"{reason(response.status)}: an HTML page{f', {title[1].strip()!r}' if title else ''}"
        return ErrorBody(message=found, is_json=False)
    if not isinstance(data, Mapping):
        return ErrorBody(message=data[:_LONGEST] if isinstance(data, str) else None, details=data)
    error, message, code = data.get("error"), data.get("message"), data.get("code")
    details = data.get("details")
    if isinstance(error, Mapping):
        message = error.get("message") or message
        code = error.get("code") or code
        details = error.get("details", details)
        error = None
    parts = [text for text in (error, message) if isinstance(text, str) and text]
    seconds = data.get("retryAfterSeconds")
    return ErrorBody(
        message=": ".join(dict.fromkeys(parts))[:_LONGEST] or None,
        code=code if isinstance(code, str) and code else None,
        details=details,
        retry_after=_seconds(seconds),
    )


def _seconds(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15
    return float(value) if known else None


def status_error(response: Response, credentials: Redactor, service: Service) -> APIStatusError:
    """Make the exception for an error response, after redacting the key in the response."""
    redact_response(response, credentials)
    status = response.status
    body = read_error(response)
    kind = status_error_class(status)
    error = kind(
        f"{body.message or reason(status)} ({describe(response)}){advice(response, body, service)}",
        service.error_codes.get(status) or body.code,
        status,
        details=body.details,
        server_code=body.code,
        response=response,
        history=response.history,
    )
    if isinstance(error, RateLimitError):
        error.retry_after = read_retry_after(response, body)
    return error


def redact_response(response: Response, credentials: Redactor) -> None:
    """Remove the key, which a server may have echoed, from a response that becomes part of an error."""
    for found in (response, *(attempt.response for attempt in response.history)):
        if found is not None:
            found.content = credentials.redact_bytes(found.content)
            found.url = credentials.redact(found.url)
            for name, value in list(found.headers.pairs()):
                found.headers.put(name, credentials.redact(value))


def redact_error(error: BaseException, credentials: Redactor) -> None:
    """Remove the key, which a server may have echoed, from an error, its causes, its attributes and its frames."""
    clear_frames(error)
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        found = pending.pop()
        if not isinstance(found, SimStudioError) or id(found) in seen:
            continue
        seen.add(id(found))
        _drop_foreign_causes(found, credentials)
        _drop_requests_of_causes(found)
        pending += [found.__cause__, found.__context__, *(attempt.error for attempt in found.history)]
        for response in (found.response, *(attempt.response for attempt in found.history)):
            if response is not None:
                redact_response(response, credentials)
        found.args = tuple(_redact(value, credentials) for value in found.args)
        for name, value in list(vars(found).items()):  # errors of services have attributes of their own
            if isinstance(value, (str, list, dict, Model)):
                setattr(found, name, _redact(value, credentials))


_CLEARED = ("simstudio.", "httpcore.", "httpx.", "h11.")


def clear_frames(error: BaseException) -> None:
    """Clear the locals of the frames of this package and of its HTTP library in the tracebacks of an error.

    Crash reporters send the locals of every frame, and a proxy's headers are locals of httpcore. Frames that still run
    keep theirs. The tracebacks of causes are cleared too.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        found = pending.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        pending += [found.__cause__, found.__context__]
        pending += [attempt.error for attempt in getattr(found, "history", ())]
        trace = found.__traceback__
        while trace is not None:
            if str(trace.tb_frame.f_globals.get("__name__")).startswith(_CLEARED):
                with contextlib.suppress(RuntimeError):  # the frame still runs
                    trace.tb_frame.clear()
            trace = trace.tb_next


def add_advice(error: SimStudioError, advice: str | None) -> None:
    """Add a sentence to the end of an error's message."""
    if advice:
        error.args = (f"{error.args[0]} {advice}", *error.args[1:])


def _drop_foreign_causes(error: SimStudioError, credentials: Redactor) -> None:
    """Drop ``__cause__`` and ``__context__`` if they are exceptions of other packages that contain the key.

    A ``JSONDecodeError`` holds the whole body, and ``tblib``, which Dask uses, pickles causes as well.
    """
    for name in ("__cause__", "__context__"):
        foreign = getattr(error, name)
        if foreign is not None and not isinstance(foreign, SimStudioError) and _contains_key(foreign, credentials):
            suppressed = error.__suppress_context__
            setattr(error, name, None)
            error.__suppress_context__ = suppressed


def _drop_requests_of_causes(error: SimStudioError) -> None:
    """Drop the request, whose headers have the key, from causes that are exceptions of other packages.

    A user's ``httpx.Client`` raises exceptions that hold it, and ``tblib`` pickles what they hold.
    """
    seen: set[int] = set()
    pending = [error.__cause__, error.__context__]
    while pending:
        found = pending.pop()
        if found is None or isinstance(found, SimStudioError) or id(found) in seen:
            continue
        seen.add(id(found))
        pending += [found.__cause__, found.__context__]
        if isinstance(getattr(type(found), "request", None), property) or "request" in vars(found):
            with contextlib.suppress(AttributeError):  # it cannot be set
                found.request = None  # type: ignore[attr-defined]


def _contains_key(error: BaseException, credentials: Redactor) -> bool:
    held = (*error.args, *vars(error).values(), *(getattr(error, name, None) for name in ("object", "doc")))
    return any(
        (isinstance(value, str) and credentials.redact(value) != value)
        or (isinstance(value, bytes) and credentials.redact_bytes(value) != value)
        for value in held
    )


def _redact(value: Any, credentials: Redactor) -> Any:
    """Return plain data or a model without the key; None for data too deeply nested to search."""
    try:
        return _redact_nested(value, credentials)
    except RecursionError:
        return None


def _redact_nested(value: Any, credentials: Redactor) -> Any:
    if isinstance(value, str):
        return credentials.redact(value)
    if isinstance(value, list):
        return [_redact_nested(item, credentials) for item in value]
    if isinstance(value, dict):
        made = {_redact_nested(name, credentials): _redact_nested(item, credentials) for name, item in value.items()}
        return made if type(value) is dict else type(value)(made)
    if isinstance(value, Model):
        wire, given = value._state()
        return restore_model(type(value), _redact_nested(wire, credentials), _redact_nested(given, credentials))
    return value


def read_retry_after(response: Response, body: ErrorBody) -> float | None:
    """Return the seconds to wait from the ``Retry-After`` header, or else from the body; None if neither has any."""
    import time

    wait = parse_retry_after(response.headers.get("retry-after"), now=time.time())
    return wait if wait is not None else body.retry_after


def describe(response: Response) -> str:
    """Describe a response for an error message: status, method, path, attempt, request id."""
    where = f"HTTP {response.status}, {response.method} {response.path}, attempt {response.attempt}"
    return f"{where}, request id {response.request_id}" if response.request_id else where


def reason(status: int) -> str:
    """Return the standard phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "The server answered with an error status"


def advice(response: Response, body: ErrorBody, service: Service) -> str:
    """Return the end of an error message: what the caller can do next."""
    status = response.status
    if status == 429:
        return f". {wait_advice(read_retry_after(response, body))}"
    if 300 <= status <= 399:
        location = response.headers.get("location", "nowhere")
        return f", redirecting to {location[:200]}. This redirect is not followed; set base_url to the final address."
    if status == 407:
        return (
            ". A proxy asks for credentials; give them in its address, as in HTTP_PROXY=http://user:password@host:port."
        )
    found = service.advice(response) or gateway_advice(response)
    return f". {found}" if found else "."


GATEWAY_TIMEOUTS = frozenset({502, 504, 520, 524})
"""Statuses of a proxy or a gateway that got no response from the server; 520 and 524 are Cloudflare's."""


def is_gateway_timeout(response: Response) -> bool:
    """Whether a gateway, and not the server, answered a request that the server may be carrying out."""
    foreign = response.status in GATEWAY_TIMEOUTS and not read_error(response).is_json
    return foreign and response.method not in ("GET", "HEAD")


def wait_advice(seconds: float | None) -> str:
    """Return what to do after too many requests; ``seconds`` is the server's hint, if there was one."""
    return f"Wait {'a while' if seconds is None else f'{seconds:g} s'} before calling again."


def outcome_advice(response: Response) -> str | None:
    """Return what to do after a 5xx for a write that is not sent again; None for every other response."""
    if response.status < 500 or response.method in ("GET", "HEAD"):
        return None
    return gateway_advice(response) or "The request may have been carried out; look before sending it again."


def gateway_advice(response: Response) -> str | None:
    """Return what to do after a gateway's timeout; None for every other response."""
    if not is_gateway_timeout(response):
        return None
    return (
        "A gateway got no response from the server in time. The request may have been carried out; look before sending "
        "it again."
    )
