"""Every command on a terminal, and servers whose answers hold odd values: all is shown, nothing steers the terminal."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click.testing
import httpx
import pytest

from simstudio import SimStudioClient
from simstudio.cli.app import application
from simstudio.cli.connection import Connection
from simstudio.cli.output import warnings_said
from simstudio.cli.readable import amount, dollars, duration, moment, number, size
from simstudio.cli.services import Service
from simstudio.cli.tables import ratio
from simstudio.core.polling import Poller, PollSchedule
from simstudio.transport.logging import configure_from_environment

EVIL = "\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x9b2J\x7f\b\u202e"
CONTROLS = set("\x1b\x07\x9b\x7f\b\u202e")

JOB = {"success": True, "taskId": "t", "status": "completed", "metadata": {"duration": 5, "startedAt": "x"},
       "output": {"success": True, "output": {"a": 1}}}  # fmt: skip
WORKFLOW = {"id": "w", "name": "n", "description": "d", "isDeployed": True, "inputs": [{"name": "a", "type": "string"}]}
SPANS = [{"name": "s", "type": "t", "status": "error", "duration": 5, "output": {"error": "e"},
          "children": [{"name": "c", "duration": 1}]}]  # fmt: skip
LOG = {"id": "l", "workflowId": "w", "executionId": "e", "runId": "r", "level": "info", "status": "completed",
       "trigger": "api", "startedAt": "2026-01-01T00:00:00Z", "endedAt": "2026-01-01T00:00:01Z", "totalDurationMs": 5,
       "cost": {"total": 0.5}, "workflow": {"name": "n"}, "executionData": {"traceSpans": SPANS},
       "traceSpans": SPANS, "finalOutput": {"a": 1}}  # fmt: skip
RUN = {"runId": "r", "workflowId": "w", "status": "completed", "trigger": "api", "startedAt": "x", "endedAt": "x",
       "durationMs": 5, "cost": {"total": 1}, "output": {"a": 1}, "error": {"message": "m"}, "files": []}  # fmt: skip
LIMIT = {"isLimited": False, "limit": 5, "remaining": 5, "resetAt": "x", "requestsPerMinute": 5, "maxBurst": 9}
USAGE = {"success": True, "rateLimit": {"sync": LIMIT, "async": LIMIT, "authType": "api"},
         "usage": {"currentPeriodCost": 1.5, "limit": 20.0, "plan": "free"},
         "storage": {"usedBytes": 5000, "limitBytes": 10**9, "percentUsed": 1}}  # fmt: skip
BILLING = {"period": {"start": "a", "end": "b"}, "plan": "pro", "status": "active", "workspaceId": "ws",
           "credits": {"used": 1.5, "limit": 10.0, "remaining": 8.5},
           "storage": {"usedBytes": 5000, "limitBytes": 10**9, "percentUsed": 1}}  # fmt: skip
STATUS = {"isDeployed": True, "deployedAt": "x", "isPublished": True, "needsRedeployment": False}
TASK = {"id": "t", "status": "completed", "created_at": 1796027922869, "manifest_path": "p"}
TASK_LOG = {
    "id": 1,
    "type": "BlockFinished",
    "node_id": "n",
    "event": {"result": {"a": 1}},
    "created_at": 1796027922869,
}
PREDICTION = {"taskId": "t", "status": "succeeded", "progress": 1, "message": "m", "result": {"a": "b"}}
RECORD = {"rid": "r", "wid": "w", "status": "FINISHED", "start_time": "1796027922869", "end_time": "x"}
RESULT = {"success": True, "output": {"a": "b"}, "metadata": {"executionId": "e"}}

COMMANDS: dict[str, tuple[list[str], Any]] = {
    "run": (["run", "w"], RESULT),
    "run --async": (["run", "w", "--async", "--no-wait"], {"success": True, "taskId": "t", "status": "queued"}),
    "a failed run": (["run", "w"], {"success": False, "output": {"a": 1}, "error": "e"}),
    "status": (["status", "w"], STATUS),
    "job get": (["job", "get", "t"], JOB),
    "usage": (["usage"], USAGE),
    "usage, v2": (["usage", "--api-version", "v2"], {"data": BILLING}),
    "workflows list": (["workflows", "list"], {"data": [WORKFLOW]}),
    "workflows get": (["workflows", "get", "w"], {"data": WORKFLOW}),
    "workflows versions": (
        ["workflows", "versions", "w", "--api-version", "v2"],
        {"data": [{"version": 1, "name": "n", "isActive": True, "createdAt": "x"}]},
    ),
    "workflows deploy": (
        ["workflows", "deploy", "w"],
        {"data": {"id": "w", "isDeployed": True, "deployedAt": "x", "version": 1, "warnings": ["w"]}},
    ),
    "logs list": (["logs", "list"], {"data": [LOG]}),
    "logs list, v2": (["logs", "list", "--api-version", "v2"], {"data": [LOG]}),
    "logs show": (["logs", "show", "l"], {"data": LOG}),
    "logs show, v2": (["logs", "show", "l", "--api-version", "v2"], {"data": LOG}),
    "logs tail": (["logs", "tail", "--once"], {"data": [LOG]}),
    "runs list": (["runs", "list", "w", "--api-version", "v2"], {"data": [RUN]}),
    "runs get": (["runs", "get", "r", "--workflow", "w", "--api-version", "v2"], {"data": RUN}),
    "runs list, paused": (
        ["runs", "list", "w", "--status", "paused"],
        {"pausedExecutions": [{"executionId": "e", "status": "paused", "pausedAt": "x", "totalPauseCount": 1}]},
    ),
    "runs cancel": (["runs", "cancel", "r", "--workflow", "w"], {"success": True, "reason": "r"}),
    "oomol get": (["oomol", "get", "t"], {"task": TASK, "logs": [TASK_LOG]}),
    "oomol list": (["oomol", "list"], {"tasks": [TASK]}),
    "oomol logs": (["oomol", "logs", "t"], {"logs": [TASK_LOG]}),
    "speedpix get": (["speedpix", "get", "t"], {"status": 10, "errMessage": "m", "data": PREDICTION}),
    "vectorvein get": (
        ["vectorvein", "get", "r"],
        {"status": 200, "msg": "m", "data": [{"type": "Text", "title": "t", "value": "v"}]},
    ),
    "vectorvein list": (["vectorvein", "list"], {"status": 200, "msg": "m", "data": {"records": [RECORD]}}),
    "api": (["api", "GET", "/api/x"], {"data": [LOG]}),
}  # fmt: skip
ODD: dict[str, Any] = {
    "control characters": EVIL,
    "a text": "many",
    "a list": [[EVIL]],
    "an object": {EVIL: EVIL},
    "null": None,
    "a boolean": True,
    "a huge number": 10**400,
    "no number": float("nan"),
}


def everywhere(answer: Any, odd: Any) -> Any:
    """An answer with an odd value in place of each value that is neither an object nor a list."""
    if isinstance(answer, dict):
        return {name: value if name == "success" else everywhere(value, odd) for name, value in answer.items()}
    return [everywhere(each, odd) for each in answer] if isinstance(answer, list) else odd


def in_turn(answer: Any, odd: Any) -> list[Any]:
    """The answers with an odd value in place of one value, be that an object or a list."""
    if isinstance(answer, dict):
        changed = [{**answer, name: odd} for name in answer]
        return changed + [{**answer, name: each} for name, value in answer.items() for each in in_turn(value, odd)]
    return [[each, *answer[1:]] for each in in_turn(answer[0], odd)] if isinstance(answer, list) and answer else []


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str], Any], Any]:
    """Run a command line on a terminal against an answer; what it shows, and how it ends."""
    monkeypatch.setattr("simstudio.cli.output.is_terminal", lambda stream: True)
    monkeypatch.setattr("simstudio.resources.jobs.Jobs.poller", Poller(PollSchedule(initial=0.001, maximum=0.001)))
    monkeypatch.setenv("SIM_WORKSPACE_ID", "ws")
    answers: list[Any] = []

    def library() -> httpx.Client:
        content = json.dumps(answers[-1], ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        return httpx.Client(
            transport=httpx.MockTransport(lambda request: httpx.Response(200, content=content, headers=headers))
        )

    def client(connection: Connection) -> SimStudioClient:
        return SimStudioClient("k", "https://sim.test", api_version=connection.api_version, http_client=library())

    def client_of(service: Service, *_: object) -> Any:
        module, _, kind = service.client_class.partition(":")
        keys = dict.fromkeys(service.keys.values(), "a-key-of-a-test")
        made = getattr(import_module(module), kind)
        return made(**{service.address[1]: "https://service.test"}, **keys, http_client=library())

    monkeypatch.setattr(Connection, "_remote", client)
    monkeypatch.setattr(Service, "connect", client_of)
    runner = click.testing.CliRunner()

    def show(words: list[str], answer: Any) -> Any:
        answers.append(answer)
        return runner.invoke(application, words)

    return show


def check(result: Any) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (0, 1), result.output
    assert not CONTROLS & set(result.output)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_what_comes(command: str, shown: Any) -> None:
    words, answer = COMMANDS[command]
    result = shown(words, answer)
    check(result)
    assert (result.exit_code == 0) is (command != "a failed run"), result.output


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("command", COMMANDS)
def test_odd_values_break_no_command_and_steer_no_terminal(command: str, odd: Any, shown: Any) -> None:
    words, answer = COMMANDS[command]
    check(shown(words, everywhere(answer, odd)))
    check(shown([*words, "--json"], everywhere(answer, odd)))


@pytest.mark.parametrize("odd", [EVIL, [], 10**400], ids=["control characters", "an empty list", "a huge number"])
@pytest.mark.parametrize("command", COMMANDS)
def test_one_odd_value_neither(command: str, odd: Any, shown: Any) -> None:
    words, answer = COMMANDS[command]
    for each in in_turn(answer, odd):
        check(shown(words, each))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_log_line_steers_no_terminal_and_is_whole_on_a_pipe(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = logging.getLogger("simstudio")
    monkeypatch.setattr("simstudio.transport.log_handler.is_terminal", lambda stream: terminal)
    monkeypatch.setattr(package, "propagate", False)
    monkeypatch.setattr(package, "handlers", [])
    monkeypatch.setenv("SIM_LOG", "debug")
    before = package.level
    try:
        configure_from_environment("SIM_LOG")
        logging.getLogger("simstudio.transport").debug("answered %s", EVIL)
    finally:
        package.setLevel(before)
    logged = capsys.readouterr().err
    assert "answered" in logged
    assert (EVIL in logged) is not terminal
    assert not terminal or not CONTROLS & set(logged)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_warning_steers_no_terminal(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("simstudio.cli.output.is_terminal", lambda stream: terminal)
    with warnings_said():
        warnings.showwarning(UserWarning(f"cut {EVIL}"), UserWarning, "file.py", 1)
    said = capsys.readouterr().err
    assert said.startswith("simstudio: warning: cut ")
    assert (EVIL in said) is not terminal


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_values_are_shown_as_they_came(odd: Any) -> None:
    assert number(odd) in (odd, "nan") or odd != odd
    assert size(odd) is odd or odd != odd
    assert duration(odd) is None
    assert all(read(odd) is odd for read in (amount, dollars, moment))
    assert ratio(odd, None) is None
