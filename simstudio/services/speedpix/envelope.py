"""The envelope of every response, and the errors for those that report a failure.

``{"status": 10, "errCode", "errMessage", "subErrCode", "subErrMessage", "apiInvokeId", "data"}``, in camelCase or
snake_case (releases of the service differ). Status 10 is success. The gateway before the service answers with an HTTP
error status, no body, and ``X-Ca-Error-Code``, ``X-Ca-Error-Message``, ``X-Ca-Request-Id``; the file storage with XML.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from simstudio.core.error_family import combine
from simstudio.core.failures import read_error, reason, redact_response, wait_advice
from simstudio.core.json_types import describe_type
from simstudio.services.speedpix.errors import (
    FAMILY,
    SpeedPixAPIError,
    SpeedPixException,
    SpeedPixRateLimitError,
    SpeedPixRefusedError,
    SpeedPixResponseError,
)
from simstudio.transport.errors import NotFoundError, RateLimitError
from simstudio.transport.hints import parse_retry_after
from simstudio.transport.message import unread_json_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.transport.auth import Credentials
    from simstudio.transport.message import Response

SUCCESS = 10

_XML = re.compile(r"<(Code|Message)>([^<]{1,500})</\1>")
_NO_WORKFLOW = re.compile(r"workflow[._]?not[._]?(found|exists?)", re.IGNORECASE)
_LONGEST = 500
_CODES = {401: "UNAUTHORIZED", 402: "USAGE_LIMIT_EXCEEDED", 429: "RATE_LIMIT_EXCEEDED"}


@attrs.frozen
class Envelope:
    """The envelope of a response. Missing parts are None.

    Attributes:
        status: 10 for success.
        err_code: Code of the error; None or empty if there is none.
        sub_err_code: More exact code.
        sub_err_message: More exact message.
        invoke_id: Id of the call at the service.
        data: Payload, as JSON data.
    """

    status: object = None
    err_code: str | None = None
    err_message: str | None = None
    sub_err_code: str | None = None
    sub_err_message: str | None = None
    invoke_id: str | None = None
    data: Any = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Envelope:
        """Read an envelope from a JSON object."""
        return cls(
            body.get("status"),
            _text(body, "errCode", "err_code"),
            _text(body, "errMessage", "err_message"),
            _text(body, "subErrCode", "sub_err_code"),
            _text(body, "subErrMessage", "sub_err_message"),
            _text(body, "apiInvokeId", "api_invoke_id"),
            body.get("data"),
        )

    @property
    def refused(self) -> bool:
        """Whether the call failed."""
        return bool(self.err_code) or (isinstance(self.status, int) and self.status != SUCCESS)

    @property
    def throttled(self) -> bool:
        """Whether the call was refused because there were too many calls."""
        return any("throttl" in (word or "").lower() for word in (self.err_code, self.sub_err_code))

    @property
    def missing(self) -> bool:
        """Whether the call was refused because there is no such workflow."""
        return any(_NO_WORKFLOW.fullmatch(word or "") for word in (self.err_code, self.sub_err_code))

    @property
    def code(self) -> str | None:
        """The most exact code of the error."""
        return self.sub_err_code or self.err_code

    @property
    def message(self) -> str | None:
        """The most exact message of the error."""
        return self.sub_err_message or self.err_message

    def describe(self, error: SpeedPixException) -> None:
        """Set the service's code and message on an error."""
        error.error_code = self.code
        error.err_code, error.err_message = self.err_code, self.err_message
        error.sub_err_code, error.sub_err_message = self.sub_err_code, self.sub_err_message
        error.invoke_id = self.invoke_id
        error.code = error.code or self.err_code
        error.server_code = error.server_code or self.code


def is_refusal(response: Response) -> bool:
    """Whether the gateway, or the service in an envelope, refused a call because there were too many calls."""
    if response.status == 429:
        return True
    gateway = f"{response.headers.get('x-ca-error-code')} {response.headers.get('x-ca-error-message')}"
    if "throttl" in gateway.lower():
        return True
    envelope = _envelope_within(response) if b"hrottl" in response.content.lower() else None
    return envelope is not None and envelope.throttled


def read_envelope(response: Response, credentials: Credentials) -> Envelope:
    """Read the envelope of a response. Secrets are redacted in its messages, which may be shortened later.

    Raises:
        SpeedPixResponseError: The body is no envelope.
    """
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        kind = response.headers.get("content-type", "no content type")
        unread = unread_json_reason(error, response.content)
        problem = f"it is no JSON ({kind}, beginning {credentials.redact(response.text)[:80].strip()!r})"
        if unread is not None:
            problem = f"Python does not read its JSON: {unread}"
        raise invalid(response, problem) from error
    if not isinstance(body, dict):
        raise invalid(response, f"it is {describe_type(body)} and not an object")
    envelope = Envelope.of(body)
    texts = {"err_message": envelope.err_message, "sub_err_message": envelope.sub_err_message}
    return attrs.evolve(envelope, **{name: credentials.redact(text) for name, text in texts.items() if text})


def invalid(response: Response, problem: str) -> SpeedPixResponseError:
    """Make the error for a response of an unknown form."""
    return SpeedPixResponseError(
        f"{response.method} {response.path} answered {response.status} with a body that cannot be used: {problem}. "
        "It is in error.response.content.",
        status=response.status,
        response=response,
        history=response.history,
    )


def refuse(envelope: Envelope, response: Response, what: str) -> NoReturn:
    """Raise for an envelope that reports a failure.

    Args:
        response: Response that holds it.
        what: Beginning of the message, such as ``The workflow was not run``.
    """
    kind: type[SpeedPixAPIError] = SpeedPixRateLimitError if envelope.throttled else SpeedPixRefusedError
    if envelope.missing:
        kind = combine(SpeedPixRefusedError, NotFoundError)
    code = "RATE_LIMIT_EXCEEDED" if kind is SpeedPixRateLimitError else None
    said = envelope.message or f"the service gave no reason (envelope status {envelope.status!r})"
    wait = parse_retry_after(response.headers.get("retry-after"), now=time.time())
    advice = f" {wait_advice(wait)}" if envelope.throttled else ""
    error = kind(
        f"{what}: {said[:_LONGEST]} ({_words(envelope, response)}).{advice}",
        code,
        response.status,
        response=response,
        history=response.history,
    )
    if isinstance(error, RateLimitError):
        error.retry_after = wait
    envelope.describe(error)
    raise error


def status_error(response: Response, credentials: Credentials, *, stored: bool = False) -> SpeedPixAPIError:
    """Make the exception for an HTTP error status of the gateway, the service or the file storage.

    Args:
        stored: Whether the storage of files answered. It is asked by addresses that expire, without the keys.
    """
    redact_response(response, credentials)
    headers, status = response.headers, response.status
    gateway_code, gateway_message = headers.get("x-ca-error-code"), headers.get("x-ca-error-message")
    envelope = _envelope_within(response)
    body = read_error(response) if envelope is None else None
    xml = dict(_XML.findall(response.text[:10_000])) if envelope is None else {}
    said = gateway_message or (envelope.message if envelope else None) or xml.get("Message")
    said = said or (body.message if body else None) or reason(status)
    throttled = envelope.throttled if envelope else "throttl" in f"{gateway_code} {gateway_message}".lower()
    kind = SpeedPixRateLimitError if throttled else FAMILY.status_class(status)
    code = gateway_code or (envelope.code if envelope else None) or xml.get("Code") or (body.code if body else None)
    wait = parse_retry_after(headers.get("retry-after"), now=time.time())
    error = kind(
        f"{said[:_LONGEST]} ({_words(envelope or Envelope(err_code=code), response)})"
        f"{f'. {wait_advice(wait)}' if throttled or status == 429 else _advice(response, stored=stored)}",
        _CODES.get(429 if throttled else status) or code,
        status,
        server_code=code,
        response=response,
        history=response.history,
    )
    if envelope is not None:
        envelope.describe(error)
    error.error_code = error.error_code or code
    error.gateway_code, error.gateway_message = gateway_code, gateway_message
    if isinstance(error, RateLimitError):
        error.retry_after = wait
    return error


def _envelope_within(response: Response) -> Envelope | None:
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    envelope = Envelope.of(body) if isinstance(body, dict) else Envelope()
    return envelope if envelope.code or envelope.message else None


def _words(envelope: Envelope, response: Response) -> str:
    headers = response.headers
    request_id = headers.get("x-ca-request-id") or headers.get("x-oss-request-id") or response.request_id
    parts = [
        f"HTTP {response.status}, {response.method} {response.path}",
        f"code {' / '.join(code for code in (envelope.err_code, envelope.sub_err_code) if code)}"
        if envelope.code
        else None,
        f"attempt {response.attempt}",
        f"invoke id {envelope.invoke_id}" if envelope.invoke_id else None,
        f"request id {request_id}" if request_id else None,
    ]
    return ", ".join(part for part in parts if part)


def _advice(response: Response, *, stored: bool) -> str:
    if stored:
        return ". The address of the file may have expired." if response.status in (401, 403, 404, 410) else "."
    status, gateway = response.status, response.headers.get("x-ca-error-code")
    if status in (401, 403) and gateway:
        return ". The gateway refused the signature or the key: check app_key, app_secret and this machine's clock."
    if status == 404:
        return ". Check the id and endpoint."
    if 300 <= status <= 399:
        return ". Redirects are not followed here."
    return "."


def _text(body: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = body.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return str(value) or None
    return None
