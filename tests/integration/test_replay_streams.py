"""Every recorded stream, in pieces cut at random places, through the methods a user calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

import simstudio as sim
from simstudio.testing import rechunk
from tests.integration import streams
from tests.integration.executions import Failure
from tests.integration.replaying import (
    V04,
    V06,
    Exchange,
    Watch,
    answer_of,
    body_of,
    client_options,
    in_every_way,
    on_both_clients,
    one_of_each_kind,
    parameters,
    play,
    read,
    workflow_of,
)
from tests.integration.rules import assert_status_error, assert_travels
from tests.integration.streams import Broken, Stream
from tests.modes import both_modes
from tests.recorded import Recording, recording

FLAT = {
    "execute_workflow": lambda client, *args, **more: client.execute_workflow(*args, stream=True, **more),
    "execute_workflow_sync": lambda client, *args, **more: client.execute_workflow_sync(*args, stream=True, **more),
    "execute_with_retry": lambda client, *args, **more: client.execute_with_retry(
        *args, stream=True, max_retries=0, **more
    ),
}
GOOD = {key: value for key, value in streams.STREAMED.items() if isinstance(value, Stream)}
BROKEN = {key: value for key, value in streams.STREAMED.items() if isinstance(value, Broken)}
REFUSED = {key: value for key, value in streams.STREAMED.items() if isinstance(value, Failure)}


def asked(recorded: Recording) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments by which a user asks for what the recorded caller asked for."""
    body = body_of(recorded)
    assert body.pop("stream") is True
    selected = {"selected_outputs": body.pop("selectedOutputs")} if "selectedOutputs" in body else {}
    return (workflow_of(recorded), body), selected


def frames(recorded: Recording) -> list[Any]:
    """The recorded frames: one ``data:`` line each on this server, whatever else SSE allows."""
    parts = recorded.body.decode().split("\n\n")
    assert parts.pop() in ("", "\n")
    return [json.loads(part.removeprefix("data: ")) for part in parts]


def check_events(events: list[Any], recorded: Recording) -> None:
    """Every chunk and the final event came, verbatim, and nothing else."""
    sent = [frame for frame in frames(recorded) if isinstance(frame, dict) and frame.get("event") != "error"]
    assert [event.to_dict() for event in events] == sent
    for event, frame in zip(events, sent, strict=True):
        if "chunk" in frame:
            assert isinstance(event, sim.ChunkEvent)
            assert (event.chunk, event.block_id) == (frame["chunk"], frame["blockId"])
        else:
            assert isinstance(event, sim.FinalEvent)
            assert event is events[-1]
            assert (event.success, event.output) == (frame["data"]["success"], frame["data"]["output"])
            assert event.error == frame["data"].get("error")
            assert event.status == frame["data"].get("status")


def check_result(result: Any, recorded: Recording, expected: Stream) -> None:
    final = next(frame for frame in frames(recorded) if isinstance(frame, dict) and frame.get("event") == "final")
    streamed: dict[str, str] = {}
    for frame in frames(recorded):
        if isinstance(frame, dict) and "chunk" in frame:
            streamed[frame["blockId"]] = streamed.get(frame["blockId"], "") + frame["chunk"]
    assert [block[:8] for block in streamed] == list(expected.texts)
    for text, wanted in zip(streamed.values(), expected.texts.values(), strict=True):
        assert wanted in (..., text)
    lacking = {block: {"content": text} for block, text in streamed.items() if block not in final["data"]["output"]}
    assert bool(lacking) is expected.joined
    assert type(result) is sim.WorkflowExecutionResult
    assert result.output == {**final["data"]["output"], **lacking}
    if expected.output is not ...:
        assert result.output == expected.output
    assert result.success is (expected.error is None)
    assert result.error == expected.error
    assert result.paused is expected.paused
    assert result.status == ("paused" if expected.paused else None)
    assert (result.execution_id, result.metadata) == (None, None)


@pytest.mark.parametrize(("mode", "recorded", "expected"), on_both_clients(GOOD))
def test_a_stream_gives_its_events_and_then_its_result(mode, recorded, expected):
    watch = Watch()
    (workflow, body), selected = asked(recorded)

    with rechunk() as cuts:
        streamed = play(
            mode, recorded, lambda client: read(client.workflows.stream(workflow, body, **selected)), middleware=[watch]
        )

    assert streamed.error is None, f"cut with seed {cuts.seed}"
    check_events(streamed.events, recorded)
    check_result(streamed.result, recorded, expected)
    watch.assert_sent_as(recorded)
    assert cuts.pieces > 1


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(FLAT, GOOD))
def test_a_flat_method_reads_a_stream_to_its_end(mode, way, recorded, expected):
    arguments, selected = asked(recorded)

    with rechunk() as cuts:
        result = play(mode, recorded, lambda client: FLAT[way](client, *arguments, **selected))

    check_result(result, recorded, expected)
    assert cuts.pieces > 1


async def collected(texts: Any) -> list[str]:
    return [text async for text in texts]


@both_modes
@pytest.mark.parametrize(("recorded", "expected"), parameters(one_of_each_kind(GOOD)))
def test_the_text_of_a_stream_comes_piece_by_piece(mode, recorded, expected):
    (workflow, body), selected = asked(recorded)

    def script(client):
        opened = client.workflows.stream(workflow, body, **selected)
        stream = opened if mode == "sync" else (yield opened)
        texts = stream.text()
        return list(texts) if mode == "sync" else (yield collected(texts))

    with rechunk(recorded.number):
        texts = play(mode, recorded, script)

    assert texts == [frame["chunk"] for frame in frames(recorded) if "chunk" in frame]


@both_modes
@pytest.mark.parametrize(("recorded", "expected"), parameters(one_of_each_kind(GOOD)))
def test_the_result_can_be_asked_for_without_iterating(mode, recorded, expected):
    (workflow, body), selected = asked(recorded)

    def script(client):
        opened = client.workflows.stream(workflow, body, **selected)
        stream = opened if mode == "sync" else (yield opened)
        first = yield stream.result()
        second = yield stream.result()
        assert first == second
        return first

    with rechunk(recorded.number, largest=1):
        check_result(play(mode, recorded, script), recorded, expected)


@pytest.mark.parametrize(("mode", "recorded", "expected"), on_both_clients(BROKEN))
def test_an_error_event_ends_a_stream_with_an_error(mode, recorded, expected):
    (workflow, body), selected = asked(recorded)

    with rechunk() as cuts:
        streamed = play(mode, recorded, lambda client: read(client.workflows.stream(workflow, body, **selected)))

    error = streamed.error
    assert type(error) is sim.ExecutionError, f"cut with seed {cuts.seed}"
    assert expected.text in str(error)
    assert (error.code, error.partial) == ("EXECUTION_ERROR", "")
    assert error.result.success is False
    assert expected.text in error.result.error
    check_events(streamed.events, recorded)
    assert_travels(error)


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(FLAT, BROKEN))
def test_an_error_event_comes_out_of_a_flat_method(mode, way, recorded, expected):
    arguments, selected = asked(recorded)

    with pytest.raises(sim.ExecutionError) as raised:
        play(mode, recorded, lambda client: FLAT[way](client, *arguments, **selected))

    assert raised.value.code == "EXECUTION_ERROR"
    assert expected.text in str(raised.value)


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(["workflows.stream", *FLAT], REFUSED))
def test_a_stream_that_is_refused_raises_what_an_execution_does(mode, way, recorded, expected):
    arguments, selected = asked(recorded)
    call = FLAT.get(way) or (lambda client, *args, **more: read(client.workflows.stream(*args, **more)))
    options = client_options(recorded) if way == "workflows.stream" else {}

    with pytest.raises(expected.kind, match=expected.text.replace("$", "\\$")) as raised:
        play(mode, recorded, lambda client: call(client, *arguments, **selected), **options)

    assert_status_error(raised.value, recorded)


@pytest.mark.parametrize(("recorded", "expected"), parameters(streams.ALTERED))
def test_a_stream_asked_for_by_headers_is_read_alike(mode, recorded, expected):
    headers = {name: value for name, value in recorded.request_headers.items() if name.startswith(("X-St", "X-Se"))}
    watch = Watch(recorded.request_body, headers)

    with rechunk() as cuts:
        streamed = play(
            mode, recorded, lambda client: read(client.workflows.stream(workflow_of(recorded))), middleware=[watch]
        )

    assert streamed.error is None, f"cut with seed {cuts.seed}"
    check_events(streamed.events, recorded)
    check_result(streamed.result, recorded, expected)


@pytest.mark.parametrize(("recorded", "_"), parameters(dict.fromkeys(streams.ALTERED)))
def test_the_escape_hatch_gives_a_stream_as_bytes(mode, recorded, _):
    headers = {name: value for name, value in recorded.request_headers.items() if name.startswith(("X-St", "X-Se"))}

    content = play(
        mode,
        recorded,
        lambda client: client.request("POST", recorded.path, json=body_of(recorded), headers=headers),
    )

    assert content == recorded.body


@pytest.mark.parametrize("recorded", [recording(*key) for key in streams.NOT_STREAMED], ids=str)
def test_an_answer_in_one_piece_counts_as_a_stream_that_has_ended(mode, recorded):
    streamed = play(
        mode,
        recorded,
        lambda client: read(client.workflows.stream(workflow_of(recorded))),
        middleware=[Watch(recorded.request_body)],
    )

    assert streamed.error is None
    assert streamed.result.success is True
    assert streamed.result.output == answer_of(recorded)["output"]


@pytest.mark.parametrize("recorded", [recording(V06, 309), recording(V04, 154)], ids=str)
@pytest.mark.parametrize("seed", range(8))
def test_where_a_stream_is_cut_makes_no_difference(mode, recorded, seed):
    (workflow, body), selected = asked(recorded)

    with rechunk(seed, largest=1 + seed * 5):
        streamed = play(mode, recorded, lambda client: read(client.workflows.stream(workflow, body, **selected)))

    check_events(streamed.events, recorded)


@both_modes
def test_leaving_a_stream_early_closes_it(mode):
    recorded = recording(V06, 309)
    (workflow, body), selected = asked(recorded)

    def script(client):
        opened = client.workflows.stream(workflow, body, **selected)
        stream = opened if mode == "sync" else (yield opened)
        yield leave(stream) if mode == "sync" else aleave(stream)
        return stream

    def leave(stream):
        with stream:
            for event in stream:
                assert event.chunk == "You"
                break

    async def aleave(stream):
        async with stream:
            async for event in stream:
                assert event.chunk == "You"
                break

    def result_of(stream):
        return stream.result() if mode == "sync" else aresult_of(stream)

    async def aresult_of(stream):
        return await stream.result()

    def whole(client):
        stream = yield from script(client)
        with pytest.raises(sim.StreamError) as raised:
            yield result_of(stream)
        return raised.value

    with rechunk(1):
        error = play(mode, recorded, whole)

    assert error.partial == "You"


FINAL = ('data: {"event":"final"', ': {"event":"final"')
DONE = ('data: "[DONE]"', ': "[DONE]"')
"""What makes a recorded frame a comment, so that the server never said it."""


@both_modes
def test_a_stream_that_stops_before_its_final_event_is_broken(mode):
    recorded = recording(V06, 309)
    (workflow, body), selected = asked(recorded)

    with rechunk(3):
        streamed = play(
            mode,
            [Exchange(recorded, (FINAL, DONE))],
            lambda client: read(client.workflows.stream(workflow, body, **selected)),
        )

    assert type(streamed.error) is sim.StreamError
    assert streamed.error.partial == "You said: hello. One two three ✓ done."
    assert_travels(streamed.error)


def test_a_done_without_a_final_event_is_broken_too(mode):
    recorded = recording(V06, 309)
    arguments, selected = asked(recorded)

    with pytest.raises(sim.StreamError, match="ended before the run did"):
        play(
            mode,
            [Exchange(recorded, (FINAL,))],
            lambda client: client.execute_workflow(*arguments, stream=True, **selected),
        )


def test_a_final_event_is_enough_of_an_end(mode):
    recorded = recording(V06, 309)
    arguments, selected = asked(recorded)

    result = play(
        mode,
        [Exchange(recorded, (DONE,))],
        lambda client: client.execute_workflow(*arguments, stream=True, **selected),
    )

    check_result(result, recorded, streams.STREAMED[V06, 309])
