"""``simstudio completion``: the scripts, and what they complete."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from simstudio.cli.app import application
from simstudio.sandbox import Sandbox, SandboxServer


@pytest.fixture
def completed(cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What a shell gets for the last of some words; nothing must be on standard error."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv("_SIMSTUDIO_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("simstudio", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        result = cli()
        assert (result.exit_code, result.stderr) == (0, "")
        return [line.partition(",")[2] for line in result.stdout.splitlines() if line]

    return complete


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --no-f")])
def test_the_script_of_each_shell(cli, shell: str, word: str) -> None:
    result = cli("completion", shell)

    assert (result.exit_code, result.stderr) == (0, "")
    assert word in result.stdout
    assert "_SIMSTUDIO_COMPLETE" in result.stdout
    assert 'string split ","' not in result.stdout  # in fish this cuts a help text at its first comma


def test_another_shell_is_2(cli) -> None:
    assert cli("completion", "tcsh").exit_code == 2


@pytest.fixture
def workspace(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_WORKSPACE_ID", server.sandbox.workspace_id)


def test_every_option_that_names_a_workflow_of_sim_is_completed() -> None:
    def incomplete(command: click.Command, path: str) -> Iterator[str]:
        if isinstance(command, click.Group):
            for name in set(command.commands) - {"call", "speedpix", "vectorvein"}:
                yield from incomplete(command.commands[name], f"{path} {name}")
        for each in command.params:
            if each.name in ("workflow", "workflows", "only") and each._custom_shell_complete is None:
                yield f"{path} {each.name}"

    assert [*incomplete(application, "simstudio")] == []


class TestWorkflows:
    @pytest.mark.usefixtures("workspace")
    @pytest.mark.parametrize(
        "words",
        [["run"], ["status"], ["workflows", "deploy"], ["batch", "run"], ["runs", "get", "--workflow"]],
        ids=" ".join,
    )  # fmt: skip
    def test_those_of_the_server_are_completed(self, completed, version: str, words: list[str]) -> None:
        assert completed(*words, "he") == ["hello"]

    @pytest.mark.usefixtures("workspace")
    def test_they_are_found_by_name_too_and_completed_by_id(self, completed, sandbox: Sandbox) -> None:
        sandbox.faults.add(
            status=200,
            path="/api/v1/workflows*",
            body={"data": [{"id": "wf-1", "name": "Monthly\nreport"}, {"id": None}, 7, {"id": "wf-2", "name": None}]},
            times=2,
        )

        assert completed("run", "mon") == ["wf-1"]
        assert completed("run", "") == ["wf-1", "wf-2"]

    def test_those_of_the_sandbox_need_no_server(self, completed) -> None:
        assert completed("run", "--sandbox", "sl") == ["slow"]

    def test_those_of_sim_are_no_blocks_of_another_service(self, completed, sandbox: Sandbox) -> None:
        assert completed("batch", "run", "--service", "oomol", "") == []
        assert sandbox.requests == []

    def test_no_file_of_python_is_run(self, completed, tmp_path: Path) -> None:
        (tmp_path / "app.py").write_text("raise SystemExit('it ran')")

        assert completed("run", "--sandbox-app", str(tmp_path / "app.py"), "h") == []

    @pytest.mark.usefixtures("workspace")
    @pytest.mark.parametrize("fault", [{"status": 500}, {"status": 401}, {"status": 200, "body": "no json"}])
    def test_a_failure_completes_nothing(self, completed, sandbox: Sandbox, fault) -> None:
        sandbox.faults.add(**fault, times=None)

        assert completed("run", "he") == []
        assert len(sandbox.requests) == 1  # no retries

    @pytest.mark.parametrize("missing", ["SIM_API_KEY", "SIM_WORKSPACE_ID"])
    @pytest.mark.usefixtures("workspace")
    def test_without_a_key_or_a_workspace_nothing_is(self, completed, monkeypatch, missing: str) -> None:
        monkeypatch.delenv(missing)

        assert completed("run", "he") == []

    @pytest.mark.usefixtures("workspace")
    def test_a_server_that_is_too_slow_completes_nothing(self, completed, sandbox: Sandbox, monkeypatch) -> None:
        monkeypatch.setattr("simstudio.cli.completion._DEADLINE", 0.01)
        monkeypatch.setattr("simstudio.cli.completion._workflows", lambda ctx: never())

        assert completed("run", "he") == []


def never():
    import threading

    threading.Event().wait(0.2)
    yield "hello", "hello"


class TestProfiles:
    @pytest.fixture(autouse=True)
    def profiles(self, tmp_path: Path) -> Path:
        path = tmp_path / "config" / "simstudio" / "profiles.toml"
        path.parent.mkdir(parents=True)
        path.write_text('[profiles.home]\nbase_url = "https://a.test"\n[profiles.work]\nbase_url = "https://b.test"\n')
        return path

    @pytest.mark.parametrize("words", [["--profile"], ["usage", "--profile"], ["profiles", "use"]], ids=" ".join)
    def test_their_names_are_completed(self, completed, words: list[str]) -> None:
        assert completed(*words, "w") == ["work"]

    def test_a_broken_file_completes_nothing(self, completed, profiles: Path) -> None:
        profiles.write_text("[[[")

        assert completed("--profile", "w") == []


@pytest.mark.external
@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("shell", "setup"),
    [
        ("bash --norc", 'eval "$(simstudio completion bash)"'),
        ("zsh -f", 'autoload -Uz compinit && compinit -u; eval "$(simstudio completion zsh)"'),
        ("fish --no-config", "simstudio completion fish | source"),
    ],
    ids=["bash", "zsh", "fish"],
)
def test_the_tab_key_completes_in_a_real_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, setup: str
) -> None:
    import pexpect

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    terminal = pexpect.spawn(f"{shell} -i", encoding="utf-8", timeout=60)
    try:
        terminal.sendline(f"{setup}; echo rea''dy")
        terminal.expect("ready")
        terminal.send("simstudio workflows describe hel\t")
        terminal.expect("describe hello")
    finally:
        terminal.close(force=True)


def test_operations_are_completed(completed) -> None:
    assert "v2.workflows.list" in completed("call", "v2.workflows.l")
