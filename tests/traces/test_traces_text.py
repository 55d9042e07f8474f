"""The picture as text: the same rows at 80 and 120 columns, in UTF-8 and ASCII; bars stay inside whatever comes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudio import Trace
from simstudio.traces.layout import lay_out
from simstudio.traces.text import cells, draw, plain
from tests.properties import examples
from tests.traces.runs import LOG, at, block, span
from tests.traces.test_traces_queries import TIMED

GOLDEN = Path(__file__).parent / "golden"
TEXTS = st.text(max_size=30)


@pytest.mark.parametrize("ascii_only", [False, True], ids=["utf8", "ascii"])
@pytest.mark.parametrize("width", [80, 120])
def test_a_run_with_a_failure(width: int, ascii_only: bool) -> None:
    shown = Trace(LOG).to_text(width, ascii_only=ascii_only)
    expected = GOLDEN / f"report-{width}-{'ascii' if ascii_only else 'utf8'}.txt"
    assert shown == expected.read_text(encoding="utf-8").rstrip("\n")
    assert shown.isascii() is ascii_only


@given(st.lists(TIMED, min_size=1, max_size=5), st.integers(20, 200), st.booleans(), TEXTS)
@settings(max_examples=examples(30), deadline=None)
def test_no_line_is_wider_and_spans_are_in_order(data: list[Any], width: int, ascii_only: bool, name: str) -> None:
    data[0]["name"], data[0]["error"], data[0]["status"] = name, name * 20, "error"
    trace = Trace({"workflowName": name, "traceSpans": data})
    lines = plain(draw(trace, width, ascii_only=ascii_only)).split("\n")
    assert max(map(cells, lines)) <= max(40, width)
    rows = lay_out(trace)
    assert [row.span for row in rows] == list(trace)
    assert all(0 <= row.bar[0] <= row.bar[1] <= 1 for row in rows if row.bar is not None)
    assert len(lines) >= len(rows)


def test_bars_are_to_scale() -> None:
    lines = plain(draw(Trace([block("A", "api", 0, 25), block("B", "api", 25, 75)]), 80)).split("\n")
    first, second = (line.count("█") for line in lines[-2:])
    assert first * 3 == pytest.approx(second, abs=2)
    assert lines[-1].index("█") == lines[-2].index("█") + first


def test_a_step_that_did_not_end_reaches_to_the_end_and_one_without_times_has_no_bar() -> None:
    running = {"name": "Running", "startTime": at(50)}
    shown = Trace([block("A", "api", 0, 100), running, {"name": "Unknown", "duration": 7}]).to_text(80).split("\n")
    assert shown[-3].rstrip().endswith("▸")
    assert shown[-2].split() == ["Unknown", "7", "ms"]


def test_a_terminal_cannot_be_steered() -> None:
    evil = "\x1b]0;title\x07\x9b2J\u202e\r\n\x7f"
    data = block(evil, evil, 0, 1, status="error", errorMessage=evil, model=evil)
    shown = Trace({"runId": evil, "workflowName": evil, "status": evil, "traceSpans": [data]}).to_text()
    assert not any(letter in shown for letter in "\x1b\x07\x9b\u202e\r\x7f")


def test_wide_characters_keep_the_columns() -> None:
    lines = Trace([block("検索する", "api", 0, 1), block("e\u0301te\u0301", "api", 0, 1)]).to_text().split("\n")
    assert len({cells(line[: line.index("█")]) for line in lines[-2:]}) == 1


def test_of_many_spans_failures_the_critical_path_and_the_longest_are_kept() -> None:
    iterations = [
        span(f"Iteration {n}", "loop-iteration", n * 10, 10, block("Work", "api", n * 10, 10)) for n in range(500)
    ]
    iterations[250]["children"][0].update(status="error", output={"error": "no"})
    first, last = block("Before", "api", 0, 0), block("After", "api", 5_000, 9)
    trace = Trace([first, span("Loop", "loop", 0, 5_000, *iterations), last])
    shown = trace.to_text(limit=12)
    assert "✗     Work" in shown
    assert "Iteration 250" in shown
    rows = lay_out(trace, 12)
    assert sum(row.span is not None for row in rows) <= 12
    assert sum(row.left_out for row in rows) + sum(row.span is not None for row in rows) == len(trace)
    assert len(re.findall(r" more$", shown, re.MULTILINE)) == sum(row.span is None for row in rows)


def test_a_run_without_spans_says_so() -> None:
    assert Trace({"runId": "r", "status": "running"}).to_text() == "run r\nrunning · 0 spans\nno spans"
