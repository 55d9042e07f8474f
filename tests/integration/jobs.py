"""What each recorded 202 and each recorded state of a job becomes."""

from __future__ import annotations

from typing import Any

from attrs import frozen

import simstudio as sim
from tests.integration.executions import EXCEEDED, NOT_DEPLOYED, Failure, Key
from tests.integration.replaying import V04, V06

SUBMITTED: dict[Key, Failure | None] = {
    (V06, 50): None,
    (V06, 51): None,
    (V06, 54): None,
    (V06, 57): None,
    (V06, 59): None,
    (V06, 69): NOT_DEPLOYED,
    (V06, 70): Failure(sim.AuthenticationError, "Unauthorized"),
    (V06, 71): None,
    (V06, 82): None,
    (V06, 111): None,
    (V06, 331): None,
    (V06, 339): None,
    (V06, 344): None,
    (V06, 352): EXCEEDED,
    (V06, 389): None,
    (V06, 404): None,
    (V04, 74): None,
    (V04, 78): None,
    (V04, 80): None,
    (V04, 84): None,
    (V04, 86): None,
    (V04, 88): None,
    (V04, 90): None,
    (V04, 95): NOT_DEPLOYED,
    (V04, 96): Failure(sim.AuthenticationError, "Unauthorized: API key required"),
    (V04, 114): Failure(sim.ServerError, "Failed to queue workflow execution"),
    (V04, 116): None,
    (V04, 163): None,
    (V04, 194): None,
    (V04, 205): None,
    (V04, 216): Failure(sim.RateLimitError, "You have exceeded your async execution limit."),
    (V04, 221): None,
}
"""``client.workflows.submit(workflow, BODY)`` and the flat methods: a receipt, or the error named."""

ALTERED: dict[Key, Failure | None] = {
    (V06, 65): None,  # `selectedOutputs: []`, which this server bears
    (V06, 67): None,  # `stream: true`: being asynchronous wins
    (V04, 98): Failure(sim.InvalidRequestError, "Invalid JSON in request body"),
}
"""As `SUBMITTED`, with a body that the client never sends, put there by a middleware."""


@frozen
class State:
    """One state of a job.

    Attributes:
        status: as sent.
        done: whether waiting brings nothing more.
        succeeded: whether its workflow did.
        paused: whether it waits for a human.
        error: the text of its error, wherever the server put it.
        raises: what waiting for it raises.
        output: the workflow's own output; ``...`` for whatever was sent.
    """

    status: str
    done: bool = False
    succeeded: bool = False
    paused: bool = False
    error: str | None = None
    raises: type[sim.SimStudioError] | None = None
    output: Any = ...


def completed(output: Any = ...) -> State:
    return State("completed", done=True, succeeded=True, output=output)


def failed(status: str, error: str | None = None, kind: type[sim.SimStudioError] = sim.JobFailedError) -> State:
    return State(status, done=True, error=error, raises=kind)


NO_REASON = failed("completed")
"""``completed``, says the server, and inside that the workflow did not succeed; why, it does not say."""
PROCESSING = State("processing")
UNKNOWN = State("unknown")
"""Of the run states that v0.4 calls so one is final (a timeout) and the others are not: none is taken for final."""
DELETED = "Workflow c887d50b-1c87-4cc0-8d63-d5a27fed3e6b has no active deployment"
COMPUTED = {"result": {"doubled": 42, "message": "hi"}, "stdout": "computing 21\n"}
NOT_FOUND = Failure(sim.NotFoundError, "Task not found")

ASKED: dict[Key, State | Failure] = {
    (V06, 52): PROCESSING,
    (V06, 55): PROCESSING,
    (V06, 56): completed({"result": {"doubled": 10, "message": "fast"}, "stdout": "computing 5"}),
    (V06, 60): failed("failed", "Boom: Line 1: `throw new Error('kaboom: ' + \"async\");` - kaboom: async"),
    (V06, 61): NOT_FOUND,
    (V06, 62): Failure(sim.AuthenticationError, "Unauthorized"),
    (V06, 72): completed({"result": {"input": {"message": "w"}}, "stdout": ""}),
    (V06, 112): State("completed", done=True, paused=True),
    (V06, 114): State("pending"),
    (V06, 129): completed(),
    (V06, 332): failed("failed", "Rate limit exceeded. Please try again later."),
    (V06, 340): NO_REASON,
    (V06, 346): PROCESSING,
    (V06, 354): PROCESSING,
    (V06, 390): PROCESSING,
    (V06, 391): completed(),
    (V06, 405): Failure(sim.PermissionDeniedError, "Access denied"),
    (V06, 417): State("pending"),
    (V04, 73): Failure(sim.ServerError, "Failed to fetch task status"),
    (V04, 75): State("queued"),
    (V04, 76): PROCESSING,
    (V04, 79): completed(COMPUTED),
    (V04, 81): completed(COMPUTED),
    (V04, 83): completed({"result": {"doubled": 0, "message": ""}, "stdout": "computing 0\n"}),
    (V04, 85): completed(
        {
            "response": {
                "data": {"reason": "hi", "success": False},
                "status": 418,
                "headers": {"Content-Type": "application/json", "X-Custom": "yes"},
            }
        }
    ),
    (V04, 89): NO_REASON,
    (V04, 91): completed({"result": 1, "stdout": ""}),
    (V04, 93): completed(COMPUTED),
    (V04, 99): NOT_FOUND,
    (V04, 100): NOT_FOUND,
    (V04, 101): Failure(sim.AuthenticationError, "Authentication required"),
    (V04, 103): NO_REASON,
    (V04, 105): failed("cancelled", kind=sim.JobCancelledError),
    (V04, 106): failed("failed"),
    (V04, 108): failed("failed"),
    (V04, 109): UNKNOWN,
    (V04, 110): UNKNOWN,
    (V04, 111): UNKNOWN,
    (V04, 113): UNKNOWN,
    (V04, 164): failed("failed", DELETED),
    (V04, 165): failed("failed", DELETED),
    (V04, 166): failed("failed", DELETED),
    (V04, 168): UNKNOWN,
    (V04, 195): completed(),
}
"""``client.jobs.get(id)``, ``client.jobs.wait(id)`` where that ends, and ``client.get_job_status(id)``."""

DELETED_BY_REQUEST: Key = (V04, 104)
"""``client.request("DELETE", …)``: there is no such method on the server."""

FILE_SUBMITTED: Key = (V04, 194)
