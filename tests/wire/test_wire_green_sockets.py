"""Sockets that a library of green threads has put in place of Python's: calls, idle connections and closing work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from faultserver import Connection, FaultServer
from wireanswers import answer

Serve = Callable[..., FaultServer]

PROGRAM = """
import select, socket, sys
import httpcore, httpx  # as a program has imported them that replaces sockets
from simstudio import SimStudioClient

real = socket.socket

class Green:  # as eventlet has it: its methods are attributes of an instance, and there is no select.poll
    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        self.fd = real(family, type, proto, fileno)

    def __getattr__(self, name):
        return getattr(self.__dict__["fd"], name)

socket.socket = Green
vars(select).pop("poll", None)
with SimStudioClient("key", sys.argv[1], timeout=10) as client:
    for workflow in ("wf", "last", "wf", "wf"):
        print(client.workflows.execute(workflow).success)
"""


async def last_where_asked(connection: Connection) -> None:
    while True:
        request = await connection.request()
        if "last" in request.target:
            await connection.send(answer(Connection="close"))
            return
        await connection.send(answer())


def test_a_client_works_over_them(serve: Serve) -> None:
    server = serve(last_where_asked)
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "True\n" * 4, "")
    assert [len(connection.requests) for connection in server.connections] == [2, 2]
