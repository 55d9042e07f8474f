"""What the specification says an answer becomes, worked out from the recording and not by asking the client."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import simstudio as sim
from tests.recorded import Recording

CLASSES: dict[int, type[sim.SimStudioError]] = {
    400: sim.InvalidRequestError,
    401: sim.AuthenticationError,
    402: sim.UsageLimitExceededError,
    403: sim.PermissionDeniedError,
    404: sim.NotFoundError,
    409: sim.ConflictError,
    413: sim.InvalidRequestError,
    415: sim.InvalidRequestError,
    422: sim.InvalidRequestError,
    423: sim.LockedError,
    429: sim.RateLimitError,
    500: sim.ServerError,
    502: sim.ServerError,
    503: sim.ServerError,
    504: sim.ServerError,
}
"""Any other error status is a plain `APIStatusError`."""

DOCUMENTED_CODES = {401: "UNAUTHORIZED", 402: "USAGE_LIMIT_EXCEEDED", 429: "RATE_LIMIT_EXCEEDED"}
"""What ``code`` is whatever the server calls it; elsewhere it is the server's own, or None."""


def assert_status_error(error: BaseException, recorded: Recording, kind: type[Exception] | None = None) -> None:
    """Require the error that an error status becomes: class, code, texts, body.

    Args:
        error: what was raised.
        recorded: the answer.
        kind: its class; that of the status unless given.
    """
    said = _said(recorded)
    assert type(error) is (kind or CLASSES.get(recorded.status, sim.APIStatusError))
    assert isinstance(error, sim.APIStatusError)
    assert error.status == recorded.status
    assert error.server_code == said.get("code")
    assert error.code == DOCUMENTED_CODES.get(recorded.status, said.get("code"))
    assert error.details == said.get("details")
    for name in ("error", "message"):
        if isinstance(said.get(name), str):
            assert said[name] in str(error)
    assert f"HTTP {recorded.status}" in str(error)
    assert error.response is not None
    assert error.response.content == recorded.body
    assert error.history == ()
    if isinstance(error, sim.RateLimitError):
        assert error.retry_after == _retry_after(recorded)
    assert_travels(error)


def assert_execution_error(error: BaseException, recorded: Recording) -> None:
    """Require the error that a failed run becomes where the server answers it with an error status."""
    said = _said(recorded)
    timed_out = recorded.status == 408
    assert type(error) is (sim.ExecutionTimeoutError if timed_out else sim.ExecutionError)
    assert isinstance(error, sim.ExecutionError)
    assert isinstance(error, sim.APITimeoutError) == timed_out
    assert error.code == ("TIMEOUT" if timed_out else "EXECUTION_ERROR")
    assert error.status == recorded.status
    assert said["error"] in str(error)
    assert error.result is not None
    assert_result(error.result, recorded)
    assert error.result.success is False
    assert error.response is not None
    assert error.response.content == recorded.body
    assert error.partial == ""
    assert_travels(error)


def assert_result(result: Any, recorded: Recording) -> None:
    """Require the result that Sim's envelope becomes, field by field."""
    said = _said(recorded)
    assert type(result) is sim.WorkflowExecutionResult
    assert result.success is said["success"]
    assert result.output == said["output"]
    assert result.error == said.get("error")
    assert result.metadata == said.get("metadata")
    assert result.execution_id == said.get("executionId")
    assert (result.logs, result.trace_spans, result.total_duration, result.status) == (None, None, None, None)
    assert not hasattr(result, "task_id")
    assert result.to_dict() == said
    assert result["output"] == said["output"]


def assert_receipt(receipt: Any, recorded: Recording, workflow_id: str) -> None:
    """Require the receipt that a 202 becomes: one class for every generation."""
    said = _said(recorded)
    job = said.get("taskId") or said["jobId"]
    assert type(receipt) is sim.AsyncExecutionResult
    assert receipt.success is True
    assert receipt.task_id == job
    assert receipt.status == "queued"
    assert receipt.created_at == said.get("createdAt")
    assert receipt.links == {"status": f"/api/jobs/{job}"}
    assert receipt.execution_id == said.get("executionId")
    assert receipt.status_url == said.get("statusUrl")
    assert receipt.message == said.get("message")
    assert receipt.workflow_id == workflow_id
    assert pickle.loads(pickle.dumps(receipt)) == receipt


def assert_travels(error: BaseException) -> None:
    """Require an error to survive pickling and copying without the key."""
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
    assert b"sk-sim-" not in pickle.dumps(error)


def _said(recorded: Recording) -> dict[str, Any]:
    """What an answer says; of an error of v2, its ``error``."""
    try:
        data = json.loads(recorded.body)
    except ValueError:
        return {}
    if not isinstance(data, dict):
        return {}
    return data["error"] if isinstance(data.get("error"), dict) else data


def _retry_after(recorded: Recording) -> float | None:
    found = [value for name, value in recorded.headers if name.lower() == "retry-after"]
    return float(found[0]) if found else None
