"""Which room may import which, counted over every import: at the top, under TYPE_CHECKING, inside functions."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import simstudio

PACKAGE = Path(simstudio.__file__).parent
BELOW_MODELS = {"transport", "core", "batch", "traces"}
MAY_IMPORT: dict[str, set[str]] = {
    "_version": set(),
    "transport": {"_version"},
    "core": {"_version", "transport"},
    "batch": {"_version", "transport", "core"},
    "traces": {"core"},
    "models": BELOW_MODELS,
    "errors": BELOW_MODELS | {"models"},
    "resources": BELOW_MODELS | {"models", "errors"},
    "telemetry": BELOW_MODELS | {"_version"},
    "webhooks": BELOW_MODELS | {"models", "errors"},
    "catalog": BELOW_MODELS | {"models", "errors", "resources"},
    "client": BELOW_MODELS | {"models", "errors", "resources"},
    "services": {"_version", "transport", "core", "batch"},
}
MAY_IMPORT["codegen"] = BELOW_MODELS | {"models", "errors", "resources"}
MAY_IMPORT["workflow_files"] = BELOW_MODELS | {"models", "errors", "resources", "client"}
MAY_IMPORT["sandbox"] = {*MAY_IMPORT, "simstudio"}
MAY_IMPORT["testing"] = {*MAY_IMPORT, "simstudio"}
MAY_IMPORT["cli"] = {*MAY_IMPORT, "simstudio"}
PAIRS: dict[tuple[str, str], str] = {
    ("simstudio.transport.errors", "simstudio.transport.message"): "an error holds the response that it is about",
    ("simstudio.resources.handles", "simstudio.resources.jobs"): "a handle asks its namespace",
    (
        "simstudio.services.speedpix.prediction",
        "simstudio.services.speedpix.resources.predictions",
    ): "a run asks its namespace",
    (
        "simstudio.services.vectorvein.resources.task_runs",
        "simstudio.services.vectorvein.resources.agent_tasks",
    ): "a run asks its namespace",
    (
        "simstudio.sandbox.definitions.exchange",
        "simstudio.sandbox.definitions.store",
    ): "the store makes the importer that adds to it",
}
"""A child that names the parent which makes it, and why. Five at most."""

Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, known: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            prefixes = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]  # a name may stand inside a module
            found = next((prefix for prefix in prefixes if prefix in known), None)
            if found is not None:
                yield found


@functools.cache
def graph() -> Graph:
    known = modules()
    return {name: set(imports_of(path, known)) - {name} for name, path in known.items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def circles(edges: Graph) -> list[list[str]]:
    """The groups of modules each of which reaches the others."""
    reach: Graph = {}
    for start in edges:
        seen: set[str] = set()
        pending = list(edges[start])
        while pending:
            at = pending.pop()
            if at not in seen:
                seen.add(at)
                pending += edges.get(at, ())
        reach[start] = seen
    groups = {frozenset(b for b in reach[a] if a in reach.get(b, ())) for a in edges if a in reach[a]}
    return sorted(sorted(group) for group in groups)


def test_every_room_imports_only_what_lies_below_it() -> None:
    upward = [
        f"{module} -> {target}"
        for module, targets in graph().items()
        for target in targets
        if room(module) != "simstudio"  # the package's lazy names point everywhere
        and room(target) != room(module)
        and room(target) not in MAY_IMPORT[room(module)]
    ]
    assert upward == []


def test_services_do_not_import_each_other() -> None:
    crossing = [
        f"{module} -> {target}"
        for module, targets in graph().items()
        for target in targets
        if module.startswith("simstudio.services.")
        and target.startswith("simstudio.services.")
        and module.split(".")[2] != target.split(".")[2]
    ]
    assert crossing == []


def test_no_files_import_each_other_in_a_circle() -> None:
    edges = {name: set(targets) for name, targets in graph().items()}
    for child, parent in PAIRS:
        assert parent in edges[child], f"{child} no longer names {parent}: take it off the list"
        edges[child].discard(parent)
    assert len(PAIRS) <= 5
    assert circles(edges) == []
