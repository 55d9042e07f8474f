"""Bodies arrive in random pieces, and are the same bodies."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio.testing import cut, make_vcr, rechunk

BODY = 'data: {"blockId":"b","chunk":"né ✓ 😀"}\n\ndata: "[DONE]"\n\n'.encode() * 3


@given(st.binary(max_size=300), st.integers(), st.integers(1, 40))
def test_the_pieces_make_up_the_data(data, seed, largest):
    pieces = cut(data, seed, largest=largest)

    assert b"".join(pieces) == data
    assert all(1 <= len(piece) <= largest for piece in pieces)


def test_a_seed_always_cuts_at_the_same_places():
    assert cut(BODY, 1) == cut(BODY, 1)
    assert cut(BODY, 1) != cut(BODY, 2)


@pytest.fixture
def recorded(server, tmp_path):
    """A recorder whose cassette ``stream`` holds one exchange."""
    server.answer = lambda received: (200, [("Content-Type", "text/event-stream")], BODY)
    with make_vcr(tmp_path).use_cassette("stream"):
        httpx.get(server.url)
    return make_vcr(tmp_path, record_mode="none")


def pieces_of(library=httpx, seed=1):
    transport = library.HTTPTransport()
    response = transport.handle_request(library.Request("GET", "http://sim.test/"))
    try:
        return list(response.stream)
    finally:
        response.close()


@pytest.mark.parametrize("order", ["cassette first", "pieces first"])
def test_a_replayed_body_arrives_in_pieces_in_whichever_order_the_two_are_entered(recorded, order):
    managers = [recorded.use_cassette("stream"), rechunk(1)]
    with ExitStack() as stack:
        for manager in managers if order == "cassette first" else reversed(managers):
            stack.enter_context(manager)
        pieces = pieces_of()

    assert b"".join(pieces) == BODY
    assert len(pieces) > len(BODY) / 16


def test_the_same_seed_replays_the_same_pieces(recorded):
    seen = []
    for _ in range(2):
        with recorded.use_cassette("stream"), rechunk(5, largest=3):
            seen.append(pieces_of())

    assert seen[0] == seen[1]
    assert max(map(len, seen[0])) == 3


def test_a_drawn_seed_is_told(recorded):
    with recorded.use_cassette("stream"), rechunk() as rechunking:
        drawn = pieces_of()
    with recorded.use_cassette("stream"), rechunk(rechunking.seed):
        again = pieces_of()

    assert drawn == again
    assert (rechunking.responses, rechunking.pieces) == (1, len(drawn))


async def test_async_transports_too(recorded):
    with recorded.use_cassette("stream"), rechunk(1):
        async with httpx.AsyncHTTPTransport() as transport:
            response = await transport.handle_async_request(httpx.Request("GET", "http://sim.test/"))
            pieces = [piece async for piece in response.aiter_raw()]

    assert b"".join(pieces) == BODY
    assert len(pieces) > 10


def test_whole_clients_too(recorded):
    with recorded.use_cassette("stream"), rechunk(1), httpx.stream("GET", "http://sim.test/") as response:
        assert len(list(response.iter_raw())) > 10
        assert response.is_closed


def test_httpx2_too(recorded):
    library = pytest.importorskip("httpx2")
    with recorded.use_cassette("stream"), rechunk(1):
        pieces = pieces_of(library)

    assert b"".join(pieces) == BODY
    assert len(pieces) > 10


async def test_live_answers_too(server):
    server.answer = lambda received: (200, [], BODY)
    with rechunk(1) as rechunking:
        async with httpx.AsyncClient() as client:
            response = await client.get(server.url)

    assert response.content == BODY
    assert rechunking.pieces > 10


def test_what_is_recorded_does_not_change(server, tmp_path):
    server.answer = lambda received: (200, [], BODY)
    for pieces in (rechunk(1), nullcontext()):
        with make_vcr(tmp_path).use_cassette("run"), pieces:
            assert httpx.get(server.url).content == BODY

    assert len(server.received) == 1


def test_afterwards_bodies_are_whole_again(recorded):
    with rechunk(1):
        pass

    with recorded.use_cassette("stream"):
        assert pieces_of() == [BODY]
