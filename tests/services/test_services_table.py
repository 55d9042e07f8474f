"""The table of ``examples/services.md``: each name in each cell is executed, on both kinds of client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simstudio.cli.app import application
from simstudio.sandbox import Sandbox
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from tests.modes import both_modes
from tests.services.table_cells import OOMOL, SIM, SPEEDPIX, VECTORVEIN, Cell, Do

GUIDE = Path(__file__).parents[2] / "examples" / "services.md"
CELLS: Mapping[str, Mapping[str, Cell]] = {
    "Sim": SIM,
    "Oomol Connect": OOMOL,
    "SpeedPix": SPEEDPIX,
    "VectorVein": VECTORVEIN,
}
COMMANDS = {
    "simstudio run": "hello --input name=Ada",
    "simstudio oomol run": "sandbox::echo --input n=1",
    "simstudio speedpix run": "echo --input n=1",
    "simstudio vectorvein run": "hello --input n.Name=Ada",
}


def oomol() -> OomolSandbox:
    sandbox = OomolSandbox()
    sandbox.applet("a-1", "sandbox::echo")
    return sandbox


def speedpix() -> SpeedPixSandbox:
    sandbox = SpeedPixSandbox(states=())
    sandbox.workflow("paint")(lambda inputs: {"url": Media(inputs["prompt"].encode(), "cat.png")})
    return sandbox


SANDBOXES: Mapping[str, Any] = {
    "Sim": Sandbox,
    "Oomol Connect": oomol,
    "SpeedPix": speedpix,
    "VectorVein": lambda: VectorVeinSandbox(polls=0),
}


def rows() -> list[tuple[str, dict[str, list[str]]]]:
    """The rows of the table: the feature, and the names in each service's cell."""
    _, table = GUIDE.read_text(encoding="utf-8").split("## What each service can do")
    lines = [line.strip("|").split("|") for line in table.splitlines() if line[:1] == "|"]
    head, _, *body = [[cell.strip() for cell in line] for line in lines]
    return [
        (feature, {service: re.findall("`([^`]+)`", cell) for service, cell in zip(head[1:], cells, strict=True)})
        for feature, *cells in body
    ]


NAMES = [(service, name) for _, cells in rows() for service, names in cells.items() for name in names]


def test_the_table_and_the_cells_that_are_executed_are_the_same() -> None:
    shown = {service: {name for found, name in NAMES if found == service} for service in CELLS}

    assert shown == {
        service: {*cells, *(name for name in COMMANDS if name in shown[service])} for service, cells in CELLS.items()
    }
    assert {name for names in shown.values() for name in names if name.startswith("simstudio ")} == set(COMMANDS)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Any]]:
    started = {service: make().serve().start() for service, make in SANDBOXES.items()}
    yield started
    for server in started.values():
        server.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are asked for at short intervals."""
    monkeypatch.setattr("simstudio.core.polling.PollSchedule.delay", lambda *_, **__: 0.01)


@both_modes
@pytest.mark.parametrize(("service", "name"), [(service, name) for service, cells in CELLS.items() for name in cells])
def test_a_cell(servers: dict[str, Any], mode: str, service: str, name: str, tmp_path: Path) -> None:
    server = servers[service]
    cell = CELLS[service][name]
    if mode == "sync":
        with server.client() as client:
            assert cell(Do(server, client, tmp_path, None))
        return
    loop = asyncio.new_event_loop()
    try:
        client = server.async_client()
        assert cell(Do(server, client, tmp_path, loop))
        loop.run_until_complete(client.aclose())
    finally:
        loop.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(servers: dict[str, Any], command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for server in servers.values():
        for variable, value in server.environ.items():
            monkeypatch.setenv(variable, value)

    result = CliRunner().invoke(application, [*command.split()[1:], *COMMANDS[command].split()])

    assert result.exit_code == 0, result.output
