"""With a seed, the sandboxes of services give the same ids and times in every run, however often they are polled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from tests.services.limited import fields


def begin_oomol(client: Any) -> Any:
    client.packages.install("audio-lab")
    return client.tasks.handle(client.tasks.create({"blockId": "sandbox::echo", "inputValues": {"n": 1}}))


def begin_speedpix(client: Any) -> Any:
    client.files.create(b"content", "a.png")
    return client.run("echo", {"n": 1}, wait=False)


def begin_vectorvein(client: Any) -> Any:
    client.agents.create("a")
    return client.workflows.submit("hello", fields(1))


LOGS: dict[str, Callable[[Any, Any], object]] = {
    "oomol": lambda client, run: client.tasks.get_logs(run.id),
    "speedpix": lambda client, run: None,
    "vectorvein": lambda client, run: client.run_records.get(run.id),
}


@attrs.frozen
class Case:
    """A sandbox, what begins a run, and what reads its log."""

    sandbox: Callable[..., Any]
    begin: Callable[[Any], Any]
    read_log: Callable[[Any, Any], object]


CASES = {
    "oomol": Case(OomolSandbox, begin_oomol, LOGS["oomol"]),
    "speedpix": Case(SpeedPixSandbox, begin_speedpix, LOGS["speedpix"]),
    "vectorvein": Case(VectorVeinSandbox, begin_vectorvein, LOGS["vectorvein"]),
}


def answers(case: Case, server: Any, *, polls: int = 0) -> dict[tuple[str, str], bytes]:
    """The last answer to each kind of request."""
    found: dict[tuple[str, str], bytes] = {}

    def keep(request: Any, call_next: Any) -> Any:
        response = yield from call_next(request)
        found[request.method, request.path] = response.content.replace(server.origin.encode(), b"")
        return response

    with server.client(middleware=[keep]) as client:
        run = case.begin(client)
        for _ in range(polls):
            run.refresh()
        run.wait(poll_interval=0.01)
        case.read_log(client, run)
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_requests_get_the_same_answers(case: Case) -> None:
    with case.sandbox(seed=7).serve() as server:
        first = answers(case, server)
        server.reset()
        again = answers(case, server)
    with case.sandbox(seed=7).serve() as server:
        polled = answers(case, server, polls=3)

    assert len(first) > 3
    assert b"17672" in b"".join(first.values()), "the time is not that of the seed"
    assert again == first
    assert polled == first
