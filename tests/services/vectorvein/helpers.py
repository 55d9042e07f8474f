"""What the tests of VectorVein share: samples, canned servers, one script for both clients.

A *script* is a function of a client. It returns what one call returns, or is a generator that yields calls and gets
their results; either way it serves both clients.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from attrs import evolve, field, frozen

from simstudio.core.polling import Poller
from simstudio.services.vectorvein import AsyncVectorVeinClient, VectorVeinClient, WorkflowInputField
from simstudio.testing import assert_all_played, block_network, make_vcr, strict_models
from tests.scripts import adrive, drive, sleep_by

CASSETTES = Path(__file__).parents[3] / "cassettes" / "vectorvein"
SITE = "http://vectorvein.test"
BASE_URL = f"{SITE}/api/v1/open-api"
KEY = "0123456789abcdef0123456789abcdef"

WID = "abcde0985736457aa72cc667f17bfc89"
FIELDS = [WorkflowInputField("8fc6eceb-8599-46a7-87fe-58bf7c0b633e", "商品名称", "测试商品")]
OUTPUTS = [
    {"type": "Text", "title": "标题", "value": "v"},
    {"type": "Audio", "title": "a", "value": ["http://x/y.mp3"]},
]

Script = Callable[[Any], Any]


@frozen
class Sample:
    """A call recorded from VectorVein's own package."""

    file: Path
    use: str
    outcome: dict[str, Any]
    interactions: list[dict[str, Any]]
    told: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.file.parent.name}/{self.file.stem}"


@cache
def samples() -> dict[str, Sample]:
    """All of them, by ``newest/NN_name`` or ``seed/NN_name``."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = []
    for file in sorted(CASSETTES.rglob("[0-9]*.yaml")):
        data = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)
        told = data["sample"]
        found.append(Sample(file, told["use"], told["outcome"], data["interactions"], told))
    assert found
    return {sample.name: sample for sample in found}


def told_not_to_wait(sample: Sample) -> Sample:
    """A sample as it is to be played: we never make the server wait for a run (defect 5), VectorVein's package does."""
    interactions = []
    for each in sample.interactions:
        body = (each["request"]["body"] or "").replace('"wait_for_completion":true', '"wait_for_completion":false')
        interactions.append({**each, "request": {**each["request"], "body": body or None}})
    return evolve(sample, interactions=interactions)


@contextmanager
def playing(sample: Sample, *, requests: int | None = None) -> Iterator[Any]:
    """The sample's canned replies to its requests, no network, and at the end every one of them played.

    Args:
        sample: what is played.
        requests: play only so many of its exchanges.
    """
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "sample.yaml")
        played = sample.interactions[:requests]
        file.write_text(yaml.safe_dump({"version": 1, "interactions": played}, allow_unicode=True), "utf-8")
        recorder = make_vcr(directory, record_mode="none")
        with recorder.use_cassette(file.name) as tape, block_network(loopback=False), strict_models():
            yield tape
            assert_all_played(tape)


class Spy:
    """Middleware that keeps the headers of what is sent."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    def __call__(self, request: Any, call_next: Any) -> Any:
        self.headers.append({name.lower(): value for name, value in request.headers.pairs()})
        return (yield from call_next(request))


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def rule(self, monkeypatch: Any) -> None:
        """Let every client sleep by this clock, and every wait look at it."""
        sleep_by(monkeypatch, self.sleep, self.asleep)
        monkeypatch.setattr(Poller, "wait", self._timed(Poller.wait))

    def _timed(self, wait: Any) -> Any:
        def timed(poller: Poller, *args: Any, **kwargs: Any) -> Any:
            return wait(evolve(poller, clock=self, random=lambda: 0.5), *args, **kwargs)

        return timed


def envelope(data: Any = None, status: int = 200, msg: str = "success", **more: Any) -> dict[str, Any]:
    """The body of an answer."""
    return {"status": status, "msg": msg, "data": data, **more}


@frozen
class Canned:
    """A server that gives its replies in order; the last one goes on for ever.

    A reply is JSON data (status 200), ``(status, data)``, ``(status, data, headers)``, or an exception to be raised.
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
        reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
        self.requests.append(request)
        if isinstance(reply, BaseException):
            raise reply
        status, data, headers = (*reply, {})[:3] if isinstance(reply, tuple) else (200, reply, {})
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        return httpx.Response(status, content=content, headers={"Content-Type": "application/json", **headers})

    def client(self, mode: str, **options: Any) -> Any:
        options = {"api_key": KEY, "base_url": BASE_URL, "max_retries": 0, **options}
        if mode == "sync":
            return VectorVeinClient(http_client=httpx.Client(transport=httpx.MockTransport(self)), **options)
        transport = httpx.MockTransport(self.acall)
        return AsyncVectorVeinClient(http_client=httpx.AsyncClient(transport=transport), **options)

    def run(self, mode: str, script: Script, **options: Any) -> Any:
        """What the script gives with a client of this server."""
        return run(self.client(mode, **options), script)

    @property
    def paths(self) -> list[str]:
        """The endpoints that were called."""
        return [request.url.path.removeprefix("/api/v1/open-api/") for request in self.requests]

    @property
    def bodies(self) -> list[Any]:
        """What was sent, as data."""
        return [json.loads(request.content) for request in self.requests]


def new_client(mode: str, **options: Any) -> Any:
    """A client of its own, for cassettes."""
    options = {"api_key": KEY, "base_url": BASE_URL, "max_retries": 0, **options}
    return VectorVeinClient(**options) if mode == "sync" else AsyncVectorVeinClient(**options)


def run(client: Any, script: Script) -> Any:
    """Run a script with a client, and close it."""
    if isinstance(client, VectorVeinClient):
        with client:
            return drive(script(client))
    return asyncio.run(_arun(client, script))


async def _arun(client: Any, script: Script) -> Any:
    async with client:
        return await adrive(script(client))
