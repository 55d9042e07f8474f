"""``simstudio batch`` and what only a process of its own shows: signals, terminals, pipes, kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_cli_processes import Terminal

from simstudio.batch.ledger import status
from simstudio.sandbox import Sandbox, SandboxServer

HANG_UP: Any = getattr(signal, "SIGHUP", None)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGINT for one process nor ptys")


def lines(text: str | bytes) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(autouse=True)
def heeded():
    """Hanging up ends what these tests start, even where they themselves run under ``nohup``."""
    if HANG_UP is None:
        yield
        return
    before = signal.signal(HANG_UP, signal.SIG_DFL)
    yield
    signal.signal(HANG_UP, before)


@pytest.fixture
def work(sandbox: Sandbox, gate) -> Counter[int]:
    """The workflow ``work``: every third input waits behind the gate; how often each ran."""
    ran: Counter[int] = Counter()

    @sandbox.workflow("work")
    def work(input: dict[str, Any]) -> dict[str, Any]:
        ran[input["n"]] += 1
        if input["n"] % 3 == 2:
            gate.wait()
        return {"n": input["n"]}

    return ran


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A batch of thirty inputs with a ledger and a file of results."""
    (tmp_path / "inputs.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(30)))
    inputs, out, ledger = (str(tmp_path / name) for name in ("inputs.jsonl", "results.jsonl", "runs.sqlite"))
    return ["batch", "run", "work", inputs, "--out", out, "--ledger", ledger, "--concurrency", "2"]


class TestSignals:
    @pytest.mark.parametrize(
        ("number", "code", "name"),
        [(signal.SIGINT, 130, "Interrupted"), (signal.SIGTERM, 143, "Terminated"), (HANG_UP, 129, "Hung up")],
    )
    def test_the_first_ends_what_runs_and_says_how_to_go_on(
        self, started, cli, server, work, gate, words, tmp_path, number, code, name
    ) -> None:
        process = started(*words)
        assert gate.begun.wait(30)

        process.send_signal(number)
        assert b"stopping: waiting for " in process.stderr.readline()
        gate.opened.set()

        _, said = process.communicate()
        ledger = tmp_path / "runs.sqlite"
        assert process.returncode == code
        last = said.decode().splitlines()[-1]
        assert last.startswith(f"simstudio: {name}: ")
        assert last.endswith(f"Go on with: simstudio batch resume {ledger}")
        assert " left" not in last
        counts = status(ledger)
        assert (counts.sending, counts.done) == (0, len(lines((tmp_path / "results.jsonl").read_bytes())))
        assert 0 < counts.done < 30

        result = cli("batch", "resume", str(ledger))

        assert result.exit_code == 0
        assert [line["output"]["n"] for line in lines((tmp_path / "results.jsonl").read_bytes())] == list(range(30))
        assert work == Counter(range(30))

    def test_a_second_leaves_at_once_and_the_ledger_knows_what_was_under_way(
        self, started, server, work, gate, words, tmp_path
    ) -> None:
        process = started(*words)
        assert gate.begun.wait(30)

        process.send_signal(signal.SIGTERM)
        process.stderr.readline()
        while process.poll() is None:  # what comes at once is still the first
            process.send_signal(signal.SIGTERM)
            time.sleep(0.05)

        _, said = process.communicate()  # though the gate is shut
        assert process.returncode == 143
        assert said.decode().splitlines()[-1].endswith(f"simstudio batch resume {tmp_path / 'runs.sqlite'}")
        assert status(tmp_path / "runs.sqlite").sending > 0

    def test_a_terminal_that_goes_says_so_twice_and_what_runs_ends_all_the_same(
        self, started, server, work, gate, words, tmp_path
    ) -> None:
        process = started(*words)
        assert gate.begun.wait(30)

        process.send_signal(HANG_UP)
        process.stderr.readline()
        process.send_signal(HANG_UP)
        gate.opened.set()

        _, said = process.communicate()
        assert process.returncode == 129
        assert said.decode().startswith("simstudio: Hung up: ")
        assert status(tmp_path / "runs.sqlite").sending == 0

    def test_though_the_terminal_is_gone_what_runs_ends(self, started, server, work, gate, words, tmp_path) -> None:
        terminal = Terminal()
        process = started(*words, stderr=terminal.theirs)
        os.close(terminal.theirs)
        terminal.read_until(b"running")
        assert gate.begun.wait(30)

        terminal.close()
        process.send_signal(HANG_UP)
        gate.opened.set()

        assert process.wait() == 129
        counts = status(tmp_path / "runs.sqlite")
        assert (counts.sending, counts.done) == (0, len(lines((tmp_path / "results.jsonl").read_bytes())))

    def test_nohup_is_heeded(self, started, server, work, gate, words) -> None:
        before = signal.signal(HANG_UP, signal.SIG_IGN)
        try:
            process = started(*words)
        finally:
            signal.signal(HANG_UP, before)
        assert gate.begun.wait(30)

        process.send_signal(HANG_UP)
        gate.opened.set()

        process.communicate()
        assert process.returncode == 0

    def test_with_json_the_last_line_says_so(self, started, server, work, gate, words) -> None:
        process = started(*words, "--json")
        assert gate.begun.wait(30)
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        gate.opened.set()

        last = lines(process.communicate()[0])[-1]
        assert (process.returncode, last["error"]["type"], last["batch"]["total"]) == (130, "Interrupted", 30)

    def test_without_a_ledger_it_says_that_nothing_is_remembered(self, started, server, work, gate, words) -> None:
        process = started(*words[:4])
        assert gate.begun.wait(30)
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        gate.opened.set()

        assert process.communicate()[1].endswith(b"give --ledger.\n")


def test_killed_it_leaves_whole_lines_and_goes_on(started, cli, server, sandbox, tmp_path, eventually) -> None:
    @sandbox.workflow("long")
    def long(input: dict[str, Any]) -> dict[str, Any]:
        return {"n": input["n"], "texts": ["x" * 10_000] * 10}

    out, ledger = tmp_path / "results.jsonl", tmp_path / "runs.sqlite"
    (tmp_path / "in.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(60)))
    process = started(
        "batch", "run", "long", str(tmp_path / "in.jsonl"), "--out", str(out), "--ledger", str(ledger),
        "--api-version", "v2", "--concurrency", "2",
    )  # fmt: skip
    eventually(lambda: out.exists() and out.stat().st_size > 300_000)
    process.kill()
    process.wait()
    left = out.read_bytes()

    result = cli("batch", "resume", str(ledger))

    assert result.exit_code == 0
    assert all(json.loads(line) for line in left[: left.rfind(b"\n")].splitlines())
    assert [line["output"]["n"] for line in lines(out.read_bytes())] == list(range(60))


def test_results_that_cannot_be_written_any_more_end_it(started, server, words) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    words[words.index("--out") + 1] = str(full)
    words[2] = "hello"
    process = started(*words)

    _, said = process.communicate()

    assert process.returncode == 1
    assert said.decode().splitlines()[-1].startswith("simstudio: error: The results /dev/full cannot be written: ")


def test_a_reader_that_leaves_ends_it_quietly(started, server: SandboxServer, sandbox: Sandbox, tmp_path) -> None:
    (tmp_path / "in.jsonl").write_text('{"name": "Ada"}\n' * 3000)
    process = started("batch", "run", "hello", str(tmp_path / "in.jsonl"))
    process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == b""
    assert process.wait() == 141


def test_a_slow_writer_of_standard_input_holds_up_nothing(started, server: SandboxServer) -> None:
    process = started("batch", "run", "hello", "-", stdin=subprocess.PIPE)

    process.stdin.write(b'{"name": "Ada"}\n')
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["output"] == {"message": "Hello, Ada!"}  # and it is still open

    process.send_signal(signal.SIGTERM)
    process.stderr.read()
    assert process.wait() == 143


@pytest.fixture
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_terminal_shows_how_far_it_is(started, server, work, gate, words, terminal, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    process = started(*words, stderr=terminal.theirs)
    os.close(terminal.theirs)

    terminal.read_until(b"/30 finished")  # while it cannot be over
    terminal.read_until(b"running")
    gate.opened.set()
    while terminal.read():
        pass
    process.wait()

    assert process.returncode == 0
    assert b"30/30 finished, 30 done, 0 failed" in terminal.shown


class TestClosedStreams:
    """``<&-`` and ``>&-`` of a shell."""

    def test_results_that_nobody_could_read_are_not_made(self, closing, server, work, words) -> None:
        code, said = closing(1, *words[:4])

        assert (code, work.total()) == (2, 0)
        assert "Standard output is closed" in said
        assert "--out" in said

    def test_with_a_file_of_results_it_is_not_needed(self, closing, server, gate, work, words) -> None:
        gate.opened.set()

        assert closing(1, *words)[0] == 0
        assert work.total() == 30

    def test_inputs_of_a_closed_standard_input_are_not_none(self, closing, server, words, tmp_path) -> None:
        words[3] = "-"

        code, said = closing(0, *words)

        assert code == 2
        assert "Standard input is closed" in said
        assert not (tmp_path / "runs.sqlite").exists()

    @pytest.fixture
    def closing(self):
        def run(number: int, *words: str) -> tuple[int, str]:
            command = f'exec "$@" {number}{"<" if number == 0 else ">"}&-'
            ran = subprocess.run(
                ["sh", "-c", command, "sh", sys.executable, "-m", "simstudio.cli", *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
            )  # fmt: skip
            return ran.returncode, ran.stderr

        return run
