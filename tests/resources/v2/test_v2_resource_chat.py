"""``client.v2.chat``: an answer as a whole, and while it is written."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from simstudio import APIConnectionError, APITimeoutError, InvalidInputError, NotFoundError, StreamError
from simstudio.models.v2.chat import ChatReply
from simstudio.resources.v2.chat_stream import ChatDecoder
from simstudio.transport.message import Response
from tests.driving import KEY, Both, answer, replayed, streamed
from tests.modes import both_modes
from tests.recorded import SELECTION, recording

GREETING = "Hallo, Welt 世界 🎈"
REPLY = {"content": "Hi", "conversationId": "c", "model": "mothership"}
FINAL = {"type": "final", "data": REPLY}


def lines(*events: Any) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def decoder() -> ChatDecoder:
    return ChatDecoder(Response(200, method="POST", url="https://sim.test/api/v2/chat"), lambda error: None)


async def texts_of(both: Both, stream: Any) -> list[str]:
    return [text async for text in stream] if both.asynchronous else list(stream)


class TestSend:
    @both_modes
    async def test_one_request_with_what_is_given_and_time_for_the_answer(self, both: Both) -> None:
        made = both.client(replayed(recording(SELECTION, "resources-1036")))
        reply = await both(made.v2.chat.send("ws", message="Sag hallo", timeout=300))
        assert (type(reply), reply.content, reply.tokens.total) == (ChatReply, GREETING, 9)
        (request,) = made.script.requests
        assert request.json() == {"workspaceId": "ws", "message": "Sag hallo"}
        assert request.budget.total == 300


class TestStream:
    @both_modes
    @pytest.mark.parametrize("number", ["resources-1038", "resources-1039"])
    async def test_text_comes_in_pieces_and_the_answer_at_the_end(self, both: Both, number: str) -> None:
        made = both.client(replayed(recording(SELECTION, number)))
        stream = made.v2.chat.stream("ws", message="Sag hallo", conversation_id="c")
        stream = await stream if both.asynchronous else stream
        assert await texts_of(both, stream) == ["Hallo", ", ", "Welt ", "世界 🎈"]
        assert (await both(stream.result())).content == GREETING
        (request,) = made.script.requests
        assert request.headers["accept"] == "application/x-ndjson"
        assert request.json() == {"workspaceId": "ws", "message": "Sag hallo", "conversationId": "c"}

    @both_modes
    async def test_an_error_after_the_headers_is_raised_with_the_text_before_it(self, both: Both) -> None:
        begun = lines({"type": "chunk", "content": "Ha"}, {"type": "error", "error": f"no {KEY}", "content": "Ha"})
        for response, partial in ((replayed(recording(SELECTION, "resources-0987")), ""), (streamed(begun), "Ha")):
            if isinstance(response, Response):
                response.headers.put("content-type", "application/x-ndjson")
            stream = both.client(response).v2.chat.stream("ws", message="hi")
            with pytest.raises(StreamError, match="ended with an error of the agent: ") as caught:
                await texts_of(both, stream)
            assert caught.value.partial == partial
            assert KEY not in f"{caught.value!r}{pickle.dumps(caught.value)!r}"

    @both_modes
    async def test_a_server_that_does_not_stream_gives_the_whole_answer(self, both: Both) -> None:
        whole = streamed(json.dumps({"data": REPLY}).encode(), content_type="application/json")
        stream = both.client(whole).v2.chat.stream("ws", message="hi")
        stream = await stream if both.asynchronous else stream
        assert await texts_of(both, stream) == []
        assert (await both(stream.result())).content == "Hi"

    @both_modes
    async def test_a_refusal_and_wrong_arguments_are_errors_before_it_opens(self, both: Both) -> None:
        made = both.client(answer(404, {"error": {"code": "NOT_FOUND", "message": "No workspace"}}))
        with pytest.raises(NotFoundError, match="No workspace"):
            await texts_of(both, made.v2.chat.stream("ws", message="hi"))
        with pytest.raises(InvalidInputError, match="effort must be"):
            await texts_of(both, made.v2.chat.stream("ws", message="hi", effort="much"))
        assert len(made.script.requests) == 1


class TestDecoder:
    def test_bytes_may_be_cut_anywhere(self) -> None:
        body = recording(SELECTION, "resources-1038").body
        for size in (1, 2, 7, len(body)):
            made = decoder()
            texts = [text for at in range(0, len(body), size) for text in made.feed(body[at : at + size])]
            assert ("".join(texts), made.over) == (GREETING, True)

    def test_a_last_line_needs_no_line_break(self) -> None:
        made = decoder()
        assert made.feed(lines(FINAL).rstrip()) == []
        assert made.end() == []
        assert made.result() == ChatReply("Hi", "c", "mothership")

    def test_halves_of_a_surrogate_pair_are_joined(self) -> None:
        made = decoder()
        chunks = [{"type": "chunk", "content": half} for half in ("\ud83c", "\udf88 \ud83c")]
        assert made.feed(lines(*chunks, FINAL)) == ["\N{BALLOON} ", "\ufffd"]

    def test_kinds_of_later_servers_are_passed_over(self) -> None:
        made = decoder()
        assert made.feed(lines({"type": "thought", "content": "Hm"}, {"type": "chunk"}, FINAL)) == []
        assert made.over

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "ended before the answer did"),
            (lines({"type": "chunk", "content": "Ha"}), "ended before the answer did"),
            (b"<html>\n", "holds a line that is no JSON object, beginning b'<html>'"),
            (lines(["final"]), "holds a line that is no JSON object"),
        ],
    )
    def test_an_answer_that_does_not_end_is_an_error(self, body: bytes, message: str) -> None:
        made = decoder()
        made.feed(body)
        made.end()
        with pytest.raises(StreamError, match=message):
            made.result()

    def test_a_connection_that_breaks_is_the_cause(self) -> None:
        made, cause = decoder(), APIConnectionError("reset.")
        made.feed(lines({"type": "chunk", "content": "Ha"}))
        made.end(cause)
        with pytest.raises(StreamError, match="ended before the answer did: reset\\. ") as caught:
            made.result()
        assert (caught.value.__cause__, caught.value.partial) == (cause, "Ha")

    def test_a_silence_is_a_timeout_with_the_text_before_it(self) -> None:
        made, silence = decoder(), APITimeoutError("silent")
        made.feed(lines({"type": "chunk", "content": "Ha"}))
        made.end(silence)
        with pytest.raises(APITimeoutError) as caught:
            made.result()
        assert (caught.value, caught.value.partial) == (silence, "Ha")

    def test_a_line_without_end_is_not_kept_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("simstudio.resources.v2.chat_stream.MAX_EVENT_SIZE", 100)
        made = decoder()
        for _ in range(3):
            made.feed(b"x" * 60)
        with pytest.raises(StreamError, match="a line of more than 100 bytes"):
            made.result()

    def test_text_without_end_is_not_kept_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("simstudio.resources.v2.chat_stream.MOST_TEXT", 3)
        made = decoder()
        assert made.feed(lines(*[{"type": "chunk", "content": "Ha"}] * 3)) == ["Ha"]
        with pytest.raises(StreamError, match="more than 3 characters of text") as caught:
            made.result()
        assert caught.value.partial == "Ha"
