"""For batches over executors: a workflow that counts, workers that tell who they are, and a real Redis."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import redis

import simstudio as sim
from simstudio.sandbox import Sandbox

PATIENCE = 60.0
"""Seconds after which something is taken to hang."""


def signed(request: Any, call_next: Any) -> Any:
    """A middleware that says which process sends."""
    request.headers["X-Worker"] = str(os.getpid())
    return (yield from call_next(request))


def until(true: Callable[[], Any], what: str) -> Any:
    """Wait until something is true; what it then is."""
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)
    return found


class Works:
    """A sandbox whose workflow ``work`` doubles ``n``, and counts how often it ran for each.

    Attributes:
        gate: Inputs in ``held`` wait for it.
    """

    def __init__(self) -> None:
        self._ran: list[int] = []
        self.held: set[int] = set()
        self.gate = threading.Event()
        sandbox = Sandbox(generation="v0.6")  # without claims on unversioned routes, so that a lost run may be unknown

        @sandbox.workflow("work")
        def work(input: dict[str, Any]) -> dict[str, Any]:
            n = input["n"]
            self._ran.append(n)
            if n in self.held:
                assert self.gate.wait(PATIENCE)
            if n < 0:
                raise ValueError(f"{n} is too little")
            return {"n": 2 * n}

        self.sandbox = sandbox
        self.server: Any = None

    def client(self, *, version: str = "v1", **options: Any) -> sim.Client:
        """A client whose requests say which process sent them; not to be closed, as it never connects."""
        return self.server.client(api_version=version, middleware=[signed], **options)

    def async_client(self, *, version: str = "v1", **options: Any) -> sim.AsyncClient:
        return self.server.async_client(api_version=version, middleware=[signed], **options)

    def senders(self, n: int | None = None) -> list[int]:
        """The processes that sent an input, in order."""
        sent = [r for r in self.sandbox.requests if r.method == "POST" and r.path.endswith("/work/execute")]
        return [int(r.headers["x-worker"]) for r in sent if n is None or _input(r)["n"] == n]

    @property
    def counts(self) -> Counter[int]:
        """Executions by input: the server's own word."""
        return Counter(self._ran)

    @property
    def most(self) -> int:
        """How often the input ran that ran most often."""
        return max(self.counts.values(), default=0)


def _input(request: Any) -> dict[str, Any]:
    body: dict[str, Any] = request.json
    nested = body.get("input")
    return nested if isinstance(nested, dict) else body


@contextmanager
def working() -> Iterator[Works]:
    works = Works()
    with works.sandbox.serve() as server:
        works.server = server
        try:
            yield works
        finally:
            works.gate.set()


def inputs(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


def pool(kind: str, workers: int = 2) -> Executor:
    """An executor of the standard library: ``threads``, ``spawn`` or ``fork``; its processes have begun."""
    if kind == "threads":
        return ThreadPoolExecutor(workers)
    executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(kind))
    # A pool watches over the processes it had when it last had something to do: over a new one only from then on.
    list(executor.map(abs, range(workers)))
    return executor


class Again(Executor):
    """An executor that runs tasks as Dask does: elsewhere, and again where it thinks it must; what it is told to.

    Args:
        play: Gets the function and its task, and returns what becomes of them.
    """

    def __init__(self, play: Callable[[Callable[[Any], Any], Any], Any] = lambda run, task: run(task)) -> None:
        self._play = play
        self._threads = ThreadPoolExecutor(4)
        self.tasks: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks.append(args[0])
        return self._threads.submit(self._play, fn, *args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of its own; its address."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        missing = "These tests need a Redis: apt-get install redis-server."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)  # .ci/run installs it
    with (folder / "redis.log").open("wb") as log:
        while not (started := _started(program, folder, log)):
            pass  # somebody else had the port
    address, process = started
    try:
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _started(program: str, folder: Path, log: BinaryIO) -> tuple[str, subprocess.Popen[bytes]] | None:
    """A Redis and its address; None where it did not get its port."""
    port = random.randrange(10_000, 32_000)  # the system gives none of these to connections
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([program, "--port", str(port), *options], stdout=log)
    address = f"redis://127.0.0.1:{port}/0"
    until(lambda: process.poll() is not None or _answers(address, process), "Redis")
    return None if process.poll() is not None else (address, process)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether this very process answers there."""
    with redis.Redis.from_url(address, socket_timeout=1.0) as client, suppress(redis.RedisError):
        found: dict[str, Any] = client.info("server")
        return found["process_id"] == process.pid
    return False
