"""Finished items that wait for the consumer: how many, and how heavy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import simstudio as sim
from simstudio.batch.backlog import MOST_ITEMS, MOST_WEIGHT, PROMPT, Backlog, weight_of
from simstudio.batch.items import BatchItem
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.transport.message import Response

MUCH = "x" * (MOST_WEIGHT // 4)
HEAVY = {
    "result": BatchItem(0, None, WorkflowExecutionResult(True, {"content": [MUCH]})),
    "answer of an error": BatchItem(
        0, None, error=sim.ServerError("no", response=Response(500, content=MUCH.encode())), state="failed"
    ),
    "input": BatchItem(0, {"document": sim.File(MUCH.encode(), name="a.txt")}),
}

json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=50,
)


def test_it_is_full_by_number() -> None:
    backlog = Backlog()
    for index in range(MOST_ITEMS):
        assert not backlog.full
        backlog.put(BatchItem(index, {"n": index}))
    assert backlog.full
    assert [item.index for item in backlog] == list(range(MOST_ITEMS))
    assert backlog.take().index == 0
    assert not backlog.full


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def left_behind(clock: Clock) -> Backlog:
    """A backlog whose consumer has not taken an item for a while."""
    backlog = Backlog(clock)
    backlog.put(BatchItem(0, None))
    clock.now += PROMPT * 2
    return backlog


@pytest.mark.parametrize("what", HEAVY)
def test_it_is_full_by_weight(what: str) -> None:
    backlog = left_behind(Clock())
    for _ in range(4):
        assert not backlog.full
        backlog.put(HEAVY[what])
    assert backlog.full
    assert backlog.take().input is None
    assert (backlog.full, backlog.take(), backlog.full, len(backlog)) == (True, HEAVY[what], False, 3)


def test_what_a_prompt_consumer_takes_is_not_weighed() -> None:
    clock = Clock()
    backlog = left_behind(clock)
    backlog.take()
    for _ in range(8):
        backlog.put(HEAVY["result"])
    assert not backlog.full
    clock.now += PROMPT * 2
    backlog.take()  # one of eight: the consumer is behind
    for _ in range(4):
        backlog.put(HEAVY["result"])
    assert backlog.full


def test_what_changes_while_it_waits_weighs_what_it_did() -> None:
    output = {"rows": [MUCH] * 4}
    backlog = left_behind(Clock())
    backlog.put(BatchItem(0, None, WorkflowExecutionResult(True, output)))
    output.clear()
    while backlog:
        backlog.take()
    assert not backlog.full


@given(json_data)
def test_any_data_has_a_weight(data: object) -> None:
    text = json.dumps(data)
    assert len(text) / 10 - 100 < weight_of(BatchItem(0, data)) < 200 + 100 * len(text)


def test_of_what_is_long_or_deep_a_part_is_weighed() -> None:
    rows = [{"name": "x" * 50, "values": [1, 2, 3]} for _ in range(10_000)]
    assert 1_000_000 < weight_of(BatchItem(0, rows)) < 10_000_000
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert weight_of(BatchItem(0, deep)) < 10_000
