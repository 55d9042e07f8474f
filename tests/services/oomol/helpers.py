"""What the tests of Oomol Connect share: samples, canned servers, one script for both clients.

A *script* is a function of a client. It returns what one call returns, or is a generator that yields calls and gets
their results; either way it serves both clients.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from attrs import field, frozen

from simstudio.sandbox.forms import parse_form
from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient
from simstudio.testing import block_network, make_vcr, strict_models
from tests.scripts import adrive, drive, sleep_by

CASSETTES = Path(__file__).parents[3] / "cassettes" / "oomol"
BASE_URL, APPLETS_URL = "http://oomol.test/api", "http://applets.test"
TOKEN = "tok-sim-test"

Script = Callable[[Any], Any]


@frozen
class Exchange:
    """One recorded request, and its canned reply."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    status: int
    reply: bytes


@frozen
class Sample:
    """A scenario recorded from the service's own package."""

    name: str
    use: str
    outcome: dict[str, Any]
    sleeps: list[float]
    events: list[list[Any]]
    exchanges: list[Exchange]


@cache
def samples() -> dict[str, Sample]:
    """All samples by name."""
    found = {file.stem: _sample(file) for file in sorted(CASSETTES.glob("*.yaml"))}
    assert found
    return found


def _sample(file: Path) -> Sample:
    data = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    about = data["sample"]
    return Sample(
        file.stem,
        about["use"],
        about["outcome"],
        about.get("sleeps_seconds", []),
        about.get("callback_events", []),
        [_exchange(each["request"], each["response"]) for each in data["interactions"]],
    )


def _exchange(request: dict[str, Any], response: dict[str, Any]) -> Exchange:
    headers = {name.lower(): ", ".join(values) for name, values in request["headers"].items()}
    return Exchange(
        request["method"],
        request["uri"],
        headers,
        _bytes(request["body"]),
        response["status"]["code"],
        _bytes(response["body"]["string"]),
    )


def _bytes(text: str | bytes | None) -> bytes:
    return text.encode() if isinstance(text, str) else text or b""


@frozen
class Sent:
    """One request as it left a client."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.url.partition("://")[2].partition("/")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Spy:
    """Middleware that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def __call__(self, request: Any, call_next: Any) -> Any:
        content = request.content
        body = content if isinstance(content, bytes) else b"".join(content)
        headers = {name.lower(): value for name, value in request.headers.pairs()}
        self.sent.append(Sent(request.method, request.url, headers, body))
        return (yield from call_next(request))


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def rule(self, monkeypatch: Any) -> None:
        """Let every client sleep by this clock."""
        sleep_by(monkeypatch, self.sleep, self.asleep)


@frozen
class Canned:
    """A server that gives its replies in order; the last one goes on for ever.

    A reply is JSON data (status 200), ``(status, data)``, ``(status, data, headers)``, an exception to be raised, or a
    function of the request that gives one of these.
    """

    replies: list[Any]
    requests: list[httpx.Request] = field(factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._answer(request)

    async def acall(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        index = len(self.requests)
        self.requests.append(request)
        reply = self.replies[min(index, len(self.replies) - 1)]
        if callable(reply) and not isinstance(reply, BaseException):
            reply = reply(request)
        if isinstance(reply, BaseException):
            raise reply
        status, data, *more = reply if isinstance(reply, tuple) else (200, reply)
        headers = more[0] if more else {}
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        return httpx.Response(status, content=content, headers={"Content-Type": "application/json", **headers})

    def client(self, mode: str, **options: Any) -> Any:
        options = {"base_url": BASE_URL, "api_token": TOKEN, "max_retries": 0, **options}
        if mode == "sync":
            return OomolConnectClient(http_client=httpx.Client(transport=httpx.MockTransport(self)), **options)
        transport = httpx.MockTransport(self.acall)
        return AsyncOomolConnectClient(http_client=httpx.AsyncClient(transport=transport), **options)

    def run(self, mode: str, script: Script, **options: Any) -> Any:
        """What the script gives with a client of this server."""
        clock = options.pop("clock", None)
        return run(self.client(mode, **options), script, clock=clock)

    @property
    def paths(self) -> list[str]:
        """What was asked for, ``METHOD /path`` each."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


def run(client: Any, script: Script, *, clock: Clock | None = None) -> Any:
    """What a script gives with a client, which is closed then."""
    if clock is not None:
        for resource in (client.tasks, client.packages, client.applets):
            resource.poller = _by(resource.poller, clock)
    if isinstance(client, OomolConnectClient):
        with client:
            return drive(script(client))

    async def awaited() -> Any:
        async with client:
            return await adrive(script(client))

    return asyncio.run(awaited())


def _by(poller: Any, clock: Clock) -> Any:
    import attrs

    return attrs.evolve(poller, clock=clock)


def replay(mode: str, sample: Sample, script: Script, *, clock: Clock, **options: Any) -> tuple[Any, list[Sent]]:
    """Play a sample's canned replies to a script; what it gave or raised, and what was sent."""
    spy = Spy()
    options = {
        "base_url": BASE_URL, "applets_url": APPLETS_URL, "api_token": TOKEN, "max_retries": 0, "middleware": [spy],
        **options,
    }  # fmt: skip
    client = OomolConnectClient(**options) if mode == "sync" else AsyncOomolConnectClient(**options)
    outcome: Any
    with (
        make_vcr(CASSETTES, record_mode="none").use_cassette(sample.name),
        block_network(loopback=False),
        strict_models(),
    ):
        try:
            outcome = run(client, script, clock=clock)
        except Exception as error:
            outcome = error
    return outcome, spy.sent


def assert_equivalent(sent: Sent, recorded: Exchange, *, token: str = TOKEN) -> None:
    """Require a request to say the same as a recorded one: method, address, token, and body as data."""
    assert (sent.method, sent.url) == (recorded.method, recorded.url)
    assert sent.headers["authorization"] == recorded.headers["authorization"].replace("REDACTED", token)
    if not recorded.body:
        assert sent.body == b""
        assert "content-type" not in sent.headers
    elif recorded.headers["content-type"] == "application/json":
        assert sent.headers["content-type"] == "application/json"
        assert sent.json == json.loads(recorded.body)
    else:
        assert form(sent.headers["content-type"], sent.body) == form(recorded.headers["content-type"], recorded.body)


def form(content_type: str, body: bytes) -> Any:
    """A form as data, whatever its boundary."""
    texts, files = parse_form(content_type, body)
    if "inputValues" in texts:
        texts["inputValues"] = json.loads(texts["inputValues"])
    return list(texts.items()), files


def plain(value: Any) -> Any:
    """A result as plain JSON data."""
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def task(status: str = "completed", task_id: str = "t-1", **more: Any) -> dict[str, Any]:
    """A reply that shows a task."""
    return {"task": {"id": task_id, "status": status, **more}, "success": True}


def logs(*lines: tuple[Any, str] | dict[str, Any]) -> dict[str, Any]:
    """A reply that shows a log."""
    shown: Iterable[Any] = (line if isinstance(line, dict) else {"id": line[0], "type": line[1]} for line in lines)
    return {"logs": list(shown)}
