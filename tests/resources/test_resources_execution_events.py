from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import (
    APIConnectionError,
    APITimeoutError,
    ChunkEvent,
    ExecutionError,
    ExecutionTimeoutError,
    FinalEvent,
    OtherEvent,
    StreamError,
    WorkflowExecutionResult,
)
from simstudio.resources.execution_events import ExecutionEvents
from tests.driving import KEY, Both, Pieces, frames, streamed
from tests.modes import both_modes

DONE = '"[DONE]"'
FINAL_06 = {"event": "final", "data": {"success": True, "output": {"end": {"n": 1}}}}
FINAL_04 = {"event": "final", "data": {"success": True, "output": {"b1": {"content": "Hello"}}, "error": None}}
DOCUMENTED = {"event": "done", "success": True, "metadata": {"duration": 610}}


def chunk(text: str, block: str | None = "b1") -> dict[str, Any]:
    return {"blockId": block, "chunk": text}


def fed(*data: Any, core: ExecutionEvents | None = None, end: bool = True) -> tuple[ExecutionEvents, list[Any]]:
    core = core or ExecutionEvents("POST /x")
    events: list[Any] = list(core.feed(frames(*data)))
    if end:
        events += core.end()
    return core, events


class TestFrames:
    def test_a_chunk_is_verbatim_text_of_a_block(self) -> None:
        _, (event,) = fed(chunk("\n\nHi\u2028"), end=False)
        assert event == ChunkEvent(chunk="\n\nHi\u2028", block_id="b1")
        assert event.to_dict() == event == {"blockId": "b1", "chunk": "\n\nHi\u2028"}

    def test_unknown_fields_of_a_frame_are_kept(self) -> None:
        _, (event,) = fed({**chunk("a"), "path": "content"}, end=False)
        assert event["path"] == "content"
        assert event.extra == {"path": "content"}

    def test_a_chunk_may_have_no_block(self) -> None:
        _, (event,) = fed({"chunk": "a"}, end=False)
        assert (event.chunk, event.block_id) == ("a", None)

    def test_a_final_frame_is_the_end_of_the_run(self) -> None:
        core, (event,) = fed(FINAL_06, end=False)
        assert isinstance(event, FinalEvent)
        assert (event.success, event.output, event.error) == (True, {"end": {"n": 1}}, None)
        assert core.final is event
        assert event.to_dict() == FINAL_06

    def test_the_documented_done_frame_is_one_too(self) -> None:
        core, (event,) = fed(DOCUMENTED, "[DONE]")
        assert isinstance(event, FinalEvent)
        assert core.over
        result = core.result()
        assert (result.success, result.metadata) == (True, {"duration": 610})

    @pytest.mark.parametrize("marker", [DONE, "[DONE]", " [DONE] "], ids=["quoted", "bare", "spaced"])
    def test_the_end_marker_is_no_event(self, marker: str) -> None:
        core, events = fed(FINAL_06, marker, end=False)
        assert [type(event) for event in events] == [FinalEvent]
        assert core.over

    def test_what_follows_the_end_is_not_looked_at(self) -> None:
        core, events = fed(FINAL_06, DONE, chunk("late"), "garbage", end=False)
        assert len(events) == 1
        assert core.feed(frames(chunk("later"))) == []
        assert core.end() == []
        assert core.partial == ""

    def test_a_failed_run_with_a_final_frame_is_a_result(self) -> None:
        core, _ = fed({"event": "final", "data": {"success": False, "output": {}, "error": "No"}}, DONE)
        assert (core.result().success, core.result().error) == (False, "No")

    @pytest.mark.parametrize(
        ("data", "success"),
        [({}, True), ({"error": "No"}, False), ({"success": "true"}, True), ({"success": None, "error": "x"}, False)],
    )
    def test_a_final_frame_without_a_boolean_success_is_judged_by_its_error(
        self, data: dict[str, Any], success: bool
    ) -> None:
        core, _ = fed({"event": "final", "data": data}, DONE)
        assert core.result().success is success

    @pytest.mark.parametrize("data", [None, "text", [1], 5])
    def test_a_final_frame_without_an_object_is_an_empty_end(self, data: Any) -> None:
        core, _ = fed({"event": "final", "data": data}, DONE)
        assert core.result() == WorkflowExecutionResult(success=True)

    def test_a_paused_run_says_so(self) -> None:
        core, _ = fed({"event": "final", "data": {"success": True, "status": "paused", "output": {}}}, DONE)
        assert core.result().paused

    def test_stream_error_and_unknown_events_are_yielded_raw_and_end_nothing(self) -> None:
        sent = [
            {"event": "stream_error", "blockId": "b1", "error": "x"},
            {"event": "new", "a": 1},
            {"event": 5},
            {"chunk": 5},
        ]
        core, events = fed(*sent, FINAL_06, DONE)
        assert [event.to_dict() for event in events[:4]] == sent
        assert [event.event for event in events[:4]] == ["stream_error", "new", None, None]
        assert core.over

    def test_an_event_without_content_is_a_heartbeat(self) -> None:
        _, events = fed("", " ", FINAL_06, DONE)
        assert [type(event) for event in events] == [FinalEvent]

    @pytest.mark.parametrize("garbage", ["{", "<html>", "[1, 2]", "5", "null", '"text"', "[" * 100_000, "{}"])
    def test_garbage_is_yielded_raw_and_ends_nothing(self, garbage: str) -> None:
        core, events = fed(garbage, FINAL_06, DONE)
        assert isinstance(events[0], OtherEvent)
        assert core.result().success

    @pytest.mark.parametrize(
        ("value", "reason"), [("9" * 5000, "it has an integer"), ("[" * 100_000 + "]" * 100_000, "it nests too")]
    )
    def test_an_end_that_python_does_not_read_is_told_as_that(self, value: str, reason: str) -> None:
        core, _ = fed(chunk("Hel"), f'{{"event":"final","data":{{"success":true,"output":{value}}}}}', DONE)
        with pytest.raises(StreamError, match=f"an event in JSON that Python does not read: {reason}") as caught:
            core.result()
        assert caught.value.partial == "Hel"


class TestErrorFrame:
    @pytest.mark.parametrize(
        "frame",
        [
            {"event": "error", "error": "Execution timed out after 3 seconds"},
            {"event": "error", "error": {"message": "Too long", "code": "TIMEOUT"}},
        ],
        ids=["v1", "v2"],
    )
    def test_of_a_time_limit_is_an_execution_timeout(self, frame: dict[str, Any]) -> None:
        core, _ = fed(frame, DONE, core=ExecutionEvents("POST /x", run_id="r1"))
        assert isinstance(core.failure, ExecutionTimeoutError)
        assert (core.failure.code, core.failure.run_id) == ("TIMEOUT", "r1")

    def test_its_facts_are_on_the_error(self) -> None:
        sent = {"message": "Boom", "code": "BLOCK_EXECUTION_FAILED", "blockId": "b1", "blockName": "Agent"}
        core, _ = fed({"event": "error", "error": sent}, DONE)
        assert isinstance(core.failure, ExecutionError)
        assert (core.failure.details, core.failure.server_code) == (sent, "BLOCK_EXECUTION_FAILED")
        assert (core.failure.block_id, core.failure.block_name, core.failure.block_type) == ("b1", "Agent", None)

    def test_it_is_left_as_the_failure_after_the_events_before_it(self) -> None:
        core, events = fed(chunk("Hel"), chunk("lo"), {"event": "error", "error": "Boom"}, chunk("late"), end=False)
        assert [event.chunk for event in events] == ["Hel", "lo"]
        assert isinstance(core.failure, ExecutionError)
        assert core.failure.partial == "Hello"
        assert "Boom" in str(core.failure)
        assert "POST /x" in str(core.failure)
        assert core.failure.code == "EXECUTION_ERROR"
        assert core.failure.result == WorkflowExecutionResult(success=False, error="Boom")
        assert core.failure.details == {"event": "error", "error": "Boom"}

    @pytest.mark.parametrize(
        ("error", "text"),
        [({"message": "Boom"}, "Boom"), (None, "The workflow failed"), ("", "The workflow failed"), (5, "5")],
    )
    def test_its_error_may_be_anything(self, error: Any, text: str) -> None:
        core, _ = fed({"event": "error", "error": error}, end=False)
        assert str(core.failure).startswith(text)

    def test_the_missing_end_marker_changes_nothing(self) -> None:
        core, _ = fed({"event": "error", "error": "Boom"})
        assert isinstance(core.failure, ExecutionError)

    def test_the_result_raises_it(self) -> None:
        core, _ = fed({"event": "error", "error": "Boom"})
        with pytest.raises(ExecutionError, match="Boom"):
            core.result()


class TestEnds:
    def test_without_any_end_frame_it_is_a_stream_error_with_what_came(self) -> None:
        core, events = fed(chunk("Hel"))
        assert len(events) == 1
        assert isinstance(core.failure, StreamError)
        assert core.failure.partial == "Hel"
        assert "before the run did" in str(core.failure)

    def test_a_marker_without_any_end_frame_is_one_too(self) -> None:
        core, _ = fed(chunk("Hel"), DONE)
        assert isinstance(core.failure, StreamError)
        assert not core.over

    def test_a_final_frame_needs_no_marker(self) -> None:
        core, _ = fed(FINAL_06)
        assert core.over
        assert core.failure is None

    def test_a_final_frame_is_enough_even_when_the_connection_breaks_then(self) -> None:
        core, _ = fed(FINAL_06, end=False)
        core.end(APIConnectionError("dropped"))
        assert core.over
        assert core.result().success

    def test_a_broken_connection_is_a_stream_error_with_its_cause(self) -> None:
        core, _ = fed(chunk("Hel"), end=False)
        cause = APIConnectionError("The connection broke")
        core.end(cause)
        assert isinstance(core.failure, StreamError)
        assert core.failure.__cause__ is cause
        assert core.failure.partial == "Hel"

    def test_silence_is_a_timeout_with_what_came(self) -> None:
        core, _ = fed(chunk("Hel"), end=False)
        cause = APITimeoutError("silent for 300 s")
        core.end(cause)
        assert core.failure is cause
        assert cause.partial == "Hel"

    def test_a_frame_that_the_end_completes_counts(self) -> None:
        core = ExecutionEvents()
        core.feed(frames(chunk("a")))
        core.feed(b"data: " + json.dumps(FINAL_06).encode())
        (event,) = core.end()
        assert isinstance(event, FinalEvent)
        assert core.over

    def test_a_truncated_frame_at_the_end_does_not_hide_the_failure(self) -> None:
        core = ExecutionEvents()
        core.feed(frames(chunk("a")) + b'data: {"event":"final","da')
        core.end()
        assert isinstance(core.failure, StreamError)
        assert core.failure.partial == "a"

    def test_bytes_that_are_not_utf_8_fail_after_the_events_before_them(self) -> None:
        core = ExecutionEvents("POST /x")
        events = core.feed(frames(chunk("Hel")) + b"data: \xff\n\n" + frames(FINAL_06))
        assert [event["chunk"] for event in events] == ["Hel"]
        assert isinstance(core.failure, StreamError)
        assert core.failure.partial == "Hel"
        assert "POST /x" in str(core.failure)

    def test_what_cannot_be_decoded_after_the_end_changes_nothing(self) -> None:
        core = ExecutionEvents()
        core.feed(frames(FINAL_06, DONE) + b"data: \xff\n\n")
        assert core.over
        assert core.failure is None

    def test_an_event_above_the_limit_fails_after_the_events_before_it(self) -> None:
        core = ExecutionEvents("POST /x", max_event_size=100)
        events = core.feed(frames(chunk("Hel"), chunk("x" * 200)))
        assert len(events) == 1
        assert isinstance(core.failure, StreamError)
        assert "max_event_size" in str(core.failure)

    def test_an_end_that_is_told_twice_is_one(self) -> None:
        core, _ = fed(chunk("a"))
        before = core.failure
        core.end(APITimeoutError("later"))
        assert core.failure is before

    def test_the_result_before_the_end_is_a_stream_error(self) -> None:
        core, _ = fed(chunk("Hel"), end=False)
        with pytest.raises(StreamError, match="closed before its end") as caught:
            core.result()
        assert caught.value.partial == "Hel"

    def test_failures_pickle(self) -> None:
        core, _ = fed(chunk("Hel"), {"event": "error", "error": "Boom"})
        made = pickle.loads(pickle.dumps(core.failure))
        assert (str(made), made.partial, made.result) == (str(core.failure), "Hel", core.failure.result)  # type: ignore[union-attr]


class TestResult:
    def test_v06_leaves_streamed_blocks_out_and_the_client_puts_their_text_in(self) -> None:
        core, _ = fed(chunk("Hel"), chunk("lo"), chunk("\n\nBye", "b2"), FINAL_06, DONE)
        assert core.result().output == {"end": {"n": 1}, "b1": {"content": "Hello"}, "b2": {"content": "\n\nBye"}}

    def test_v04_repeats_them_and_its_own_text_stays(self) -> None:
        core, _ = fed(chunk("Hel"), chunk("lo!"), FINAL_04, DONE)
        assert core.result().output == {"b1": {"content": "Hello"}}

    def test_interleaved_blocks_are_joined_each_for_itself(self) -> None:
        core, _ = fed(chunk("a", "b1"), chunk("x", "b2"), chunk("b", "b1"), chunk("y", "b2"), DOCUMENTED, DONE)
        assert core.result().output == {"b1": {"content": "ab"}, "b2": {"content": "xy"}}
        assert core.partial == "abxy"

    def test_an_output_that_is_no_object_stays(self) -> None:
        core, _ = fed(chunk("a"), {"event": "final", "data": {"success": True, "output": [1]}}, DONE)
        assert core.result().output == [1]

    def test_without_chunks_the_output_is_what_came(self) -> None:
        core, _ = fed({"event": "final", "data": {"success": True}}, DONE)
        assert core.result().output is None

    def test_text_of_no_block_stays_out_of_the_output(self) -> None:
        core, _ = fed(chunk("a", None), FINAL_06, DONE)
        assert core.result().output == {"end": {"n": 1}}

    def test_the_final_event_itself_is_not_changed(self) -> None:
        core, _ = fed(chunk("a"), FINAL_06, DONE)
        core.result()
        assert core.final is not None
        assert core.final.output == {"end": {"n": 1}}

    def test_many_small_chunks_are_joined_in_order(self) -> None:
        texts = [f"{n} " for n in range(5000)]
        core, _ = fed(*[chunk(text) for text in texts], FINAL_06, DONE)
        assert core.result().output["b1"]["content"] == "".join(texts)


# Text as JavaScript cuts it: any UTF-16 code unit may be the last of a piece.
CUT = st.lists(st.lists(st.sampled_from(["a", "é", "\ud83d", "\ude00"]), max_size=4).map("".join), max_size=8)


class TestCharactersThatAreCutInTwo:
    @given(CUT)
    def test_the_halves_meet_and_one_that_is_alone_is_replaced(self, pieces: list[str]) -> None:
        core, events = fed(*map(chunk, pieces), FINAL_06, DONE)
        whole = "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        assert "".join(text for event in events if (text := core.text(event))) == whole
        assert "".join(event.chunk for event in events if isinstance(event, ChunkEvent)) == whole
        assert core.partial == core.result().output.get("b1", {"content": ""})["content"] == whole

    def test_each_block_has_halves_of_its_own(self) -> None:
        core, events = fed(chunk("\ud83d"), chunk("\ud83c", "b2"), chunk("\ude00"), chunk("\udf08", "b2"), FINAL_06)
        assert [event.chunk for event in events[:4]] == ["", "", "\U0001f600", "\U0001f308"]
        assert [core.text(event) for event in events[:2]] == [None, None]
        assert core.result().output["b2"] == {"content": "\U0001f308"}

    def test_the_frame_stays_as_it_came_and_the_event_pickles(self) -> None:
        core, (event,) = fed(chunk("so \ud83d"), end=False)
        assert (event.chunk, event.to_dict()["chunk"]) == ("so ", "so \ud83d")
        assert pickle.loads(pickle.dumps(event)).chunk == "so "
        assert core.partial == "so \ufffd"

    @pytest.mark.parametrize("end", [[], [{"event": "error", "error": "Boom"}]], ids=["cut off", "failed"])
    def test_what_a_failure_holds_can_be_encoded(self, end: list[Any]) -> None:
        core, _ = fed(chunk("so \ud83d"), *end)
        assert isinstance(core.failure, StreamError | ExecutionError)
        assert core.failure.partial == "so \ufffd"

    def test_a_models_reasoning_is_cut_alike(self) -> None:
        sent = [
            {"event": "thinking", "blockId": "b1", "data": data} for data in ("\ud83d", "\ude00 hm", None, {"a": 1})
        ]
        _, events = fed(*sent, end=False)
        assert [event.data for event in events] == ["", "\U0001f600 hm", None, {"a": 1}]

    def test_what_a_reset_makes_void_has_no_half_left(self) -> None:
        core, _ = fed(chunk("\ud83d"), {"event": "chunk_reset", "blockId": "b1"}, chunk("b"), FINAL_06)
        assert core.result().output["b1"] == {"content": "b"}


frame = st.one_of(
    st.builds(chunk, st.text(max_size=5), st.sampled_from(["b1", "b2", None])),
    st.sampled_from(
        [FINAL_06, FINAL_04, DOCUMENTED, DONE, "[DONE]", {"event": "error", "error": "Boom"}, {"event": "stream_error"}]
    ),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["event", "chunk", "blockId", "data", "error", "success", "output"]), inner, max_size=4
            )
        ),
        max_leaves=6,
    ),
)
raw_frame = frame.map(frames) | st.sampled_from([b"data: \xff\n\n", b": ping\n\n", b"data: {\n\n", b"data: "])


@given(st.lists(raw_frame, max_size=8), st.lists(st.integers(0, 2000), max_size=12))
def test_any_frames_in_any_split_give_the_same_events_and_the_same_end(sent: list[bytes], cuts: list[int]) -> None:
    content = b"".join(sent)
    places = sorted(cut % (len(content) + 1) for cut in cuts)

    def outcome(pieces: list[bytes]) -> tuple[Any, ...]:
        core = ExecutionEvents()
        events = [event for piece in pieces for event in core.feed(piece)] + core.end()
        assert core.over is (core.failure is None)
        result = core.result().to_dict() if core.over else None
        return events, type(core.failure), str(core.failure), result, core.partial

    pieces = [content[begin:end] for begin, end in zip([0, *places], [*places, len(content)], strict=True)]
    assert outcome(pieces) == outcome([content])


class TestShells:
    """The pair of iterators around the core, over a body without a socket."""

    async def collect(self, both: Both, stream: Any) -> list[Any]:
        return [event async for event in stream] if both.asynchronous else list(stream)

    @both_modes
    async def test_events_are_iterated_over_and_the_end_is_drained(self, both: Both) -> None:
        response = streamed(frames(chunk("a")), frames(FINAL_06, DONE))
        body = response.body
        stream = await both(both.client(response).workflows.stream("wf"))
        assert [type(event) for event in await self.collect(both, stream)] == [ChunkEvent, FinalEvent]
        assert isinstance(body, Pieces)
        assert body.did == ["piece", "piece", "drain"]
        assert (await both(stream.result())).output["b1"] == {"content": "a"}

    def test_events_are_asked_for_and_not_compressed(self) -> None:
        made = Both("sync").client(streamed(frames(FINAL_06, DONE)))
        made.workflows.stream("wf").result()
        headers = made.script.requests[0].headers
        assert (headers["accept"], headers["accept-encoding"]) == ("text/event-stream", "identity")

    @both_modes
    @pytest.mark.parametrize("read", ["events", "result", "flat method"])
    async def test_each_wait_for_an_event_has_the_idle_time_to_itself(self, both: Both, read: str) -> None:
        class Timed(Pieces):
            def await_event(self) -> None:
                self.did.append("await")

        one, two, end = frames(chunk("a")), frames(chunk("b")), frames(FINAL_06, DONE)
        response = streamed()
        response.body = body = Timed(response, [one[:9], one[9:] + two, end[:9], end[9:]])
        client = both.client(response)
        if read == "flat method":
            await both(client.execute_workflow("wf", stream=True))
        else:
            stream = await both(client.workflows.stream("wf"))
            await (self.collect(both, stream) if read == "events" else both(stream.result()))
        assert body.did[:6] == ["await", "piece", "piece", "await", "piece", "piece"]

    @both_modes
    async def test_the_result_reads_the_rest(self, both: Both) -> None:
        stream = await both(both.client(streamed(frames(chunk("a")), frames(FINAL_06, DONE))).workflows.stream("wf"))
        assert (await both(stream.result())).success
        assert "over" in repr(stream)

    @both_modes
    async def test_a_failure_comes_after_the_events_before_it_and_closes(self, both: Both) -> None:
        response = streamed(frames(chunk("a"), {"event": "error", "error": "Boom"}))
        body = response.body
        stream = await both(both.client(response).workflows.stream("wf"))
        seen = []
        seen.append(await both(stream.__anext__() if both.asynchronous else next(stream)))
        with pytest.raises(ExecutionError, match="Boom"):
            await both(stream.__anext__() if both.asynchronous else next(stream))
        assert [event.chunk for event in seen] == ["a"]
        assert isinstance(body, Pieces)
        assert body.did[-1] == "close"

    @both_modes
    async def test_leaving_it_open_and_closing_is_a_stream_error_for_who_goes_on(self, both: Both) -> None:
        stream = await both(both.client(streamed(frames(chunk("a")), frames(FINAL_06))).workflows.stream("wf"))
        await both(stream.aclose() if both.asynchronous else stream.close())
        with pytest.raises(StreamError, match="closed before its end"):
            await self.collect(both, stream)

    @both_modes
    async def test_its_texts_have_whole_characters(self, both: Both) -> None:
        sent = streamed(frames(chunk("\ud83d"), chunk("\ude00!")), frames(FINAL_06, DONE))
        stream = await both(both.client(sent).workflows.stream("wf"))
        texts = [text async for text in stream.text()] if both.asynchronous else list(stream.text())
        assert texts == ["\U0001f600!"]

    @both_modes
    async def test_the_flat_method_reads_it_all(self, both: Both) -> None:
        made = both.client(streamed(frames(chunk("a")), frames(chunk("b")), frames(FINAL_06, DONE)))
        result = await both(made.execute_workflow("wf", {"n": 1}, stream=True, selected_outputs=["agent.content"]))
        assert result.output == {"end": {"n": 1}, "b1": {"content": "ab"}}
        assert made.script.requests[0].json() == {"n": 1, "stream": True, "selectedOutputs": ["agent.content"]}
        assert made.script.requests[0].headers["Accept-Encoding"] == "identity"

    @both_modes
    async def test_an_answer_that_is_no_stream_is_the_whole_result(self, both: Both) -> None:
        body = json.dumps({"success": True, "output": {"n": 1}}).encode()
        stream = await both(both.client(streamed(body, content_type="application/json")).workflows.stream("wf"))
        assert (await both(stream.result())).output == {"n": 1}

    async def test_no_error_of_it_holds_the_key_that_the_server_echoes(self, both: Both) -> None:
        for sent in (
            frames(chunk(KEY), {"event": "error", "error": f"bad {KEY}", "more": [{KEY: KEY}]}),
            frames(chunk(KEY)),
            frames(chunk("a")) + b"data: " + KEY.encode() + b"\xff\n\n",
        ):
            stream = await both(both.client(streamed(sent)).workflows.stream("wf"))
            with pytest.raises((StreamError, ExecutionError)) as caught:
                await both(stream.result())
            assert KEY not in str(caught.value)
            assert KEY.encode() not in pickle.dumps(caught.value)
