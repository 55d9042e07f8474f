"""What SpeedPix's tests share: samples replayed, calls made through either client, and a signature checked by hand.

A *script* is a function of a client. It returns what one call returns, or is a generator that yields calls and gets
their results; either way it serves both clients.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from attrs import frozen

from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import AsyncClient, Client, File, FileOutput, Prediction
from simstudio.services.speedpix.outputs import wrap_output
from simstudio.testing import assert_all_played, block_network, make_vcr, strict_models
from tests.scripts import adrive, drive

CASSETTES = Path(__file__).parents[3] / "cassettes" / "speedpix"
HOST = "https://speedpix.test"
KEY, SECRET = "app-key", "app-secret"
NOW = 1700000000.0
NONCE = "11111111-2222-3333-4444-555555555555"

Script = Callable[[Any], Any]
Handler = Callable[[httpx.Request], httpx.Response]


def fixed_clock() -> float:
    """The recorder's time."""
    return NOW


def fixed_nonce() -> str:
    """The recorder's nonce."""
    return NONCE


@frozen
class Sample:
    """A sample of the original on the wire."""

    name: str
    told: dict[str, Any]
    interactions: list[dict[str, Any]]

    @property
    def outcome(self) -> Any:
        """What the original's caller got."""
        return self.told["outcome"].get("returned")


def sample(name: str) -> Sample:
    """A sample by its name, or by the number it begins with."""
    (file,) = CASSETTES.glob(f"{name}*.yaml")
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    return Sample(file.stem, data["sample"], data["interactions"])


def samples(use: str) -> list[str]:
    """The names of the samples with a use."""
    files = sorted(CASSETTES.glob("*.yaml"))
    return [file.stem for file in files if yaml.safe_load(file.read_text(encoding="utf-8"))["sample"]["use"] == use]


@frozen
class Sent:
    """A request as it went out, with the bytes of its body."""

    request: Any
    body: bytes

    @property
    def headers(self) -> Any:
        """Its headers, the signature among them: signing stands below the watch, and signs in place."""
        return self.request.headers

    @property
    def path(self) -> str:
        """Its path."""
        return self.request.path


class Watch:
    """Middleware that keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def __call__(self, request: Any, call_next: Any) -> Any:
        content = request.content
        self.sent.append(Sent(request, content if isinstance(content, bytes) else b"".join(content)))
        return (yield from call_next(request))


def is_async(client: Any) -> bool:
    """Whether a client's operations are awaited."""
    return isinstance(client, AsyncClient)


def fetch(client: Any, output: FileOutput, method: str, *args: Any) -> Any:
    """Call ``read`` or ``save`` of an output, as the mode of a client asks for."""
    return getattr(output, f"async_{method}" if is_async(client) else method)(*args)


def run(mode: str, script: Script, **options: Any) -> Any:
    """Run a script with a client of its own."""
    options = {"app_key": KEY, "app_secret": SECRET, "endpoint": HOST, **options}
    if mode == "sync":
        with Client(**options) as client:
            return drive(script(client))

    async def main() -> Any:
        async with AsyncClient(**options) as client:
            return await adrive(script(client))

    return asyncio.run(main())


@contextmanager
def replayed(name: str, *, bodies: bool = True, played: bool = True) -> Iterator[Sample]:
    """A sample's answers in place of the network; each must be asked for exactly once."""
    found = sample(name)
    match_on = {} if bodies else {"match_on": ("method", "simstudio.path", "simstudio.query")}
    recorder = make_vcr(CASSETTES, record_mode="none", **match_on)
    recorder.before_record_response = None  # signed addresses of the samples reach the client as they are
    with recorder.use_cassette(f"{found.name}.yaml") as tape, block_network(loopback=False), strict_models():
        yield found
        if played:
            assert_all_played(tape)


def replay(mode: str, name: str, script: Script, *, bodies: bool = True, **options: Any) -> tuple[Any, list[Sent]]:
    """Run a script against a sample's answers: what it returns, and what was sent."""
    watch = Watch()
    given = {"clock": fixed_clock, "nonce": fixed_nonce, "middleware": [watch], "max_retries": 0, **options}
    with replayed(name, bodies=bodies):
        return run(mode, script, **given), watch.sent


def as_recorded(value: Any) -> Any:
    """A result in the form in which the recorder kept the original's."""
    if isinstance(value, FileOutput):
        return {"__type__": "FileOutput", "url": value.url}
    if isinstance(value, Prediction):
        names = ("id", "status", "input", "output", "error", "error_code", "invoke_id")
        return {"__type__": "Prediction", **{name: as_recorded(getattr(value, name)) for name in names}}
    if isinstance(value, File):
        names = ("path", "expire_time", "upload_url", "access_url", "object_key", "name", "content_type", "size")
        return {"__type__": "File", **{name: getattr(value, name) for name in names}}
    if isinstance(value, Mapping):
        return {name: as_recorded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_recorded(item) for item in value]
    return value


def assert_signed(headers: Mapping[str, str], method: str, target: str, body: bytes, secret: str = SECRET) -> None:
    """Require a signature to hold for what is on the wire; written from the rule alone."""
    digest = base64.b64encode(hashlib.md5(body).digest()).decode() if body else None
    assert headers.get("content-md5") == digest
    signed = ("x-ca-key", "x-ca-nonce", "x-ca-signature-method", "x-ca-timestamp")
    lines = [method, headers["accept"], digest or "", headers["content-type"], headers["date"]]
    lines += [f"{name}:{headers[name]}" for name in signed]
    text = "\n".join([*lines, target])
    wanted = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
    assert headers["x-ca-signature"] == wanted
    assert sorted(headers["x-ca-signature-headers"].split(",")) == list(signed)


class Answering:
    """An HTTP library whose network is a function."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        return self.handler(request)


def play(mode: str, answering: Answering, script: Any, **options: Any) -> Any:
    """Run a script with a client over such a library."""
    transport = httpx.MockTransport(answering)
    if mode == "sync":
        with (
            httpx.Client(transport=transport) as library,
            Client(KEY, SECRET, HOST, http_client=library, **options) as c,
        ):
            return drive(script(c))

    async def main() -> Any:
        async with (
            httpx.AsyncClient(transport=transport) as library,
            AsyncClient(KEY, SECRET, HOST, http_client=library, **options) as client,
        ):
            return await adrive(script(client))

    return asyncio.run(main())


def on(server: SpeedPixServer, mode: str, script: Any, **options: Any) -> Any:
    """Run a script with a client of a server."""
    if mode == "sync":
        with server.client(**options) as client:
            return drive(script(client))

    async def main() -> Any:
        async with server.async_client(**options) as client:
            return await adrive(script(client))

    return asyncio.run(main())


def keys(server: SpeedPixServer) -> dict[str, Any]:
    """What leads a client to a server."""
    return {"app_key": server.sandbox.app_key, "app_secret": server.sandbox.app_secret, "endpoint": server.base_url}


def output_of(client: Any, url: str) -> FileOutput:
    """A file that this client would fetch, as in the result of a run."""
    output: FileOutput = wrap_output(url, client.files._transfers)
    return output
