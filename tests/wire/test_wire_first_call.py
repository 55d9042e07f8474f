"""What the first calls of a client import, and when: an import inside a running event loop stalls its other tasks."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from faultserver import FaultServer
from wireanswers import DONE, FINAL, answer, answering, streaming
from wirecalls import async_client_of

Serve = Callable[..., FaultServer]

MOST = 20
"""Modules that a step may import inside the loop."""
MOST_OF_OUR_OWN = 61
"""Modules of this package that a first sync call may import; each takes 0.1 ms or more."""
PROGRAM = """
import asyncio, sys
{imports}

async def stream(client):
    async with client.workflows.stream("wf") as events:
        async for _ in events:
            pass

async def main():
    counts, seen = [], set(sys.modules)

    def count():
        counts.append(len(set(sys.modules) - seen))
        seen.update(sys.modules)

    client = {construct}
    count()
    await client.__aenter__()
    count()
    await {call}
    count()
    await client.aclose()
    print(*counts)

asyncio.run(main())
"""
CALLS = {
    "client.workflows.execute('wf')": answer(),
    "client.request('GET', '/api/x')": answer(),
    "client.usage.limits()": answer({"success": True}),
    "stream(client)": streaming(FINAL, DONE),
}


def printed(program: str, *arguments: str, **environment: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("call", CALLS)
def test_the_async_client_imports_little_inside_the_loop(serve: Serve, call: str) -> None:
    program = PROGRAM.format(
        imports="from simstudio import AsyncSimStudioClient",
        construct="AsyncSimStudioClient('key', sys.argv[1])",
        call=call,
    )
    counts = printed(program, serve(answering(CALLS[call])).url).split()
    assert len(counts) == 3
    assert all(int(count) <= MOST for count in counts), counts


@pytest.mark.parametrize(
    ("imports", "made"),
    [
        ("from simstudio.client import AsyncSimStudioClient", "AsyncSimStudioClient('key', sys.argv[1])"),
        (
            "from simstudio.services.vectorvein import AsyncVectorVeinClient",
            "AsyncVectorVeinClient('key', sys.argv[1])",
        ),
    ],
)
def test_a_client_that_is_made_before_the_loop_imports_little_inside_it(serve: Serve, imports: str, made: str) -> None:
    program = PROGRAM.format(
        imports=f"{imports}\nmade = {made}", construct="made", call="client.request('GET', '/api/x')"
    )
    counts = printed(program, serve().url).split()
    assert all(int(count) <= MOST for count in counts), counts


def test_a_first_call_through_a_proxy_imports_the_locks_outside_the_loops_thread(serve: Serve) -> None:
    program = """
import asyncio, threading
from simstudio import AsyncSimStudioClient
import simstudio.transport.wire.async_wire as wire

threads, real = [], wire.import_locks

def noting():
    threads.append(threading.current_thread() is threading.main_thread())
    real()

wire.import_locks = noting

async def main():
    async with AsyncSimStudioClient("key", "http://sim.invalid") as client:
        await client.workflows.execute("wf")

asyncio.run(main())
print(threads)
"""
    assert printed(program, http_proxy=serve().url, no_proxy="") == "[False]\n"


def test_a_sync_client_imports_httpx_at_its_first_connection(serve: Serve) -> None:
    program = """
import sys, simstudio
print({"attr", "httpx", "asyncio"} & set(sys.modules))
client = simstudio.SimStudioClient("key", sys.argv[1])
print({"httpx", "asyncio"} & set(sys.modules))
client.workflows.execute("wf")
print("httpx" in sys.modules)
"""
    assert printed(program, serve().url) == "set()\nset()\nTrue\n"


def test_a_first_call_imports_nothing_that_it_does_not_use(serve: Serve) -> None:
    program = """
import sys
from simstudio import SimStudioClient

SimStudioClient("key", sys.argv[1]).workflows.execute("wf", {"n": 1})
print(*sys.modules)
"""
    imported = printed(program, serve(answering(answer())).url).split()
    own = [name for name in imported if name.startswith("simstudio")]
    assert len(own) <= MOST_OF_OUR_OWN
    assert {"attrs", "cattrs", "simstudio.core.files", "simstudio.core.paging"}.isdisjoint(imported)


@pytest.mark.usefixtures("trusted")
async def test_certificates_are_read_outside_the_loops_thread(
    serve: Serve, server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    create = ssl.create_default_context

    def created(*args: Any, **options: Any) -> ssl.SSLContext:
        threads.append(threading.get_ident())
        return create(*args, **options)

    monkeypatch.setattr(ssl, "create_default_context", created)
    server = serve(context=server_context)
    async with async_client_of(server.url) as client:
        for _ in range(2):
            assert (await client.workflows.execute("wf")).success
    assert len(threads) == 1
    assert threads != [threading.get_ident()]
