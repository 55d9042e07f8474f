"""Shortened ids and ``last``: what they name, what they cost, and what is said when they name several things."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from simstudio.cli.references import is_short
from simstudio.sandbox import Sandbox, SandboxServer

ONE, TWO, OTHER = (f"{head}-93c1-4a3e-a85b-a13e8df82b03" for head in ("6e2d1f0a", "6e2d1f0b", "c0ffee00"))


@pytest.fixture(autouse=True)
def workspace(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_WORKSPACE_ID", sandbox.workspace_id)


@pytest.fixture
def named(sandbox: Sandbox, server: SandboxServer) -> SandboxServer:
    """Workflows with ids as Sim has them."""
    for name in (ONE, TWO, OTHER):
        sandbox.workflow(name)(lambda given: {"got": given})
    return server


def paths(server: SandboxServer) -> list[str]:
    return [request.path for request in server.requests]


@pytest.mark.parametrize(
    ("given", "short"),
    [
        *[("6e2d", True), (ONE[:35], True), (ONE, False), ("6e2", False), ("6e2d1f0a9", False), ("hello", False)],
        *[("wf_zwaC", True), ("wf_1", False), (f"wf_{'z' * 21}", False), ("tbl_ec39", True), ("6E2D", False)],
    ],
)
def test_what_may_be_the_beginning_of_an_id(given: str, short: bool) -> None:
    assert is_short(given) is short


class TestWorkflows:
    def test_a_whole_id_costs_no_further_request(self, cli, named: SandboxServer, version: str) -> None:
        cli("workflows", "get", OTHER)

        assert paths(named) == [f"/api/{version}/workflows/{OTHER}"]

    @pytest.mark.parametrize(
        "words",
        [
            ["status"],
            ["workflows", "get"],
            ["workflows", "describe"],
            ["workflows", "export"],
            ["codegen"],
            ["logs", "list", "--workflow"],
            ["logs", "tail", "--once", "--workflow"],
        ],
    )
    def test_four_characters_are_enough(self, cli, named: SandboxServer, version: str, words: list[str]) -> None:
        result = cli(*words, "c0ff")

        assert (result.exit_code, result.stderr) == (0, "")
        assert "c0ff" not in {part for path in paths(named) for part in path.split("/")}
        assert OTHER in f"{paths(named)[-1]}?{named.requests[-1].query}"

    @pytest.mark.parametrize(
        "words",
        [
            ["run", "c0ff"],
            ["workflows", "undeploy", "c0ff"],
            ["workflows", "deploy", "c0ff"],
            ["batch", "run", "c0ff", "INPUTS"],
        ],
    )
    def test_a_command_that_changes_something_says_which_was_chosen(self, cli, named, given, words: list[str]) -> None:
        result = cli(*(word.replace("INPUTS", given(1)) for word in words))

        assert (result.exit_code, result.stderr.splitlines()[0]) == (
            0,
            f"simstudio: note: c0ff is the workflow {OTHER}",
        )

    def test_what_names_several_is_2_with_the_candidates(self, cli, named, version: str) -> None:
        result = cli("workflows", "undeploy", "6e2d1f")

        assert (result.exit_code, result.stdout) == (2, "")
        said, *candidates = result.stderr.splitlines()
        assert said == "simstudio: error: 6e2d1f is the beginning of 2 ids of workflows. Give more of it:"
        assert {line.split()[0] for line in candidates} == {ONE, TWO}
        assert [request.method for request in named.requests] == ["GET"]

    def test_json_has_the_candidates(self, cli, named) -> None:
        error = json.loads(cli("workflows", "get", "6e2d1f", "--json").stdout)["error"]

        assert (error["type"], {each["id"] for each in error["details"]}) == ("AmbiguousId", {ONE, TWO})

    def test_a_name_that_looks_like_a_beginning_stays_a_name(self, cli, sandbox: Sandbox, named) -> None:
        sandbox.workflow("c0ff")(lambda _: "itself")

        assert cli("run", "c0ff").stdout == "itself\n"

    def test_one_that_names_nothing_is_said_to(self, cli, named) -> None:
        result = cli("status", "abcd")

        assert result.exit_code == 1
        assert result.stderr.endswith("No id of a workflow of the workspace begins so.\n")

    def test_without_a_workspace_it_says_what_is_needed(self, cli, named, monkeypatch) -> None:
        monkeypatch.delenv("SIM_WORKSPACE_ID")

        result = cli("status", "c0ff")

        assert result.exit_code == 1
        assert result.stderr.endswith("can be shortened if SIM_WORKSPACE_ID says where to look.\n")

    def test_a_server_without_the_list_gets_the_id_as_it_is(self, cli, named) -> None:
        named.sandbox.faults.add(status=404, path="/api/v1/workflows")

        assert cli("status", "c0ff").exit_code == 1
        assert paths(named)[-1] == "/api/workflows/c0ff/status"


class TestRuns:
    @pytest.fixture
    def ran(self, cli, server: SandboxServer, version: str) -> str:
        """The id of a run of ``hello`` that is over."""
        with server.client(api_version=version) as client:
            result: Any = client.workflows.execute("hello")
        return str(result.execution_id)

    @pytest.mark.parametrize("name", [lambda run: run[:6], lambda run: "last"], ids=["short", "last"])
    @pytest.mark.parametrize("words", [["runs", "get"], ["runs", "wait"], ["runs", "show"], ["logs", "show"]])
    def test_it_is_found_without_its_workflow(
        self, cli, ran: str, words: list[str], name: Callable[[str], str]
    ) -> None:
        result = cli(*words, name(ran))

        assert (result.exit_code, result.stderr) == (0, "")
        assert ran in result.stdout

    def test_the_last_is_that_of_the_workflow_named(self, cli, server, version: str, ran: str) -> None:
        cli("run", "count", "-i", "to=1")

        assert ran in cli("runs", "get", "last", "--workflow", "hello").stdout
        assert ran not in cli("runs", "get", "last").stdout

    def test_there_may_be_none(self, cli, server, version: str) -> None:
        result = cli("runs", "wait", "last")

        assert (result.exit_code, result.stderr) == (1, "simstudio: error: The workspace has no runs yet.\n")

    def test_stopping_one_says_which(self, cli, server, v2, begun, gate) -> None:
        run = begun("gated")
        assert gate.begun.wait(30)

        said = cli("runs", "cancel", "last").stderr

        assert said.startswith(f"simstudio: note: last is the run {run} (gated, running, ")

    def test_answering_one_says_which(self, cli, paused: str, version: str) -> None:
        result = cli("runs", "resume", paused[:5], "--input", '{"approved": true}')

        assert result.exit_code == 0
        assert result.stderr.startswith(f"simstudio: note: {paused[:5]} is the run {paused} (asks, ")

    def test_a_job_of_v1_cannot_be_shortened(self, cli, server) -> None:
        result = cli("runs", "get", "run_1c37")

        assert result.exit_code == 1
        assert result.stderr.endswith("The id of a background job must be whole, as v1 has no list of jobs.\n")

    def test_the_last_needs_a_workspace(self, cli, server, monkeypatch) -> None:
        monkeypatch.delenv("SIM_WORKSPACE_ID")

        result = cli("runs", "wait", "last")

        assert result.exit_code == 2
        assert "No workspace" in result.stderr


class TestOthers:
    def test_files(self, cli, sandbox: Sandbox, server: SandboxServer, version: str, tmp_path) -> None:
        (tmp_path / "a.txt").write_text("text")
        file_id = json.loads(cli("files", "upload", str(tmp_path / "a.txt")).stdout)["id"]

        result = cli("files", "download", file_id[:9], "--output", str(tmp_path / "b.txt"))

        assert (result.exit_code, json.loads(result.stdout)["id"]) == (0, file_id)

    @pytest.mark.filterwarnings("ignore:This server keeps exports")
    def test_tables_and_knowledge_bases(self, cli, sandbox: Sandbox, server: SandboxServer, v2, tmp_path) -> None:
        (tmp_path / "a.csv").write_text("n\n1\n")
        table = json.loads(cli("tables", "import", str(tmp_path / "a.csv"), "--new", "numbers").stdout)["tableId"]
        with server.client(api_version="v2") as client:
            base = client.v2.knowledge.create(workspace_id=sandbox.workspace_id, name="notes").id

        exported = cli("tables", "export", table[:8], "--output", str(tmp_path / "b.csv"))
        added = cli("tables", "import", str(tmp_path / "a.csv"), "--table", table[:8])
        searched = cli("knowledge", "search", base[:4], "fox")

        assert json.loads(exported.stdout)["tableId"] == table
        assert f"note: {table[:8]} is the table {table} (numbers)" in added.stderr
        assert (searched.exit_code, searched.stderr) == (0, "")
