"""SpeedPix's own package, documented and newest, as a client of the sandbox, and ours beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox
from simstudio.services import speedpix
from tests.modes import both_modes
from tests.services.official import install_official, run_program

pytestmark = pytest.mark.external

PACKAGES = {"documented": "speedpix==1.0.0", "newest": "speedpix==1.0.4"}
REQUIRED = ("dataclass-wizard==0.35.0", "aiofiles")
"""Newer versions of dataclass-wizard rename the keys of replies, and the package then reads none."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: install_official(tmp_path_factory.mktemp(name), each, *REQUIRED) for name, each in PACKAGES.items()}


def served(module: str, mode: str, folder: Path, path: Path | None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the program printed, the bodies of its signed requests but polls, and its uploads."""
    sandbox = SpeedPixSandbox(states=())
    sandbox.workflow("paint")(lambda inputs: {"images": {"url": Media(inputs["prompt"].encode(), "out.png")}})
    sandbox.workflow("size")(lambda inputs: {"fetched": "/files/tmp/" in inputs["image"]})
    with sandbox.serve() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        printed = run_program("-m", "tests.services.speedpix.official_program", module, mode, str(folder), path=path)
        printed = printed.replace(server.origin, "https://speedpix.test")
        sent = [
            (request.path, request.headers.get("x-sp-resource-config-id"), json.loads(request.body))
            for request in server.requests
            if request.path.startswith("/scc/") and not request.path.startswith("/scc/comfy_get")
        ]
        bodies = json.loads(json.dumps(sent).replace(server.origin, "https://speedpix.test"))
    return json.loads(printed), bodies, list(sandbox.uploads.values())


@both_modes
@pytest.mark.parametrize("package", PACKAGES)
def test_a_program_of_the_official_package_runs_against_the_sandbox_and_ours_does_the_same(
    package: str, mode: str, installed: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    theirs, their_requests, their_uploads = served("speedpix", mode, tmp_path, installed[package], monkeypatch)
    found, requests, uploads = served("simstudio.services.speedpix", mode, tmp_path, None, monkeypatch)

    assert theirs["failed"] == ["task-4", "failed", "it broke", "NODE_1"]
    assert theirs["content"] == theirs["saved"] == "a cat"
    assert found == theirs
    if package == "documented":  # it sends the alias "main" beside a version, which the newest does not
        their_requests[1][2]["alias_id"] = None
    assert requests == their_requests
    assert uploads == their_uploads


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_of_the_package_are_ours(package: str, installed: dict[str, Path]):
    program = "import json, speedpix; print(json.dumps(speedpix.__all__))"
    names = set(json.loads(run_program("-c", program, path=installed[package])))
    internal = {name for name in names if name.startswith("Comfy")} | {
        "Namespace", "async_encode_json", "encode_json", "transform_output",
    }  # fmt: skip
    assert names - internal <= set(speedpix.__all__)
