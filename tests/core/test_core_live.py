"""A line that says how far something is."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from simstudio import Job, show_progress
from simstudio.core.live import LiveLine
from tests.driving import Clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestALog:
    def test_gets_a_line_now_and_then_and_the_last_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        clock = Clock()
        line = LiveLine(10.0, clock)
        for number in range(5):
            line.show(f"{number} done")
            clock.advance(4)
        line.show("over", last=True)

        assert capsys.readouterr().err == "0 done\n3 done\nover\n"

    def test_repeats_the_same_state_seldom(self, capsys: pytest.CaptureFixture[str]) -> None:
        clock = Clock()
        line = LiveLine(1.0, clock)
        for second in range(13):
            line.show(f"second {second}", state=second == 0)
            clock.advance(1)

        assert capsys.readouterr().err == "second 0\nsecond 1\nsecond 11\n"

    def test_gets_what_is_urgent_at_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        line = LiveLine(10.0, Clock())
        line.show("begun")
        line.show("no server", urgent=True)

        assert capsys.readouterr().err == "begun\nno server\n"


class TestATerminal:
    def test_gets_one_line_that_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", "xterm")
        line = LiveLine()
        line.show("1 done")
        line.show("[red]2\x1b[2J done[/red]")
        line.show("3 done", last=True)
        shown = sys.stderr.getvalue()

        assert [text in shown for text in ("1 done", "[red]2", "3 done")] == [True] * 3
        assert shown.count("\x1b[2K") >= 2, "the line is replaced"
        assert "\x1b[2J" not in shown
        assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is visible"

    def test_that_is_narrow_gets_the_longest_text_that_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "20")
        LiveLine().show("12 finished, 11 done, 1 failed", "12, 1 failed", "12", last=True)

        assert "12, 1 failed" in sys.stderr.getvalue()

    def test_without_rich_gets_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setitem(sys.modules, "rich.live", None)
        LiveLine().show("1 \x1b[2Jdone")

        assert sys.stderr.getvalue() == "1 \ufffd[2Jdone\n"


def test_a_run_says_its_state_and_whom_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    show = show_progress(clock=clock)
    question: dict[str, Any] = {
        "_resume": {"contextId": "c1", "uiUrl": "https://sim.test/resume"},
        "responseStructure": [{"name": "question", "value": "Publish?"}],
    }
    for job in (
        Job("j", "processing"),
        Job("j", "processing"),
        Job("j", "completed", {"success": True, "output": {"data": question}}),
        Job("j", "completed", {"success": True, "output": 1}),
    ):
        show(job)
        clock.advance(3)

    assert capsys.readouterr().err.splitlines() == [
        "j: processing, 0 s",
        "j: it waits for a human: Publish? (at https://sim.test/resume), 6 s",
        "j: completed, 9 s",
    ]
