"""Turn the response to an unversioned execution into a result, a receipt or an error.

A workflow that ends in a *Response* block sets its own status, headers and body. A body is Sim's envelope only if it is
an object with a boolean ``success`` and a key ``output``; any other 2xx body is the workflow's output, and with any
other status it is an error that carries the body.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from simstudio.core.conversion import require, structure
from simstudio.core.errors import ExecutionError, ExecutionTimeoutError
from simstudio.core.failures import describe, redact_response, status_error
from simstudio.models.execution import WorkflowExecutionResult, error_facts, error_text, is_time_limit
from simstudio.resources.advice import advise_trace
from simstudio.resources.settings import SIM
from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    from simstudio.models.events import FinalEvent
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.transport.auth import Credentials
    from simstudio.transport.message import Response

_REFUSALS = ("Rate limit exceeded", "Too many requests", "Too many concurrent executions")
_DOCUMENTED_STATUSES = frozenset({400, 401, 402, 403, 404, 409, 413, 429})


def is_refused_execution(response: Response) -> bool:
    """Whether a 429 comes from Sim's rate limit, concurrency limit or admission gate, so that nothing ran.

    A *Response* block may also send 429, after it ran; Sim's own refusals are recognized by the start of ``error``.
    """
    if response.status != 429:
        return False
    error = _error_text(response.content)
    return error is not None and error.startswith(_REFUSALS)


def is_envelope(data: Any) -> bool:
    """Whether JSON data is Sim's envelope around a result."""
    return type(data) is dict and "output" in data and type(data.get("success")) is bool


def execution_result(
    response: Response, credentials: Credentials, *, execution_id: str | None = None, run_id: str | None = None
) -> WorkflowExecutionResult:
    """The result in the response to an execution.

    Args:
        execution_id: Id of a resumed run, whatever the response says.
        run_id: Id of the run if the response names none: failures and Response blocks do not.

    Raises:
        ExecutionError: The workflow failed (500 with the envelope; v0.4 sends 200, which gives a result).
        ExecutionTimeoutError: The server stopped the run (408 with the envelope).
        APIStatusError: Any other error status.
        InvalidResponseError: The body of a 2xx response is not JSON.
    """
    if response.ok:
        if not response.content.strip():
            return WorkflowExecutionResult(success=True, execution_id=execution_id or run_id)
        data = response.json()
        if is_envelope(data):
            known = None if run_id is None else {"execution_id": run_id}
            given = None if execution_id is None else {"execution_id": execution_id}
            return structure(data, WorkflowExecutionResult, response=response, fallbacks=known, overrides=given)
        return WorkflowExecutionResult(success=True, output=data, execution_id=execution_id or run_id)
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        data = None
    if data is not None and is_envelope(data) and not data["success"] and response.status not in _DOCUMENTED_STATUSES:
        raise _execution_error(response, credentials, execution_id or run_id)
    raise status_error(response, credentials, SIM)


def _execution_error(response: Response, credentials: Credentials, run_id: str | None) -> ExecutionError:
    redact_response(response, credentials)
    known = {"execution_id": run_id}
    result = structure(response.json(), WorkflowExecutionResult, response=response, fallbacks=known)
    code = result.extra.get("code")
    timed_out = response.status == 408 or is_time_limit(result.error)
    kind = ExecutionTimeoutError if timed_out else ExecutionError
    advice = "client.workflows.submit() allows longer runs." if timed_out else "The result is in error.result."
    trace = advise_trace(response.path, result.execution_id)
    failure = kind(
        f"{error_text(result.error) or 'The workflow failed'} ({describe(response)}). {advice} {trace}",
        status=response.status,
        result=result,
        response=response,
        history=response.history,
        **{"server_code": code if isinstance(code, str) else None, **error_facts(result.error)},
    )
    failure.run_id = result.execution_id
    return failure


def is_stream(response: Response) -> bool:
    """Whether a response is a stream of server-sent events."""
    return "text/event-stream" in response.headers.get("content-type", "").lower()


def final_event(result: WorkflowExecutionResult) -> FinalEvent:
    """The final event for a server that sent the whole result at once instead of a stream."""
    from simstudio.models.events import FinalEvent

    return FinalEvent(result.success, result.output, result.error, result.status, result.metadata, result.truncated)


def parse_receipt(
    response: Response, workflow_id: str, prefix: str, *, execution_id: str | None = None
) -> AsyncExecutionResult:
    """The receipt in the 2xx response to an asynchronous execution, in the shape of any generation.

    Args:
        workflow_id: The workflow that was submitted; kept on the receipt.
        prefix: Path prefix of the base URL; the path of ``statusUrl`` must begin with it.
        execution_id: Id of a resumed run, whatever the response says.

    Raises:
        InvalidResponseError: The response names no job, or holds the result of a run; the error carries the response.
    """
    data = response.json()
    if is_envelope(data):
        raise InvalidResponseError(
            "The server ran the workflow at once instead of queuing it; its result is in error.response.content "
            f"({describe(response)}). Does a proxy drop the header X-Execution-Mode?",
            status=response.status,
            response=response,
        )
    made = receipt(data, response, workflow_id, prefix, execution_id=execution_id)
    require(made, response, task_id=str)
    return made


def receipt(
    data: Any, response: Response, workflow_id: str, prefix: str, *, execution_id: str | None = None
) -> AsyncExecutionResult:
    """The receipt that JSON data describes; the other arguments are those of :func:`parse_receipt`."""
    from simstudio.models.receipts import AsyncExecutionResult

    known: dict[str, Any] = {"workflow_id": workflow_id, "success": True}
    given: dict[str, Any] = {}
    if isinstance(data, dict):
        job_id = data.get("taskId") or data.get("jobId")
        links = data.get("links")
        links = {name: link for name, link in links.items() if isinstance(link, str)} if isinstance(links, dict) else {}
        if "status" not in links and isinstance(job_id, str):
            links["status"] = f"/api/jobs/{quote(job_id, safe='')}"
        elif "status" not in links and isinstance(data.get("statusUrl"), str):
            links["status"] = status_path(data["statusUrl"], prefix) or data["statusUrl"]
        given["links"] = links
        if execution_id is not None:
            given["execution_id"] = execution_id
            given |= {} if job_id else {"task_id": execution_id}
    return structure(data, AsyncExecutionResult, response=response, fallbacks=known, overrides=given)


def status_path(url: str, prefix: str) -> str | None:
    """The path of a ``statusUrl`` relative to the base URL; None if it is not a path of Sim's API.

    The server builds ``statusUrl`` from its configured public host, which may differ from the base URL. Only the path
    is used, so that the API key is never sent to a host that a response names.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = parts.path
    if not path.startswith(f"{prefix}/api/") or "//" in path or "\\" in path or not path.isascii():
        return None
    if any(part in (".", "..") for part in path.lower().replace("%2e", ".").split("/")):
        return None
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in parts.path + parts.query):
        return None
    return path[len(prefix) :] + (f"?{parts.query}" if parts.query else "")


def _error_text(content: bytes) -> str | None:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, str) else None
