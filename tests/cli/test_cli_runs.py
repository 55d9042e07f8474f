"""``simstudio runs``: in both versions of the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simstudio.sandbox import Sandbox, SandboxServer


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


class TestList:
    def test_it_is_a_json_line_each_the_newest_first(self, cli, server, v2, begun) -> None:
        ids = [begun("hello"), begun("hello")]

        assert [each["runId"] for each in lines(cli("runs", "list", "hello").stdout)] == ids[::-1]
        assert [each["runId"] for each in lines(cli("runs", "list", "hello", "--oldest-first").stdout)] == ids

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, server, v2, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        cli("run", "hello")

        assert "completed" in cli("runs", "list", "hello").stdout

    def test_its_filters_are_the_server_s(self, cli, server: SandboxServer, v2) -> None:
        moment = "2026-11-20T08:00:00Z"

        result = cli("runs", "list", "hello", "--status", "failed", "--trigger", "api", "--since", moment)

        assert (result.exit_code, result.stdout) == (0, "")
        assert "status=failed" in server.requests[-1].query
        assert "trigger=api" in server.requests[-1].query
        assert "startDate=2026-11-20T08%3A00%3A00.000Z" in server.requests[-1].query

    @pytest.mark.parametrize(
        ("given", "sent"),
        [("2026-11-20", "2026-11-20T00%3A00%3A00.000Z"), ("2026-11-20T10:00+02:00", "2026-11-20T08%3A00%3A00.000Z")],
    )
    @pytest.mark.parametrize("command", [("runs", "list", "hello"), ("logs", "list", "--workspace", "ws")])
    def test_a_time_is_sent_in_utc(self, cli, server: SandboxServer, v2, command, given: str, sent: str) -> None:
        cli(*command, "--since", given, "--until", given)

        assert f"startDate={sent}" in server.requests[-1].query
        assert f"endDate={sent}" in server.requests[-1].query

    @pytest.mark.parametrize("command", [("runs", "list", "hello"), ("logs", "list")])
    def test_what_is_no_time_is_not_sent(self, cli, server: SandboxServer, command) -> None:
        result = cli(*command, "--since", "yesterday")

        assert result.exit_code == 2
        assert "'yesterday' is no time in ISO 8601, such as 2026-11-20T08:00:00Z" in result.stderr
        assert not server.requests

    def test_v1_lists_those_that_wait_for_a_human(self, cli, paused: str) -> None:
        (found,) = lines(cli("runs", "list", "asks", "--status", "paused").stdout)

        assert (found["executionId"], found["status"]) == (paused, "paused")

    def test_so_does_v2(self, cli, paused: str, v2) -> None:
        (found,) = lines(cli("runs", "list", "asks", "--status", "paused").stdout)

        assert (found["runId"], found["status"]) == (paused, "paused")


class TestGetAndWait:
    def test_a_run_is_a_json_line_with_its_output(self, cli, server, version: str, begun) -> None:
        run = begun("hello")
        cli("runs", "wait", run, "--workflow", "hello")

        (found,) = lines(cli("runs", "get", run, "--workflow", "hello").stdout)

        output = found["output"]["output"] if version == "v1" else found["output"]
        assert (found["status"], output) == ("completed", {"message": "Hello, world!"})

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, server, version: str, begun) -> None:
        run = begun("hello")
        cli("runs", "wait", run, "--workflow", "hello")

        shown = cli("runs", "get", run, "--workflow", "hello").stdout

        assert "completed" in shown
        assert '"message": "Hello, world!"' in shown

    @pytest.mark.generation("v0.6")  # whose jobs, which have texts whole, are not found by the id of a run
    @pytest.mark.filterwarnings("always")
    def test_texts_that_the_server_cut_are_named(self, cli, sandbox: Sandbox, server, v2, begun) -> None:
        sandbox.workflow("long")(lambda _: {"text": "x" * 15_000 + "... [truncated 5 chars]"})
        run = begun("long")

        waited = cli("runs", "wait", run, "--workflow", "long")

        assert "warning: The output of a run holds texts that Sim cut" in waited.stderr
        got = cli("runs", "get", run, "--workflow", "long")
        assert [lines(each.stdout)[0]["truncated"] for each in (waited, got)] == [["text"], ["text"]]

    @pytest.mark.usefixtures("terminal")
    def test_one_that_is_not_done_has_no_output_yet(self, cli, server, version: str, begun, gate) -> None:
        run = begun("gated")

        result = cli("runs", "get", run, "--workflow", "gated")

        assert (result.exit_code, result.stderr) == (0, "")
        assert run in result.stdout

    def test_in_v1_its_id_is_enough(self, cli, server, begun) -> None:
        assert cli("runs", "wait", begun("hello")).exit_code == 0

    def test_the_state_of_a_failed_one_is_an_answer(self, cli, server, version: str, begun) -> None:
        run = begun("fail")
        assert cli("runs", "wait", run, "--workflow", "fail").exit_code == 1

        result = cli("runs", "get", run, "--workflow", "fail")

        assert (result.exit_code, lines(result.stdout)[0]["status"]) == (0, "failed")

    def test_a_wait_that_was_too_short_says_how_to_wait_again(self, cli, server, version: str, begun, gate) -> None:
        run = begun("gated")

        result = cli("runs", "wait", run, "--workflow", "gated", "--timeout", "0.01")

        again = f"simstudio runs wait {run}" + (" --workflow gated --api-version v2" if version == "v2" else "")
        assert result.exit_code == 4
        assert result.stderr.endswith(f"It goes on; wait again with: {again}\n")

    def test_an_unknown_one_is_1(self, cli, server, version: str) -> None:
        assert cli("runs", "get", "run_nope", "--workflow", "hello").exit_code == 1


class TestCancel:
    def test_it_stops_a_run(self, cli, server, version: str, begun, gate) -> None:
        run = begun("gated")
        assert gate.begun.wait(30)

        result = cli("runs", "cancel", run, "--workflow", "gated")

        assert (result.exit_code, lines(result.stdout)[0]["success"]) == (0, True)
        assert cli("runs", "wait", run, "--workflow", "gated").exit_code == 1

    @pytest.mark.usefixtures("terminal")
    def test_on_a_terminal_it_says_so(self, cli, server, version: str, begun, gate) -> None:
        run = begun("gated")

        assert "cancelled" in cli("runs", "cancel", run, "--workflow", "gated").stdout

    def test_in_v1_the_id_of_the_job_becomes_that_of_its_execution(self, cli, server, begun, gate) -> None:
        """v1 answers success when an unknown execution is cancelled (087-cancel-unknown-execution.yaml)."""
        cli("runs", "cancel", begun("gated"))

        path = server.requests[-1].path
        assert path.startswith("/api/workflows/gated/executions/")
        assert "run_" not in path

    def test_in_v1_what_is_no_job_needs_its_workflow(self, cli, server) -> None:
        result = cli("runs", "cancel", "e-1")

        assert (result.exit_code, result.stdout) == (2, "")
        assert "give its --workflow ID" in result.stderr

    def test_what_is_over_is_1_with_the_reason(self, cli, server, v2, begun) -> None:
        run = begun("hello")
        cli("runs", "wait", run, "--workflow", "hello")

        result = cli("runs", "cancel", run, "--workflow", "hello")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"simstudio: error: The run {run} was not cancelled: already_completed.\n"

    def test_a_server_that_cannot_is_1_with_the_reason(self, cli, monkeypatch) -> None:
        with Sandbox(redis=False).serve() as server:
            monkeypatch.setenv("SIM_API_KEY", server.sandbox.api_key)
            monkeypatch.setenv("SIM_BASE_URL", server.base_url)
            run = cli("run", "slow", "-i", "seconds=30", "--async", "--no-wait").stdout.strip()
            result = cli("runs", "cancel", run, "--json")

        assert (result.exit_code, lines(result.stdout)[-1]["error"]["type"]) == (1, "NotCancelled")
        assert "redis_unavailable" in result.stdout


def test_help_is_what_the_group_alone_prints(cli) -> None:
    assert "resume" in cli("runs").stdout


def test_job_is_another_name_of_runs(cli) -> None:
    assert cli("job", "cancel", "--help").stdout == cli("runs", "cancel", "--help").stdout.replace("runs", "job", 1)


class TestWaitingThroughPauses:
    def answer(self, server: SandboxServer, run: str) -> None:
        with server.client(api_version="v1") as client:
            client.workflows.resume(client.workflows.get_paused("asks", run), {"approved": True})

    def test_it_says_whom_the_run_waits_for_and_where(self, cli, server, paused: str, version: str) -> None:
        result = cli("runs", "wait", paused, "--workflow", "asks", "--until", "done", "--timeout", "0.1")

        note, error = result.stderr.splitlines()
        assert result.exit_code == 4
        assert "it waits for a human" in note
        assert f"/resume/asks/{paused}" in note
        assert f"with: simstudio runs resume {paused} --workflow asks" in note
        assert "was not done in time" in error

    def test_it_ends_when_somebody_has_answered(
        self, cli, server, paused: str, version: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("simstudio.cli.jobs.say", lambda text: self.answer(server, paused))

        (found,) = lines(cli("runs", "wait", paused, "--workflow", "asks", "--until", "done").stdout)

        assert found["status"] == "completed"

    def test_a_pause_ends_it_by_default(self, cli, server, paused: str, version: str) -> None:
        result = cli("runs", "wait", paused, "--workflow", "asks")

        assert (result.exit_code, result.stderr) == (0, "")
        assert lines(result.stdout)[0]["status"] == "paused"

    def test_with_ask_it_asks_here(self, cli, server, paused: str, version: str, monkeypatch) -> None:
        monkeypatch.setattr("simstudio.cli.runs.can_ask", lambda: True)
        words = ["runs", "wait", paused, "--workflow", "asks", "--until", "done", "--ask"]

        result = cli(*words, stdin="yes\n2\nfine\n")

        assert (result.exit_code, lines(result.stdout)[0]["status"]) == (0, "completed")
        assert "approved" in result.stderr

    @pytest.mark.parametrize("words", [["--ask"], ["--ask", "--until", "done"]])
    def test_asking_needs_a_terminal_and_a_wait_until_done(self, cli, server, words: list[str]) -> None:
        result = cli("runs", "wait", "run_1", *words)

        assert (result.exit_code, server.requests) == (2, [])
