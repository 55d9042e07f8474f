"""``simstudio workflows``: in both versions of the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox import Sandbox, SandboxServer


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(api_key="sk-sim-test-of-workflows", workspaces=["ws-production"])


@pytest.fixture
def server(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    with sandbox.serve() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SIM_WORKSPACE_ID", sandbox.workspace_id)
        yield server


def asked(server: SandboxServer) -> list[str]:
    return [f"{request.method} {request.path}" for request in server.requests]


class TestList:
    def test_it_is_a_json_line_each_on_a_pipe(self, cli, server: SandboxServer, version: str) -> None:
        result = cli("workflows", "list")

        assert (result.exit_code, result.stderr) == (0, "")
        assert {each["name"] for each in lines(result.stdout)} == {"hello", "count", "slow", "fail"}
        assert asked(server) == [f"GET /api/{version}/workflows"]

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, server, version: str, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")

        shown = cli("workflows", "list").stdout

        assert shown.split()[:3] == ["id", "name", "deployed"]
        assert "hello" in shown
        assert "{" not in shown

    def test_all_pages_are_read(self, cli, sandbox: Sandbox, server, version: str) -> None:
        for number in range(120):
            sandbox.workflow(f"many-{number}")(lambda _: None)

        assert len(lines(cli("workflows", "list").stdout)) == 124

    def test_a_limit_ends_it_with_a_note(self, cli, server, version: str) -> None:
        result = cli("workflows", "list", "--limit", "2")

        assert len(lines(result.stdout)) == 2
        assert result.stderr == "simstudio: note: there are more than 2; --limit all shows them\n"

    def test_a_limit_that_is_not_reached_says_nothing(self, cli, server, version: str) -> None:
        result = cli("workflows", "list", "--limit", "4")

        assert (len(lines(result.stdout)), result.stderr) == (4, "")

    @pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5", ""])
    def test_a_limit_is_a_number_above_0_or_all(self, cli, server, limit: str) -> None:
        assert cli("workflows", "list", "--limit", limit).exit_code == 2
        assert server.requests == []

    def test_only_deployed_ones_are_listed_on_demand(self, cli, server, version: str) -> None:
        cli("workflows", "undeploy", "fail")

        assert {each["name"] for each in lines(cli("workflows", "list", "--deployed").stdout)} == {
            "hello", "count", "slow"
        }  # fmt: skip

    def test_the_option_names_another_workspace(self, cli, server, version: str) -> None:
        assert cli("workflows", "list", "--workspace", "ws-production").stdout == ""

    def test_without_a_workspace_it_is_2_and_both_ways_are_named(self, cli, server, monkeypatch, version: str) -> None:
        monkeypatch.delenv("SIM_WORKSPACE_ID")

        result = cli("workflows", "list")

        assert (result.exit_code, result.stdout) == (2, "")
        assert "Give --workspace ID, or set SIM_WORKSPACE_ID" in result.stderr

    def test_the_embedded_sandbox_has_one_of_its_own(self, cli, version: str, monkeypatch) -> None:
        monkeypatch.setenv("SIM_WORKSPACE_ID", "ws-of-another-server")

        assert len(lines(cli("workflows", "list", "--sandbox").stdout)) == 4


class TestGet:
    def test_it_is_a_json_line_on_a_pipe(self, cli, server, version: str) -> None:
        (found,) = lines(cli("workflows", "get", "hello").stdout)

        assert (found["name"], [field["name"] for field in found["inputs"]]) == ("hello", ["name"])

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, server, version: str) -> None:
        assert "name (string)" in cli("workflows", "get", "hello").stdout

    def test_an_unknown_one_is_1(self, cli, server, version: str) -> None:
        result = cli("workflows", "get", "nope")

        assert (result.exit_code, result.stdout) == (1, "")
        assert "HTTP 404" in result.stderr


class TestDeploying:
    def test_a_new_version_is_printed(self, cli, server, version: str) -> None:
        (made,) = lines(cli("workflows", "deploy", "hello").stdout)

        assert (made["id"], made["isDeployed"], made["version"]) == ("hello", True, 2)

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, server, version: str) -> None:
        shown = cli("workflows", "deploy", "hello").stdout

        assert "deployed" in shown
        assert "{" not in shown

    def test_waiting_ends_when_it_is_in_service(self, cli, server, version: str) -> None:
        (made,) = lines(cli("workflows", "deploy", "hello", "--wait").stdout)

        assert (made["isDeployed"], made["version"]) == (True, 2)
        assert asked(server) == [
            f"POST /api/{version}/workflows/hello/deploy",
            {"v1": "GET /api/workflows/hello/status", "v2": "GET /api/v2/workflows/hello/deployment"}[version],
        ]

    def test_its_labels_are_sent(self, cli, server, version: str) -> None:
        cli("workflows", "deploy", "hello", "--name", "1.4", "--description", "faster")

        assert server.requests[-1].json == {"name": "1.4", "description": "faster"}

    def test_without_labels_none_are_sent(self, cli, server, version: str) -> None:
        cli("workflows", "deploy", "hello")

        assert server.requests[-1].json == {}

    def test_it_is_sent_once(self, cli, sandbox: Sandbox, server, version: str) -> None:
        sandbox.faults.add(status=503)

        assert cli("workflows", "deploy", "hello").exit_code == 1
        assert len(server.requests) == 1

    def test_v1_is_asked_until_it_is_in_service(self, cli, sandbox: Sandbox, server, monkeypatch) -> None:
        slept: list[float] = []
        monkeypatch.setattr("simstudio.cli.deployment.time.sleep", slept.append)
        sandbox.faults.add(status=200, body={"isDeployed": True, "needsRedeployment": True}, path="*/status")
        sandbox.faults.add(status=200, body={"isDeployed": False}, path="*/status")

        assert cli("workflows", "deploy", "hello", "--wait").exit_code == 0
        assert slept == [1.0, 1.0]

    @pytest.mark.parametrize(("state", "code"), [("preparing", 4), ("failed", 1)])
    def test_a_deployment_that_does_not_get_there_is_1_or_4(
        self, cli, sandbox: Sandbox, server, v2, state: str, code: int
    ) -> None:
        attempt = {
            "id": "a1", "deploymentVersionId": "v1", "version": 2, "action": "deploy", "status": state,
            "isCurrent": True, "readiness": {"webhooks": "pending", "schedules": "ready", "mcp": "ready"},
            "requestedAt": "2026-11-20T08:00:00.000Z", "activatedAt": None,
            "error": {"code": "PATH_TAKEN", "message": "The path is taken.", "retryable": False},
        }  # fmt: skip
        deployment = {
            "id": "hello", "isDeployed": False, "deployedAt": None, "warnings": [], "activeDeployment": None,
            "latestDeploymentAttempt": attempt, "needsRedeployment": True, "isPublicApi": False, "webhooks": [],
        }  # fmt: skip
        sandbox.faults.add(status=200, body={"data": deployment}, path="*/deployment", times=None)

        result = cli("workflows", "deploy", "hello", "--wait", "--timeout", "0.03")

        assert (result.exit_code, result.stdout) == (code, "")
        assert ("The path is taken" if state == "failed" else "was not deployed within") in result.stderr
        assert result.stderr.count("\n") == 1

    def test_v1_that_does_not_get_there_in_time_is_4(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=200, body={"isDeployed": False}, path="*/status", times=None)

        result = cli("workflows", "deploy", "hello", "--wait", "--timeout", "0.03", "--json")

        assert (result.exit_code, lines(result.stdout)[-1]["error"]["type"]) == (4, "DeploymentTimeout")

    def test_undeploying_takes_it_out_of_service(self, cli, server, version: str) -> None:
        (made,) = lines(cli("workflows", "undeploy", "hello").stdout)

        assert (made["id"], made["isDeployed"]) == ("hello", False)
        assert cli("run", "hello").exit_code == 1

    def test_rolling_back_brings_the_version_before_back(self, cli, server, version: str) -> None:
        cli("workflows", "deploy", "hello")

        (made,) = lines(cli("workflows", "rollback", "hello").stdout)

        assert made["version"] == 1

    def test_or_the_one_that_is_named(self, cli, server, version: str) -> None:
        for _ in range(2):
            cli("workflows", "deploy", "hello")

        (made,) = lines(cli("workflows", "rollback", "hello", "--version", "2", "--wait").stdout)

        assert made["version"] == 2

    def test_the_versions_are_listed_the_newest_first(self, cli, server, v2) -> None:
        cli("workflows", "deploy", "hello", "--name", "second")

        found = lines(cli("workflows", "versions", "hello").stdout)

        assert [(each["version"], each["name"], each["isActive"]) for each in found] == [
            (2, "second", True),
            (1, None, False),
        ]


class TestExporting:
    def test_it_is_sorted_indented_json_with_a_line_end(self, cli, server, version: str) -> None:
        printed = cli("workflows", "export", "hello").stdout

        data = json.loads(printed)
        assert printed == json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        assert data["workflow"]["name"] == "hello"

    def test_the_same_workflow_gives_the_same_file(self, cli, sandbox: Sandbox, server, version: str, tmp_path) -> None:
        for name in ("a.json", "b.json"):
            assert cli("workflows", "export", "hello", "--output", str(tmp_path / name)).stdout == ""

        assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
        assert "exportedAt" not in (tmp_path / "a.json").read_text()

    def test_its_lines_end_alike_everywhere_and_its_text_is_utf8(self, cli, sandbox, server, version, tmp_path) -> None:
        @sandbox.workflow("greeting")
        def greeting(input):
            """Grüßt."""

        cli("workflows", "export", "greeting", "-o", str(tmp_path / "a.json"))

        content = (tmp_path / "a.json").read_bytes()
        assert "Grüßt.".encode() in content
        assert b"\r" not in content

    def test_with_json_it_says_where(self, cli, server, version: str, tmp_path: Path) -> None:
        (said,) = lines(cli("workflows", "export", "hello", "-o", str(tmp_path / "a.json"), "--json").stdout)

        assert said == {"id": "hello", "output": str(tmp_path / "a.json")}

    def test_a_file_that_cannot_be_written_is_1(self, cli, server, version: str, tmp_path: Path) -> None:
        result = cli("workflows", "export", "hello", "-o", str(tmp_path / "no" / "a.json"))

        assert result.exit_code == 1
        assert "cannot be written" in result.stderr


class TestImporting:
    @pytest.fixture
    def exported(self, cli, server, tmp_path: Path) -> Path:
        path = tmp_path / "hello.json"
        assert cli("workflows", "export", "hello", "-o", str(path)).exit_code == 0
        return path

    def test_it_makes_a_new_workflow_and_prints_it(self, cli, exported: Path, version: str) -> None:
        (made,) = lines(cli("workflows", "import", str(exported), "--workspace", "ws-production").stdout)

        assert next(iter(made)) == "id"
        assert (made["workspaceId"], made["name"]) == ("ws-production", "hello")
        assert lines(cli("workflows", "get", made["id"]).stdout)[0]["isDeployed"] is False

    def test_it_comes_from_standard_input(self, cli, exported: Path, version: str) -> None:
        assert cli("workflows", "import", "-", stdin=exported.read_text()).exit_code == 0

    def test_it_may_be_given_another_name(self, cli, exported: Path, version: str) -> None:
        (made,) = lines(cli("workflows", "import", str(exported), "--name", "bonjour", "--description", "x").stdout)

        assert (made["name"], made["description"]) == ("bonjour", "x")

    def test_its_id_alone_is_printed_for_scripts(self, cli, exported: Path, version: str) -> None:
        printed = cli("workflows", "import", str(exported), "--id-only").stdout

        assert cli("workflows", "get", printed.strip()).exit_code == 0
        assert printed.count("\n") == 1

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, exported: Path, version: str) -> None:
        shown = cli("workflows", "import", str(exported), "--deploy").stdout

        assert "workflow" in shown
        assert "{" not in shown

    def test_it_is_deployed_on_demand_and_runs(self, cli, exported: Path, version: str) -> None:
        (made,) = lines(cli("workflows", "import", str(exported), "--deploy", "--wait").stdout)

        assert made["deployment"]["isDeployed"] is True
        assert json.loads(cli("run", made["id"], "-i", "name=Ada").stdout) == {"message": "Hello, Ada!"}

    def test_a_deployment_that_fails_says_that_the_import_did_not(self, cli, sandbox, exported, version: str) -> None:
        sandbox.faults.add(status=500, path="*/deploy")

        result = cli("workflows", "import", str(exported), "--deploy")

        note, error = result.stderr.splitlines()
        assert (result.exit_code, result.stdout) == (1, "")
        assert note.startswith(f"simstudio: note: {exported} was imported as ")
        assert error.startswith("simstudio: error: ")

    def test_it_is_sent_once(self, cli, sandbox: Sandbox, server, exported: Path, version: str) -> None:
        before = len(server.requests)
        sandbox.faults.add(status=503)

        assert cli("workflows", "import", str(exported)).exit_code == 1
        assert len(server.requests) == before + 1

    def test_waiting_goes_with_deploying(self, cli, server, exported: Path) -> None:
        assert cli("workflows", "import", str(exported), "--wait").exit_code == 2

    @pytest.mark.parametrize(
        ("content", "problem"), [("{", "is no JSON"), ("[]", "no exported workflow"), ("", "is empty")]
    )
    def test_what_is_no_export_is_2_and_nothing_is_sent(self, cli, server, content: str, problem: str) -> None:
        result = cli("workflows", "import", "-", stdin=content)

        assert result.exit_code == 2
        assert problem in result.stderr
        assert server.requests == []

    def test_what_the_server_cannot_read_is_1(self, cli, server, version: str) -> None:
        assert cli("workflows", "import", "-", stdin='{"a": 1}').exit_code == 1


@pytest.mark.parametrize("words", [["list"], ["get", "hello"], ["deploy", "hello"], ["export", "hello"]])
def test_the_key_is_never_shown(cli, sandbox: Sandbox, server, version: str, words: list[str]) -> None:
    sandbox.faults.add(status=400, body={"error": f"no {sandbox.api_key}"})

    result = cli("workflows", *words)

    assert result.exit_code == 1
    assert sandbox.api_key not in result.stdout + result.stderr


def test_a_server_that_is_older_than_a_route_is_told_so(cli, monkeypatch) -> None:
    with Sandbox(generation="v0.4").serve() as server:
        monkeypatch.setenv("SIM_API_KEY", server.sandbox.api_key)
        result = cli("workflows", "deploy", "hello", "--base-url", server.base_url)

    assert result.exit_code == 1
    assert "may be older than this route" in result.stderr


def test_help_is_what_the_group_alone_prints(cli) -> None:
    assert "rollback" in cli("workflows").stdout
