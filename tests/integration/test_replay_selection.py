"""What the namespaces that know no version make of a real Sim v0.8.9's answers: results without a deviation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simstudio import ExecutionError, SimStudioClient
from tests.integration.replaying import BASE_URL, KEY
from tests.recorded import SELECTION, Recording, recordings

Call = Callable[[SimStudioClient], Any]


def streamed(client: SimStudioClient) -> Any:
    with client.workflows.stream("wf") as stream:
        list(stream)
        return stream.result()


def paused(client: SimStudioClient) -> Any:
    return [run.paused for run in client.workflows.paused("wf")]


CALLS: dict[tuple[str, str, int | None], list[Call]] = {
    ("v1", "POST /api/workflows/*/execute", 200): [lambda client: client.workflows.execute("wf")],
    ("v1", "POST /api/workflows/*/execute", 202): [lambda client: client.workflows.submit("wf")],
    ("v1", "POST /api/workflows/*/execute stream", None): [streamed],
    ("v1", "GET /api/jobs/*", None): [lambda client: client.jobs.get("job").done],
    ("v1", "GET /api/workflows/*/status", None): [lambda client: client.workflows.status("wf")],
    ("v1", "GET /api/users/me/usage-limits", None): [lambda client: client.usage.limits()],
    ("v1", "POST /api/workflows/*/executions/*/cancel", None): [lambda client: client.workflows.cancel("wf", "run")],
    ("v1", "GET /api/workflows/*/paused", None): [paused],
    ("v1", "POST /api/resume/*/*/*", None): [
        lambda client: client.workflows.resume("run", workflow_id="wf", context_id="context", input={})
    ],
    ("v2", "POST /api/v2/workflows/*/execute", 200): [lambda client: client.workflows.execute("wf")],
    ("v2", "POST /api/v2/workflows/*/execute", 202): [lambda client: client.workflows.submit("wf")],
    ("v2", "POST /api/v2/workflows/*/execute stream", None): [streamed],
    ("v2", "GET /api/v2/workflows/*/runs/*", None): [
        lambda client: client.jobs.get("run", workflow_id="wf").done,
        lambda client: client.workflows.get_paused("wf", "run").paused,
        lambda client: client.v2.runs.get("wf", "run").paused,
    ],
    ("v2", "GET /api/v2/workflows/*/deployment", None): [lambda client: client.workflows.status("wf")],
    ("v2", "GET /api/v2/billing/status", None): [lambda client: client.usage.limits()],
    ("v2", "POST /api/v2/workflows/*/runs/*/cancel", None): [lambda client: client.workflows.cancel("wf", "run")],
    ("v2", "POST /api/v2/workflows/*/runs/*/resume", None): [
        lambda client: client.workflows.resume("run", workflow_id="wf", context_id="context", input={})
    ],
}


def exchanges() -> Iterator[Any]:
    """Each recorded answer with each call that it answers."""
    for found in recordings(SELECTION):
        stream = any(value.startswith("text/event-stream") for name, value in found.headers)
        for (version, route, status), calls in CALLS.items():
            verb, path, *only = route.split()
            pattern = path.replace("*", "[^/]+")
            if found.method == verb and re.fullmatch(pattern, found.path) and status in (None, found.status):
                if stream and not only and path.endswith("/execute"):
                    continue
                if only and not stream:
                    continue
                for number, call in enumerate(calls):
                    yield pytest.param(version, call, found, id=f"{found}-{number}")


EXCHANGES = list(exchanges())


def failed(found: Recording) -> bool:
    """Whether the recorded workflow failed."""
    if found.body[:1] != b"{":
        return b'"event":"error"' in found.body
    body = json.loads(found.body)
    return (body.get("data") or {}).get("status") == "failed" and found.method == "POST"


@pytest.mark.parametrize(("version", "call", "found"), EXCHANGES)
def test_a_recorded_answer_fits_what_is_made_of_it(version: str, call: Call, found: Recording) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) > 1:  # the unversioned route of a pause, which was not recorded together with v2's
            return httpx.Response(404)
        return httpx.Response(found.status, headers=found.headers, content=found.body)

    asked: list[httpx.Request] = []
    client = SimStudioClient(
        KEY,
        BASE_URL,
        api_version=version,
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(answer), trust_env=False),
    )
    if failed(found):
        with pytest.raises(ExecutionError) as caught:
            call(client)
        assert caught.value.result is not None
    else:
        call(client)


def test_each_call_is_answered_by_a_recording() -> None:
    assert {call for calls in CALLS.values() for call in calls} == {each.values[1] for each in EXCHANGES}
