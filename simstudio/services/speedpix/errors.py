"""SpeedPix's exceptions, each also one of the package's own, so that ``except simstudio.RateLimitError`` catches it.

    SpeedPixException                     also a SimStudioError; ``status_code`` and all that the service said
    ├── PredictionError                   the workflow ran and failed          also a JobFailedError
    │   └── PredictionCanceledError       somebody stopped it                  also a JobCancelledError
    ├── PredictionTimeoutError            not done in the caller's time        also a JobTimeoutError
    ├── SpeedPixAPIError                  a call was refused
    │   ├── SpeedPixRefusedError          … by the service's own words
    │   └── SpeedPixStatusError           … with an HTTP error status          also an APIStatusError
    │       ├── SpeedPixAuthenticationError 401 · SpeedPixPermissionDeniedError 403 · SpeedPixNotFoundError 404
    │       ├── SpeedPixInvalidRequestError 400/413/415/422 · SpeedPixConflictError 409 · SpeedPixLockedError 423
    │       └── SpeedPixRateLimitError 429, or a throttled call · SpeedPixServerError 5xx
    ├── SpeedPixResponseError             an answer that is not what is known  also an InvalidResponseError
    ├── SpeedPixConfigurationError        also a ConfigurationError and a ValueError
    ├── UnsafeURLError                    an address that files are not sent to or fetched from
    ├── FileSaveError                     a download cannot be written
    └── UnsupportedOperationError         documented, but the service has no such call; also a NotImplementedError

No connection (``simstudio.APIConnectionError``) and input that cannot be sent (``simstudio.InvalidInputError``) are
the same for every service and have no names of their own here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio import errors

if TYPE_CHECKING:
    from simstudio.services.speedpix.prediction import Prediction


class SpeedPixException(errors.SimStudioError):
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
    prediction: Prediction[Any] | None = None

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


class PredictionError(SpeedPixException, errors.JobFailedError):
    """The workflow ran and failed: ``prediction.error``, ``prediction.error_code``."""

    prediction: Prediction[Any]  # pyright: ignore[reportIncompatibleVariableOverride] - here there always is one


class PredictionCanceledError(PredictionError, errors.JobCancelledError):
    """The prediction was canceled."""


class PredictionTimeoutError(SpeedPixException, errors.JobTimeoutError):
    """A prediction was not done when the caller's patience ended. It goes on; ``prediction.wait()`` waits on."""

    prediction: Prediction[Any]  # pyright: ignore[reportIncompatibleVariableOverride] - here there always is one


class SpeedPixAPIError(SpeedPixException):
    """A call was refused; ``error_code``, ``err_message`` and the others hold the service's words."""


class SpeedPixRefusedError(SpeedPixAPIError):
    """The service took a call (HTTP 200), and its envelope says no."""


class SpeedPixStatusError(SpeedPixAPIError, errors.APIStatusError):
    """A call was answered with an HTTP error status."""


class SpeedPixAuthenticationError(SpeedPixStatusError, errors.AuthenticationError):
    """401: the key is missing or wrong."""


class SpeedPixUsageLimitError(SpeedPixStatusError, errors.UsageLimitExceededError):
    """402: the account has used up what it may."""


class SpeedPixPermissionDeniedError(SpeedPixStatusError, errors.PermissionDeniedError):
    """403: the gateway takes the signature for wrong (look at the secret and the clock), or the key may not do this."""


class SpeedPixNotFoundError(SpeedPixStatusError, errors.NotFoundError):
    """404: no such thing."""


class SpeedPixConflictError(SpeedPixStatusError, errors.ConflictError):
    """409: the state of the thing does not allow it now."""


class SpeedPixInvalidRequestError(SpeedPixStatusError, errors.InvalidRequestError):
    """400, 413, 415 or 422: the request was refused as it was."""


class SpeedPixLockedError(SpeedPixStatusError, errors.LockedError):
    """423: the thing is locked."""


class SpeedPixRateLimitError(SpeedPixStatusError, errors.RateLimitError):
    """Too many calls: 429, or a code that says so whatever the status."""


class SpeedPixServerError(SpeedPixStatusError, errors.ServerError):
    """5xx: the service failed."""


class SpeedPixResponseError(SpeedPixException, errors.InvalidResponseError):
    """The answer is not what is known of the service; ``response.content`` is its body."""


class SpeedPixConfigurationError(SpeedPixException, errors.ConfigurationError, ValueError):
    """The client cannot be set up so."""


class UnsafeURLError(SpeedPixException):
    """An address that nothing is sent to or fetched from: unencrypted, or no address at all."""


class FileSaveError(SpeedPixException):
    """A download cannot be written where it should go. What was there before is untouched."""


class UnsupportedOperationError(SpeedPixException, NotImplementedError):
    """The document names it, but the service has no such call."""


_CLASSES: dict[type[errors.APIStatusError], type[SpeedPixStatusError]] = {
    errors.AuthenticationError: SpeedPixAuthenticationError,
    errors.UsageLimitExceededError: SpeedPixUsageLimitError,
    errors.PermissionDeniedError: SpeedPixPermissionDeniedError,
    errors.NotFoundError: SpeedPixNotFoundError,
    errors.ConflictError: SpeedPixConflictError,
    errors.InvalidRequestError: SpeedPixInvalidRequestError,
    errors.LockedError: SpeedPixLockedError,
    errors.RateLimitError: SpeedPixRateLimitError,
    errors.ServerError: SpeedPixServerError,
}


def status_error_class(status: int) -> type[SpeedPixStatusError]:
    """The class for an HTTP error status."""
    return _CLASSES.get(errors.status_error_class(status), SpeedPixStatusError)
