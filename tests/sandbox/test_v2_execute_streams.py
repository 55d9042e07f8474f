"""Streams of v2."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from simstudio.sandbox import Block, Chunk, Pause, Reset, Thinking, ToolCall

from .calls import Caller

AGENT = {"X-Sim-Stream-Protocol": "agent-events-v1"}


def stream(call: Caller, workflow: str, body: dict | None = None, headers: dict | None = None) -> httpx.Response:
    url = f"/api/v2/workflows/{workflow}/execute"
    return call.http.post(url, json={"stream": True, **(body or {})}, headers=headers)


def frames(answer: httpx.Response) -> list:
    assert answer.status_code == 200, answer.text
    return [json.loads(part.removeprefix("data: ")) for part in answer.text.split("\n\n") if part]


def thinker(input: dict) -> Iterator[object]:
    yield Thinking("Hm. ")
    yield ToolCall("search", id="t1")
    yield "41"
    yield ToolCall("search", "end", id="t1", status="success")
    yield Reset()
    yield "42"


@pytest.fixture
def thinking(call: Caller) -> Caller:
    call.sandbox.workflow("thinker", block="agent")(thinker)
    return call


@pytest.mark.generation("v0.6")
def test_a_stream_says_which_run_it_is(call: Caller) -> None:
    answer = stream(call, "hello")
    assert answer.headers["content-type"] == "text/event-stream"
    assert "x-sim-stream-protocol" not in answer.headers
    run = call.http.get(f"/api/v2/workflows/hello/runs/{answer.headers['x-run-id']}").json()["data"]
    assert run["status"] == "completed"


def test_without_selected_outputs_there_is_only_the_result(call: Caller) -> None:
    final, done = frames(stream(call, "count"))
    assert final["data"] == {"success": True, "output": {"content": "1 2 3 4 5", "count": 5}}
    assert done == "[DONE]"


def test_a_selected_block_streams_its_text_and_is_left_out_of_the_result(call: Caller) -> None:
    *chunks, final, _ = frames(stream(call, "count", {"selectedOutputs": ["count.content"]}))
    assert {each["blockId"] for each in chunks} == {call.sandbox.block_id("count")}
    assert "".join(each["chunk"] for each in chunks) == "1 2 3 4 5"
    assert final == {"event": "final", "data": {"success": True, "output": {}}}


def test_what_does_not_stream_is_one_chunk_text_raw_and_all_else_as_json(call: Caller) -> None:
    @call.sandbox.workflow("steps")
    def steps(input: dict) -> Iterator[object]:
        yield Block({"text": "hi"}, name="first")
        yield Block({"deep": {"n": 1}}, name="second")

    first, second, final, _ = frames(stream(call, "steps", {"selectedOutputs": ["first.text", "second.deep"]}))
    assert (first["chunk"], second["chunk"]) == ("hi", '\n\n{\n  "n": 1\n}')
    assert final["data"]["output"] == {}


@pytest.mark.generation("v0.6")
def test_a_block_nobody_has_is_refused(call: Caller) -> None:
    assert stream(call, "hello", {"selectedOutputs": ["nowhere.text"]}).status_code == 400


def test_a_failed_stream_ends_with_an_error_and_nothing_after_it(call: Caller) -> None:
    (last,) = frames(stream(call, "fail", {"input": {"message": "no"}}))
    assert last == {"event": "error", "error": "fail: no"}


def test_a_paused_stream_says_so(call: Caller) -> None:
    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        yield Pause("Go on?")

    final, done = frames(stream(call, "ask"))
    assert (final["data"]["success"], final["data"]["status"], done) == (True, "paused", "[DONE]")


def test_thinking_and_tools_are_shown_to_those_who_ask(thinking: Caller) -> None:
    body = {"selectedOutputs": ["agent.content"], "includeThinking": True, "includeToolCalls": True}
    answer = stream(thinking, "thinker", body, AGENT)
    assert answer.headers["x-sim-stream-protocol"] == "agent-events-v1"
    block = {"blockId": thinking.sandbox.block_id("thinker")}
    assert frames(answer) == [
        {**block, "event": "thinking", "data": "Hm. "},
        {**block, "event": "tool", "phase": "start", "id": "t1", "name": "search"},
        {**block, "chunk": "41"},
        {**block, "event": "tool", "phase": "end", "id": "t1", "name": "search", "status": "success"},
        {**block, "event": "chunk_reset"},
        {**block, "chunk": "42"},
        {"event": "final", "data": {"success": True, "output": {}}},
        "[DONE]",
    ]


@pytest.mark.parametrize(
    ("body", "headers", "events"),
    [
        ({}, {}, []),
        ({}, AGENT, ["chunk_reset"]),
        ({"includeThinking": True}, AGENT, ["thinking", "chunk_reset"]),
        ({"includeToolCalls": True}, AGENT, ["tool", "tool", "chunk_reset"]),
    ],
)
def test_each_kind_of_event_has_to_be_asked_for(thinking: Caller, body: dict, headers: dict, events: list) -> None:
    shown = frames(stream(thinking, "thinker", {"selectedOutputs": ["agent.content"], **body}, headers))
    assert [each["event"] for each in shown if "blockId" in each and "event" in each] == events


@pytest.mark.generation("v0.6")
def test_what_was_taken_back_is_no_part_of_the_blocks_output(thinking: Caller) -> None:
    run_id = stream(thinking, "thinker").headers["x-run-id"]
    query = {"includeOutput": "true"}
    run = thinking.http.get(f"/api/v2/workflows/thinker/runs/{run_id}", params=query).json()["data"]
    assert run["output"] == {"content": "42"}


def test_streams_of_v1_show_none_of_these(thinking: Caller) -> None:
    shown = [json.loads(each) for each in thinking.frames("thinker", {"selectedOutputs": ["agent.content"]})]
    assert [each for each in shown if "blockId" in each and "event" in each] == []


def test_async_generators_may_think_too(call: Caller) -> None:
    @call.sandbox.workflow("deep")
    async def deep(input: dict) -> AsyncIterator[object]:
        yield Thinking("…", block="brain")
        yield ToolCall("search", block="brain")
        yield Chunk("so", block="brain")

    body = {"selectedOutputs": ["brain.content"], "includeThinking": True, "includeToolCalls": True}
    thought, tool, chunk, _, _ = frames(stream(call, "deep", body, AGENT))
    assert (thought["data"], tool["id"], chunk["chunk"]) == ("…", "search", "so")
