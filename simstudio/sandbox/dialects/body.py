"""Reading an execute request the way Sim v0.6 does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Flag, Issues, ListOf, Number, Optional, Record, Shape, Text
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.runs import Invocation

if TYPE_CHECKING:
    from simstudio.sandbox.dialects.base import Dialect

_NEVER_ASYNC = (
    "useDraftState",
    "workflowStateOverride",
    "runFromBlock",
    "triggerBlockId",
    "stopAfterBlockId",
    "includeFileBase64",
    "base64MaxBytes",
)


def read(dialect: Dialect, body: bytes, headers: Mapping[str, str]) -> Invocation:
    """Turn a request into an invocation; a body that is not JSON counts as an empty one.

    Raises:
        Refusal: 400, with the reason.
    """
    try:
        raw = jsontext.loads(body)
    except ValueError:
        raw = {}
    issues = Issues()
    _CONTROLS.read(raw, (), issues)
    if issues or not isinstance(raw, Mapping):
        raise dialect.invalid(issues)
    _refuse_session_fields(raw)
    background = headers.get("x-execution-mode") == "async"
    if background and (any(key in raw for key in _NEVER_ASYNC) or raw.get("selectedOutputs")):
        raise Refusal(400, "Async execution does not support draft or override execution controls")
    return Invocation(
        received={key: value for key, value in raw.items() if key not in _STRIPPED},
        raw=raw,
        stream=raw.get("stream") is True or headers.get("x-stream-response") == "true",
        background=background,
        selected=tuple(raw.get("selectedOutputs", ())),
        trigger=raw.get("triggerType", "api"),
        exempt=raw.get("triggerType") == "manual",
        stop_after=raw.get("stopAfterBlockId"),
    )


def _refuse_session_fields(raw: Mapping[str, object]) -> None:
    if raw.get("isClientSession") is True:
        raise Refusal(400, "API key callers cannot set isClientSession")
    if "workflowStateOverride" in raw:
        raise Refusal(400, "API key callers cannot provide workflowStateOverride")
    if raw.get("useDraftState") is True:
        raise Refusal(400, "API key callers cannot execute draft workflow state")
    if "runFromBlock" in raw:
        raise Refusal(400, "runFromBlock requires either sourceSnapshot or executionId")


_TEXT, _FLAG = Optional(Text()), Optional(Flag())
_CONTROLS = Shape(
    {
        "selectedOutputs": Optional(ListOf(item=Text())),
        "triggerType": _TEXT,
        "stream": _FLAG,
        "useDraftState": _FLAG,
        "isClientSession": _FLAG,
        "includeFileBase64": _FLAG,
        "base64MaxBytes": Optional(Number(least=(1, "Number must be greater than 0"), whole=True)),
        "workflowStateOverride": Optional(Record()),
        "triggerBlockId": _TEXT,
        "stopAfterBlockId": _TEXT,
        "runFromBlock": Optional(Record()),
        "workflowId": _TEXT,
    }
)
_STRIPPED = frozenset(_CONTROLS.fields) - {"isClientSession"}
