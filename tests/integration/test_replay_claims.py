"""Run ids against what a real server of August 2026 said: which refusals use one up, and what they leave under it."""

from __future__ import annotations

import json

import pytest

import simstudio as sim
from simstudio.resources.v2.execution import find_refusal
from tests.driving import client, dialect_of, play, replayed
from tests.integration.replaying import BASE_URL, KEY
from tests.recorded import CLAIMS, recording

SUCCESS = 94


def executed(*numbers: int) -> tuple[sim.WorkflowExecutionResult, list[str]]:
    """The result of an execution that gets these answers, driven by hand, and the run ids that it was sent with."""
    dialect = dialect_of(client(api_key=KEY, base_url=BASE_URL, api_version="v2"))
    played = play(
        dialect.execute("wf", {"count": 0}, timeout=None), *(replayed(recording(CLAIMS, number)) for number in numbers)
    )
    return played.result, [sent.headers["X-Run-Id"] for sent in played.asked if sent.method == "POST"]


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [(79, "new"), (90, "new"), (122, "new"), (98, "same"), (114, "same")],
    ids=["rate", "rate, in the background", "concurrency", "API requests", "admission gate"],
)
def test_which_refusals_use_the_id_up(refusal: int, expected: str) -> None:
    result, (first, second) = executed(refusal, SUCCESS)
    assert result.output["result"] == {"doubled": 0, "message": ""}
    assert (first != second) is (expected == "new")


@pytest.mark.parametrize(("conflict", "run"), [(80, 71), (91, 92), (129, 127)])
def test_a_conflict_with_what_a_refusal_left_is_sent_again(conflict: int, run: int) -> None:
    result, (first, second) = executed(conflict, run, SUCCESS)
    assert result.success
    assert first != second


@pytest.mark.parametrize(
    ("number", "limit"),
    [
        (71, "RATE_LIMIT_EXCEEDED"),
        (92, "RATE_LIMIT_EXCEEDED"),
        (127, "EXECUTION_CONCURRENCY_LIMIT"),
        (22, None),
        (314, None),
    ],
)
def test_a_run_that_never_ran_is_told_from_one_that_failed(number: int, limit: str | None) -> None:
    run = json.loads(recording(CLAIMS, number).body)["data"]
    assert run["status"] == "failed"
    assert find_refusal(run) == limit
