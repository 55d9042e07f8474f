"""``python -m tests.pictures``: draw the pictures of the guides, ``examples/pictures/``, anew.

Each is a terminal of 80 columns in which a command ran, against a local Sim with the workflows below. The page of a
trace is a screenshot of headless Chromium.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from simstudio import Trace
from simstudio.sandbox import Context, Pause, Sandbox
from simstudio.webhooks import sign

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


@sandbox.workflow("publish")
def publish(input: dict[str, Any]) -> Generator[Pause, Any, dict[str, Any]]:
    """Asks before it publishes."""
    answer = yield Pause(f"Publish {input['title']!r}?", {"approved": bool, "comment": str})
    return {"published": answer["approved"]}


def record(
    command: list[str],
    env: dict[str, str],
    folder: Path,
    *,
    answers: Sequence[str] = (),
    until: Callable[[str], bool] = lambda _: False,
) -> Text:
    """What a terminal shows after a command of ``simstudio``, with its colours.

    Args:
        answers: Lines that are typed, each at the next prompt.
        until: Called with what the terminal shows; when it returns True, the command gets Ctrl-C.
    """
    left = list(answers)
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
            shown_now = "\n".join(line.rstrip() for line in screen.display).rstrip()
            if left and shown_now.endswith(("):", "]:")):
                os.write(master, f"{left.pop(0)}\n".encode())
            if until(shown_now):
                process.send_signal(signal.SIGINT)
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


class Deliveries:
    """Sends a delivery that is signed, and one that was altered, as soon as a receiver listens."""

    def __init__(self, env: dict[str, str]) -> None:
        env["SIM_WEBHOOK_SECRET"] = "whsec-example"
        self._sent = False

    def __call__(self, shown: str) -> bool:
        address = re.search(r"http://\S+", shown)
        if address is not None and not self._sent:
            self._sent = True
            data = {"executionId": "run-1", "workflowId": "greeting", "status": "success"}
            event = {"id": "evt_1", "type": "workflow.execution.completed", "timestamp": 1795163137308, "data": data}
            body = json.dumps(event).encode()
            for content in (body, body + b" "):
                httpx.post(address[0], content=content, headers=sign(body, "whsec-example"))
        return "refused" in shown


def photograph(trace: Trace, folder: Path) -> None:
    """Draw the page of a trace as Chromium shows it."""
    trace.to_html(folder / "run.html")
    browser = shutil.which("chromium")
    assert browser is not None, "chromium is not installed"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--window-size=900,480", f"--screenshot={PICTURES / 'trace_page.png'}", (folder / "run.html").as_uri()]
    subprocess.run(command, check=True, capture_output=True)


def save(name: str, shown: Text) -> None:
    """Write a picture of a terminal."""
    (PICTURES / f"{name}.svg").write_text(draw(shown), encoding="utf-8")


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
            save(name, record(command, env, Path(folder)))
        run = client.workflows.submit("publish", {"title": "Q3"}).task_id
        waiting = ["runs", "wait", run, "--workflow", "publish", "--until", "done", "--ask"]
        save("runs_wait", record(waiting, env, Path(folder), answers=["yes", "Well done"]))
        save("webhooks_listen", record(["webhooks", "listen"], env, Path(folder), until=Deliveries(env)))
        photograph(client.traces.get(client.workflows.execute("research", {"topic": "rivers"})), Path(folder))


if __name__ == "__main__":
    main()
