"""From the answer to an execution to a result or an error; the dialects of Sim's legacy routes.

A workflow ending in a *Response* block answers with its own status, headers and body, so an answer is Sim's envelope
only if it is an object with a boolean ``success`` and a key ``output``. Anything else with 2xx is the workflow's output
(recordings 003, 140); with another status it is an error that carries the body.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from simstudio.core.conversion import structure
from simstudio.core.failures import conceal, describe, status_error
from simstudio.errors import ExecutionError, ExecutionTimeoutError, InvalidResponseError
from simstudio.models.execution import AsyncExecutionResult, WorkflowExecutionResult, error_text
from simstudio.resources.settings import SIM

if TYPE_CHECKING:
    from simstudio.transport.auth import Credentials
    from simstudio.transport.message import Response

_REFUSALS = ("Rate limit exceeded", "Too many requests", "Too many concurrent executions")
_DOCUMENTED_STATUSES = frozenset({400, 401, 402, 403, 404, 409, 413, 429})


def refused_before_running(response: Response) -> bool:
    """Whether a 429 is Sim's own (rate limit, concurrency limit, admission gate), so that surely nothing ran.

    A *Response* block may answer 429 itself after having run; Sim's own bodies are told by how their ``error`` begins.
    """
    if response.status != 429:
        return False
    error = _error_text(response.content)
    return error is not None and error.startswith(_REFUSALS)


def is_envelope(data: Any) -> bool:
    """Whether JSON data is Sim's envelope of a result."""
    return type(data) is dict and "output" in data and type(data.get("success")) is bool


def execution_result(response: Response, credentials: Credentials) -> WorkflowExecutionResult:
    """The result in an answer to an execution.

    Raises:
        ExecutionError: The workflow ran and failed (500 with the envelope; v0.4 answers 200, which is a result).
        ExecutionTimeoutError: The server stopped it (408 with the envelope).
        APIStatusError: Any other error status.
        InvalidResponseError: 2xx with a body that is no JSON.
    """
    if response.ok:
        if not response.content.strip():
            return WorkflowExecutionResult(success=True)
        data = response.json()
        if is_envelope(data):
            return structure(data, WorkflowExecutionResult, response=response)
        return WorkflowExecutionResult(success=True, output=data)
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        data = None
    if data is not None and is_envelope(data) and not data["success"] and response.status not in _DOCUMENTED_STATUSES:
        raise _failed(response, credentials)
    raise status_error(response, credentials, SIM)


def _failed(response: Response, credentials: Credentials) -> ExecutionError:
    conceal(response, credentials)
    result = structure(response.json(), WorkflowExecutionResult, response=response)
    code = result.extra.get("code")
    timed_out = response.status == 408
    kind = ExecutionTimeoutError if timed_out else ExecutionError
    advice = "client.workflows.submit() allows longer runs." if timed_out else "The result is in error.result."
    return kind(
        f"{error_text(result.error) or 'The workflow failed'} ({describe(response)}). {advice}",
        status=response.status,
        server_code=code if isinstance(code, str) else None,
        result=result,
        response=response,
        history=response.history,
    )


def submission(response: Response, workflow_id: str, prefix: str) -> AsyncExecutionResult:
    """The receipt in a 2xx answer to an asynchronous execution, in any dialect (API.md 5.2).

    Args:
        response: The answer.
        workflow_id: What was submitted; the receipt remembers it.
        prefix: The path prefix of the base address, which a ``statusUrl`` must share.

    Raises:
        InvalidResponseError: It names no id; the answer is on the error, so that nothing is lost.
    """
    data = response.json()
    if is_envelope(data):
        raise InvalidResponseError(
            "The server ran the workflow at once instead of queuing it; its result is in error.response.content "
            f"({describe(response)}). Does a proxy drop the header X-Execution-Mode?",
            status=response.status,
            response=response,
        )
    known: dict[str, Any] = {"workflow_id": workflow_id, "success": True}
    came = data
    if isinstance(data, dict):
        job_id = data.get("taskId") or data.get("jobId")
        links = data.get("links")
        links = {name: link for name, link in links.items() if isinstance(link, str)} if isinstance(links, dict) else {}
        if "status" not in links and isinstance(job_id, str):
            links["status"] = f"/api/jobs/{quote(job_id, safe='')}"
        elif "status" not in links and isinstance(data.get("statusUrl"), str):
            links["status"] = status_path(data["statusUrl"], prefix) or data["statusUrl"]
        data = {**data, "links": links}
    receipt = structure(data, AsyncExecutionResult, response=response, known=known)
    object.__setattr__(receipt, "_wire", came)  # the links made here are ours: to_dict() is what came
    return receipt


def status_path(url: str, prefix: str) -> str | None:
    """The path of a ``statusUrl`` relative to the base address, when it can be one of Sim's; None otherwise.

    The server makes the address from its configured public host (recording 389 names another port than was asked), so
    only the path is of use, and the key is never sent where a response says.
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
