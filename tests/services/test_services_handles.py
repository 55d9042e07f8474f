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

Call = Callable[..., Any]
SERVICES: dict[str, tuple[Call, Any]] = {
    "oomol": (
        lambda http: OomolConnectClient("https://oomol.test", "token", http_client=http),
        {"task": {"id": "r-1", "status": "running"}},
    ),
    "speedpix": (
        lambda http: Client("key", "secret", "https://speedpix.test", http_client=http),
        {"status": 10, "data": {"taskId": "r-1", "status": "running"}},
    ),
    "vectorvein": (
        lambda http: VectorVeinClient("key", "https://vectorvein.test", http_client=http),
        {"status": 202, "msg": "", "data": {"rid": "r-1"}},
    ),
    "vectorvein agent": (
        lambda http: VectorVeinClient("key", "https://vectorvein.test", http_client=http),
        {"status": 200, "msg": "", "data": {"task_id": "r-1", "status": "running"}},
    ),
}
"""A client of each service, and the reply of a server whose run goes on."""
HANDLES: dict[str, Call] = {
    "oomol": lambda client: client.tasks.handle("r-1"),
    "speedpix": lambda client: client.predictions.handle("r-1"),
    "vectorvein": lambda client: client.workflows.handle("r-1"),
    "vectorvein agent": lambda client: client.agent_tasks.handle("r-1"),
}
RUNS: dict[str, Call] = {
    "oomol": lambda client, **options: client.tasks.run({"blockId": "a::b"}, **options),
    "oomol, options as a dict": lambda client, **options: client.tasks.run({"blockId": "a::b"}, options),
    "oomol, a wait": lambda client, **options: client.tasks.wait_for_completion("r-1", **options),
    "oomol, an installation": lambda client, **options: client.packages.wait_for_install_completion("r-1", **options),
    "speedpix": lambda client, **options: client.run("w", {}, **options),
    "vectorvein": lambda client, **options: client.workflows.run("w", [], **options),
}
"""How a run is begun and waited for."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.rule(monkeypatch)
    return made


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class Server:
    """Replies that a run goes on, and counts the requests."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.make, self.reply = SERVICES[service]
        self.asked = 0

    def handle(self) -> Any:
        return HANDLES[self.service](self.client())

    def client(self) -> Any:
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
        getattr(HANDLES[service](SERVICES[service][0](refusal)), call)()
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


@pytest.mark.parametrize("name", RUNS)
def test_every_run_is_told_in_the_same_words_how_long_to_wait_and_how_often_to_poll(name: str, clock: Clock):
    with pytest.raises(JobTimeoutError, match=r"r-1 .*within 5") as caught:
        RUNS[name](Server(name.partition(",")[0]).client(), timeout=5, poll_interval=2)
    assert clock.slept == [2, 2, 1]
    assert caught.value.task_id == "r-1"


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"timeout": -1}, "timeout must .* Use None for no limit"),
        ({"poll_interval": "2"}, "poll_interval must be seconds as a number, or None for growing pauses"),
        ({"poll_interval": 0}, "poll_interval must .* Use None for growing pauses"),
        ({"on_progress": "print"}, "on_progress"),
    ],
)
def test_what_a_run_cannot_be_told_is_refused_before_anything_is_sent(name: str, wrong: dict[str, Any], said: str):
    server = Server(name.partition(",")[0])
    with pytest.raises(InvalidInputError, match=said):
        RUNS[name](server.client(), **wrong)
    assert server.asked == 0


@pytest.mark.parametrize(
    ("name", "both"),
    [
        ("oomol", {"timeout": 5, "timeout_ms": 5000}),
        ("oomol", {"poll_interval": 5, "interval_ms": 5000}),
        ("oomol", {"poll_interval": 5, "backoff_factor": 2}),
        ("speedpix", {"poll_interval": 5, "polling_interval": 5}),
    ],
)
def test_the_services_own_word_for_an_option_excludes_the_shared_one(name: str, both: dict[str, Any]):
    server = Server(name)
    with pytest.raises(InvalidInputError, match="give one of them"):
        RUNS[name](server.client(), **both)
    assert server.asked == 0
