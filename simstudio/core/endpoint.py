"""``@endpoint`` and ``@paged``: operations that are one request each, defined by a signature and a result.

For example::

    class Workflows(APIResource[M]):
        @endpoint("DELETE", "/api/v2/workflows/{workflowId}", "deleteWorkflow")
        def delete(self, send: Sender, workflow_id: str) -> Flow[DeletedWorkflow]:
            return send.one(DeletedWorkflow)

The signature defines the parameters of the request (:mod:`simstudio.core.routes`). ``send`` is the request of one call
with its arguments checked; callers do not pass it. The method returns the flow of its result, so a call that needs
more than one request is written as a generator. :mod:`simstudio.catalog` lists all routes.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar

from simstudio.core.conversion import structure
from simstudio.core.operation import listing, operation
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Page, Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import Evidence, Route
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidResponseError
from simstudio.transport.flow import Flow
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.downloads import Download
    from simstudio.transport.message import Request, Resend, Response

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class Sender:
    """The request of one call of an operation. Call it to send it; change its attributes before, if need be.

    Attributes:
        arguments: Arguments of the method by Python name, including defaults.
        path: Path with its parameters filled in.
        query: Query parameters by wire name, as text.
        headers: Headers by wire name, as text.
        body: JSON data by wire name; None if the operation has no body.
    """

    def __init__(self, resource: APIResource[Any], route: Route, arguments: Mapping[str, Any], resend: Resend) -> None:
        self.resource = resource
        self.route = route
        self.arguments = arguments
        self.resend: Resend = resend
        self.path = route.path
        for name, parameter in route.parameters.items():
            if parameter.place == "path":
                value = arguments[name]
                text = value if isinstance(value, str) else str(value)
                self.path = self.path.replace(f"{{{parameter.wire}}}", segment(text, name))
        self.query: dict[str, Any] = route.arguments_for("query", arguments)
        self.headers: dict[str, str] = route.arguments_for("header", arguments)
        has_body = any(parameter.place == "body" for parameter in route.parameters.values())
        self.body: dict[str, Any] | None = route.arguments_for("body", arguments) if has_body else None

    def request(self, **options: Any) -> Request:
        """Make the request, with further options of ``APIResource._request``."""
        if self.body is not None:
            options.setdefault("json", self.body)
        options.setdefault("resend", self.resend)
        request = self.resource._request(
            self.route.verb,
            self.path,
            params=self.query,
            headers={**self.headers, **options.pop("headers", {})},
            **options,
        )
        request.confidential = bool(self.route.secrets)
        return request

    def __call__(self, **options: Any) -> Flow[Response]:
        """Send the request and return the response; the arguments are those of :meth:`request`.

        Raises:
            APIStatusError: The server answered with an error status.
        """
        return self.dispatch(self.request(**options))

    def dispatch(self, request: Request) -> Flow[Response]:
        """Send a request of this operation."""
        request.template = self.route.path
        return self.resource._call_explained(request)

    def one(self, into: type[T], *at: str, **options: Any) -> Flow[T]:
        """Send the request and return the model in the response.

        Args:
            into: Class of the model.
            at: Path of keys to the model in the JSON body; by default ``data``.
            options: Options of ``APIResource._request``.

        Raises:
            APIStatusError: The server answered with an error status.
            InvalidResponseError: The body has another shape.
        """
        response = yield from self(**options)
        return structure(extract(response, at or ("data",)), into, response=response)

    def optional(self, into: type[T]) -> Flow[T | None]:
        """Send the request and return the model in the response; None if ``data`` is null."""
        response = yield from self()
        data = extract(response, ("data",))
        return None if data is None else structure(data, into, response=response)

    def download(self, to: str | os.PathLike[str] | None = None) -> Flow[Download]:
        """Send the request and return the body as a file, which is saved while it is received if ``to`` is given.

        Raises:
            InvalidInputError: There is a file; see :func:`~simstudio.core.downloads.receive`.
        """
        from simstudio.core.downloads import Download, receive

        if to is None:
            response = yield from self(headers={"Accept": "*/*"})
            return Download.of(response)
        options = self.resource._context.options
        streamed = {"headers": {"Accept": "*/*"}, "idle_timeout": options.timeout}
        return (yield from receive(lambda: self(**streamed), to, options.max_retries))

    def pages(self, into: type[T], *at: str, cursor: str = "cursor") -> Pages[T]:
        """Return the pages of a list that the server pages by cursors.

        Args:
            into: Class of the items.
            at: Path of keys to the items in the JSON body; by default ``data``.
            cursor: Query parameter that takes a cursor.
        """
        return CursorPages(self, into, at or ("data",), cursor)


class CursorPages(Pages[T]):
    """The pages of a list whose responses name the next page (``nextCursor``).

    The cursor is sent in the query, or in the body of a list that is asked for by POST.
    """

    def __init__(self, send: Sender, into: type[T], at: Sequence[str], cursor: str) -> None:
        self._sent = send.query if send.body is None else send.body
        super().__init__(into, self._sent.pop(cursor, None))
        self._send = send
        self._at = at
        self._cursor = cursor

    def fetch(self, cursor: str | None) -> Flow[Page[T]]:
        """Fetch the page at a cursor."""
        send = self._send
        sent = self._sent if cursor is None else {**self._sent, self._cursor: cursor}
        parts: dict[str, Any] = {"params": sent} if send.body is None else {"params": send.query, "json": sent}
        response = yield from send.dispatch(
            send.resource._request(send.route.verb, send.path, headers=send.headers, resend=send.resend, **parts)
        )
        return read_page(response, self.into, self._at)


def read_page(response: Response, into: type[T], at: Sequence[str] = ("data",)) -> Page[T]:
    """Read a page from a response.

    Raises:
        InvalidResponseError: The body lacks the items; the message names the missing key.
    """
    body = response.json()
    items = structure(extract(response, at, body), list[into], response=response)  # type: ignore[valid-type]
    parent = body
    for name in at[:-1]:
        parent = parent[name]
    cursor = body.get("nextCursor", parent.get("nextCursor"))
    extra = {name: value for name, value in {**body, **parent}.items() if name not in (*at, "nextCursor", "success")}
    return Page(items, cursor if isinstance(cursor, str) and cursor else None, extra)


def extract(response: Response, at: Sequence[str], body: Any = UNSET) -> Any:
    """Return the value at a path of keys in the JSON body of a response.

    Raises:
        InvalidResponseError: The body lacks one of the keys.
    """
    value = response.json() if isinstance(body, Unset) else body
    for depth, name in enumerate(at):
        if not isinstance(value, dict) or name not in value:
            raise InvalidResponseError(
                f"{response.method} {response.path} answered {response.status}, but the body has no "
                f"{'.'.join(at[: depth + 1])!r}. The body is in error.response.content.",
                status=response.status,
                response=response,
                history=response.history,
            )
        value = value[name]
    return value


class _Endpoint:
    """A method with a ``send`` parameter, and the route from which ``send`` is made."""

    def __init__(self, function: Callable[..., Any], route: Route, resend: Resend | None = None) -> None:
        self.function = function
        self.route = route
        self.resend: Resend = resend or ("read" if route.verb == "GET" else "never")
        signature = inspect.signature(function)
        me, _, *rest = signature.parameters.values()
        self.signature = signature.replace(parameters=[me, *rest])
        self.positional = [each.name for each in rest if each.kind is each.POSITIONAL_OR_KEYWORD]
        # An operation is called with all arguments; another flow leaves out those with defaults.
        self.defaults = {each.name: each.default for each in rest if each.default is not each.empty}

    def call(self, resource: APIResource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Check the arguments of a call, make its request and call the method.

        Raises:
            InvalidInputError: An argument cannot be sent.
        """
        arguments = {**self.defaults, **dict(zip(self.positional, args, strict=True)), **kwargs}
        self.route.check(arguments)
        result = self.function(resource, Sender(resource, self.route, arguments, self.resend), **arguments)
        if not self.route.secrets:
            return result
        from simstudio.core.secret_arguments import redact_secrets

        return redact_secrets(result, Secret([arguments[name] for name in self.route.secrets]))

    def without_sender(self, flow: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function the name, annotations and signature of the method, without ``send``."""
        function = self.function
        flow.__doc__, flow.__name__, flow.__qualname__ = function.__doc__, function.__name__, function.__qualname__
        flow.__module__ = function.__module__
        flow.__annotations__ = {name: kind for name, kind in function.__annotations__.items() if name != "send"}
        flow.__wrapped__ = function  # type: ignore[attr-defined]
        flow.__signature__ = self.signature  # type: ignore[attr-defined]
        flow.route = self.route  # type: ignore[attr-defined]
        return flow


def endpoint(
    verb: str, path: str, operation_id: str, *, resend: Resend | None = None, evidence: Evidence | None = None
) -> Callable[[Callable[Concatenate[Any, Sender, P], Flow[T]]], operation[P, T]]:
    """Turn a method that takes a :class:`Sender` and returns the flow of its result into an operation.

    Args:
        verb: HTTP verb in upper case.
        path: Path with the wire names of its parameters in braces.
        operation_id: Id of the operation in the service's documents.
        resend: Rule for sending the request again; by default ``read`` for a GET and ``never`` for other verbs.
        evidence: ``documented`` if no real server was seen to carry it out; default: ``_evidence`` of the class.
    """

    def decorate(function: Callable[Concatenate[Any, Sender, P], Flow[T]]) -> operation[P, T]:
        method = _Endpoint(function, Route(function, verb, path, operation_id, evidence), resend)

        # A generator, so that an async client checks the arguments when the call is awaited.
        def flow(resource: Any, *args: Any, **kwargs: Any) -> Flow[T]:
            sent: Flow[T] = method.call(resource, args, kwargs)
            del args, kwargs  # crash reporters send the locals of this frame
            return (yield from sent)

        return operation(method.without_sender(flow))

    return decorate


def paged(
    verb: str, path: str, operation_id: str, *, resend: Resend = "read", evidence: Evidence | None = None
) -> Callable[[Callable[Concatenate[Any, Sender, P], Pages[T]]], listing[P, T]]:
    """Turn a method that takes a :class:`Sender` and returns :class:`~simstudio.core.paging.Pages` into a list.

    The arguments are those of :func:`endpoint`; a list is a read by default, whatever its verb. The arguments of a call
    are checked before anything is sent.
    """

    def decorate(function: Callable[Concatenate[Any, Sender, P], Pages[T]]) -> listing[P, T]:
        method = _Endpoint(function, Route(function, verb, path, operation_id, evidence), resend)

        def pages(resource: Any, *args: Any, **kwargs: Any) -> Any:
            return method.call(resource, args, kwargs)

        return listing(method.without_sender(pages))

    return decorate
