"""From an error response to an exception that says what happened, where, and what to do next.

Error bodies that are understood: ``{"error": "text", "code"?, "details"?}``, ``{"error": {"code", "message",
"details"}}``, ``{"error", "message", "retryAfterSeconds"}``, the HTML page of a proxy, and an empty body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudio.core.model import Model
from simstudio.transport.errors import APIStatusError, RateLimitError, SimStudioError, status_error_class
from simstudio.transport.hints import parse_retry_after

if TYPE_CHECKING:
    from simstudio.core.service import Service
    from simstudio.transport.auth import Credentials
    from simstudio.transport.message import Response

_LONGEST = 500


class ErrorBody(NamedTuple):
    """What an error body says, whatever its shape.

    Attributes:
        message: Its text, None where it has none.
        code: Its own code.
        details: Its details, as plain JSON data.
        retry_after: Seconds, where the body says so.
    """

    message: str | None = None
    code: str | None = None
    details: Any = None
    retry_after: float | None = None


def read_error(response: Response) -> ErrorBody:
    """What an error response's body says."""
    content = response.content
    if not content.strip():
        return ErrorBody()
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        text = response.text
        title = re.search(r"<title[^>]*>([^<]{1,120})", text, re.IGNORECASE)
        html = "html" in response.headers.get("content-type", "") or text.lstrip()[:1] == "<"
        found = text.strip()[:_LONGEST]
        if html:
            found = f"{reason(response.status)}: an HTML page{f', {title[1].strip()!r}' if title else ''}"
        return ErrorBody(message=found)
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


def status_error(response: Response, credentials: Credentials, service: Service) -> APIStatusError:
    """The exception for an error status.

    Args:
        response: The answer; what it holds of the key is taken out first.
        credentials: Whose key that is.
        service: Its codes and advice by status.
    """
    conceal(response, credentials)
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
        error.retry_after = wait_of(response, body)
    return error


def conceal(response: Response, credentials: Credentials) -> None:
    """Take the key out of a response that becomes part of an error, should the server have echoed it."""
    for found in (response, *(attempt.response for attempt in response.history)):
        if found is not None:
            found.content = credentials.redact_bytes(found.content)
            found.url = credentials.redact(found.url)
            for name, value in list(found.headers.pairs()):
                found.headers.put(name, credentials.redact(value))


def conceal_error(error: BaseException, credentials: Credentials) -> None:
    """Take the key out of an error and of everything it holds, should the server have echoed it."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        found = pending.pop()
        if not isinstance(found, SimStudioError) or id(found) in seen:
            continue
        seen.add(id(found))
        _forget_foreign(found, credentials)
        pending += [found.__cause__, found.__context__, *(attempt.error for attempt in found.history)]
        for response in (found.response, *(attempt.response for attempt in found.history)):
            if response is not None:
                conceal(response, credentials)
        found.args = tuple(_clean(value, credentials) for value in found.args)
        for name, value in list(vars(found).items()):  # a service's errors hold things of their own
            if isinstance(value, (str, list, dict, Model)):
                setattr(found, name, _clean(value, credentials))


def _forget_foreign(error: SimStudioError, credentials: Credentials) -> None:
    """Leave out why an error came, where that is an exception of others that quotes the key.

    A ``JSONDecodeError`` holds the whole body. Pickles take causes along where ``tblib`` is in use, as Dask does.
    """
    for name in ("__cause__", "__context__"):
        foreign = getattr(error, name)
        if foreign is not None and not isinstance(foreign, SimStudioError) and _quotes(foreign, credentials):
            suppressed = error.__suppress_context__
            setattr(error, name, None)
            error.__suppress_context__ = suppressed


def _quotes(error: BaseException, credentials: Credentials) -> bool:
    held = (*error.args, *vars(error).values(), *(getattr(error, name, None) for name in ("object", "doc")))
    return any(
        (isinstance(value, str) and credentials.redact(value) != value)
        or (isinstance(value, bytes) and credentials.redact_bytes(value) != value)
        for value in held
    )


def _clean(value: Any, credentials: Credentials) -> Any:
    try:
        return _redacted(value, credentials)
    except RecursionError:  # too deep to look through
        return None


def _redacted(value: Any, credentials: Credentials) -> Any:
    """Plain data or a model without the key."""
    if isinstance(value, str):
        return credentials.redact(value)
    if isinstance(value, list):
        return [_redacted(item, credentials) for item in value]
    if isinstance(value, dict):
        return {_redacted(name, credentials): _redacted(item, credentials) for name, item in value.items()}
    if isinstance(value, Model):
        restore, (cls, values, wire) = value.__reduce__()
        return restore(cls, tuple(_redacted(item, credentials) for item in values), _redacted(wire, credentials))
    return value


def wait_of(response: Response, body: ErrorBody) -> float | None:
    """Seconds that a 429 asks to wait, from its header or its body."""
    import time

    wait = parse_retry_after(response.headers.get("retry-after"), now=time.time())
    return wait if wait is not None else body.retry_after


def describe(response: Response) -> str:
    """Where it happened: status, method, path, attempt, request id."""
    where = f"HTTP {response.status}, {response.method} {response.path}, attempt {response.attempt}"
    return f"{where}, request id {response.request_id}" if response.request_id else where


def reason(status: int) -> str:
    """The standard phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "The server answered with an error status"


def advice(response: Response, body: ErrorBody, service: Service) -> str:
    """What to do next, as the rest of a sentence."""
    status = response.status
    if status == 429:
        wait = wait_of(response, body)
        return ". Wait a while before calling again." if wait is None else f". Wait {wait:g} s before calling again."
    if 300 <= status <= 399:
        location = response.headers.get("location", "nowhere")
        return f", redirecting to {location[:200]}. Redirects are not followed; set base_url to the final address."
    found = service.advice.get(status)
    return f". {found}" if found else "."
