"""VectorVein's own packages, the documented and the newest one, as clients of the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox.services.vectorvein_records import ROUTES
from simstudio.services import vectorvein
from tests.modes import both_modes
from tests.services.official import install_official
from tests.services.vectorvein.official_wire import digest, new_sandbox, requests_of, without_none

pytestmark = pytest.mark.external

PACKAGES = {"documented": "vectorvein==0.2.1", "newest": "vectorvein-sdk==0.3.91"}
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The directory of each package."""
    return {
        name: install_official(tmp_path_factory.mktemp(name), requirement, "pycryptodome")
        for name, requirement in PACKAGES.items()
    }


def served(mode: str, path: Path) -> tuple[list[Any], dict[str, Any]]:
    """The requests that the program sent, and what it printed."""
    with new_sandbox().serve() as server:
        command = [sys.executable, "-m", "tests.services.vectorvein.official_program"]
        environment = {**os.environ, "PYTHONPATH": str(path), "NO_PROXY": "*"}
        ran = subprocess.run(
            [*command, "vectorvein.api", mode, server.base_url, server.sandbox.api_key],
            check=False, cwd=REPOSITORY, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return requests_of(server), without_none(json.loads(ran.stdout))


@both_modes
def test_the_newest_package_runs_against_the_sandbox_and_the_digest_is_what_it_sends_and_gets(
    mode: str, installed: dict[str, Path]
):
    requests, results = served(mode, installed["newest"])

    assert {path for _, path, _ in requests} == ROUTES.keys() - {"workflow/resume-run", "task-agent/agent/public-list"}
    assert (requests, results) == digest()


@both_modes
def test_the_documented_package_runs_against_the_sandbox(mode: str, installed: dict[str, Path]):
    requests, results = served(mode, installed["documented"])

    assert (results["broken"], results["no such workflow"], results["gone"]) == (500, 404, True)
    outputs = results["result"]["data"]
    assert [(each["title"], each["value"]) for each in outputs] == [("n.Name", "Ada"), ("m.Name", "Bob")]
    assert requests == digest()[0][: len(requests)]


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
    signatures = json.loads(Path(__file__).with_name("official_signatures.json").read_text(encoding="utf-8"))
    methods = signatures[PACKAGES[package].replace("==", " ")]

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
