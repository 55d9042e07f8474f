"""The ledger and processes: ones that are killed, ones that come second, ones that are forked."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ledgers import brought_to, given, intact, intend, opened

from simstudio import LedgerError
from simstudio.batch.export import export
from simstudio.batch.ledger import LedgerView, status

WORKER = Path(__file__).with_name("ledger_worker.py")


@contextmanager
def process(act: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(WORKER), act, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as made:
        try:
            yield made
        finally:
            made.kill()


def line(made: subprocess.Popen[str]) -> list[str]:
    assert made.stdout is not None
    return made.stdout.readline().split()


def test_what_a_killed_process_had_written_is_there(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    chance = random.Random(5)
    said: dict[str, str] = {}
    for _ in range(6):
        with process("write", path) as made:
            for _ in range(chance.randrange(1, 400)):
                state, *keys = line(made)
                said.update(dict.fromkeys(keys, state))
            made.kill()  # SIGKILL, while it goes on writing
            assert made.stdout is not None
            for more in made.stdout:  # what it had said by then
                state, *keys = more.split()
                said.update(dict.fromkeys(keys, state))
        assert intact(path)
        with LedgerView(path) as view:
            known = {entry.key: entry for entry in view.entries()}
        later = {
            "intended": {"sending", "submitted", None},  # None: forgotten
            "forgot": {None, "sending"},  # intended anew, and not yet said
            "submitted": {"submitted", "done"},
            "done": {"done"},
        }
        for key, state in said.items():
            entry = known.get(key)
            assert (entry.state if entry else None) in later[state], key
            if entry is not None and entry.state == "done":
                assert entry.output == {"text": key * 500}
        with opened(path, mode="async") as ledger:  # nobody holds it; what was left open is settled, as an engine would
            for entry in [*ledger.entries("sending"), *ledger.entries("submitted")]:
                brought_back = entry.to_item()
                assert brought_back.state == "unknown"
                ledger.finish(brought_back)
                said[entry.key] = "settled"
        said = {key: state for key, state in said.items() if state in ("done", "submitted")}
    assert status(path).done > 0


def test_a_second_process_is_told_who_has_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with process("hold", path) as made:
        assert line(made) == ["holding", str(made.pid)]
        with pytest.raises(LedgerError, match=rf"is in use by another process \(pid {made.pid}\)"):
            opened(path)
        assert status(path).sending == 1  # reading is free
        assert export(path, tmp_path / "out.jsonl") == 1
        made.kill()
        made.wait()
        with opened(path) as ledger:  # the operating system let go of it
            assert ledger.counts().sending == 1


def test_a_ledger_that_was_closed_is_free_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with opened(path) as ledger:
        intend(ledger, given(7))
    with process("hold", path) as made:
        assert line(made)[0] == "holding"
        made.communicate()
        assert made.returncode == 0
    assert status(path).sending == 2


def test_a_ledger_left_by_a_killed_process_can_be_read_before_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with process("hold", path) as made:
        line(made)
        made.kill()
        made.wait()
    assert (tmp_path / "runs.sqlite-wal").stat().st_size > 0
    assert status(path).sending == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_child_can_neither_use_nor_spoil_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with process("fork", path) as made:
        assert [line(made) for _ in range(5)] == [
            ["refused", "0"],
            ["closing", "0"],
            ["dropping", "0"],
            ["counts", "1", "1"],
            ["exported", "2"],
        ]
        with pytest.raises(LedgerError, match=rf"pid {made.pid}"):  # no child let go of the lock
            opened(path)
        made.communicate()
        assert made.returncode == 0
    assert intact(path)
    with opened(path) as ledger:
        brought_to(ledger, given(2), "done")
