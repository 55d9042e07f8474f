"""Runs the blocks of one section in order: in one directory, one environment and, the Python ones, one namespace."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from tests.readme.blocks import Block

PATIENCE = 120.0
"""Seconds after which a block is taken to hang."""

_WORKER = Path(__file__).with_name("worker.py")
_NOT_INHERITED = re.compile(r"CI|COLUMNS|(PYTEST|SIM|COV)_.*|PYTHON(?!PATH).*", re.IGNORECASE)


class BlockError(AssertionError):
    """A block failed, or did not print what the Markdown file says."""


def environment(**more: str) -> dict[str, str]:
    """The environment of a user: this virtual environment first on PATH, nothing of the test run, and what is given."""
    inherited = {name: value for name, value in os.environ.items() if not _NOT_INHERITED.fullmatch(name)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**inherited, "PATH": path, "PYTHONUTF8": "1", "NO_COLOR": "1", **more}


class Section:
    """Runs blocks one after another. A context manager, because the Python namespace lives in a process.

    Args:
        directory: Where they run.
        env: Their environment.
        patience: Seconds that each may take.
    """

    def __init__(self, directory: Path, env: Mapping[str, str], *, patience: float = PATIENCE) -> None:
        self._directory = directory
        self._env = dict(env)
        self.patience = patience
        self._worker: subprocess.Popen[str] | None = None
        self._files = tempfile.TemporaryDirectory(prefix="readme-")
        self._printed, self._complaints = Path(self._files.name, "stdout"), Path(self._files.name, "stderr")

    def run(self, block: Block) -> str:
        """Run a block, and compare what it prints with the text that follows it.

        Returns:
            What it printed.

        Raises:
            BlockError: It failed, or printed something else.
        """
        kinds = {"python": self._python, "bash": self._bash, "pytest": self._pytest}
        printed = kinds[block.kind](block)
        if block.expected is not None:
            problem = difference(block.expected.code, printed)
            if problem:
                raise BlockError(f"{block.place} does not print what {block.expected.place} says:\n{problem}")
        return printed

    def _python(self, block: Block) -> str:
        if self._worker is None:
            self._worker = self._start()
        answer = self._ask(
            self._worker,
            {
                "file": str(block.file.resolve()),
                "line": block.line,
                "code": block.code,
                "run_main": block.leaves_main_to_us,
            },
        )
        if answer is None:
            complaints = self._complaints.read_text(encoding="utf-8", errors="replace")
            raise BlockError(
                f"{block.place} ended its interpreter, or took longer than {self.patience:g} s.\n{complaints}"
            )
        if answer["error"]:
            raise BlockError(f"{block.place} failed:\n{answer['stdout']}{answer['error']}")
        return str(answer["stdout"])

    def _start(self) -> subprocess.Popen[str]:
        self._printed.touch()
        with self._complaints.open("w", encoding="utf-8") as complaints:
            # Warnings are errors: nobody should meet one by pasting from the README.
            return subprocess.Popen(
                [sys.executable, "-W", "error", str(_WORKER), str(self._printed)],
                cwd=self._directory,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                encoding="utf-8",
            )

    def _ask(self, worker: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any] | None:
        assert worker.stdin is not None
        assert worker.stdout is not None
        watchdog = threading.Timer(self.patience, worker.kill)
        watchdog.start()
        try:
            worker.stdin.write(json.dumps(order) + "\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
        except BrokenPipeError:
            return None
        finally:
            watchdog.cancel()
        return json.loads(line) if line else None

    def _bash(self, block: Block) -> str:
        return self._program(block, ["bash", "-e", "-c", block.code])

    def _pytest(self, block: Block) -> str:
        file = self._directory / f"test_from_line_{block.line}.py"
        file.write_text(block.code, encoding="utf-8")
        options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(self._directory)]
        options += ["-o", "asyncio_default_fixture_loop_scope=function"]
        return self._program(block, [sys.executable, "-m", "pytest", *options, file.name])

    def _program(self, block: Block, command: list[str]) -> str:
        try:
            ended = subprocess.run(
                command,
                cwd=self._directory,
                env=self._env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=self.patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BlockError(f"{block.place} took longer than {self.patience:g} s.") from None
        if ended.returncode != 0:
            raise BlockError(f"{block.place} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def __enter__(self) -> Section:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._worker is not None:
                self._end(self._worker, kill=error is not None)
        finally:
            self._files.cleanup()

    def _end(self, worker: subprocess.Popen[str], *, kill: bool) -> None:
        """Let the interpreter end as a user's would, with whatever the blocks left open."""
        if kill:
            worker.kill()
        try:
            # Closes its input, which is its end. One that was killed ends however little patience its blocks get.
            worker.communicate(timeout=PATIENCE if kill else self.patience)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.communicate()
            raise BlockError(f"The interpreter of the blocks did not end within {self.patience:g} s.") from None
        if worker.returncode != 0 and not kill:
            complaints = self._complaints.read_text(encoding="utf-8", errors="replace")
            raise BlockError(f"The interpreter of the blocks ended with {worker.returncode}:\n{complaints}")


def difference(expected: str, printed: str) -> str | None:
    """How a print differs from what was expected, None when it does not; ``…`` stands for any part of one line."""
    want, got = expected.splitlines(), printed.splitlines()
    if len(want) == len(got) and all(map(_matches, want, got)):
        return None
    return "\n".join(difflib.unified_diff(want, got, "expected", "printed", lineterm=""))


def _matches(pattern: str, line: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), line) is not None
