"""Every recorded synchronous execution, through the methods a user calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

import simstudio as sim
from simstudio.transport.retry import Backoff, Retry, RetryPolicy
from tests.integration import executions
from tests.integration.executions import Failure, Output
from tests.integration.replaying import (
    V04,
    V06,
    Exchange,
    Watch,
    answer_of,
    body_of,
    client_options,
    in_every_way,
    of,
    parameters,
    play,
    workflow_of,
)
from tests.integration.rules import assert_execution_error, assert_result, assert_status_error
from tests.modes import both_modes
from tests.recorded import Recording, recording

WAYS = {
    "workflows.execute": lambda client, *args: client.workflows.execute(*args),
    "execute_workflow": lambda client, *args: client.execute_workflow(*args),
    "execute_workflow_sync": lambda client, *args: client.execute_workflow_sync(*args),
    "execute_with_retry": lambda client, *args: client.execute_with_retry(*args, max_retries=0),
}


def options_of(recorded: Recording, watch: Watch, *, way: str = "workflows.execute") -> dict[str, Any]:
    """A client that tries again as it does by default: it must not (`play` counts), but for a namespace's 429."""
    options = client_options(recorded)
    if not (way == "workflows.execute" and recorded.status == 429):
        del options["max_retries"]
    return {**options, "middleware": [watch]}


def check(outcome: Any, recorded: Recording, expected: Output | Failure) -> None:
    if isinstance(expected, Failure):
        assert type(outcome) is expected.kind
        assert expected.text in str(outcome)
        if isinstance(outcome, sim.ExecutionError):
            assert_execution_error(outcome, recorded)
        else:
            assert_status_error(outcome, recorded)
        return
    if isinstance(outcome, BaseException):
        raise outcome
    if expected.output is not ...:
        assert outcome.output == expected.output
    if expected.envelope:
        assert_result(outcome, recorded)
        assert outcome.success is (expected.error is None)
        assert outcome.error == expected.error
        check_raise_for_failure(outcome, expected.error)
    else:
        assert (outcome.success, outcome.output, outcome.error) == (True, answer_of(recorded), None)
        assert (outcome.execution_id, outcome.metadata) == (None, None)
    assert outcome.paused is expected.paused


def check_raise_for_failure(result: sim.WorkflowExecutionResult, error: str | None) -> None:
    """A failure that is a result can be made an error, for code that must work on every server."""
    if error is None:
        assert result.raise_for_failure() is result
        return
    with pytest.raises(sim.ExecutionError) as raised:
        result.raise_for_failure()
    assert error in str(raised.value)
    assert raised.value.result is result


def outcome_of(mode: str, exchanges: Any, script: Any, **options: Any) -> Any:
    """What came back, or was raised; a mismatch with the cassette comes out as itself."""
    try:
        return play(mode, exchanges, script, **options)
    except sim.SimStudioError as error:
        return error


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(WAYS, executions.EXECUTED))
def test_an_execution_becomes_a_result_or_an_error(mode, way, recorded, expected):
    watch = Watch()
    call = WAYS[way]

    outcome = outcome_of(
        mode,
        recorded,
        lambda client: call(client, workflow_of(recorded), body_of(recorded)),
        **options_of(recorded, watch, way=way),
    )

    check(outcome, recorded, expected)
    watch.assert_sent_as(recorded)


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(WAYS, executions.WRAPPED))
def test_an_input_that_is_no_mapping_is_sent_under_input(mode, way, recorded, expected):
    outcome = play(mode, recorded, lambda client: WAYS[way](client, workflow_of(recorded), body_of(recorded)["input"]))

    check(outcome, recorded, expected)


@pytest.mark.parametrize("way", WAYS)
def test_no_input_is_sent_as_an_empty_object(mode, way):
    recorded = recording(V06, 7)

    outcome = play(mode, recorded, lambda client: WAYS[way](client, workflow_of(recorded)))

    check(outcome, recorded, executions.EXECUTED[V06, 7])


@pytest.mark.parametrize(("mode", "way", "recorded", "key"), in_every_way(WAYS, executions.REFUSED_BY_CLIENT))
def test_an_input_with_one_of_sims_own_keys_is_refused_before_anything_is_sent(mode, way, recorded, key):
    with pytest.raises(sim.InvalidInputError, match=key) as refused:
        play(mode, [], lambda client: WAYS[way](client, workflow_of(recorded), body_of(recorded)))

    assert '{"input": {"' in str(refused.value)


@pytest.mark.parametrize(("recorded", "expected"), parameters(executions.REQUESTED))
def test_the_escape_hatch_sends_what_the_typed_methods_do_not(mode, recorded, expected):
    watch = Watch()
    options = {**client_options(recorded), "middleware": [watch]}
    arguments: dict[str, Any] = {"json": body_of(recorded)} if recorded.request_body else {}
    if "X-Execution-Mode" in recorded.request_headers:
        arguments["headers"] = {"X-Execution-Mode": recorded.request_headers["X-Execution-Mode"]}

    outcome = outcome_of(
        mode, recorded, lambda client: client.request(recorded.method, recorded.path, **arguments), **options
    )

    watch.assert_sent_as(recorded)
    if isinstance(expected, Failure):
        assert type(outcome) is expected.kind
        assert expected.text in str(outcome)
        assert_status_error(outcome, recorded)
    else:
        assert outcome == answer_of(recorded)
        if expected.output is not ...:
            assert outcome["output"] == expected.output


def test_the_escape_hatch_structures_into_a_model(mode):
    recorded = recording(V04, 35)

    result = play(mode, recorded, lambda client: client.request("GET", recorded.path, into=sim.WorkflowExecutionResult))

    assert_result(result, recorded)


@pytest.mark.parametrize(("recorded", "expected"), parameters(executions.ALTERED))
def test_what_the_server_says_to_a_broken_request_is_told(mode, recorded, expected):
    headers = {"User-Agent": ""} if "user-agent" in recorded.name else {}
    watch = Watch(recorded.request_body, headers)

    outcome = outcome_of(
        mode, recorded, lambda client: client.workflows.execute(workflow_of(recorded)), middleware=[watch]
    )

    check(outcome, recorded, expected)


def test_the_client_itself_refuses_an_empty_user_agent():
    with pytest.raises(sim.ConfigurationError, match="User-Agent"):
        sim.SimStudioClient("sk-sim-test", headers={"User-Agent": ""})


def test_the_client_itself_refuses_what_json_cannot_say(mode):
    recorded = recording(V06, 364)

    with pytest.raises(sim.InvalidInputError, match=r"input\.f is inf"):
        play(mode, [], lambda client: client.workflows.execute(workflow_of(recorded), body_of(recorded)))


@pytest.mark.parametrize(("redirect", "answer"), executions.REDIRECTED.items())
def test_the_308_of_a_trailing_slash_is_followed_with_method_and_body(mode, redirect, answer):
    watch = Watch()
    exchanges = [recording(*redirect), recording(*answer)]

    outcome = play(
        mode,
        exchanges,
        lambda client: client.request("POST", exchanges[0].path, json=body_of(exchanges[0])),
        middleware=[watch],
    )

    assert outcome == answer_of(exchanges[1])
    assert [request.method for request in watch.sent] == ["POST", "POST"]
    assert json.loads(watch.sent[1].content) == body_of(exchanges[0])


@both_modes
def test_a_result_comes_with_its_response_when_asked_for(mode):
    recorded = recording(V06, 1)

    def script(client):
        response = yield client.with_raw_response.workflows.execute(workflow_of(recorded), body_of(recorded))
        return response

    response = play(mode, recorded, script)

    assert (response.status, response.attempts, response.request_id) == (200, 1, None)
    assert response.headers["content-type"] == "application/json"
    assert_result(response.parse(), recorded)


@pytest.mark.parametrize(
    ("recorded", "field"),
    [pytest.param(recording(*key), field, id=f"{key[0]}-{key[1]}") for key, field in (
        ((V06, 120), ["FILE"]), ((V06, 125), "FILE"), ((V06, 145), ["FILE"]),
        ((V04, 170), ["FILE"]), ((V04, 190), ["FILE"]), ((V04, 191), "FILE"),
    )],
)  # fmt: skip
def test_a_file_is_sent_as_the_recorded_caller_wrote_it_by_hand(mode, recorded, field):
    content = "héllo file" if V04 in str(recorded.file) else "hello file ✓\n"
    file = sim.File(content.encode(), name="a.txt", mime="text/plain")
    written = body_of(recorded)
    files = [file] if isinstance(field, list) else file

    outcome = outcome_of(
        mode, recorded, lambda client: client.workflows.execute(workflow_of(recorded), {**written, "files": files})
    )

    check(outcome, recorded, executions.EXECUTED[recorded.file.parent.name, recorded.number])


def test_executions_say_nothing_of_rate_limits(mode):
    recorded = recording(V04, 201)

    def script(client):
        try:
            yield client.execute_workflow(workflow_of(recorded), body_of(recorded))
        except sim.RateLimitError:
            return client.get_rate_limit_info()

    assert play(mode, recorded, script) is None


def quick(stack):
    """The default stack with a retry that hardly waits."""
    policy = RetryPolicy(backoff=Backoff(initial=0.001))
    return [Retry(policy) if isinstance(each, Retry) else each for each in stack]


def test_sims_own_429_is_sent_again(mode):
    limited = Exchange(recording(V06, 326), (('{"count": 9}', '{"count": 1}'),))
    answered = recording(V06, 410)

    result = play(
        mode,
        [limited, answered],
        lambda client: client.workflows.execute(workflow_of(answered), {"count": 1}),
        middleware=quick,
    )

    assert_result(result, answered)


def test_an_error_tells_of_the_attempts_before_it(mode):
    limited = of(V04, 201)[0]

    with pytest.raises(sim.RateLimitError) as raised:
        play(
            mode,
            [limited, limited, limited],
            lambda client: client.workflows.execute(workflow_of(limited), body_of(limited)),
            middleware=quick,
        )

    assert [attempt.response.status for attempt in raised.value.history] == [429, 429]


def test_execute_with_retry_tries_again_after_a_429(mode):
    limited, answered = of(V04, 201, 199)

    result = play(
        mode,
        [limited, answered],
        lambda client: client.execute_with_retry(workflow_of(limited), body_of(limited), initial_delay=0.001),
    )

    assert_result(result, answered)


def test_execute_with_retry_gives_up_in_the_end(mode):
    limited = recording(V04, 201)

    with pytest.raises(sim.RateLimitError) as raised:
        play(
            mode,
            [limited, limited],
            lambda client: client.execute_with_retry(
                workflow_of(limited), body_of(limited), max_retries=1, initial_delay=0.001
            ),
        )

    assert raised.value.code == "RATE_LIMIT_EXCEEDED"
