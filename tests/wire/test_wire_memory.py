"""A long stream costs the text that is kept for ``result()``, and little more."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from faultserver import Connection, FaultServer
from wireanswers import DONE, FINAL, LAST_CHUNK, STREAM, answer, chunked, frame, text
from wirecalls import async_client_of, client_of

Serve = Callable[..., FaultServer]

CHUNK = "x" * 100_000
FRAMES = 200
KEPT = len(CHUNK) * FRAMES
SLACK = 4_000_000
"""Bytes: a fifth of the stream. Keeping its frames as well as its text would take the whole again."""


async def long(connection: Connection) -> None:
    await connection.request()
    await connection.send(STREAM, *[chunked(text(CHUNK))] * FRAMES, chunked(FINAL, DONE) + LAST_CHUNK)
    await connection.silence()


async def long_without_text(connection: Connection) -> None:
    await connection.request()
    other = chunked(frame({"event": "progress", "data": CHUNK}))
    await connection.send(STREAM, *[other] * FRAMES, chunked(FINAL, DONE) + LAST_CHUNK)
    await connection.silence()


@contextmanager
def at_most(extra: int) -> Iterator[None]:
    """No moment inside has so many bytes more than there were before."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield
        _, peak = tracemalloc.get_traced_memory()
        assert peak - before < extra
    finally:
        tracemalloc.stop()


def test_a_long_stream_adds_little_beyond_its_text(serve: Serve) -> None:
    server = serve(long)
    with client_of(server.url) as client, client.workflows.stream("wf") as stream:
        next(stream)
        with at_most(KEPT + SLACK):
            assert sum(len(piece) for piece in stream.text()) == KEPT - len(CHUNK)


async def test_a_long_stream_adds_little_beyond_its_text_async(serve: Serve) -> None:
    server = serve(long)
    async with async_client_of(server.url) as client, client.workflows.stream("wf") as stream:
        await stream.__anext__()
        with at_most(KEPT + SLACK):
            assert sum([len(piece) async for piece in stream.text()]) == KEPT - len(CHUNK)


def test_events_without_text_are_not_kept(serve: Serve) -> None:
    server = serve(long_without_text)
    with client_of(server.url) as client, client.workflows.stream("wf") as stream:
        next(stream)
        with at_most(SLACK):
            assert sum(1 for _ in stream) == FRAMES


async def test_events_without_text_are_not_kept_async(serve: Serve) -> None:
    server = serve(long_without_text)
    async with async_client_of(server.url) as client, client.workflows.stream("wf") as stream:
        await stream.__anext__()
        with at_most(SLACK):
            assert sum([1 async for _ in stream]) == FRAMES


def test_execute_workflow_with_stream_reads_as_frugally(serve: Serve) -> None:
    """Twice the text: the pieces, and the joined text of the result."""
    server = serve(long)
    with client_of(server.url) as client:
        client.request  # noqa: B018 - made before the measurement
        with at_most(2 * KEPT + 2 * SLACK):
            result = client.execute_workflow("wf", stream=True)
    assert len(result.output["agent"]["content"]) == KEPT


def test_a_large_answer_is_held_few_times(serve: Serve) -> None:
    """As bytes, as they are joined, and as text."""

    async def large(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer({"success": True, "output": CHUNK * FRAMES}))
        await connection.silence()

    server = serve(large)
    with client_of(server.url) as client, at_most(8 * KEPT):
        assert len(client.workflows.execute("wf").output) == KEPT
