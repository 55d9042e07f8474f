"""What ``batch.summary()`` says of a batch, and the amounts in it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import simstudio as sim
from simstudio.batch.items import BatchItem
from simstudio.batch.money import Credits, Dollars, Money, check_budget, parse_money
from simstudio.batch.progress import Progress
from simstudio.batch.summary import Summary
from simstudio.batch.tally import Tally


def item(elapsed: float = 1.0, error: sim.SimStudioError | None = None, **fields: Any) -> BatchItem:
    state = "done" if error is None else "failed"
    return BatchItem(0, None, error=error, **{"attempts": 1, "elapsed": elapsed, "state": state, **fields})


def test_it_says_all_that_there_is() -> None:
    progress = Progress(total=8, elapsed=2.0, allowed=5.0, cost=Dollars(0.5))
    for each in (
        item(0.1), item(0.1), item(2.0), item(0.1, sim.ExecutionError("no")), item(0.1, sim.ServerError("no")),
        item(0.1, sim.ExecutionError("no"), replayed=True), item(attempts=0, duplicate=True),
    ):  # fmt: skip
        progress.count(each)
    assert str(Summary.of(progress)).splitlines() == [
        "7 of 8 finished in 2 s: 4 done, 3 failed",
        "errors: 2 ExecutionError, 1 ServerError",
        "not sent: 1 from the ledger, 1 duplicate",
        "time of an item: p50 0.1 s, p95 2 s",
        "rate: 2.5/s of 5.0/s that the rate limit allows",
        "cost: $0.50",
    ]
    told = Summary.of(progress).to_dict()
    assert (told["errors"], told["cost"]) == ({"ExecutionError": 2, "ServerError": 1}, {"dollars": 0.5})


def test_a_batch_that_ends_within_the_burst_of_its_limit_was_faster_than_the_limit() -> None:
    progress = Progress(total=1, elapsed=0.5, allowed=1.0)
    progress.count(item(0.1))
    assert str(Summary.of(progress)).splitlines()[1:] == [
        "time of an item: p50 0.1 s, p95 0.1 s",
        "rate: 2.0/s in a burst; the rate limit allows 1.0/s in the long run",
    ]


@pytest.mark.parametrize("attempts", [0, 1])
def test_what_no_request_could_hold_did_not_run(attempts: int) -> None:
    progress = Progress(total=2, elapsed=2.0)
    progress.count(item(1.0))
    progress.count(item(0.001, sim.InvalidInputError("no"), attempts=attempts))
    assert str(Summary.of(progress)).splitlines() == [
        "2 of 2 finished in 2 s: 1 done, 1 failed",
        "errors: 1 InvalidInputError",
        "time of an item: p50 1 s, p95 1 s",
        "rate: 0.5/s",
    ]


def test_of_a_batch_that_has_not_begun_it_says_little() -> None:
    assert str(Summary.of(Progress())) == "0 finished in 0 s: 0 done, 0 failed"


@given(st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_a_quantile_is_right_to_two_percent(times: list[float], share: float) -> None:
    tally = Tally()
    for elapsed in times:
        tally.add(item(elapsed))
    found = tally.quantile(share)
    assert found is not None
    near = sorted(times)[math.ceil(share * len(times) - 1e-9) - 1]
    assert found == pytest.approx(near, rel=0.02)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5 dollars", Dollars(Decimal(5))),
        ("$0.25", Dollars(Decimal("0.25"))),
        ("3usd", Dollars(Decimal(3))),
        ("500credits", Credits(Decimal(500))),
        ("1 credit", Credits(Decimal(1))),
    ],
)
def test_an_amount_is_read_with_its_unit(text: str, amount: Money) -> None:
    assert parse_money(text) == amount


@pytest.mark.parametrize("text", ["5", "$5 credits", "five dollars", "-1 dollars", ""])
def test_a_text_without_one_is_refused(text: str) -> None:
    with pytest.raises(sim.InvalidInputError, match="an amount such as '5 dollars' or '500 credits'"):
        parse_money(text)


@pytest.mark.parametrize("value", [5, 5.0, "5 dollars", Decimal(5)])
def test_a_bare_number_is_no_budget(value: Any) -> None:
    with pytest.raises(TypeError, match=r"budget must be Dollars\(5\) or Credits\(500\)"):
        check_budget("budget", value)


@pytest.mark.parametrize("kind", [Dollars, Credits])
@pytest.mark.parametrize("amount", [-1, True, "5", math.nan, None])
def test_an_amount_is_a_number_from_0(kind: Any, amount: Any) -> None:
    with pytest.raises(sim.InvalidInputError, match="must be a number from 0"):
        kind(amount)


def test_amounts_are_shown_with_their_units() -> None:
    amounts = [Dollars(5), Dollars(0.005), Dollars(Decimal("1234.5")), Credits(1200), Credits(0.5), Dollars(math.inf)]
    assert list(map(str, amounts)) == ["$5.00", "$0.005", "$1,234.50", "1,200 credits", "0.5 credits", "no limit"]
    assert list(map(str, [Dollars(0.1 + 0.2), Dollars(Decimal("0.1360000000000000001")), Dollars(100)])) == [
        "$0.30", "$0.136", "$100.00",
    ]  # fmt: skip
