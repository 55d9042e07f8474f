"""The control API of every sandbox, below ``/_sandbox``: tests in any language read requests, add faults, move time.

Each request needs the sandbox's own key in the header ``X-API-Key``; a web page cannot send that header to another
origin, as nothing here allows it to. Bodies and responses are JSON; errors are ``{"error": text}``.
"""

from __future__ import annotations

import base64
import hmac
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NoReturn

from starlette.requests import Request

from simstudio.sandbox.fault_rules import parse_fault, write_fault
from simstudio.sandbox.faults import DROPS
from simstudio.sandbox.http import Refusal, json_reply
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.local_service import LocalService
    from simstudio.sandbox.traffic import ReceivedRequest

PREFIX = "/_sandbox"
_LATEST = datetime(9000, 1, 1, tzinfo=timezone.utc).timestamp()
"""The latest time that can be set, so that later expiries still have a date."""
_LARGEST = sys.float_info.max

_FIELDS: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "method": ("method", str),
    "path": ("path", str),
    "workflow": ("workflow", str),
    "status": ("status", int),
    "headers": ("headers", dict),
    "body": ("body", object),
    "latency": ("latency", (int, float)),
    "drop": ("drop", str),
    "afterEvents": ("after_events", int),
    "afterBytes": ("after_bytes", int),
    "garbage": ("garbage", str),
    "reset": ("reset", bool),
    "times": ("times", (int, type(None))),
}
"""Fields of a fault in JSON, each with the argument of `Faults.add` and its type."""

Handler = Callable[[Request], Awaitable[object]]


class Control:
    """ASGI middleware that responds to the control API, and passes all other requests on.

    Args:
        app: the sandbox's application.
        sandbox: the sandbox that is controlled.
        key: the key that requests need.
        about: the response of ``GET /_sandbox``, to which time and counts are added.
    """

    def __init__(
        self, app: ASGIApp, sandbox: LocalService, key: Callable[[], str], about: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._app = app
        self._sandbox = sandbox
        self._key = key
        self._about = about
        self._routes: dict[str, dict[str, Handler]] = {
            "": {"GET": self._show},
            "/requests": {"GET": self._list_requests, "DELETE": self._forget_requests},
            "/faults": {"GET": self._list_faults, "POST": self._add_fault, "DELETE": self._clear_faults},
            "/time": {"GET": self._read_time, "POST": self._move_time, "DELETE": self._reset_time},
            "/reset": {"POST": self._reset},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == PREFIX or path.startswith(f"{PREFIX}/")):
            await self._app(scope, receive, send)
            return
        try:
            reply = json_reply(await self._respond(Request(scope, receive)))
        except Refusal as refusal:
            reply = json_reply({"error": refusal.message}, refusal.status, refusal.headers)
        await reply(scope, receive, send)

    async def _respond(self, request: Request) -> object:
        given = request.headers.get("x-api-key", "")
        if not hmac.compare_digest(given.encode(), self._key().encode()):
            raise Refusal(401, "The control API needs the sandbox's key in the header X-API-Key")
        path = request.url.path.removeprefix(PREFIX).rstrip("/")
        handlers = self._routes.get(path)
        if handlers is None:
            known = ", ".join(PREFIX + path for path in self._routes)
            raise Refusal(404, f"{request.url.path} is not part of the control API, which has {known}")
        handler = handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(handlers)
            raise Refusal(405, f"{request.url.path} has the methods {allowed}", headers=(("allow", allowed),))
        return await handler(request)

    async def _show(self, request: Request) -> object:
        counts = {"requests": len(self._sandbox.requests), "faults": len(self._sandbox.faults)}
        return {**self._about(), **await self._read_time(request), **counts}

    async def _list_requests(self, request: Request) -> object:
        method, path = request.query_params.get("method", "*"), request.query_params.get("path", "*")
        found = [
            each
            for each in self._sandbox.requests
            if method.upper() in ("*", each.method) and fnmatchcase(each.path, path)
        ]
        limit = request.query_params.get("limit", str(len(found)))
        if not limit.isdecimal() or len(limit) > 9:
            raise Refusal(400, "limit is a number")
        return {"requests": [_describe_request(each) for each in found[len(found) - min(int(limit), len(found)) :]]}

    async def _forget_requests(self, request: Request) -> object:
        del request
        self._sandbox.forget_requests()
        return {"requests": []}

    async def _list_faults(self, request: Request) -> object:
        del request
        remaining = self._sandbox.faults.remaining()
        return {"faults": [{"fault": write_fault(fault, times), "times": times} for fault, times in remaining]}

    async def _add_fault(self, request: Request) -> object:
        body = await _body(request)
        try:
            rule = body.get("fault")
            self._sandbox.faults.add(**(parse_fault(rule) if isinstance(rule, str) else _fields(body)))
        except ValueError as error:
            raise Refusal(400, str(error)) from error
        return await self._list_faults(request)

    async def _clear_faults(self, request: Request) -> object:
        self._sandbox.faults.clear()
        return await self._list_faults(request)

    async def _read_time(self, request: Request) -> dict[str, object]:
        del request
        now = self._sandbox.clock()
        return {"now": iso(now), "epoch": round(now, 3)}

    async def _move_time(self, request: Request) -> object:
        body = await _body(request)
        clock = self._sandbox.clock
        if set(body) == {"advance"}:
            moment = clock() + _number(body["advance"], "advance")
        elif set(body) == {"now"}:
            moment = _moment(body["now"])
        else:
            raise Refusal(400, 'Write {"advance": seconds} or {"now": "2026-01-31T12:00:00Z"}')
        if not 0 <= moment <= _LATEST:
            raise Refusal(400, "The time is between the years 1970 and 9000")
        clock.set(moment)
        return await self._read_time(request)

    async def _reset_time(self, request: Request) -> object:
        self._sandbox.clock.reset()
        return await self._read_time(request)

    async def _reset(self, request: Request) -> object:
        await self._sandbox.reset()
        return await self._show(request)


def _describe_request(request: ReceivedRequest) -> dict[str, object]:
    """A request with its body as JSON, text, or base64, whichever is the first that fits."""
    shown: dict[str, object] = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": dict(request.headers),
    }
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        return {**shown, "base64": base64.b64encode(request.body).decode()}
    try:
        return {**shown, "json": json.loads(text, parse_constant=_refuse)}
    except (ValueError, RecursionError):
        return {**shown, "text": text}


def _refuse(name: str) -> NoReturn:
    """Refuse ``NaN`` and ``Infinity``, which are no JSON."""
    raise ValueError(f"{name} is no JSON")


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refusal(400, "The body is not a JSON object")
    return body


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Faults.add`.

    Raises:
        ValueError: A field is unknown, or has another type.
    """
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name not in _FIELDS:
            raise ValueError(f'Unknown field {name!r}: write {{"fault": "POST /path 503 x3"}}, or {", ".join(_FIELDS)}')
        argument, kind = _FIELDS[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
            raise ValueError(f"{name} cannot be {json.dumps(value)}")
        found[argument] = str(value).encode() if name == "garbage" else value
    if "drop" in found and found["drop"] not in DROPS:
        raise ValueError(f"drop is one of {', '.join(DROPS)}")
    if not all(isinstance(value, str) for value in found.get("headers", {}).values()):
        raise ValueError("the values of headers are texts")
    return found


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= _LARGEST:
        raise Refusal(400, f"{name} is a number of seconds")
    return float(value)


def _moment(value: object) -> float:
    """Epoch seconds of a moment in ISO 8601, or of a number."""
    if not isinstance(value, str):
        return _number(value, "now")
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Refusal(400, f"now is a moment in ISO 8601 or epoch seconds: {error}") from error
