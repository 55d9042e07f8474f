"""What a terminal shows: ids and times are whole at any width, other text gives way; help fits into 80 columns."""

from __future__ import annotations

import io
import logging
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import click
import pytest
from click.testing import CliRunner

from simstudio.cli.app import application
from simstudio.cli.batch_display import Display
from simstudio.cli.output import say
from simstudio.cli.progress import Waiting, can_animate, fit_text
from simstudio.cli.tables import show_fields, show_table
from simstudio.sandbox import Sandbox, SandboxServer

WIDTHS = [1, 20, 40, 60, 80, 100, 150, 300]
IDS = [str(uuid.UUID(int=number << 64)) for number in range(1, 4)]
LONG = "a text of several words that is longer than most terminals are wide, so that it has to be broken somewhere"


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


class TestTables:
    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
    @pytest.mark.parametrize("columns", ["20", "80"])
    def test_what_the_encoding_lacks_is_a_question_mark(
        self, monkeypatch: pytest.MonkeyPatch, encoding: str, columns: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", columns)
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)

        show_table(["name", "last run", "data"], [["北京", None, {"a": "北"}]], whole=["name"])

        stream.flush()
        text = stream.buffer.getvalue().decode(encoding)
        assert "??" in text
        assert '"a": "?"' in text

    @pytest.mark.parametrize("ids", [1, 2, 3])
    def test_an_id_is_whole_at_any_width(self, capsys: pytest.CaptureFixture[str], width: int, ids: int) -> None:
        headings = [f"id {number}" for number in range(ids)]

        show_table([*headings, "text"], [[*IDS[:ids], LONG], [*IDS[:ids], "short"]], whole=headings)

        text = "\n".join(printed(capsys))
        assert [text.count(each) for each in IDS] == [2] * ids + [0] * (3 - ids)

    @pytest.mark.parametrize("width", [42, 60, 80, 100, 150])
    def test_no_line_is_wider_than_a_terminal_that_has_room_for_an_id(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(width))

        show_table(["id", "text", "when"], [[IDS[0], LONG, "2026-11-20T08:00:00.000Z"]], whole=["id"])

        assert max(map(len, printed(capsys))) <= width

    def test_a_time_is_whole_and_in_a_row_without_its_milliseconds(
        self, capsys: pytest.CaptureFixture[str], width: int
    ) -> None:
        rows = [["slow", "yes", "2026-11-20T08:00:00.123Z", 7, "2026-11-21T09:30:00.456+02:00"]]

        show_table(["name", "deployed", "deployed at", "runs", "last run"], rows)

        lines = printed(capsys)
        text = "\n".join(lines)
        is_table = "─" in text
        assert ("2026-11-20T08:00:00Z" if is_table else "2026-11-20T08:00:00.123Z") in text
        assert ("2026-11-21T09:30:00+02:00" if is_table else "2026-11-21T09:30:00.456+02:00") in text
        assert not is_table or max(map(len, lines)) <= width
        assert is_table == (width >= 80)

    def test_other_text_is_complete_too(self, capsys: pytest.CaptureFixture[str], width: int) -> None:
        show_table(["id", "text"], [[IDS[0], "word " * 20]], whole=["id"])

        assert "\n".join(printed(capsys)).count("word") == 20

    def test_where_ids_leave_no_room_each_row_is_lines(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")

        show_table(["log", "level", "run"], [[IDS[0], "info", IDS[1]], [IDS[1], None, IDS[2]]], whole=["log", "run"])

        assert printed(capsys) == [
            f"log    {IDS[0]}",
            "level  info",
            f"run    {IDS[1]}",
            "",
            f"log    {IDS[1]}",
            "level  –",
            f"run    {IDS[2]}",
            "",
        ]

    def test_without_rows_there_are_headings(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_table(["id", "name"], [], whole=["id"])

        assert printed(capsys)[0].split() == ["id", "name"]


class TestFields:
    def test_what_has_no_spaces_is_whole_at_any_width(self, capsys: pytest.CaptureFixture[str], width: int) -> None:
        show_fields([("run", IDS[0]), ("workflow", f"Hello there ({IDS[1]})"), ("page", f"https://sim.ai/{'x' * 200}")])

        text = "\n".join(printed(capsys))
        assert [text.count(each) for each in (*IDS[:2], f"https://sim.ai/{'x' * 200}")] == [1, 1, 1]

    def test_a_text_is_broken_between_words_and_stays_in_its_column(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "60")

        show_fields([("name", "short"), ("description", LONG)])

        first, *lines = printed(capsys)
        assert first == "name         short"
        assert len(lines) > 1
        assert lines[0].startswith("description  a text of")
        assert {line[:13].strip() for line in lines[1:]} == {""}
        assert " ".join(line[13:].strip() for line in lines) == LONG

    def test_lines_of_a_value_stay_lines(self, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "60")

        show_fields([("output", {"a": [1], "b": "x"}), ("none", None), ("yes", True)])

        assert printed(capsys) == [
            "output  {",
            '          "a": [',
            "            1",
            "          ],",
            '          "b": "x"',
            "        }",
            "yes     yes",
        ]


@pytest.mark.usefixtures("terminal")
class TestCommands:
    @pytest.fixture
    def identified(self, sandbox: Sandbox) -> list[str]:
        """Workflows whose names are as long as ids of Sim."""
        for name in IDS:
            sandbox.workflow(name)(lambda _: {})
        return IDS

    def test_workflows(self, cli, server: SandboxServer, identified: list[str], version: str, width: int) -> None:
        shown = cli("workflows", "list", "--workspace", server.sandbox.workspace_id).stdout

        assert all(each in shown for each in identified)

    def test_logs_and_runs(self, cli, server: SandboxServer, identified, version: str, width: int) -> None:
        with server.client(api_version=version) as client:
            run: Any = client.workflows.execute(identified[0])

        shown = cli("logs", "list", "--workspace", server.sandbox.workspace_id).stdout

        assert run.execution_id in shown
        assert identified[0] in shown
        if version == "v2":
            assert run.execution_id in cli("runs", "list", identified[0]).stdout

    def test_paused_runs(self, cli, paused: str, width: int) -> None:
        assert paused in cli("runs", "list", "asks", "--status", "paused").stdout

    def test_operations(self, cli, width: int) -> None:
        assert "v2.workflows.chat.replace" in cli("operations", "chat").stdout


class TestWaiting:
    @pytest.mark.parametrize(
        ("width", "shown"),
        [(80, f"{IDS[0]}: processing"), (40, "processing"), (10, "")],
    )
    def test_an_id_is_whole_or_not_there(self, width: int, shown: str) -> None:
        assert fit_text(f"{IDS[0]}: processing", width) == shown

    @pytest.mark.parametrize(("width", "shown"), [(80, IDS[0]), (40, "")])
    def test_so_is_one_alone(self, width: int, shown: str) -> None:
        assert fit_text(IDS[0], width) == shown

    @pytest.mark.parametrize(
        "shows", [lambda: Waiting("hello"), lambda: Display("hello", beside_results=False)], ids=["spinner", "bar"]
    )
    def test_leaves_the_cursor_visible_and_makes_room_for_a_line(
        self, shows: Callable[[], AbstractContextManager[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal = io.StringIO()
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")

        with shows() as showing:
            text = terminal.getvalue()
            assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
            shown = getattr(showing, "_shown", None) or showing._live
            shown.refresh()
            say("stopping")
            assert "\x1b[2Ksimstudio: stopping\n" in terminal.getvalue(), "a line of its own"

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
    def test_the_spinner_has_only_characters_of_the_terminal(
        self, encoding: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal = io.TextIOWrapper(io.BytesIO(), encoding, errors="backslashreplace")
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")

        with Waiting("hello"):
            pass
        terminal.flush()
        terminal.seek(0)
        assert "\\" not in terminal.read()

    @pytest.mark.parametrize(("level", "animated"), [(logging.WARNING, True), (logging.DEBUG, False)])
    def test_lines_of_a_log_are_not_written_into_a_spinner(
        self, level: int, animated: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("simstudio.cli.progress.is_terminal", lambda stream: True)
        monkeypatch.setenv("TERM", "xterm")
        caplog.set_level(level, logger="simstudio.transport")

        assert can_animate() is animated


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*words, name))


@pytest.mark.parametrize(
    "words", [pytest.param(words, id=" ".join(words) or "simstudio") for words in commands(application)]
)
def test_the_help_of_a_command_fits_into_80_columns(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    shown = CliRunner().invoke(application, [*words, "--help"]).output

    assert [line for line in shown.splitlines() if len(line) > 80] == []
    assert re.findall(r"^  -\S.*?  +((?:What|Whose|Which|Where|How|Of|By)\b.*)", shown, re.MULTILINE) == []
