"""Reading an execute request the way Sim v0.6 does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simstudio.sandbox import jsontext
from simstudio.sandbox.http import Refusal, json_reply
from simstudio.sandbox.runs import Invocation

_NEVER_ASYNC = (
    "useDraftState",
    "workflowStateOverride",
    "runFromBlock",
    "triggerBlockId",
    "stopAfterBlockId",
    "includeFileBase64",
    "base64MaxBytes",
)

Problem = tuple[str, str]
"""A path and what is wrong there."""


def read(body: bytes, headers: Mapping[str, str]) -> Invocation:
    """Turn a request into an invocation; a body that is not JSON counts as an empty one.

    Raises:
        Refusal: 400, with the reason.
    """
    try:
        raw = jsontext.loads(body)
    except ValueError:
        raw = {}
    if not isinstance(raw, Mapping):
        raise _invalid([("", f"Expected object, received {jsontext.type_name(raw)}")])
    problems = [problem for key, check in _CONTROLS.items() if key in raw for problem in check(key, raw[key])]
    if problems:
        raise _invalid(problems)
    _refuse_what_keys_may_not(raw)
    background = headers.get("x-execution-mode") == "async"
    if background and (any(key in raw for key in _NEVER_ASYNC) or raw.get("selectedOutputs")):
        raise _refusal("Async execution does not support draft or override execution controls")
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


def _refuse_what_keys_may_not(raw: Mapping[str, object]) -> None:
    if raw.get("isClientSession") is True:
        raise _refusal("API key callers cannot set isClientSession")
    if "workflowStateOverride" in raw:
        raise _refusal("API key callers cannot provide workflowStateOverride")
    if raw.get("useDraftState") is True:
        raise _refusal("API key callers cannot execute draft workflow state")
    if "runFromBlock" in raw:
        raise _refusal("runFromBlock requires either sourceSnapshot or executionId")


def _refusal(message: str) -> Refusal:
    return Refusal(json_reply({"error": message}, 400))


def _invalid(problems: list[Problem]) -> Refusal:
    details = [{"path": path, "message": message} for path, message in problems]
    return Refusal(json_reply({"error": "Invalid request body", "details": details}, 400))


def _expect(kind: str) -> Callable[[str, object], list[Problem]]:
    def check(path: str, value: object) -> list[Problem]:
        received = jsontext.type_name(value)
        return [] if received == kind else [(path, f"Expected {kind}, received {received}")]

    return check


def _texts(path: str, value: object) -> list[Problem]:
    if not isinstance(value, list):
        return _expect("array")(path, value)
    expect = _expect("string")
    return [problem for index, item in enumerate(value) for problem in expect(f"{path}.{index}", item)]


def _positive_integer(path: str, value: object) -> list[Problem]:
    problems = _expect("number")(path, value)
    if problems or not isinstance(value, (int, float)):
        return problems
    if isinstance(value, float):
        problems.append((path, "Expected integer, received float"))
    if value <= 0:
        problems.append((path, "Number must be greater than 0"))
    return problems


_CONTROLS: dict[str, Callable[[str, object], list[Problem]]] = {
    "selectedOutputs": _texts,
    "triggerType": _expect("string"),
    "stream": _expect("boolean"),
    "useDraftState": _expect("boolean"),
    "isClientSession": _expect("boolean"),
    "includeFileBase64": _expect("boolean"),
    "base64MaxBytes": _positive_integer,
    "workflowStateOverride": _expect("object"),
    "triggerBlockId": _expect("string"),
    "stopAfterBlockId": _expect("string"),
    "runFromBlock": _expect("object"),
    "workflowId": _expect("string"),
}

_STRIPPED = frozenset(_CONTROLS) - {"isClientSession"}
