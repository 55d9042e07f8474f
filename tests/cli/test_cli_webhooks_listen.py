"""``simstudio webhooks listen``: what is verified, printed and forwarded."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpx
import pytest

from simstudio.cli.webhook_receiver import Receiver
from simstudio.webhooks import sign
from tests.webhooks.deliveries import SECRET, UNSIGNED

BODY = '{"event": "order", "order": 7,  "text": "ä"}'


class Target(HTTPServer):
    """The program behind the receiver: it keeps what it gets, and answers with one status."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[tuple[str, str]], bytes]] = []
        self.status = 202
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/sim?from=here"


class _Handler(BaseHTTPRequestHandler):
    server: Target

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers.items(), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


Post = tuple[Any, Mapping[str, str]]


@pytest.fixture
def listened(cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, list[int]]]:
    """Run the command for some deliveries, until Ctrl-C; its result, and the status that each sender got."""
    monkeypatch.setenv("SIM_WEBHOOK_SECRET", SECRET)
    posts: list[Post] = []
    statuses: list[int] = []

    class Visited(Receiver):
        def start(self, host: str, port: int) -> str:
            address = super().start(host, port)
            with httpx.Client(trust_env=False) as client:
                for content, headers in posts:
                    statuses.append(client.post(f"{address}/any", content=content, headers=headers).status_code)
            return address

    class Ending(SimpleQueue):  # type: ignore[type-arg]
        def get(self, *_: Any, **__: Any) -> Any:
            try:
                return super().get(block=False)
            except Empty:
                raise KeyboardInterrupt from None

    monkeypatch.setattr("simstudio.cli.webhook_listen.Receiver", Visited)
    monkeypatch.setattr("simstudio.cli.webhook_listen.SimpleQueue", Ending)

    def listen(*words: str, deliveries: list[Post]) -> tuple[Any, list[int]]:
        posts[:], statuses[:] = deliveries, []
        return cli("webhooks", "listen", "--port", "0", *words), statuses

    return listen


def signed(body: str = BODY, **options: Any) -> Post:
    return body.encode(), sign(body, SECRET, **options)


def test_a_delivery_is_verified_printed_and_forwarded_unchanged(listened, target: Target) -> None:
    content, headers = signed(family="webhook")
    sent = {**headers, "X-Mine": "a, b", "Content-Type": "application/json; charset=utf-8"}

    result, statuses = listened("--forward-to", target.url, deliveries=[(content, sent)])

    assert (result.exit_code, statuses) == (0, [202])
    ((path, received, body),) = target.got
    assert (path, body) == ("/hooks/sim?from=here", BODY.encode())
    found = {name.lower(): value for name, value in received}
    assert {name.lower(): value for name, value in sent.items()}.items() <= found.items()
    assert found["host"] == f"127.0.0.1:{target.server_port}"
    (line,) = result.stdout.splitlines()
    assert "  verified  " in line
    assert f"  {len(content)} bytes  forwarded: 202 in " in line
    assert result.stderr.startswith("simstudio: listening on http://127.0.0.1:")
    assert result.stderr.endswith("simstudio: stopped\n")


@pytest.mark.parametrize(
    "delivery",
    [
        (BODY.encode(), {}),
        (b"altered", sign(BODY, SECRET)),
        (BODY.encode(), sign(BODY, "another secret")),
        signed(timestamp_ms=1),
    ],
    ids=["unsigned", "altered", "another secret", "old"],
)
def test_one_that_is_not_sim_s_is_refused_and_not_forwarded(listened, target: Target, delivery: Post) -> None:
    result, statuses = listened("--forward-to", target.url, deliveries=[delivery])

    assert (statuses, target.got) == ([400], [])
    (line,) = result.stdout.splitlines()
    assert "  refused  " in line
    assert "  400: " in line
    assert "signature_header=" not in line
    assert SECRET not in result.stdout + result.stderr


def test_with_json_each_is_an_object(listened) -> None:
    result, statuses = listened("--json", deliveries=[signed(UNSIGNED.body.decode()), (b"x", {})])

    first, second = map(json.loads, result.stdout.splitlines())
    assert statuses == [200, 400]
    assert (first["verified"], first["status"], first["forwarded"]) == (True, 200, None)
    assert first["event"] == "workflow.execution.completed"
    assert first["id"] == json.loads(UNSIGNED.body)["data"]["executionId"]
    assert (second["verified"], second["error"] is None) == (False, False)


def test_the_rows_of_a_data_drain_are_counted(listened) -> None:
    result, _ = listened(deliveries=[signed('{"id": 1}\n{"id": 2}\n', family="drain")])

    assert "  data drain, 2 rows  " in result.stdout


def test_a_body_may_come_in_chunks(listened, target: Target) -> None:
    content, headers = signed()

    _, statuses = listened("--forward-to", target.url, deliveries=[(iter([content[:5], content[5:]]), headers)])

    assert (statuses, target.got[0][2]) == ([202], content)


def test_a_body_that_is_too_large_is_413(listened, monkeypatch) -> None:
    monkeypatch.setattr("simstudio.cli.webhook_receiver.LARGEST_BODY", 10)

    result, statuses = listened(deliveries=[signed()])

    assert statuses == [413]
    assert "the body is larger than" in result.stdout


def test_where_nobody_answers_the_sender_gets_502_and_a_line_says_what_failed(listened, target: Target) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"

    result, statuses = listened("--forward-to", address, deliveries=[signed()])

    assert statuses == [502]
    assert f"502: {address} cannot be reached: " in result.stdout


def test_the_status_of_the_program_is_the_sender_s(listened, target: Target) -> None:
    target.status = 307

    _, statuses = listened("--forward-to", target.url, deliveries=[signed()])

    assert (statuses, len(target.got)) == ([307], 1)


def test_control_characters_of_a_delivery_are_not_printed(listened, monkeypatch) -> None:
    monkeypatch.setattr("simstudio.cli.output.is_terminal", lambda stream: True)

    result, _ = listened(deliveries=[signed('{"event": "a\\u001b[2J\\nb"}')])

    assert "\x1b" not in result.stdout
    assert result.stdout.count("\n") == 1


class TestWhatCannotBeDone:
    @pytest.mark.parametrize("url", ["localhost:3000", "ftp://a", "http://", "http://a:99999"])
    def test_an_address_that_is_none_is_2(self, cli, monkeypatch, url: str) -> None:
        monkeypatch.setenv("SIM_WEBHOOK_SECRET", SECRET)

        result = cli("webhooks", "listen", "--forward-to", url)

        assert result.exit_code == 2
        assert "use http://host[:port]/path" in result.stderr

    @pytest.mark.parametrize("words", [[], ["--secret-env", "MY_SECRET"]])
    def test_without_a_secret_the_variable_is_named(self, cli, words: list[str]) -> None:
        result = cli("webhooks", "listen", *words)

        assert result.exit_code == 2
        assert f"{words[-1] if words else 'SIM_WEBHOOK_SECRET'} is not set" in result.stderr

    def test_a_header_that_is_none_is_2(self, cli, monkeypatch) -> None:
        monkeypatch.setenv("SIM_WEBHOOK_SECRET", SECRET)

        assert cli("webhooks", "listen", "--signature-header", "a b").exit_code == 2

    def test_a_port_that_is_taken_is_2(self, cli, monkeypatch) -> None:
        monkeypatch.setenv("MY_SECRET", SECRET)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            result = cli("webhooks", "listen", "--secret-env", "MY_SECRET", "--port", str(taken.getsockname()[1]))

        assert result.exit_code == 2
        assert "Give another --port." in result.stderr
