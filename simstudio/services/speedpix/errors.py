"""Errors of SpeedPix's client, each also an error of ``simstudio.errors``: ``except RateLimitError`` catches it.

    SpeedPixException                     base of all                          also a SimStudioError
    ├── PredictionError                   the workflow ran and failed          also a JobFailedError
    │   └── PredictionCanceledError       it was canceled                      also a JobCancelledError
    ├── PredictionTimeoutError            not done in time                     also a JobTimeoutError, TimeoutError
    ├── SpeedPixAPIError                  a call was refused
    │   ├── SpeedPixRefusedError          … in the envelope of HTTP status 200
    │   └── SpeedPixStatusError           … with an HTTP error status          also an APIStatusError
    │       ├── SpeedPixAuthenticationError 401 · SpeedPixPermissionDeniedError 403 · SpeedPixNotFoundError 404
    │       ├── SpeedPixInvalidRequestError 400/413/415/422 · SpeedPixConflictError 409 · SpeedPixLockedError 423
    │       └── SpeedPixRateLimitError 429, or a throttled call · SpeedPixServerError 5xx
    ├── SpeedPixConnectionError           no complete response                 also an APIConnectionError
    │   └── SpeedPixTimeoutError          … in time                            also an APITimeoutError, TimeoutError
    ├── SpeedPixResponseError             a response of an unknown form        also an InvalidResponseError
    ├── SpeedPixConfigurationError        also a ConfigurationError and a ValueError
    ├── UnsafeURLError                    a URL to which no file is sent, or from which none is fetched
    ├── FileSaveError                     a download cannot be written
    └── UnsupportedOperationError         documented, but the service has no such call; also a NotImplementedError

Input that cannot be sent is a ``simstudio.InvalidInputError``, as with every service.
"""

from __future__ import annotations

import builtins
from typing import Any

from simstudio.core.error_family import ErrorFamily
from simstudio.core.runs import SubmittedRun
from simstudio.transport.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    InvalidRequestError,
    InvalidResponseError,
    LockedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SimStudioError,
    UsageLimitExceededError,
)


class SpeedPixException(SimStudioError):  # noqa: N818 - the documented name
    """Base of the errors of SpeedPix's client. Attributes that do not apply are None.

    Attributes:
        error_code: The most exact code of the service: the envelope's ``subErrCode``, else its ``errCode``.
        err_code: ``errCode`` of the envelope.
        err_message: ``errMessage`` of the envelope.
        sub_err_code: ``subErrCode`` of the envelope.
        sub_err_message: ``subErrMessage`` of the envelope.
        invoke_id: ``apiInvokeId`` of the envelope, which the service's support asks for.
        gateway_code: ``X-Ca-Error-Code``, if the gateway before the service refused the call.
        gateway_message: ``X-Ca-Error-Message``.
        prediction: The prediction that the error is about.
    """

    error_code: str | None = None
    err_code: str | None = None
    err_message: str | None = None
    sub_err_code: str | None = None
    sub_err_message: str | None = None
    invoke_id: str | None = None
    gateway_code: str | None = None
    gateway_message: str | None = None
    prediction: SubmittedRun[Any, Any, Any] | None = None

    @property
    def status_code(self) -> int | None:
        """HTTP status of the response; None if there was none."""
        return self.status

    @property
    def request_id(self) -> str | None:
        """Request id of the gateway (``X-Ca-Request-Id``), the file storage or a proxy; None if there is none."""
        if self.response is None:
            return None
        headers = self.response.headers
        return headers.get("x-ca-request-id") or headers.get("x-oss-request-id") or self.response.request_id


class SpeedPixAPIError(SpeedPixException):
    """A call was refused (``error_code``, ``err_message`` …)."""


class SpeedPixRefusedError(SpeedPixAPIError):
    """The envelope of a response with HTTP status 200 reports a failure."""


class SpeedPixStatusError(SpeedPixAPIError, APIStatusError):
    """A call was answered with an HTTP error status."""


class SpeedPixAuthenticationError(SpeedPixStatusError, AuthenticationError):
    """401: the key is missing or wrong."""


class SpeedPixUsageLimitError(SpeedPixStatusError, UsageLimitExceededError):
    """402: the account has used up what its plan allows."""


class SpeedPixPermissionDeniedError(SpeedPixStatusError, PermissionDeniedError):
    """403: the signature is wrong (check the secret and the clock), or the key may not do this."""


class SpeedPixNotFoundError(SpeedPixStatusError, NotFoundError):
    """404: no such workflow, prediction or file."""


class SpeedPixConflictError(SpeedPixStatusError, ConflictError):
    """409: the state of the prediction or file does not allow the call."""


class SpeedPixInvalidRequestError(SpeedPixStatusError, InvalidRequestError):
    """400, 413, 415 or 422: the request cannot be used."""


class SpeedPixLockedError(SpeedPixStatusError, LockedError):
    """423: the prediction or file is locked."""


class SpeedPixRateLimitError(SpeedPixStatusError, RateLimitError):
    """Too many calls: 429, or a code of the service or its gateway with another status."""


class SpeedPixServerError(SpeedPixStatusError, ServerError):
    """5xx: the service failed."""


class SpeedPixConnectionError(SpeedPixException, APIConnectionError):
    """No complete response arrived: the connection was refused, dropped or cut short."""


class SpeedPixTimeoutError(SpeedPixConnectionError, APITimeoutError, builtins.TimeoutError):
    """No complete response arrived in time."""


class SpeedPixResponseError(SpeedPixException, InvalidResponseError):
    """The response has no form that is known of the service; ``response.content`` is its body."""


class SpeedPixConfigurationError(SpeedPixException, ConfigurationError, ValueError):
    """The client was set up in a way that cannot work."""


class UnsafeURLError(SpeedPixException):
    """No file is sent to this URL, or fetched from it: it is unencrypted, in another network, or no URL."""


class FileSaveError(SpeedPixException):
    """A download cannot be written. A file that was there before is unchanged."""


class UnsupportedOperationError(SpeedPixException, NotImplementedError):
    """The service has no such call, although its document or its SDK names one."""


FAMILY = ErrorFamily(SpeedPixException, SpeedPixStatusError, address="endpoint")
