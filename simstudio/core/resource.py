"""``APIResource``: what every namespace of every service stands on."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlencode

from simstudio.core.context import Context
from simstudio.core.conversion import structure
from simstudio.core.failures import conceal_error, status_error
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

T = TypeVar("T")


class APIResource(Generic[M]):
    """A namespace of a client: operations that are flows, and the HTTP verbs they are made of.

    A subclass writes each public method once, as a generator with :func:`~simstudio.core.operation.operation`::

        class Things(APIResource[M]):
            @operation
            def get(self, thing_id: str) -> Flow[Thing]:
                response = yield from self._get(f"/api/things/{segment(thing_id, 'thing_id')}")
                return self._structure(response, Thing)

    Args:
        context: What it needs of its client.
        name: The attribute of the client it is found under (dotted where nested).
    """

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._name = name

    # -- verbs: each raises for an error status ------------------------------------------------------------------

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
        """As :meth:`_call`, but the service may raise a better error for a 404."""
        try:
            return (yield from self._call(request))
        except NotFoundError as error:
            explain = self._context.session.service.explain_not_found
            if explain is not None:
                yield from explain(self, error)
            raise

    def _send(self, request: Request) -> Flow[Response]:
        """As :meth:`_call`, but any status comes back as it is."""
        return self._context.session.send(request)

    def _guarded(self, flow: Flow[T]) -> Flow[T]:
        """An operation's flow, whose errors hold no key, whatever the server put into its answers."""
        try:
            return (yield from flow)
        except SimStudioError as error:
            conceal_error(error, self._context.session.credentials)
            raise

    # -- what they are made of ------------------------------------------------------------------------------------

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
        """A request on the base address.

        Args:
            method: ``GET`` …
            path: Encoded already, see :func:`~simstudio.transport.endpoint.segment`.
            json: Sent as a JSON body.
            content: Sent as the body, as it is.
            params: The query; None values are left out.
            headers: Besides the client's own, known to be sendable; they come first.
            timeout: Seconds for the whole call; the client's where it is not given.
            idle_timeout: Seconds of silence instead, for a response that is read as a stream.
            resend: What may be sent again.
            refused: See :class:`~simstudio.transport.message.Request`.
            max_retries: Instead of the client's.
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
            not isinstance(idle_timeout, Unset),
            budget,
            options.max_retries if max_retries is None else max_retries,
        )

    def _structure(self, response: Response, into: type[T]) -> T:
        """A response's JSON body as a model (or any type cattrs understands)."""
        return structure(response.json(), into, response=response)

    def _error(self, response: Response) -> Exception:
        """The error for an error status. A service with error bodies of its own overrides this."""
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
        """The flow of ``client.request``: any call, checked for nothing but where it goes."""
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
                headers=check_headers(headers),
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
        return _resource, (*self._context.recipe(), self._name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._context.session.endpoint.base_url}>"


def _resource(make: Callable[..., Any], arguments: tuple[Any, ...], name: str) -> Any:
    found = make(*arguments)
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return found


def encode_json(data: Any) -> bytes:
    """JSON as the wire wants it: UTF-8, no NaN.

    Raises:
        InvalidInputError: It is no JSON data.
    """
    try:
        text = jsonlib.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"json= cannot be sent as JSON: {error}.") from error


def _plain(value: Any) -> Any:
    """A model in a body, as it came: what an operation gave can be sent to another."""
    if isinstance(value, Model):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is no JSON data")


def encode_query(params: Mapping[str, Any]) -> str:
    """A query: None is left out, booleans are ``true`` and ``false``, lists repeat their name."""
    if not isinstance(params, Mapping):
        raise InvalidInputError(f"params must be a mapping, not {type(params).__name__}.")
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if item is None:
                continue
            pairs.append((str(name), str(item).lower() if isinstance(item, bool) else str(item)))
    try:
        return urlencode(pairs)
    except UnicodeEncodeError as error:
        raise InvalidInputError("params hold a character that cannot be encoded.") from error
