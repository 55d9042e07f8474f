"""The measures of one workflow call; each returns a :class:`Row`."""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import attrs

INPUT = {"message": "hi", "count": 21}


@attrs.frozen
class Row:
    """One line of the table.

    Attributes:
        measure: What was measured.
        value: The number that has a bound.
        bound: The most it may be; None where it is only reported.
        unit: Of both: a ratio, ``µs``, ``ms``, ``MB``.
        detail: The two sides, for the record.
    """

    measure: str
    value: float
    bound: float | None
    unit: str
    detail: str

    @property
    def kept(self) -> bool:
        """Whether the bound, if there is one, holds."""
        return self.bound is None or self.value <= self.bound


@contextmanager
def server(module: str = "tests.benchmarks.server") -> Iterator[str]:
    """A loopback server in a process of its own; gives its base address."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def alternate(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each side over rounds that take turns."""
    runs: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 else list(reversed(sides))
        for name in order:
            runs[name].append(sides[name]())
    return {name: statistics.median(values) for name, values in runs.items()}


def cpu_per_call(call: Callable[[], object], count: int) -> Callable[[], float]:
    """A run that gives the CPU microseconds of one call."""

    def run() -> float:
        started = time.process_time()
        for _ in range(count):
            call()
        return (time.process_time() - started) / count * 1e6

    return run


def call_against_httpx() -> Row:
    """CPU of a typed execution beside that of ``httpx.Client().post(url, json=…).json()``."""
    import httpx

    from simstudio import SimStudioClient

    with server() as base, SimStudioClient("key", base) as client, httpx.Client() as bare:
        url, headers = f"{base}/api/workflows/wf/execute", {"X-API-Key": "key"}
        sides = {
            "simstudio": cpu_per_call(lambda: client.workflows.execute("wf", INPUT), 400),
            "httpx": cpu_per_call(lambda: bare.post(url, json=INPUT, headers=headers).json(), 400),
        }
        alternate(sides, 2)
        found = alternate(sides, 15)
    ratio = found["simstudio"] / found["httpx"]
    detail = f"{found['simstudio']:.0f} µs ÷ {found['httpx']:.0f} µs"
    return Row("CPU of `client.workflows.execute(...)` ÷ `httpx.Client().post(...).json()`", ratio, 0.82, "", detail)


class _InstantWire:
    """Answers at once."""

    def __init__(self) -> None:
        from simstudio import Headers
        from tests.benchmarks.server import BODY

        self.headers = Headers.decode([(b"content-type", b"application/json")])
        self.body = BODY

    def send(self, request):  # type: ignore[no-untyped-def]
        from simstudio import Response

        return Response(200, self.headers, self.body, request.method, request.url, request.attempt)

    def close(self) -> None: ...


def own_cost() -> Row:
    """What stack, encoding, decoding and model cost, over a wire that answers at once."""
    from simstudio import Request, SimStudioClient
    from tests.driving import context_of

    client = SimStudioClient("key", "http://127.0.0.1:1")
    wire = _InstantWire()
    context_of(client).session.sync_wire.use(wire)
    request = Request("POST", "http://127.0.0.1:1/api")
    sides = {
        "call": cpu_per_call(lambda: client.workflows.execute("wf", INPUT), 2000),
        "wire": cpu_per_call(lambda: wire.send(request), 2000),
        "json": cpu_per_call(lambda: (json.dumps(INPUT), json.loads(wire.body)), 2000),
    }
    alternate(sides, 2)
    found = alternate(sides, 15)
    own = found["call"] - found["wire"]
    detail = f"{own:.1f} µs ÷ {found['json']:.1f} µs"
    return Row("own cost of a call ÷ `json.dumps` + `json.loads` of its bodies", own / found["json"], None, "", detail)


def path_of_a_call() -> list[Row]:
    """How many functions of the package a ``workflows.execute`` runs, in how many modules, changing how often."""
    import simstudio
    from simstudio import SimStudioClient

    client = SimStudioClient("key", "http://127.0.0.1:1")
    package = str(Path(simstudio.__file__).parent)
    visited: list[str] = []

    def trace(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(package):
            visited.append(frame.f_code.co_filename)

    with server() as base:
        client.set_base_url(base)
        for _ in range(3):
            client.workflows.execute("wf", INPUT)
        sys.setprofile(trace)
        try:
            client.workflows.execute("wf", INPUT)
        finally:
            sys.setprofile(None)
        client.close()
    changes = sum(here != there for here, there in itertools.pairwise(visited))
    name = "of the package in one `workflows.execute`"
    return [
        Row(f"Python calls {name}", len(visited), None, "", "resumptions of generators counted"),
        Row(f"modules {name}", len(set(visited)), None, "", ""),
        Row(f"changes of module {name}", changes, None, "", ""),
    ]


def import_time() -> Row:
    """``import simstudio`` over a bare interpreter, in processes of their own."""
    heavy = "import sys, simstudio; assert not {'httpx', 'cattrs', 'attrs'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", heavy], check=True)

    def start(code: str) -> Callable[[], float]:
        def run() -> float:
            started = time.perf_counter()
            subprocess.run([sys.executable, "-I", "-c", code], check=True)
            return (time.perf_counter() - started) * 1e3

        return run

    found = alternate({"bare": start("pass"), "import": start("import simstudio")}, 25)
    detail = f"{found['import']:.1f} ms − {found['bare']:.1f} ms"
    return Row("`import simstudio` over a bare interpreter", found["import"] - found["bare"], 15, "ms", detail)


def first_event() -> Row:
    """From the writing of an event's bytes in the server to the event in the caller's hands."""
    from simstudio import ChunkEvent, Request, SimStudioClient
    from simstudio.resources.execution_events import ExecutionEvents
    from simstudio.resources.streams import OpenedStream, Stream
    from simstudio.transport.deadline import Budget
    from tests.driving import context_of

    delays = []
    with server() as base, SimStudioClient("key", base) as client:
        for _ in range(10):
            request = Request("POST", f"{base}/ticks?count=20", budget=Budget(idle=10), streamed=True)
            response = context_of(client).run(context_of(client).session.send(request))
            with Stream(OpenedStream(response, ExecutionEvents())) as stream:
                delays += [time.monotonic() - float(event.chunk) for event in stream if isinstance(event, ChunkEvent)]
    value = statistics.median(delays) * 1e3
    worst = sorted(delays)[int(len(delays) * 0.95)] * 1e3
    return Row("a stream event after its bytes were written", value, 2, "ms", f"median of 200; 95 %: {worst:.2f} ms")


MEMORY = """
import sys
from simstudio import Request, SimStudioClient
from simstudio.resources.execution_events import ExecutionEvents
from simstudio.resources.streams import OpenedStream, Stream
from simstudio.transport.deadline import Budget
from tests.driving import context_of
from tests.memory import memory

size, frame = int(sys.argv[2]), int(sys.argv[3])
with SimStudioClient("key", sys.argv[1]) as client:
    def run(size):
        url = f"{sys.argv[1]}/stream?size={size}&frame={frame}"
        request = Request("POST", url, budget=Budget(idle=10), streamed=True)
        response = context_of(client).run(context_of(client).session.send(request))
        stream = Stream(OpenedStream(response, ExecutionEvents()))
        for event in stream:
            pass
        return stream
    run(frame * 10)
    before = memory("VmHWM")
    stream = run(size)
    print((memory("VmHWM") - before - size) / 1e6)
"""


def stream_memory() -> Row:
    """What a stream of 60 MB, near the limit of 64 MiB, adds to the process beyond the text kept for ``result()``."""
    size, frame = 60_000_000, 1_000
    with server() as base:
        command = [sys.executable, "-c", MEMORY, base, str(size), str(frame)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    value = float(done.stdout)
    return Row("memory of a 60 MB stream beyond its text", value, 20, "MB", f"frames of {frame} characters")


MEASURES = (call_against_httpx, own_cost, path_of_a_call, import_time, first_event, stream_memory)
