"""``runs show``, ``logs show``, and how a failed run leads to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox import Context, Sandbox
from tests.traces.runs import LOG

GROUPS = pytest.mark.parametrize("group", ["runs", "logs"])


@pytest.fixture
def report(sandbox: Sandbox, server) -> None:
    """A workflow that fails in its second step."""

    @sandbox.workflow("report")
    def report(input: Any, context: Context) -> None:
        with context.step("Draft", "agent", model="gpt-4o", input_tokens=900, output_tokens=100, cost=0.25):
            pass
        with context.step("Send", "api"):
            raise ValueError("the CRM said 503")


@pytest.mark.usefixtures("report")
def test_on_v1_a_failure_leads_to_its_log(cli, sandbox: Sandbox, monkeypatch) -> None:
    monkeypatch.setenv("SIM_WORKSPACE_ID", sandbox.workspace_id)
    said = cli("run", "report").stderr
    command = said.rstrip().partition("See what it did with: simstudio ")[2]
    assert command == "logs list --workflow report --level error"
    (log,) = map(json.loads, cli(*command.split()).stdout.splitlines())
    for group in ("runs", "logs"):
        for name in ("id", "executionId"):
            found = json.loads(cli(group, "show", log[name]).stdout)
            assert found["executionData"]["traceSpans"][0]["children"][2]["output"] == {"error": "the CRM said 503"}


@pytest.mark.usefixtures("report", "terminal")
def test_on_v2_it_leads_to_its_run(cli, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = cli("run", "report", "--api-version", "v2").stderr
    command = said.rstrip().partition("See what it did with: simstudio ")[2]
    assert command.startswith("runs show ")
    assert command.endswith(" --api-version v2")
    shown = cli(*command.split()).stdout
    assert "status    failed" in shown
    draft, send, error = shown.splitlines()[-3:]
    assert draft.split()[:3] == ["Draft", "agent", "gpt-4o"]
    assert draft.split()[-2:] == ["1,000", "0.25"]
    assert send.startswith("✗ Send")
    assert error == "    the CRM said 503"
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown


def test_a_sandbox_that_ends_with_the_command_is_not_advised(cli) -> None:
    assert "See what" not in cli("run", "fail", "--sandbox").stderr


@GROUPS
@pytest.mark.usefixtures("report")
def test_last_is_the_newest(cli, sandbox: Sandbox, version: str, monkeypatch, group: str) -> None:
    monkeypatch.setenv("SIM_WORKSPACE_ID", sandbox.workspace_id)
    cli("run", "report")
    cli("run", "hello")
    newest = json.loads(cli(group, "show", "last").stdout)
    assert newest["workflow"]["name"] == "hello"
    assert json.loads(cli(group, "show", "last", "--workflow", "report").stdout)["level"] == "error"


def test_last_of_none_is_1(cli, sandbox: Sandbox, server, version: str) -> None:
    result = cli("runs", "show", "last", "--workspace", sandbox.workspace_id)
    assert (result.exit_code, result.stderr) == (1, "simstudio: error: The workspace has no runs yet.\n")


def test_it_needs_its_workspace(cli, server) -> None:
    assert "No workspace. Give --workspace ID" in cli("runs", "show", "last").stderr


def test_an_unknown_run_is_1(cli, server, version: str) -> None:
    result = cli("runs", "show", "nope")
    assert result.exit_code == 1
    assert "HTTP 404" in result.stderr


@pytest.mark.usefixtures("terminal")
def test_the_picture_is_that_of_the_trace(cli, sandbox: Sandbox, server, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    sandbox.faults.add(status=200, body={"data": LOG}, path="/api/v2/logs/r-1")
    shown = cli("runs", "show", "r-1", "--api-version", "v2").stdout
    golden = Path(__file__).parents[1] / "traces" / "golden" / "report-80-utf8.txt"
    picture = golden.read_text(encoding="utf-8").splitlines()[2:]
    assert [line.rstrip() for line in shown.splitlines()[-len(picture) :]] == picture


@pytest.mark.usefixtures("terminal")
def test_colours_are_for_terminals_that_have_them(cli, sandbox: Sandbox, server, monkeypatch) -> None:
    for count in range(2):
        sandbox.faults.add(status=200, body={"data": LOG}, path=f"/api/v2/logs/r-{count}")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31m✗ " in cli("runs", "show", "r-0", "--api-version", "v2").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in cli("runs", "show", "r-1", "--api-version", "v2").stdout


@pytest.mark.usefixtures("terminal")
def test_of_many_spans_it_shows_some_and_all_when_asked(cli, sandbox: Sandbox, server) -> None:
    spans = [{"name": f"B{n}", "type": "api"} for n in range(300)]
    for count in range(2):
        sandbox.faults.add(status=200, body={"data": {**LOG, "traceSpans": spans}}, path=f"/api/v2/logs/r-{count}")
    assert "… 200 more" in cli("runs", "show", "r-0", "--api-version", "v2").stdout
    assert " more" not in cli("runs", "show", "r-1", "--api-version", "v2", "--all").stdout


@pytest.mark.parametrize("content", [False, True])
def test_it_writes_a_page(cli, sandbox: Sandbox, server, tmp_path: Path, content: bool) -> None:
    sandbox.faults.add(status=200, body={"data": LOG}, path="/api/v2/logs/r-1")
    page = tmp_path / "run.html"
    options = ["--html", str(page), *(["--content"] if content else [])]
    result = cli("runs", "show", "r-1", "--api-version", "v2", *options)
    assert result.stderr == f"simstudio: wrote {page}\n"
    written = page.read_text(encoding="utf-8")
    assert ("Tides are …" in written) is content


def test_a_page_that_cannot_be_written_says_where(cli, sandbox: Sandbox, server, tmp_path: Path) -> None:
    sandbox.faults.add(status=200, body={"data": LOG}, path="/api/v2/logs/r-1")
    page = tmp_path / "none" / "run.html"
    result = cli("runs", "show", "r-1", "--api-version", "v2", "--html", str(page))
    assert (result.exit_code, result.stderr) == (
        1,
        f"simstudio: error: The page cannot be written to {page}: No such file or directory.\n",
    )


def test_content_goes_with_a_page(cli) -> None:
    assert "--content goes with --html" in cli("runs", "show", "r-1", "--content").stderr
