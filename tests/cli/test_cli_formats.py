"""``--wide`` and ``--format`` of lists: columns, templates, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click
import pytest

from simstudio.cli.app import application
from simstudio.cli.formats import Format
from simstudio.sandbox import Sandbox, SandboxServer


@pytest.fixture(autouse=True)
def workspace(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_WORKSPACE_ID", sandbox.workspace_id)


class TestColumns:
    def test_on_a_pipe_they_are_separated_by_tabs(self, cli, server: SandboxServer, version: str) -> None:
        shown = cli("workflows", "list", "--format", "id,deployed,last run,runCount").stdout

        assert "hello\ttrue\t\t0" in shown.splitlines()

    @pytest.mark.usefixtures("terminal")
    def test_on_a_terminal_they_are_a_table(self, cli, server: SandboxServer) -> None:
        heading, _, *rows = cli("workflows", "list", "--format", "id,deployed").stdout.strip().splitlines()

        assert heading.split() == ["id", "deployed"]
        assert ["hello", "yes"] in [row.split() for row in rows]


class TestTemplates:
    def test_each_item_is_a_line(self, cli, server: SandboxServer, version: str) -> None:
        shown = cli("workflows", "list", "--format", r"{id}:\t{{{deployed}}}").stdout

        assert "hello:\t{true}" in shown.splitlines()

    def test_a_value_stays_on_its_line_and_steers_nothing(self, cli, sandbox: Sandbox, server: SandboxServer) -> None:
        sandbox.workflow("two\nlines\tand\x1b[2J")(lambda _: {})

        assert "<two lines and\ufffd[2J>" in cli("workflows", "list", "--format", "<{id}>").stdout.splitlines()

    @pytest.mark.parametrize(
        "template", ["{id.__class__}", "{id[0]}", "{id!r}", "{id:>9999999}", "{}", "{id", "}", "{{}}"]
    )
    def test_fields_are_names_and_nothing_else(self, cli, server: SandboxServer, template: str) -> None:
        result = cli("workflows", "list", "--format", template)

        assert (result.exit_code, result.stdout) == (2, "")
        assert "a template like '{id} {name}'" in result.stderr
        assert server.requests == []


class TestRefusals:
    @pytest.mark.parametrize("given", ["id,nmae", "{nmae}"])
    def test_an_unknown_field_is_2_with_the_known_ones(self, cli, server: SandboxServer, given: str) -> None:
        result = cli("workflows", "list", "--format", given)

        assert (result.exit_code, result.stdout) == (2, "")
        assert "there is no field 'nmae'; there are id, name, deployed, last_run" in result.stderr

    def test_of_a_list_without_items_nothing_is_said(self, cli, server: SandboxServer, v2) -> None:
        assert cli("runs", "list", "hello", "--format", "runId").exit_code == 0

    @pytest.mark.parametrize(
        "words", [["--json", "--wide"], ["--json", "--format", "id"], ["--wide", "--format", "id"]]
    )
    def test_one_form_only(self, cli, server: SandboxServer, words: list[str]) -> None:
        result = cli("workflows", "list", *words)

        assert result.exit_code == 2
        assert "exclude each other" in result.stdout + result.stderr


@pytest.mark.usefixtures("terminal")
class TestWide:
    def test_times_are_exact_and_all_columns_are_shown(self, cli, server: SandboxServer, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "50")

        shown = [cli("workflows", "list", *words).stdout for words in ([], ["--wide"])]

        assert ["deployed at" in each for each in shown] == [False, True]
        assert [re.search(r"T\d\d:\d\d", each) is not None for each in shown] == [False, True]

    def test_what_has_room_is_shown_without_it(self, cli, server: SandboxServer, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "120")

        assert "s ago" in cli("workflows", "list").stdout


def lists(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[Any]:
    """All commands that show a list."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from lists(below, (*words, name))
    elif words[-1] in ("list", "versions", "search", "operations", "blocks", "packages", "applets"):
        yield pytest.param(command, id=" ".join(words))


@pytest.mark.parametrize("command", list(lists(application)))
def test_every_list_has_the_options(command: click.Command) -> None:
    assert {"wide", "format_", "as_json"} <= {each.name for each in command.params}


def test_a_format_is_columns_or_a_template() -> None:
    assert Format.parse("id, last run").names == ["id", "last_run"]
    assert Format.parse("{id}-{last_run}").line({"id": 1, "last_run": None}.get) == "1-"
