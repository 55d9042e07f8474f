"""What the namespaces without a version make of a real Sim v0.8.9's answers: results without a deviation, or errors."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from simstudio import ExecutionError, SimStudioError
from simstudio.transport.message import Request, Response
from tests.driving import Both, answer, replayed
from tests.integration.replaying import read
from tests.integration.rules import assert_execution_error, assert_status_error
from tests.recorded import CLAIMS, SELECTION, Recording, recording, recordings
from tests.scripts import adrive, drive

Call = Callable[[Any], Any]
META = recording(SELECTION, "claims-478")


def streamed(client: Any) -> Any:
    outcome = yield read(client.workflows.stream("wf"))
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def job(client: Any) -> Any:
    found = yield client.jobs.get("run", workflow_id="wf")
    return found.done


def paused(client: Any) -> Any:
    page = yield client.workflows.paused("wf").page()
    return [run.paused for run in page.items]


def found_paused(client: Any) -> Any:
    run = yield client.workflows.get_paused("wf", "run")
    return run.paused


def resumed(client: Any) -> Any:
    return client.workflows.resume("run", workflow_id="wf", context_id="context", input={})


CALLS: dict[tuple[str, str], list[Call]] = {
    ("v1", "POST /api/workflows/*/execute"): [lambda client: client.workflows.execute("wf")],
    ("v1", "POST /api/workflows/*/execute 202"): [lambda client: client.workflows.submit("wf")],
    ("v1", "POST /api/workflows/*/execute stream"): [streamed],
    ("v1", "GET /api/jobs/*"): [job],
    ("v1", "GET /api/workflows/*/status"): [lambda client: client.workflows.status("wf")],
    ("v1", "GET /api/users/me/usage-limits"): [lambda client: client.usage.limits()],
    ("v1", "POST /api/workflows/*/executions/*/cancel"): [lambda client: client.workflows.cancel("wf", "run")],
    ("v1", "GET /api/workflows/*/paused"): [paused],
    ("v1", "POST /api/resume/*/*/*"): [resumed],
    ("v2", "POST /api/v2/workflows/*/execute"): [lambda client: client.workflows.execute("wf")],
    ("v2", "POST /api/v2/workflows/*/execute 202"): [lambda client: client.workflows.submit("wf")],
    ("v2", "POST /api/v2/workflows/*/execute stream"): [streamed],
    ("v2", "GET /api/v2/workflows/*/runs/*"): [job, found_paused, lambda client: client.v2.runs.get("wf", "run")],
    ("v2", "GET /api/v2/workflows/*/deployment"): [lambda client: client.workflows.status("wf")],
    ("v2", "GET /api/v2/billing/status"): [lambda client: client.usage.limits()],
    ("v2", "POST /api/v2/workflows/*/runs/*/cancel"): [lambda client: client.workflows.cancel("wf", "run")],
    ("v2", "POST /api/v2/workflows/*/runs/*/resume"): [resumed],
}


def route_of(found: Recording) -> str:
    """The recording's route, and how its answer came."""
    path = re.sub(
        r"(?<=/)(workflows|jobs|runs|executions)/[^/]+|(?<=/api/resume)(/[^/]+){3}$", _without_ids, found.path
    )
    way = "" if not path.endswith("/execute") else " stream" if found.is_stream else " 202" * (found.status == 202)
    return f"{found.method} {path}{way}"


def _without_ids(part: re.Match[str]) -> str:
    return f"{part[1]}/*" if part[1] in ("workflows", "jobs", "runs", "executions") else "/*/*/*"


EXCHANGES = {
    route: [
        found
        for name in (SELECTION, CLAIMS)
        for found in recordings(name)
        # Further requests settle the conflict of a run's id: see test_replay_claims.py.
        if route_of(found) == route[1] and not re.search(rb'"(RUN|EXECUTION)_ID_CONFLICT"', found.body)
    ]
    for route in CALLS
}


def outcome_of(mode: str, version: str, call: Call, found: Recording) -> Any:
    """What a call gives or raises. Of what else is asked, the server knows only whether v2 is on: it is."""

    def explain(request: Request) -> Response:
        return replayed(META)(request) if request.path == META.path else answer(404)

    client = Both(mode).client(replayed(found), explain, api_version=version, max_retries=0)
    try:
        return asyncio.run(adrive(call(client))) if mode == "async" else drive(call(client))
    except SimStudioError as error:
        return error


def check(outcome: Any, found: Recording) -> None:
    """Require the error of an error status, an execution's error of a failed one, and else a result."""
    if found.status >= 400:
        envelope = found.body[:1] == b"{" and {"success", "output"} <= set(json.loads(found.body))
        (assert_execution_error if envelope else assert_status_error)(outcome, found)
    elif failed(found):
        assert isinstance(outcome, ExecutionError)
        assert outcome.result is not None
    elif isinstance(outcome, SimStudioError):
        raise outcome


def failed(found: Recording) -> bool:
    """Whether the recorded workflow failed, and its caller was waiting for it."""
    if found.is_stream:
        return b'"event":"error"' in found.body
    body = json.loads(found.body)
    return (body.get("data") or {}).get("status") == "failed" and found.method == "POST"


@pytest.mark.parametrize(
    ("mode", "route"),
    [
        *(pytest.param("sync", route, id=f"sync-{route[1]}") for route in CALLS),
        *(
            pytest.param("async", route, id=f"async-{route[1]}")
            for route in CALLS
            if CALLS[route][0] in (streamed, paused)
        ),
    ],
)
def test_recorded_answers_fit_what_is_made_of_them(mode: str, route: tuple[str, str]) -> None:
    assert EXCHANGES[route]
    for found in EXCHANGES[route]:
        for call in CALLS[route]:
            check(outcome_of(mode, route[0], call, found), found)
