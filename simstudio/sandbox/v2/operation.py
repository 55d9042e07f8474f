"""Operations of v2: what each takes is declared beside its route, and checked before its handler runs."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from starlette.requests import Request
from starlette.routing import Route

from simstudio.sandbox import jsontext
from simstudio.sandbox.definitions.errors import Refused
from simstudio.sandbox.http import Headers, Refusal, Reply
from simstudio.sandbox.v2 import access
from simstudio.sandbox.v2.answers import error, refused
from simstudio.sandbox.v2.shapes import Issue, shape

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.core import Core

BODY_LIMIT = 50 * 1024 * 1024
"""Bytes of a JSON body, unless an operation says otherwise."""

_FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "on", "y", "enabled"), True),
    **dict.fromkeys(("false", "0", "no", "off", "n", "disabled"), False),
}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z")
_STATUS = {"not_found": 404, "conflict": 409, "invalid": 400, "too_large": 413}


@attrs.frozen
class Field:
    """One thing an operation takes.

    Args:
        name: its wire name.
        type: in the notation of `simstudio.sandbox.v2.shapes`; besides, in a query or path: ``flag`` (the spelled
            booleans), ``csv`` (a list of texts) and ``time`` (becomes epoch seconds).
        required: whether it must be given.
        default: what the handler sees when it is not; None leaves it out.
        least: the smallest number, or shortest text or list.
        most: the largest, or longest.
        choices: the texts allowed.
        clamped: a number out of range is moved into it, not refused.
        trimmed: blanks around a text do not count.
    """

    name: str
    type: str = "string"
    required: bool = False
    default: object = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    clamped: bool = False
    trimmed: bool = False


def choice(name: str, *choices: str, default: str | None = None, required: bool = False) -> Field:
    """A text out of a few."""
    return Field(name, choices=choices, default=default, required=required)


def paging(default: int = 50, most: int = 100, *, clamped: bool = False) -> tuple[Field, Field]:
    """``limit`` and ``cursor``."""
    return Field("limit", "integer", default=default, least=1, most=most, clamped=clamped), Field("cursor")


def ordering(*keys: str, default: str, order: str = "asc") -> tuple[Field, Field]:
    """``sortBy`` and ``sortOrder``."""
    return choice("sortBy", *keys, default=default), choice("sortOrder", "asc", "desc", default=order)


WORKSPACE = Field("workspaceId", required=True, least=1, most=128)
SEARCH = Field("search", least=1, most=200, trimmed=True)
PAGE = paging()


@attrs.frozen
class Call:
    """One checked request.

    Attributes:
        path, query, body: what was given, converted, with the declared defaults. What was not given and has no
            default is not there; an explicit ``null`` of the body is.
        headers: the rate limit's, which an answer that is no `Reply` has to send itself.
    """

    core: Core
    request: Request
    operation: Contract
    path: Mapping[str, Any] = attrs.field(factory=dict)
    query: Mapping[str, Any] = attrs.field(factory=dict)
    body: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Headers = ()

    def workspace(self, workspace_id: str) -> str:
        """A workspace's id, for somebody who may see it.

        Raises:
            Refusal: 404.
        """
        access.check_workspace(self.core, self.request, workspace_id)
        return workspace_id


Handler = Callable[[Call], "ASGIApp | Awaitable[ASGIApp]"]


@attrs.frozen
class Contract:
    """What one method of one path takes.

    Args:
        method: the HTTP verb.
        path: with ``{name}`` for path parameters.
        id: its name in Sim's API description; also the name of its rate limit bucket.
        query: what the query string may hold.
        body: what the JSON body may hold; None when the operation takes none.
        segments: path parameters that are not plain text.
        body_limit: bytes.
    """

    method: str
    path: str
    id: str
    query: tuple[Field, ...] = attrs.field(default=(), kw_only=True)
    body: tuple[Field, ...] | None = attrs.field(default=None, kw_only=True)
    segments: tuple[Field, ...] = attrs.field(default=(), kw_only=True)
    body_limit: int = attrs.field(default=BODY_LIMIT, kw_only=True)


@attrs.frozen
class Operation(Contract):
    """One method of one path, and what answers it.

    Args:
        handler: answers a `Call`; plain or async, and it may raise `Refusal` or a store's
            `simstudio.sandbox.definitions.errors.Refused`.
        open: True leaves authentication and rate limit to the handler.
        gated: False answers even while v2 is switched off.
    """

    handler: Handler
    open: bool = attrs.field(default=False, kw_only=True)
    gated: bool = attrs.field(default=True, kw_only=True)


class Served:
    """The ASGI application of an operation."""

    def __init__(self, core: Core, operation: Operation) -> None:
        self._core = core
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, count, check, answer."""
        core, operation = self._core, self._operation
        request = Request(scope, receive)
        headers: Headers = ()
        answer: ASGIApp
        try:
            if not operation.open:
                access.authenticate(core, request)
                headers = access.counted(core, operation.id)
            call = await read(core, request, operation, headers)
            made = operation.handler(call)
            answer = await made if inspect.isawaitable(made) else made
        except Refusal as refusal:
            answer = refusal.reply
        except Refused as refusal:
            answer = error(_STATUS[refusal.kind], None, str(refusal), refusal.details)
        if isinstance(answer, Reply):
            answer = answer.with_headers(dict(headers))
        await answer(scope, receive, send)


def routes_of(core: Core, operations: Iterable[Operation]) -> list[Route]:
    """The routes of some operations, in their order; those behind the gate are left out while v2 is switched off."""
    return [
        Route(operation.path, Served(core, operation), methods=[operation.method])
        for operation in operations
        if core.settings.v2 or not operation.gated
    ]


async def read(core: Core, request: Request, operation: Contract, headers: Headers = ()) -> Call:
    """Check a request against what its operation takes.

    Raises:
        Refusal: 400 with ``details``, a list of issues; 413; 415.
    """
    issues: list[object] = []
    path = _checked(operation.segments, _converted(operation.segments, request.path_params, issues), issues)
    query = _checked(operation.query, _query(operation.query, request, issues), issues)
    body: dict[str, Any] = {}
    if operation.body is not None:
        given = await _json(request, operation)
        unknown = [name for name in given if name not in {field.name for field in operation.body}]
        if unknown:
            issues.append(unrecognized(unknown))
        body = _checked(operation.body, given, issues, nested=True)
    if issues:
        raise refused(400, "Invalid request", issues)
    return Call(core, request, operation, {**request.path_params, **path}, query, body, headers)


def unrecognized(names: Iterable[str]) -> dict[str, object]:
    """The issue of names an operation does not know."""
    keys = list(names)
    listed = ", ".join(f"'{name}'" for name in keys)
    message = f"Unrecognized key(s) in object: {listed}"
    return {"code": "unrecognized_keys", "keys": keys, "path": [], "message": message}


def invalid(name: str, message: str, **more: object) -> dict[str, object]:
    """The issue of one value, for checks a `Field` cannot express."""
    return {"code": "custom", **more, "path": [name], "message": message}


def bad_request(*issues: object, message: str = "Invalid request") -> Refusal:
    """400 with issues, to be raised."""
    return refused(400, message, list(issues))


async def _json(request: Request, operation: Contract) -> dict[str, Any]:
    raw = await request.body()
    if len(raw) > operation.body_limit:
        raise refused(413, f"Request body exceeds {operation.body_limit} bytes")
    if not raw.strip() and not any(field.required for field in operation.body or ()):
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise refused(415, "Content-Type must be application/json")
    try:
        given = jsontext.loads(raw)
    except ValueError:
        raise refused(400, "Request body must be valid JSON") from None
    if not isinstance(given, dict):
        raise bad_request(Issue((), "object", jsontext.type_name(given)).json())
    return given


def _query(fields: tuple[Field, ...], request: Request, issues: list[object]) -> dict[str, Any]:
    known = {field.name for field in fields}
    given: dict[str, str] = {}
    unknown: list[str] = []
    for name, value in request.query_params.multi_items():
        if name not in known:
            unknown.append(name)
        elif name in given:
            issues.append(invalid(name, f"Query parameter {json.dumps(name)} must not be repeated"))
        elif not value.strip():
            issues.append(invalid(name, f"Query parameter {json.dumps(name)} must not be blank"))
        given.setdefault(name, value)
    if unknown:
        issues.append(unrecognized(unknown))
    blank = [name for name, value in given.items() if not value.strip()]
    return _converted(fields, {name: value for name, value in given.items() if name not in blank}, issues)


def _converted(fields: tuple[Field, ...], given: Mapping[str, str], issues: list[object]) -> dict[str, Any]:
    """Texts as what their fields say they are."""
    converted: dict[str, Any] = {}
    for field in fields:
        if field.name in given:
            try:
                converted[field.name] = _value(field, given[field.name])
            except ValueError as problem:
                issues.append(invalid(field.name, str(problem)))
    return converted


def _value(field: Field, text: str) -> object:
    kind = field.type
    if kind in ("integer", "number"):
        number = re.fullmatch(r"-?\d{1,15}" if kind == "integer" else r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?", text)
        if number is None:
            raise ValueError(f"Expected {kind}, received {json.dumps(text)}")
        return int(text) if kind == "integer" else float(text)
    if kind in ("boolean", "flag"):
        spelled = _BOOLEANS if kind == "boolean" else _FLAGS
        if text not in spelled:
            raise ValueError(f"Expected boolean, received {json.dumps(text)}")
        return spelled[text]
    if kind == "csv":
        members = text.split(",")
        if not all(member.strip() for member in members):
            raise ValueError("A comma-separated list must not have an empty member")
        return [member.strip() for member in members]
    return moment(text) if kind == "time" else text


def moment(text: str) -> float:
    """A UTC ISO 8601 timestamp with ``Z`` as epoch seconds.

    Raises:
        ValueError: it is none; offsets and bare dates are refused.
    """
    if _UTC.fullmatch(text) is None:
        raise ValueError("Expected a UTC ISO 8601 timestamp ending in Z")
    whole, _, fraction = text[:-1].partition(".")
    seconds = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return seconds + float(f"0.{fraction or 0}")


def _checked(
    fields: tuple[Field, ...], given: Mapping[str, Any], issues: list[object], *, nested: bool = False
) -> dict[str, Any]:
    """The values with defaults; what is wrong with them is added to the issues."""
    refused_already = {issue["path"][0] for issue in issues if isinstance(issue, dict) and issue["path"]}
    checked: dict[str, Any] = {}
    for field in fields:
        if field.name not in given:
            if field.required and field.name not in refused_already:
                issues.append(Issue((field.name,), field.type, "undefined").json())
            elif field.default is not None:
                checked[field.name] = field.default
            continue
        value = given[field.name]
        if nested:
            wrong = shape(field.type).issues(value, (field.name,))
            issues += [issue.json() for issue in wrong]
            if wrong:
                continue
        checked[field.name] = _within(field, value, issues)
    return checked


def _within(field: Field, value: Any, issues: list[object]) -> object:
    """A value inside its limits, or an issue."""
    if isinstance(value, str) and field.trimmed:
        value = value.strip()
    if field.choices and value not in field.choices:
        allowed = " | ".join(f"'{each}'" for each in field.choices)
        message = f"Invalid enum value. Expected {allowed}, received '{value}'"
        about = {"code": "invalid_enum_value", "options": list(field.choices), "received": value}
        issues.append({**about, "path": [field.name], "message": message})
        return value
    if isinstance(value, bool) or not isinstance(value, (str, list, int, float)):
        return value
    counts = isinstance(value, (str, list))
    size = len(value) if isinstance(value, (str, list)) else value
    least, most = field.least, field.most
    if field.clamped and not counts:
        return min(max(size, least if least is not None else size), most if most is not None else size)
    kind = "array" if isinstance(value, list) else "string" if isinstance(value, str) else "number"
    if least is not None and size < least:
        issues.append(_bound("too_small", "minimum", least, kind, field.name))
    if most is not None and size > most:
        issues.append(_bound("too_big", "maximum", most, kind, field.name))
    return value


def _bound(code: str, limit_name: str, bound: float, kind: str, name: str) -> dict[str, object]:
    word = {"too_small": "at least", "too_big": "at most"}[code]
    unit = {"array": " element(s)", "string": " character(s)", "number": ""}[kind]
    message = f"{kind.capitalize()} must be {word} {bound:g}{unit}"
    return {
        "code": code,
        limit_name: bound,
        "type": kind,
        "inclusive": True,
        "exact": False,
        "path": [name],
        "message": message,
    }
