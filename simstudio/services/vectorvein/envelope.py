"""VectorVein's answers: ``{"status": int, "msg": str, "data": any}``, whatever the HTTP status says.

The envelope is read first: its status is the application's own word (200, 201 done, 202 still running, all else a
failure). The HTTP status counts where there is no envelope, as with the HTML of a proxy, and where it contradicts a
success.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.failures import describe, read_error, reason, redact_response, wait_advice
from simstudio.services.vectorvein.errors import APIKeyError, RequestError, VectorVeinAPIError, combined
from simstudio.transport.errors import InvalidResponseError, RateLimitError, SimStudioError, status_error_class
from simstudio.transport.hints import parse_retry_after

if TYPE_CHECKING:
    from simstudio.transport.auth import Credentials
    from simstudio.transport.message import Response

RUNNING = 202
DONE = (200, 201)

_LONGEST = 500
_NO_IDENTITY = "身份认证信息未提供"
"""VectorVein's message for a request without credentials."""
_ADVICE = {
    401: "Check the API key (api_key=) and that it belongs to this server",
    403: "Check that this account may do this, and that it has credits left",
    404: "Check the id",
}


@attrs.frozen
class Envelope:
    """One response's envelope.

    Attributes:
        status: Status of the envelope, not of HTTP.
        content: The whole body, as plain JSON data.
    """

    status: int
    msg: str
    data: Any
    content: dict[str, Any]
    response: Response

    @property
    def succeeded(self) -> bool:
        """Whether the call succeeded, or its run is still running."""
        return self.status == RUNNING or self.status in DONE


def read_envelope(response: Response) -> Envelope | None:
    """The envelope in a response, None where there is none."""
    try:
        content = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    status, msg = content.get("status"), content.get("msg")
    if type(status) is not int:
        return None
    return Envelope(status, msg if isinstance(msg, str) else "", content.get("data"), content, response)


def is_refusal(response: Response) -> bool:
    """Whether the service's limiter refused a call: by the HTTP status, or by the envelope's."""
    if response.status == 429:
        return True
    if b"429" not in response.content:  # spares most responses a second reading
        return False
    envelope = read_envelope(response)
    return envelope is not None and envelope.status == 429


def id_of(content: Any, name: str = "rid") -> str | None:
    """The id of a run (or, by another name, of a task) in an envelope's content: in its data, or at its top."""
    if not isinstance(content, dict):
        return None
    for place in (content.get("data"), content):
        found = place.get(name) if isinstance(place, dict) else None
        if isinstance(found, str) and found:
            return found
        if type(found) is int:
            return str(found)
    return None


def salvage_id(error: SimStudioError, name: str = "rid") -> str | None:
    """The id of a run that was started, from a response that cannot be used otherwise."""
    response = error.response
    if response is None:
        return None
    found = id_of(_plain(response), name)
    if found is None:  # not JSON, or no longer
        text = re.search(rf'"{name}"\s*:\s*"([^"\\]{{1,200}})"', response.text)
        found = text[1] if text is not None else None
    return found


def envelope_error(
    envelope: Envelope,
    credentials: Credentials,
    families: Mapping[int, type[VectorVeinAPIError]] = MappingProxyType({}),
) -> VectorVeinAPIError:
    """The exception for an envelope with an error status.

    Args:
        credentials: Credentials whose key the message must not contain.
        families: The documented exception of a status that is not about the API key; the root for all others.
    """
    status, response = envelope.status, envelope.response
    about_the_key = _is_about_the_key(envelope)
    family = APIKeyError if about_the_key else families.get(status, VectorVeinAPIError)
    said = credentials.redact(envelope.msg)[:_LONGEST] or reason(status)
    error = combined(family, status_error_class(status))(
        f"{said} (status {status}; {describe(response)}){_advice(401 if about_the_key else status, response)}",
        status,
        status=response.status,
        details=envelope.content,
        server_code=str(status),
        response=response,
        history=response.history,
    )
    return _with_wait(error, response)


def _is_about_the_key(envelope: Envelope) -> bool:
    """Whether the API key was refused. A 403 may as well mean a lack of credits, or of access to one record."""
    if envelope.status == 403:
        return "api key" in envelope.msg.lower() or _NO_IDENTITY in envelope.msg
    return envelope.status == 401


def http_error(response: Response, credentials: Credentials) -> VectorVeinAPIError:
    """The exception for a response without an envelope, or whose HTTP status contradicts its envelope."""
    redact_response(response, credentials)  # before a text is cut
    status = response.status
    envelope = read_envelope(response)
    said = (envelope.msg if envelope is not None else _words(response))[:_LONGEST]
    if response.ok:
        unread = _unread_error(response)
        kind = response.headers.get("content-type", "no content type")
        return combined(RequestError, InvalidResponseError)(
            str(unread)
            if unread is not None
            else f'{response.method} {response.path} answered with no {{"status", "msg", "data"}} '
            f"({kind}, {len(response.content)} bytes, beginning {response.text[:120].strip()!r}). "
            "Check that base_url points at VectorVein's API. The body is in error.response.content.",
            status,
            status=status,
            details=_plain(response),
            response=response,
            history=response.history,
        )
    family = APIKeyError if status == 401 else RequestError
    missing = status == 404 and envelope is None  # the API would have sent one
    advice = ". Check that base_url points at VectorVein's API." if missing else _advice(status, response)
    error = combined(family, status_error_class(status))(
        f"{said or reason(status)} ({describe(response)}){advice}",
        status,
        status=status,
        details=_plain(response),
        response=response,
        history=response.history,
    )
    return _with_wait(error, response)


def _with_wait(error: VectorVeinAPIError, response: Response) -> VectorVeinAPIError:
    if isinstance(error, RateLimitError):
        error.retry_after = _wait(response)
    return error


def _wait(response: Response) -> float | None:
    wait = parse_retry_after(response.headers.get("retry-after"), now=time.time())
    return wait if wait is not None else read_error(response).retry_after


def _advice(status: int, response: Response) -> str:
    if status == 429:
        return f". {wait_advice(_wait(response))}"
    if 300 <= response.status <= 399:
        return ". This redirect is not followed; set base_url to the final address."
    found = _ADVICE.get(status)
    return f". {found}." if found else "."


def _unread_error(response: Response) -> InvalidResponseError | None:
    """The error for a JSON body that Python cannot parse; None for every other body."""
    try:
        response.json()
    except InvalidResponseError as error:
        return error if error.lasting else None
    return None


def _plain(response: Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _words(response: Response) -> str:
    """The message in an error body without an envelope."""
    data = _plain(response)
    if isinstance(data, dict):
        for name in ("msg", "detail", "message"):
            if isinstance(data.get(name), str) and data[name]:
                return str(data[name])
    return read_error(response).message or ""
