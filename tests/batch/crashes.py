"""Batch processes that are killed, and a server that counts what it executed."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from simstudio.sandbox import Sandbox, SandboxServer

CONCURRENCY = 3
SHORTEST, LONGEST = 0.01, 0.08


def duration(n: int) -> float:
    """Seconds that an execution takes."""
    return SHORTEST + (LONGEST - SHORTEST) * (n * 37 % 101) / 100


class Server:
    """A Sim that counts how often each input was executed."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.begun: Counter[int] = Counter()
        self.sandbox.workflow("work")(self._work)

    async def _work(self, input: dict[str, Any]) -> dict[str, Any]:
        self.begun[input["n"]] += 1
        await asyncio.sleep(duration(input["n"]))
        return {"square": input["n"] ** 2}


class Processes:
    """Batch processes of one ledger, one after the other."""

    def __init__(self, server: SandboxServer, path: Path, inputs: int, version: str, mode: str, **options: Any) -> None:
        command = [sys.executable, str(Path(__file__).with_name("crash_child.py"))]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        client = {"api_key": server.sandbox.api_key, "base_url": server.base_url, "api_version": version}
        self._command = {"client": client, "inputs": inputs, "ledger": str(path), "mode": mode}
        self._command |= {"concurrency": CONCURRENCY, **options}

    def run(self) -> dict[str, int]:
        """Let one come to its end: how many items it gave in each state."""
        self._start("report")
        return self._end()

    def rerun(self) -> dict[str, int]:
        """Let one come to its end that runs again what is unknown."""
        self._start("rerun")
        return self._end()

    def kill(self, after: float) -> None:
        """Start one, and kill it so many seconds after it began."""
        pid = self._start("report")
        assert self._parent.stdout is not None
        over, _, _ = select.select([self._parent.stdout], [], [], after)  # it says nothing before its end
        assert not over, f"it was over before it was killed: {self._line()}"
        os.kill(pid, signal.SIGKILL)
        assert self._line() == ["ended", str(-signal.SIGKILL)]

    def die(self, place: str) -> None:
        """Let one kill itself at a place of the code (``crash_child.PLACES``)."""
        self._start("report", place=place)
        assert self._line() == ["ended", str(-signal.SIGKILL)]

    def close(self) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait()
        self._parent.stdout.close()

    def _start(self, on_unknown: str, **more: str) -> int:
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps({**self._command, "on_unknown": on_unknown, **more}).encode() + b"\n")
        self._parent.stdin.flush()
        word, pid = self._line()
        assert word == "begun"
        return int(pid)

    def _end(self) -> dict[str, int]:
        word, states = self._line()
        assert (word, self._line()) == ("over", ["ended", "0"])
        found: dict[str, int] = json.loads(states)
        return found

    def _line(self) -> list[str]:
        assert self._parent.stdout is not None
        read = bytearray()
        while not read.endswith(b"\n"):  # unbuffered, as select() sees nothing of a buffer
            piece = os.read(self._parent.stdout.fileno(), 1)
            assert piece, "the process ended"
            read += piece
        return read.decode().rstrip("\n").split(" ", 1)
