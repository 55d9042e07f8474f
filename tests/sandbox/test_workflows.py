"""A workflow is a plain Python function, of whatever colour."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from simstudio.errors import ConfigurationError
from simstudio.sandbox import Block, Chunk, Context, Sandbox, respond

from .calls import Caller, Serve


def output(call: Caller, workflow: str, body: object = None) -> object:
    answer = call.execute(workflow, body)
    assert answer.status_code == 200, answer.text
    return answer.json()["output"]


def test_what_a_function_returns_is_the_output(call: Caller) -> None:
    @call.sandbox.workflow("greet")
    def greet(input: dict) -> dict:
        return {"text": f"Hi {input['name']}"}

    assert output(call, "greet", {"name": "Ada"}) == {"text": "Hi Ada"}


def test_the_decorator_leaves_the_function_alone(call: Caller) -> None:
    def greet(input: dict) -> str:
        return "hi"

    assert call.sandbox.workflow("greet")(greet) is greet


def test_an_async_function_runs_on_the_servers_loop(call: Caller) -> None:
    @call.sandbox.workflow("later")
    async def later(input: dict) -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert output(call, "later") == "simstudio-sandbox"


def test_a_plain_function_runs_in_a_thread_of_its_own(call: Caller) -> None:
    call.sandbox.workflow("where")(lambda given: threading.current_thread().name)
    assert output(call, "where") == "simstudio-sandbox-workflow"


def test_a_blocking_function_does_not_stop_the_others(call: Caller) -> None:
    go_on = threading.Event()
    call.sandbox.workflow("block")(lambda given: go_on.wait(5))
    job = call.submit("block")
    assert output(call, "hello") == {"message": "Hello, world!"}
    go_on.set()
    assert call.finished_job(job["jobId"])["output"]["output"] is True


def test_the_context_tells_about_the_run(call: Caller) -> None:
    @call.sandbox.workflow("self")
    def myself(input: dict, context: Context) -> dict:
        return {"id": context.execution_id, "workflow": context.workflow_id, "raw": context.raw}

    answer = call.execute("self", {"a": 1, "triggerType": "api"}).json()
    assert answer["output"] == {
        "id": answer["executionId"],
        "workflow": "self",
        "raw": {"a": 1, "triggerType": "api"},
    }


def test_a_function_may_take_nothing_at_all(call: Caller) -> None:
    call.sandbox.workflow("constant")(lambda: 42)
    assert output(call, "constant") == 42


def test_a_partial_and_a_callable_object_are_functions_too(call: Caller) -> None:
    class Adder:
        def __call__(self, input: dict) -> int:
            return input["a"] + 1

    call.sandbox.workflow("adder")(Adder())
    call.sandbox.workflow("partial")(functools.partial(lambda offset, given: offset + given["a"], 5))
    assert (output(call, "adder", {"a": 1}), output(call, "partial", {"a": 1})) == (2, 6)


def test_a_generators_text_is_its_content_when_it_returns_nothing(call: Caller) -> None:
    @call.sandbox.workflow("essay")
    def essay(input: dict):
        yield "Once "
        yield "upon a time"

    assert output(call, "essay") == {"content": "Once upon a time"}


def test_what_a_generator_returns_is_its_output(call: Caller) -> None:
    @call.sandbox.workflow("essay")
    def essay(input: dict):
        yield "Once"
        return {"words": 1}

    assert output(call, "essay") == {"words": 1}


def test_an_async_generator_says_its_final_output_as_a_block(call: Caller) -> None:
    @call.sandbox.workflow("essay")
    async def essay(input: dict):
        yield "Once"
        yield Block({"content": "Once", "words": 1})

    assert output(call, "essay") == {"content": "Once", "words": 1}


def test_the_last_block_is_the_output(call: Caller) -> None:
    @call.sandbox.workflow("steps")
    def steps(input: dict):
        yield Block({"result": 1}, name="First")
        yield Chunk("text", block="Second")

    assert output(call, "steps") == {"content": "text"}


def test_nothing_returned_is_an_empty_output(call: Caller) -> None:
    call.sandbox.workflow("nothing")(lambda given: None)
    assert output(call, "nothing") == {}


def test_an_exception_is_the_runs_failure(call: Caller) -> None:
    @call.sandbox.workflow("broken", block="Divider")
    def broken(input: dict) -> float:
        return 1 / 0

    answer = call.execute("broken")
    assert answer.status_code == 500
    assert answer.json()["error"] == "Divider: division by zero"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), StopIteration("x"), asyncio.CancelledError()])
@pytest.mark.parametrize("colour", ["plain", "async"])
def test_no_exception_harms_the_server(call: Caller, colour: str, error: BaseException) -> None:
    def plain(input: dict) -> None:
        raise error

    async def coloured(input: dict) -> None:
        raise error

    call.sandbox.workflow("worst")(plain if colour == "plain" else coloured)
    assert call.execute("worst").json()["success"] is False
    assert output(call, "hello") == {"message": "Hello, world!"}


def test_an_output_without_a_json_form_is_a_failure_that_names_the_type(call: Caller) -> None:
    call.sandbox.workflow("strange")(lambda given: {"when": {1, 2}})
    assert call.execute("strange").json()["error"] == "strange: a value of type set has no JSON form"


def test_a_generator_may_only_yield_what_a_workflow_can_say(call: Caller) -> None:
    @call.sandbox.workflow("strange")
    def strange(input: dict):
        yield {"chunk": "text"}

    expected = "strange: a workflow yields text, Chunk, Block or respond(...), not dict"
    assert call.execute("strange").json()["error"] == expected


def test_respond_is_the_whole_answer(call: Caller) -> None:
    call.sandbox.workflow("tea")(lambda given: respond(418, {"X-Kind": "teapot"}, {"short": True}))
    answer = call.execute("tea")
    assert (answer.status_code, answer.headers["x-kind"], answer.json()) == (418, "teapot", {"short": True})


def test_a_response_body_is_json_whatever_its_content_type_says(call: Caller) -> None:
    call.sandbox.workflow("text")(lambda given: respond(200, {"content-type": "text/plain"}, "plain"))
    answer = call.execute("text")
    assert (answer.headers["content-type"], answer.text) == ("text/plain", '"plain"')


def test_a_response_without_a_body_may_be_204(call: Caller) -> None:
    call.sandbox.workflow("gone")(lambda given: respond(204))
    answer = call.execute("gone")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_yielded_respond_ends_the_workflow(call: Caller) -> None:
    went_on = []

    @call.sandbox.workflow("tea")
    def tea(input: dict):
        yield "thinking"
        yield respond(418, {}, {"short": True})
        went_on.append(True)

    assert call.execute("tea").status_code == 418
    assert not went_on


@pytest.mark.parametrize(
    ("status", "headers"), [(199, {}), (600, {}), (200, {"X-A": "a\r\nX-B: b"}), (200, {"X-Ü": "a"})]
)
def test_respond_refuses_what_cannot_be_sent(status: int, headers: dict) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - UnicodeEncodeError is one, with its own text
        respond(status, headers)


def test_declared_fields_are_coerced_and_take_their_defaults(call: Caller) -> None:
    fields = {"name": "world", "times": 1, "loud": False, "tags": ["a"], "options": {"x": 1}}
    call.sandbox.workflow("echo", fields=fields)(lambda given: given)
    assert output(call, "echo") == fields
    given = {"name": 5, "times": "3", "loud": "true", "tags": "[1]", "options": '{"y": 2}', "more": None}
    assert output(call, "echo", given) == {
        "name": "5",
        "times": 3,
        "loud": True,
        "tags": [1],
        "options": {"y": 2},
        "more": None,
    }


def test_what_cannot_be_coerced_is_passed_on(call: Caller) -> None:
    call.sandbox.workflow("echo", fields={"times": 1})(lambda given: given)
    assert output(call, "echo", {"times": "many"}) == {"times": "many"}


@pytest.mark.parametrize("name", ["", "a/b", "a?b", ".."])
def test_a_name_must_fit_into_a_path(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a workflow's name"):
        Sandbox().workflow(name)


def test_a_name_with_spaces_and_umlauts_is_fine(call: Caller) -> None:
    call.sandbox.workflow("Grüß mich")(lambda given: "hi")
    assert output(call, "Grüß mich") == "hi"


def test_block_ids_depend_on_nothing_but_the_names() -> None:
    one, other = Sandbox(), Sandbox()
    assert one.block_id("count") == other.block_id("count") != one.block_id("hello")
    assert one.block_id("count", "Agent 1") == one.block_id("count", "agent1")


def test_every_sandbox_has_four_workflows(serve: Serve) -> None:
    call = serve(Sandbox())
    assert set(call.sandbox.workflows) == {"hello", "count", "slow", "fail"}
    assert output(call, "hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
    assert output(call, "count", {"to": 3}) == {"content": "1 2 3", "count": 3}
    assert output(call, "slow", {"seconds": 0}) == {"slept": 0}
    assert call.execute("fail", {"message": "no"}).json()["error"] == "fail: no"
