"""``status``, ``job`` and ``usage``: JSON for programs, tables for people."""

from __future__ import annotations

import json

import pytest

from simstudio.sandbox import Sandbox, SandboxServer


@pytest.fixture
def job_of(cli):
    def submit(workflow: str) -> str:
        return cli("run", workflow, "--async", "--no-wait").stdout.strip()

    return submit


class TestOnAPipe:
    def test_status_is_a_json_line(self, cli, server: SandboxServer) -> None:
        assert json.loads(cli("status", "hello").stdout)["isDeployed"] is True

    def test_usage_is_a_json_line(self, cli, server: SandboxServer) -> None:
        result = cli("usage").stdout

        assert result.count("\n") == 1
        assert json.loads(result)["usage"]["plan"] == "free"

    def test_usage_of_v2_is_a_json_line(self, cli, server: SandboxServer) -> None:
        found = json.loads(cli("usage", "--api-version", "v2").stdout)

        assert (found["plan"], found["status"], found["workspaceId"]) == ("free", "active", None)

    def test_usage_of_v2_may_be_that_of_a_workspace(self, cli, sandbox: Sandbox, server: SandboxServer) -> None:
        found = json.loads(cli("usage", "--api-version", "v2", "--workspace", sandbox.workspace_id).stdout)

        assert found["workspaceId"] == sandbox.workspace_id

    def test_a_job_is_a_json_line_that_names_its_task(self, cli, server: SandboxServer, job_of) -> None:
        task_id = job_of("hello")

        state = json.loads(cli("job", "wait", task_id).stdout)

        assert (state["taskId"], state["status"]) == (task_id, "completed")
        assert state["output"]["output"] == {"message": "Hello, world!"}


@pytest.mark.usefixtures("terminal")
class TestOnATerminal:
    def test_status_is_a_table(self, cli, server: SandboxServer) -> None:
        rows = dict(line.split() for line in cli("status", "hello").stdout.splitlines()[:2])

        assert rows == {"workflow": "hello", "deployed": "yes"}

    def test_usage_shows_costs_and_limits(self, cli, sandbox: Sandbox, server: SandboxServer) -> None:
        sandbox.usage_cost = 1.5
        sandbox.usage_limit = 20

        shown = cli("usage").stdout

        assert "$1.50 of $20.00" in shown
        assert "0 B of 5.0 GiB" in shown
        assert "run --async" in shown

    def test_usage_of_an_older_server_has_dashes_for_what_it_does_not_say(self, cli, monkeypatch) -> None:
        with Sandbox(generation="v0.4").serve() as server:
            monkeypatch.setenv("SIM_API_KEY", server.sandbox.api_key)
            shown = cli("usage", "--base-url", server.base_url).stdout

        assert "storage" not in shown
        assert "–" in shown

    def test_usage_of_v2_shows_period_and_credits(self, cli, sandbox: Sandbox, server: SandboxServer) -> None:
        shown = cli("usage", "--api-version", "v2").stdout

        assert "period" in shown
        assert " of " in shown
        assert "active" in shown

    def test_a_job_shows_its_state_and_output(self, cli, server: SandboxServer, job_of) -> None:
        shown = cli("job", "wait", job_of("hello")).stdout

        assert "completed" in shown
        assert '"message": "Hello, world!"' in shown

    def test_markup_in_a_value_is_text(self, cli, sandbox: Sandbox, server: SandboxServer, job_of) -> None:
        sandbox.workflow("markup")(lambda _: {"text": "[red]x[/red] :smile:"})

        assert "[red]x[/red] :smile:" in cli("job", "wait", job_of("markup")).stdout

    def test_with_json_it_is_json_all_the_same(self, cli, server: SandboxServer) -> None:
        assert json.loads(cli("status", "hello", "--json").stdout)["isDeployed"] is True


class TestJobs:
    def test_the_state_of_a_failed_one_is_an_answer(self, cli, server: SandboxServer, job_of) -> None:
        task_id = job_of("fail")
        cli("job", "wait", task_id)

        result = cli("job", "get", task_id)

        assert (result.exit_code, json.loads(result.stdout)["status"]) == (0, "failed")

    def test_waiting_for_one_that_fails_is_a_failure(self, cli, server: SandboxServer, job_of) -> None:
        task_id = job_of("fail")

        result = cli("job", "wait", task_id)

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"simstudio: error: The run {task_id} failed: ")

    def test_a_wait_that_was_too_short_names_the_task(self, cli, server: SandboxServer, job_of, gate) -> None:
        task_id = job_of("gated")

        result = cli("job", "wait", task_id, "--timeout", "0.01", "--json")

        error = json.loads(result.stdout)["error"]
        assert (result.exit_code, error["type"], error["taskId"]) == (4, "JobTimeoutError", task_id)

    def test_an_unknown_one_is_a_failure(self, cli, server: SandboxServer) -> None:
        assert cli("job", "get", "run_nope").exit_code == 1

    def test_its_workflow_is_where_to_look_when_the_server_does_not_know_the_job(self, cli, server) -> None:
        cli("job", "get", "run_nope", "--workflow", "hello")

        assert server.requests[-1].path == "/api/workflows/hello/executions/run_nope"
