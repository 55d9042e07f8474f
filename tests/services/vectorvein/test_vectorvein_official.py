"""VectorVein's own packages, the documented and the newest one, as clients of the sandbox, and ours beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox.services.vectorvein import PREFIX, VectorVeinSandbox
from simstudio.sandbox.services.vectorvein_records import ROUTES
from simstudio.services import vectorvein
from tests.modes import both_modes
from tests.services.official import install_official

pytestmark = pytest.mark.external

PACKAGES = {"documented": "vectorvein==0.2.1", "newest": "vectorvein-sdk==0.3.91"}
OURS = "simstudio.services.vectorvein"
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The directory of each package."""
    return {
        name: install_official(tmp_path_factory.mktemp(name), requirement, "pycryptodome")
        for name, requirement in PACKAGES.items()
    }


def served(module: str, mode: str, path: Path | None) -> tuple[dict[str, Any], list[tuple[str, str, Any]]]:
    """What the program printed, and the requests that it sent."""
    sandbox = VectorVeinSandbox(polls=0, clock=lambda: 1_700_000_000.0)
    sandbox.workflow("both")(dict)

    @sandbox.workflow("broken")
    def broken(inputs: Any) -> None:
        raise RuntimeError("the database is on fire")

    with sandbox.serve() as server:
        command = [sys.executable, "-m", "tests.services.vectorvein.official_program", module, mode, server.base_url]
        environment = {**os.environ, "PYTHONPATH": "" if path is None else str(path), "NO_PROXY": "*"}
        ran = subprocess.run(
            [*command, sandbox.api_key],
            check=False, cwd=REPOSITORY, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout), [
            (request.method, request.path.removeprefix(f"{PREFIX}/"), content_of(request.body))
            for request in server.requests
        ]


def content_of(body: bytes) -> Any:
    """A body for comparison. Ours never makes the server wait, and sends no null for what was not given."""
    if not body.startswith(b"{"):
        return None
    return {**without_none(json.loads(body)), "wait_for_completion": None}


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


def has_all(ours: Any, theirs: Any) -> bool:
    """Whether a result of ours has everything that theirs has."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(name in ours and has_all(ours[name], value) for name, value in theirs.items())
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(has_all, ours, theirs))
    return bool(ours == theirs)


@both_modes
@pytest.mark.parametrize("package", PACKAGES)
def test_a_program_of_the_official_package_runs_against_the_sandbox(
    package: str, mode: str, installed: dict[str, Path]
):
    found, requests = served("vectorvein.api", mode, installed[package])

    assert (found["broken"], found["no such workflow"], found["gone"]) == (500, 404, True)
    outputs = found["result"]["data"]
    assert [(each["title"], each["value"]) for each in outputs] == [("n.Name", "Ada"), ("m.Name", "Bob")]
    if package == "newest":
        never = {"workflow/resume-run", "task-agent/agent/public-list"}
        assert {path for _, path, _ in requests} == ROUTES.keys() - never
        assert found["agent"]["default_compress_memory_after_tokens"] == 128000
        assert found["files"]["files"][0]["key"] == "out/a.txt"


def test_ours_sends_the_requests_of_the_newest_package_and_returns_the_same(installed: dict[str, Path]):
    theirs, their_requests = served("vectorvein.api", "sync", installed["newest"])
    found, requests = served(OURS, "sync", None)

    assert requests == their_requests
    assert has_all(without_none(found), without_none(theirs))


SIGNATURES = """
import inspect, json, sys
from vectorvein.api import VectorVeinClient

def shown(each):
    if each.kind is each.VAR_KEYWORD:
        return f"**{each.name}"
    return each.name if each.default is each.empty else f"{each.name}={each.default!r}".replace(" ", "␠")

found = {}
for name in json.load(sys.stdin):
    parameters = inspect.signature(getattr(VectorVeinClient, name)).parameters.values()
    found[name] = " ".join(map(shown, list(parameters)[1:]))
json.dump(found, sys.stdout)
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_the_digest_of_signatures_is_that_of_the_package(package: str, installed: dict[str, Path]):
    digest = json.loads(Path(__file__).with_name("official_signatures.json").read_text(encoding="utf-8"))
    methods = digest[PACKAGES[package].replace("==", " ")]

    assert json.loads(run_with(installed[package], SIGNATURES, json.dumps(list(methods)))) == methods


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_of_the_package_are_ours(package: str, installed: dict[str, Path]):
    names = run_with(installed[package], "import json, vectorvein.api; print(json.dumps(vectorvein.api.__all__))")

    assert set(json.loads(names)) <= set(vectorvein.__all__)


def run_with(packages: Path, program: str, given: str = "") -> str:
    """What a program that imports a package prints."""
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, check=True, env=environment, input=given, capture_output=True, encoding="utf-8"
    ).stdout
