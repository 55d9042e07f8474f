"""Chat with an assistant that a registered workflow stands for, in the forms that were recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simstudio import ServerError, StreamError
from simstudio.sandbox import Sandbox
from tests import recorded

from .calls import Caller, Serve
from .contract import operations, problems

PIECES = ["Hallo", ", ", "Welt ", "世界 🎈"]


def sandbox(**options: Any) -> Sandbox:
    made = Sandbox(generation="v0.8", outsider_key="sk-sim-outsider", **{"assistant": "agent", **options})

    @made.workflow("agent")
    def agent(given: dict[str, str]) -> Iterator[str]:
        yield from PIECES
        if given["message"] == "fail":
            raise ValueError("Boom")

    @made.workflow("echo")
    def echo(message: str = "", conversationId: str = "") -> str:
        return f"{message} in {conversationId}"

    return made


@pytest.fixture
def call(serve: Serve) -> Caller:
    return serve(sandbox())


def post(call: Caller, message: Any = "hi", accept: str = "*/*", **more: Any) -> Any:
    body = {"workspaceId": call.sandbox.workspace_id, "message": message, **more}
    return call.http.post("/api/v2/chat", json=body, headers={"accept": accept})


def keys_of(value: Any) -> Any:
    return {name: keys_of(each) for name, each in value.items()} if isinstance(value, dict) else type(value).__name__


@pytest.mark.parametrize("message", ["hi", "fail"])
def test_an_answer_comes_in_lines_as_recorded(message: str, call: Caller) -> None:
    answer = post(call, message, "application/x-ndjson")
    ours = [json.loads(line) for line in answer.text.splitlines()]
    theirs = recorded.recording(recorded.SELECTION, "resources-1038" if message == "hi" else "resources-0987")
    recorded_lines = [json.loads(line) for line in theirs.body.splitlines()]
    assert [line for line in ours if line["type"] == "chunk"] == [{"type": "chunk", "content": each} for each in PIECES]
    assert keys_of(ours[0]) == keys_of(recorded_lines[0])
    assert ours[-1].keys() == recorded_lines[-1].keys()
    if message == "fail":
        assert (ours[-1]["content"], "Boom" in ours[-1]["error"]) == ("".join(PIECES), True)
    else:
        assert ours[-1]["data"].keys() == recorded_lines[-1]["data"].keys() - {"cost"}
    assert {name: value for name, value in answer.headers.items() if name in ("content-type", "cache-control")} == {
        name.lower(): value for name, value in theirs.headers if name.lower() in ("content-type", "cache-control")
    }


def test_an_answer_comes_whole(call: Caller) -> None:
    answer = post(call, conversationId="mine", unknown=True)
    assert problems(operations()["chat"], answer.status_code, answer.json()) == []
    assert (answer.json()["data"]["content"], answer.json()["data"]["conversationId"]) == ("".join(PIECES), "mine")


def test_a_returned_text_is_the_answer(serve: Serve) -> None:
    call = serve(sandbox(assistant="echo"))
    with call.server.client() as client:
        assert client.v2.chat.send(call.sandbox.workspace_id, message="hi", conversation_id="c").content == "hi in c"


def test_a_client_streams_an_answer_and_learns_why_it_failed(call: Caller) -> None:
    workspace = call.sandbox.workspace_id
    with call.server.client() as client:
        with client.v2.chat.stream(workspace, message="hi") as stream:
            assert list(stream) == PIECES
        with pytest.raises(StreamError, match="Boom") as failed, client.v2.chat.stream(workspace, message="fail") as it:
            list(it)
        with pytest.raises(ServerError, match="Boom"):
            client.v2.chat.send(workspace, message="fail")
    assert failed.value.partial == "".join(PIECES)


@pytest.mark.parametrize(
    ("given", "status", "message"),
    [
        ({"message": ""}, 400, "message cannot be empty"),
        ({"message": None}, 400, "Invalid input: expected string, received null"),
        ({"conversationId": "c" * 129}, 400, "conversationId cannot exceed 128 characters"),
        ({"workspaceId": "nope"}, 403, "Workspace access denied"),
    ],
)
def test_a_message_is_refused(given: dict[str, Any], status: int, message: str, call: Caller) -> None:
    answer = post(call, **given)
    assert (answer.status_code, answer.json()["error"]["message"]) == (status, message)


def test_without_an_assistant_the_answer_says_how_to_have_one(serve: Serve) -> None:
    answer = post(serve(sandbox(assistant=None)))
    assert (answer.status_code, "Sandbox(assistant=…)" in answer.json()["error"]["message"]) == (501, True)
    answer = post(serve(sandbox(assistant="nobody")))
    assert (answer.status_code, "'nobody' is registered" in answer.json()["error"]["message"]) == (500, True)
