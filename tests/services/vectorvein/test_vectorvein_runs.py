"""Handles of runs and of agents' tasks, the common protocol of all services; and waiting."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import simstudio
from simstudio.core.runs import SubmittedRun
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox, VectorVeinServer
from simstudio.services import vectorvein
from simstudio.services.vectorvein import AgentTask, AgentTaskRun, WorkflowError, WorkflowRun
from tests.modes import both_modes
from tests.services.vectorvein.helpers import FIELDS, OUTPUTS, WID, Canned, Clock, envelope, run

STARTED = envelope({"rid": "rid-1"}, 202)
RUNNING = envelope([], 202, "running")


@both_modes
def test_a_submitted_run_is_asked_for_and_waited_for_by_its_handle(mode: str, clock: Clock):
    server = Canned([STARTED, RUNNING, RUNNING, envelope(OUTPUTS)])
    seen = []

    def script(client: Any) -> Any:
        handle = yield client.workflows.submit(WID, FIELDS)
        seen.append((handle.id, handle.rid, handle.status, handle.done))
        yield handle.refresh()
        seen.append((handle.status, handle.done))
        state = yield handle.wait(timeout=60)
        seen.append((handle.status, handle.done, state.data[0].value))
        return (yield handle.result())

    result = server.run(mode, script)

    assert seen == [("rid-1", "rid-1", "unknown", False), ("running", False), ("completed", True, "v")]
    assert result.data[1].title == "a"
    assert len(server.requests) == 4


def test_fields_can_be_named_by_their_node():
    server = Canned([STARTED])

    server.run("sync", lambda client: client.workflows.submit(WID, {"node-1.Full name": "Ada", "n.a.b": 2}))

    assert server.bodies[0]["input_fields"] == [
        {"node_id": "node-1", "field_name": "Full name", "value": "Ada"},
        {"node_id": "n", "field_name": "a.b", "value": 2},
    ]


@pytest.mark.parametrize("wrong", [{"Name": "Ada"}, {".Name": 1}, {"n.": 1}, {5: 1}, FIELDS[0], "n.Name", 5])
def test_what_names_no_fields_is_refused_before_anything_is_sent(wrong: Any):
    server = Canned([])

    with pytest.raises(simstudio.InvalidInputError, match=r"NODE\.FIELD|must be a list of WorkflowInputField"):
        server.run("sync", lambda client: client.workflows.submit(WID, wrong))

    assert server.requests == []


def test_a_handle_of_a_known_id_asks_nothing_by_itself(mode: str):
    server = Canned([envelope(OUTPUTS)])

    def script(client: Any) -> Any:
        handle = client.workflows.handle("rid-1", WID, "VAPP")
        assert isinstance(handle, (WorkflowRun, SubmittedRun))
        assert server.requests == []
        return (yield handle.result())

    assert server.run(mode, script).rid == "rid-1"
    assert server.bodies == [{"rid": "rid-1", "wid": WID}]
    assert server.requests[0].headers["vectorvein-api-key-type"] == "VAPP"


def test_a_failed_run_is_a_state_when_asked_for_and_an_error_when_waited_for(mode: str):
    server = Canned([envelope(None, 500, "node failed")])

    def script(client: Any) -> Any:
        handle = client.workflows.handle("rid-1")
        state = yield handle.refresh()
        assert (handle.status, handle.done, state.msg) == ("failed", True, "node failed")
        for ask in (handle.wait, handle.result):
            with pytest.raises(WorkflowError) as caught:
                yield ask()
            assert caught.value.rid == "rid-1"
        return handle

    server.run(mode, script)

    assert len(server.requests) == 1


def test_outputs_that_came_at_once_are_the_handles_state(mode: str):
    server = Canned([envelope(OUTPUTS, rid="rid-9")])

    def script(client: Any) -> Any:
        handle = yield client.workflows.submit(WID, FIELDS)
        assert handle.done
        return (yield handle.result())

    assert server.run(mode, script).rid == "rid-9"
    assert len(server.requests) == 1


@both_modes
def test_a_handle_pickles_with_its_state(mode: str, server: VectorVeinServer):
    def script(client: Any) -> Any:
        handle = yield client.workflows.submit("hello", FIELDS)
        yield handle.refresh()
        again = pickle.loads(pickle.dumps(handle))
        return handle, again

    handle, again = run(server.client() if mode == "sync" else server.async_client(), script)

    assert type(again) is type(handle)
    assert (again.id, again.status, again.state) == (handle.id, handle.status, handle.state)


def test_progress_is_told_at_each_question(mode: str, clock: Clock):
    seen: list[int] = []

    def script(client: Any) -> Any:
        return client.workflows.run(WID, FIELDS, on_progress=lambda state: seen.append(state.status))

    Canned([STARTED, RUNNING, RUNNING, envelope(OUTPUTS)]).run(mode, script)

    assert seen == [202, 202, 200]


def test_progress_may_be_told_to_a_coroutine_function_on_the_async_client(clock: Clock):
    seen: list[int] = []

    async def tell(state: Any) -> None:
        seen.append(state.status)

    def script(client: Any) -> Any:
        return client.workflows.run(WID, FIELDS, on_progress=tell)

    Canned([STARTED, envelope(OUTPUTS)]).run("async", script)

    assert seen == [200]


def test_an_interval_of_ones_own_is_kept(mode: str, clock: Clock):
    Canned([STARTED, RUNNING, RUNNING, RUNNING, envelope(OUTPUTS)]).run(
        mode, lambda client: client.workflows.run(WID, FIELDS, poll_interval=3)
    )

    assert clock.slept == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("first", "over"),
    [
        (envelope(OUTPUTS, rid="rid-1"), True),
        (envelope([], rid="rid-1"), False),  # the outputs may just not be there yet
        (envelope([]), True),  # there is nothing to ask for
        (envelope(OUTPUTS, 202, rid="rid-1"), False),
        (envelope({}, rid="rid-1"), False),
    ],
    ids=["outputs", "none yet", "none, no id", "outputs of a running one", "no list"],
)
def test_a_run_that_is_over_at_once_is_not_asked_for(first: dict[str, Any], over: bool, clock: Clock):
    server = Canned([first, envelope(OUTPUTS)])

    server.run("sync", lambda client: client.workflows.run(WID, FIELDS))

    assert len(server.requests) == (1 if over else 2)


def test_pauses_grow_to_ten_seconds(mode: str, clock: Clock):
    replies = [STARTED, *[RUNNING] * 8, envelope(OUTPUTS)]

    Canned(replies).run(mode, lambda client: client.workflows.run(WID, FIELDS))

    assert clock.slept == [1.5, 2.25, 3.375, pytest.approx(5.0625), pytest.approx(7.59375), 10.0, 10.0, 10.0]


def test_a_wait_without_an_end_goes_on(mode: str, clock: Clock):
    replies = [STARTED, *[RUNNING] * 500, envelope(OUTPUTS)]

    result = Canned(replies).run(mode, lambda client: client.run_workflow(WID, FIELDS, "all", True, timeout=None))

    assert result.succeeded
    assert clock.now > 3600


def test_one_final_question_is_asked_at_the_limit(mode: str, clock: Clock):
    result = Canned([STARTED, RUNNING, envelope(OUTPUTS)]).run(
        mode, lambda client: client.run_workflow(WID, FIELDS, "all", True, timeout=0.25)
    )

    assert result.succeeded
    assert clock.slept == [0.25]


def test_a_wait_that_is_over_can_be_taken_up_again(mode: str, clock: Clock):
    server = Canned([STARTED, RUNNING, RUNNING, envelope(OUTPUTS)])

    def script(client: Any) -> Any:
        with pytest.raises(vectorvein.TimeoutError) as caught:
            yield client.run_workflow(WID, FIELDS, "all", True, timeout=0.5)
        last = caught.value.job
        return last, (yield client.workflows.handle(caught.value.rid).result())

    last, result = server.run(mode, script)

    assert last.status == 202
    assert result.rid == "rid-1"


def test_the_seeds_poll_loop_over_the_mapping_still_works(mode: str):
    server = Canned([STARTED, RUNNING, envelope(OUTPUTS)])

    def script(client: Any) -> Any:
        rid = yield client.run_workflow(WID, FIELDS)
        while True:
            state = yield client.check_workflow_status(rid)
            if state["status"] == 200:
                return state["data"]

    assert [output["value"] for output in server.run(mode, script)] == ["v", ["http://x/y.mp3"]]


ENDING = {
    "COMPLETED": (False, False),
    "FAILED": (False, False),
    "ERROR": (False, False),
    "CANCELED": (False, False),
    "CANCELLED": (False, False),
    "MAX_CYCLE_REACH": (False, False),
    "PAUSED": (True, False),
    "WAIT_RESPONSE": (False, True),
    "WAITING": (False, True),
}
"""Statuses that end a wait; whether the task is paused, and whether it waits for an answer."""

# --- tasks of agents ------------------------------------------------------------------------------------------------


@both_modes
def test_a_task_of_an_agent_is_waited_for_by_its_handle(mode: str, clock: Clock, server: VectorVeinServer):
    def script(client: Any) -> Any:
        agent = yield client.create_agent("Researcher")
        task = yield client.create_agent_task("Compare", agent.agent_id)
        handle = client.agent_tasks.handle(task)
        before = (handle.id, handle.status, handle.done)
        ended = yield handle.wait(timeout=60)
        return handle, before, task, ended, (yield handle.result())

    handle, before, task, ended, result = run(server.client() if mode == "sync" else server.async_client(), script)

    assert isinstance(handle, AgentTaskRun)
    assert before == (task.task_id, "RUNNING", False)
    assert (ended.result, handle.status, handle.done) == ("Done: Compare", "COMPLETED", True)
    assert result is ended


def test_a_task_that_asks_is_answered_and_waited_for_again(mode: str, clock: Clock):
    asking = {
        "task_id": "t",
        "status": "WAIT_RESPONSE",
        "waiting_question": {"tool_call_id": "c", "question": "Which?"},
    }
    server = Canned(
        [
            envelope(asking),
            envelope({"task_id": "t", "status": "RUNNING"}),
            envelope({"task_id": "t", "status": "RUNNING"}),
            envelope({"task_id": "t", "status": "COMPLETED", "result": "The first"}),
        ]
    )

    def script(client: Any) -> Any:
        handle = client.agent_tasks.handle("t")
        task = yield handle.wait()
        assert (task.waiting, handle.done) == (True, True)
        yield client.respond_to_agent_task("t", task.waiting_question.tool_call_id, "The first")
        return handle, (yield handle.result())

    handle, task = server.run(mode, script)

    assert (task.result, handle.done) == ("The first", True)


def test_what_ends_a_wait_for_a_task_can_be_said(mode: str, clock: Clock):
    asking = {"task_id": "t", "status": "waiting", "waiting_question": {"question": "Which?"}}
    server = Canned([envelope({"task_id": "t", "status": "running"}), envelope(asking)])

    def script(client: Any) -> Any:
        handle = client.agent_tasks.handle("t", until=lambda task: task.waiting_question is not None)
        return handle.wait()

    assert server.run(mode, script).waiting_question.question == "Which?"


def test_a_task_that_does_not_end_in_time_is_a_timeout_error_with_its_id(mode: str, clock: Clock):
    server = Canned([envelope({"task_id": "t", "status": "thinking"})])

    with pytest.raises(vectorvein.TimeoutError, match="last seen 'thinking'") as caught:
        server.run(mode, lambda client: client.agent_tasks.handle("t").wait(timeout=20))

    assert caught.value.task_id == "t"
    assert isinstance(caught.value, simstudio.JobTimeoutError)


@pytest.mark.parametrize("ask", ["refresh", "wait", "result"])
def test_a_task_that_cannot_be_asked_for_has_its_id_on_the_error(ask: str, mode: str, clock: Clock):
    with pytest.raises(simstudio.NotFoundError) as caught:
        Canned([envelope(None, 404)]).run(mode, lambda client: getattr(client.agent_tasks.handle("t"), ask)())

    assert caught.value.task_id == "t"


@pytest.mark.parametrize(
    ("record", "done"),
    [
        ({}, False),
        ({"status": "running"}, False),
        ({"status": "a new word"}, False),
        ({"status": 5}, False),
        ({"status": "Completed"}, True),
        ({"status": "failed"}, True),
        *[({"status": status}, True) for status in ENDING],
        ({"status": "a new word", "complete_time": "1700000000000"}, True),
    ],
)
def test_a_task_has_ended_when_it_says_so(record: dict[str, Any], done: bool, mode: str):
    task = Canned([envelope({"task_id": "t", **record})]).run(mode, lambda client: client.get_agent_task("t"))
    cycle = Canned([envelope({"cycle_id": "c", **record})]).run(mode, lambda client: client.get_agent_cycle("c"))

    assert isinstance(task, AgentTask)
    assert task.done is done
    assert cycle.done is done


@pytest.mark.parametrize(("status", "paused", "waiting"), [(status, *flags) for status, flags in ENDING.items()])
def test_a_wait_ends_when_the_task_goes_on_only_after_somebody_acts(
    status: str, paused: bool, waiting: bool, mode: str, clock: Clock
):
    question = {"cycle_id": "c", "tool_call_id": "call", "question": "Which?"}
    server = Canned(
        [
            envelope({"task_id": "t", "status": "RUNNING"}),
            envelope({"task_id": "t", "status": status, "waiting_question": question}),
        ]
    )

    task = server.run(mode, lambda client: client.agent_tasks.handle("t").wait(timeout=60))

    assert (task.status, task.paused, task.waiting) == (status, paused, waiting)
    assert task.waiting_question.tool_call_id == "call"
    assert len(server.requests) == 2


# --- against the local server ---------------------------------------------------------------------------------------


def test_what_a_workflow_raises_is_a_workflow_error(mode: str, sandbox: VectorVeinSandbox, server: VectorVeinServer):
    @sandbox.workflow("broken")
    def broken(inputs: dict[str, Any]) -> None:
        raise RuntimeError("the database is on fire")

    with pytest.raises(WorkflowError, match="the database is on fire"):
        run(
            server.client() if mode == "sync" else server.async_client(),
            lambda client: client.workflows.run("broken", [], poll_interval=0.001),
        )


def test_a_dropped_answer_does_not_end_a_wait(mode: str, sandbox: VectorVeinSandbox, server: VectorVeinServer):
    sandbox.faults.add(drop="response", path="*/check-status", times=4)

    result = run(
        server.client(max_retries=0) if mode == "sync" else server.async_client(max_retries=0),
        lambda client: client.workflows.run("hello", FIELDS, poll_interval=0.001),
    )

    assert result.succeeded
