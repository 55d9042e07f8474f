"""Oomol's own package, documented and newest, as a client of the sandbox, and ours beside it."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.services import oomol
from tests.services.official import install_official, run_program

pytestmark = pytest.mark.external

PACKAGES = {"manifest": "oomol-connect-sdk==1.0.1", "blockId": "oomol-connect-sdk==1.0.3"}
"""The documented and the newest version, by the field in which they send a block id."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {field: install_official(tmp_path_factory.mktemp(field), name) for field, name in PACKAGES.items()}


def served(module: str, client: str, field: str, path: Path | None) -> tuple[dict[str, Any], list[Any]]:
    """What the program printed, and its requests; several polls in a row are one."""
    with OomolSandbox().serve() as server:
        arguments = ("-m", "tests.services.oomol.official_program", module, client, field)
        printed = run_program(*arguments, server.base_url, server.sandbox.api_token, path=path)
        sent = [(request.method, request.path, request.body) for request in server.requests]
    requests = [(method, path, json.loads(body) if body else None) for (method, path, body), _ in groupby(sent)]
    return json.loads(printed), requests


@pytest.mark.parametrize("field", PACKAGES)
def test_a_program_of_the_official_package_runs_against_the_sandbox_and_ours_does_the_same(
    field: str, installed: dict[str, Path]
):
    theirs, their_requests = served("oomol_connect_sdk", "OomolConnectClient", field, installed[field])
    found, requests = served("simstudio.services.oomol", "AsyncOomolConnectClient", field, None)

    assert theirs["sandbox::fail"][1] == "failed"
    assert theirs["sandbox::nothing"] == [404, "There is no block or flow 'sandbox::nothing'"]
    other = {"blocks"} if field == "manifest" else set()  # without an id and a version in the documented package
    assert {name for name, value in theirs.items() if found[name] != value} == other
    assert writes(requests) == writes(their_requests)


def writes(requests: list[Any]) -> list[Any]:
    """Requests that change something. Ours reads logs less often, and a failed task's log for its reason."""
    return [request for request in requests if request[0] == "POST"]


@pytest.mark.parametrize("field", PACKAGES)
def test_the_names_of_the_package_are_ours(field: str, installed: dict[str, Path]):
    program = "import json, oomol_connect_sdk; print(json.dumps(oomol_connect_sdk.__all__))"
    assert set(json.loads(run_program("-c", program, path=installed[field]))) <= set(oomol.__all__)
