"""The page in headless Chromium: no message on the console, and bars on the screen."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from simstudio import Trace
from tests.traces.runs import LOG

pytestmark = pytest.mark.external

CRITICAL = {"light": (0xD9, 0x73, 0x0D), "dark": (0xF0, 0xA0, 0x4B)}
FAILED = {"light": (0xC6, 0x28, 0x28), "dark": (0xFF, 0x8A, 0x80)}


def look(page: Path, screenshot: Path, *options: str) -> str:
    """Open a page, and return what Chromium's console says."""
    browser = shutil.which("chromium")
    assert browser is not None, "chromium is not installed: .ci/run external installs it"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
    command += [f"--user-data-dir={screenshot.with_suffix('.profile')}", "--window-size=640,500"]
    command += [f"--screenshot={screenshot}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return "\n".join(line for line in done.stderr.splitlines() if ":CONSOLE" in line)


def colours(screenshot: Path) -> set[tuple[int, int, int]]:
    """The colours of a PNG of 8 bits a channel."""
    content = screenshot.read_bytes()
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    assert (depth, kind) in ((8, 2), (8, 6))
    size, packed, at = (3 if kind == 2 else 4), b"", 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        packed += content[at + 8 : at + 8 + length] if content[at + 4 : at + 8] == b"IDAT" else b""
        at += length + 12
    raw, stride = zlib.decompress(packed), width * size
    before, found = bytearray(stride), set()
    for line in range(height):
        start = line * (stride + 1)
        rule, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for place in range(stride):
            left = row[place - size] if place >= size else 0
            above, corner = before[place], before[place - size] if place >= size else 0
            distances = (
                (abs(above - corner), 0, left),
                (abs(left - corner), 1, above),
            )
            nearest = min(*distances, (abs(left + above - 2 * corner), 2, corner))[2]
            row[place] = (row[place] + (0, left, above, (left + above) // 2, nearest)[rule]) & 255
        found |= {tuple(row[place : place + 3]) for place in range(0, stride, size)}
        before = row
    return found  # type: ignore[return-value]


@pytest.mark.parametrize(("scheme", "number"), [("dark", 0), ("light", 1)])
def test_a_page_is_drawn_without_a_message_on_the_console(tmp_path: Path, scheme: str, number: int) -> None:
    page, screenshot = tmp_path / "run.html", tmp_path / "run.png"
    Trace(LOG).to_html(page, content=True)
    assert look(page, screenshot, f"--blink-settings=preferredColorScheme={number}") == ""
    assert {CRITICAL[scheme], FAILED[scheme]} <= colours(screenshot)


def test_what_the_policy_forbids_is_on_the_console(tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    written = Trace(LOG).to_html().replace("</main>", '<p style="color:red">x</p></main>')
    page.write_text(written, encoding="utf-8")
    assert "Content Security Policy" in look(page, tmp_path / "run.png")
