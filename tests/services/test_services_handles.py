"""A handle means the same with every service: seconds, refusals before anything is sent, the run's id on each error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simstudio import InvalidInputError, JobTimeoutError, SimStudioError
from simstudio.services.oomol import OomolConnectClient
from simstudio.services.speedpix import Client
from simstudio.services.vectorvein import VectorVeinClient
from tests.services.vectorvein.helpers import Clock

Make = Callable[[httpx.Client], Any]
HANDLES: dict[str, tuple[Make, Any]] = {
    "oomol": (
        lambda http: OomolConnectClient("https://oomol.test", "token", http_client=http).tasks.handle("r-1"),
        {"task": {"id": "r-1", "status": "running"}},
    ),
    "speedpix": (
        lambda http: Client("key", "secret", "https://speedpix.test", http_client=http).predictions.handle("r-1"),
        {"status": 10, "data": {"status": "running"}},
    ),
    "vectorvein": (
        lambda http: VectorVeinClient("key", "https://vectorvein.test", http_client=http).workflows.handle("r-1"),
        {"status": 202, "msg": "", "data": {}},
    ),
    "vectorvein agent": (
        lambda http: VectorVeinClient("key", "https://vectorvein.test", http_client=http).agent_tasks.handle("r-1"),
        {"status": 200, "msg": "", "data": {"task_id": "r-1", "status": "running"}},
    ),
}
"""A handle of each service, and the reply of a server whose run goes on."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.rule(monkeypatch)
    return made


@pytest.fixture(params=HANDLES)
def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class Server:
    """Replies that a run goes on, and counts the requests."""

    def __init__(self, service: str) -> None:
        self.make, self.reply = HANDLES[service]
        self.asked = 0

    def handle(self) -> Any:
        def reply(_: httpx.Request) -> httpx.Response:
            self.asked += 1
            return httpx.Response(200, json=self.reply)

        return self.make(httpx.Client(transport=httpx.MockTransport(reply)))


def test_a_wait_is_told_in_seconds_how_long_and_how_often(service: str, clock: Clock) -> None:
    server = Server(service)
    with pytest.raises(JobTimeoutError, match=r"r-1 .*within 5") as caught:
        server.handle().wait(timeout=5, poll_interval=2)
    assert clock.slept == [2, 2, 1]
    assert (caught.value.task_id, server.asked) == ("r-1", 4)


@pytest.mark.parametrize(
    "wrong",
    [{"timeout": -1}, {"timeout": "5"}, {"poll_interval": "2"}, {"poll_interval": -1}, {"on_progress": "print"}],
    ids=str,
)
def test_what_a_wait_cannot_be_told_is_refused_before_anything_is_sent(service: str, wrong: dict[str, Any]) -> None:
    server = Server(service)
    with pytest.raises(InvalidInputError):
        server.handle().wait(**wrong)
    assert server.asked == 0


@pytest.mark.parametrize("call", ["refresh", "wait", "result"])
def test_an_error_of_a_handle_has_the_id_of_its_run(service: str, call: str) -> None:
    refusal = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(404)))
    with pytest.raises(SimStudioError) as caught:
        getattr(HANDLES[service][0](refusal), call)()
    assert caught.value.task_id == "r-1"


AGAIN = {
    "oomol": "client.tasks.wait_for_completion('r-1')",
    "speedpix": "client.predictions.get('r-1').wait()",
    "vectorvein": "client.workflows.handle('r-1').wait()",
    "vectorvein agent": "client.agent_tasks.handle('r-1').wait()",
}


def test_ctrl_c_names_the_run_that_goes_on_and_how_to_wait_for_it_again(service: str, clock: Clock) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        Server(service).handle().wait(on_progress=interrupt)

    assert "r-1 was not waited for to its end." in str(caught.value)
    assert str(caught.value).endswith(f"wait again with {AGAIN[service]}.")
