"""``python -m tests.pictures``: draw the pictures of the guides, ``examples/pictures/*.svg``, anew.

Each is a terminal of 80 columns in which a command ran, against a local Sim with the workflows below.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from simstudio.sandbox import Context, Sandbox

PICTURES = Path(__file__).parents[1] / "examples" / "pictures"
COMMANDS = {
    "runs_show": ["runs", "show", "last"],
    "failed_run": ["run", "research", "--input", "topic=nothing"],
    "workflows": ["workflows", "list"],
    "describe": ["workflows", "describe", "research"],
    "workflow_push": ["workflows", "push", "flows", "--yes", "--deploy"],
    "batch": ["batch", "run", "research", "inputs.jsonl", "--out", "results.jsonl"],
}
COLUMNS, ROWS = 80, 100
_COLOURS = {"brown": "yellow", "brightblack": "bright_black", "brightred": "bright_red"}
"""Names of colours in rich, where they differ from those of pyte."""
_HEX = re.compile(r"[0-9a-f]{6}")
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

sandbox = Sandbox(generation="v0.8")


@sandbox.workflow("research", fields={"topic": "rivers", "sources": 3})
def research(input: dict[str, Any], context: Context) -> dict[str, Any]:
    """Finds sources, reads them side by side, and writes a summary."""
    with context.step("Search", "function") as search:
        time.sleep(0.08)
        search.output = {"hits": 3}
    with context.step("Each source", "loop") as loop:
        for number, seconds in enumerate((0.11, 0.19, 0.07)):
            with loop.step(f"Iteration {number}", "loop-iteration") as iteration:
                with iteration.step("Fetch", "api"):
                    time.sleep(seconds / 3)
                with iteration.step(
                    "Summarise", "agent", model="gpt-4o-mini", input_tokens=2100, output_tokens=180, cost=0.0004
                ):
                    time.sleep(seconds)
    with context.step("Write", "agent", model="gpt-4o", input_tokens=1450, output_tokens=620, cost=0.0098):
        time.sleep(0.4)
    if input.get("topic") == "nothing":
        with context.step("Publish", "api"):
            time.sleep(0.03)
            raise ValueError("the CMS answered 503")
    return {"summary": "All rivers run to the sea."}


def record(command: list[str], env: dict[str, str], folder: Path) -> Text:
    """What a terminal shows after a command of ``simstudio``, with its colours."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "simstudio.cli", *command], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=folder
    )
    os.close(slave)
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    with suppress(OSError):  # the other end of the terminal is closed
        while piece := os.read(master, 65536):
            stream.feed(piece)
    os.close(master)
    process.wait()
    shown = Text(f"$ simstudio {' '.join(command)}\n", style="bold")
    for row in range(
        max(y for y, line in screen.buffer.items() if any(cell.data != " " for cell in line.values())) + 1
    ):
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            colour = f"#{cell.fg}" if _HEX.fullmatch(cell.fg) else _COLOURS.get(cell.fg, cell.fg)
            shown.append(cell.data, Style(color=colour, bold=cell.bold, italic=cell.italics))
        shown.append("\n")
    return shown


def draw(shown: Text) -> str:
    """An SVG picture of a terminal; it loads no fonts."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(shown, end="")
    return _FONT.sub("", console.export_svg(title="simstudio", unique_id="terminal")).replace("Fira Code", "monospace")


def main() -> None:
    """Draw all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with sandbox.serve() as server, tempfile.TemporaryDirectory() as folder, server.client() as client:
        env = {**os.environ, **server.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8"}
        env.pop("NO_COLOR", None)
        Path(folder, "inputs.jsonl").write_text('{"topic": "rivers"}\n{"topic": "seas"}\n{"topic": "nothing"}\n')
        client.workflows.execute("research", {"topic": "rivers"})
        record(["workflows", "pull", "flows"], env, Path(folder))
        file = Path(folder, "flows", "workflows", "research.json")
        text = file.read_text(encoding="utf-8").replace("and writes a summary", "and writes a page")
        file.write_text(text.replace('"value": 3', '"value": 5'), encoding="utf-8")
        for name, command in COMMANDS.items():
            picture = draw(record(command, env, Path(folder)))
            (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
