"""One program on three generations of real servers, recorded: what a user sees is the same, or differs as told here.

The servers are Sim v0.4.22, v0.6.43 and v0.8.9, the last one through the unversioned routes and through v2. A test's
script does the same on each of them; the answers are recordings. `everywhere` says what is the same on all of them, and
names the servers where it is not.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import simstudio as sim
from tests.driving import Both, replayed
from tests.modes import both_modes
from tests.recorded import Recording, recording
from tests.scripts import adrive, drive

V04, V06, V08, V2 = "v0.4.22", "v0.6.43", "v0.8.9", "v0.8.9, v2"
SETS = {V04: "sim-v0.4.22", V06: "sim-v0.6.43", V08: "sim-v0.8.9", V2: "sim-v0.8.9"}
VERSIONS = {V04: "v1", V06: "v1", V08: "v1", V2: "v2"}

Script = Callable[[Any], Any]
Answers = Mapping[str, list[int] | list[str]]
"""The recordings that answer a script's requests on each server: numbers, or beginnings of names."""

HI = {"message": "hi", "count": 21}
pytestmark = pytest.mark.usefixtures("no_waiting", "sim_strict_models")


def outcomes(mode: str, script: Script, answers: Answers) -> dict[str, Any]:
    """What a script gives on each server."""
    return {server: _outcome(mode, script, server, [recording(SETS[server], each) for each in chosen])
            for server, chosen in answers.items()}  # fmt: skip


def _outcome(mode: str, script: Script, server: str, exchanges: list[Recording]) -> Any:
    client = Both(mode).client(*map(replayed, exchanges), api_version=VERSIONS[server], max_retries=0)
    steps = script(client)
    outcome = asyncio.run(adrive(steps)) if mode == "async" else drive(steps)
    sent = [(request.method, _route(request.path)) for request in client.script.requests]
    assert sent == [(each.method, _route(each.path)) for each in exchanges], server
    return outcome


def _route(path: str) -> str:
    """A path without its ids."""
    return re.sub(r"(?<=/)(workflows|jobs|runs|executions|paused)/[^/]+|(?<=/api/resume)/.*", r"\1/*", path)


def everywhere(answers: Answers, outcome: Any, differences: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The same outcome on each server, but for those that are named."""
    return dict.fromkeys(answers, outcome) | dict(differences or {})


def raised(call: Callable[[], Any]) -> Any:
    """The error of a call, as a program looks at it."""
    try:
        yield call()
    except sim.SimStudioError as error:
        return type(error).__name__, error.code
    raise AssertionError("nothing was raised")


# -- executions --------------------------------------------------------------------------------------------------------


@both_modes
def test_a_result(mode: str) -> None:
    answers = {V04: [1], V06: [1], V08: ["live-033"], V2: ["live-003"]}

    def script(client: Any) -> Any:
        result = yield client.workflows.execute("wf", HI)
        return result.success, result.output["result"], result.error, sorted(result.metadata)

    same = (True, {"doubled": 42, "message": "hi"}, None, ["duration", "endTime", "startTime"])
    assert outcomes(mode, script, answers) == everywhere(answers, same)


def test_the_run_of_a_result_has_an_id_since_v06(mode: str) -> None:
    answers = {V04: [1], V06: [1], V08: ["live-033"], V2: ["live-003"]}

    def script(client: Any) -> Any:
        return bool((yield client.workflows.execute("wf", HI)).execution_id)

    assert outcomes(mode, script, answers) == everywhere(answers, True, {V04: False})


def test_a_workflow_that_fails_is_a_result_on_v04_and_an_error_since(mode: str) -> None:
    answers = {V04: [25], V06: [29], V08: ["live-038"], V2: ["live-010"]}

    def script(client: Any) -> Any:
        try:
            result = yield client.workflows.execute("wf", HI)
        except sim.ExecutionError as error:
            return "raised", error.result.success, error.result.output, "throw new Error" in str(error)
        return "returned", result.success, result.output, "throw new Error" in result.error

    same = ("raised", False, {}, True)
    assert outcomes(mode, script, answers) == everywhere(answers, same, {V04: ("returned", False, {}, True)})


def test_a_failure_is_the_same_error_for_a_program_that_asks_for_it(mode: str) -> None:
    answers = {V04: [25], V06: [29], V08: ["live-038"], V2: ["live-010"]}

    def script(client: Any) -> Any:
        try:
            result = yield client.workflows.execute("wf", HI)
            result.raise_for_failure()
        except sim.ExecutionError as error:
            return error.code, error.result.success

    assert outcomes(mode, script, answers) == everywhere(answers, ("EXECUTION_ERROR", False))


def test_a_response_block_is_the_whole_answer_and_part_of_a_v2_output(mode: str) -> None:
    answers = {V04: [6], V06: [4], V08: ["live-037"], V2: ["live-009"]}

    def script(client: Any) -> Any:
        result = yield client.workflows.execute("wf", HI)
        return result.success, sorted(result.output)

    same = (True, ["count", "echo"])
    others = {V08: (True, ["reason"]), V2: (True, ["data", "headers", "status"])}
    assert outcomes(mode, script, answers) == everywhere(answers, same, others)


def test_a_response_blocks_own_error_status_is_an_error_and_on_v2_a_part_of_the_output(mode: str) -> None:
    answers = {V04: [8], V06: [5], V08: ["live-036"], V2: ["live-008"]}

    def script(client: Any) -> Any:
        try:
            result = yield client.workflows.execute("wf", HI)
        except sim.APIStatusError as error:
            return type(error).__name__, error.status
        return "result", result.output["status"]

    assert outcomes(mode, script, answers) == everywhere(answers, ("APIStatusError", 418), {V2: ("result", 418)})


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "same"),
    [
        ({V04: [30], V06: [26], V08: ["live-040"], V2: ["live-012"]}, ("NotFoundError", 404)),
        ({V04: [33], V08: ["claims-051"], V2: ["live-085"]}, ("PermissionDeniedError", 403)),
        ({V04: [38], V06: [366], V08: ["live-041"], V2: ["live-014"]}, ("AuthenticationError", 401)),
        ({V04: [219], V06: [350]}, ("UsageLimitExceededError", 402)),
        ({V04: [201], V06: [326], V08: ["claims-078"], V2: ["live-239"]}, ("RateLimitError", 429)),
        ({V06: [341], V08: ["claims-115"], V2: ["claims-117"]}, ("RateLimitError", 429)),
        ({V06: [34], V08: ["live-475"], V2: ["live-280"]}, ("ConflictError", 409)),
    ],
    ids=["unknown", "undeployed", "wrong key", "usage limit", "rate limit", "admission gate", "call chain"],
)
def test_a_refused_execution_is_the_same_error(mode: str, answers: Answers, same: tuple[str, int]) -> None:
    def script(client: Any) -> Any:
        try:
            yield client.workflows.execute("wf", HI)
        except sim.APIStatusError as error:
            return type(error).__name__, error.status
        raise AssertionError("nothing was raised")

    assert outcomes(mode, script, answers) == everywhere(answers, same)


def test_only_v2_says_how_long_to_wait(mode: str) -> None:
    answers = {V04: [201], V06: [326], V08: ["claims-078"], V2: ["live-239"]}

    def script(client: Any) -> Any:
        try:
            yield client.workflows.execute("wf", HI)
        except sim.RateLimitError as error:
            return error.retry_after is not None

    assert outcomes(mode, script, answers) == everywhere(answers, False, {V2: True})


# -- streams -----------------------------------------------------------------------------------------------------------


@both_modes
def test_a_stream_is_text_and_a_result(mode: str) -> None:
    answers = {V04: [149], V06: [309], V08: ["live-047"], V2: ["live-019"]}
    texts = {
        V04: "One, two, three, four, five.",
        V06: "You said: hello. One two three ✓ done.",
        V08: "Hello, Ada! Grüße 世界 🎈 done.",
        V2: "Hello, Ada! Grüße 世界 🎈 done.",
    }

    def script(client: Any) -> Any:
        result = yield client.execute_workflow("wf", {"name": "Ada"}, stream=True, selected_outputs=["agent.content"])
        (output,) = result.output.values()
        return result.success, output

    assert outcomes(mode, script, answers) == {server: (True, {"content": text}) for server, text in texts.items()}


def test_a_selected_value_that_is_no_text_is_in_the_output(mode: str) -> None:
    answers = {V04: [118], V06: [35], V2: ["live-017"]}

    def script(client: Any) -> Any:
        result = yield client.execute_workflow("wf", HI, stream=True, selected_outputs=["compute.result"])
        (output,) = result.output.values()
        return result.success, sorted(output["result"])

    assert outcomes(mode, script, answers) == everywhere(answers, (True, ["doubled", "message"]))


@both_modes
def test_a_stream_that_fails_ends_in_a_result_on_v04_and_in_an_error_since(mode: str) -> None:
    answers = {V04: [143], V06: [44], V08: ["live-048"], V2: ["live-022"]}

    def script(client: Any) -> Any:
        try:
            result = yield client.execute_workflow("wf", HI, stream=True)
        except sim.ExecutionError as error:
            return error.code, error.partial, "throw new Error" in str(error)
        return result.success, result.output, "throw new Error" in result.error

    same = ("EXECUTION_ERROR", "", True)
    assert outcomes(mode, script, answers) == everywhere(answers, same, {V04: (False, {}, True)})


# -- in the background -------------------------------------------------------------------------------------------------


@both_modes
def test_a_background_run_is_waited_for(mode: str) -> None:
    answers = {
        V04: [78, 79],
        V06: [54, 55, 56],
        V08: ["live-049", "live-050", "live-051"],
        V2: ["live-089", "live-026"],
    }

    def script(client: Any) -> Any:
        receipt = yield client.workflows.submit("wf", HI)
        job = yield client.jobs.wait(receipt)
        assert receipt.links["status"].startswith("/api/")
        return receipt.success, receipt.status, job.status, job.succeeded, job.result.success, sorted(job.result.output)

    same = (True, "queued", "completed", True, True, ["result", "stdout"])
    assert outcomes(mode, script, answers) == everywhere(answers, same)


def test_a_background_run_that_fails_raises(mode: str) -> None:
    answers = {V04: [88, 89], V06: [59, 60], V2: ["live-028", "live-029"]}

    def script(client: Any) -> Any:
        return (yield from raised(lambda: client.workflows.run("wf", HI)))[0]

    assert outcomes(mode, script, answers) == everywhere(answers, "JobFailedError")


def test_a_cancelled_run_raises(mode: str) -> None:
    answers = {V04: [105], V08: ["live-230"], V2: ["live-142"]}

    def script(client: Any) -> Any:
        return (yield from raised(lambda: client.jobs.wait("job", workflow_id="wf")))[0]

    assert outcomes(mode, script, answers) == everywhere(answers, "JobCancelledError")


def test_a_run_is_cancelled(mode: str) -> None:
    answers = {V06: [84], V08: ["live-229"], V2: ["live-141"]}

    def script(client: Any) -> Any:
        cancelled = yield client.workflows.cancel("wf", "run")
        return cancelled.success, cancelled.reason

    assert outcomes(mode, script, answers) == everywhere(answers, (True, "recorded"))


def test_a_job_that_the_server_does_not_know_and_on_v2_a_run_of_no_workflow(mode: str) -> None:
    answers = {V04: [99], V06: [61], V08: ["live-220"], V2: []}

    def script(client: Any) -> Any:
        return (yield from raised(lambda: client.jobs.get("job")))[0]

    assert outcomes(mode, script, answers) == everywhere(answers, "NotFoundError", {V2: "InvalidInputError"})


# -- human in the loop -------------------------------------------------------------------------------------------------


@both_modes
def test_a_paused_run_asks_and_is_answered_since_v06(mode: str) -> None:
    answers = {V06: [94, 106], V08: ["live-077", "live-223"], V2: ["live-092", "live-111"]}

    def script(client: Any) -> Any:
        result = yield client.workflows.execute("wf", {"title": "T"})
        pause = result.pause
        resumed = yield client.workflows.resume(result, {"approved": True, "comment": "ok"}, workflow_id="wf")
        return (
            (result.paused, bool(pause.question), [field.name for field in pause.input_fields]),
            (type(resumed).__name__, resumed.success, sorted(resumed.output["result"])),
        )

    same = ((True, True, ["approved", "comment"]), ("WorkflowExecutionResult", True, ["approved", "comment"]))
    assert outcomes(mode, script, answers) == everywhere(answers, same)


# -- about the workflow and the account --------------------------------------------------------------------------------


def test_whether_a_workflow_is_deployed(mode: str) -> None:
    answers = {V04: [58], V06: [74], V08: ["live-043"], V2: ["tables-0658"]}

    def script(client: Any) -> Any:
        status = yield client.workflows.status("wf")
        return status.is_deployed, bool(status.deployed_at), status.needs_redeployment

    assert outcomes(mode, script, answers) == everywhere(answers, (True, True, False))


def test_the_log_of_a_run(mode: str) -> None:
    answers = {V04: [179, 186], V06: [166, 190], V08: ["live-156", "claims-009"]}

    def script(client: Any) -> Any:
        page = yield client.v1.logs.list("ws").page()
        run = yield client.v1.logs.execution("run")
        entry = page.items[0]
        told = (entry.level, entry.trigger, bool(entry.execution_id), entry.cost.total > 0)
        return told, bool(run.workflow_state.blocks), run.execution_metadata.trigger

    assert outcomes(mode, script, answers) == everywhere(answers, (("info", "api", True, True), True, "api"))


def test_the_plan_and_the_rate_limits_which_v2_does_not_send(mode: str) -> None:
    answers = {V04: [65], V06: [79], V08: ["live-045"], V2: ["live-058"]}

    def script(client: Any) -> Any:
        limits = yield client.usage.limits()
        return limits.success, bool(limits.usage.plan), limits.rate_limit.sync.remaining is not None

    assert outcomes(mode, script, answers) == everywhere(answers, (True, True, True), {V2: (True, True, False)})
