"""``@endpoint`` and ``@paged``: operations of a REST surface, each written once as its signature and its result.

For example::

    class Workflows(APIResource[M]):
        @endpoint("DELETE", "/api/v2/workflows/{workflowId}", "deleteWorkflow")
        def delete(self, send: Sender, workflow_id: str) -> Flow[DeletedWorkflow]:
            return send.one(DeletedWorkflow)

The signature *is* the request (:mod:`simstudio.core.routes`); ``send`` holds it, checked and placed, and users do
not see it. What the method returns is the flow of its result, so anything that is not "send, unwrap, structure" is
written out there. :mod:`simstudio.catalog` lists all routes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, TypedDict, TypeVar

from simstudio.core.conversion import structure
from simstudio.core.downloads import Download
from simstudio.core.listing import listing
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Page, Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import Bounds, Route
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidResponseError
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, Unpack

    from simstudio.transport.message import Request, Resend, Response

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class Sender:
    """The request of one call of an operation, checked and placed. Call it to send it.

    Attributes:
        arguments: Of the method, by Python name, defaults filled in.
        path: With the path parameters filled in.
        query: What of the arguments goes there, as text by wire name; may be changed before sending.
        headers: Likewise.
        body: Likewise, as JSON data; None where the operation has no body.
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
        self.query: dict[str, Any] = route.placed(arguments, "query")
        self.headers: dict[str, str] = route.placed(arguments, "header")
        has_body = any(parameter.place == "body" for parameter in route.parameters.values())
        self.body: dict[str, Any] | None = route.placed(arguments, "body") if has_body else None

    def request(self, **options: Any) -> Request:
        """The request, ready to be sent; ``options`` are those of ``APIResource._request``."""
        if self.body is not None:
            options.setdefault("json", self.body)
        options.setdefault("resend", self.resend)
        return self.resource._request(
            self.route.verb,
            self.path,
            params=self.query,
            headers={**self.headers, **options.pop("headers", {})},
            **options,
        )

    def __call__(self, **options: Any) -> Flow[Response]:
        """Send it.

        Raises:
            APIStatusError: Any error status.
        """
        return self.dispatch(self.request(**options))

    def dispatch(self, request: Request) -> Flow[Response]:
        """Send a request of this operation."""
        return self.resource._call_explained(request)

    def one(self, into: type[T], *at: str, **options: Any) -> Flow[T]:
        """Send it, and structure what the answer holds.

        Args:
            into: A model.
            at: Where in the answer it is; ``data`` where nothing is given.
            options: Of ``APIResource._request``.

        Raises:
            APIStatusError: Any error status.
            InvalidResponseError: The answer is of another shape.
        """
        response = yield from self(**options)
        return structure(found(response, at or ("data",)), into, response=response)

    def download(self) -> Flow[Download]:
        """Send it, and give the bytes that come."""
        response = yield from self(headers={"Accept": "*/*"})
        return Download.of(response)

    def pages(self, into: type[T], *at: str, cursor: str = "cursor") -> Pages[T]:
        """The pages of a list that is paged by cursors.

        Args:
            into: The model of an item.
            at: Where in the answer the items are; ``data`` where nothing is given.
            cursor: The query parameter that takes one.
        """
        return CursorPages(self, into, at or ("data",), cursor)


class CursorPages(Pages[T]):
    """The pages of a list whose answers name the next one (``nextCursor``)."""

    def __init__(self, send: Sender, into: type[T], at: Sequence[str], cursor: str) -> None:
        super().__init__(send.query.pop(cursor, None))
        self._send = send
        self._into = into
        self._at = at
        self._cursor = cursor

    def fetch(self, cursor: str | None) -> Flow[Page[T]]:
        """The flow of the page at a cursor."""
        send = self._send
        query = send.query if cursor is None else {**send.query, self._cursor: cursor}
        response = yield from send.dispatch(
            send.resource._request("GET", send.path, params=query, headers=send.headers, resend="read")
        )
        return read_page(response, self._into, self._at)


def read_page(response: Response, into: type[T], at: Sequence[str] = ("data",)) -> Page[T]:
    """The page in an answer.

    Raises:
        InvalidResponseError: There is none; the message names the place.
    """
    body = response.json()
    items = structure(found(response, at, body), list[into], response=response)  # type: ignore[valid-type]
    place = body
    for name in at[:-1]:
        place = place[name]
    cursor = body.get("nextCursor", place.get("nextCursor"))
    besides = {name: value for name, value in {**body, **place}.items() if name not in (*at, "nextCursor", "success")}
    return Page(items, cursor if isinstance(cursor, str) and cursor else None, besides)


def found(response: Response, at: Sequence[str], body: Any = UNSET) -> Any:
    """What an answer holds at a place.

    Raises:
        InvalidResponseError: Nothing.
    """
    place = response.json() if isinstance(body, Unset) else body
    for depth, name in enumerate(at):
        if not isinstance(place, dict) or name not in place:
            raise InvalidResponseError(
                f"{response.method} {response.path} answered {response.status}, but the body has no "
                f"{'.'.join(at[: depth + 1])!r}. The body is in error.response.content.",
                status=response.status,
                response=response,
                history=response.history,
            )
        place = place[name]
    return place


class _Endpoint:
    """Turns a method with a ``send`` into one without: checks its arguments, and places them in a request."""

    def __init__(self, function: Callable[..., Any], route: Route, resend: Resend | None = None) -> None:
        self.function = function
        self.route = route
        self.resend: Resend = resend or ("read" if route.verb == "GET" else "never")
        signature = inspect.signature(function)
        me, _, *rest = signature.parameters.values()
        self.signature = signature.replace(parameters=[me, *rest])
        self.positional = [each.name for each in rest if each.kind is each.POSITIONAL_OR_KEYWORD]

    def call(self, resource: APIResource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the method returns for its arguments, all of them given.

        Raises:
            InvalidInputError: They cannot be sent.
        """
        arguments = {**dict(zip(self.positional, args, strict=True)), **kwargs}
        self.route.check(arguments)
        return self.function(resource, Sender(resource, self.route, arguments, self.resend), **arguments)

    def without_sender(self, flow: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function the name, annotations and signature of the method without its ``send``."""
        function = self.function
        flow.__doc__, flow.__name__, flow.__qualname__ = function.__doc__, function.__name__, function.__qualname__
        flow.__module__ = function.__module__
        flow.__annotations__ = {name: kind for name, kind in function.__annotations__.items() if name != "send"}
        flow.__wrapped__ = function  # type: ignore[attr-defined]
        flow.__signature__ = self.signature  # type: ignore[attr-defined]
        flow.route = self.route  # type: ignore[attr-defined]
        return flow


class Placing(TypedDict, total=False):
    """What a signature does not say of its request.

    Attributes:
        names: Wire names of parameters whose wire name is not their own in camelCase.
        query: Parameters of a POST, PUT or PATCH that go into the query.
        body: Parameters of a GET or DELETE that go into a body.
        headers: Parameters that are headers, and the headers' names.
        local: Parameters that stay here (``timeout``).
        only_true: Flags that are left out when they are False.
        limits: What numbers, texts and lists may be; kinds and ``Literal`` values are read off the annotations.
    """

    names: Mapping[str, str]
    query: Sequence[str]
    body: Sequence[str]
    headers: Mapping[str, str]
    local: Sequence[str]
    only_true: Sequence[str]
    limits: Mapping[str, Bounds]


def endpoint(
    verb: str, path: str, operation_id: str, *, resend: Resend | None = None, **placing: Unpack[Placing]
) -> Callable[[Callable[Concatenate[Any, Sender, P], Flow[T]]], operation[P, T]]:
    """Make an operation of a method that takes a :class:`Sender` and returns the flow of its result.

    Args:
        verb: ``GET``, ``POST`` …
        path: With the wire names of path parameters in braces.
        operation_id: The id of the operation in the service's documents.
        resend: What may be sent again; ``read`` of a GET and ``never`` of anything else, where it is not given.
        **placing: See :class:`Placing`.
    """

    def decorate(function: Callable[Concatenate[Any, Sender, P], Flow[T]]) -> operation[P, T]:
        made = _Endpoint(function, Route.read(function, verb, path, operation_id, **placing), resend)

        def flow(
            resource: Any, *args: Any, **kwargs: Any
        ) -> Flow[T]:  # checks them: an async client raises when awaited
            result: T = yield from made.call(resource, args, kwargs)
            return result

        return operation(made.without_sender(flow))

    return decorate


def paged(
    verb: str, path: str, operation_id: str, **placing: Unpack[Placing]
) -> Callable[[Callable[Concatenate[Any, Sender, P], Pages[T]]], listing[P, T]]:
    """Make a list of a method that takes a :class:`Sender` and returns its :class:`~simstudio.core.paging.Pages`.

    The arguments are those of :func:`endpoint`. They are checked when the list is made, before anything is sent.
    """

    def decorate(function: Callable[Concatenate[Any, Sender, P], Pages[T]]) -> listing[P, T]:
        made = _Endpoint(function, Route.read(function, verb, path, operation_id, **placing))

        def pages(resource: Any, *args: Any, **kwargs: Any) -> Any:
            return made.call(resource, args, kwargs)

        return listing(made.without_sender(pages))

    return decorate
