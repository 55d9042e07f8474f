"""``-v`` and ``-vv``: requests and bodies on standard error."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from simstudio.sandbox import SandboxServer
from tests.cli.conftest import KEY

REQUEST = "DEBUG POST /api/workflows/hello/execute (attempt 1)"


@pytest.mark.parametrize("before", [("-v",), ()])
def test_requests_are_shown(cli, server: SandboxServer, before: tuple[str, ...]) -> None:
    result = cli(*before, "run", "hello", *([] if before else ["-v"]), "--input", "name=Ada")

    assert json.loads(result.stdout) == {"message": "Hello, Ada!"}
    asked, answered = result.stderr.splitlines()
    assert asked.endswith(REQUEST)
    assert f"{REQUEST} answered 200 in " in answered
    assert "Ada" not in result.stderr


@pytest.mark.parametrize("words", [["-vv", "run", "hello"], ["run", "hello", "-vv"], ["-v", "run", "hello", "-v"]])
@pytest.mark.parametrize("where", [["--sandbox"], []])
def test_twice_shows_bodies_and_never_the_key(cli, server: SandboxServer, words, where) -> None:
    result = cli(*words, *where, "--input", f"name={KEY}")

    asked, answered = result.stderr.splitlines()
    assert asked.endswith(f'{REQUEST} {{"name":"***"}}')
    assert '"success":true' in answered.replace(" ", "")
    assert KEY not in result.stderr


def test_the_traceback_of_a_sandbox_file_s_workflow_is_shown(cli, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(
        "from simstudio.sandbox import Sandbox\nsandbox = Sandbox()\n"
        "@sandbox.workflow('broken')\ndef broken(input):\n    return input['name']\n"
    )

    shown = cli("run", "broken", "--sandbox-app", str(app), "-v").stderr

    assert "in broken\n    return input['name']\n" in shown
    assert shown.count("/api/workflows/broken/execute") == 2
    assert "Traceback" not in cli("run", "broken", "--sandbox-app", str(app)).stderr


def test_it_ends_with_the_command(cli, server: SandboxServer) -> None:
    loggers = [logging.getLogger(f"simstudio{name}") for name in ("", ".transport", ".sandbox")]
    before = [(each.level, list(each.handlers)) for each in loggers]

    cli("-v", "status", "nope")

    assert [(each.level, list(each.handlers)) for each in loggers] == before
    assert cli("status", "hello").stderr == ""


def test_with_sim_log_each_request_is_shown_once(cli, server: SandboxServer, monkeypatch) -> None:
    package = logging.getLogger("simstudio")
    level = package.level
    monkeypatch.setenv("SIM_LOG", "debug")
    try:
        result = cli("-v", "status", "hello")
    finally:
        package.setLevel(level)

    assert result.stderr.count(" answered 200 ") == 1
