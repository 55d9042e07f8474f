"""The ledger's state machine against a plain model, with crashes and restarts wherever Hypothesis likes."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from ledgers import as_killed, ended, given, intact, opened

from simstudio import InputChangedError, LedgerError
from simstudio.batch.ledger import Counts, Intent, Ledger
from tests.properties import examples


@attrs.define
class Known:
    """What the model knows of an item."""

    index: int
    value: str
    state: str
    session: int
    run_id: str | None = None
    task_id: str | None = None
    output: Any = None
    before: Known | None = None


keys = st.sampled_from("abcd")  # few, and mostly the same input in the same place: so that long stories come about
values = st.sampled_from(["v"] * 7 + ["w"])
shifts = st.sampled_from([0] * 7 + [1])
run_ids = st.sampled_from([None, "r1", "r2"])
outputs = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=3)
inputs = st.tuples(keys, values, shifts, run_ids).map(lambda one: (one[0], one[1], ord(one[0]) + one[2], one[3]))


picks = st.tuples(keys, st.sampled_from([True, True, True, False]))


class LedgerMachine(RuleBasedStateMachine):
    ledger: Ledger

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="ledger-"))
        self.lives = itertools.count()
        self.session = 0
        self.model: dict[str, Known] = {}
        self.ledger = opened(self.root / "runs.sqlite")

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            assert intact(self.ledger.path)
            shutil.rmtree(self.root)

    def refusal(self, key: str, value: str, index: int) -> type[LedgerError] | None:
        """Why an input is not the one that is known under its key."""
        known = self.model.get(key)
        if known is None:
            return None
        if known.value != value:
            return InputChangedError
        return LedgerError if known.session == self.session and known.index != index else None

    def picked(self, pick: tuple[str, bool], *states: str) -> str:
        """A key: mostly one of an item in these states, so that most steps are legal ones; sometimes any."""
        fitting = sorted(key for key, known in self.model.items() if known.state in states)
        if states == ("sending",):
            fitting = [key for key in fitting if self.model[key].session == self.session]
        return fitting[ord(pick[0]) % len(fitting)] if fitting and pick[1] else pick[0]

    @rule(one=inputs)
    def find(self, one: tuple[str, str, int, str | None]) -> None:
        key, value, index, _ = one
        refused, known = self.refusal(key, value, index), self.model.get(key)
        if refused is not None:
            with pytest.raises(refused):
                self.ledger.find(given(index, value, key))
            return
        entry = self.ledger.find(given(index, value, key))
        if known is None:
            assert entry is None
            return
        known.index = index
        assert entry is not None
        assert (entry.index, entry.key, entry.state, entry.run_id, entry.task_id, entry.output) == (
            index,
            key,
            known.state,
            known.run_id,
            known.task_id,
            known.output,
        )

    @rule(some=st.lists(inputs, min_size=1, max_size=3, unique_by=lambda one: one[0]))
    def first(self, some: list[tuple[str, str, int, str | None]]) -> None:
        self.intend(some)

    @rule(some=st.lists(inputs, min_size=2, max_size=3))
    def twice(self, some: list[tuple[str, str, int, str | None]]) -> None:
        self.intend([*some, some[0]])

    def intend(self, some: list[tuple[str, str, int, str | None]]) -> None:
        intents = [Intent(given(index, value, key), run_id) for key, value, index, run_id in some]
        kept = dict(self.model)
        for key, value, index, run_id in some:
            known = self.model.get(key)
            allowed = (
                known is None
                or known.state in ("failed", "unknown")
                or (known.state == "sending" and known.session != self.session)
            )
            if self.refusal(key, value, index) or not allowed:
                self.model = kept
                with pytest.raises(LedgerError):
                    self.ledger.intend(intents)
                return
            self.model[key] = Known(index, value, "sending", self.session, run_id, before=known)
        self.ledger.intend(intents)

    @rule(pick=picks)
    def submitted(self, pick: tuple[str, bool]) -> None:
        key = self.picked(pick, "sending", "unknown")
        known = self.model.get(key)
        if known is None or known.state not in ("sending", "unknown"):
            with pytest.raises(LedgerError):
                self.ledger.mark_submitted(key, "t1", None)
            return
        self.ledger.mark_submitted(key, "t1", None)
        known.state, known.task_id, known.output = "submitted", "t1", None

    @rule(pick=picks, state=st.sampled_from(["done", "failed", "unknown", "unknown"]), output=outputs, run_id=run_ids)
    def finish(self, pick: tuple[str, bool], state: Any, output: Any, run_id: str | None) -> None:
        key = self.picked(pick, "sending", "submitted", "unknown")
        known = self.model.get(key)
        item = ended(given(0, "v", key), state, output=output, run_id=run_id)
        if known is None or known.state not in ("sending", "submitted", "unknown"):
            with pytest.raises(LedgerError):
                self.ledger.finish(item)
            return
        self.ledger.finish(item)
        known.state, known.output, known.before = state, output if state == "done" else None, None
        known.run_id = run_id or known.run_id

    @rule(picks=st.lists(picks, min_size=1, max_size=2))
    def forget(self, picks: list[tuple[str, bool]]) -> None:
        some = sorted({self.picked(pick, "sending") for pick in picks})
        held = [self.model.get(key) for key in some]
        if not all(known and known.state == "sending" and known.session == self.session for known in held):
            with pytest.raises(LedgerError):
                self.ledger.forget(some)
            return
        self.ledger.forget(some)
        for key in some:
            before = self.model.pop(key).before
            if before is not None:
                self.model[key] = before

    @rule(pick=picks, run_id=run_ids)
    def again(self, pick: tuple[str, bool], run_id: str | None) -> None:
        """What failed or is unknown is sent once more."""
        key = self.picked(pick, "failed", "unknown")
        known = self.model.get(key)
        self.intend([(key, known.value if known else "v", known.index if known else ord(key), run_id)])

    @rule(crash=st.booleans(), really=st.sampled_from([False, False, True]))
    def end(self, crash: bool, really: bool) -> None:
        if not really:
            return
        list(self.ledger.entries())  # writes new places, which a crash may lose: the next find() meets them again
        path = as_killed(self.ledger, self.root / f"life-{next(self.lives)}") if crash else Path(self.ledger.path)
        self.ledger.close()
        self.ledger = opened(path)
        self.session += 1

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "ledger"):
            return
        entries = list(self.ledger.entries())
        assert [entry.index for entry in entries] == sorted(known.index for known in self.model.values())
        assert {
            entry.key: (entry.index, entry.state, entry.run_id, entry.task_id, entry.input, entry.output)
            for entry in entries
        } == {
            key: (known.index, known.state, known.run_id, known.task_id, known.value, known.output)
            for key, known in self.model.items()
        }
        states = [known.state for known in self.model.values()]
        assert self.ledger.counts() == Counts(**{state: states.count(state) for state in states})


LedgerMachine.TestCase.settings = settings(
    max_examples=examples(50), stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLedgerMachine = LedgerMachine.TestCase
