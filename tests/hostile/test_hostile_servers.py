"""Servers that want to do harm: each row is one input, the call that meets it, and the error that names the bound.

The servers are functions behind an HTTP client of the user's, so that no socket is needed and both kinds of client are
cheap. What a connection does below that (headers, informational responses, dribbled bytes) is in
``tests/wire/test_wire_bounds.py`` and ``tests/wire/test_wire_deadline.py``.
"""

from __future__ import annotations

import gzip
import itertools
import json
import pickle
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from simstudio import (
    APIStatusError,
    APITimeoutError,
    InvalidResponseError,
    JobTimeoutError,
    RateLimitError,
    SimStudioError,
    StreamError,
)
from simstudio.core.polling import Poller
from simstudio.core.sse import SSEDecoder
from simstudio.transport.deadline import Budget
from tests.driving import Clock
from tests.hostile.servers import CLIENTS, Call, Endless, Handler, Server, play
from tests.modes import both_modes

BOUND = 200_000


def page(items: list[Any], **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": items, **more})


def rows(*numbers: int) -> httpx.Response:
    data = {"rows": [{"id": str(n), "data": {}} for n in numbers], "totalCount": 10**9}
    return httpx.Response(200, json={"success": True, "data": data})


def envelope(data: Any) -> httpx.Response:
    return httpx.Response(200, json={"status": 200, "msg": "", "data": data})


def sent(pieces: Iterable[bytes], status: int = 200, **headers: str) -> httpx.Response:
    named = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return httpx.Response(status, headers=named, stream=Endless(pieces))


events_of = partial(sent, content_type="text/event-stream")


def frame(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def bomb(layers: int = 1) -> bytes:
    """Ten megabytes of spaces in few bytes."""
    content = b" " * 10_000_000
    for _ in range(layers):
        content = gzip.compress(content, 1)
    return content


ONE_LAYER, TWO_LAYERS = bomb(), bomb(2)


def moved(n: int) -> httpx.Response:
    return httpx.Response(308, headers={"location": f"/again{n}"})


v1_list: Call = lambda client: client.v1.workflows.list("ws")  # noqa: E731
v2_list: Call = lambda client: client.v2.workflows.list("ws")  # noqa: E731
row_list: Call = lambda client: client.v1.tables.rows.list("t", workspace_id="ws")  # noqa: E731
agent_list: Call = lambda client: client.agents.iterate()  # noqa: E731
execute: Call = lambda client: client.workflows.execute("wf")  # noqa: E731
get: Call = lambda client: client.request("GET", "/x")  # noqa: E731
stream: Call = lambda client: client.workflows.stream("wf")  # noqa: E731
stream_whole: Call = lambda client: client.execute_workflow("wf", stream=True)  # noqa: E731
run_stream: Call = lambda client: client.v2.runs.stream("wf")  # noqa: E731
execute_v2: Call = lambda client: client.v2.runs.execute("wf", timeout=None)  # noqa: E731
wait: Call = lambda client: client.jobs.wait("job", timeout=5)  # noqa: E731

# name: the service, the call, what the server answers to request n, the error, and what its text says
PAGES: dict[str, tuple[str, Call, Handler, type[SimStudioError], str]] = {
    "v1: a page after itself": (
        "sim",
        v1_list,
        lambda n: page([{"id": n}], nextCursor="c"),
        InvalidResponseError,
        "'c'",
    ),
    "v2: a page after itself": (
        "sim",
        v2_list,
        lambda n: page([{"id": n}], nextCursor="c"),
        InvalidResponseError,
        "'c'",
    ),
    "a cycle of three pages": (
        "sim",
        v2_list,
        lambda n: page([{"id": n}], nextCursor=f"c{n % 3}"),
        InvalidResponseError,
        "'c0' a second time",
    ),
    "one page under new cursors": (
        "sim",
        v2_list,
        lambda n: page([{"id": 0}], nextCursor=f"c{n}"),
        InvalidResponseError,
        "the same page again",
    ),
    "empty pages": ("sim", v1_list, lambda n: page([], nextCursor=f"c{n}"), InvalidResponseError, "1,000 empty pages"),
    "offsets that mean nothing": ("sim", row_list, lambda n: rows(1, 2), InvalidResponseError, "the same page again"),
    "page numbers that mean nothing": (
        "vectorvein",
        agent_list,
        lambda n: envelope({"agents": [{"agent_id": "a"}], "page_count": 10**9}),
        InvalidResponseError,
        "the same page again",
    ),
    "redirects to itself": ("sim", get, moved, APIStatusError, "308"),
    "a retry in a year": (
        "sim",
        get,
        lambda n: httpx.Response(429, headers={"retry-after": "31536000"}),
        RateLimitError,
        "HTTP 429, GET /x, attempt 1",
    ),
    "no number to wait": (
        "sim",
        get,
        lambda n: httpx.Response(429, headers={"retry-after": "nan"}),
        RateLimitError,
        "attempt 3",
    ),
}
BODIES: dict[str, Handler] = {
    "without an end": lambda n: sent(itertools.repeat(b" " * 10_000)),
    "of an error, without an end": lambda n: sent(itertools.repeat(b" " * 10_000), 418),
    "that inflates": lambda n: sent([ONE_LAYER], content_encoding="gzip"),
    "that inflates twice": lambda n: sent([TWO_LAYERS], content_encoding="gzip, gzip"),
    "of an error, that inflates": lambda n: sent([ONE_LAYER], 418, content_encoding="gzip"),
}
STREAMS: dict[str, tuple[Handler, type[SimStudioError], str]] = {
    "comments without an end": (
        lambda n: events_of(itertools.repeat(b": still here\n\n" * 1000)),
        StreamError,
        "bytes without a whole event",
    ),
    "ids without an end": (
        lambda n: events_of(itertools.repeat(b"id: 7\n" * 1000)),
        StreamError,
        "without a whole event",
    ),
    "a comment without an end": (lambda n: events_of(itertools.repeat(b":" * 9999)), StreamError, "max_event_size="),
    "an event without an end": (
        lambda n: events_of(itertools.repeat(b"data: x\n" * 1000)),
        StreamError,
        "max_event_size=",
    ),
    "text without an end": (
        lambda n: events_of(itertools.repeat(frame({"blockId": "b", "chunk": "x" * 999}))),
        StreamError,
        "characters of text",
    ),
    "blocks without an end": (
        lambda n: events_of(frame({"blockId": f"{i:0999}", "chunk": ""}) for i in itertools.count()),
        StreamError,
        "characters of text",
    ),
    "comments that inflate": (
        lambda n: events_of([gzip.compress(b": still here\n\n" * 100_000)], content_encoding="gzip"),
        StreamError,
        "bytes without a whole event",
    ),
    "an encoding of two layers": (
        lambda n: events_of([TWO_LAYERS], content_encoding="gzip, gzip"),
        StreamError,
        "encoding",
    ),
    "an encoding without a bound": (lambda n: events_of([b"?"], content_encoding="br"), StreamError, "encoding 'br'"),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that are reached quickly."""
    monkeypatch.setattr("simstudio.core.sse.MOST_BETWEEN_EVENTS", BOUND)
    monkeypatch.setattr("simstudio.resources.execution_events.MOST_TEXT", BOUND)
    monkeypatch.setattr(
        "simstudio.resources.execution_events.SSEDecoder", lambda max_event_size: SSEDecoder(max_event_size=BOUND)
    )


@both_modes
@pytest.mark.parametrize("name", PAGES)
def test_no_pages_and_no_repetitions_go_on_without_end(mode: str, name: str, no_waiting: list[float]) -> None:
    service, call, handler, kind, text = PAGES[name]
    server = Server(handler)
    with pytest.raises(kind, match=text):
        play(mode, service, server, call)
    assert server.asked <= 1000
    assert max(no_waiting, default=0) < 60


@both_modes
@pytest.mark.parametrize("service", CLIENTS)
@pytest.mark.parametrize("name", BODIES)
def test_no_body_goes_on_without_end(mode: str, service: str, name: str) -> None:
    with pytest.raises(InvalidResponseError, match=f"more than {BOUND} bytes.+max_response_size"):
        play(mode, service, Server(BODIES[name]), get, max_response_size=BOUND)


@both_modes
@pytest.mark.parametrize("call", [stream, stream_whole, run_stream], ids=["events", "result", "run"])
@pytest.mark.parametrize("name", STREAMS)
def test_no_stream_goes_on_without_end(mode: str, name: str, call: Call) -> None:
    handler, kind, text = STREAMS[name]
    with pytest.raises(kind, match=text):
        play(mode, "sim", Server(handler), call)


@both_modes
def test_heartbeats_do_not_go_on_without_end(mode: str) -> None:
    beat = frame({"type": "heartbeat"}).removeprefix(b"data: ")
    server = Server(lambda n: sent(itertools.repeat(beat * 100), content_type="application/x-ndjson"))
    with pytest.raises(InvalidResponseError, match="max_response_size"):
        play(mode, "sim", server, execute_v2, max_response_size=BOUND, max_retries=0)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_poll_that_is_never_final_ends_with_the_wait(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("simstudio.resources.jobs.Jobs.poller", Poller(clock=clock))
    monkeypatch.setattr("simstudio.transport.flow.time.sleep", clock.advance)

    async def asleep(seconds: float) -> None:
        clock.advance(seconds)

    monkeypatch.setattr("asyncio.sleep", asleep)
    server = Server(lambda n: httpx.Response(200, json={"taskId": "job", "status": "processing"}))
    with pytest.raises(JobTimeoutError):
        play(mode, "sim", server, wait)
    assert server.asked < 10


class TestTheDeadlineOfAStream:
    """``idle_timeout`` is the longest time without an event, whatever else comes."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        clock = Clock()
        monkeypatch.setattr("simstudio.core.resource.Budget", partial(Budget, clock=clock))
        return clock

    @staticmethod
    def ticking(clock: Clock, seconds: float, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            clock.advance(seconds)
            yield piece

    @both_modes
    @pytest.mark.parametrize("call", ["events", "result"])
    @pytest.mark.parametrize("piece", [b": still here\n\n", b"id: 5\n", b"\n", b"data: on and on\n"])
    def test_comments_do_not_extend_it(self, mode: str, clock: Clock, call: str, piece: bytes) -> None:
        first = frame({"blockId": "b", "chunk": "Hel"})
        body = Endless(self.ticking(clock, 1.0, itertools.chain([first], itertools.repeat(piece))))
        made = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body)

        def use(client: Any) -> Any:
            if call == "events":
                return client.workflows.stream("wf", idle_timeout=10)
            return client.execute_workflow("wf", stream=True, timeout=10)

        with pytest.raises(APITimeoutError, match="for 10 s") as caught:
            play(mode, "sim", Server(lambda n: made), use)
        assert caught.value.partial == "Hel"
        assert body.read <= 12

    @both_modes
    def test_events_do_and_so_does_the_time_that_their_reader_takes(self, mode: str, clock: Clock) -> None:
        texts = [frame({"blockId": "b", "chunk": "x"})] * 5
        final = frame({"event": "final", "data": {"success": True, "output": {}}}) + frame("[DONE]")
        body = self.ticking(clock, 9.0, [*texts, final])
        server = Server(lambda n: events_of(body))

        def slow(client: Any) -> Any:
            opened = client.workflows.stream("wf", idle_timeout=10)
            return slowly_async(opened) if mode == "async" else slowly(opened)

        def slowly(opened: Any) -> Iterator[Any]:
            for event in opened:
                clock.advance(100)
                yield event

        async def slowly_async(opened: Any) -> AsyncIterator[Any]:
            async for event in opened:
                clock.advance(100)
                yield event

        assert len(play(mode, "sim", server, slow)) == 6


def failed_run(text: str) -> dict[str, Any]:
    return {"success": False, "output": {}, "error": text}


LONG_TEXTS: dict[str, tuple[str, Call, Callable[[str], httpx.Response]]] = {
    "of a run": ("sim", execute, lambda text: httpx.Response(500, json=failed_run(text))),
    "of a job": (
        "sim",
        wait,
        lambda text: httpx.Response(200, json={"taskId": "t", "status": "failed", "error": text}),
    ),
    "of a stream": ("sim", stream, lambda text: events_of([frame({"event": "error", "error": text})])),
    "of a status": ("sim", get, lambda text: httpx.Response(400, json={"error": text, "code": text})),
    "of another type": ("sim", get, lambda text: httpx.Response(400, headers={"content-type": text[:60_000]})),
    "of a task": (
        "oomol",
        lambda client: client.tasks.wait_for_completion("t"),
        lambda text: httpx.Response(200, json={"id": "t", "status": "failed", "error": text}),
    ),
    "of a prediction": (
        "speedpix",
        lambda client: client.run("wf", {}),
        lambda text: httpx.Response(200, json={"status": 20, "errCode": text, "errMessage": text}),
    ),
    "of an agent": (
        "vectorvein",
        lambda client: client.list_agents(),
        lambda text: httpx.Response(200, json={"status": 500, "msg": text}),
    ),
}


@both_modes
@pytest.mark.parametrize("name", LONG_TEXTS)
def test_no_message_is_as_long_as_a_server_likes(mode: str, name: str) -> None:
    service, call, answer = LONG_TEXTS[name]
    with pytest.raises(SimStudioError) as caught:
        play(mode, service, Server(lambda n: answer("x" * 1_000_000)), call, max_retries=0)
    assert len(str(caught.value)) < 11_000
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
