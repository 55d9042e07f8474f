"""The examples in docstrings, all but those marked ``+SKIP``, give what they say."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import simstudio
from simstudio.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(simstudio.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    """Every module of the package."""
    found = [each.name for each in pkgutil.walk_packages([str(ROOT)], "simstudio.")]
    return ["simstudio", *(name for name in found if not name.endswith("__main__"))]


def examples() -> Iterator[doctest.DocTest]:
    """Every docstring with something to run. Read from the source: what decorators make hides docstrings."""
    parser = doctest.DocTestParser()
    for module in modules():
        file = ROOT.joinpath(*module.split(".")[1:])
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        for name, node in documented(ast.parse(file.read_text(encoding="utf-8")), module):
            text = ast.get_docstring(node)
            if text and ">>>" in text:
                line = node.body[0].lineno - 1
                test = parser.get_doctest(text, {}, name, str(file), line)
                if any(not example.options.get(doctest.SKIP) for example in test.examples):
                    yield test


def documented(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """A definition and those within it, by dotted name."""
    yield name, node
    for child in node.body:
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from documented(child, f"{name}.{child.name}")


def module_of(name: str) -> str:
    """The module that a dotted name stands in."""
    known = set(modules())
    while name not in known:
        name = name.rpartition(".")[0]
    return name


@pytest.mark.parametrize("test", [pytest.param(test, id=test.name) for test in examples()])
def test_the_example_of_a_docstring_gives_what_it_says(
    test: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)  # where cassettes are not recorded
    report: list[str] = []
    sandbox = Sandbox()

    @sandbox.workflow("wf")
    def echo(input: object) -> object:
        return input

    with sandbox.serve() as server, server.client() as client:
        assumed = {"Sandbox": Sandbox, "sandbox": sandbox, "client": client}  # what every docstring may speak of
        test.globs = {**vars(importlib.import_module(module_of(test.name))), **assumed}
        results = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)

    assert results.failed == 0, "".join(report)


def test_examples_are_found_in_every_kind_of_docstring():
    source = """
class Outer:
    def plain(self): "1"
    @decorated
    async def wrapped(self):
        "2"
        def inner(): "3"
"""
    found = {name: ast.get_docstring(node) for name, node in documented(ast.parse(source), "m")}

    assert found == {
        "m": None,
        "m.Outer": None,
        "m.Outer.plain": "1",
        "m.Outer.wrapped": "2",
        "m.Outer.wrapped.inner": "3",
    }
