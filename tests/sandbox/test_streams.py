"""Server-sent events, as Sim v0.6 sends them."""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from simstudio.sandbox import Block, Chunk, Context, Sandbox, respond

from .calls import Caller, Serve

DONE = '"[DONE]"'


def parsed(frames: list[str]) -> list[object]:
    return [json.loads(frame) for frame in frames]


def test_selected_chunks_then_final_then_done_in_quotes(call: Caller) -> None:
    frames = call.frames("count", {"to": 2, "selectedOutputs": ["count.content"]})
    block = call.sandbox.block_id("count")
    assert parsed(frames[:-1]) == [
        {"blockId": block, "chunk": "1"},
        {"blockId": block, "chunk": " 2"},
        {"event": "final", "data": {"success": True, "output": {}}},
    ]
    assert frames[-1] == DONE


def test_the_head_says_so(call: Caller) -> None:
    headers = call.execute("count", {"stream": True}).headers
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"


def test_without_a_selection_there_are_no_chunks_and_the_whole_output(call: Caller) -> None:
    assert parsed(call.frames("count", {"to": 2})) == [
        {"event": "final", "data": {"success": True, "output": {"content": "1 2", "count": 2}}},
        "[DONE]",
    ]


@pytest.mark.parametrize("selected", ["agent1.content", "Agent 1.content", "{id}_content", "{id}.content", "AGENT1.x"])
def test_a_block_is_selected_by_name_or_id(call: Caller, selected: str) -> None:
    @call.sandbox.workflow("chat", block="Agent 1")
    def chat(input: dict):
        yield "hi"

    selected = selected.format(id=call.sandbox.block_id("chat"))
    assert '"chunk":"hi"' in call.frames("chat", {"selectedOutputs": [selected]})[0]


def test_an_unknown_selection_is_ignored(call: Caller) -> None:
    final = parsed(call.frames("count", {"selectedOutputs": ["nobody.content"]}))[0]
    assert final == {"event": "final", "data": {"success": True, "output": {}}}


def test_blocks_that_do_not_stream_are_only_in_final_under_the_path_asked_for(call: Caller) -> None:
    @call.sandbox.workflow("steps", block="last")
    def steps(input: dict):
        yield Block({"result": {"text": "one", "list": [{"y": 2}]}}, name="First Step")
        return {"result": "two"}

    frames = parsed(call.frames("steps", {"selectedOutputs": ["firststep.result.list.0.y", "last.result", "last.no"]}))
    first, last = call.sandbox.block_id("steps", "First Step"), call.sandbox.block_id("steps")
    output = {first: {"result.list.0.y": 2}, last: {"result": "two"}}
    assert frames == [{"event": "final", "data": {"success": True, "output": output}}, "[DONE]"]


def test_a_path_with_an_output_prefix_turns_the_value_into_a_chunk(call: Caller) -> None:
    call.sandbox.workflow("plain")(lambda given: {"result": {"a": 1}})
    frames = parsed(call.frames("plain", {"selectedOutputs": ["plain.output.result"]}))
    assert frames[0]["chunk"] == '{\n  "a": 1\n}'
    assert frames[1]["data"]["output"] == {}


def test_each_later_block_begins_with_two_newlines(call: Caller) -> None:
    @call.sandbox.workflow("duet")
    def duet(input: dict):
        yield Chunk("a", block="one")
        yield Chunk("b", block="one")
        yield Chunk("c", block="two")
        yield Chunk("d", block="two")
        yield Chunk("e", block="silent")

    frames = parsed(call.frames("duet", {"selectedOutputs": ["one.content", "two.content"]}))
    assert [frame["chunk"] for frame in frames[:-2]] == ["a", "b", "\n\nc", "d"]


@pytest.mark.generation("v0.6")
def test_a_failure_is_an_error_event_and_no_done(call: Caller) -> None:
    @call.sandbox.workflow("breaks")
    def breaks(input: dict):
        yield "so far"
        raise RuntimeError("so bad")

    frames = parsed(call.frames("breaks", {"selectedOutputs": ["breaks.content"]}))
    assert frames[1:] == [{"event": "error", "error": "breaks: so bad"}]


def test_a_timeout_is_an_error_event_followed_by_done(serve: Serve) -> None:
    call = serve(Sandbox(execution_timeout=0.02))
    frames = parsed(call.frames("slow", {"seconds": 60}))
    assert frames == [{"event": "error", "error": "Execution timed out after 0.02 seconds"}, "[DONE]"]


def test_a_response_block_is_a_block_like_others(call: Caller) -> None:
    call.sandbox.workflow("tea")(lambda given: respond(418, {}, {"short": True}))
    answer = call.execute("tea", {"stream": True, "selectedOutputs": ["response.data"]})
    block = call.sandbox.block_id("tea", "Response")
    assert answer.status_code == 200
    assert json.dumps({block: {"data": {"short": True}}}, separators=(",", ":")) in answer.text


def test_the_header_asks_for_a_stream_too_and_wins(call: Caller) -> None:
    answer = call.execute("count", {"stream": False}, X_Stream_Response="true")
    assert answer.headers["content-type"] == "text/event-stream"
    assert call.execute("count", {}, X_Stream_Response="TRUE").headers["content-type"] == "application/json"


def test_what_is_wrong_before_the_run_is_plain_json(call: Caller) -> None:
    answer = call.execute("nowhere", {"stream": True})
    assert (answer.status_code, answer.json()) == (404, {"error": "Workflow not found"})


def test_chunks_are_sent_while_the_workflow_runs(call: Caller) -> None:
    read = threading.Event()

    @call.sandbox.workflow("live")
    def live(input: dict):
        yield "first"
        assert read.wait(5)
        yield "second"

    body = {"stream": True, "selectedOutputs": ["live.content"]}
    with call.http.stream("POST", "/api/workflows/live/execute", json=body) as answer:
        lines = answer.iter_lines()
        assert "first" in next(lines)
        read.set()
        assert "second" in "".join(lines)


def test_hanging_up_cancels_the_run(call: Caller) -> None:
    cancelled = threading.Event()

    @call.sandbox.workflow("forever")
    def forever(input: dict, context: Context):
        try:
            yield "first"
            context.cancelled.wait(60)
        finally:
            cancelled.set()

    body = {"stream": True, "selectedOutputs": ["forever.content"]}
    with httpx.Client() as other:
        url = f"{call.server.base_url}/api/workflows/forever/execute"
        with other.stream("POST", url, json=body, headers={"X-API-Key": call.sandbox.api_key}) as answer:
            next(answer.iter_lines())
    assert cancelled.wait(5)


def test_a_generator_of_a_cancelled_run_is_closed(call: Caller) -> None:
    closed = threading.Event()

    @call.sandbox.workflow("forever")
    async def forever(input: dict):
        try:
            while True:
                yield "x" * 1000
        finally:
            closed.set()

    body = {"stream": True, "selectedOutputs": ["forever.content"]}
    with httpx.Client() as other:
        url = f"{call.server.base_url}/api/workflows/forever/execute"
        with other.stream("POST", url, json=body, headers={"X-API-Key": call.sandbox.api_key}) as answer:
            next(answer.iter_lines())
    assert closed.wait(5)
