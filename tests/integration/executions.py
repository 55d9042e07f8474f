"""What each recorded synchronous execution becomes.

A table for each way of asking. The values: what ``result.output`` is, wrapped in `failed` where the workflow failed and
the server said so with 200; or the class of the error, with a text of the server's in it.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

import simstudio as sim
from tests.integration.replaying import V04, V06

Key = tuple[str, int]


@frozen
class Output:
    """A result. The output is compared with this; ``...`` stands for whatever was sent."""

    output: Any = ...
    error: str | None = None
    envelope: bool = True
    """False: a Response block's body, which is the output as it is."""
    paused: bool = False


@frozen
class Failure:
    """An error, and a text of the server's that its message holds (empty where the server said nothing)."""

    kind: type[Exception]
    text: str


def failed(error: str, output: Any = None) -> Output:
    return Output({} if output is None else output, error)


def body(output: Any) -> Output:
    return Output(output, envelope=False)


def computed(count: int, message: str = "hi", end: str = "") -> Output:
    """The output of the recorded Function block."""
    return Output({"result": {"doubled": 2 * count, "message": message}, "stdout": f"computing {count}{end}"})


def dumped(result: Any) -> Output:
    """The output of a block that returns what it got."""
    return Output({"result": result, "stdout": ""})


HI = {"message": "hi", "count": 21}
NOT_FOUND = Failure(sim.NotFoundError, "Workflow not found")
UNAUTHORIZED = Failure(sim.AuthenticationError, "Unauthorized")
INVALID_KEY = Failure(sim.AuthenticationError, "Invalid API key")
NOT_DEPLOYED = Failure(sim.PermissionDeniedError, "Workflow is not deployed")
SILENT_403 = Failure(sim.PermissionDeniedError, "")
NOT_ALLOWED = Failure(sim.APIStatusError, "")
KABOOM = Failure(sim.ExecutionError, "kaboom: hi")
INVALID_BODY = Failure(sim.InvalidRequestError, "Invalid request body")
GATE = Failure(sim.RateLimitError, "Server is at capacity. Please retry shortly.")
EXCEEDED = Failure(sim.UsageLimitExceededError, "Usage limit exceeded: 5.00$ used of 1.00$ limit.")
UPLOAD = Failure(sim.InvalidRequestError, "Failed to upload file: a.txt")
LIMITED_V04 = Failure(sim.RateLimitError, "You have 0 requests remaining")
COMPUTED_V04 = computed(21, end="\n")
PAUSED = Output(paused=True)

EXECUTED: dict[Key, Output | Failure] = {
    (V06, 1): computed(21),
    (V06, 2): computed(21),
    (V06, 4): body({"echo": "hi", "count": 3}),
    (V06, 5): Failure(sim.APIStatusError, ""),  # a Response block's own 418: nothing but its body says more
    (V06, 7): computed(0, ""),
    (V06, 9): dumped({"input": {"message": "hi"}}),
    (V06, 12): computed(1, "idem"),
    (V06, 20): Failure(sim.InvalidRequestError, "API key callers cannot set isClientSession"),
    (V06, 22): UNAUTHORIZED,
    (V06, 24): UNAUTHORIZED,
    (V06, 26): NOT_FOUND,
    (V06, 27): NOT_FOUND,
    (V06, 29): KABOOM,
    (V06, 31): computed(1),
    (V06, 32): dumped({"message": "héllo ✓ 日本語 😀"}),
    (V06, 34): Failure(sim.ConflictError, "Maximum workflow call chain depth (25) exceeded."),
    (V06, 94): PAUSED,
    (V06, 109): PAUSED,
    (V06, 116): PAUSED,
    (V06, 120): Output(),
    (V06, 124): Output(),
    (V06, 125): Output(),
    (V06, 126): Failure(sim.InvalidRequestError, "File processing failed: Failed to upload file: n.txt"),
    (V06, 134): body(...),
    (V06, 139): Failure(sim.ServerError, "business error"),  # a Response block's 500: not the workflow's failure
    (V06, 141): body({"files": [{"name": "x"}], "message": ""}),
    (V06, 142): body('{"files": nope, "message": ""}'),
    (V06, 145): Output(),
    (V06, 316): Failure(sim.ExecutionError, "Agent 1: fake upstream error"),
    (V06, 326): Failure(sim.RateLimitError, "Rate limit exceeded. Please try again later."),
    (V06, 336): Failure(sim.ExecutionTimeoutError, "Execution timed out after 3 seconds"),
    (V06, 337): Failure(sim.ExecutionTimeoutError, "Execution timed out after 3 seconds"),
    (V06, 341): GATE,
    (V06, 342): GATE,
    (V06, 350): EXCEEDED,
    (V06, 355): computed(1, "inner"),
    (V06, 356): dumped({"input": {"message": "inner"}, "message": "outer"}),
    (V06, 357): dumped({"a": None, "b": "", "c": [], "d": {}, "e": 0, "f": False}),
    (V06, 365): Output({"result": ["x", {"y": 2}], "stdout": ""}),
    (V06, 366): INVALID_KEY,
    (V06, 384): computed(21),
    (V06, 385): Failure(sim.APIStatusError, ""),
    (V06, 386): KABOOM,
    (V06, 392): UNAUTHORIZED,
    (V06, 402): Failure(sim.PermissionDeniedError, "Unauthorized: Access denied to read this workflow"),
    (V06, 409): computed(1, ""),
    (V06, 410): computed(1, ""),
    (V06, 414): NOT_FOUND,
    (V06, 415): computed(1, ""),
    (V06, 416): computed(1, ""),
    (V04, 1): COMPUTED_V04,
    (V04, 3): COMPUTED_V04,
    (V04, 5): computed(0, "", "\n"),
    (V04, 6): body({"echo": "hi", "count": 21}),
    (V04, 8): Failure(sim.APIStatusError, ""),
    (V04, 9): dumped(HI),
    (V04, 10): dumped(HI),
    (V04, 11): failed(
        "Reference Error: Line 1:46: `return { doubled: Number(21)*2, message: hi };` - hi is not defined"
    ),
    (V04, 13): dumped(HI),
    (V04, 14): dumped(HI),
    (V04, 16): failed("Reference Error: Line 1:15: `return {m:hi};` - hi is not defined"),
    (V04, 18): dumped({**HI, "input": HI}),
    (V04, 19): dumped({**HI, "input": HI}),
    (V04, 25): failed("Line 1:11: `throw new Error('kaboom: ' + \"hi\");` - kaboom: hi"),
    (V04, 26): Failure(sim.AuthenticationError, "Unauthorized: API key required"),
    (V04, 28): Failure(sim.AuthenticationError, "Unauthorized: API key required"),
    (V04, 30): NOT_FOUND,
    (V04, 31): NOT_FOUND,
    (V04, 33): NOT_DEPLOYED,
    (V04, 34): NOT_DEPLOYED,
    (V04, 36): Failure(sim.ServerError, "No API trigger block found."),  # it never ran, so it did not fail
    (V04, 38): INVALID_KEY,
    (V04, 39): Output(),
    (V04, 40): Output({"result": None, "stdout": "a\n"}),
    (V04, 41): Output(),
    (V04, 43): failed("400 fake upstream error"),
    (V04, 44): failed("Line 1:11: `throw new Error('late kaboom');` - late kaboom", ...),
    (V04, 45): Output({"result": {"doubled": 42, "message": "hi"}, "stdout": ""}),
    (V04, 46): body({"got": {"m": "hi"}, "ok": True}),
    (V04, 48): Failure(sim.ServerError, "hi"),
    (V04, 49): dumped(7),
    (V04, 50): INVALID_KEY,
    (V04, 51): INVALID_KEY,
    (V04, 54): COMPUTED_V04,
    (V04, 55): COMPUTED_V04,
    (V04, 56): COMPUTED_V04,
    (V04, 115): Failure(sim.ServerError, 'Environment variable "NOPE_MISSING" was not found'),
    (V04, 134): Failure(sim.ServerError, '"compute.result" is not valid JSON'),
    (V04, 136): COMPUTED_V04,
    (V04, 169): NOT_FOUND,
    (V04, 170): UPLOAD,
    (V04, 171): UPLOAD,
    (V04, 173): Output(),
    (V04, 174): Output(),
    (V04, 175): dumped({"got": "a.txt", "message": "m"}),
    (V04, 190): Output(),
    (V04, 191): Output(),
    (V04, 193): Output(),
    (V04, 196): dumped("waited"),
    (V04, 199): COMPUTED_V04,
    (V04, 200): COMPUTED_V04,
    (V04, 201): LIMITED_V04,
    (V04, 206): COMPUTED_V04,
    (V04, 218): COMPUTED_V04,
    (V04, 219): EXCEEDED,
    (V04, 224): failed("Script execution timed out after 180000ms"),
    (V04, 226): COMPUTED_V04,
}
"""``client.workflows.execute(workflow, BODY)`` and the flat methods, with the recorded body as input."""

WRAPPED: dict[Key, Output | Failure] = {
    (V06, 10): dumped({"input": "plain text"}),
    (V04, 15): dumped({"input": "just text"}),
}
"""As `EXECUTED`, with what the recorded body has under ``input`` as input: no mapping, so the client wraps it."""

REFUSED_BY_CLIENT: dict[Key, str] = {
    (V06, 11): "base64MaxBytes",
    (V06, 17): "base64MaxBytes",
    (V06, 19): "useDraftState",
    (V06, 21): "workflowStateOverride",
    (V06, 121): "includeFileBase64",
    (V06, 122): "base64MaxBytes",
    (V06, 135): "includeFileBase64",
    (V06, 136): "base64MaxBytes",
    (V06, 146): "includeFileBase64",
    (V06, 147): "base64MaxBytes",
    (V06, 330): "triggerType",
    (V06, 360): "stopAfterBlockId",
    (V06, 361): "runFromBlock",
    (V06, 362): "selectedOutputs",
    (V04, 20): "selectedOutputs",
    (V04, 138): "selectedOutputs",
    (V04, 139): "stream",
}
"""Bodies with Sim's own keys at the top: the typed methods refuse them and name one; `REQUESTED` sends them."""

REQUESTED: dict[Key, Output | Failure] = {
    (V06, 6): computed(0, ""),  # no body at all
    (V06, 11): dumped(
        {"message": "hi", "executionId": "11111111-1111-4111-8111-111111111111", "isClientSession": False}
    ),
    (V06, 14): INVALID_BODY,
    (V06, 15): INVALID_BODY,
    (V06, 17): INVALID_BODY,
    (V06, 19): Failure(sim.InvalidRequestError, "API key callers cannot execute draft workflow state"),
    (V06, 21): Failure(sim.InvalidRequestError, "API key callers cannot provide workflowStateOverride"),
    (V06, 30): NOT_ALLOWED,
    (V06, 64): Failure(sim.InvalidRequestError, "Async execution does not support draft or override"),
    (V06, 66): Failure(sim.InvalidRequestError, "Async execution does not support draft or override"),
    (V06, 121): Output(),
    (V06, 122): Output(),
    (V06, 135): body(...),
    (V06, 136): body(...),
    (V06, 146): Output(),
    (V06, 147): Output(),
    (V06, 330): computed(9, ""),
    (V06, 360): Output({}),
    (V06, 361): Failure(sim.InvalidRequestError, "runFromBlock requires either sourceSnapshot or executionId"),
    (V06, 362): Output({"result": ["x", {"y": 2}], "stdout": ""}),
    (V06, 395): NOT_ALLOWED,
    (V04, 4): computed(0, "", "\n"),
    (V04, 20): Output(),
    (V04, 21): dumped({"input": [1, 2]}),
    (V04, 23): Failure(sim.ServerError, "Cannot read properties of null"),
    (V04, 35): computed(0, "", "\n"),  # this server runs a workflow on GET
    (V04, 94): COMPUTED_V04,  # X-Execution-Mode: ASYNC, which runs synchronously
    (V04, 138): Failure(sim.ServerError, "selectedOutputs.map is not a function"),
    (V04, 139): COMPUTED_V04,
    (V04, 204): LIMITED_V04,
}
"""``client.request(METHOD, PATH, json=BODY)``: odd methods, and bodies that the typed methods do not send."""

ALTERED: dict[Key, Output | Failure] = {
    (V06, 16): dumped({}),  # invalid JSON is silently an empty input on this server
    (V06, 25): SILENT_403,  # an empty User-Agent
    (V06, 364): Output({"result": {"big": 12345678901234567000, "f": None, "neg0": 0, "dec": 0.1}, "stdout": ""}),
    (V04, 24): Failure(sim.InvalidRequestError, "Invalid JSON in request body"),
    (V04, 29): SILENT_403,
}
"""``client.workflows.execute``, with a middleware that makes the request wrong in a way the client never does."""

REDIRECTED: dict[Key, Key] = {(V06, 359): (V06, 410), (V06, 396): (V06, 409), (V04, 53): (V04, 1)}
"""A trailing slash is answered by 308; then the request is sent again to where the second recording answers it."""
