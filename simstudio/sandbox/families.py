"""The three families of operations: unversioned ones (:class:`Legacy`), those of v1 (:class:`V1`) and v2 (:class:`V2`).

An instance holds what differs within a family: ``Legacy("jobs")``, ``V1("Invalid parameters")``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Issue, Issues, Path
from simstudio.sandbox.http import Headers, Refusal, Reply, json_reply
from simstudio.sandbox.operation import Call, CheckingFamily, Family, Handler, Operation
from simstudio.sandbox.signatures import Signature
from simstudio.sandbox.times import iso
from simstudio.sandbox.zod import zod4

if TYPE_CHECKING:
    from simstudio.core.operation import listing
    from simstudio.core.operation import operation as client_operation
    from simstudio.sandbox.core import Core
    from simstudio.sandbox.dialects.base import Area, Option
    from simstudio.sandbox.workflow import Workflow

PRIVATE: Headers = (("cache-control", "private, no-store"),)
"""Header of every response of v2."""

NUL = "Value cannot contain a NUL character (U+0000)"
_INVENTED_LIMIT = 10
"""The limit that a 401 of v1 shows."""

_JSON_LIMIT = 50 * 1024 * 1024
_CHALLENGES: Headers = (("www-authenticate", 'SimApiKey realm="Sim API", header="x-api-key", Bearer realm="Sim API"'),)
_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    402: "USAGE_LIMIT_EXCEEDED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    408: "BAD_REQUEST",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    423: "LOCKED",
    429: "RATE_LIMITED",
    499: "CLIENT_CLOSED_REQUEST",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


# -- unversioned ----------------------------------------------------------------------------------------------------


@attrs.frozen
class Legacy(Family):
    """Unversioned operations. The dialect writes their errors; their functions check the key, some of them last.

    Attributes:
        area: Group of operations with the same rules for keys and errors.
        option: Attribute of the dialect that must be true to serve them; None if all generations serve them.
    """

    area: Area
    option: Option | None = None

    def is_served(self, core: Core) -> bool:
        """Whether the generation has the option."""
        return self.option is None or self.option in core.dialect.options

    def admit(self, call: Call) -> Headers:
        """Admit everybody."""
        del call
        return ()

    def write_refusal(self, call: Call, refusal: Refusal) -> Reply:
        """Write ``error``, and in some generations ``code``."""
        return call.core.dialect.write_refusal(refusal, is_execution=self.area in ("execute", "cancel"))

    def add_headers(self, call: Call, reply: Reply) -> Reply:
        """Add rate-limit headers, in generations that have them."""
        return reply.with_headers(call.core.dialect.write_limit_headers(call.core.limiter(), "sync"))


def readable_workflow(call: Call, area: Area) -> Workflow:
    """Return the workflow that the path names, for a caller who may see it.

    Raises:
        Refusal: 401, 404 or 403.
    """
    dialect = call.core.dialect
    if call.key != "outsider":
        dialect.check_key(area, call.key)
    workflow = call.core.workflows.get(call.path["id"])
    if workflow is None:
        raise Refusal(404, "Workflow not found")
    dialect.check_key(area, call.key)
    return workflow


# -- v1 -------------------------------------------------------------------------------------------------------------


@attrs.frozen
class V1(CheckingFamily):
    """Operations below ``/api/v1``, which share one rate limit. Since v0.8 every response but a 401 has its headers.

    Attributes:
        title: Message of a request with issues, before v0.8.
        until_v08: Whether servers since v0.8 lack them.
        statuses: Statuses of responses by the status of the refusal, where they differ.
    """

    title: str = "Validation error"
    statuses: Mapping[int, int] = attrs.field(factory=dict)
    until_v08: bool = False

    def is_served(self, core: Core) -> bool:
        """True for generations since v0.6."""
        return "v1" in core.dialect.options and not (self.until_v08 and core.dialect.since_v08)

    def admit(self, call: Call) -> Headers:
        """Take one request of the bucket. Before v0.8 a 401 has constant numbers, as on the real server."""
        core = call.core
        if call.key in ("missing", "invalid"):
            message = "API key required" if call.key == "missing" else "Invalid API key"
            invented = () if core.dialect.since_v08 else _rate_headers(_INVENTED_LIMIT, 0, core.clock())
            raise Refusal(401, message, headers=invented)
        limiter = core.limiter()
        allowed, now = limiter.take("v1"), limiter.read("v1")
        headers = _rate_headers(now.per_minute, now.remaining, now.reset_at)
        if allowed:
            return headers
        body = {
            "error": "Rate limit exceeded",
            "message": f"API rate limit exceeded. Please retry after {iso(now.reset_at)}",
            "retryAfter": round(now.reset_at * 1000),
        }
        seconds = max(1, math.ceil(limiter.seconds_to_reset("v1")))
        raise Refusal(429, body=body, headers=(*headers, ("retry-after", str(seconds))))

    def query(self, call: Call) -> Mapping[str, object]:
        """The first value under each name."""
        return dict(reversed(call.request.query_params.multi_items()))

    async def body(self, call: Call) -> object:
        """Parse the body as JSON."""
        return _parse(call, await read_body(call))

    def invalid(self, call: Call, issues: Issues) -> Refusal:
        """Make the refusal with all issues; since v0.8 its message is that of the first."""
        dialect = call.core.dialect
        shown = [dialect.wording(issue) for issue in issues]
        return Refusal(400, shown[0]["message"] if dialect.since_v08 else self.title, shown)

    def write_refusal(self, call: Call, refusal: Refusal) -> Reply:
        """Write ``error`` and ``details``."""
        del call
        details = {} if refusal.details is None else {"details": refusal.details}
        body = refusal.body or {"error": refusal.message, **details}
        return json_reply(body, self.statuses.get(refusal.status, refusal.status), refusal.headers)

    def add_headers(self, call: Call, reply: Reply) -> Reply:
        """Add the headers of the rate limit, since v0.8."""
        if not call.core.dialect.since_v08:
            return reply
        return reply.with_headers({name: value for name, value in call.headers if (name, value) not in reply.headers})


# -- v2 -------------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class V2(CheckingFamily):
    """Operations below ``/api/v2``, each with a rate limit of its own.

    Attributes:
        is_gated: Whether they are absent while v2 is switched off.
        body_limit: Largest body in bytes.
        needs_body: Whether an empty body is refused although nothing in it is required.
    """

    is_gated: bool = True
    body_limit: int = _JSON_LIMIT
    needs_body: bool = False

    def is_served(self, core: Core) -> bool:
        """True for generations since v0.6, unless v2 is switched off."""
        return "v1" in core.dialect.options and (core.settings.v2 or not self.is_gated)

    def serves(
        self,
        method: client_operation[Any, Any] | listing[Any, Any],
        defaults: Mapping[str, object] | None = None,
        **options: Any,
    ) -> Callable[[Handler], Operation]:
        """Turn a function into the operation that a method of the client sends.

        Args:
            method: The method, of the class.
            defaults: The server's defaults by wire name.
            options: Options of :class:`~simstudio.sandbox.signatures.Signature`.
        """
        signature = Signature.of(method, defaults or {}, **options)
        route = signature.route

        def decorate(handler: Handler) -> Operation:
            checks = cache(signature.checks)  # reads annotations, which takes time: at the first request
            return Operation(self, route.verb, route.path, route.id, handler, self.admit, checks)

        return decorate

    def admit(self, call: Call) -> Headers:
        """Let a valid key pass, also one of another user, and take one request of the operation's bucket."""
        if call.key in ("missing", "invalid"):
            raise Refusal(401, "API key required" if call.key == "missing" else "Invalid API key")
        allowed, now = call.core.limiter().take_of(call.operation.id)
        headers = _rate_headers(now.burst, now.remaining, now.reset_at)
        if allowed:
            return headers
        seconds = max(1, math.ceil(now.reset_at - call.core.clock()))
        details = {"retryAfter": iso(now.reset_at)}
        raise Refusal(429, "API rate limit exceeded", details, headers=(*headers, ("retry-after", str(seconds))))

    def query(self, call: Call) -> Mapping[str, object]:
        """The values of the query."""
        sent = call.request.query_params.multi_items()
        wrong = [(name, "cannot be empty; omit the parameter instead") for name, value in sent if not value.strip()]
        counts = Counter(name for name, _ in sent)
        wrong += [(name, f"was sent {n} times; send it at most once") for name, n in counts.items() if n > 1]
        if wrong:
            raise invalid(*(Issue("custom", (name,), f"{name} {message}") for name, message in wrong))
        return dict(sent)

    async def body(self, call: Call) -> object:
        """Parse the body, whose ``Content-Type`` must be JSON if it is given."""
        raw = await call.request.body()
        if len(raw) > self.body_limit:
            raise Refusal(413, "Request body is too large")
        kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if raw.strip() and kind and kind != "application/json" and not kind.endswith("+json"):
            raise Refusal(415, "Request body must be sent as application/json")
        body = _parse(call, raw, may_be_empty=not self.needs_body)
        nul = next(nul_texts(body), None)
        if nul is not None:
            raise invalid(Issue("custom", nul, NUL))
        return body

    def invalid(self, call: Call, issues: Issues) -> Refusal:
        """Make the refusal with all issues and the message of the first."""
        del call
        return invalid(*issues)

    def write_refusal(self, call: Call, refusal: Refusal) -> Reply:
        """Write ``code``, ``message`` and ``details``."""
        del call
        shown: dict[str, object] = {"code": refusal.code or _CODES[refusal.status], "message": refusal.message}
        if refusal.details is not None:
            shown["details"] = refusal.details
        challenges = _CHALLENGES if refusal.status == 401 else ()
        return json_reply({"error": shown}, refusal.status, (*PRIVATE, *challenges, *refusal.headers))

    def add_headers(self, call: Call, reply: Reply) -> Reply:
        """Add the headers of the rate limit."""
        return reply.with_headers(dict(call.headers))


def invalid(*issues: Issue) -> Refusal:
    """The refusal of a request of v2 with issues."""
    shown = [zod4(issue) for issue in issues]
    return Refusal(400, shown[0]["message"], shown)


def invalid_value(name: str, message: str) -> Refusal:
    """Make the refusal of one value, for rules that a check cannot express."""
    return invalid(Issue("custom", (name,), message))


# -- shared ---------------------------------------------------------------------------------------------------------


async def read_body(call: Call) -> bytes:
    """Read the body up to the limit of the generation, after which servers cut it."""
    return (await call.request.body())[: call.core.dialect.body_limit]


def nul_texts(value: object, path: Path = ()) -> Iterator[Path]:
    """The places of texts with a NUL character."""
    if isinstance(value, str) and "\0" in value:
        yield path
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from nul_texts(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nul_texts(item, (*path, index))


def _parse(call: Call, raw: bytes, *, may_be_empty: bool = True) -> object:
    """Parse a JSON body, which may be empty where the operation requires nothing in it.

    Raises:
        Refusal: 400.
    """
    issues = Issues()
    if may_be_empty and not raw.strip():
        call.operation.checks()["body"].read({}, (), issues)
        if not issues:
            return {}
    try:
        return jsontext.loads(raw)
    except ValueError:
        raise Refusal(400, "Request body must be valid JSON") from None


def _rate_headers(limit: int, remaining: int, reset_at: float) -> Headers:
    return (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(remaining)),
        ("x-ratelimit-reset", iso(reset_at)),
    )
