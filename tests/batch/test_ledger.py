"""The ledger: what it knows of an item, from before it is sent until its end."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from ledgers import MODELS, as_killed, brought_to, ended, given, intact, intend, opened, result

from simstudio import (
    APIConnectionError,
    ExecutionError,
    ExecutionTimeoutError,
    File,
    InputChangedError,
    InvalidInputError,
    Job,
    JobFailedError,
    JobTimeoutError,
    LedgerError,
    RateLimitError,
    SimStudioError,
    WorkflowExecutionResult,
)
from simstudio.batch.items import BatchItem
from simstudio.batch.ledger import Counts, Entry, Intent, Ledger, LedgerView, status
from simstudio.batch.records import StoredResult, pack_error, pack_result, unpack_error, unpack_result
from simstudio.core.conversion import structure

STATES = ["sending", "submitted", "done", "failed", "unknown"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with opened(path) as made:
        yield made


def found(ledger: Ledger, prepared: Any) -> Entry:
    entry = ledger.find(prepared)
    assert entry is not None
    return entry


# What is known


def test_nothing_is_known_of_an_input_at_first(ledger: Ledger) -> None:
    assert ledger.find(given(0)) is None
    assert ledger.counts() == Counts()
    assert list(ledger.entries()) == []


def test_what_is_intended_is_being_sent(ledger: Ledger) -> None:
    intend(ledger, given(0), given(1), run_id="r1")
    entry = found(ledger, given(1))
    assert (entry.index, entry.key, entry.state, entry.run_id) == (1, "1", "sending", "r1")
    assert (entry.task_id, entry.result, entry.error, entry.ended_at, entry.attempts) == (None, None, None, None, 0)
    assert entry.started_at > 1_700_000_000


def test_what_is_intended_is_committed_at_once(ledger: Ledger, path: Path) -> None:
    intend(ledger, given(0))
    assert status(path).sending == 1


def test_what_is_queued_is_known_by_its_task(ledger: Ledger) -> None:
    intend(ledger, given(0))
    ledger.mark_submitted("0", "task-1", "execution-1")
    entry = found(ledger, given(0))
    assert (entry.state, entry.task_id, entry.execution_id) == ("submitted", "task-1", "execution-1")


def test_what_is_done_has_its_result(ledger: Ledger) -> None:
    brought_to(ledger, given(0), "submitted")
    ledger.finish(ended(given(0), output={"text": "héllo\n\U0001f600"}, run_id="r9"))
    entry = found(ledger, given(0))
    assert (entry.state, entry.output, entry.run_id, entry.task_id) == (
        "done",
        {"text": "héllo\n\U0001f600"},
        "r9",
        "t1",
    )
    assert (entry.attempts, entry.elapsed, entry.error) == (1, 0.25, None)
    assert entry.ended_at is not None
    assert entry.ended_at >= entry.started_at


def test_an_end_keeps_the_run_id_that_the_item_was_sent_with(ledger: Ledger) -> None:
    intend(ledger, given(0), run_id="r1")
    ledger.finish(ended(given(0), "unknown"))
    assert found(ledger, given(0)).run_id == "r1"


def test_an_end_brings_the_execution_of_its_result(ledger: Ledger) -> None:
    intend(ledger, given(0))
    ledger.finish(BatchItem(0, None, key="0", result=WorkflowExecutionResult(True, execution_id="e1")))
    assert found(ledger, given(0)).execution_id == "e1"


def test_what_was_surely_not_sent_is_not_known(ledger: Ledger, path: Path) -> None:
    intend(ledger, given(0), given(1))
    ledger.forget(["0"])
    assert ledger.find(given(0)) is None
    assert found(ledger, given(1)).state == "sending"
    assert ledger.counts() == Counts(sending=1)
    assert intact(path)


def test_what_was_forgotten_can_be_intended_anew(ledger: Ledger) -> None:
    intend(ledger, given(0))
    ledger.forget(["0"])
    intend(ledger, given(0))
    assert found(ledger, given(0)).state == "sending"


@pytest.mark.parametrize("state", ["unknown", "failed"])
def test_what_was_not_sent_again_after_all_is_what_it_was(ledger: Ledger, path: Path, state: Any) -> None:
    intend(ledger, given(0), run_id="r1")
    ledger.finish(ended(given(0), state, error=APIConnectionError("dropped")))
    before = found(ledger, given(0))
    intend(ledger, given(0), run_id="r2")
    assert (found(ledger, given(0)).state, found(ledger, given(0)).error) == ("sending", None)
    ledger.forget(["0"])
    after = found(ledger, given(0))
    assert (after.state, after.run_id, str(after.error)) == (state, "r1", "dropped")
    assert (after.started_at, after.ended_at) == (before.started_at, before.ended_at)
    assert next(ledger.entries()).input == {"n": 0}
    assert ledger.counts() == Counts(**{state: 1})
    assert intact(path)


def test_what_an_earlier_run_was_sending_stays_so_when_it_was_not_sent_again(path: Path) -> None:
    with opened(path) as ledger:
        intend(ledger, given(0), run_id="r1")
    with opened(path) as ledger:
        intend(ledger, given(0), run_id="r2")
        ledger.forget(["0"])
        assert (found(ledger, given(0)).state, found(ledger, given(0)).run_id) == ("sending", "r1")


def test_counts_know_every_state(ledger: Ledger) -> None:
    for index, state in enumerate([*STATES, "done", "done"]):
        brought_to(ledger, given(index), state)
    assert ledger.counts() == Counts(sending=1, submitted=1, done=3, failed=1, unknown=1)
    assert ledger.counts().total == 7


# What may follow what


@pytest.mark.parametrize(
    ("state", "allowed"),
    [("sending", False), ("submitted", False), ("done", False), ("failed", True), ("unknown", True)],
)
def test_what_may_be_sent_again(ledger: Ledger, state: str, allowed: bool) -> None:
    brought_to(ledger, given(0), state)
    if allowed:
        intend(ledger, given(0))
        assert found(ledger, given(0)).state == "sending"
    else:
        with pytest.raises(LedgerError, match=rf"'0' cannot be sent: .* it is '{state}'"):
            intend(ledger, given(0))
        assert found(ledger, given(0)).state == state


def test_what_an_earlier_run_was_sending_may_be_sent_again(path: Path) -> None:
    with opened(path) as ledger:
        intend(ledger, given(0), run_id="r1")
    with opened(path) as ledger:
        intend(ledger, given(0), run_id="r2")
        assert found(ledger, given(0)).run_id == "r2"


@pytest.mark.parametrize(
    ("state", "allowed"),
    [("sending", True), ("submitted", False), ("done", False), ("failed", False), ("unknown", True)],
)
def test_what_may_turn_out_to_be_queued(ledger: Ledger, state: str, allowed: bool) -> None:
    brought_to(ledger, given(0), state)
    if allowed:
        ledger.mark_submitted("0", "t2", None)
        assert found(ledger, given(0)).state == "submitted"
    else:
        with pytest.raises(LedgerError, match=rf"'0' cannot be queued: .* it is '{state}'"):
            ledger.mark_submitted("0", "t2", None)


@pytest.mark.parametrize("end", ["done", "failed", "unknown"])
@pytest.mark.parametrize(
    ("state", "allowed"),
    [("sending", True), ("submitted", True), ("done", False), ("failed", False), ("unknown", True)],
)
def test_what_may_come_to_an_end(ledger: Ledger, state: str, allowed: bool, end: Any) -> None:
    brought_to(ledger, given(0), state)
    if allowed:
        ledger.finish(ended(given(0), end))
        assert found(ledger, given(0)).state == end
    else:
        with pytest.raises(LedgerError, match=rf"'0' cannot be finished: .* it is '{state}'"):
            ledger.finish(ended(given(0), end))
        assert found(ledger, given(0)).state == state


@pytest.mark.parametrize("state", ["submitted", "done", "failed", "unknown"])
def test_only_what_is_being_sent_is_forgotten(ledger: Ledger, state: str) -> None:
    brought_to(ledger, given(0), state)
    with pytest.raises(LedgerError, match=rf"'0' cannot be forgotten: .* it is '{state}'"):
        ledger.forget(["0"])


def test_what_an_earlier_run_was_sending_is_not_forgotten(path: Path) -> None:
    with opened(path) as ledger:
        intend(ledger, given(0))
    with opened(path) as ledger, pytest.raises(LedgerError, match="cannot be forgotten"):
        ledger.forget(["0"])


def test_what_is_not_known_has_no_end(ledger: Ledger) -> None:
    for act in (
        lambda: ledger.finish(ended(given(0))),
        lambda: ledger.mark_submitted("0", "t1", None),
        lambda: ledger.forget(["0"]),
    ):
        with pytest.raises(LedgerError, match="has no such item"):
            act()


def test_intents_are_written_together_or_not_at_all(ledger: Ledger, path: Path) -> None:
    brought_to(ledger, given(1), "done")
    with pytest.raises(LedgerError, match="'1' cannot be sent"):
        intend(ledger, given(0), given(1), given(2))
    assert ledger.counts() == Counts(done=1)
    intend(ledger, given(0), given(2))
    assert ledger.counts() == Counts(sending=2, done=1)
    assert intact(path)


def test_forgetting_is_all_or_nothing(ledger: Ledger) -> None:
    intend(ledger, given(0))
    with pytest.raises(LedgerError, match="has no such item"):
        ledger.forget(["0", "1"])
    assert found(ledger, given(0)).state == "sending"


# Identity


def test_a_changed_input_is_an_error_that_names_its_index_and_key(ledger: Ledger) -> None:
    brought_to(ledger, given(7, {"n": 1}), "done")
    with pytest.raises(InputChangedError, match=r"Input 7 .* under the key '7': it was changed"):
        ledger.find(given(7, {"n": 2}))
    with pytest.raises(InputChangedError, match="Input 7"):
        intend(ledger, given(7, {"n": 2}))


def test_the_error_of_a_changed_input_shows_neither(ledger: Ledger) -> None:
    brought_to(ledger, given(0, "a private thing"), "done")
    with pytest.raises(InputChangedError) as caught:
        ledger.find(given(0, "another thing"))
    assert "thing" not in str(caught.value)


def test_an_input_with_a_key_may_take_another_place(path: Path) -> None:
    with opened(path) as ledger:
        brought_to(ledger, given(0, "a", key="a"), "done")
        brought_to(ledger, given(1, "b", key="b"), "done")
    with opened(path) as ledger:
        assert ledger.find(given(0, "z", key="z")) is None
        assert found(ledger, given(1, "a", key="a")).index == 1
        assert found(ledger, given(2, "b", key="b")).to_item().index == 2
        assert [(entry.index, entry.key) for entry in ledger.entries()] == [(1, "a"), (2, "b")]


def test_many_new_places_are_written_before_the_ledger_is_closed(path: Path) -> None:
    with opened(path) as ledger:
        for index in range(600):
            intend(ledger, given(index, index, key=f"k{index}"))
    with opened(path) as ledger:
        for index in range(600):
            ledger.find(given(index + 1, index, key=f"k{index}"))
        with LedgerView(path) as view:
            assert next(view.entries()).index == 1  # not all are kept in memory
    with LedgerView(path) as view:
        assert [entry.index for entry in view.entries()] == list(range(1, 601))


@pytest.mark.parametrize("value", ["a", "b"])
def test_two_inputs_of_a_batch_with_one_key_are_an_error(ledger: Ledger, value: str) -> None:
    intend(ledger, given(3, "a", key="k"))
    with pytest.raises(LedgerError, match="key= must tell them apart"):
        ledger.find(given(5, value, key="k"))
    with pytest.raises(LedgerError, match="key= must tell them apart"):
        intend(ledger, given(5, value, key="k"))


@pytest.mark.parametrize("key", ["", "0'; DROP TABLE entries; --", "a\0b", "a\nb", "ключ", "\U0001f600", "x" * 100_000])
def test_any_text_is_a_key(ledger: Ledger, key: str) -> None:
    brought_to(ledger, given(0, "a", key=key), "done")
    assert found(ledger, given(0, "a", key=key)).key == key
    assert ledger.find(given(1, "a", key=f"{key}?")) is None


def test_a_key_that_is_no_text_is_a_clear_error(ledger: Ledger) -> None:
    for act in (ledger.find, lambda each: intend(ledger, each)):
        with pytest.raises(LedgerError, match="half of a surrogate pair"):
            act(attrs.evolve(given(0, "a"), key="\ud800"))
    assert ledger.counts().total == 0


# What is read back

OUTPUTS: list[Any] = [
    None,
    0,
    -(2**70),
    1e-300,
    True,
    "",
    "two\nlines\r\n\0 \u2028 \x85",
    "half \ud83d of a pair",
    "ünï\U0001f600",
    [],
    {"": {"a": [1, {"b": None}]}, "\ud800": 1},
    {"deep": [[[[[[[[[["x"]]]]]]]]]]},
]


@pytest.mark.parametrize("output", OUTPUTS, ids=repr)
def test_outputs_and_inputs_come_back_as_they_were(ledger: Ledger, output: Any) -> None:
    prepared = given(0, {"value": output})
    intend(ledger, prepared)
    ledger.finish(ended(prepared, output=output))
    (entry,) = ledger.entries()
    assert entry.output == output
    assert type(entry.output) is type(output)
    assert entry.input == {"value": output}


def test_a_result_comes_back_with_all_that_the_server_sent(ledger: Ledger) -> None:
    wire = {"success": True, "output": {"a": 1}, "executionId": "e1", "new": [1], "error": None, "metadata": "odd"}
    made = structure(wire, WorkflowExecutionResult, fallbacks={"status": "completed"})
    intend(ledger, given(0))
    ledger.finish(BatchItem(0, None, key="0", result=made))
    back = found(ledger, given(0)).result
    assert back == made
    assert back is not None
    assert (back.to_dict(), back.extra, back.status) == (wire, made.extra, "completed")


def test_a_ledger_that_names_no_classes_gives_results_as_data(ledger: Ledger) -> None:
    failed = JobFailedError("no", job=Job("t1", "failed"), result=WorkflowExecutionResult(False, {"a": 1}))
    brought_to(ledger, given(0), "done")
    intend(ledger, given(1))
    ledger.finish(ended(given(1), "failed", error=failed))
    with LedgerView(ledger.path) as view:
        done, lost = view.entries()
    assert (type(done.result), done.output, done.to_item().output) == (StoredResult, "x", "x")
    assert done.result == result().to_dict()
    assert isinstance(lost.error, JobFailedError)
    assert lost.error.result == {"success": False, "output": {"a": 1}}
    assert lost.error.job == {"taskId": "t1", "status": "failed"}


RESULT_OF_0_1 = (
    '{"fields":{"success":true,"output":{"a":1},"execution_id":"e1","status":"completed"},'
    '"same":{"success":"success","output":"output","executionId":"execution_id"},"rest":{"new":[1]}}'
)
ERROR_OF_0_1 = (
    '{"type":"JobFailedError","known":"JobFailedError","message":"it failed","code":"EXECUTION_ERROR","task_id":"t1",'
    '"partial":"","result":{"fields":{"success":false,"error":"Rate limit exceeded"},'
    '"same":{"success":"success","error":"error"},"rest":{}},"job":{"fields":{"task_id":"t1","status":"failed",'
    '"error":"Rate limit exceeded","workflow_id":"wf"},"same":{"taskId":"task_id","status":"status","error":"error"},'
    '"rest":{"new":2}}}'
)


def test_what_release_0_1_wrote_comes_back_and_is_written_the_same() -> None:
    result = unpack_result(RESULT_OF_0_1, MODELS)
    assert isinstance(result, WorkflowExecutionResult)
    assert (result.execution_id, result.status, result.extra) == ("e1", "completed", {"new": [1]})
    error, named = unpack_error(ERROR_OF_0_1, MODELS)
    assert isinstance(error, JobFailedError)
    assert (named, str(error), error.task_id, error.result.error) == (
        "JobFailedError",
        "it failed",
        "t1",
        "Rate limit exceeded",
    )
    assert (error.job.workflow_id, error.job.extra) == ("wf", {"new": 2})
    assert (pack_result(result, 0), pack_error(error, 0, MODELS)) == (RESULT_OF_0_1, ERROR_OF_0_1)


def test_an_item_that_is_found_has_its_input_as_it_was_given(ledger: Ledger) -> None:
    prepared = given(0, (1, 2))
    brought_to(ledger, prepared, "done")
    item = found(ledger, prepared).to_item()
    assert item.input is prepared.input
    assert (item.replayed, item.state, item.ok, item.output, item.attempts) == (True, "done", True, "x", 1)
    assert (item.key, item.index, item.elapsed) == ("0", 0, 0.25)


def test_a_file_in_an_input_is_kept_as_it_is_sent(ledger: Ledger) -> None:
    brought_to(ledger, given(0, {"doc": File(b"hi", name="a.txt")}), "done")
    (entry,) = ledger.entries()
    assert entry.input["doc"]["data"] == "data:text/plain;base64,aGk="


@pytest.mark.parametrize(("state", "shown"), [(each, each) for each in STATES[2:]] + [("sending", "unknown")])
def test_what_has_not_ended_is_replayed_as_unknown(ledger: Ledger, state: str, shown: str) -> None:
    brought_to(ledger, given(0), state)
    assert found(ledger, given(0)).to_item().state == shown


class Mine(RateLimitError):
    """A user's own class of error."""


def errors() -> list[SimStudioError]:
    limited = RateLimitError("slow \ud800 down", status=429, details=[{"a": 1}], server_code="LIMIT")
    limited.retry_after = 5.0
    timeout = ExecutionTimeoutError(
        "late", status=408, result=result({"a": 1}), host="sim.test", port=443, partial="He"
    )
    timeout.task_id, timeout.run_id = "t1", "r1"
    return [
        SimStudioError("plain"),
        APIConnectionError("refused", host="sim.test", port=1, sent=False),
        limited,
        timeout,
        ExecutionError("it failed", "ITS_OWN", 500),
        JobTimeoutError("patience", job=Job("t1", "processing", workflow_id="wf")),
        InvalidInputError("too large", "PAYLOAD_TOO_LARGE"),
    ]


@pytest.mark.parametrize("error", errors(), ids=lambda error: type(error).__name__)
def test_an_error_comes_back_as_what_it_was(ledger: Ledger, error: SimStudioError) -> None:
    intend(ledger, given(0))
    ledger.finish(ended(given(0), "failed", error=error))
    entry = found(ledger, given(0))
    back = entry.to_item().error
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert (vars(back), entry.status, entry.error_type) == (vars(error), error.status, type(error).__name__)


def test_an_error_of_a_users_class_comes_back_as_the_nearest_of_ours(ledger: Ledger) -> None:
    intend(ledger, given(0))
    ledger.finish(ended(given(0), "failed", error=Mine("no", status=429)))
    entry = found(ledger, given(0))
    assert type(entry.error) is RateLimitError
    assert entry.error_type == "Mine"


def test_a_result_that_is_no_json_is_a_clear_error_and_the_item_stays(ledger: Ledger) -> None:
    intend(ledger, given(0))
    with pytest.raises(LedgerError, match="result of input 0 cannot be kept as JSON"):
        ledger.finish(ended(given(0), output={1, 2}))
    assert found(ledger, given(0)).state == "sending"


# Reading them all


def test_entries_come_in_the_order_of_the_inputs(ledger: Ledger) -> None:
    for index in (5, 3, 1000, 0, 4):
        brought_to(ledger, given(index), "done")
    assert [entry.index for entry in ledger.entries()] == [0, 3, 4, 5, 1000]


@pytest.mark.parametrize("state", STATES)
def test_entries_of_one_state(ledger: Ledger, state: str) -> None:
    for index in range(10):
        brought_to(ledger, given(index), STATES[index % 5])
    assert [entry.index for entry in ledger.entries(state)] == [STATES.index(state), STATES.index(state) + 5]


def test_a_state_that_there_is_not_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(InvalidInputError, match="not 'finished'"):
        ledger.entries("finished")


def test_more_entries_than_a_page_come_once_each(ledger: Ledger) -> None:
    intend(ledger, *[given(index) for index in range(1501)])
    assert [entry.index for entry in ledger.entries()] == list(range(1501))


def test_entries_may_change_while_they_are_read(ledger: Ledger) -> None:
    intend(ledger, *[given(index) for index in range(10)])
    seen = []
    for entry in ledger.entries("sending"):
        seen.append(entry.index)
        ledger.finish(ended(given(entry.index)))
        if entry.index == 3:
            ledger.forget(["5"])
            ledger.finish(ended(given(7)))
    assert seen == [0, 1, 2, 3, 4, 6, 8, 9]


def test_reading_them_does_not_hold_up_the_writing(ledger: Ledger, path: Path) -> None:
    intend(ledger, *[given(index) for index in range(3)])
    with LedgerView(path) as view:
        reading = view.entries()
        assert next(reading).state == "sending"
        ledger.finish(ended(given(1)))
        assert [entry.state for entry in reading] == ["done", "sending"]


# Opening and closing


def test_all_is_there_when_it_is_opened_again(path: Path) -> None:
    with opened(path) as ledger:
        for index, state in enumerate(STATES):
            brought_to(ledger, given(index), state)
    with opened(path) as ledger:
        assert [entry.state for entry in ledger.entries()] == STATES


def test_all_is_there_after_a_crash(path: Path, tmp_path: Path) -> None:
    with opened(path) as ledger:
        for index, state in enumerate(STATES):
            brought_to(ledger, given(index), state)
        left = as_killed(ledger, tmp_path / "left")
    with opened(left) as again:
        assert [entry.state for entry in again.entries()] == STATES
        assert again.counts() == Counts(1, 1, 1, 1, 1)


def test_a_ledger_of_another_workflow_is_an_error_that_names_both(path: Path) -> None:
    opened(path, "wf-1").close()
    with pytest.raises(LedgerError, match="of the workflow 'wf-1', not of 'wf-2'"):
        opened(path, "wf-2")
    opened(path, "wf-1").close()  # and nobody holds it


def test_an_entry_says_how_it_was_sent_whatever_later_runs_do(path: Path) -> None:
    with opened(path, mode="async", api_version="v2") as ledger:
        intend(ledger, given(0))
    with opened(path, mode="sync", api_version="v1") as ledger:
        intend(ledger, given(1))
        ledger.mark_submitted("0", "t1", None)
        assert [(entry.mode, entry.api_version) for entry in ledger.entries()] == [("async", "v2"), ("sync", "v1")]


def test_a_ledger_knows_who_had_it_last(path: Path) -> None:
    opened(path, mode="async", api_version="v2").close()
    opened(path, mode="stream", api_version="v1").close()
    with LedgerView(path) as view:
        last = view.last_session()
    assert last is not None
    assert (last.pid, last.mode, last.api_version, view.workflow_id) == (os.getpid(), "stream", "v1", "wf")


def test_a_second_batch_of_the_process_is_kept_out(path: Path) -> None:
    with opened(path), pytest.raises(LedgerError, match="in use by another batch of this process"):
        opened(path)
    opened(path).close()


def _set_sessions(path: Path, pid: int) -> None:
    """Make all sessions of a ledger those of a process."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE sessions SET pid = ?", [pid])


def test_who_uses_a_ledger_is_no_guess_from_its_last_session(path: Path) -> None:
    """A batch that begins has locked the ledger before it writes its session."""
    with opened(path):
        _set_sessions(path, pid=1)
        with pytest.raises(LedgerError, match=rf"in use by another batch of this process \(pid {os.getpid()}\)"):
            opened(path)

    lock = sqlite3.connect(f"{path}-lock", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")  # as another process
    _set_sessions(path, pid=os.getpid())
    with pytest.raises(LedgerError, match=r"in use by another process \(pid unknown\)"):
        opened(path)
    lock.close()


def test_a_link_to_a_ledger_is_the_same_ledger(path: Path, tmp_path: Path) -> None:
    opened(path).close()
    link = tmp_path / "link.sqlite"
    link.symlink_to(path)
    with opened(path), pytest.raises(LedgerError, match="in use"):
        opened(link)


def test_closing_twice_is_fine_and_using_it_afterwards_is_not(path: Path) -> None:
    ledger = opened(path)
    entries = ledger.entries()
    ledger.close()
    ledger.close()
    for act in (
        ledger.counts,
        lambda: ledger.find(given(0)),
        lambda: ledger.intend([Intent(given(0))]),
        lambda: next(entries),
    ):
        with pytest.raises(LedgerError, match="is closed"):
            act()


def test_a_closed_ledger_is_one_file(path: Path) -> None:
    with opened(path) as ledger:
        brought_to(ledger, given(0), "done")
    assert sorted(each.name for each in path.parent.iterdir()) == ["runs.sqlite", "runs.sqlite-lock"]


def test_a_ledger_goes_from_thread_to_thread(ledger: Ledger) -> None:
    for index in range(3):
        thread = threading.Thread(target=brought_to, args=(ledger, given(index), "done"))
        thread.start()
        thread.join()
    assert ledger.counts().done == 3


def test_a_ledger_is_opened_and_not_made() -> None:
    with pytest.raises(TypeError, match=r"Ledger\.open"):
        Ledger()


@pytest.mark.parametrize("name", ["a b#c?d%20.sqlite", "ünï.sqlite", "file:x?mode=memory"])
def test_any_name_of_a_file_will_do(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(Path(name)) as ledger:
        intend(ledger, given(0))
        assert status(name).sending == 1
    assert (tmp_path / name).is_file()


# Who may read it


def modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}


def test_only_its_owner_may_read_it_and_what_is_beside_it(path: Path, umask: int) -> None:
    with opened(path) as ledger:
        while_open = modes(path.parent)
        intend(ledger, given(0))
        while_open |= modes(path.parent)

    assert {"runs.sqlite", "runs.sqlite-wal", "runs.sqlite-shm", "runs.sqlite-lock"} <= while_open.keys()
    assert set(while_open.values()) == set(modes(path.parent).values()) == {0o600}


def test_whom_its_owner_lets_read_it_may_go_on(path: Path) -> None:
    opened(path).close()
    path.chmod(0o640)

    with opened(path) as ledger:
        intend(ledger, given(0))
        assert {modes(path.parent)[name] for name in ("runs.sqlite", "runs.sqlite-wal", "runs.sqlite-shm")} == {0o640}
