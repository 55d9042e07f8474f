"""What VectorVein's namespaces stand on: endpoints that answer with envelopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from simstudio.core.conversion import require, structure
from simstudio.core.failures import add_advice, gateway_advice
from simstudio.core.model import Model
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.services.vectorvein.credentials import KEY_TYPE_HEADER
from simstudio.services.vectorvein.envelope import Envelope, envelope_error, http_error, read_envelope
from simstudio.services.vectorvein.errors import RequestError, VectorVeinAPIError, combined
from simstudio.transport.errors import APIConnectionError, APITimeoutError, InvalidInputError, InvalidResponseError

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Resend, Response
    from simstudio.transport.upload import Upload

T = TypeVar("T")


class VectorVeinResource(APIResource[M]):
    """A namespace of VectorVein.

    Nearly every endpoint is a POST; what one of them changes decides what may be sent again: ``_read`` for what only
    asks, ``_write`` for the rest.
    """

    _families: ClassVar[Mapping[int, type[VectorVeinAPIError]]] = {}
    """The documented exception of an envelope's status, if it is neither the root nor an APIKeyError."""

    def _read(self, endpoint: str, body: Mapping[str, Any], **options: Any) -> Flow[Envelope]:
        """Ask for something."""
        return self._envelope("POST", endpoint, json=body, resend="read", **options)

    def _write(self, endpoint: str, body: Mapping[str, Any], **options: Any) -> Flow[Envelope]:
        """Change something: sent again only when it surely was not sent."""
        return self._envelope("POST", endpoint, json=body, **options)

    def _envelope(
        self,
        method: str,
        endpoint: str,
        *,
        json: Any = UNSET,
        content: bytes | Upload = b"",
        content_type: str | None = None,
        params: Mapping[str, Any] | None = None,
        resend: Resend = "never",
        timeout: float | Unset | None = UNSET,
        vapp: bool = False,
        accepted: bool = False,
        max_retries: int | None = None,
    ) -> Flow[Envelope]:
        """Call an endpoint.

        Args:
            method: ``POST``, or ``GET``.
            endpoint: Its path on the base address.
            json: Sent as the body.
            content: Sent as the body, as it is.
            content_type: Of ``content``.
            resend: What may be sent again.
            timeout: Seconds for the call.
            vapp: Whether the key is that of a VApp.
            accepted: Whether every envelope is an answer, failures too; the caller looks at its status.
            max_retries: Retries; by default the client's.
        """
        headers = {KEY_TYPE_HEADER: "VAPP"} if vapp else {}
        if content_type is not None:
            headers["Content-Type"] = content_type
        request = self._request(
            method,
            f"/{endpoint}",
            json=json,
            content=content,
            params=params,
            headers=headers,
            resend=resend,
            timeout=timeout,
            max_retries=max_retries,
        )
        response = yield from self._send(request)
        envelope = read_envelope(response)
        if envelope is None:
            error = http_error(response, self._context.session.credentials)
            if resend == "never":
                add_advice(error, gateway_advice(response))
            raise error
        if not accepted:
            self._check_status(envelope)
        return envelope

    def _check_status(self, envelope: Envelope) -> None:
        """Raise for an envelope that tells of a failure, or is contradicted by its HTTP status."""
        credentials = self._context.session.credentials
        if not envelope.succeeded:
            raise envelope_error(envelope, credentials, self._families)
        if not envelope.response.ok:
            raise http_error(envelope.response, credentials)

    def _send(self, request: Request) -> Flow[Response]:
        """Like the base class, but a failed connection is also the documented RequestError."""
        try:
            return (yield from super()._send(request))
        except APIConnectionError as error:
            raise _request_error(error) from error

    def _call(self, request: Request) -> Flow[Response]:
        """For ``client.request``: any response that tells of no failure."""
        response = yield from self._send(request)
        envelope = read_envelope(response)
        if envelope is not None:
            self._check_status(envelope)
        elif not response.ok:
            raise http_error(response, self._context.session.credentials)
        return response

    def _data(self, envelope: Envelope, into: type[T], known: Mapping[str, Any] | None = None, **needed: type) -> T:
        """An envelope's data as a model.

        Args:
            into: The model, or a list of models.
            known: Values of attributes that stand in for what is missing.
            needed: The types of attributes that the caller cannot go on without.

        Raises:
            RequestError: It is no such thing, or something needed is missing (also an InvalidResponseError).
        """
        try:
            made = structure(envelope.data, into, response=envelope.response, fallbacks=known)
            if isinstance(made, Model):
                require(made, envelope.response, **needed)
            return made
        except InvalidResponseError as error:
            raise combined(RequestError, InvalidResponseError)(
                str(error),
                envelope.status,
                status=error.status,
                details=envelope.content,
                response=error.response,
                history=error.history,
            ) from error


def _request_error(error: APIConnectionError) -> RequestError:
    shared = APITimeoutError if isinstance(error, APITimeoutError) else APIConnectionError
    made = combined(RequestError, shared)(
        f"Request failed: {error}",
        error.status,
        code=error.code,
        status=error.status,
        details=error.details,
        response=error.response,
        history=error.history,
    )
    for name in ("host", "port", "sent"):
        setattr(made, name, getattr(error, name))
    return made


def given(**values: Any) -> dict[str, Any]:
    """The arguments that were given. None stands for what was not; everything else is meant, however empty."""
    return {name: value for name, value in values.items() if value is not None}


def identifier(value: object, name: str) -> str:
    """An id, when it can be one.

    Raises:
        InvalidInputError: It is no str, or empty (also a VectorVeinAPIError).
    """
    if not isinstance(value, str):
        raise invalid(f"{name} must be a str, not {type(value).__name__}.")
    if not value.strip():
        raise invalid(f"{name} is {value!r}, which names nothing: pass the id that VectorVein gave.")
    return value


def texts(values: str | Iterable[str], name: str) -> list[str]:
    """Texts as a list; a single one is a list of one.

    Raises:
        InvalidInputError: One is no str (also a VectorVeinAPIError).
    """
    if isinstance(values, str):
        return [values]
    if not isinstance(values, Iterable) or isinstance(values, (bytes, Mapping)):
        raise invalid(f"{name} must be a list of str, not {type(values).__name__}.")
    found = list(values)
    for value in found:
        if not isinstance(value, str):
            raise invalid(f"{name} must be a list of str, and one of it is {type(value).__name__}.")
    return found


def invalid(message: str, family: type[VectorVeinAPIError] = VectorVeinAPIError) -> VectorVeinAPIError:
    """The exception for an argument that cannot be sent; nothing was."""
    return combined(family, InvalidInputError)(message)
