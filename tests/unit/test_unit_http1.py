"""HTTP/1.1 as bytes: heads written, answers read by either parser, piece by piece however they come."""

from __future__ import annotations

import gc
import itertools
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import Headers, Request
from simstudio.transport.wire import http1
from simstudio.transport.wire.http1 import H11Answer, LLHTTPAnswer, MalformedAnswerError, answer_type, head_of

PARSERS = [H11Answer, LLHTTPAnswer]
parsers = pytest.mark.parametrize("parser", PARSERS)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\n{}\n\r\n5;name=value\r\nworld\r\n0\r\nX-Sum: 7\r\n\r\n"
)
INFORMED = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK
EMPTY = b"HTTP/1.1 204 No Content\r\nX-Request-Id: r\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"
WHOLE = {
    OK: (200, b"{}", True),
    CHUNKED: (201, b"{}\nworld", True),
    INFORMED: (200, b"{}", True),
    EMPTY: (204, b"", True),
    CLOSING: (200, b"{}", False),
    OLD: (200, b"{}", False),
}
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nas long as it lasts"


def read(parser: Any, *pieces: bytes) -> Any:
    answer = parser("POST")
    for piece in pieces:
        answer.feed(piece)
    return answer


# -- answers -----------------------------------------------------------------------------------------------------


@parsers
@given(whole=st.sampled_from(list(WHOLE)), cuts=st.lists(st.integers(1, 200), max_size=12))
def test_an_answer_is_the_same_however_it_is_cut(parser: Any, whole: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in set(cuts) if cut < len(whole)), len(whole)]
    answer = parser("POST")
    for start, end in itertools.pairwise(places):
        assert not answer.complete
        answer.feed(whole[start:end])
    assert answer.complete
    assert (answer.status, b"".join(answer.pieces), answer.reusable) == WHOLE[whole]


@parsers
def test_headers_come_as_they_were_written_and_trailers_are_none(parser: Any) -> None:
    assert read(parser, CHUNKED).headers == [(b"Transfer-Encoding", b"chunked")]
    assert read(parser, INFORMED).headers == [(b"Content-Type", b"application/json"), (b"Content-Length", b"2")]


@parsers
def test_repeated_headers_are_all_there(parser: Any) -> None:
    answer = read(parser, b"HTTP/1.1 204 No Content\r\nVary: Origin\r\nvary: Accept\r\n\r\n")
    assert answer.headers == [(b"Vary", b"Origin"), (b"vary", b"Accept")]


@parsers
@pytest.mark.parametrize("further", [b"x", OK, b"HTTP/1.1 200 OK\r\nX-Late: 1"])
@pytest.mark.parametrize("first", [OK, CHUNKED, CLOSING])
def test_what_comes_after_the_answer_ends_the_use_of_its_connection(parser: Any, first: bytes, further: bytes) -> None:
    answer = read(parser, first + further)
    assert answer.complete
    assert (answer.status, b"".join(answer.pieces)) == WHOLE[first][:2]
    assert not answer.reusable
    assert (b"X-Late", b"1") not in answer.headers


@parsers
def test_an_answer_without_a_length_lasts_until_the_end(parser: Any) -> None:
    answer = read(parser, UNTIL_THE_END[:40], UNTIL_THE_END[40:])
    assert not answer.complete
    answer.end()
    assert (answer.complete, answer.reusable, b"".join(answer.pieces)) == (True, False, b"as long as it lasts")


@parsers
@pytest.mark.parametrize("whole", [OK, CHUNKED], ids=["length", "chunked"])
@given(data=st.data())
def test_an_answer_cut_short_is_malformed(parser: Any, whole: bytes, data: st.DataObject) -> None:
    answer = read(parser, whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(MalformedAnswerError):
        answer.end()
    assert not answer.complete


@parsers
@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>not HTTP</html>",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_no_answer_is_malformed(parser: Any, garbage: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        read(parser, garbage).end()


@parsers
def test_a_change_of_protocol_that_nobody_asked_for_is_no_answer(parser: Any) -> None:
    with pytest.raises(MalformedAnswerError, match=r"(?i)protocol|switch|closed"):
        read(parser, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello").end()


@parsers
@given(noise=st.binary(max_size=200))
def test_no_noise_raises_anything_else(parser: Any, noise: bytes) -> None:
    answer = parser("GET")
    try:
        answer.feed(noise)
        answer.end()
    except MalformedAnswerError:
        assert not answer.complete


@given(noise=st.binary(max_size=60), at=st.integers(0, len(CHUNKED)))
def test_both_parsers_agree_on_what_is_whole(noise: bytes, at: int) -> None:
    """Where both take a spoiled answer, they read the same in it."""
    spoiled = CHUNKED[:at] + noise + CHUNKED[at:]
    read_by = []
    for parser in PARSERS:
        answer: Any = parser("POST")
        try:
            answer.feed(spoiled)
        except MalformedAnswerError:
            return
        read_by.append((answer.complete, answer.status, b"".join(answer.pieces) if answer.complete else None))
    if all(complete for complete, *_ in read_by):
        assert read_by[0] == read_by[1]


@pytest.mark.parametrize("whole", [OK, CHUNKED, INFORMED, OK + b"more"])
def test_an_answer_that_is_over_leaves_nothing_to_the_garbage_collector(whole: bytes) -> None:
    class Watched(LLHTTPAnswer):
        __slots__ = ("__weakref__",)

    gc.collect()
    gc.disable()
    try:
        answer = read(Watched, whole)
        gone = weakref.ref(answer)
        del answer
        assert gone() is None
    finally:
        gc.enable()


def test_httptools_reads_where_it_is_installed_else_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer_type() is LLHTTPAnswer
    monkeypatch.setattr(http1, "_llhttp", lambda: None)
    assert answer_type() is H11Answer


# -- heads -------------------------------------------------------------------------------------------------------


def test_a_head_has_the_host_first_and_the_bodys_length_last() -> None:
    request = Request("POST", "http://sim.test/api", Headers({"X-API-Key": "k"}), b"{}")
    assert head_of(request, "/api?a=1", "sim.test:81") == (
        b"POST /api?a=1 HTTP/1.1\r\nHost: sim.test:81\r\nX-API-Key: k\r\nContent-Length: 2\r\n\r\n"
    )


def test_a_host_of_the_users_own_wins() -> None:
    head = head_of(Request("GET", "http://sim.test/", Headers({"Host": "other.test"})), "/", "sim.test")
    assert head == b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n"


@pytest.mark.parametrize(("method", "length"), [("GET", False), ("DELETE", False), ("POST", True), ("PATCH", True)])
def test_an_empty_body_has_a_length_where_one_is_expected(method: str, length: bool) -> None:
    assert (b"Content-Length: 0" in head_of(Request(method, "http://s/"), "/", "s")) is length


def test_framing_of_the_users_own_is_replaced() -> None:
    headers = Headers({"Content-Length": "99", "Transfer-Encoding": "chunked"})
    head = head_of(Request("POST", "http://s/", headers, b"abc"), "/", "s").lower()
    assert head.count(b"content-length") == 1
    assert b"content-length: 3\r\n" in head
    assert b"transfer-encoding" not in head
