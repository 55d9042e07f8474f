"""The form of an operation of the sandbox: one function that takes a :class:`Call` and returns a response.

Every endpoint has this form, whether unversioned, v1 or v2. The common behaviour of operations, such as checking the
key, counting against a rate limit and writing errors, belongs to their *family* (:mod:`simstudio.sandbox.families`)::

    @V1().operation("DELETE", "/tables/{table}", query=WORKSPACE)
    def delete_table(call: Call) -> Reply:
        table = call.core.data.tables.archive(call.path["table"])
        return success(message="Table archived successfully")

An operation of v2 names the method of the client that sends it. Verb, path and id, and the names, places, types and
limits of its parameters are read from that method; the server's defaults are added::

    @V2().serves(Workflows.list, {"scope": "active", "limit": 50})
    def list_workflows(call: Call) -> Reply:
        workspace_id = call.workspace(call.query["workspaceId"])
        ...

A request passes through five steps; each may raise a :class:`~simstudio.sandbox.http.Refusal`, and so may every store
and the engine:

1. *admit*: the family checks the key and takes from the rate limit; ``call.headers`` are its headers.
2. *given*: the family reads query and body.
3. *checks* (:mod:`simstudio.sandbox.checks`) read path, query and body, and report all issues at once.
4. *handle*: the function makes a response, at once or awaited.
5. *finish*: the family adds its headers to the response, or writes the refusal in its envelope.

Facts about requests come from the signatures of the client, not from a copy of the digest in this package: the tests of
the catalogue hold the signatures to the digest and to the recordings, and a second copy could differ from both.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from starlette.requests import Request

from simstudio.sandbox.checks import Check, Issues
from simstudio.sandbox.http import Headers, Refusal, Reply
from simstudio.sandbox.seeding import new_uuid

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.dialects.base import KeyState


@attrs.frozen
class Call:
    """One request of an operation.

    Attributes:
        path, query, body: Values that passed the checks, and defaults. A value without a default is missing if it was
            not given; an explicit null is kept.
        headers: Headers of the rate limit.
        in_flight: Number of requests of this operation that are being answered, with this one.
    """

    core: Core
    request: Request
    operation: Operation
    in_flight: int = 1
    path: Mapping[str, Any] = attrs.field(factory=dict)
    query: Mapping[str, Any] = attrs.field(factory=dict)
    body: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Headers = ()

    @property
    def key(self) -> KeyState:
        """The owner of the API key of the request."""
        return self.core.key_state(self.request)

    def workspace(self, workspace_id: str, *, is_hidden: bool = True) -> str:
        """Return the id of a workspace that the caller may see.

        Args:
            is_hidden: Whether a workspace of others is refused with 404 instead of 403.

        Raises:
            Refusal: 404; 403 for a workspace of others that is not hidden.
        """
        is_known = workspace_id in self.core.definitions.workspaces
        if is_known and self.key == "outsider" and not is_hidden:
            raise Refusal(403, "Insufficient workspace permissions")
        if not is_known or self.key == "outsider":
            raise Refusal(404, "Workspace not found")
        return workspace_id


Handler: TypeAlias = "Callable[[Call], ASGIApp | Awaitable[ASGIApp]]"


class Family(ABC):
    """The common behaviour of a kind of operations."""

    def is_served(self, core: Core) -> bool:
        """Whether the sandbox has these operations."""
        del core
        return True

    @abstractmethod
    def admit(self, call: Call) -> Headers:
        """Check the API key and count the request; return the headers of the rate limit.

        Raises:
            Refusal: 401 or 429.
        """

    async def check(self, call: Call) -> Call:
        """Return the call with the values that passed the checks.

        Raises:
            Refusal: 400, 413 or 415.
        """
        return attrs.evolve(call, path=call.request.path_params)

    @abstractmethod
    def write_refusal(self, call: Call, refusal: Refusal) -> Reply:
        """Write a refusal in the envelope of the family."""

    def add_headers(self, call: Call, reply: Reply) -> Reply:
        """Add the headers that all responses of the family have."""
        del call
        return reply

    def operation(
        self,
        verb: str,
        path: str,
        operation_id: str = "",
        /,
        *,
        admit: Callable[[Call], Headers] | None = None,
        **checks: Check,
    ) -> Callable[[Handler], Operation]:
        """Turn a function into an operation.

        Args:
            path: Path with its parameters in braces.
            operation_id: Id in Sim's documents; v2 has a rate limit for each.
            admit: Function in place of the family's :meth:`admit`.
            checks: Checks of ``path``, ``query`` and ``body``; the function reads a part without one.
        """

        def decorate(handler: Handler) -> Operation:
            return Operation(self, verb, path, operation_id, handler, admit or self.admit, lambda: checks)

        return decorate


class CheckingFamily(Family):
    """A family whose operations have checks."""

    @abstractmethod
    def query(self, call: Call) -> Mapping[str, object]:
        """Return the query as it was sent.

        Raises:
            Refusal: A value is empty or repeated.
        """

    @abstractmethod
    async def body(self, call: Call) -> object:
        """Return the parsed body.

        Raises:
            Refusal: The body cannot be parsed, or is too large.
        """

    @abstractmethod
    def invalid(self, call: Call, issues: Issues) -> Refusal:
        """The refusal of a request with issues."""

    async def check(self, call: Call) -> Call:
        """Check path, query and body, and report all issues at once."""
        checks, issues = call.operation.checks(), Issues()
        given: dict[str, Any] = {"path": call.request.path_params}
        if "query" in checks:
            given["query"] = self.query(call)
        if "body" in checks:
            given["body"] = await self.body(call)
        given |= {place: check.read(given[place], (), issues) for place, check in checks.items()}
        if issues:
            raise self.invalid(call, issues)
        return attrs.evolve(call, **given)


@attrs.frozen
class Operation:
    """One verb of one path, and the function that responds to it. The fields are those of `Family.operation`."""

    family: Family
    verb: str
    path: str
    id: str
    handler: Handler
    admit: Callable[[Call], Headers]
    checks: Callable[[], Mapping[str, Check]]


class Served:
    """The ASGI application of one operation of one sandbox; it counts the requests in flight."""

    def __init__(self, core: Core, operation: Operation) -> None:
        self._core = core
        self._operation = operation
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request; a stream is in flight until its end."""
        self._in_flight += 1
        if self._core.dialect.since_v08:
            send = _with_request_id(send)
        try:
            call = Call(self._core, Request(scope, receive), self._operation, self._in_flight)
            answer = await self._answer(call)
            await answer(scope, receive, send)
        finally:
            self._in_flight -= 1

    async def _answer(self, call: Call) -> ASGIApp:
        operation, family = self._operation, self._operation.family
        answer: ASGIApp
        try:
            call = attrs.evolve(call, headers=operation.admit(call))
            call = await family.check(call)
            made = operation.handler(call)
            answer = await made if inspect.isawaitable(made) else made
        except Refusal as refusal:
            answer = family.write_refusal(call, refusal)
        return family.add_headers(call, answer) if isinstance(answer, Reply) else answer


def _with_request_id(send: Send) -> Send:
    """Send the header ``x-request-id``, as servers since v0.8 do with every response."""

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            request_id = (b"x-request-id", new_uuid().hex[:8].encode())
            message = {**message, "headers": [*message.get("headers", ()), request_id]}
        await send(message)

    return send_with_id
