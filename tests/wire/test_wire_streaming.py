"""Streams over real sockets: events as they come, and what becomes of the connection."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import httpcore
import pytest
from faultserver import Connection, FaultServer
from wireanswers import (
    DONE,
    FINAL,
    LAST_CHUNK,
    STREAM,
    answer,
    answering,
    chunked,
    frame,
    gzipped,
    head,
    streaming,
    text,
)
from wirecalls import Caller, async_client_of, client_of

from simstudio import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    ChunkEvent,
    ExecutionError,
    FinalEvent,
    InvalidResponseError,
    RateLimitError,
    StreamError,
)
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.transport.wire import body
from simstudio.transport.wire.async_network import AsyncStream

Serve = Callable[..., FaultServer]
WHOLE = streaming(text("Hel"), text("lo"), FINAL, DONE)


async def whole(connection: Connection) -> None:
    """Answers one request with a whole stream, the next with a result."""
    await answering(WHOLE, answer())(connection)


async def held(connection: Connection) -> None:
    """The first event, and the rest when the test releases it; then answers calls."""
    await connection.request()
    await connection.send(STREAM + chunked(text("Hel")))
    await connection.hold()
    await connection.send(chunked(text("lo"), FINAL, DONE) + LAST_CHUNK)
    await answering()(connection)


async def endless(connection: Connection) -> None:
    """The first event, then silence."""
    await connection.request()
    await connection.send(STREAM + chunked(text("Hel")))
    await connection.silence()


def events(client: Any, **options: Any) -> Any:
    """Every event of a stream, from either client."""
    stream = client.workflows.stream("wf", **options)
    if hasattr(stream, "__iter__"):
        return list(stream)

    async def collect() -> list[Any]:
        return [event async for event in stream]

    return collect()


def execute(client: Any) -> Any:
    return client.workflows.execute("wf")


# -- events as they come -----------------------------------------------------------------------------------------


def test_the_first_event_comes_while_the_server_holds_the_rest(serve: Serve) -> None:
    server = serve(held)
    with client_of(server.url) as client, client.workflows.stream("wf") as stream:
        assert next(stream) == ChunkEvent("Hel", "agent")
        server.release()
        assert [type(event) for event in stream] == [ChunkEvent, FinalEvent]


async def test_the_first_event_comes_while_the_server_holds_the_rest_async(serve: Serve) -> None:
    server = serve(held)
    async with async_client_of(server.url) as client, client.workflows.stream("wf") as stream:
        assert await stream.__anext__() == ChunkEvent("Hel", "agent")
        server.release()
        assert [type(event) async for event in stream] == [ChunkEvent, FinalEvent]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_pieces_of_any_size_give_the_same_events(serve: Serve, caller: Caller, size: int) -> None:
    body = text("é, ü – ∞\n\n") + text("🎉") + FINAL + DONE

    async def cut(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM)
        for start in range(0, len(body), size):
            await connection.send(chunked(body[start : start + size]))
        await connection.send(LAST_CHUNK)

    server = serve(cut)
    first, second, last = caller(server.url, events)
    assert (first.chunk, second.chunk) == ("é, ü – ∞\n\n", "🎉")
    assert last.success


def test_a_gzipped_stream_is_inflated_as_it_comes(serve: Serve) -> None:
    """sim.ai compresses streams if the client accepts gzip, and flushes after each event."""
    first, *rest = gzipped(text("Hel"), text("lo"), FINAL, DONE)

    async def zipped(connection: Connection) -> None:
        await connection.request()
        gzip_head = head(Content_Type="text/event-stream", Content_Encoding="gzip", Transfer_Encoding="chunked")
        await connection.send(gzip_head + chunked(first))
        await connection.hold()
        await connection.send(chunked(*rest) + LAST_CHUNK)

    server = serve(zipped)
    with client_of(server.url) as client, client.workflows.stream("wf") as stream:
        assert next(stream).chunk == "Hel"
        server.release()
        assert [type(event) for event in stream] == [ChunkEvent, FinalEvent]


async def test_a_gzipped_stream_is_inflated_as_it_comes_async(serve: Serve) -> None:
    first, *rest = gzipped(text("Hel"), text("lo"), FINAL, DONE)

    async def zipped(connection: Connection) -> None:
        await connection.request()
        gzip_head = head(Content_Type="text/event-stream", Content_Encoding="gzip", Transfer_Encoding="chunked")
        await connection.send(gzip_head + chunked(first))
        await connection.hold()
        await connection.send(chunked(*rest) + LAST_CHUNK)

    server = serve(zipped)
    async with async_client_of(server.url) as client, client.workflows.stream("wf") as stream:
        assert (await stream.__anext__()).chunk == "Hel"
        server.release()
        assert [type(event) async for event in stream] == [ChunkEvent, FinalEvent]


def test_text_gives_the_text_as_it_comes(serve: Serve) -> None:
    server = serve(held)
    with client_of(server.url) as client, client.workflows.stream("wf") as stream:
        pieces = stream.text()
        assert next(pieces) == "Hel"
        server.release()
        assert list(pieces) == ["lo"]


async def test_text_gives_the_text_as_it_comes_async(serve: Serve) -> None:
    server = serve(held)
    async with async_client_of(server.url) as client, client.workflows.stream("wf") as stream:
        pieces = stream.text()
        assert await pieces.__anext__() == "Hel"
        server.release()
        assert [piece async for piece in pieces] == ["lo"]


# -- the connection after a normal end ---------------------------------------------------------------------------


def test_a_normal_end_gives_the_connection_to_the_next_call(serve: Serve, own: Caller) -> None:
    server = serve(whole)
    own(server.url, events, execute)
    assert [len(connection.requests) for connection in server.connections] == [2]


@pytest.mark.parametrize("length", [True, False], ids=["content-length", "chunked"])
def test_the_connection_is_kept_when_the_end_of_the_body_comes_a_little_later(
    serve: Serve, own: Caller, length: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "DRAIN_SECONDS", 10.0)  # however long a busy machine takes for that little
    parts = text("Hello") + FINAL + DONE

    async def late(connection: Connection) -> None:
        await connection.request()
        if length:
            await connection.send(head(Content_Type="text/event-stream", Content_Length=len(parts) + 1) + parts)
        else:
            await connection.send(STREAM + chunked(parts))
        await asyncio.sleep(0.01)
        await connection.send(b"\n" if length else LAST_CHUNK)
        await answering()(connection)

    server = serve(late)
    own(server.url, events, execute)
    assert len(server.connections) == 1


@pytest.mark.parametrize("marker", [DONE, b"data: [DONE]\n\n"], ids=["quoted", "bare"])
def test_silence_after_the_end_marker_is_not_waited_for(
    serve: Serve, own: Caller, marker: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "DRAIN_SECONDS", 0.02)

    async def open_ended(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hello"), FINAL, marker))
        await connection.silence()

    server = serve(open_ended, answering())
    own(server.url, lambda client: events(client, idle_timeout=None), execute)
    assert server.saw_close(0)
    assert len(server.connections) == 2


def test_comments_dribbling_after_the_end_marker_are_not_waited_for(
    serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "DRAIN_SECONDS", 0.02)

    async def chatty(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hello"), FINAL, DONE))
        for _ in range(1000):
            await connection.send(chunked(b":\n"))
            await asyncio.sleep(0.003)
        connection.server.errors.append(AssertionError("the client drained for ever"))

    server = serve(chatty)
    assert len(own(server.url, lambda client: events(client, idle_timeout=None))) == 2


def test_a_long_tail_after_the_end_marker_is_not_read(serve: Serve, own: Caller) -> None:
    async def flood(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hello"), FINAL, DONE))
        try:
            for _ in range(10_000):
                await connection.send(chunked(b":" * 10_000))
        except ConnectionError:
            connection.gone.set()

    server = serve(flood, answering())
    own(server.url, events, execute)
    assert server.saw_close(0)


# -- the connection when it is left early ------------------------------------------------------------------------


def test_break_closes_the_connection(serve: Serve) -> None:
    server = serve(endless)
    with client_of(server.url) as client:
        for _ in client.workflows.stream("wf"):
            break
        assert server.saw_close()


async def test_break_closes_the_connection_async(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        async for _ in client.workflows.stream("wf"):
            break
        assert await asyncio.to_thread(server.saw_close)


async def test_break_within_async_with_has_closed_it_when_the_block_is_left(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        async with client.workflows.stream("wf") as stream:
            async for _ in stream.text():
                break
        assert "closed" in repr(stream)
        assert await asyncio.to_thread(server.saw_close)


async def test_closing_the_text_iterator_closes_the_stream_before_it_returns(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        stream = await client.workflows.stream("wf")
        pieces = stream.text()
        await pieces.__anext__()
        await pieces.aclose()
        assert "closed" in repr(stream)
        assert await asyncio.to_thread(server.saw_close)


async def test_closing_an_iterator_of_the_manager_closes_the_stream_before_it_returns(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        manager = client.workflows.stream("wf")
        iterator = manager.__aiter__()
        await iterator.__anext__()
        await iterator.aclose()
        assert "closed" in repr(await manager)
        assert await asyncio.to_thread(server.saw_close)


def test_an_exception_in_the_loop_closes_the_connection(serve: Serve) -> None:
    server = serve(endless)
    with client_of(server.url) as client:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what is left by it is the loop
            for _ in client.workflows.stream("wf"):
                raise ZeroDivisionError
        assert server.saw_close()


async def test_an_exception_in_the_loop_closes_the_connection_async(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what is left by it is the loop
            async for _ in client.workflows.stream("wf"):
                raise ZeroDivisionError
        assert await asyncio.to_thread(server.saw_close)


def test_close_closes_the_connection_and_may_be_called_twice(serve: Serve) -> None:
    server = serve(endless)
    with client_of(server.url) as client:
        stream = client.workflows.stream("wf")
        next(stream)
        stream.close()
        stream.close()
        assert server.saw_close()


async def test_aclose_closes_the_connection_and_may_be_called_twice(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        stream = await client.workflows.stream("wf")
        await stream.__anext__()
        await stream.aclose()
        await stream.aclose()
        assert await asyncio.to_thread(server.saw_close)


def test_a_stream_that_is_forgotten_midway_closes_the_connection(serve: Serve) -> None:
    server = serve(endless)
    with client_of(server.url) as client:
        next(client.workflows.stream("wf"))
        gc.collect()
        assert server.saw_close()


def test_a_stream_outlives_its_forgotten_client(serve: Serve) -> None:
    server = serve(answering(streaming(text("Hel"), text("lo"), FINAL, DONE)))
    stream = client_of(server.url).workflows.stream("wf")
    gc.collect()
    assert len(list(stream)) == 3
    del stream
    gc.collect()
    assert server.saw_close()


async def test_a_stream_outlives_its_forgotten_client_async(serve: Serve) -> None:
    server = serve(answering(streaming(text("Hel"), text("lo"), FINAL, DONE)))
    stream = await async_client_of(server.url).workflows.stream("wf")
    gc.collect()
    assert len([event async for event in stream]) == 3


async def test_a_stream_that_is_forgotten_unread_closes_the_connection_async(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        await client.workflows.stream("wf")
        gc.collect()
        assert await asyncio.to_thread(server.saw_close)


async def test_a_stream_that_is_forgotten_midway_closes_the_connection_async(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        await (await client.workflows.stream("wf")).__anext__()
        gc.collect()
        assert await asyncio.to_thread(server.saw_close)


def test_a_keyboard_interrupt_while_reading_closes_the_connection(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(endless)
    with client_of(server.url) as client:
        stream = client.workflows.stream("wf")
        next(stream)

        def interrupted(*_: object) -> bytes:
            raise KeyboardInterrupt

        monkeypatch.setattr(httpcore._backends.sync.SyncStream, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        assert server.saw_close()


async def test_a_keyboard_interrupt_while_reading_closes_the_connection_async(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio.run turns the signal into a cancellation; anything else raised in there is treated alike."""

    class Interrupt(BaseException):
        pass

    server = serve(endless)
    async with async_client_of(server.url) as client:
        stream = await client.workflows.stream("wf")
        await stream.__anext__()

        async def interrupted(*_: object, **__: object) -> bytes:
            raise Interrupt

        monkeypatch.setattr(AsyncStream, "read", interrupted)
        with pytest.raises(Interrupt):
            await stream.__anext__()
        assert await asyncio.to_thread(server.saw_close)


def test_a_keyboard_interrupt_while_waiting_for_the_answer_closes_the_connection(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(endless)

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(httpcore._backends.sync.SyncStream, "read", interrupted)
    with client_of(server.url) as client:
        with pytest.raises(KeyboardInterrupt):
            client.workflows.execute("wf")
        assert server.saw_close()


def test_two_streams_of_one_client_are_read_side_by_side(serve: Serve) -> None:
    server = serve(held, held)
    with client_of(server.url) as client:
        first, second = client.workflows.stream("wf"), client.workflows.stream("wf")
        assert (next(first).chunk, next(second).chunk) == ("Hel", "Hel")
        server.release()
        assert first.result() == second.result()


async def test_two_streams_of_one_client_are_read_side_by_side_async(serve: Serve) -> None:
    server = serve(held, held)
    async with async_client_of(server.url) as client:
        first, second = await client.workflows.stream("wf"), await client.workflows.stream("wf")
        assert [(await stream.__anext__()).chunk for stream in (first, second)] == ["Hel", "Hel"]
        server.release()
        assert await first.result() == await second.result()


# -- ends that are no end ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["drop", "reset", "early end", "garbage"])
def test_a_stream_that_breaks_off_is_a_stream_error_with_what_it_delivered(
    serve: Serve, caller: Caller, ending: str
) -> None:
    async def broken(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel"), text("lo")))
        if ending == "reset":
            await asyncio.sleep(0.02)  # what was sent before a reset may be lost
            connection.reset()
        elif ending == "early end":
            await connection.send(LAST_CHUNK)
        elif ending == "garbage":
            await connection.send(b"this is no chunk\r\n")

    server = serve(broken)
    with pytest.raises(StreamError, match="ended before the run did") as caught:
        caller(server.url, events)
    assert caught.value.partial == "Hello"
    assert isinstance(caught.value.__cause__, APIConnectionError) is (ending != "early end")
    assert len(server.requests) == 1


def test_a_stream_that_breaks_off_after_its_final_event_has_its_result(serve: Serve, own: Caller) -> None:
    async def no_end(connection: Connection) -> None:
        await connection.request()
        await connection.send(streaming(text("Hello"), FINAL, ended=False))

    server = serve(no_end)
    assert [type(event) for event in own(server.url, events)] == [ChunkEvent, FinalEvent]


def test_a_stall_is_a_timeout_after_idle_timeout(serve: Serve, caller: Caller) -> None:
    server = serve(endless)
    for _ in range(20):  # on a busy machine even the first event may come too late
        with pytest.raises(APITimeoutError, match=r"for 0\.05 s") as caught:
            caller(server.url, lambda client: events(client, idle_timeout=0.05))
        assert caught.value.code == "TIMEOUT"
        if caught.value.partial:
            break
    assert caught.value.partial == "Hel"
    assert server.saw_close()


def test_idle_timeout_is_of_each_silence_and_not_of_the_whole(serve: Serve, own: Caller) -> None:
    """Thirty silences of a tenth of it each; a machine that stalls for longer than the whole of it may try again."""

    async def steady(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM)
        for _ in range(30):
            await asyncio.sleep(0.005)
            await connection.send(chunked(text("x")))
        await connection.send(chunked(FINAL, DONE) + LAST_CHUNK)

    server = serve(steady)

    def came() -> int:
        try:
            return len(own(server.url, lambda client: events(client, idle_timeout=0.05)))
        except APITimeoutError:
            return 0

    assert any(came() == 31 for _ in range(20))


def test_silence_before_the_head_is_a_timeout_too(serve: Serve, own: Caller) -> None:
    async def silent(connection: Connection) -> None:
        await connection.request()
        await connection.silence()

    server = serve(silent)
    with pytest.raises(APITimeoutError, match=r"for 0\.05 s"):
        own(server.url, lambda client: events(client, idle_timeout=0.05))
    server.saw_requests(1)
    assert len(server.requests) == 1


ENDLESS_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000
ENDLESS_ERROR = head(500, Content_Length=9999) + b" " * 9999
ENDLESS_RESULT = head(Content_Length=9999) + b" " * 9999


@pytest.mark.parametrize("sent", [ENDLESS_HEADERS, ENDLESS_ERROR, ENDLESS_RESULT], ids=["headers", "error", "result"])
def test_bytes_that_are_no_event_do_not_extend_the_idle_timeout(serve: Serve, own: Caller, sent: bytes) -> None:
    async def dribble(connection: Connection) -> None:
        await connection.request()
        await connection.dribble(sent)

    with pytest.raises(APITimeoutError, match=r"for 0\.05 s"):
        own(serve(dribble).url, lambda client: events(client, idle_timeout=0.05), max_retries=0)


def test_an_error_event_closes_the_stream_that_a_server_leaves_open(serve: Serve, own: Caller) -> None:
    async def failing(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel"), frame({"event": "error", "error": "no tokens left"})))
        await connection.silence()

    server = serve(failing)
    with pytest.raises(ExecutionError, match="no tokens left") as caught:
        own(server.url, events)
    assert caught.value.partial == "Hel"
    assert server.saw_close()


# -- result() ----------------------------------------------------------------------------------------------------


def test_result_reads_the_rest_and_works_after_the_with(serve: Serve) -> None:
    server = serve(whole)
    with client_of(server.url) as client, client.workflows.stream("wf") as stream:
        for _ in stream:
            pass
    assert stream.result().output == {"agent": {"content": "Hello"}}


async def test_result_reads_the_rest_and_works_after_the_with_async(serve: Serve) -> None:
    server = serve(whole)
    async with async_client_of(server.url) as client, client.workflows.stream("wf") as stream:
        async for _ in stream:
            pass
    assert (await stream.result()).output == {"agent": {"content": "Hello"}}


def test_result_alone_reads_the_whole_stream(serve: Serve) -> None:
    server = serve(whole)
    with client_of(server.url) as client:
        assert client.workflows.stream("wf").result().output == {"agent": {"content": "Hello"}}


async def test_result_alone_reads_the_whole_stream_async(serve: Serve) -> None:
    server = serve(whole)
    async with async_client_of(server.url) as client:
        stream = await client.workflows.stream("wf")
        assert (await stream.result()).output == {"agent": {"content": "Hello"}}


def test_a_stream_closed_before_its_end_has_no_result_and_no_more_events(serve: Serve) -> None:
    server = serve(endless)
    with client_of(server.url) as client:
        stream = client.workflows.stream("wf")
        next(stream)
        stream.close()
        with pytest.raises(StreamError, match="closed before its end") as caught:
            next(stream)
        assert caught.value.partial == "Hel"
        with pytest.raises(StreamError, match="closed before its end"):
            stream.result()
        with pytest.raises(StreamError, match="closed before its end"):
            list(stream)


async def test_a_stream_closed_before_its_end_has_no_result_and_no_more_events_async(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        stream = await client.workflows.stream("wf")
        await stream.__anext__()
        await stream.aclose()
        with pytest.raises(StreamError, match="closed before its end") as caught:
            await stream.__anext__()
        assert caught.value.partial == "Hel"
        with pytest.raises(StreamError, match="closed before its end"):
            await stream.result()


def test_a_stream_closed_after_its_final_event_has_ended(serve: Serve) -> None:
    async def final(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(FINAL))
        await connection.silence()

    server = serve(final)
    with client_of(server.url) as client:
        stream = client.workflows.stream("wf")
        assert isinstance(next(stream), FinalEvent)
        stream.close()
        assert list(stream) == []
        assert stream.result().success


def test_iterating_again_after_the_end_gives_nothing(serve: Serve) -> None:
    server = serve(whole)
    with client_of(server.url) as client:
        stream = client.workflows.stream("wf")
        assert len(list(stream)) == 3
        assert list(stream) == []


async def test_iterating_again_after_the_end_gives_nothing_async(serve: Serve) -> None:
    server = serve(whole)
    async with async_client_of(server.url) as client:
        stream = await client.workflows.stream("wf")
        assert len([event async for event in stream]) == 3
        assert [event async for event in stream] == []


# -- the async manager -------------------------------------------------------------------------------------------


async def test_a_stream_is_awaited_entered_or_iterated_over(serve: Serve) -> None:
    server = serve(whole)
    async with async_client_of(server.url) as client:
        awaited = await client.workflows.stream("wf")
        assert [event async for event in awaited][-1].success
    server.connections.clear()
    async with async_client_of(server.url) as client, client.workflows.stream("wf") as entered:
        assert [event async for event in entered][-1].success
    async with async_client_of(server.url) as client:
        assert [event async for event in client.workflows.stream("wf")][-1].success


async def test_a_stream_that_is_never_used_sends_nothing_and_warns_of_nothing(serve: Serve) -> None:
    server = serve(whole)
    async with async_client_of(server.url) as client:
        client.workflows.stream("wf")
        gc.collect()
    assert server.connections == []


async def test_awaiting_a_stream_twice_gives_the_same_stream(serve: Serve) -> None:
    server = serve(whole)
    async with async_client_of(server.url) as client:
        manager = client.workflows.stream("wf")
        assert await manager is await manager
    assert len(server.requests) == 1


async def test_a_stream_that_could_not_be_opened_says_so_when_it_is_used_again(serve: Serve) -> None:
    server = serve(answering(answer({"error": "Invalid API key"}, 401)))
    async with async_client_of(server.url) as client:
        manager = client.workflows.stream("wf")
        with pytest.raises(AuthenticationError):
            await manager
        with pytest.raises(StreamError, match="call stream"):
            await manager


# -- answers that are no stream ----------------------------------------------------------------------------------


def test_a_json_answer_to_a_stream_request_is_its_result(serve: Serve, own: Caller) -> None:
    server = serve()

    def result(client: Any) -> Any:
        stream = client.workflows.stream("wf")
        if hasattr(stream, "result"):
            return stream.result()

        async def awaited() -> Any:
            return await (await stream).result()

        return awaited()

    assert own(server.url, result).output == {"greeting": "Hello"}


def test_a_json_answer_to_a_stream_request_gives_the_connection_back(serve: Serve, own: Caller) -> None:
    server = serve()
    own(server.url, events, execute)
    assert len(server.connections) == 1


def test_an_html_answer_to_a_stream_request_is_an_invalid_response(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer(b"<html>maintenance</html>", Content_Type="text/html")))
    with pytest.raises(InvalidResponseError) as caught:
        own(server.url, events)
    assert caught.value.response.content == b"<html>maintenance</html>"


def test_an_error_status_to_a_stream_request_is_its_typed_error_with_the_body(serve: Serve, caller: Caller) -> None:
    server = serve(answering(answer({"error": "Invalid API key", "details": [1]}, 401)))
    with pytest.raises(AuthenticationError, match="Invalid API key") as caught:
        caller(server.url, events)
    assert caught.value.details == [1]


def test_an_error_status_to_a_stream_request_gives_the_connection_back(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer({"error": "Too many requests"}, 429), WHOLE))
    assert len(own(server.url, events)) == 3
    assert len(server.connections) == 1


def test_a_stream_refused_by_a_response_block_is_not_sent_again(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer({"reason": "busy"}, 429), WHOLE))
    with pytest.raises(RateLimitError):
        own(server.url, events)
    assert len(server.requests) == 1


# -- the documented way ------------------------------------------------------------------------------------------


def test_execute_workflow_with_stream_gives_the_whole_result(serve: Serve, caller: Caller) -> None:
    server = serve(whole)
    result = caller(server.url, lambda client: client.execute_workflow("wf", {"q": 1}, stream=True))
    assert isinstance(result, WorkflowExecutionResult)
    assert result.output == {"agent": {"content": "Hello"}}


def test_execute_workflow_with_stream_gives_the_connection_back(serve: Serve, own: Caller) -> None:
    server = serve(whole)
    stream = lambda client: client.execute_workflow("wf", stream=True)  # noqa: E731
    own(server.url, stream, execute)
    assert len(server.connections) == 1


def test_execute_workflow_with_stream_bounds_each_silence_by_its_timeout(serve: Serve, own: Caller) -> None:
    server = serve(endless)
    for _ in range(20):  # on a busy machine even the first event may come too late
        with pytest.raises(APITimeoutError) as caught:
            own(server.url, lambda client: client.execute_workflow("wf", stream=True, timeout=0.05))
        if caught.value.partial:
            break
    assert caught.value.partial == "Hel"
    assert server.saw_close()


async def test_execute_workflow_with_stream_closes_the_connection_when_it_is_cancelled(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.execute_workflow("wf", stream=True), 0.03)
        assert await asyncio.to_thread(server.saw_close)
