"""A forked child opens its own connections, and leaves its parent's alone."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import ssl
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import DONE, FINAL, STREAM, answering, chunked, text
from wirecalls import async_client_of, client_of

Serve = Callable[..., FaultServer]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def forked(work: Callable[[], object]) -> int:
    """The exit status of a child that did some work."""
    with warnings.catch_warnings():
        # The server's thread is not needed in the child; Python 3.12 warns of any thread.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def execute(client: Any) -> bool:
    return bool(client.workflows.execute("wf").success)


async def aexecute(client: Any) -> bool:
    return (await client.workflows.execute("wf")).success


def test_a_child_opens_its_own_connection(serve: Serve) -> None:
    server = serve()
    with client_of(server.url) as client:
        execute(client)
        assert forked(lambda: execute(client)) == 0
        assert [len(connection.requests) for connection in server.connections] == [1, 1]


def test_the_parents_connection_works_before_during_and_after_the_child(serve: Serve) -> None:
    server = serve()
    parent_says, child_hears = os.pipe()[::-1]
    child_says, parent_hears = os.pipe()[::-1]
    with client_of(server.url) as client:
        execute(client)

        def work() -> None:
            for _ in range(3):
                os.read(child_hears, 1)
                execute(client)
                os.write(child_says, b".")

        def interleave() -> None:
            for _ in range(3):
                execute(client)
                os.write(parent_says, b".")
                os.read(parent_hears, 1)
                execute(client)

        other = threading.Thread(target=interleave)
        other.start()
        assert forked(work) == 0
        other.join()
        execute(client)
    for end in (parent_says, child_hears, child_says, parent_hears):
        os.close(end)
    assert [len(connection.requests) for connection in server.connections] == [8, 3]


def test_a_child_that_closes_the_client_leaves_the_parents_connection_open(serve: Serve) -> None:
    server = serve()
    with client_of(server.url) as client:
        execute(client)
        assert forked(client.close) == 0
        execute(client)
    assert len(server.connections) == 1


def test_a_child_that_drops_and_collects_everything_leaves_the_parents_connection_open(serve: Serve) -> None:
    import gc

    server = serve()
    clients = [client_of(server.url)]
    execute(clients[0])

    def drop() -> None:
        clients.clear()
        gc.collect()

    assert forked(drop) == 0
    with clients[0] as client:
        execute(client)
    assert len(server.connections) == 1


@pytest.mark.parametrize("leave", ["close", "drop"])
def test_a_stream_open_at_the_fork_goes_on_in_the_parent(serve: Serve, leave: str) -> None:
    async def held(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel")))
        await connection.hold()
        await connection.send(chunked(text("lo"), FINAL, DONE) + b"0\r\n\r\n")
        await connection.silence()

    server = serve(held)
    with client_of(server.url) as client:
        streams = [client.workflows.stream("wf")]
        next(streams[0])
        assert forked(streams[0].close if leave == "close" else streams.clear) == 0
        server.release()
        assert streams[0].result().output == {"agent": {"content": "Hello"}}


def test_a_child_of_the_fork_context_of_multiprocessing_calls_with_the_inherited_client(serve: Serve) -> None:
    server = serve()
    with client_of(server.url) as client:
        execute(client)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = multiprocessing.get_context("fork").Process(target=execute, args=(client,))
            child.start()
        child.join()
        assert child.exitcode == 0
        execute(client)
    assert sorted(len(connection.requests) for connection in server.connections) == [1, 2]


def test_an_async_client_works_in_a_child_and_then_again_in_the_parent(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    asyncio.run(aexecute(client))

    def work() -> None:
        assert asyncio.run(aexecute(client))

    assert forked(work) == 0
    assert asyncio.run(aexecute(client))
    assert len(server.requests) == 3


def test_an_async_client_whose_loop_runs_elsewhere_works_in_a_child(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    used, forked_off = threading.Event(), threading.Event()

    async def use() -> None:
        await aexecute(client)
        used.set()
        await asyncio.to_thread(forked_off.wait, 10)
        await aexecute(client)

    other = threading.Thread(target=lambda: asyncio.run(use()))
    other.start()
    assert used.wait(10)

    def work() -> None:
        assert asyncio.run(aexecute(client))

    try:
        assert forked(work) == 0
    finally:
        forked_off.set()
        other.join()
    assert sorted(len(connection.requests) for connection in server.connections) == [1, 2]


def test_a_child_takes_the_proxy_of_its_own_environment(serve: Serve) -> None:
    server, proxy = serve(), serve()
    with client_of(server.url) as client:
        execute(client)

        def work() -> None:
            os.environ["HTTP_PROXY"] = proxy.url
            execute(client)

        assert forked(work) == 0
    assert (len(server.requests), len(proxy.requests)) == (1, 1)


def test_locks_held_by_other_threads_at_the_fork_do_not_stop_the_child(serve: Serve) -> None:
    """A thread is stopped, for good in the child, wherever it was: here while it holds each lock of the client."""
    server = serve()
    with client_of(server.url) as client:
        execute(client)
        wire = client._context.session.sync_wire
        made = wire.get()
        (pool,) = made._pools.values()
        held = [wire._lock, made._lock, made._trust._lock, pool.connections._lock]
        taken, done = threading.Event(), threading.Event()

        def hold() -> None:
            for lock in held:
                lock.acquire()
            taken.set()
            done.wait()
            for lock in held:
                lock.release()

        other = threading.Thread(target=hold)
        other.start()
        assert taken.wait(10)
        try:
            assert forked(lambda: _within_seconds(lambda: execute(client))) == 0
        finally:
            done.set()
            other.join()
        execute(client)


def _within_seconds(work: Callable[[], object]) -> None:
    """Let a deadlock end the child."""
    import signal

    signal.alarm(10)
    work()


def test_many_threads_calling_at_the_fork_do_not_stop_the_child(serve: Serve) -> None:
    server = serve()
    with client_of(server.url) as client:
        execute(client)
        stop = threading.Event()

        def call() -> None:
            while not stop.is_set():
                execute(client)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            assert [forked(lambda: _within_seconds(lambda: execute(client))) for _ in range(10)] == [0] * 10
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        execute(client)


FIRST_CALL = """
import os, signal, threading
from simstudio import SimStudioClient
client = SimStudioClient("sk-sim-wire", {url!r})
thread = threading.Thread(target=client.request, args=["GET", "/api/x"])
thread.start()  # it imports the HTTP library
child = os.fork()
signal.alarm(10)
client.request("GET", "/api/x")
if child:
    thread.join()
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_while_another_thread_makes_its_first_call_does_not_stop_the_child(serve: Serve) -> None:
    server = serve()
    program = FIRST_CALL.format(url=server.url)
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    assert len(server.requests) == 3


def test_the_end_of_a_child_does_not_end_the_parents_tls_session(
    serve: Serve, server_context: ssl.SSLContext, trusted: None
) -> None:
    server = serve(answering(), context=server_context)
    with client_of(server.url) as client:
        execute(client)

        def work() -> None:
            execute(client)
            client.close()

        assert forked(work) == 0
        execute(client)
    assert [len(connection.requests) for connection in server.connections] == [2, 1]


def test_a_child_may_exit_the_ordinary_way(serve: Serve) -> None:
    program = f"""
import os, sys
from simstudio import SimStudioClient
client = SimStudioClient("sk-sim-wire", {serve(answering()).url!r})
client.workflows.execute("wf")
child = os.fork()
client.workflows.execute("wf")
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    client.workflows.execute("wf")
"""
    quiet = ["-W", "ignore::DeprecationWarning"]  # Python 3.12 warns of any thread
    run = subprocess.run(
        [sys.executable, *quiet, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
