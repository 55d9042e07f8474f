"""Beside the official ``simstudio-sdk``, which has our import name: each side has a virtual environment of its own.

The environments are built from the package index, in the directory that ``--cache`` names (kept, and used again) or a
temporary one, never inside the repository. A peer that cannot be installed fails the benchmark; nothing is skipped.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks.measures import Row, alternate, server

PEER = "simstudio-sdk==0.2.1"
REPOSITORY = Path(__file__).resolve().parents[2]
CALLER = Path(__file__).with_name("caller.py")
CALLS, ROUNDS, STARTS = 300, 5, 25
PROCESSES = 5
"""A side is measured in so many, one after another: two of the same program may differ by a third."""

FIRST_RESULT = """
from simstudio import SimStudioClient
client = SimStudioClient("key", {base!r})
print({call}("wf", {{"message": "hi", "count": 21}}).output, flush=True)
"""


class Official:
    """The measures that need the official package.

    Args:
        cache: Where the environments live; a temporary directory where it is not given.
    """

    def __init__(self, cache: Path | None = None) -> None:
        if cache is not None and cache.resolve().is_relative_to(REPOSITORY):
            raise ValueError(f"{cache} is inside the repository; environments are built elsewhere.")
        self._temporary = tempfile.TemporaryDirectory(prefix="simstudio-benchmarks-") if cache is None else None
        self._directory = Path(self._temporary.name) if self._temporary is not None else (cache or Path()).resolve()
        self._built: dict[str, str] = {}

    @property
    def measures(self) -> tuple[Callable[[], list[Row]], ...]:
        """All of them."""
        return (self.call_against_sdk, self.start_against_sdk)

    def close(self) -> None:
        """Remove the environments, if they are temporary."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def call_against_sdk(self) -> list[Row]:
        """CPU of a typed synchronous call."""
        own, peer = self._own(), self._peer()
        found = self._cpu({"default": own, "default_v2": own, "official": peer, "standard": peer})
        name = "CPU of a typed sync call ÷ `simstudio-sdk` 0.2.1"
        detail = (
            f"{found['default']:.0f} µs ÷ {found['official']:.0f} µs; over v2, {found['default_v2']:.0f} µs; "
            f"`http.client`, bare: {found['standard']:.0f} µs"
        )
        return [Row(name, found["default"] / found["official"], 0.5, "", detail)]

    def start_against_sdk(self) -> list[Row]:
        """From the start of the interpreter to the first result printed."""
        with server() as base:
            own = FIRST_RESULT.format(base=base, call="client.workflows.execute")
            official = FIRST_RESULT.format(base=base, call="client.execute_workflow")
            sides = {"own": _started(self._own(), own), "official": _started(self._peer(), official)}
            alternate(sides, 2)
            found = alternate(sides, STARTS)
        detail = f"{found['own']:.0f} ms ÷ {found['official']:.0f} ms"
        name = "interpreter start to first result ÷ `simstudio-sdk`"
        return [Row(name, found["own"] / found["official"], 1.15, "", detail)]

    def _cpu(self, pythons: dict[str, str]) -> dict[str, float]:
        found: dict[str, list[float]] = {side: [] for side in pythons}
        for _ in range(PROCESSES):
            with server() as base, ExitStack() as stack:
                sides = {side: stack.enter_context(_caller(python, side, base)) for side, python in pythons.items()}
                for side, value in alternate(sides, ROUNDS).items():
                    found[side].append(value)
        return {side: statistics.median(values) for side, values in found.items()}

    def _peer(self) -> str:
        return self._environment("peer", PEER)

    def _own(self) -> str:
        """This repository as users get it: built, installed, compiled."""
        return self._environment("own", str(REPOSITORY))

    def _environment(self, name: str, requirement: str) -> str:
        """The interpreter of an environment that holds a requirement.

        Raises:
            RuntimeError: It cannot be installed.
        """
        if name not in self._built:
            home = self._directory / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
            python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
            if not python.exists():
                venv.create(home, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*install, requirement])
            if name.startswith("own"):  # of the same version as before, and yet another
                _run([*install, "--force-reinstall", "--no-deps", requirement])
            self._built[name] = str(python)
        return self._built[name]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, cwd=tempfile.gettempdir(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{done.stderr[-2000:]}")


@contextmanager
def _caller(python: str, side: str, base: str) -> Iterator[Callable[[], float]]:
    """A run that gives the CPU microseconds of one call of a side, in a process that lives as long as this."""
    command = [python, "-I", str(CALLER), side, base]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None

        def line() -> str:
            said = stdout.readline()
            if not said:
                raise RuntimeError(f"the side {side!r} failed:\n{stderr.read()[-2000:]}")
            return said.strip()

        def run() -> float:
            stdin.write(f"{CALLS}\n")
            stdin.flush()
            return float(line())

        try:
            assert line() == "ready"
            yield run
        finally:
            process.terminate()


def _started(python: str, code: str) -> Callable[[], float]:
    """A run that gives the milliseconds from the start of an interpreter to the first line it printed."""

    def run() -> float:
        command = [python, "-I", "-c", code]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            printed = process.stdout.readline()
            took = (time.perf_counter() - started) * 1e3
            if "42" not in printed:
                raise RuntimeError(f"no result was printed:\n{process.stderr.read()[-2000:]}")
        return took

    return run
