"""``APIResource``: the base of every namespace of every service; ``@namespace`` declares one on a client."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, overload
from urllib.parse import urlencode

from simstudio.core.context import Context
from simstudio.core.conversion import structure
from simstudio.core.failures import redact_error, status_error
from simstudio.core.functions import with_hints
from simstudio.core.model import Model
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset, check_headers, check_timeout
from simstudio.transport.deadline import Budget
from simstudio.transport.endpoint import check_path
from simstudio.transport.errors import InvalidInputError, NotFoundError, SimStudioError
from simstudio.transport.message import Request, Resend, Response

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Content

R = TypeVar("R")
T = TypeVar("T")


class APIResource(Generic[M]):
    """A namespace of a client.

    A subclass defines each public method once, as a generator with :func:`~simstudio.core.operation.operation`::

        class Things(APIResource[M]):
            @operation
            def get(self, thing_id: str) -> Flow[Thing]:
                response = yield from self._get(f"/api/things/{segment(thing_id, 'thing_id')}")
                return self._structure(response, Thing)

    Args:
        context: The context of the client.
        name: Attribute of the client, dotted if nested, from which a pickle finds the resource again.
    """

    _evidence: ClassVar[Literal["recorded", "documented"]] = "recorded"
    """``documented`` if no real server was seen to carry out an operation of the class."""

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._name = name

    # -- requests; each raises for an error status -----------------------------------------------------------------

    def _get(self, path: str, **options: Any) -> Flow[Response]:
        return self._call(self._request("GET", path, resend="read", **options))

    def _post(self, path: str, **options: Any) -> Flow[Response]:
        return self._call(self._request("POST", path, **options))

    def _put(self, path: str, **options: Any) -> Flow[Response]:
        return self._call(self._request("PUT", path, **options))

    def _patch(self, path: str, **options: Any) -> Flow[Response]:
        return self._call(self._request("PATCH", path, **options))

    def _delete(self, path: str, **options: Any) -> Flow[Response]:
        return self._call(self._request("DELETE", path, **options))

    def _call(self, request: Request) -> Flow[Response]:
        response = yield from self._context.session.send(request)
        if not response.ok:
            raise self._error(response)
        return response

    def _call_explained(self, request: Request) -> Flow[Response]:
        """Like :meth:`_call`, but the service may raise a more helpful error for a 404."""
        try:
            return (yield from self._call(request))
        except NotFoundError as error:
            explain = self._context.session.service.explain_not_found
            if explain is not None:
                yield from explain(self, error)
            raise

    def _send(self, request: Request) -> Flow[Response]:
        """Like :meth:`_call`, but return responses of every status."""
        return self._context.session.send(request)

    def _redact_errors(self, flow: Flow[T]) -> Flow[T]:
        """Run an operation's flow, and remove the key from its errors: a server may have echoed it."""
        try:
            return (yield from flow)
        except SimStudioError as error:
            redact_error(error, self._context.session.credentials)
            raise

    # -- parts of requests and responses ---------------------------------------------------------------------------

    def _request(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        content: bytes | Content = b"",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | Unset | None = UNSET,
        idle_timeout: float | Unset | None = UNSET,
        resend: Resend = "never",
        refused: Callable[[Response], bool] | None = None,
        max_retries: int | None = None,
    ) -> Request:
        """Make a request to a path of the base address.

        Args:
            method: HTTP verb in upper case.
            path: Path whose segments are encoded, see :func:`~simstudio.transport.endpoint.segment`.
            json: JSON data of the body.
            content: The body as it is sent, instead of ``json``.
            params: Query parameters; None values are left out.
            headers: Headers, checked before, that win over the client's.
            timeout: Seconds for the whole call; by default the client's.
            idle_timeout: Seconds without a byte, instead of ``timeout``; the response is then left open as a stream.
            resend: Rule for sending the request again; see :data:`~simstudio.transport.message.Resend`.
            refused: See :class:`~simstudio.transport.message.Request`.
            max_retries: Retries; by default the client's.
        """
        options = self._context.options
        sent = self._context.defaults.copy()
        if json is not UNSET:
            content = encode_json(json)
            sent.put("Content-Type", "application/json")
        if isinstance(idle_timeout, Unset):
            total = options.timeout if isinstance(timeout, Unset) else check_timeout(timeout)
            budget = Budget(total)
        else:
            idle = check_timeout(idle_timeout, "idle_timeout")
            budget = Budget(idle=idle, connect=options.timeout)
            sent.put("Accept", "text/event-stream")
            sent.put("Accept-Encoding", "identity")
        if headers:
            for name, value in headers.items():
                sent.put(name, value)
        if params:
            query = encode_query(params)
            path = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
        return Request(
            method,
            self._context.session.endpoint.url(path),
            sent,
            content,
            resend,
            refused,
            streamed=not isinstance(idle_timeout, Unset),
            budget=budget,
            max_retries=options.max_retries if max_retries is None else max_retries,
        )

    def _structure(self, response: Response, into: type[T]) -> T:
        """Return the JSON body of a response as a model, or as another type that cattrs can structure."""
        return structure(response.json(), into, response=response)

    def _error(self, response: Response) -> Exception:
        """Make the error for an error response. A service with other error bodies overrides this."""
        return status_error(response, self._context.session.credentials, self._context.session.service)

    def _generic(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        into: type[Any] | None = None,
        timeout: float | Unset | None = UNSET,
    ) -> Flow[Any]:
        """The flow of ``client.request``: of the arguments, only method, path and headers are checked."""
        if not (isinstance(method, str) and method.isascii() and method.isalpha()):
            raise InvalidInputError(f"method must be an HTTP verb such as GET or POST, not {method!r}.")
        verb = method.upper()
        resend: Resend = "read" if verb in ("GET", "HEAD", "OPTIONS") else "never"
        response = yield from self._call(
            self._request(
                verb,
                check_path(path),
                json=json,
                params=params,
                headers=check_headers(headers, self._context.session.service.key_header),
                timeout=timeout,
                resend=resend,
            )
        )
        if into is not None:
            return self._structure(response, into)
        if not response.content:
            return None
        try:
            return jsonlib.loads(response.content)
        except (ValueError, RecursionError):
            return response.content

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the client's configuration, **including the API key**, and the name of the resource."""
        return _resource, (*self._context.reduce(), self._name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._context.session.endpoint.base_url}>"


class namespace(cached_property[R]):  # noqa: N801 - a decorator
    """A cached property that holds no lock, and whose value is one and the same object for all threads.

    For example::

        @namespace
        def jobs(self) -> Jobs[M]:
            return Jobs(self._context, "jobs")
    """

    def __init__(self, func: Callable[[Any], R]) -> None:
        super().__init__(with_hints(func))

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Any: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> R: ...
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        return vars(instance).setdefault(self.attrname or "", self.func(instance))


def _resource(make: Callable[..., Any], arguments: tuple[Any, ...], name: str) -> Any:
    found = make(*arguments)
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return found


def encode_json(data: Any) -> bytes:
    """Encode JSON data, which may contain models, as UTF-8.

    Raises:
        InvalidInputError: The data is no JSON data, or holds NaN or infinity.
    """
    try:
        text = jsonlib.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_model)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"The body cannot be sent as JSON: {describe_unsendable(data, error)}") from error


def describe_unsendable(data: Any, error: Exception) -> str:
    """Return what ``json.dumps`` refused in a body with an error, and its path, as a sentence."""
    from simstudio.core.unsendable import KEYS, TOO_DEEP, find_unsendable

    try:
        return find_unsendable(data, "", lambda _: False, KEYS) or f"{error}."
    except RecursionError:
        return f"{TOO_DEEP}."


def _encode_model(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is no JSON data")


def encode_query(params: Mapping[str, Any]) -> str:
    """Encode a query: None is left out, booleans are ``true`` and ``false``, lists repeat their name."""
    if not isinstance(params, Mapping):
        raise InvalidInputError(f"params must be a mapping, not {type(params).__name__}.")
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if item is None:
                continue
            try:
                pairs.append((str(name), str(item).lower() if isinstance(item, bool) else str(item)))
            except ValueError as error:  # an integer of more digits than Python converts
                raise InvalidInputError(f"The parameter {name!r} cannot be sent: {error}.") from error
    try:
        return urlencode(pairs)
    except UnicodeEncodeError as error:
        raise InvalidInputError("params hold a character that cannot be encoded.") from error
