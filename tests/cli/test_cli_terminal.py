"""A terminal gets no control sequence of what a server, a workflow or a ledger says; a pipe gets every byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simstudio.cli.progress import fit_text
from simstudio.sandbox import Sandbox, SandboxServer
from simstudio.transport.terminal import printable

EVIL = "\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b2J\x7f\b\u202e"
CONTROLS = "\x1b\x07\x9b\x7f\b\u202e"


@pytest.fixture
def hostile(sandbox: Sandbox) -> None:
    @sandbox.workflow("says")
    def says(input: dict[str, Any]) -> str:
        return f"before{EVIL}after"

    @sandbox.workflow("holds")
    def holds(input: dict[str, Any]) -> dict[str, Any]:
        return {"text": EVIL}

    @sandbox.workflow("streams")
    def streams(input: dict[str, Any]) -> Iterator[str]:
        yield "before"
        yield from EVIL
        yield "after"

    @sandbox.workflow("breaks")
    def breaks(input: dict[str, Any]) -> None:
        raise RuntimeError(EVIL)

    sandbox.workflow(f"name{EVIL}")(lambda _: {})


@pytest.mark.usefixtures("terminal", "hostile")
class TestATerminal:
    @pytest.mark.parametrize(
        "words",
        [
            ["run", "says"],
            ["run", "says", "--json"],
            ["run", "holds"],
            ["run", "holds", "--json"],
            ["run", "streams", "--stream", "--select", "streams.content"],
            ["run", "streams", "--stream", "--select", "streams.content", "--json"],
            ["run", "breaks"],
            ["run", "breaks", "--json"],
            ["run", "breaks", "--async"],
            ["run", f"nobody{EVIL}"],
            ["workflows", "list"],
            ["workflows", "get", f"name{EVIL}"],
            ["status", f"name{EVIL}"],
            ["logs", "list"],
            ["logs", "tail", "--once"],
            ["logs", "tail", "--once", "--json"],
            ["api", "GET", "/api/v1/workflows?workspaceId=WORKSPACE"],
        ],
    )
    def test_is_not_steered(self, cli, server: SandboxServer, monkeypatch, words: list[str]) -> None:
        monkeypatch.setenv("SIM_WORKSPACE_ID", server.sandbox.workspace_id)
        with server.client() as client:
            client.workflows.execute("says")

        result = cli(*(word.replace("WORKSPACE", server.sandbox.workspace_id) for word in words))

        assert (result.exit_code in (0, 1)) is True, result.stderr
        assert not set(CONTROLS) & set(result.stdout + result.stderr)

    def test_shows_the_text_around_it(self, cli, server: SandboxServer) -> None:
        shown = cli("run", "says").stdout

        assert shown.startswith("before")
        assert shown.endswith("after\n")

    def test_shows_json_that_is_the_same(self, cli, server: SandboxServer) -> None:
        assert json.loads(cli("run", "holds").stdout) == {"text": EVIL}

    @pytest.mark.parametrize("form", ["csv", "jsonl"])
    def test_is_not_steered_by_results_and_exports(self, cli, server, given, ledger, form: str) -> None:
        results = cli("batch", "run", "says", given(1), "--ledger", ledger)
        exported = cli("batch", "export", ledger, "-", "--format", form)
        status = cli("batch", "status", ledger)

        assert "before" in results.stdout
        assert "after" in exported.stdout
        for result in (results, exported, status):
            assert not set(CONTROLS) & set(result.stdout + result.stderr)

    def test_is_not_steered_by_a_ledger(self, cli, server: SandboxServer, given, ledger) -> None:
        path = given(1)

        result = cli("batch", "run", f"nobody{EVIL}", path, "--ledger", ledger)

        assert result.exit_code == 1
        assert not set(CONTROLS) & set(result.stdout + result.stderr)


@pytest.mark.usefixtures("hostile")
class TestAPipe:
    def test_gets_a_text_as_it_is(self, cli, server: SandboxServer) -> None:
        assert cli("run", "says").stdout_bytes.decode() == f"before{EVIL}after\n"

    def test_gets_a_stream_as_it_is(self, cli, server: SandboxServer) -> None:
        result = cli("run", "streams", "--stream", "--select", "streams.content")

        assert result.stdout_bytes.decode() == f"before{EVIL}after\n"

    def test_gets_an_export_as_it_is(self, cli, server: SandboxServer, given, ledger, tmp_path: Path) -> None:
        cli("batch", "run", "says", given(1), "--ledger", ledger)
        cli("batch", "export", ledger, str(tmp_path / "all.csv"))

        result = cli("batch", "export", ledger, "-", "--format", "csv")

        assert result.stdout_bytes == (tmp_path / "all.csv").read_bytes()


class TestPrintable:
    @pytest.mark.parametrize("text", ["", "one\ntwo\tthree", "naïve 東京 👩‍👩‍👧 \u00a0\u202f\u3000\u200f", "\ud83d"])
    def test_text_stays(self, text: str) -> None:
        assert printable(text) == text

    @pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
    def test_no_control_character_does_but_line_ends_and_tabs(self, code: int) -> None:
        assert printable(f"a{chr(code)}b") == {9: "a\tb", 10: "a\nb", 13: "ab"}.get(code, "a\ufffdb")


def test_what_is_waited_for_steers_nothing() -> None:
    assert not set(f"{CONTROLS}\n") & set(fit_text(f"{EVIL}\n{EVIL}", 200))
