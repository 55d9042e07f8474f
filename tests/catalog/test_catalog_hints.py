"""Hints in messages: the calls, arguments, commands and options that they name exist, for whoever reads them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

import simstudio
from simstudio.cli.app import application
from simstudio.cli.failures import in_words
from simstudio.services.oomol import OomolConnectClient
from simstudio.services.speedpix import SpeedPixClient
from simstudio.services.vectorvein import VectorVeinClient

PACKAGE = Path(simstudio.__file__).parent
GAP = "\0"
"""Stands where a message shows a value."""
_ARGUMENTS = r"\(((?:[^()]|\([^()]*\))*)\)"
CALL = re.compile(rf"\bclient\.((?:\w+\.)*\w+){_ARGUMENTS}")
ARGUMENT = re.compile(r"(?<![\w.&?'\"-])([a-z][a-z_]+)=(?=[\s.,;:)]|$)")
COMMAND = re.compile(r"\bsimstudio((?: (?!or\b|and\b)[a-z][a-z-]+)+)((?: +[^|;\n]*)?)")
PYTHON_ONLY = {
    *("api_key", "claims", "context_id", "executor", "format", "headers", "http_client", "input", "middleware"),
    *("on_result", "progress", "session"),
}
"""Arguments that a call of the command line never has, or whose messages it writes itself."""
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z](?![\w-])")


TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))}


def texts(*rooms: str) -> Iterator[tuple[str, str]]:
    """The texts of the package's modules that are no docstrings, each with its module."""
    for module, tree in TREES.items():
        if not module.startswith("sandbox/") and (not rooms or module.startswith(rooms)):
            yield from ((module, text) for text in _texts(tree))


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        else:
            yield from _texts(node)


CLIENTS: Mapping[str, Any] = {
    "services/oomol": OomolConnectClient("http://localhost:3000/api", "token"),
    "services/speedpix": SpeedPixClient(app_key="key", app_secret="secret"),
    "services/vectorvein": VectorVeinClient("key"),
    "": simstudio.SimStudioClient("key"),
}
"""A client of the service that the modules with this prefix belong to."""


CALLS = sorted({(module, *found.groups()) for module, text in texts() for found in CALL.finditer(text)})


@pytest.mark.parametrize(("module", "name", "arguments"), CALLS)
def test_a_call_in_a_message_can_be_made(module: str, name: str, arguments: str) -> None:
    if name == "get_executor":
        return  # of a client of Dask
    method: Any = next(client for room, client in CLIENTS.items() if module.startswith(room))
    for part in name.split("."):
        method = getattr(method, part)
    given = [each for each in re.split(r",\s*", arguments) if each and each != "…"]
    named = {each.partition("=")[0]: None for each in given if re.match(r"\w+=", each)}
    inspect.signature(method).bind_partial(*given[: len(given) - len(named)], **named)


def test_no_message_of_v1_names_a_call_of_v2() -> None:
    """Servers of before August 2026 have no v2, and later ones may have it switched off."""
    found = [text for module, text in texts("resources/v1/", "resources/dialects/legacy") if "client.v2." in text]
    assert found == []


def _parameters() -> set[str]:
    """The names of all parameters and fields of the package."""
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    fields = {each.target.id for each in nodes if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)}
    return fields | {each.arg for each in nodes if isinstance(each, ast.arg)}


def test_an_argument_in_a_message_exists() -> None:
    known = _parameters()
    named = {(module, name) for module, text in texts() if " " in text for name in ARGUMENT.findall(text)}
    assert len(named) > 30
    assert sorted(each for each in named if each[1] not in known) == []


def test_the_command_line_shows_no_arguments_and_calls() -> None:
    rooms = ("batch/", "core/", "models/", "resources/", "transport/")
    shown = [in_words(text.replace(GAP, "'x'")) for _, text in texts(*rooms) if " " in text]
    assert {name for text in shown for name in ARGUMENT.findall(text)} <= PYTHON_ONLY
    named = {found[1] for text in shown for found in CALL.finditer(text)}
    assert named == {"get_executor", "jobs.wait", "traces.get", "v2.runs.wait"}  # it names commands instead


NAMED = {found.groups() for _, text in texts() for found in COMMAND.finditer(text)}
COMMANDS = sorted(each for each in NAMED if each[0].split()[0] in application.commands)
"""The words and the rest of the line. What follows the name of the package elsewhere is no command."""
OF_OPERATIONS = frozenset(("--arguments", "--workspace-id"))
"""Options of ``simstudio call``, which each operation has of its own."""


@pytest.mark.parametrize(("words", "rest"), COMMANDS)
def test_a_command_in_a_message_exists_and_has_its_options(words: str, rest: str) -> None:
    command, known = _find(words.split())
    assert not isinstance(command, click.Group) or command.invoke_without_command
    named = set(OPTION.findall(rest.partition(". ")[0]))
    assert named <= (known | OF_OPERATIONS if words.split() == ["call"] else known)


def _find(words: list[str]) -> tuple[click.Command, set[str]]:
    """The command of some words, and the options that it and its groups have."""
    command: click.Command = application
    known = _options(application)
    for word in words:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        command = found
        known |= _options(command)
    return command, known


def _options(command: click.Command) -> set[str]:
    return {"--help", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}


def _all_options(command: click.Command) -> set[str]:
    found = _options(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            found |= _all_options(inner) if inner is not None else set()
    return found


def test_an_option_in_a_message_exists() -> None:
    named = {(module, name) for module, text in texts("cli/") for name in OPTION.findall(text)}
    known = _all_options(application) | OF_OPERATIONS
    assert sorted(each for each in named if each[1] not in known) == []
