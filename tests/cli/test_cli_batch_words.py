"""``simstudio batch`` in words: messages speak of options, progress fits the terminal, exit codes are documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from simstudio.batch.items import prepare
from simstudio.batch.ledger import Intent, Ledger
from simstudio.batch.progress import Progress
from simstudio.cli.batch_display import Display, fit_line


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


class TestHelp:
    def test_the_group_alone_shows_it_as_other_groups_do(self, cli) -> None:
        result = cli("batch")

        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == cli("batch", "--help").stdout
        assert "resume" in result.stdout

    @pytest.mark.parametrize("words", [["batch"], ["batch", "run"], ["batch", "resume"]])
    def test_it_tells_the_exit_codes(self, cli, words) -> None:
        told = cli(*words, "--help").stdout

        assert "Exit codes:" in told
        for code in ("0 ", "1 ", "2 ", "3 ", "129, 130, 143"):
            assert f"\n    {code}" in told


class TestMessages:
    """What Python programmers are told of arguments is told of options."""

    def test_an_export_without_a_format(self, cli, server, work, given, ledger, tmp_path) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)

        said = cli("batch", "export", ledger, str(tmp_path / "all.txt")).stderr

        assert "--format" in said
        assert "format=" not in said

    @pytest.fixture
    def unknown(self, cli, server, work, given, ledger) -> str:
        """The ledger of a batch of which one item may have run, and one failed."""
        with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
            opened.intend([Intent(prepare(0, {"n": 1}), None)])
        return ledger

    def test_an_item_that_may_have_run(self, cli, unknown, given, tmp_path) -> None:
        result = cli("batch", "run", "work", given(1, 3), "--ledger", unknown)
        cli("batch", "export", unknown, str(tmp_path / "all.jsonl"))

        told = lines(result.stdout)[0]["error"]["message"]
        assert "--on-unknown rerun" in told
        assert "on_unknown=" not in told
        assert lines((tmp_path / "all.jsonl").read_text())[0]["error"]["message"] == told

    def test_an_item_that_failed(self, cli, unknown, given, tmp_path) -> None:
        result = cli("batch", "run", "work", given(1, 3), "--ledger", unknown)
        cli("batch", "export", unknown, str(tmp_path / "all.jsonl"))

        for told in (lines(result.stdout)[1], lines((tmp_path / "all.jsonl").read_text())[1]):
            assert "three is bad" in told["error"]["message"]
            assert "error.result" not in told["error"]["message"]

    @pytest.mark.usefixtures("terminal")
    def test_the_status_of_what_was_sent_and_not_heard_of(self, cli, unknown) -> None:
        shown = cli("batch", "status", unknown).stdout

        assert "outcome unknown" in shown
        assert "unheard" not in shown


class TestAttempts:
    def test_a_replayed_item_is_told_as_the_export_tells_it(self, cli, server, work, given, ledger, tmp_path) -> None:
        first = cli("batch", "run", "work", given(1), "--ledger", ledger)
        again = cli("batch", "resume", ledger)
        cli("batch", "export", ledger, str(tmp_path / "all.jsonl"))

        (exported,) = lines((tmp_path / "all.jsonl").read_text())
        assert lines(first.stdout) == lines(again.stdout)
        assert lines(again.stdout)[0]["attempts"] == exported["attempts"] == 1


class TestTheEnd:
    def test_a_replay_has_no_rate_and_nothing_left(self, cli, server, work, given, ledger) -> None:
        cli("batch", "run", "work", given(1, 2), "--ledger", ledger)

        assert cli("batch", "resume", ledger).stderr.splitlines() == [
            "simstudio: 2/2 finished, 2 done, 0 failed",
            "simstudio: not sent: 2 from the ledger",
        ]

    def test_no_time_is_left(self, cli, server, work, given) -> None:
        assert "left" not in cli("batch", "run", "work", given(1, 2)).stderr

    @pytest.mark.parametrize("there", [True, False])
    def test_interrupted_before_anything_began_it_says_how_to_go_on(
        self, cli, server, work, given, ledger, monkeypatch, there
    ) -> None:
        if there:
            cli("batch", "run", "work", given(1), "--ledger", ledger)

        def press(*given: Any, **named: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("simstudio.cli.batch_run.Memory.begin", press)
        result = cli("batch", "run", "work", given(1), "--ledger", ledger)

        then = f"Go on with: simstudio batch resume {ledger}" if there else "Give the same command again."
        assert result.exit_code == 130
        assert result.stderr == f"simstudio: Interrupted: nothing was sent yet. {then}\n"

    def test_with_json_too(self, cli, server, work, given, monkeypatch) -> None:
        def press(*given: Any, **named: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("simstudio.cli.batch_run.BatchRun._batch", press)

        (told,) = lines(cli("batch", "run", "work", given(1), "--json").stdout)

        assert told["error"]["type"] == "Interrupted"


def shown(display: Display, width: int) -> str:
    """What a terminal of this width shows."""
    from rich.console import Console

    console = display._console = Console(width=width, file=None, force_terminal=True)
    with console.capture() as captured:
        console.print(display._fit())
    return captured.get()


class TestProgressOnATerminal:
    UUID = "3f2b8c1e-9d47-4f60-8a11-5b6c7d8e9f00"
    PROGRESS = Progress(total=20_000, done=12_345, failed=67, unknown=8, running=20, limit=20, elapsed=3600.0)

    @pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 150, 300])
    @pytest.mark.parametrize("waiting", [0.0, 41.0])
    def test_is_one_line(self, width: int, waiting: float) -> None:
        display = Display(self.UUID, beside_results=False, clock=lambda: 0.0)
        display.begin(_with(self.PROGRESS, waiting))

        (line,) = shown(display, width).splitlines()
        assert "12420/20000" in line

    def test_with_room_it_says_all(self) -> None:
        name, bar, text = fit_line("hello", self.PROGRESS, 150)

        assert (name, bar) == ("hello", 24)
        assert text == str(self.PROGRESS)
        assert text.endswith(", 36:38 left; 20 of 20 running")

    def test_with_less_room_it_says_what_matters_most(self) -> None:
        assert fit_line(self.UUID, self.PROGRESS, 100)[0] == self.UUID
        assert fit_line(self.UUID, self.PROGRESS, 60)[2] == "12420/20000, 75 not done, 36:38 left, 20 running"
        assert "67 failed," in fit_line(self.UUID, attrs.evolve(self.PROGRESS, unknown=0), 60)[2]
        assert "8 unknown," in fit_line(self.UUID, attrs.evolve(self.PROGRESS, failed=0), 60)[2]
        assert fit_line(self.UUID, self.PROGRESS, 40) == ("", 0, "12420/20000, 75 not done, 36:38 left")

    @pytest.mark.parametrize("width", [1, 20, 36, 60, 100, 150, 200])
    @pytest.mark.parametrize("begun", [True, False])
    def test_the_workflow_s_id_is_whole_or_not_there(self, width: int, begun: bool) -> None:
        display = Display(self.UUID, beside_results=False, clock=lambda: 0.0)
        if begun:
            display.begin(self.PROGRESS)

        text = shown(display, width)
        assert self.UUID in text or "3f2b8" not in text

    def test_it_says_what_it_waits_for(self) -> None:
        display = Display("hello", beside_results=False, clock=lambda: 0.0)
        progress = _with(self.PROGRESS, 41.0)
        display.begin(progress)

        assert "waiting 41 s for the rate limit" in shown(display, 150)
        assert fit_line("hello", progress, 40)[2].endswith(", waiting 41 s")

    def test_a_pipe_is_told_at_once_that_it_waits(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Display("wf", beside_results=False, clock=lambda: 0.0) as display:
            for waiting in (0.0, 41.0, 40.0, 0.0):
                display.follow(_with(self.PROGRESS, waiting))

        (line,) = capsys.readouterr().err.splitlines()
        assert line.endswith(", waiting 41 s for the rate limit")


def _with(progress: Progress, waiting: float) -> Progress:
    import attrs

    return attrs.evolve(progress, waiting=waiting)


def test_environment_and_exit_codes_are_in_the_help_of_all(cli) -> None:
    told = cli("--help").stdout

    assert "SIM_BATCH_SHARED" in told
    assert "SIGHUP" in told


def test_the_ledger_s_path_is_not_made_by_a_refusal(cli, server, given, tmp_path) -> None:
    path = tmp_path / "new.sqlite"

    assert cli("batch", "run", "work", given(1), "--ledger", str(path), "--out", str(path)).exit_code == 2
    assert not Path(path).exists()


def test_a_sandbox_that_ends_with_the_command_is_asked_for_no_run_afterwards(cli, given) -> None:
    (line,) = lines(cli("batch", "run", "fail", given(1), "--sandbox").stdout)

    assert line["error"]["message"].endswith(").")
    assert "simstudio" not in line["error"]["message"]


class TestKeysThatAreMissing:
    @pytest.mark.parametrize(
        ("line", "what"), [('{"n": 9}', "it has no field 'i'"), ('{"n": 9, "i": null}', "its field 'i' is null")]
    )
    def test_each_fails_its_item_and_no_other_and_says_so_in_words(
        self, cli, server, work, tmp_path, ledger, line, what
    ) -> None:
        path = tmp_path / "in.jsonl"
        path.write_text(f'{line}\n{{"n": 1, "i": 7}}\n{line}\n')

        result = cli("batch", "run", "work", str(path), "--ledger", ledger, "--key", "i")

        found = lines(result.stdout)
        assert (result.exit_code, [line["state"] for line in found]) == (1, ["failed", "done", "failed"])
        assert found[0]["error"]["message"] == f"--key failed for input 0: {what}."
        assert work.total() == 1

    def test_what_is_false_is_a_key_all_the_same(self, cli, server, work, tmp_path) -> None:
        path = tmp_path / "in.jsonl"
        path.write_text('{"n": 1, "i": 0}\n{"n": 2, "i": ""}\n{"n": 4, "i": false}\n')

        assert cli("batch", "run", "work", str(path), "--key", "i").exit_code == 0


class TestInputsThatHaveMoved:
    def test_a_resume_says_how_to_name_them(self, cli, server, work, given, ledger, tmp_path) -> None:
        path = Path(given(1, 2))
        cli("batch", "run", "work", str(path), "--ledger", ledger)
        moved = path.rename(tmp_path / "moved.jsonl")

        result = cli("batch", "resume", ledger)

        assert result.exit_code == 2
        assert f"{path} cannot be read (No such file or directory)" in result.stderr
        assert f"simstudio batch resume {ledger} NEW_PATH" in result.stderr
        assert "Errno" not in result.stderr
        assert cli("batch", "resume", ledger, str(moved)).exit_code == 0

    def test_with_the_options_that_it_was_given(self, cli, given, ledger) -> None:
        path = Path(given(1))
        cli("batch", "run", "hello", str(path), "--ledger", ledger, "--sandbox")
        path.unlink()

        said = cli("batch", "resume", ledger, "--sandbox").stderr

        assert f"simstudio batch resume {ledger} NEW_PATH --sandbox" in said


@pytest.mark.usefixtures("terminal")
class TestTheStatusOnATerminal:
    @pytest.mark.parametrize("width", [10, 20, 30, 39])
    def test_a_narrow_one_shows_every_value(self, cli, server, work, given, ledger, monkeypatch, width) -> None:
        cli("batch", "run", "work", given(1, 2, 3), "--ledger", ledger)
        monkeypatch.setenv("COLUMNS", str(width))

        shown = cli("batch", "status", ledger).stdout

        for told in ("workflow: work", "total: 3", "done: 2", "failed: 1", "sent, outcome unknown: 0"):
            assert f"{told}\n" in shown

    def test_a_wide_one_shows_columns(self, cli, server, work, given, ledger, monkeypatch) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)
        monkeypatch.setenv("COLUMNS", "80")

        assert "total: " not in cli("batch", "status", ledger).stdout
