"""``simstudio logs``: in both versions of the API."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import Any

import pytest

from simstudio.cli.tail import Tail
from simstudio.sandbox import Sandbox, SandboxServer
from tests.recorded import recording


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(autouse=True)
def workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_WORKSPACE_ID", "ws-1")


def entry(name: str, second: int, *, ended: bool = True, **more: Any) -> dict[str, Any]:
    """A log that both versions could list."""
    moment = f"2026-11-20T08:00:{second:02}.000Z"
    common = {
        "workflowId": "hello", "deploymentVersionId": None, "level": "info", "trigger": "api", "startedAt": moment,
        "endedAt": moment if ended else None, "totalDurationMs": 1500 if ended else None, "cost": {"total": 0.005},
        "files": None,
    }  # fmt: skip
    v1 = {"id": f"log-{name}", "executionId": name}
    v2 = {"runId": name, "kind": "workflow", "status": "completed" if ended else "running", "hasHandledErrors": False}
    return {**common, **v1, **v2, **more}


class Server:
    """Answers what is asked for logs: each time the next list, as the version in question would."""

    def __init__(self, sandbox: Sandbox, version: str) -> None:
        self._sandbox = sandbox
        self.version = version

    def _as(self, log: dict[str, Any]) -> dict[str, Any]:
        only_of_the_other = {"v1": ("runId", "kind", "status", "hasHandledErrors"), "v2": ("id", "executionId")}
        return {name: value for name, value in log.items() if name not in only_of_the_other[self.version]}

    def lists(self, *logs: dict[str, Any], times: int | None = 1) -> None:
        body = {"data": [self._as(log) for log in reversed(logs)], "nextCursor": None}
        self._sandbox.faults.add(status=200, body=body, path=f"/api/{self.version}/logs", times=times)


@pytest.fixture
def listed(sandbox: Sandbox, server: SandboxServer, version: str) -> Server:
    return Server(sandbox, version)


def names(text: str) -> list[str]:
    return [each.get("executionId") or each.get("runId") for each in lines(text)]


class TestList:
    def test_it_is_a_json_line_each_on_a_pipe(self, cli, listed: Server) -> None:
        listed.lists(entry("a", 1), entry("b", 2))

        result = cli("logs", "list")

        assert (result.exit_code, result.stderr, names(result.stdout)) == (0, "", ["b", "a"])

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, listed: Server, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "250")
        listed.lists(entry("a", 1))

        shown = cli("logs", "list").stdout

        assert "1.5 s" in shown
        assert "hello" in shown
        assert "{" not in shown

    def test_its_filters_are_the_server_s(self, cli, server, listed: Server) -> None:
        listed.lists()

        cli(
            "logs",
            "list",
            "--workflow",
            "w1",
            "--workflow",
            "w2",
            "--level",
            "error",
            "--trigger",
            "api",
            "--limit",
            "5",
        )

        query = server.requests[-1].query.split("&")
        assert {"workspaceId=ws-1", "workflowIds=w1%2Cw2", "level=error", "triggers=api", "limit=6"} == set(query)

    def test_a_limit_ends_it_with_a_note(self, cli, listed: Server) -> None:
        listed.lists(entry("a", 1), entry("b", 2))

        result = cli("logs", "list", "--limit", "1")

        assert names(result.stdout) == ["b"]
        assert "there are more than 1" in result.stderr


class TestShow:
    def test_v1_s_are_found_by_the_log_s_id(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=200, body=json.loads(recording("sim-v0.6.43", 187).body), path="*/logs/log-1")

        (found,) = lines(cli("logs", "show", "log-1").stdout)

        assert found["executionData"]["traceSpans"]

    def test_or_by_the_execution_s(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=404, body={"error": "Log not found"}, path="*/logs/e-1")
        sandbox.faults.add(
            status=200, body=json.loads(recording("sim-v0.6.43", 190).body), path="*/logs/executions/e-1"
        )

        (found,) = lines(cli("logs", "show", "e-1").stdout)

        assert found["executionMetadata"]["trigger"] == "api"

    def test_v1_s_that_are_neither_are_1(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=404, body={"error": "Log not found"}, path="*/logs/*", times=2)

        result = cli("logs", "show", "e-1")

        assert result.exit_code == 1
        assert "GET /api/v1/logs/e-1)" in result.stderr

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_shows_the_steps(self, cli, sandbox: Sandbox, server, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        sandbox.faults.add(status=200, body=json.loads(recording("sim-v0.6.43", 187).body), path="*/logs/log-1")

        shown = cli("logs", "show", "log-1").stdout

        assert re.search(r"  Compute +function +█+ +90 ms$", shown, re.MULTILINE)

    @pytest.mark.usefixtures("terminal")
    def test_of_v2_it_shows_what_failed_where(self, cli, sandbox: Sandbox, server, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        step = {"id": "s2", "name": "fetch", "type": "api", "status": "error", "errorMessage": "gone away"}
        root = {"id": "s1", "name": "Workflow Execution", "type": "workflow", "status": "error", "durationMs": 20}
        spans = [{**root, "children": [step]}]
        log = {
            "runId": "r-1", "workflowId": "hello", "deploymentVersionId": None, "status": "failed", "level": "error",
            "trigger": "api", "startedAt": "2026-11-20T08:00:00.000Z", "endedAt": None, "totalDurationMs": 20,
            "files": None, "executedByEmail": "ada@example.com", "workflowState": None, "traceSpans": spans,
            "workflow": {"id": "hello", "name": "Hello", "description": None, "folderPath": "/", "ownerEmail": None,
                         "workspaceId": "ws-1", "createdAt": None, "updatedAt": None, "deleted": False},
            "finalOutput": None, "cost": None, "workflowInput": None, "createdAt": "2026-11-20T08:00:00.000Z",
        }  # fmt: skip
        sandbox.faults.add(status=200, body={"data": log}, path="/api/v2/logs/r-1")

        shown = cli("logs", "show", "r-1", "--api-version", "v2").stdout

        assert "Hello (hello)" in shown
        assert "✗ fetch" in shown
        assert "gone away" in shown


class TestTail:
    def test_once_it_shows_the_last_ones_in_the_order_they_began_and_ends(self, cli, listed: Server) -> None:
        listed.lists(*(entry(str(number), number) for number in range(12)))

        result = cli("logs", "tail", "--once", "--lines", "3")

        assert (result.exit_code, result.stderr, names(result.stdout)) == (0, "", ["9", "10", "11"])

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_gets_a_line_of_words_each(self, cli, listed: Server) -> None:
        listed.lists(entry("a", 1))

        words = cli("logs", "tail", "--once").stdout.split()

        assert words[0] == "2026-11-20T08:00:01.000Z"
        assert words[-3:] == ["1.5", "s", "a"]

    @pytest.fixture
    def tailing(self, server: SandboxServer, version: str):
        with server.client(api_version=version) as client:
            yield lambda **options: Tail(client, "ws-1", {}, **options)

    def look(self, tail: Tail) -> list[str]:
        return [str(log.get("executionId") or log.get("runId")) for log in tail.look()]

    def test_each_run_is_shown_once(self, listed: Server, tailing) -> None:
        tail = tailing()
        listed.lists(entry("a", 1))
        listed.lists(entry("a", 1), entry("b", 2))
        listed.lists(entry("b", 2), entry("c", 3))

        assert [self.look(tail) for _ in range(3)] == [["a"], ["b"], ["c"]]

    def test_without_earlier_ones_only_new_ones_are_shown(self, listed: Server, tailing) -> None:
        tail = tailing(lines=0)
        listed.lists(entry("a", 1), entry("b", 2))
        listed.lists(entry("b", 2), entry("c", 3))

        assert [self.look(tail) for _ in range(2)] == [[], ["c"]]

    def test_it_begins_with_nothing_where_there_is_nothing(self, listed: Server, tailing) -> None:
        tail = tailing()
        listed.lists()
        listed.lists(entry("a", 1))

        assert [self.look(tail) for _ in range(2)] == [[], ["a"]]

    def test_a_run_is_shown_when_it_ends_even_after_later_ones(self, server, listed: Server, tailing) -> None:
        tail = tailing()
        listed.lists(entry("long", 1, ended=False), entry("short", 50))
        listed.lists(entry("long", 1), entry("short", 50))

        assert [self.look(tail) for _ in range(2)] == [["short"], ["long"]]
        assert "startDate=2026-11-20T07%3A59%3A01.000Z" in server.requests[-1].query

    def test_it_looks_from_a_minute_before_the_newest_on(self, server, listed: Server, tailing) -> None:
        tail = tailing()
        listed.lists(entry("a", 1), entry("b", 59))
        listed.lists()

        for _ in range(2):
            self.look(tail)

        assert "startDate" not in server.requests[0].query
        assert "startDate=2026-11-20T07%3A59%3A59.000Z" in server.requests[1].query

    def test_a_level_is_looked_for_when_the_run_has_ended(self, server, listed: Server, tailing) -> None:
        """While it goes on it is no error yet."""
        tail = tailing(level="error")
        listed.lists(entry("a", 1, ended=False), entry("b", 2))
        listed.lists(entry("a", 1, level="error"), entry("b", 2))

        assert [self.look(tail) for _ in range(2)] == [[], ["a"]]
        assert "level" not in server.requests[0].query

    def test_a_log_without_a_time_breaks_nothing(self, listed: Server, tailing) -> None:
        if listed.version == "v2":
            listed.lists(entry("a", 1, startedAt="soon"), entry("b", 2))

            assert self.look(tailing()) == ["a", "b"]

    def test_a_look_that_fails_is_warned_of_and_repeated(self, cli, sandbox, listed: Server, monkeypatch) -> None:
        looks = iter([None, None, KeyboardInterrupt()])

        def sleep(seconds: float) -> None:
            if seconds == 7 and (end := next(looks)) is not None:
                raise end

        monkeypatch.setattr("time.sleep", sleep)
        listed.lists(entry("a", 1))
        sandbox.faults.add(status=500, path="*/logs", times=3)  # the client tries it thrice
        listed.lists(entry("a", 1), entry("b", 2))

        result = cli("logs", "tail", "--interval", "7")

        assert names(result.stdout) == ["a", "b"]
        assert result.stderr == "simstudio: warning: Fault 500; trying again in 7 s\nsimstudio: Interrupted.\n"
        assert result.exit_code == 130

    def test_looks_that_go_on_failing_end_it(self, cli, sandbox, listed: Server, monkeypatch) -> None:
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        listed.lists(entry("a", 1))
        sandbox.faults.add(status=500, path="*/logs", times=None)

        result = cli("logs", "tail")

        assert (result.exit_code, result.stderr.count("trying again")) == (1, 4)

    def test_a_first_look_that_fails_ends_it(self, cli, sandbox, listed: Server) -> None:
        sandbox.faults.add(status=400, path="*/logs")

        assert cli("logs", "tail").exit_code == 1

    @pytest.mark.parametrize("words", [["--interval", "0"], ["--lines", "-1"], ["--lines", "101"]])
    def test_what_cannot_be_understood_is_2(self, cli, server, words: list[str]) -> None:
        assert cli("logs", "tail", *words).exit_code == 2
        assert server.requests == []


def test_a_paused_run_is_shown_and_again_when_it_ends(sandbox: Sandbox, server: SandboxServer) -> None:
    listed = Server(sandbox, "v2")
    listed.lists(entry("a", 1, status="paused"))
    listed.lists(entry("a", 1, status="paused"))
    listed.lists(entry("a", 1))
    with server.client(api_version="v2") as client:
        tail = Tail(client, "ws-1", {})

        assert [[log["status"] for log in tail.look()] for _ in range(3)] == [["paused"], [], ["completed"]]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_a_tail_after_what_it_showed(started, listed: Server) -> None:
    listed.lists(entry("a", 1), times=None)
    process = started("logs", "tail", "--interval", "60")
    assert b'"a"' in process.stdout.readline()

    process.send_signal(signal.SIGINT)

    assert process.communicate() == (b"", b"simstudio: Interrupted.\n")
    assert process.returncode == 130


class TestOfTheSandbox:
    @pytest.fixture(autouse=True)
    def own_workspace(self, workspace: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIM_WORKSPACE_ID", sandbox.workspace_id)

    def test_what_ran_is_listed_and_can_be_shown(self, cli, server: SandboxServer, version: str) -> None:
        cli("run", "hello")
        cli("run", "fail")

        failed, succeeded = lines(cli("logs", "list").stdout)

        assert [each["level"] for each in (failed, succeeded)] == ["error", "info"]
        (shown,) = lines(cli("logs", "show", succeeded["id" if version == "v1" else "runId"]).stdout)
        assert shown["workflowId"] == "hello"

    def test_v1_s_are_shown_by_their_execution_too(self, cli, server: SandboxServer) -> None:
        cli("run", "hello")
        (log,) = lines(cli("logs", "list").stdout)

        assert lines(cli("logs", "show", log["executionId"]).stdout)[0]["executionId"] == log["executionId"]

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
    def test_what_runs_while_it_looks_leaves_when_it_ended(self, cli, started, server, version: str) -> None:
        cli("run", "hello")
        process = started("logs", "tail", "--interval", "0.05")
        first = json.loads(process.stdout.readline())

        cli("run", "fail")
        second = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate()

        assert (first["workflowId"], second["workflowId"], second["level"]) == ("hello", "fail", "error")
        assert (rest, said, process.returncode) == (b"", b"simstudio: Interrupted.\n", 130)


def test_without_a_workspace_it_is_2(cli, server, monkeypatch, version: str) -> None:
    monkeypatch.delenv("SIM_WORKSPACE_ID")

    for words in (["list"], ["tail"]):
        assert cli("logs", *words).exit_code == 2
    assert server.requests == []


def test_help_is_what_the_group_alone_prints(cli) -> None:
    assert "tail" in cli("logs").stdout
