"""What only a process of its own shows: pipes, terminals, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from simstudio.sandbox import Sandbox, SandboxServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGINT for one process nor ptys")


def test_text_leaves_as_it_arrives(started, server: SandboxServer, gate) -> None:
    process = started("run", "talks", "--stream", "--select", "talks.content")

    assert os.read(process.stdout.fileno(), 100) == b"one"  # and the workflow has not gone on
    gate.opened.set()
    assert process.communicate() == (b" two\n", b"")
    assert process.returncode == 0


def test_events_leave_as_they_arrive(started, server: SandboxServer, gate) -> None:
    process = started("run", "talks", "--stream", "--select", "talks.content", "--json")

    assert json.loads(process.stdout.readline())["chunk"] == "one"
    gate.opened.set()
    rest, _ = process.communicate()
    assert json.loads(rest.splitlines()[-1])["success"] is True


def test_standard_input_is_read_from_a_pipe(started, server: SandboxServer) -> None:
    process = started("run", "hello", "--input-json", "-", stdin=subprocess.PIPE)

    printed, _ = process.communicate('{"name": "Žofia"}'.encode())

    assert (json.loads(printed), process.returncode) == ({"message": "Hello, Žofia!"}, 0)


def test_a_reader_that_leaves_ends_it_quietly(started, sandbox: Sandbox, server: SandboxServer) -> None:
    @sandbox.workflow("endless")
    def endless(input):
        while True:
            yield "on and on "

    process = started("run", "endless", "--stream", "--select", "endless.content")
    os.read(process.stdout.fileno(), 1)
    process.stdout.close()

    assert process.stderr.read() == b""
    assert process.wait() == 141


def test_a_closed_standard_output_is_no_failure(server: SandboxServer) -> None:
    command = f'exec "{sys.executable}" -m simstudio.cli run hello >&-'

    process = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, check=False)

    assert (process.returncode, process.stderr) == (0, b"")


def test_the_exit_code_is_the_process_s(started) -> None:
    process = started("run", "hello")
    process.communicate()

    assert process.returncode == 3


class TestInterrupting:
    def test_a_blocking_run_says_that_it_may_go_on(self, started, server: SandboxServer, gate) -> None:
        process = started("run", "gated")
        assert gate.begun.wait(30)

        process.send_signal(signal.SIGINT)

        assert process.communicate() == (b"", b"simstudio: Interrupted. The run may continue on the server.\n")
        assert process.returncode == 130

    def test_a_stream_ends_its_line_first(self, started, server: SandboxServer, gate) -> None:
        process = started("run", "talks", "--stream", "--select", "talks.content")
        assert os.read(process.stdout.fileno(), 100) == b"one"

        process.send_signal(signal.SIGINT)

        assert process.communicate() == (b"\n", b"simstudio: Interrupted. The run may continue on the server.\n")
        assert process.returncode == 130

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_background_run_names_its_task(
        self, started, server: SandboxServer, gate, eventually, number: int, code: int
    ) -> None:
        process = started("run", "gated", "--async", "--json")
        eventually(lambda: any(request.path.startswith("/api/jobs/") for request in server.requests))

        process.send_signal(number)

        printed, said = process.communicate()
        error = json.loads(printed)["error"]
        assert (process.returncode, said, error["type"]) == (code, b"", "Interrupted")
        assert server.requests[-1].path == f"/api/jobs/{error['taskId']}"

    def test_a_run_on_the_embedded_sandbox_ends_with_it(self, started, tmp_path, eventually) -> None:
        begun = tmp_path / "begun"
        app = tmp_path / "app.py"
        app.write_text(
            "import asyncio\nfrom pathlib import Path\nfrom simstudio.sandbox import Sandbox\nsandbox = Sandbox()\n"
            '@sandbox.workflow("forever")\nasync def forever(input):\n'
            f"    Path({str(begun)!r}).touch()\n    await asyncio.Event().wait()\n"
        )
        process = started("run", "forever", "--sandbox-app", str(app))
        eventually(begun.exists)

        process.send_signal(signal.SIGINT)

        assert process.communicate() == (b"", b"simstudio: Interrupted.\n")
        assert process.returncode == 130


class Terminal:
    """A pseudo-terminal, and what was shown on it."""

    def __init__(self) -> None:
        import pty

        self._ours, self.theirs = pty.openpty()
        self.shown = b""

    def read(self) -> bool:
        """Read some more; whether there was any."""
        with suppress(OSError):  # Linux says EIO when the last process has closed it
            piece = os.read(self._ours, 4096)
            self.shown += piece
            return bool(piece)
        return False

    def read_until(self, text: bytes) -> None:
        while text not in self.shown:
            assert self.read(), self.shown

    def close(self) -> None:
        os.close(self._ours)


@pytest.fixture
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


class TestProgress:
    @pytest.mark.parametrize(
        ("way", "shown"), [([], b"gated"), (["--async"], b"gated: processing"), (["--stream"], b"gated")]
    )
    def test_a_terminal_shows_it_and_the_result_stays_apart(self, started, server, gate, terminal, way, shown) -> None:
        process = started("run", "gated", *way, stderr=terminal.theirs)
        os.close(terminal.theirs)

        terminal.read_until(shown)  # while the workflow cannot have ended
        gate.opened.set()
        while terminal.read():
            pass
        printed, _ = process.communicate()

        assert (json.loads(printed), process.returncode) == ({"text": "through"}, 0)
        assert terminal.shown.endswith(b"\x1b[1A\x1b[2K")  # back to the line it was on, and that erased

    @pytest.mark.parametrize("way", [[], ["--async"]])
    def test_a_pipe_shows_nothing(self, started, server, gate, monkeypatch, way) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")  # asks rich for colours, not for a terminal
        process = started("run", "gated", *way)
        assert gate.begun.wait(30)
        gate.opened.set()

        printed, said = process.communicate()

        assert (json.loads(printed), said) == ({"text": "through"}, b"")

    def test_a_terminal_that_can_do_nothing_shows_nothing(self, started, server, terminal, monkeypatch) -> None:
        monkeypatch.setenv("TERM", "dumb")
        process = started("run", "hello", stderr=terminal.theirs)
        os.close(terminal.theirs)
        process.communicate()
        while terminal.read():
            pass

        assert terminal.shown == b""

    def test_a_terminal_gets_a_table(self, started, server, terminal) -> None:
        process = started("status", "hello", stdout=terminal.theirs)
        os.close(terminal.theirs)
        while terminal.read():
            pass
        process.wait()

        assert b"deployed" in terminal.shown
        assert b"{" not in terminal.shown
