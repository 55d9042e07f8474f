"""Base of Oomol Connect's resources: its errors, which may have status 200, and its models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.core.context import Context
from simstudio.core.conversion import require, structure
from simstudio.core.failures import (
    describe,
    outcome_advice,
    read_error,
    read_retry_after,
    reason,
    redact_response,
    wait_advice,
)
from simstudio.core.modes import M
from simstudio.core.options import Unset
from simstudio.core.polling import Poller
from simstudio.core.resource import APIResource
from simstudio.services.oomol.errors import FAMILY, ApiStatusError
from simstudio.services.oomol.models import InstallTask, Task
from simstudio.services.oomol.waiting import unwrap
from simstudio.transport.errors import RateLimitError

if TYPE_CHECKING:
    from simstudio.core.model import Model
    from simstudio.services.oomol.options import Polling
    from simstudio.transport.errors import SimStudioError
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response

T = TypeVar("T")
W = TypeVar("W", Task, InstallTask)

_ADVICE = {
    401: "Check api_token; it is sent as it is, so write a scheme such as 'Bearer …' into it where one is needed.",
    403: "Check what the token may do.",
    404: "Check the id and base_url.",
}


class OomolResource(APIResource[M]):
    """A namespace of Oomol Connect's client."""

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self.poller = Poller()

    def _call(self, request: Request) -> Flow[Response]:
        with FAMILY.raise_own():
            return (yield from super()._call(request))

    def _error(self, response: Response) -> Exception:
        status = response.status
        redact_response(response, self._context.session.credentials)
        body = read_error(response)
        kind = FAMILY.status_class(status)
        what = f"{body.message or reason(status)} ({describe(response)})."
        found = self._advice(status) or outcome_advice(response)
        if status == 429:
            found = wait_advice(read_retry_after(response, body))
        advice = f" {found}" if found else ""
        if 300 <= status <= 399:
            location = response.headers.get("location", "nowhere")[:200]
            advice = f" It redirects to {location}, which is not followed; set base_url to the final address."
        error = kind(
            what + advice,
            status,
            response,
            code=body.code,
            said=body.message or reason(status),
            details=body.details,
            server_code=body.code,
            history=response.history,
        )
        if isinstance(error, RateLimitError):
            error.retry_after = read_retry_after(response, body)
        return error

    def _advice(self, status: int) -> str:
        """Advice on an error status, as a sentence."""
        return _ADVICE.get(status, "")

    def _data(self, response: Response) -> Any:
        """The JSON data of a response.

        Raises:
            ApiStatusError: The data has ``"success": false``, with status 200.
            ApiInvalidResponseError: The body is not JSON.
        """
        with FAMILY.raise_own():
            data = response.json()
        if isinstance(data, Mapping) and data.get("success") is False:
            redact_response(response, self._context.session.credentials)
            said = read_error(response).message or "The server says that it did not succeed"
            raise ApiStatusError(
                f"{said} ({describe(response)}, success: false).",
                response.status,
                response,
                said=said,
                history=response.history,
            )
        return data

    def _model(self, data: Any, into: type[T], response: Response, fallbacks: Mapping[str, Any] | None = None) -> T:
        """Make a model of the data of a response.

        Raises:
            ApiInvalidResponseError: The data is no object, or no list where one is expected.
        """
        with FAMILY.raise_own():
            return structure(data, into, response=response, fallbacks=fallbacks)

    def _require(self, made: Model, response: Response, **types: type) -> None:
        """Check the attributes that a flow cannot go on without.

        Raises:
            ApiInvalidResponseError: An attribute is missing, empty or of another type.
        """
        with FAMILY.raise_own():
            require(made, response, **types)

    def _begin_run(self, start: Callable[[], Flow[T]], options: Polling | None) -> Flow[T]:
        """Begin a task or an installation. In a wait, a refusal of the limiter is repeated: nothing ran.

        Args:
            start: Makes the flow that begins it.
            options: Options of the wait, whose time includes the beginning; None if the caller does not wait.
        """
        return start() if options is None else self._repeat_refused(start, options.timeout)

    def _repeat_refused(self, ask: Callable[[], Flow[T]], patience: float | None) -> Flow[T]:
        """Send what the limiter refuses again, for so many seconds; None for a day."""
        return self.poller.begin(ask, patience if self._context.options.max_retries else 0.0)

    def _follow(
        self,
        what: str,
        options: Polling,
        poll: Callable[[float | Unset], Flow[W]],
        *,
        expired: Callable[[W | None], SimStudioError],
        again: str,
    ) -> Flow[W]:
        """Poll a task or an installation until it has ended.

        Args:
            what: Its name in messages: ``task t-1``.
            options: Times and callbacks.
            poll: Returns its state; takes the timeout of the request.
            expired: Makes the error for a wait that took too long, from the last state.
            again: The call with which a user waits again, for messages.
        """
        poller = attrs.evolve(self.poller, schedule=options.schedule)
        polls = poller.wait(
            poll,
            timeout=options.timeout,
            client_timeout=self._context.options.timeout,
            done=lambda state: state.done,
            expired=expired,
            subject=f"The {what}",
            again=f"client.{again}",
        )
        return unwrap(polls, f"the {what}")
