from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simstudio import StreamError
from simstudio.core.sse import ServerSentEvent, SSEDecoder
from simstudio.transport.message import MAX_EVENT_SIZE


def events(*pieces: bytes, flush: bool = False, **options: Any) -> list[ServerSentEvent]:
    decoder = SSEDecoder(**options)
    found = [event for piece in pieces for event in decoder.feed(piece)]
    return found + (decoder.flush() if flush else [])


def data(*pieces: bytes, **options: Any) -> list[str]:
    return [event.data for event in events(*pieces, **options)]


def outcome(pieces: list[bytes], **options: Any) -> tuple[list[ServerSentEvent], bool]:
    """The events up to the end or to a failure, and whether there was one."""
    decoder = SSEDecoder(**options)
    found: list[ServerSentEvent] = []
    try:
        for piece in pieces:
            found += decoder.feed(piece)
        found += decoder.flush()
    except StreamError as error:
        return found + list(getattr(error, "events", [])), True
    return found, False


def split(content: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(cut % (len(content) + 1) for cut in cuts)
    return [content[begin:end] for begin, end in zip([0, *places], [*places, len(content)], strict=True)]


line = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"",
            b":",
            b": hi",
            b"data",
            b"data:",
            b"data: a",
            b"data:  b",
            "data: ü\u2028€😀".encode(),
            b"event: e",
            b"event",
            b"id: 1",
            b"id",
            b"id: a\0b",
            b"retry: 5",
            b"retry: x",
            b"retry:",
            b"datax: y",
            b" data: z",
            b"data : z",
            b"\xef\xbb\xbf",
            b"data: \xff",
        ]
    ),
)
stream = st.lists(
    st.tuples(line, st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b""])), max_size=12
).map(lambda lines: b"".join(part for pair in lines for part in pair))
well_formed = st.lists(
    st.tuples(
        st.one_of(
            st.text(max_size=8).map(lambda text: b": " + text.encode("utf-8", "replace").translate(None, b"\r\n")),
            st.text(max_size=8).map(lambda text: b"data: " + text.encode("utf-8", "replace").translate(None, b"\r\n")),
            st.sampled_from([b"", b"", b"event: e", b"id: 7", b"retry: 10", b"data", b"other: x", b"data:x:y"]),
        ),
        st.sampled_from([b"\n", b"\r\n"]),
    ),
    max_size=15,
).map(lambda lines: b"".join(part for pair in lines for part in pair))


class TestFraming:
    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
    def test_lines_end_in_any_of_three_ways(self, end: bytes) -> None:
        assert data(end.join([b"data: a", b"data: b", b"", b"data: c", b"", b""])) == ["a\nb", "c"]

    def test_endings_may_be_mixed(self) -> None:
        assert data(b"data: a\rdata: b\ndata: c\r\n\n") == ["a\nb\nc"]

    def test_cr_and_lf_in_two_pieces_are_one_end(self) -> None:
        assert data(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == ["a\nb"]

    def test_an_event_comes_with_its_last_byte(self) -> None:
        decoder = SSEDecoder()
        assert decoder.feed(b"data: a\r\n\r") == [ServerSentEvent("a")]
        assert decoder.feed(b"\n") == []

    def test_empty_pieces_are_nothing(self) -> None:
        assert data(b"", b"data: a", b"", b"\n", b"\n", b"") == ["a"]

    def test_a_byte_order_mark_at_the_start_is_left_out(self) -> None:
        assert data(b"\xef\xbb\xbfdata: a\n\n") == ["a"]
        assert data(b"\xef", b"\xbb", b"\xbf", b"data: a\n\n") == ["a"]
        assert data(b"\xef\xbb", b"\xbfdata: a\n\n") == ["a"]

    def test_elsewhere_it_is_none(self) -> None:
        assert data(b"data: a\n\n\xef\xbb\xbfdata: b\n\ndata: \xef\xbb\xbfc\n\n") == ["a", "\ufeffc"]

    def test_what_only_begins_like_one_is_a_line(self) -> None:
        assert data(b"\xef\xbb", b"data: x\n\ndata: a\n\n") == ["a"]

    def test_a_character_may_come_in_pieces(self) -> None:
        content = "data: ü€😀\n\n".encode()
        assert data(*[content[i : i + 1] for i in range(len(content))]) == ["ü€😀"]

    @pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
    def test_only_cr_and_lf_end_lines(self, letter: str) -> None:
        assert data(f"data: a{letter}b\n\n".encode()) == [f"a{letter}b"]

    @given(stream, st.lists(st.integers(0, 400), max_size=20))
    @example(b"data: ok\n\ndata: \xff\n\n", [10])
    @example(b"\xef\xbb\xbfdata: a\r\n\r\ndata: b\r\n\r\n", [1, 2, 12, 13])
    def test_any_split_gives_the_same_events_and_the_same_end(self, content: bytes, cuts: list[int]) -> None:
        assert outcome(split(content, cuts)) == outcome([content])

    @given(stream, st.lists(st.integers(0, 400), max_size=20), st.integers(1, 40))
    def test_any_split_meets_the_limit_at_the_same_event(self, content: bytes, cuts: list[int], limit: int) -> None:
        assert outcome(split(content, cuts), max_event_size=limit) == outcome([content], max_event_size=limit)

    @given(st.binary(max_size=200))
    def test_no_bytes_bring_another_error(self, content: bytes) -> None:
        outcome([content])


class TestFields:
    def test_data_lines_are_joined_by_line_feeds(self) -> None:
        assert data(b"data: a\ndata:\ndata\ndata: b\n\n") == ["a\n\n\nb"]

    def test_one_space_after_the_colon_is_left_out(self) -> None:
        assert data(b"data:a\n\ndata: a\n\ndata:  a\n\n") == ["a", "a", " a"]

    def test_empty_data_is_an_event(self) -> None:
        assert data(b"data\n\ndata:\n\n") == ["", ""]

    def test_an_event_without_data_is_none(self) -> None:
        assert events(b"event: x\nid: 5\nretry: 3\n\n\n\n") == []

    def test_a_name_of_an_event_without_data_does_not_stick(self) -> None:
        assert events(b"event: x\n\ndata: a\n\n") == [ServerSentEvent("a", "message")]

    def test_comments_and_unknown_fields_are_nothing(self) -> None:
        assert data(b": ping\n\nfoo: bar\nDATA: x\n:data: y\ndata: a\n\n") == ["a"]

    def test_names_ids_and_retry(self) -> None:
        assert events(b"event: e\nid: 7\nretry: 250\ndata: a\n\n") == [ServerSentEvent("a", "e", "7", 250)]

    def test_an_id_lasts_and_a_name_does_not(self) -> None:
        assert events(b"event: e\nid: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n") == [
            ServerSentEvent("a", "e", "7"),
            ServerSentEvent("b", "message", "7"),
            ServerSentEvent("c", "message", ""),
        ]

    def test_an_id_with_a_null_is_ignored(self) -> None:
        assert events(b"id: 1\nid: a\0b\ndata: a\n\n")[0].id == "1"

    @pytest.mark.parametrize("value", [b"x", b"-5", b"1.5", b"", "٣".encode(), b"5 ", b"9" * 5000])
    def test_a_retry_that_is_no_sensible_number_is_ignored(self, value: bytes) -> None:
        assert events(b"retry: " + value + b"\ndata: a\n\n")[0].retry is None


class TestEnd:
    def test_what_the_stream_ended_in_is_flushed(self) -> None:
        assert data(b"data: a\n\ndata: b\ndata: c", flush=True) == ["a", "b\nc"]

    def test_flushing_twice_gives_nothing_more(self) -> None:
        decoder = SSEDecoder()
        decoder.feed(b"data: a")
        assert [event.data for event in decoder.flush()] == ["a"]
        assert decoder.flush() == []

    def test_nothing_begun_is_nothing(self) -> None:
        assert events(flush=True) == []
        assert events(b"data: a\n\n: bye", flush=True) == [ServerSentEvent("a")]


class TestLimits:
    def test_the_default_is_64_mib(self) -> None:
        assert SSEDecoder().max_event_size == MAX_EVENT_SIZE == 64 * 1024 * 1024

    @pytest.mark.parametrize(
        "pieces", [[b"data: " + b"x" * 200 + b"\n\n"], [b"data: " + b"x" * 60] * 4, [b"data: xxxxxxxxxx\n"] * 30]
    )
    def test_a_larger_event_is_an_error_that_says_how_to_allow_it(self, pieces: list[bytes]) -> None:
        with pytest.raises(StreamError, match=r"over 100 bytes.*max_event_size="):
            events(*pieces, max_event_size=100)

    def test_a_line_without_end_is_refused_before_it_ends(self) -> None:
        with pytest.raises(StreamError):
            events(*[b": no end "] * 30, max_event_size=100)

    def test_events_up_to_the_limit_may_follow_each_other_for_ever(self) -> None:
        assert len(data(*[b"data: " + b"x" * 80 + b"\n\n"] * 50, max_event_size=100)) == 50

    @pytest.mark.parametrize(("line", "counted"), [(b"data: 1234", 5), (b"data:1234", 5), (b"data:", 1), (b"data", 1)])
    def test_each_line_of_data_counts_with_its_line_feed(self, line: bytes, counted: int) -> None:
        most = (100 - len(line)) // counted + 1
        (text,) = data((line + b"\n") * most + b"\n", max_event_size=100)
        assert text == "\n".join([line[5:].strip().decode()] * most)
        with pytest.raises(StreamError):
            data((line + b"\n") * (most + 1), max_event_size=100)

    def test_bytes_without_an_event_have_a_limit_that_each_event_resets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("simstudio.core.sse.MOST_BETWEEN_EVENTS", 100)
        comments, event = [b": " + b"x" * 47 + b"\n"] * 2, b"data: a\n\n"
        assert data(*comments, event, *comments, event, max_event_size=50) == ["a", "a"]
        with pytest.raises(StreamError, match=r"over 100 bytes without a whole event.*max_event_size="):
            data(event, *comments, b":", max_event_size=50)
        assert data(*comments, b":", max_event_size=101) == []  # larger events need as many bytes

    def test_comments_and_ids_do_not_add_up(self) -> None:
        assert data(*[b": keep-alive\nid: 5\n"] * 50, b"data: a\n\n", max_event_size=100) == ["a"]

    def test_events_that_came_before_are_not_lost(self) -> None:
        found, failed = outcome([b"data: a\n\ndata: " + b"x" * 200], max_event_size=100)
        assert failed
        assert [event.data for event in found] == ["a"]


class TestEncoding:
    def test_data_that_is_not_utf_8_is_an_error(self) -> None:
        with pytest.raises(StreamError, match="not UTF-8"):
            events(b"data: \xff\xfe\n\n")

    def test_events_that_came_before_are_not_lost(self) -> None:
        found, failed = outcome([b"data: a\n\ndata: \xff\n\ndata: b\n\n"])
        assert failed
        assert [event.data for event in found] == ["a"]

    def test_names_and_ids_that_are_not_utf_8_are_replaced(self) -> None:
        (event,) = events(b"event: \xff\nid: \xfe\ndata: a\n\n")
        assert (event.event, event.id) == ("\ufffd", "\ufffd")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="httpx2 has no release for Python 3.10")
@given(well_formed, st.lists(st.integers(0, 400), max_size=10))
def test_the_same_events_as_httpx2s_decoder(content: bytes, cuts: list[int]) -> None:
    httpx2 = pytest.importorskip("httpx2")
    response = httpx2.Response(
        200,
        headers={"Content-Type": "text/event-stream"},
        content=iter(split(content, cuts)),
        request=httpx2.Request("GET", "http://x"),
    )
    theirs = [(event.data, event.event, event.id) for event in httpx2.EventSource(response) if event.data]
    ours = [(event.data, event.event, event.id) for event in events(content) if event.data]
    assert ours == theirs
