"""Python files that define a sandbox: ``simstudio sandbox app.py``, ``--sandbox-app app.py``."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from simstudio.cli.failures import CommandError
from simstudio.sandbox import Sandbox
from simstudio.sandbox.local_service import LocalService

_MODULE = "simstudio_sandbox_app"
_NONE = "{path} defines no Sandbox. Write: from simstudio.sandbox import Sandbox; sandbox = Sandbox()"


def load_sandbox(path: Path) -> Sandbox:
    """Run a Python file and find its sandbox: the one named ``sandbox``, or its only one.

    The file's directory can be imported from, as when Python runs the file itself.

    Raises:
        CommandError: The file is no Python file, raises, or leaves open which sandbox is meant.
    """
    found = [each for each in load_sandboxes(path) if isinstance(each, Sandbox)]
    if not found:
        raise CommandError(_NONE.format(path=path))
    return found[0]


def load_sandboxes(path: Path) -> list[LocalService]:
    """Run a Python file and find its sandboxes, of Sim and of other services; of each service at most one.

    Raises:
        CommandError: The file is no Python file, raises, or leaves open which sandbox of a service is meant.
    """
    module = _run(path)
    found: dict[str, list[tuple[str, LocalService]]] = {}
    for name, value in vars(module).items():
        if isinstance(value, LocalService) and value not in [each for _, each in found.get(value.service, [])]:
            found.setdefault(value.service, []).append((name, value))
    if not found:
        raise CommandError(_NONE.format(path=path))
    return [_only(path, each) for each in found.values()]


def _only(path: Path, found: list[tuple[str, LocalService]]) -> LocalService:
    named = [value for name, value in found if name == "sandbox"]
    if len(found) > 1 and not named:
        names = ", ".join(name for name, _ in found)
        raise CommandError(f"{path} defines several sandboxes ({names}). Name the one to serve: sandbox = …")
    return (named or [value for _, value in found])[0]


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_MODULE, path.resolve())
    if spec is None or spec.loader is None:
        raise CommandError(f"{path} is no Python file: its name must end with .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # as import does: dataclasses and pickles look there
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CommandError(f"{path} cannot be run{_place(error, path)}: {_describe(error)}.") from error
    return module


def _place(error: BaseException, path: Path) -> str:
    """The line of the file that raised, for an author who is just writing it."""
    if isinstance(error, SyntaxError):
        return f" (line {error.lineno})"
    file = str(path.resolve())
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" (line {lines[-1]})" if lines else ""


def _describe(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text.rstrip('.')}" if text else type(error).__name__
