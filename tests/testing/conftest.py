from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeAlias

import pytest
import yaml  # noqa: F401 - pytester would drop it after its first import in a test, but not its C extension
from attrs import define, field, frozen

from tests.tls import one_tls_context  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@frozen
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer: TypeAlias = "tuple[int, list[tuple[str, str]], bytes]"


def _ok(received: Received) -> Answer:
    return 200, [("Content-Type", "application/json")], b'{"success":true}'


@define
class LoopbackServer:
    """A plain HTTP server; ``answer`` decides, ``received`` remembers."""

    url: str
    answer: Callable[[Received], Answer] = _ok
    received: list[Received] = field(factory=list)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            loopback.received.append(received)
            status, headers, content = loopback.answer(received)
            self.send_response(status)
            for name, value in [*headers, ("Content-Length", str(len(content)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = respond

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        loopback = LoopbackServer(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield loopback
        listening.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests record."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("SIM_API_KEY", raising=False)
