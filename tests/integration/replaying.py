"""Play recordings of real servers to the real client, sync and async, without a network.

A *script* is a function of a client. It returns what one call returns, or is a generator that yields calls and gets
their results; either way it serves both clients::

    def script(client):
        receipt = yield client.workflows.submit("wf")
        return (yield client.jobs.wait(receipt))
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import frozen

from simstudio import ANONYMOUS, AsyncSimStudioClient, SimStudioClient, SimStudioError
from simstudio.testing import assert_all_played, block_network, make_vcr
from tests.recorded import Recording, recording
from tests.scripts import adrive, drive

V06, V04 = "sim-v0.6.43", "sim-v0.4.22"
BASE_URL = "http://sim.test"
KEY = "sk-sim-test"

Script = Callable[[Any], Any]

# What the client says of itself, or what it is told otherwise than by a header.
_OWN_HEADERS = {"user-agent", "content-type", "x-api-key", "accept-encoding"}


@frozen
class Exchange:
    """A recorded exchange, perhaps with other ids in it."""

    recording: Recording
    replaced: tuple[tuple[str, str], ...] = ()

    def interaction(self) -> dict[str, Any]:
        text = self.recording.file.read_text(encoding="utf-8")
        for old, new in self.replaced:
            assert old in text
            text = text.replace(old, new)
        (interaction,) = yaml.safe_load(text)["interactions"]
        return interaction


@contextmanager
def cassette(exchanges: Sequence[Recording | Exchange]) -> Iterator[Any]:
    """The exchanges as one vcrpy cassette, in this order; each can be played once."""
    if len(exchanges) == 1 and isinstance(exchanges[0], Recording):
        file = exchanges[0].file
        with make_vcr(file.parent, record_mode="none").use_cassette(file.name) as tape:
            yield tape
        return
    interactions = [(each if isinstance(each, Exchange) else Exchange(each)).interaction() for each in exchanges]
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "joined.yaml")
        file.write_text(yaml.safe_dump({"version": 1, "interactions": interactions}, allow_unicode=True), "utf-8")
        with make_vcr(directory, record_mode="none").use_cassette(file.name) as tape:
            yield tape


def play(
    mode: str,
    exchanges: Recording | Sequence[Recording | Exchange],
    script: Script,
    *,
    played: bool = True,
    **options: Any,
) -> Any:
    """Run a script against recorded exchanges and return what it returns.

    The network is blocked, this machine included, and every exchange must have been played exactly once.

    Args:
        mode: the kind of client, ``sync`` or ``async``.
        exchanges: what the server will answer.
        script: what the user does.
        played: False where the script is not supposed to play the cassette to its end.
        **options: further arguments of the client.
    """
    taken = [exchanges] if isinstance(exchanges, Recording) else list(exchanges)
    with cassette(taken) as tape, block_network(loopback=False):
        try:
            outcome = run(mode, script, **options)
        except SimStudioError:
            if played:
                assert_all_played(tape)
            raise
        if played:
            assert_all_played(tape)
            assert tape.play_count == len(taken)
        return outcome


def run(mode: str, script: Script, **options: Any) -> Any:
    """Run a script with a client of its own."""
    options = {"api_key": KEY, "base_url": BASE_URL, **options}
    if mode == "sync":
        with SimStudioClient(**options) as client:
            return drive(script(client))
    return asyncio.run(_arun(script, options))


async def _arun(script: Script, options: dict[str, Any]) -> Any:
    async with AsyncSimStudioClient(**options) as client:
        return await adrive(script(client))


@frozen
class Streamed:
    """What reading a stream to its end brought."""

    events: list[Any]
    result: Any = None
    error: Exception | None = None


def read(stream: Any) -> Any:
    """Read ``client.workflows.stream(...)`` of either client, event by event."""
    return _aread(stream) if hasattr(stream, "__aenter__") else _read(stream)


def _read(stream: Any) -> Streamed:
    events = []
    with stream:
        try:
            for event in stream:
                events.append(event)  # noqa: PERF402 - what came before a failure is wanted too
        except Exception as error:
            return Streamed(events, error=error)
    return Streamed(events, stream.result())


async def _aread(opening: Any) -> Streamed:
    events = []
    async with opening as stream:
        try:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - as above
        except Exception as error:
            return Streamed(events, error=error)
    return Streamed(events, await stream.result())


class Watch:
    """Middleware that keeps what was sent, and may send other bytes than the client would.

    Args:
        content: the body to send in place of the client's own.
        headers: set on top of the client's own; also those that it refuses to be told.
    """

    def __init__(self, content: bytes | None = None, headers: dict[str, str] | None = None) -> None:
        self.content = content
        self.headers = headers or {}
        self.sent: list[Any] = []

    def __call__(self, request: Any, call_next: Any) -> Any:
        if self.content is not None:
            request.content = self.content
        for name, value in self.headers.items():
            request.headers[name] = value
        self.sent.append(request)
        return (yield from call_next(request))

    def assert_sent_as(self, recorded: Recording) -> None:
        """Require what the recording's caller said by headers to have been said by the client too."""
        (sent,) = self.sent
        headers = {name.lower(): value for name, value in recorded.request_headers.items()}
        assert ("x-api-key" in headers) == ("x-api-key" in sent.headers)
        for name, value in headers.items():
            if name not in _OWN_HEADERS:
                assert sent.headers[name] == value
        assert sent.headers["user-agent"].strip() or headers["user-agent"] == ""
        if sent.content:
            assert sent.headers["content-type"] == "application/json"


def workflow_of(recorded: Recording) -> str:
    """The workflow in a recording's path."""
    parts = recorded.path.split("/")
    assert parts[2] == "workflows"
    return parts[3]


def body_of(recorded: Recording) -> Any:
    """The JSON that was sent."""
    return json.loads(recorded.request_body or b"null")


def answer_of(recorded: Recording) -> Any:
    """The JSON that came back."""
    return json.loads(recorded.body)


def client_options(recorded: Recording) -> dict[str, Any]:
    """The client that the recording's caller would have made: with or without a key, and with its odd headers.

    It never tries again: each cassette holds one answer.
    """
    headers = {name: value for name, value in recorded.request_headers.items() if name.lower() not in _OWN_HEADERS}
    headers.pop("X-Execution-Mode", None)  # what an operation says, not a setting
    options: dict[str, Any] = {"max_retries": 0, "headers": headers}
    if not any(name.lower() == "x-api-key" for name in recorded.request_headers):
        options["api_key"] = ANONYMOUS
    return options


def parameters(table: dict[tuple[str, int], Any]) -> list[Any]:
    """Each recording of a table, and what is expected of it."""
    return [pytest.param(recording(*key), value, id=f"{key[0]}-{recording(*key)}") for key, value in table.items()]


def one_of_each_kind(table: dict[tuple[str, int], Any]) -> dict[tuple[str, int], Any]:
    """The first recording of each kind of outcome: what is expected without its texts, and the answer's status."""
    names = ("kind", "envelope", "paused", "joined", "deployed", "done")
    found: dict[Any, tuple[tuple[str, int], Any]] = {}
    for key, expected in table.items():
        told = [getattr(expected, name, None) for name in names]
        told += [getattr(expected, "error", None) is None, min(len(getattr(expected, "texts", ())), 2)]
        found.setdefault((type(expected), *told, recording(*key).status), (key, expected))
    return dict(found.values())


def on_both_clients(table: dict[tuple[str, int], Any]) -> list[Any]:
    """Every recording of a table on the sync client, and one of each kind on the async one."""
    tables = {"sync": table, "async": one_of_each_kind(table)}
    return [
        pytest.param(mode, *each.values, id=f"{mode}-{each.id}")
        for mode, chosen in tables.items()
        for each in parameters(chosen)
    ]


def in_every_way(ways: Iterable[str], table: dict[tuple[str, int], Any]) -> list[Any]:
    """The same in the first of some ways of asking; in the others one recording of each kind on the sync client."""
    first, *others = ways
    cases = [
        pytest.param(mode, first, *values, id=f"{first}-{mode}-{name}")
        for (mode, *values), name in ((each.values, each.id.partition("-")[2]) for each in on_both_clients(table))
    ]
    return cases + [
        pytest.param("sync", way, *each.values, id=f"{way}-sync-{each.id}")
        for way in others
        for each in parameters(one_of_each_kind(table))
    ]


def of(set_name: str, *numbers: int) -> list[Recording]:
    """Several recordings of a set."""
    return [recording(set_name, number) for number in numbers]
