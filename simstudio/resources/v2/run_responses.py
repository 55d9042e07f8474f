"""Responses of v2 that carry a run: the run's data in a JSON body, or in the last line of a body with heartbeats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.models.cut_texts import find_cut_texts
from simstudio.resources.whole_output import read_whole
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidResponseError
from simstudio.transport.message import Response, json_error, unread_json_reason

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow


def run_path(workflow_id: str, run_id: str) -> str:
    """The path of a run."""
    return f"/api/v2/workflows/{segment(workflow_id, 'workflow_id')}/runs/{segment(run_id, 'run_id')}"


@attrs.frozen
class RunResponse:
    """The data of a run and the response that carried it.

    Attributes:
        data: Plain JSON data.
        truncated: Paths into the output of the texts that the server cut.
    """

    data: dict[str, Any]
    response: Response
    truncated: tuple[str, ...] = ()


def fetch_run(
    resource: APIResource[Any], workflow_id: str, run_id: str, *, whole: bool = False, **options: Any
) -> Flow[RunResponse]:
    """Fetch a run with its output.

    Args:
        whole: Whether to read texts in full that are cut in the output; a warning says if that is impossible.
        options: Options of ``APIResource._request``.

    Raises:
        NotFoundError: No run has this id, or it does not exist yet.
    """
    request = resource._request(
        "GET", run_path(workflow_id, run_id), params={"includeOutput": "true"}, resend="read", **options
    )
    run = parse_run((yield from resource._call_explained(request)))
    output = run.data.get("output")
    if not whole:
        return attrs.evolve(run, truncated=find_cut_texts(output))
    output, truncated = yield from read_whole(resource, run_id, output, **options)
    return RunResponse({**run.data, "output": output}, run.response, truncated)


def parse_run(response: Response) -> RunResponse:
    """The run in a response.

    Raises:
        InvalidResponseError: The body holds no run.
    """
    body = response.json()
    data = body.get("data") if isinstance(body, dict) else None
    return RunResponse(run_data(data, response), response)


def last_line(response: Response) -> dict[str, Any] | None:
    """The last line of an NDJSON body (``final`` or ``error``); None if the body ended before it.

    Raises:
        InvalidResponseError: The line is JSON that Python does not read.
    """
    for line in reversed(response.content.splitlines()):
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            if unread_json_reason(error, line) is not None:
                raise json_error(response, error) from error
            continue
        if isinstance(data, dict) and data.get("type") in ("final", "error"):
            return data
    return None


def run_data(data: Any, response: Response) -> dict[str, Any]:
    """The run in the ``data`` of a body, where some servers nest it once more.

    Raises:
        InvalidResponseError: The body holds no run.
    """
    if isinstance(data, dict):
        inner = data.get("data")
        return inner if "status" not in data and isinstance(inner, dict) else data
    raise InvalidResponseError(
        f"{response.method} {response.path} answered {response.status} without a run. The body is in "
        "error.response.content.",
        status=response.status,
        response=response,
        history=response.history,
    )


def error_response(response: Response, line: Mapping[str, Any]) -> Response:
    """An NDJSON error line as a response with that status: the real status was sent before the error occurred."""
    error, status = line.get("error"), line.get("status")
    if not isinstance(error, Mapping):
        error = {"message": error, "code": line.get("code")}
    return Response(
        status if type(status) is int and 400 <= status <= 599 else 500,
        response.headers,
        json.dumps({"error": error}).encode(),
        response.method,
        response.url,
        response.attempt,
        response.elapsed,
        response.history,
    )
