"""Base of VectorVein's namespaces: calls of endpoints, and their envelopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from simstudio.core.conversion import require, structure
from simstudio.core.error_family import translate
from simstudio.core.failures import add_advice, outcome_advice
from simstudio.core.model import Model
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.services.vectorvein.credentials import KEY_TYPE_HEADER
from simstudio.services.vectorvein.envelope import Envelope, envelope_error, http_error, read_envelope
from simstudio.services.vectorvein.errors import RequestError, RequestTimeoutError, VectorVeinAPIError, combined
from simstudio.transport.errors import APIConnectionError, APITimeoutError, InvalidInputError, InvalidResponseError

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Resend, Response
    from simstudio.transport.upload import Upload

T = TypeVar("T")


class VectorVeinResource(APIResource[M]):
    """A namespace of VectorVein.

    Nearly every endpoint is a POST. ``_read`` calls one that changes nothing, so that the request may be sent again;
    ``_write`` calls the others.
    """

    _families: ClassVar[Mapping[int, type[VectorVeinAPIError]]] = {}
    """The documented exception of an envelope's status, if it is neither the root nor an APIKeyError."""

    def _read(self, endpoint: str, body: Mapping[str, Any], **options: Any) -> Flow[Envelope]:
        """Call an endpoint that changes nothing; retried like a GET."""
        return self._envelope("POST", endpoint, json=body, resend="read", **options)

    def _write(self, endpoint: str, body: Mapping[str, Any], **options: Any) -> Flow[Envelope]:
        """Call an endpoint that changes something; sent again only if it surely did not arrive."""
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
        poll: bool = False,
        max_retries: int | None = None,
    ) -> Flow[Envelope]:
        """Call an endpoint.

        Args:
            method: ``POST``, or ``GET``.
            endpoint: Path below the base URL.
            json: Body, as JSON data.
            content: Body, as bytes.
            content_type: Media type of ``content``.
            resend: Rule for sending the request again.
            timeout: Seconds for the call.
            vapp: Whether the key belongs to a VApp.
            accepted: Whether to return an envelope with an error status as well.
            poll: Whether the timeout is what is left of a wait. It begins when the request's turn under the limit has
                come, as the timeout of other calls does.
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
        if poll and request.budget is not None:
            usual, limit = self._context.options.timeout, self._context.session.call_limit
            request.budget.patient = usual is None or (limit is not None and usual >= limit.window)
        response = yield from self._send(request)
        envelope = read_envelope(response)
        if envelope is None:
            error = http_error(response, self._context.session.credentials)
            if resend == "never":
                add_advice(error, outcome_advice(response))
            raise error
        if not accepted:
            self._check_status(envelope)
        return envelope

    def _check_status(self, envelope: Envelope) -> None:
        """Raise for an envelope with an error status, or whose HTTP status contradicts it."""
        credentials = self._context.session.credentials
        if not envelope.succeeded:
            raise envelope_error(envelope, credentials, self._families)
        if not envelope.response.ok:
            raise http_error(envelope.response, credentials)

    def _send(self, request: Request) -> Flow[Response]:
        """Send a request; a failed connection is also the documented RequestError."""
        try:
            return (yield from super()._send(request))
        except APIConnectionError as error:
            late = isinstance(error, APITimeoutError)
            kind = RequestTimeoutError if late else combined(RequestError, APIConnectionError)
            raise translate(error, kind, f"Request failed: {error}") from error

    def _redact_errors(self, flow: Flow[T]) -> Flow[T]:
        """Run an operation's flow. An argument that cannot be sent is a VectorVeinAPIError as well."""
        try:
            return (yield from super()._redact_errors(flow))
        except InvalidInputError as error:
            if isinstance(error, VectorVeinAPIError):
                raise
            raise translate(error, combined(VectorVeinAPIError, InvalidInputError)) from error

    def _call(self, request: Request) -> Flow[Response]:
        """Send the request of ``client.request``, and raise for an error."""
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
            known: Values for attributes that are missing.
            needed: Types of the attributes that must be there.

        Raises:
            RequestError: The data has another form, or a needed attribute is missing (also an InvalidResponseError).
        """
        try:
            made = structure(envelope.data, into, response=envelope.response, fallbacks=known)
            if isinstance(made, Model):
                require(made, envelope.response, **needed)
            return made
        except InvalidResponseError as error:
            own = translate(error, combined(RequestError, InvalidResponseError))
            own.status_code, own.details = envelope.status, envelope.content
            raise own from error


def drop_none(**values: Any) -> dict[str, Any]:
    """The arguments that are not None; empty ones are sent."""
    return {name: value for name, value in values.items() if value is not None}


def identifier(value: object, name: str) -> str:
    """Check an id, and return it.

    Raises:
        InvalidInputError: The value is no str, or empty (also a VectorVeinAPIError).
    """
    if not isinstance(value, str):
        raise invalid(f"{name} must be a str, not {type(value).__name__}.")
    if not value.strip():
        raise invalid(f"{name} is {value!r}, which names nothing: pass the id that VectorVein gave.")
    return value


def texts(values: str | Iterable[str], name: str) -> list[str]:
    """Check texts, and return them as a list; a single text becomes a list of one.

    Raises:
        InvalidInputError: An element is no str (also a VectorVeinAPIError).
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


def records(values: Iterable[Any], name: str) -> list[Mapping[str, Any]]:
    """Check models or mappings, and return them as a list.

    Raises:
        InvalidInputError: An element is neither (also a VectorVeinAPIError).
    """
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping)):
        raise invalid(f"{name} must be a list of mappings, not {type(values).__name__}.")
    found = list(values)
    for value in found:
        if not isinstance(value, Mapping):
            raise invalid(f"{name} must be a list of mappings, and one of it is {type(value).__name__}.")
    return found


def invalid(message: str, family: type[VectorVeinAPIError] = VectorVeinAPIError) -> VectorVeinAPIError:
    """The exception for an argument that cannot be sent; nothing was."""
    return combined(family, InvalidInputError)(message)
