"""Recorded terminal sessions: main commands at 80 and 120 columns, in UTF-8 and ASCII, with and without colour.

To record a session again, remove its file in ``golden/`` and run this test twice.
"""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from simstudio.batch.progress import Progress
from simstudio.cli.app import application
from simstudio.cli.batch_display import fit_line
from simstudio.cli.tables import show_lines
from simstudio.cli.workflow_plans import plan_lines
from simstudio.sandbox import Sandbox
from simstudio.workflow_files.document import Document
from simstudio.workflow_files.plan import Present, Source, Workspace, make_plan

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 20, 8, 3, tzinfo=timezone.utc)
WORKFLOW, OTHER = "6e2d1f0a-93c1-4a3e-a85b-a13e8df82b03", "c0ffee00-93c1-4a3e-a85b-a13e8df82b03"


def run(number: int, status: str, started: str, **more: Any) -> dict[str, Any]:
    return {
        "runId": f"{number:08x}-0000-4000-8000-000000000000", "workflowId": WORKFLOW, "deploymentVersionId": None,
        "status": status, "level": "error" if status == "failed" else "info", "trigger": "api", "startedAt": started,
        "endedAt": None, "durationMs": 1230, "totalDurationMs": 1230, "cost": {"total": 0.0123}, "files": None,
        "kind": "workflow", "hasHandledErrors": False, **more,
    }  # fmt: skip


RUNS = [
    run(4, "running", "2026-11-20T08:02:30.000Z", durationMs=None, totalDurationMs=None, cost=None),
    run(3, "paused", "2026-11-20T08:00:00.000Z"),
    run(2, "failed", "2026-11-20T05:00:00.000Z", durationMs=185_000, totalDurationMs=185_000),
    run(1, "completed", "2026-11-03T09:15:00.000Z"),
]
"""Runs of v2, which are logs as well."""
WORKFLOWS = [
    {
        "id": each, "name": name, "description": None, "folderPath": "/", "workspaceId": "ws", "isDeployed": deployed,
        "deployedAt": "2026-11-01T10:00:00.000Z" if deployed else None, "runCount": 1204, "webUrl": None,
        "lastRunAt": "2026-11-20T08:02:00.000Z", "createdAt": "2026-11-01T10:00:00.000Z",
        "updatedAt": "2026-11-01T10:00:00.000Z",
    }
    for each, name, deployed in ((WORKFLOW, "Greet – everybody", True), (OTHER, "Ask for approval of each text", False))
]  # fmt: skip
LOG = {
    **run(2, "failed", "2026-11-20T05:00:00.000Z"), "executedByEmail": "ada@example.com", "workflowState": None,
    "workflowInput": {"name": "Ada"},
    "finalOutput": None, "createdAt": "2026-11-20T05:00:00.000Z",
    "workflow": {"id": WORKFLOW, "name": "Greet", "description": None, "folderPath": "/", "ownerEmail": None,
                 "workspaceId": "ws", "createdAt": None, "updatedAt": None, "deleted": False},
    "traceSpans": [
        {"id": "s1", "name": "Workflow Execution", "type": "workflow", "status": "error",
         "startTime": "2026-11-20T05:00:00.000Z", "endTime": "2026-11-20T05:00:01.230Z", "durationMs": 1230,
         "children": [
             {"id": "s2", "name": "Think", "type": "agent", "status": "success", "durationMs": 800,
              "startTime": "2026-11-20T05:00:00.000Z", "endTime": "2026-11-20T05:00:00.800Z"},
             {"id": "s3", "name": "Fetch", "type": "api", "status": "error", "durationMs": 430,
              "startTime": "2026-11-20T05:00:00.800Z", "endTime": "2026-11-20T05:00:01.230Z",
              "errorMessage": "gone away"},
         ]},
    ],
}  # fmt: skip
COMMANDS = (
    ("run", "hello", "--input", "name=Ada"),
    ("run", "fail"),
    ("workflows", "list"),
    ("workflows", "describe", "hello"),
    ("runs", "list", WORKFLOW),
    ("runs", "list", WORKFLOW, "--wide"),
    ("logs", "list"),
    ("runs", "show", RUNS[2]["runId"]),
    ("usage",),
)
AGENT = {"id": "b1", "name": "Agent 1", "type": "agent", "subBlocks": {}}


def greet(prompt: str, model: str, *blocks: dict[str, Any]) -> Document:
    settings = {"prompt": {"type": "long-input", "value": prompt}, "model": {"type": "combobox", "value": model}}
    return {"name": "greet", "description": None, "folder": "/", "edges": [], "variables": [],
            "blocks": [{**AGENT, "subBlocks": settings}, *blocks]}  # fmt: skip


THERE = greet(
    "Greet – the person.\nBe brief.", "gpt-4o", {"id": "b2", "name": "Old", "type": "function", "subBlocks": {}}
)
PLAN = make_plan(
    [
        Source(greet("Greet – the person.\nBe kind.", "gpt-4o-mini"), "workflows/greet.json", "w1", "w1", "?"),
        Source({**greet("Hi", "gpt-4o"), "name": "welcome", "folder": "/Sales"}, "workflows/Sales/welcome.json"),
    ],
    Workspace("production", (Present("w1", THERE), Present("w2", {**THERE, "name": "obsolete"}))),
    same=True,
    prune=True,
)
PROGRESS = Progress(total=400, done=120, failed=7, running=8, limit=16, elapsed=61.0)


@pytest.fixture
def sim(sandbox: Sandbox, server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that lists the workflows, runs and logs of this module, at a fixed time."""
    monkeypatch.setenv("SIM_WORKSPACE_ID", "ws")
    monkeypatch.setenv("SIM_API_VERSION", "v2")
    monkeypatch.setattr("simstudio.cli.readable.now", lambda: NOW)
    for path, body in (
        ("/api/v2/workflows", {"data": WORKFLOWS, "nextCursor": None}),
        (f"/api/v2/workflows/{WORKFLOW}/runs", {"data": RUNS, "nextCursor": None}),
        ("/api/v2/logs", {"data": RUNS, "nextCursor": None}),
        (f"/api/v2/logs/{RUNS[2]['runId']}", {"data": LOG}),
    ):
        sandbox.faults.add(status=200, body=body, path=path, times=None)
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


class Screen(io.TextIOWrapper):
    """A terminal that keeps what it is sent."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", newline="\n")

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        self.flush()
        buffer: Any = self.buffer
        return str(buffer.getvalue().decode(self.encoding))


def steady(text: str) -> str:
    """The text without what differs from one recording to the next, and without spaces at the ends of lines."""
    text = re.sub(r"runs show [0-9a-f-]{36} --", f"runs show {RUNS[2]['runId']} --", text)
    text = re.sub(r"(period\S*  ).*", r"\1…", text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.mark.usefixtures("sim")
@pytest.mark.parametrize(
    ("width", "encoding", "term"),
    [
        (80, "utf-8", "dumb"),
        (80, "ascii", "dumb"),
        (120, "utf-8", "dumb"),
        (120, "ascii", "dumb"),
        (80, "utf-8", "xterm-256color"),
    ],
)
def test_a_session(monkeypatch: pytest.MonkeyPatch, width: int, encoding: str, term: str) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("simstudio.cli.progress.is_terminal", lambda stream: False)  # no spinner
    screen = Screen(encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    for words in COMMANDS:
        screen.write(f"$ simstudio {' '.join(words)}\n")
        screen.flush()
        with pytest.raises(SystemExit):
            application.main(list(words), prog_name="simstudio")
    name, bar, text = fit_line("greet", PROGRESS, width)
    screen.write(f"$ simstudio batch run greet\n{name} {'#' * bar} {text}\n$ simstudio workflows push --prune\n")
    show_lines(plan_lines(PLAN, {"w3": "other"}))

    shown = steady(screen.text())

    golden = GOLDEN / f"session-{width}-{encoding}{'' if term == 'dumb' else '-colour'}.txt"
    if not golden.exists():
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown, encoding="utf-8")
        pytest.fail(f"{golden.name} was recorded")
    assert shown == golden.read_text(encoding="utf-8")


@pytest.mark.usefixtures("sim")
@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_without_colour_gets_none(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    screen = Screen("utf-8")
    monkeypatch.setattr(sys, "stdout", screen)

    with pytest.raises(SystemExit):
        application.main(["runs", "list", WORKFLOW], prog_name="simstudio")

    assert "failed" in screen.text()
    assert re.findall(r"\x1b\[[0-9;]*3[0-9]m", screen.text()) == []
