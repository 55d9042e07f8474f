"""A process that has no file descriptors left: a call waits for a connection of its client to come back."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable

import httpcore
import pytest
from faultserver import Connection, FaultServer
from wireanswers import STREAM, answer, answering, chunked, text

from simstudio import InvalidInputError
from simstudio.transport.wire.network import lacks_descriptors

Serve = Callable[..., FaultServer]

PREPARED = '''
import asyncio, os, resource, sys, threading
from concurrent.futures import ThreadPoolExecutor
from simstudio import AsyncSimStudioClient, SimStudioClient, SimStudioError

url = sys.argv[1]

def leave_none():
    """From now on no file can be opened: descriptors are given out lowest first, and must lie below the limit."""
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

def tell_when_tried(count):
    """Print a line when so many sockets were asked for, whether or not they could be had."""
    left = iter(range(count - 1, -1, -1))

    def audit(event, arguments):
        if event == "socket.__new__" and next(left, None) == 0:
            print("all tried", flush=True)

    sys.addaudithook(audit)

async def outcome(call):
    try:
        return (await call).success
    except Exception as error:
        return repr(error)
'''
MANY = {
    "async": """
async def main():
    async with AsyncSimStudioClient("key", url, timeout=60, max_retries=0) as client:
        await client.workflows.execute("wf")
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
        tell_when_tried(299)
        return await asyncio.gather(*(outcome(client.workflows.execute("wf")) for _ in range(300)))

print(set(asyncio.run(main())))
""",
    "sync": """
with SimStudioClient("key", url, timeout=60, max_retries=0) as client:
    client.workflows.execute("wf")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    tell_when_tried(299)
    with ThreadPoolExecutor(300) as threads:
        calls = [threads.submit(client.workflows.execute, "wf") for _ in range(300)]
    print({call.exception() or call.result().success for call in calls})
""",
}
ONE_MORE = {
    "async": """
async def main():
    async with AsyncSimStudioClient("key", url, max_retries=0) as client:
        await client.workflows.execute("wf")
        async with client.workflows.stream("held") as held:
            await held.__anext__()
            leave_none()
            print(await outcome(client.workflows.execute("wf", timeout=0.1)))

asyncio.run(main())
""",
    "sync": """
with SimStudioClient("key", url, max_retries=0) as client:
    client.workflows.execute("wf")
    with client.workflows.stream("held") as held:
        next(held)
        leave_none()
        try:
            client.workflows.execute("wf", timeout=0.1)
        except SimStudioError as error:
            print(repr(error))
""",
}
NONE_IN_USE = {
    "async": """
async def main():
    async with AsyncSimStudioClient("key", url, max_retries=0) as client:
        await client.workflows.execute("closed")
        leave_none()
        print(await outcome(client.workflows.execute("wf")))

asyncio.run(main())
""",
    "sync": """
with SimStudioClient("key", url, max_retries=0) as client:
    client.workflows.execute("closed")
    leave_none()
    try:
        client.workflows.execute("wf")
    except SimStudioError as error:
        print(repr(error))
""",
}
ANOTHER_PLACE = """
elsewhere = sys.argv[2]
with SimStudioClient("key", url, max_retries=0) as client:
    client.workflows.execute("wf")
    leave_none()
    client.set_base_url(elsewhere)
    print(client.workflows.execute("wf").success)
"""
modes = pytest.mark.parametrize("mode", ["sync", "async"])


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREPARED + program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed(child: subprocess.Popen[str]) -> str:
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    return output


async def held_together(connection: Connection) -> None:
    """Answer the first request at once, and the others when the test says so."""
    server = connection.server
    while True:
        await connection.request()
        if len(server.requests) > 1:
            await connection.hold()
        await connection.send(answer())


@modes
def test_300_calls_at_once_succeed_with_256_descriptors(serve: Serve, mode: str) -> None:
    server = serve(held_together)
    child = started(MANY[mode], server.url)
    assert child.stdout is not None
    assert child.stdout.readline() == "all tried\n"
    server.release()
    assert printed(child) == "{True}\n"
    assert len(server.requests) == 301


async def as_asked(connection: Connection) -> None:
    while True:
        request = await connection.request()
        if "held" in request.target:
            await connection.send(STREAM + chunked(text("Hel")))
            await connection.silence()
        await connection.send(answer(**({"Connection": "close"} if "closed" in request.target else {})))


@modes
def test_the_wait_is_bounded_by_the_deadline_and_nothing_was_sent(serve: Serve, mode: str) -> None:
    said = printed(started(ONE_MORE[mode], serve(as_asked).url))
    assert "APITimeoutError" in said
    assert "while waiting for a free connection" in said
    assert "Nothing was sent" in said


@modes
def test_where_no_connection_is_in_use_there_is_nothing_to_wait_for(serve: Serve, mode: str) -> None:
    said = printed(started(NONE_IN_USE[mode], serve(as_asked).url))
    assert "APIConnectionError" in said
    assert "Too many open files" in said
    assert "Nothing was sent" in said


def test_an_idle_connection_to_another_place_is_closed_to_make_room(serve: Serve) -> None:
    assert printed(started(ANOTHER_PLACE, serve(answering()).url, serve(answering()).url)) == "True\n"


NO_FILE = OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (httpcore.ConnectError("no"), True),
        (httpcore.ReadError("no"), False),
        (InvalidInputError("A file to be sent can no longer be read"), False),
    ],
    ids=["connecting", "reading", "an upload"],
)
def test_only_a_failure_to_connect_is_tried_again_without_descriptors(error: Exception, lacks: bool) -> None:
    """Anything else may come when something of the request has left."""
    error.__cause__ = NO_FILE
    assert lacks_descriptors(error) is lacks


def test_a_failure_to_connect_for_another_reason_is_not_tried_again() -> None:
    error = httpcore.ConnectError("no")
    assert not lacks_descriptors(error)
    error.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    assert not lacks_descriptors(error)
