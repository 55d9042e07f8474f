"""A batch of each service that is killed with ``kill -9`` and goes on, judged by what the server was asked to begin.

The services have no claims: a run whose submission was not answered before the kill is ``unknown``, and is sent again
only where the caller says so. What was answered is waited for under its id.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simstudio.batch.ledger import LedgerView
from tests.services.map_cases import CASES

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]

INPUTS, CONCURRENCY = 18, 3
KILLED_AT = (2, 5, 9, 12)
"""Runs begun at the server when the process is killed."""


NUMBERS: dict[str, Callable[[Any], Any]] = {
    "oomol": lambda body: body["inputValues"][0]["inputs"][0]["value"],
    "speedpix": lambda body: body["inputs"]["n"],
    "vectorvein": lambda body: body["input_fields"][0]["value"],
}
"""The number in the body of a request that begins a run."""


def expected(name: str, n: int) -> Any:
    """The output of the run with a number."""
    return [{"type": "Text", "title": "n", "value": n}] if name == "vectorvein" else {"n": n}


def _work(inputs: Any) -> dict[str, Any]:
    time.sleep(0.5)  # long enough for a kill to fall on a run that is waited for
    return {"n": next(iter(inputs.values()))}


class Server:
    """A sandbox that counts the runs that it was asked to begin, and says when there are enough of them."""

    def __init__(self, name: str) -> None:
        self.name, self.case = name, CASES[name]
        self.sandbox = self.case.sandbox()
        self.enough = threading.Event()
        self._wanted = 0
        register = self.sandbox.block if self.case.begins.endswith("tasks") else self.sandbox.workflow
        register("crash::work")(_work)
        app, here = self.sandbox.app, self

        class Watch:
            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                await app(scope, receive, send)
                if scope["type"] == "http" and sum(here.count_begun().values()) >= here._wanted > 0:
                    here.enough.set()

        self.sandbox.app = Watch()  # in place of the cached property

    def count_begun(self) -> Counter[int]:
        """How often each input was begun."""
        requests = self.sandbox.requests
        return Counter(
            NUMBERS[self.name](each.json)
            for each in requests
            if each.method == "POST" and each.path == self.case.begins
        )

    def expect(self, runs: int) -> None:
        self.enough.clear()
        self._wanted = runs


def cli(environ: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "simstudio.cli", "batch", *words]
    return subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def read_entries(ledger: Path) -> dict[int, Any]:
    with LedgerView(ledger) as view:
        return {entry.index: entry for entry in view.entries()}


def any_waited_for(ledger: Path) -> bool:
    return any(entry.state == "submitted" for entry in read_entries(ledger).values())


@pytest.mark.parametrize("name", CASES)
def test_a_killed_batch_loses_nothing_and_begins_nothing_twice(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    counting = Server(name)
    inputs, ledger = tmp_path / "in.jsonl", tmp_path / "runs.sqlite"
    inputs.write_text("".join(f"{json.dumps(case.input(n))}\n" for n in range(INPUTS)))
    queued: set[int] = set()
    begin = ["run", "--service", name, "crash::work", str(inputs), "--ledger", str(ledger)]
    with counting.sandbox.serve() as server:
        environ = dict(server.environ)
        for life, at in enumerate(KILLED_AT):
            counting.expect(at)
            words = begin if at == KILLED_AT[0] else ["resume", str(ledger)]
            process = cli(environ, *words, "--concurrency", str(CONCURRENCY))
            assert counting.enough.wait(60)
            while life % 2 and process.poll() is None and not any_waited_for(ledger):
                time.sleep(0.01)  # every other kill falls on a run that is waited for
            process.kill()
            process.communicate()
            entries = read_entries(ledger)
            queued |= {index for index, entry in entries.items() if entry.state == "submitted"}
            assert set(counting.count_begun()) <= set(entries), "something began that the ledger does not know of"

        process = cli(environ, "resume", str(ledger))
        process.communicate()
        begun, entries = counting.count_begun(), read_entries(ledger)
        unknown = {index for index, entry in entries.items() if entry.state == "unknown"}
        assert process.returncode == (1 if unknown else 0)
        assert sorted(entries) == list(range(INPUTS))
        assert max(begun.values()) == 1, "something began twice"
        assert len(unknown) <= CONCURRENCY * len(KILLED_AT)
        assert {index for index in entries if begun[index] == 0} <= unknown
        assert queued, "no kill fell on a run that was waited for"
        assert not queued & unknown, "a run that was waited for was lost"
        assert {index: entry.output for index, entry in entries.items() if index not in unknown} == {
            index: expected(name, index) for index in entries if index not in unknown
        }

        process = cli(environ, "resume", str(ledger), "--on-unknown", "rerun")
        process.communicate()
        assert process.returncode == 0
        assert counting.count_begun() == begun + Counter(unknown)
        assert all(entry.output == expected(name, index) for index, entry in read_entries(ledger).items())
