"""SpeedPix's exceptions, each also one of the package's own, so that ``except simstudio.RateLimitError`` catches it.

    SpeedPixException                     also a SimStudioError; ``status_code`` and all that the service said
    ├── PredictionError                   the workflow ran and failed          also a JobFailedError
    │   └── PredictionCanceledError       somebody stopped it                  also a JobCancelledError
    ├── PredictionTimeoutError            not done in the caller's time        also a JobTimeoutError, TimeoutError
    ├── SpeedPixAPIError                  a call was refused
    │   ├── SpeedPixRefusedError          … by the service's own words
    │   └── SpeedPixStatusError           … with an HTTP error status          also an APIStatusError
    │       ├── SpeedPixAuthenticationError 401 · SpeedPixPermissionDeniedError 403 · SpeedPixNotFoundError 404
    │       ├── SpeedPixInvalidRequestError 400/413/415/422 · SpeedPixConflictError 409 · SpeedPixLockedError 423
    │       └── SpeedPixRateLimitError 429, or a throttled call · SpeedPixServerError 5xx
    ├── SpeedPixConnectionError           no whole answer came                 also an APIConnectionError
    │   └── SpeedPixTimeoutError          … in time                            also an APITimeoutError
    ├── SpeedPixResponseError             an answer that is not what is known  also an InvalidResponseError
    ├── SpeedPixConfigurationError        also a ConfigurationError and a ValueError
    ├── UnsafeURLError                    an address that files are not sent to or fetched from
    ├── FileSaveError                     a download cannot be written
    └── UnsupportedOperationError         documented, but the service has no such call; also a NotImplementedError

Input that cannot be sent is a ``simstudio.InvalidInputError``, as with every service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.error_family import ErrorFamily
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

if TYPE_CHECKING:
    from simstudio.core.runs import SubmittedRun


class SpeedPixException(SimStudioError):  # noqa: N818 - the documented name
    """The root of what SpeedPix's client raises of its own.

    Attributes:
        error_code: The most exact code the service gave: the envelope's ``subErrCode``, else its ``errCode``.
        err_code: The envelope's ``errCode``.
        err_message: Its ``errMessage``.
        sub_err_code: Its ``subErrCode``.
        sub_err_message: Its ``subErrMessage``.
        invoke_id: Its ``apiInvokeId``, which the service's support asks for.
        gateway_code: ``X-Ca-Error-Code``, where the gateway refused the call before the service saw it.
        gateway_message: ``X-Ca-Error-Message``.
        prediction: The prediction it is about, where there is one.
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
        """The HTTP status of the answer, None where there was none."""
        return self.status

    @property
    def request_id(self) -> str | None:
        """The id that the gateway (``X-Ca-Request-Id``), the file storage or a proxy gave the request."""
        if self.response is None:
            return None
        headers = self.response.headers
        return headers.get("x-ca-request-id") or headers.get("x-oss-request-id") or self.response.request_id


class SpeedPixAPIError(SpeedPixException):
    """A call was refused; ``error_code``, ``err_message`` and the others hold the service's words."""


class SpeedPixRefusedError(SpeedPixAPIError):
    """The service took a call (HTTP 200), and its envelope says no."""


class SpeedPixStatusError(SpeedPixAPIError, APIStatusError):
    """A call was answered with an HTTP error status."""


class SpeedPixAuthenticationError(SpeedPixStatusError, AuthenticationError):
    """401: the key is missing or wrong."""


class SpeedPixUsageLimitError(SpeedPixStatusError, UsageLimitExceededError):
    """402: the account has used up what it may."""


class SpeedPixPermissionDeniedError(SpeedPixStatusError, PermissionDeniedError):
    """403: the gateway takes the signature for wrong (look at the secret and the clock), or the key may not do this."""


class SpeedPixNotFoundError(SpeedPixStatusError, NotFoundError):
    """404: no such thing."""


class SpeedPixConflictError(SpeedPixStatusError, ConflictError):
    """409: the state of the thing does not allow it now."""


class SpeedPixInvalidRequestError(SpeedPixStatusError, InvalidRequestError):
    """400, 413, 415 or 422: the request was refused as it was."""


class SpeedPixLockedError(SpeedPixStatusError, LockedError):
    """423: the thing is locked."""


class SpeedPixRateLimitError(SpeedPixStatusError, RateLimitError):
    """Too many calls: 429, or a code that says so whatever the status."""


class SpeedPixServerError(SpeedPixStatusError, ServerError):
    """5xx: the service failed."""


class SpeedPixConnectionError(SpeedPixException, APIConnectionError):
    """No whole answer came: the connection was refused, dropped or cut short."""


class SpeedPixTimeoutError(SpeedPixConnectionError, APITimeoutError):
    """No whole answer came in time."""


class SpeedPixResponseError(SpeedPixException, InvalidResponseError):
    """The answer is not what is known of the service; ``response.content`` is its body."""


class SpeedPixConfigurationError(SpeedPixException, ConfigurationError, ValueError):
    """The client cannot be set up so."""


class UnsafeURLError(SpeedPixException):
    """An address that nothing is sent to or fetched from: unencrypted, or no address at all."""


class FileSaveError(SpeedPixException):
    """A download cannot be written where it should go. What was there before is untouched."""


class UnsupportedOperationError(SpeedPixException, NotImplementedError):
    """The document names it, but the service has no such call."""


FAMILY = ErrorFamily(SpeedPixException, SpeedPixStatusError)
