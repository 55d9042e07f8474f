"""One session of a user with the local Sim, to be recorded and replayed.

Run from the top of the repository, it records ``cassettes/sandbox/session.yaml`` anew::

    python -m tests.integration.sandbox_session
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

import simstudio as sim
from simstudio.core.polling import Poller, PollSchedule
from simstudio.sandbox import Sandbox, respond
from simstudio.testing import make_vcr
from tests.integration.replaying import read, run
from tests.recorded import CASSETTES

DIRECTORY = CASSETTES / "sandbox"
NAME = "session"
KEY = "sk-sim-test-of-the-sandbox"


@frozen
class Seen:
    """What the user saw."""

    greeting: sim.WorkflowExecutionResult
    counted: Any
    teapot: sim.APIStatusError
    failure: sim.ExecutionError
    job: sim.Job
    deployed: bool
    limits: sim.UsageLimits
    missing: sim.NotFoundError


def sandbox() -> Sandbox:
    """The server that the session is held with. Since v0.8 the ids are the client's, and each client has others."""
    made = Sandbox(api_key=KEY, generation="v0.6")

    @made.workflow("teapot")
    def teapot(input: dict[str, Any]) -> object:
        return respond(418, {"X-Kind": "teapot"}, {"short": True, "key": KEY})

    return made


def session(client: Any) -> Iterator[Any]:
    """What the user does."""
    client.jobs.poller = Poller(schedule=PollSchedule(initial=0.01, maximum=0.01))
    greeting = yield client.workflows.execute("hello", {"name": "Ada"})
    counted = yield read(client.workflows.stream("count", {"to": 3, "delay": 0}, selected_outputs=["count.content"]))
    teapot = yield from error_of(lambda: client.workflows.execute("teapot"))
    failure = yield from error_of(lambda: client.workflows.execute("fail", {"message": "no ✓"}))
    receipt = yield client.workflows.submit("slow", {"seconds": 0})
    job = yield client.jobs.wait(receipt)
    deployed = yield client.workflows.validate("hello")
    limits = yield client.usage.limits()
    missing = yield from error_of(lambda: client.jobs.get("run_unknown"))
    return Seen(greeting, counted, teapot, failure, job, deployed, limits, missing)


def error_of(call: Any) -> Any:
    """The error that a call raises."""
    try:
        yield call()
    except sim.SimStudioError as error:
        return error
    raise AssertionError("it was to fail")


def record(directory: Path, mode: str = "sync") -> tuple[Seen, bytes]:
    """Hold the session with a live sandbox, record it, and return what was seen and what was written."""
    with sandbox().serve() as server, make_vcr(directory, record_mode="all").use_cassette(NAME):
        seen = run(mode, session, base_url=server.base_url, api_key=KEY)
    return seen, Path(directory, f"{NAME}.yaml").read_bytes()


if __name__ == "__main__":
    record(DIRECTORY)
