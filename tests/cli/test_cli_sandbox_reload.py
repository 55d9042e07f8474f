"""``simstudio sandbox --reload``: edited functions, kept state."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simstudio.cli.apps import load_sandboxes
from simstudio.cli.sandbox_reload import Reloader

APP = """
from simstudio.sandbox import Sandbox
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from reloaded_words import WORD

sandbox, oomol, speedpix, vectorvein = Sandbox(), OomolSandbox(), SpeedPixSandbox(states=()), VectorVeinSandbox(polls=0)

@sandbox.workflow("it")
def it(input):
    return WORD

@sandbox.workflow("gone")
def gone(input):
    return WORD

oomol.block("a::it")(lambda inputs: {"word": WORD})
speedpix.workflow("it")(lambda inputs: {"word": WORD})
vectorvein.workflow("it")(lambda inputs: {"word": WORD})
"""


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Write a file of the app, later than all writes before."""
    times = iter(range(1_000_000_000, 1_000_000_100))

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.write_text(text)
        os.utime(path, ns=(next(times) * 10**9,) * 2)

    write("reloaded_words.py", "WORD = 'one'")
    write("app.py", APP)
    before = list(sys.path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield write
    sys.path[:] = before
    sys.modules.pop("reloaded_words", None)


@pytest.fixture
def servers(edit: object, tmp_path: Path) -> Iterator[dict[str, Any]]:
    found = {each.service: each.serve().start() for each in load_sandboxes(tmp_path / "app.py")}
    yield found
    for server in found.values():
        server.close()


@pytest.fixture
def reloader(servers: dict[str, Any], tmp_path: Path) -> Reloader:
    return Reloader(tmp_path / "app.py", list(servers.values()))


def words(servers: dict[str, Any]) -> set[str]:
    """What the functions of all services return."""
    with servers["sim"].client() as sim, servers["oomol"].client() as oomol:
        found = {sim.workflows.execute("it").output}
        found.add(oomol.tasks.run({"blockId": "a::it", "inputValues": {}})["result"]["word"])
    with servers["speedpix"].client() as speedpix, servers["vectorvein"].client() as vectorvein:
        found.add(speedpix.run("it", {})["word"])
        found.add(vectorvein.workflows.run("it", []).data[0].value)
    return found


def test_a_module_of_the_app_that_changes_changes_the_functions_and_nothing_else(
    servers: dict[str, Any], reloader: Reloader, edit: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with servers["sim"].client() as client:
        run = client.workflows.run("it").execution_id
        client.request("POST", "/api/v2/workflows/it/deploy", json={})
        reloader.check()
        assert capsys.readouterr().err == ""
        assert words(servers) == {"one"}

        edit("reloaded_words.py", "WORD = 'second'")
        reloader.check()

        assert capsys.readouterr().err.startswith("simstudio: reloaded ")
        assert words(servers) == {"second"}
        assert client.traces.get(run) is not None
        assert len(client.request("GET", "/api/v2/workflows/it/versions")["data"]) == 2


def test_functions_that_are_removed_and_added_are_so(
    servers: dict[str, Any], reloader: Reloader, edit: Callable[[str, str], None]
) -> None:
    edit("app.py", APP.replace('workflow("gone")', 'workflow("new")'))
    reloader.check()

    assert list(servers["sim"].sandbox.workflows)[-2:] == ["it", "new"]
    with servers["sim"].client() as client:
        assert client.workflows.execute("new").output == "one"
        assert client.workflows.validate("gone") is False


def test_an_app_that_cannot_be_loaded_is_told_and_changes_nothing(
    servers: dict[str, Any], reloader: Reloader, edit: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    edit("app.py", "def broken(")
    reloader.check()
    reloader.check()

    told = capsys.readouterr().err
    assert told.startswith("simstudio: not reloaded: ")
    assert "(line 1): SyntaxError" in told
    assert told.count("not reloaded") == 1
    assert words(servers) == {"one"}


def test_an_app_that_raises_an_interruption_is_told_as_well(
    servers: dict[str, Any], reloader: Reloader, edit: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    edit("app.py", "raise KeyboardInterrupt")
    reloader.check()
    assert "not reloaded: " in capsys.readouterr().err
    assert words(servers) == {"one"}
