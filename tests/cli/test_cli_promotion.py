"""examples/promote-workflow.yml: its steps, run as GitHub Actions runs them, on the sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from simstudio.sandbox import Sandbox, SandboxServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "promote-workflow.yml"
STAGING, PRODUCTION = "sk-sim-test-of-promotion", "ws-production"

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="GitHub's runners run steps in bash")

Values = dict[str, str]


def example() -> dict[str, Any]:
    return yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))


def steps() -> list[dict[str, Any]]:
    return example()["jobs"]["promote"]["steps"]


class Runner:
    """Runs the steps of a job that are commands, but for the one that installs."""

    def __init__(self, folder: Path, values: Values) -> None:
        self.folder = folder
        self.values = values
        self.printed = ""
        command = folder / "bin" / "simstudio"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m simstudio.cli "$@"\n')
        command.chmod(0o755)

    def run(self, step: Mapping[str, Any], everywhere: Mapping[str, str]) -> int:
        """Run one step; its exit code."""
        output = self.folder / "output"
        output.write_text("")
        given = {name: self._filled(text) for name, text in {**everywhere, **step.get("env", {})}.items()}
        known = {name: value for name, value in os.environ.items() if not name.startswith("SIM_")}
        process = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env={
                **known, **given, "GITHUB_OUTPUT": str(output),
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(EXAMPLE.parents[1]),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        self.printed += process.stdout + process.stderr
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step['id']}.outputs.{name}"] = value
        return process.returncode

    def run_all(self) -> list[int]:
        """Run step after step, until one fails; their exit codes."""
        codes = []
        for step in steps():
            if "run" in step and not step["run"].startswith("pip install"):
                codes.append(self.run(step, example()["jobs"]["promote"]["env"]))
                if codes[-1] != 0:
                    break
        return codes

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: self.values[found[1]], text)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(api_key=STAGING, workspaces=[PRODUCTION])


@pytest.fixture
def runner(tmp_path: Path, server: SandboxServer) -> Runner:
    values = {
        "secrets.SIM_STAGING_API_KEY": STAGING,
        "secrets.SIM_PRODUCTION_API_KEY": STAGING,
        "vars.SIM_STAGING_WORKSPACE_ID": server.sandbox.workspace_id,
        "vars.SIM_PRODUCTION_WORKSPACE_ID": PRODUCTION,
        "vars.SIM_BASE_URL": server.base_url,
        "inputs.workflow": "hello",
        "github.sha": "0f1e2d3c",
    }
    return Runner(tmp_path, values)


@needs_bash
def test_it_pulls_pushes_deploys_and_runs(runner: Runner, server: SandboxServer, tmp_path: Path) -> None:
    assert runner.run_all() == [0, 0, 0], runner.printed

    promoted = runner.values["steps.push.outputs.workflow"]
    with server.client(api_version="v2") as client:
        found = client.v2.workflows.get(promoted)
        (version,) = client.v2.workflows.versions.list(promoted)
    assert (found.workspace_id, found.name, found.is_deployed) == (PRODUCTION, "hello", True)
    assert (version.name, version.is_active) == ("0f1e2d3c", True)
    assert json.loads((tmp_path / "flows" / "workflows" / "hello.json").read_text())["name"] == "hello"
    assert '"message": "Hello, CI!"' in runner.printed


@needs_bash
def test_a_second_time_it_updates_the_same_workflow(runner: Runner, server: SandboxServer) -> None:
    with server.client(api_version="v2") as client:
        folder = client.v2.workflows.folders.create(server.sandbox.workspace_id, path="/Elsewhere")
        made = client.v2.workflows.create(PRODUCTION, name="hello", description="of yesterday")
        assert runner.run_all() == [0, 0, 0], runner.printed

        (found,) = client.v2.workflows.list(PRODUCTION)
        assert (found.id, found.description) == (made.id, client.v2.workflows.get("hello").description)
        assert folder.path not in [each.path for each in client.v2.workflows.folders.list(PRODUCTION)]
    assert runner.values["steps.push.outputs.workflow"] == made.id
    assert '"of yesterday" → ' in runner.printed


@needs_bash
def test_the_first_step_that_fails_ends_it(runner: Runner, server: SandboxServer) -> None:
    runner.values["vars.SIM_PRODUCTION_WORKSPACE_ID"] = "ws-nope"

    assert runner.run_all() == [0, 1]
    assert {each.method for each in server.requests} == {"GET"}


@needs_bash
def test_no_key_is_printed(runner: Runner, sandbox: Sandbox) -> None:
    sandbox.faults.add(status=500, body={"error": {"code": "X", "message": f"no {STAGING}"}}, path="*/deploy")

    assert runner.run_all()[-1] == 1
    assert STAGING not in runner.printed


def test_keys_are_secrets_and_are_given_to_the_steps_that_need_them_only() -> None:
    given = [step for step in steps() if "SIM_API_KEY" in step.get("env", {})]

    assert [step["env"]["SIM_API_KEY"] for step in given] == [
        "${{ secrets.SIM_STAGING_API_KEY }}",
        *["${{ secrets.SIM_PRODUCTION_API_KEY }}"] * 2,
    ]
    assert "sk-" not in EXAMPLE.read_text(encoding="utf-8")


def test_no_expression_stands_in_a_script() -> None:
    """What somebody types as an input would be run."""
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


class TestByHand:
    """The same, with a pipe instead of a file, in both versions of the API."""

    @pytest.fixture(params=["v1", "v2"], autouse=True)
    def environment(self, request: pytest.FixtureRequest, environment, server, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_VERSION", request.param)
        monkeypatch.setenv("SIM_API_KEY", STAGING)

    def test_an_export_is_piped_into_an_import(self, started, cli, server: SandboxServer) -> None:
        exporting = started("workflows", "export", "hello")
        words = ["--workspace", PRODUCTION, "--deploy", "--wait", "--id-only"]
        importing = started("workflows", "import", "-", *words, stdin=exporting.stdout)

        printed, said = importing.communicate()

        assert said.decode() == ""
        assert importing.returncode == 0
        ran = cli("run", printed.decode().strip(), "-i", "name=Ada")
        assert json.loads(ran.stdout) == {"message": "Hello, Ada!"}
