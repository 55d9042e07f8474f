"""The server of these tests itself."""

from __future__ import annotations

import socket

from faultserver import Connection, FaultServer


def test_it_stops_after_a_connection_whose_end_sent_a_rest() -> None:
    async def flood(connection: Connection) -> None:
        await connection.request()
        connection.writer.write(b"x" * 30_000_000)  # more than sockets take at once

    with FaultServer(flood) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while client.recv(1_000_000):
            pass
    # pytest fails it for an exception in the server's thread
