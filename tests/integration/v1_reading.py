"""The recordings of ``client.v1.workflows``, ``client.v1.logs`` and ``client.v1.audit_logs``, and the call of each."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Union, get_args, get_origin

import attrs
from attrs import frozen

from simstudio.core.model import Model
from simstudio.models.v1 import audit_logs, logs, workflows
from tests.integration.executions import Key
from tests.integration.replaying import V04, V06
from tests.recorded import Recording, recordings


@frozen
class Called:
    """The method that sends a route.

    Attributes:
        attribute: dotted from ``client.v1``.
        model: what it gives, or what its pages hold.
        paged: whether it is a list.
        bare: whether the answer is the model, and not its ``data``.
    """

    attribute: str
    model: type[Model]
    paged: bool = False
    bare: bool = False


METHODS: dict[str, Called] = {
    "/api/v1/workflows": Called("workflows.list", workflows.Workflow, paged=True),
    "/api/v1/workflows/([^/]+)": Called("workflows.get", workflows.WorkflowDetails),
    "/api/v1/logs": Called("logs.list", logs.LogEntry, paged=True),
    "/api/v1/logs/([^/]+)": Called("logs.get", logs.LogDetails),
    "/api/v1/logs/executions/([^/]+)": Called("logs.execution", logs.ExecutionDetails, bare=True),
    "/api/v1/audit-logs": Called("audit_logs.list", audit_logs.AuditLog, paged=True),
    "/api/v1/audit-logs/([^/]+)": Called("audit_logs.get", audit_logs.AuditLog),
}
"""By path; all are read."""

REFUSED_UNSENT: dict[Key, str] = {
    (V06, 154): "limit must be from 1 to 100",
    (V06, 155): "limit must be from 1 to 100",
    (V06, 179): "level must be '",
    (V06, 180): "workspace_id must be text",
    (V06, 181): "limit must be at least 1",
    (V06, 382): "include_departed must be True or False",
    (V04, 183): "workspace_id must be text",
}
"""What the methods do not send: what their error says."""

SENT_OTHERWISE: dict[Key, tuple[str, bool]] = {
    (V06, 152): ("deployedOnly", False),
    (V06, 174): ("includeTraceSpans", False),
}
"""Flags that the server took for true although they said false, and that the methods leave out."""

_READ: dict[str, Callable[[str], Any]] = {
    "limit": int,
    "minCost": float,
    "deployedOnly": lambda text: text == "true",
    "includeTraceSpans": lambda text: text == "true",
    "includeFinalOutput": lambda text: text == "true",
    "workflowIds": lambda text: text.split(","),
    "triggers": lambda text: text.split(","),
}


def method_of(recorded: Recording) -> tuple[Called, tuple[str, ...]] | None:
    """The method of a recording's route, and the ids in its path; None of other routes."""
    for pattern, called in METHODS.items():
        found = re.fullmatch(pattern, recorded.path)
        if recorded.method == "GET" and found is not None:
            return called, found.groups()
    return None


ROUTED: dict[Key, Recording] = {
    (name, recorded.number): recorded
    for name in (V06, V04)
    for recorded in recordings(name)
    if method_of(recorded) is not None
}
TYPED: dict[Key, Recording] = {
    key: recorded for key, recorded in ROUTED.items() if key not in REFUSED_UNSENT and key not in SENT_OTHERWISE
}
"""The recordings that the methods play."""


def arguments(recorded: Recording) -> dict[str, Any]:
    """The keyword arguments that say a recording's query."""
    found: dict[str, Any] = {}
    for name, values in recorded.query.items():
        (value,) = values
        found[snake(name)] = _READ.get(name, str)(value)
    return found


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def asked(client: Any, recorded: Recording, **others: Any) -> Any:
    """What the method gives for the arguments that were recorded, and others: a pager, or what is awaited."""
    found = method_of(recorded)
    assert found is not None, f"{recorded} is of another route"
    called, ids = found
    space, name = called.attribute.split(".")
    return getattr(getattr(client.v1, space), name)(*ids, **{**arguments(recorded), **others})


def call(client: Any, recorded: Recording, **others: Any) -> Any:
    """As `asked`; of a list the first page."""
    given = asked(client, recorded, **others)
    return given.page() if hasattr(given, "page") else given


def mismatches(value: Any, kind: Any, where: str) -> Iterator[str]:
    """Where a value is not of the type that its model's annotations promise, or holds what they do not know."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any or (value is None and type(None) in inner):
        return
    if origin in (Union, types.UnionType):
        wrongs = [list(mismatches(value, each, where)) for each in inner if each is not type(None)]
        yield from min(wrongs, key=len)
    elif origin is list:
        yield from () if type(value) is list else (where,)
        for index, item in enumerate(value):
            yield from mismatches(item, inner[0], f"{where}[{index}]")
    elif origin is dict:
        yield from () if type(value) is dict else (where,)
        for name, item in value.items():
            yield from mismatches(item, inner[1], f"{where}[{name!r}]")
    elif origin is None and isinstance(kind, type) and issubclass(kind, Model):
        if type(value) is not kind:
            yield where
            return
        yield from (f"{where}: unknown {name}" for name in value.extra)
        attrs.resolve_types(kind)
        for field in attrs.fields(kind):
            yield from mismatches(getattr(value, field.name), field.type, f"{where}.{field.name}")
    elif kind is float:
        yield from () if type(value) in (int, float) else (where,)
    else:
        yield from () if type(value) is kind else (where,)


def said(recorded: Recording, answer: Mapping[str, Any]) -> Any:
    """What of an answer becomes a model."""
    found = method_of(recorded)
    assert found is not None
    return answer if found[0].bare else answer["data"]
