from __future__ import annotations

import inspect
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simstudio.cli.app import application
from simstudio.cli.services import SERVICES
from simstudio.core.polling import Poller, PollSchedule
from simstudio.sandbox import Pause, Sandbox, SandboxServer
from tests.cli.service_cases import case, served, service  # noqa: F401 - fixtures
from tests.tls import one_tls_context  # noqa: F401 - a fixture

KEY = "sk-sim-test-of-the-command-line"

SETTINGS = (
    "SIM_API_KEY",
    "SIM_BASE_URL",
    "SIM_API_VERSION",
    "SIM_WORKSPACE_ID",
    "SIM_WEBHOOK_SECRET",
    "SIM_LOG",
    "SIM_BATCH_SHARED",
    "SIM_PROFILE",
    *(name for each in SERVICES.values() for name in (each.address[0], *each.keys)),
)


class Gate:
    """A workflow's way to tell that it has begun, and to wait until the test lets it end."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> None:
        self.begun.set()
        assert self.opened.wait(30)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting and no profile of the machine's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (*SETTINGS, "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output passes for a terminal."""
    monkeypatch.setattr("simstudio.cli.output.is_terminal", lambda stream: True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs and deployments are asked for at short intervals."""
    quick = Poller(PollSchedule(initial=0.01, maximum=0.01))
    monkeypatch.setattr("simstudio.resources.jobs.Jobs.poller", quick)
    monkeypatch.setattr("simstudio.resources.v2.workflow_publishing.Poller", lambda: quick)
    monkeypatch.setattr("simstudio.resources.v2.handles.StateHandle.poller", quick)


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    marker = request.node.get_closest_marker("generation")
    return Sandbox(api_key=KEY) if marker is None else Sandbox(api_key=KEY, generation=marker.args[0])


@pytest.fixture
def server(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A served sandbox that the command line is configured for."""
    with sandbox.serve() as server:
        monkeypatch.setenv("SIM_API_KEY", KEY)
        monkeypatch.setenv("SIM_BASE_URL", server.base_url)
        yield server


@pytest.fixture
def gate(sandbox: Sandbox) -> Iterator[Gate]:
    """The gate of the workflows ``gated`` (an output) and ``talks`` (streams ``one``; behind the gate, ``two``)."""
    gate = Gate()

    @sandbox.workflow("gated")
    def gated(input: dict[str, Any]) -> dict[str, Any]:
        gate.wait()
        return {"text": "through"}

    @sandbox.workflow("talks")
    def talks(input: dict[str, Any]) -> Iterator[str]:
        yield "one"
        gate.wait()
        yield " two"

    yield gate
    gate.opened.set()


CLI = Callable[..., Result]


@pytest.fixture
def cli() -> CLI:
    """Run a command line in this process."""
    separate: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    runner = CliRunner(**separate)  # click < 8.2 mixes unless told not to

    def run(*words: str, stdin: str | bytes | None = None) -> Result:
        return runner.invoke(application, list(words), input=stdin)

    return run


@pytest.fixture(params=["v1", "v2"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The command line speaks each version of the API in turn."""
    monkeypatch.setenv("SIM_API_VERSION", request.param)
    return request.param


@pytest.fixture
def v2(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line speaks v2."""
    monkeypatch.setenv("SIM_API_VERSION", "v2")


@pytest.fixture
def begun(cli: CLI) -> Callable[..., str]:
    """Start a run in the background; its id."""

    def start(workflow: str, *words: str) -> str:
        result = cli("run", workflow, "--async", "--no-wait", *words)
        assert result.exit_code == 0, result.stderr
        return result.stdout.strip()

    return start


@pytest.fixture
def asking(sandbox: Sandbox) -> str:
    """The name of a workflow that waits for a human."""

    @sandbox.workflow("asks")
    def asks(input: dict[str, Any]) -> Iterator[Any]:
        answer = yield Pause("Publish it?", {"approved": bool, "copies": int, "comment": str}, {"title": "Ode"})
        return {"answer": answer}

    return "asks"


@pytest.fixture
def paused(server: SandboxServer, asking: str) -> str:
    """A run that waits for a human; its id."""
    with server.client(api_version="v1") as client:
        execution_id = client.workflows.execute(asking).execution_id
    assert execution_id is not None
    return execution_id


Started = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def started() -> Iterator[Started]:
    """Start a command line in a process of its own."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*words: str, **options: Any) -> subprocess.Popen[bytes]:
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # Where this process ignores Ctrl-C (in the background of a shell), the child would inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            command = [sys.executable, "-m", "simstudio.cli", *words]
            process: Any = subprocess.Popen(command, **{**pipes, **options})
        finally:
            signal.signal(signal.SIGINT, before)
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something in another thread or process has happened."""

    def wait(condition: Callable[[], bool]) -> None:
        for _ in range(3000):
            if condition():
                return
            time.sleep(0.01)
        raise AssertionError("it did not happen")

    return wait


@pytest.fixture
def work(sandbox: Sandbox) -> Counter[int]:
    """The workflow ``work`` gives back ``n`` squared, and fails while ``broken`` (-1) holds it; how often each ran."""
    ran: Counter[int] = Counter()

    @sandbox.workflow("work")
    def work(input: dict[str, Any]) -> dict[str, Any]:
        ran[input["n"]] += 1
        if input["n"] == 3 and ran[-1] == 0:
            raise RuntimeError("three is bad")
        return {"square": input["n"] ** 2}

    return ran


@pytest.fixture
def given(tmp_path: Path) -> Callable[..., str]:
    """A file of inputs ``{"n": …}``; its path."""

    def write(*numbers: int, name: str = "inputs.jsonl") -> str:
        path = tmp_path / name
        path.write_text("".join(f'{{"n": {n}}}\n' for n in numbers))
        return str(path)

    return write


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return str(tmp_path / "runs.sqlite")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"
