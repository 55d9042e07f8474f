"""``simstudio call`` and ``simstudio operations``: the catalogue on the command line."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from simstudio import ANONYMOUS, SimStudioClient
from simstudio.catalog import Operation, operations
from simstudio.cli.app import application
from simstudio.cli.call import call
from simstudio.cli.operation_options import explanations
from simstudio.core.routes import Route
from simstudio.sandbox import SandboxServer


def route_of(operation: Operation) -> Route:
    """The route behind a method of the catalogue."""
    method: Any = operation.of(SimStudioClient("key"))
    return getattr(type(method.__self__), method.__name__).flow.route  # type: ignore[no-any-return]


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


class TestOperations:
    def test_they_are_json_lines_on_a_pipe_and_need_no_key(self, cli) -> None:
        listed = lines(cli("operations").stdout)

        assert [each["attribute"] for each in listed] == [each.attribute for each in operations()]
        found = next(each for each in listed if each["attribute"] == "v2.audit_logs.get")
        assert found["id"] == "getAuditLog"
        assert (found["verb"], found["path"]) == ("GET", "/api/v2/audit-logs/{auditLogId}")
        assert found["parameters"]["organization_id"] == {"wire": "organizationId", "place": "query"}

    @pytest.mark.parametrize("word", ["listAuditLogs", "audit-logs", "AUDIT_LOGS"])
    def test_a_word_is_sought_in_names_and_paths_and_summaries(self, cli, word: str) -> None:
        assert {each["id"] for each in lines(cli("operations", word).stdout)} >= {"listAuditLogs"}
        assert cli("operations", "no such word").stdout == ""

    @pytest.mark.usefixtures("terminal")
    def test_they_are_a_table_on_a_terminal(self, cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")

        assert "v2.audit_logs.get" in cli("operations", "audit").stdout


class TestCommands:
    def test_every_operation_has_one_with_all_of_its_parameters(self) -> None:
        client = SimStudioClient("key")
        context = click.Context(call)
        for operation in operations():
            command = call.get_command(context, operation.attribute)
            assert command is not None
            names = [each.name for each in command.params]
            spellings = [opt for each in command.params for opt in (*each.opts, *each.secondary_opts)]
            assert set(inspect.signature(operation.of(client)).parameters) <= set(names)
            assert len(set(names)) == len(names), operation.attribute
            assert len(set(spellings)) == len(spellings), operation.attribute
            assert operation.path in command.get_help(click.Context(command, info_name="x"))

    @pytest.mark.parametrize(
        ("operation", "parameter", "text"),
        [
            ("v2.tables.rows.query", "limit", "or 200 with --include-run-state; default 100."),
            ("v2.runs.resume", "context_id", "The pause: run.paused.context_id."),
            ("v2.runs.list", "start_date", "Earliest start: ISO 8601 in UTC with Z."),
        ],
    )
    def test_the_help_names_options_and_what_they_take(self, operation: str, parameter: str, text: str) -> None:
        (known,) = (each for each in operations(operation) if each.attribute == operation)

        assert text in explanations(known.of(SimStudioClient(ANONYMOUS)))[parameter]

    def test_one_that_is_not_there_names_near_ones(self, cli) -> None:
        result = cli("call", "v2.workflow.list")

        assert result.exit_code == 2
        assert "did you mean v2.workflows.list" in result.stderr
        assert "? See: simstudio call --help" in result.stderr

    def test_names_are_completed(self) -> None:
        complete = ShellComplete(application, {}, "simstudio", "_SIMSTUDIO_COMPLETE")

        found = {item.value for item in complete.get_completions(["call"], "v2.audit_logs.")}
        assert found == {"v2.audit_logs.get", "v2.audit_logs.list"}
        options = {item.value for item in complete.get_completions(["call", "v2.workflows.list"], "--sco")}
        assert options == {"--scope"}
        choices = {item.value for item in complete.get_completions(["call", "v2.workflows.list", "--scope"], "")}
        assert choices == {"active", "archived"}

    def test_only_the_namespace_of_an_operation_is_imported_for_it(self) -> None:
        code = """
import sys
from simstudio.cli.app import application
for words in (["call", "--help"], ["call", "v2.meta.get", "--help"]):
    try:
        application.main(words)
    except SystemExit:
        print(sorted(name[23:] for name in sys.modules if name.startswith("simstudio.resources.v2.")))
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert [line for line in done.stdout.splitlines() if line.startswith("[")] == ["[]", "['meta']"]

    def test_a_secret_is_read_from_a_file_and_its_option_says_so(self) -> None:
        context = click.Context(call)
        for operation in operations():
            command = call.get_command(context, operation.attribute)
            assert command is not None
            secrets = set(route_of(operation).secrets)
            warned = {each.name for each in command.params if "others can read" in (getattr(each, "help", "") or "")}
            assert warned == secrets, operation.attribute

    @pytest.mark.parametrize(
        ("operation", "words", "given"),
        [
            ("v2.files.create", ["--folder-path", "/Sales"], {"folder_path": "/Sales"}),
            (
                "v2.files.create",
                ["--folder-path", "Sales", "--folder-path", "50/50"],
                {"folder_path": ("Sales", "50/50")},
            ),
            (
                "v2.files.bulk_download",
                ["--folder-paths", "/A", "--folder-paths", "/B"],
                {"folder_paths": ("/A", "/B")},
            ),
            ("v2.files.download", ["id", "--to", "not-there-yet"], {"to": Path("not-there-yet")}),
            ("v2.uploads.put", ["id", "--content", "-"], {"content": b"\xff"}),
            ("v2.workspaces.fork.push", ["id", "--confirm"], {"confirm": True}),
            ("v2.workspaces.fork.push", ["id"], {"confirm": None}),
            ("v2.mcp_servers.create", ["--headers", "@headers.json"], {"headers": {"X-Key": "k"}}),
            ("v2.tables.rows.insert", ["id", "--data", '{"sku": "A1"}'], {"data": {"sku": "A1"}}),
            ("v2.workflows.versions.revert", ["id", "7"], {"version": 7}),
        ],
    )
    def test_each_kind_of_parameter_becomes_what_the_method_takes(
        self, operation: str, words: list[str], given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "headers.json").write_text('{"X-Key": "k"}')
        command = call.get_command(click.Context(call), operation)
        assert command is not None

        with CliRunner().isolation(input=b"\xff"):
            parsed = command.make_context(operation, words).params

        assert {name: parsed[name] for name in given} == given


class TestCalling:
    def test_a_list_is_all_of_its_items_a_line_each(self, cli, server: SandboxServer) -> None:
        workspace = server.sandbox.workspace_id
        result = cli("call", "v2.workflows.list", "--workspace-id", workspace, "--limit", "1", "--no-deployed-only")

        assert {each["id"] for each in lines(result.stdout)} == set(server.sandbox.workflows)
        assert server.requests[0].query == f"workspaceId={workspace}&deployedOnly=false&limit=1"
        assert len(server.requests) > 1

    def test_what_stands_in_the_path_is_an_argument(self, cli, server: SandboxServer) -> None:
        result = cli("call", "v2.workflows.get", "hello")

        assert json.loads(result.stdout)["id"] == "hello"

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_gets_indented_json(self, cli, server: SandboxServer) -> None:
        assert '\n  "id": "hello"' in cli("call", "v2.workflows.get", "hello").stdout

    def test_the_workspace_comes_from_the_environment_where_it_is_needed(self, cli, server: SandboxServer, monkeypatch):
        result = cli("call", "v2.workflows.create", "--name", "new")
        assert (result.exit_code, server.requests) == (2, [])
        assert "SIM_WORKSPACE_ID" in result.stderr

        monkeypatch.setenv("SIM_WORKSPACE_ID", server.sandbox.workspace_id)
        assert json.loads(cli("call", "v2.workflows.create", "--name", "new").stdout)["name"] == "new"

    def test_arguments_are_an_object_with_more_of_them(self, cli, server: SandboxServer, tmp_path: Path) -> None:
        (tmp_path / "more.json").write_text('{"name": "new", "description": null}')
        workspace = server.sandbox.workspace_id
        for given, stdin in ((f"@{tmp_path / 'more.json'}", None), ("-", '{"name": "other", "description": null}')):
            cli("call", "v2.workflows.create", "--workspace-id", workspace, "--arguments", given, stdin=stdin)

        assert [each.json for each in server.requests] == [
            {"workspaceId": workspace, "name": name, "description": None} for name in ("new", "other")
        ]

    def test_values_of_several_kinds_are_json_or_text(self, cli, server: SandboxServer) -> None:
        for version in ("active", "1"):
            assert cli("call", "v2.workflows.versions.revert", "hello", version).exit_code == 0

        assert [each.path.split("/")[-2] for each in server.requests] == ["active", "1"]

    def test_a_file_is_written_where_one_says(self, cli, server: SandboxServer, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("text")
        workspace = server.sandbox.workspace_id
        made = cli("call", "v1.files.upload", "--workspace-id", workspace, "--file", str(tmp_path / "a.txt"))
        result = cli(
            "call", "v1.files.download", json.loads(made.stdout)["id"], "--workspace-id", workspace,
            "-o", str(tmp_path / "b.txt"),
        )  # fmt: skip

        assert (result.exit_code, (tmp_path / "b.txt").read_text()) == (0, "text")

    @pytest.mark.parametrize(
        "words",
        [
            ["v2.workflows.list", "--scope", "all"],
            ["v2.workflows.list", "--limit", "many"],
            ["v2.workflows.list", "--limit", "101"],
            ["v2.workflows.get"],
            ["v2.workflows.create"],
            ["v2.workflows.create", "--name", "a", "--arguments", '{"nothing": 1}'],
            ["v2.workflows.create", "--name", "a", "--arguments", "[]"],
            ["v2.workflows.create", "--name", "a", "--arguments", "{"],
        ],
    )
    def test_what_cannot_be_sent_is_2_and_nothing_is_sent(self, cli, server: SandboxServer, words, monkeypatch) -> None:
        monkeypatch.setenv("SIM_WORKSPACE_ID", server.sandbox.workspace_id)

        assert cli("call", *words).exit_code == 2
        assert server.requests == []
