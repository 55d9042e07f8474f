"""Files pass through without being held: a large one costs no more memory than a small one."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.modes import both_modes

SIZE = 96 * 1024 * 1024
ALLOWED = 20 * 1024 * 1024
"""Bytes that a file of any size may add; the one here is nearly five times as large."""

PROGRAM = """
import asyncio, sys
from pathlib import Path
from simstudio.services.speedpix import Client, AsyncClient, FileOutput
from tests.memory import memory

what, endpoint, directory, large = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])


def move(name, small):
    with Client("app-key", "app-secret", endpoint) as client:
        size = "small" if small else "large"
        if name == "upload":
            return client.files.create(directory / "small.bin" if small else large)
        if name == "stream":
            return client.files.create(Unseekable(directory / "small.bin" if small else large))
        if name == "save":
            return FileOutput(f"{endpoint}/{size}").save(directory / "out.bin")
        return sum(len(piece) for piece in FileOutput(f"{endpoint}/{size}"))


async def amove(name, small):
    async with AsyncClient("app-key", "app-secret", endpoint) as client:
        size = "small" if small else "large"
        if name == "upload":
            return await client.files.create(directory / "small.bin" if small else large)
        if name == "stream":
            return await client.files.create(Unseekable(directory / "small.bin" if small else large))
        if name == "save":
            return await FileOutput(f"{endpoint}/{size}").async_save(directory / "out.bin")
        return sum([len(piece) async for piece in FileOutput(f"{endpoint}/{size}")])


class Unseekable:
    def __init__(self, path):
        self.file = path.open("rb")

    def seekable(self):
        return False

    def read(self, size):
        return self.file.read(size)


mode, name = what.split("-")
run = move if mode == "sync" else lambda *given: asyncio.run(amove(*given))
run(name, True)
before = memory("VmHWM")
run(name, False)
print(memory("VmHWM") - before)
"""


class Storage(BaseHTTPRequestHandler):
    """Takes and gives files of any size, and keeps none."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        place = f"http://{self.headers['Host']}/place"
        body = f'{{"status": 10, "data": {{"uploadUrl": "{place}", "accessUrl": "{place}"}}}}'.encode()
        self._begin(len(body))
        self.wfile.write(body)

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1024 * 1024)))
        self._begin(0)

    def do_GET(self) -> None:
        size = SIZE if self.path == "/large" else 1024 * 1024
        self._begin(size)
        for _ in range(size // (1024 * 1024)):
            self.wfile.write(bytes(1024 * 1024))

    def _begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    """Where such a storage is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@both_modes
@pytest.mark.external
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
@pytest.mark.parametrize("name", ["upload", "stream", "save", "iterate"])
def test_a_large_file_adds_little_memory(mode: str, name: str, storage: str, tmp_path: Path):
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(SIZE)  # a hole: it takes no room on the disk
    (tmp_path / "small.bin").write_bytes(bytes(1024 * 1024))
    command = [sys.executable, "-W", "error", "-c", PROGRAM, f"{mode}-{name}", storage, str(tmp_path), str(large)]

    ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < ALLOWED
