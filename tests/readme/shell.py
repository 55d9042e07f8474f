"""Runs all blocks of a page in order in one shell, as a reader who pastes them does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.readme.running import BlockError, difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.readme.blocks import Block

_HEREDOC = "END-OF-BLOCK"


def paste_all(blocks: Sequence[Block], directory: Path, env: Mapping[str, str], patience: float = 240.0) -> None:
    """Run the blocks, Python ones each in an interpreter of its own, and compare what each prints with its text.

    ``.venv`` of the directory is the environment of the tests: the first block of the page, which makes it, is not run.

    Raises:
        BlockError: A block failed, or printed something else.
    """
    outputs = directory / "outputs"
    outputs.mkdir()
    activate = directory / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'export PATH="{Path(sys.executable).parent}:$PATH"\n', encoding="utf-8")
    script = "".join(f"exec >outputs/{number}\n{_command(block)}" for number, block in enumerate(blocks))
    script += "exec >outputs/end\necho $SIM_SANDBOX_PID\n"
    # Of the directory's processes, the sandbox in the background is in a session of its own.
    trap = 'trap \'[ -z "$SIM_SANDBOX_PID" ] || kill "$SIM_SANDBOX_PID"\' EXIT\n'
    with (directory / "stderr").open("w+", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            ["bash", "-e", "-c", trap + script],
            cwd=directory,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            code = process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            code = process.wait()
        stderr.seek(0)
        errors = stderr.read()
    for number, block in enumerate(blocks):
        is_last = not (outputs / str(number + 1)).exists() and not (outputs / "end").exists()
        printed = (outputs / str(number)).read_text(encoding="utf-8")
        if is_last:
            raise BlockError(f"{block.place} ended with {code}:\n{printed}{errors}")
        problem = block.expected and difference(block.expected.code, printed)
        if problem:
            raise BlockError(f"{block.place} does not print what the page says:\n{problem}")


def _command(block: Block) -> str:
    """The shell's command for a block: Python ones are handed to an interpreter, tests to pytest."""
    if block.kind == "bash":
        return block.code
    if block.kind == "pytest":
        name = f"test_line_{block.line}.py"
        return f"cat >{name} <<'{_HEREDOC}'\n{block.code}{_HEREDOC}\npython -m pytest -q -p no:cacheprovider {name}\n"
    return f"python -W error - <<'{_HEREDOC}'\n{block.code}{_HEREDOC}\n"
