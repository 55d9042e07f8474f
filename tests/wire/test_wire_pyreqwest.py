"""What pyreqwest cannot do here is told as an error of this package."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import DONE, FINAL, STREAM, answer, chunked, streaming, text
from wirecalls import async_client_of, client_of

from simstudio import APIConnectionError, ConfigurationError, SimStudioError

pytestmark = [
    pytest.mark.only_httpx("it names its wire itself"),
    pytest.mark.skipif(find_spec("pyreqwest") is None, reason="there is none for Python 3.10"),
]
Serve = Callable[..., FaultServer]


@pytest.fixture(params=["sync", "stream", "async"])
def get(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """One call of a new client."""

    def blocking(url: str) -> Any:
        with client_of(url, wire="pyreqwest", max_retries=0) as client:
            return client.request("GET", "/api/x")

    def streamed(url: str) -> Any:
        with client_of(url, wire="pyreqwest", max_retries=0) as client:
            return list(client.workflows.stream("wf", idle_timeout=20))

    async def awaited(url: str) -> Any:
        async with async_client_of(url, wire="pyreqwest", max_retries=0) as client:
            return await client.request("GET", "/api/x")

    return {"sync": blocking, "stream": streamed, "async": lambda url: asyncio.run(awaited(url))}[request.param]


async def both(connection: Connection) -> None:
    """Answers to calls, and streams."""
    while True:
        got = await connection.request()
        await connection.send(answer() if got.method == "GET" else streaming(FINAL, DONE))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without certificates of authorities."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")


def test_plain_http_needs_no_certificates(serve: Serve, bare: None, get: Callable[[str], Any]) -> None:
    assert get(serve(both).url)


def test_https_without_certificates_is_a_configuration_error(
    serve: Serve, bare: None, get: Callable[[str], Any], server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(context=server_context)
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        get(server.url)
    monkeypatch.setenv("SSL_CERT_FILE", "")
    with pytest.raises(SimStudioError, match="ertificate") as caught:  # what the machine has otherwise, or nothing
        get(server.url)
    assert isinstance(caught.value, (ConfigurationError, APIConnectionError))
    assert server.requests == []


def test_whoever_speaks_tls_has_to_show_a_certificate_wherever_the_request_goes(
    serve: Serve, get: Callable[[str], Any], server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what goes in plain text all the way needs none."""
    server, proxy = serve(context=server_context), serve(context=server_context)
    for url in (server.url, server.url.replace("https", "HTTPS")):
        with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            get(url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with pytest.raises(APIConnectionError, match=r"CERTIFICATE_VERIFY_FAILED|certificate"):
        get("http://sim.test")
    assert (server.requests, proxy.requests) == ([], [])


@pytest.mark.parametrize("host", ["ho st:8080", "h%zz:8080", "[v1.x]:8080", "1.2.3.400:8080"])
def test_a_malformed_proxy_is_a_configuration_error(
    get: Callable[[str], Any], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:topsecret@{host}")
    with pytest.raises(ConfigurationError, match="proxy") as caught:
        get("http://sim.test")
    assert "topsecret" not in f"{caught.value} {caught.value.__cause__}"


WITHOUT_FILES = """
import asyncio, os, resource, sys
from contextlib import contextmanager
from simstudio import APIConnectionError, AsyncSimStudioClient, SimStudioClient
import simstudio.transport.wire.async_pyreqwest, simstudio.transport.wire.loopthread, simstudio.transport.wire.pyreqwest
options = {"api_key": "sk-sim-wire", "base_url": sys.argv[1], "wire": "pyreqwest", "max_retries": 0, "timeout": 20}

@contextmanager
def no_files(name):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    held = []
    try:
        while True:
            held.append(os.dup(0))
    except OSError:
        pass
    try:
        yield
    except APIConnectionError as error:
        print(name, error.sent, error.lasting)
    finally:
        for number in held:
            os.close(number)

def get(client):
    return client.request("GET", "/api/x")

def stream(client):
    return list(client.workflows.stream("wf", idle_timeout=20))

async def main():
    with SimStudioClient(**options) as client:
        async with AsyncSimStudioClient(**options) as awaited:
            # So that everything is imported, and opened: what the library cannot open at its first use, it never can.
            nowhere = SimStudioClient(**{**options, "base_url": "http://127.0.0.1:1", "wire": sys.argv[2]})
            for call in (get, stream):
                try:
                    call(nowhere)
                except APIConnectionError:
                    print("warm", call.__name__)
            nowhere.close()
            with no_files("get"):
                get(client)
            with no_files("stream"):
                stream(client)
            with no_files("async"):
                await get(awaited)
            if sys.argv[2] == "pyreqwest":
                print(bool(get(client) and stream(client) and await get(awaited)))

asyncio.run(main())
"""
WITHOUT_FILES_TOLD = ["warm get", "warm stream", "get False False", "stream False False", "async False False"]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_that_no_more_files_can_be_opened_is_a_failure_to_connect(
    serve: Serve, scheme: str, server_context: ssl.SSLContext, trusted: None
) -> None:
    server = serve(both, context=server_context if scheme == "https" else None)
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_FILES, server.url, "pyreqwest"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.splitlines() == [*WITHOUT_FILES_TOLD, "True"], run.stderr
    assert len(server.requests) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_that_the_library_cannot_be_begun_without_files_is_a_failure_to_connect() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_FILES, "http://127.0.0.1:1", "httpx"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.splitlines() == WITHOUT_FILES_TOLD, run.stderr


# -- the end of the program --------------------------------------------------------------------------------------

AT_THE_END = """
import asyncio, atexit, sys, threading
from simstudio import AsyncSimStudioClient, SimStudioClient
options = {"api_key": "sk-sim-wire", "base_url": sys.argv[1], "wire": "pyreqwest", "timeout": 20}
"""
BUSY = """
from simstudio.transport.wire import reqwest
reqwest._AT_LAST, reqwest._AFTERWARDS = 20, 1  # a slow machine takes longer
client, begun = SimStudioClient(**options), threading.Semaphore(0)

def get():
    while True:
        client.request("GET", "/api/x")
        begun.release()

def stream():
    while True:
        list(client.workflows.stream("wf", idle_timeout=20))
        begun.release()

async def calls():
    async def get():
        while True:
            await awaited.request("GET", "/api/x")
            begun.release()

    async def stream():
        while True:
            async for _ in await awaited.workflows.stream("wf", idle_timeout=20):
                pass
            begun.release()

    awaited = AsyncSimStudioClient(**options)
    await asyncio.gather(get(), get(), stream(), stream())

for work in (get, stream, lambda: asyncio.run(calls())):
    threading.Thread(target=work, daemon=True).start()
for _ in range(50):
    assert begun.acquire(timeout=20)
"""
WAITING = """
client, begun = SimStudioClient(**options), threading.Semaphore(0)

def get():
    begun.release()
    client.request("GET", "/api/wait")

def read():
    for _ in client.workflows.stream("wait", idle_timeout=20):
        begun.release()

async def calls():
    async def get():
        begun.release()
        await awaited.request("GET", "/api/wait")

    async def read():
        async for _ in await awaited.workflows.stream("wait", idle_timeout=20):
            begun.release()

    awaited = AsyncSimStudioClient(**options)
    await asyncio.gather(get(), read())

for work in (get, read, lambda: asyncio.run(calls())):
    threading.Thread(target=work, daemon=True).start()
for _ in range(4):
    assert begun.acquire(timeout=20)
"""
LAST_WORDS = """
@atexit.register  # first: it comes last
def say():
    assert client.request("GET", "/api/x")
    print(len(list(client.workflows.stream("wf", idle_timeout=20))))
    assert asyncio.run(awaited())
    client.close()
    other.close()
    print("closed")

async def awaited():
    async with AsyncSimStudioClient(**options) as client:
        return await client.request("GET", "/api/x")

client, other = SimStudioClient(**options), SimStudioClient(**options)
assert list(other.workflows.stream("wf", idle_timeout=20))
"""


async def some_wait(connection: Connection) -> None:
    while True:
        got = await connection.request()
        if got.method == "GET" and not got.target.endswith("wait"):
            await connection.send(answer())
        elif got.method == "GET":
            await connection.silence()
        elif "/wait/" in got.target:
            await connection.send(STREAM + chunked(text("Hel")))
            await connection.silence()
        else:
            await connection.send(streaming(FINAL, DONE))


def at_the_end(program: str, server: FaultServer) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", AT_THE_END + program, server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("daemons", [BUSY, WAITING], ids=["busy", "waiting"])
def test_daemon_threads_are_gone_with_the_program_without_a_word(serve: Serve, daemons: str) -> None:
    run = at_the_end(daemons, serve(some_wait))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 12, 2), reason="CPython 3.12.0 and 3.12.1 begin no thread while a program ends"
)
def test_what_a_program_does_last_may_call_and_close(serve: Serve) -> None:
    run = at_the_end(LAST_WORDS, serve(some_wait))
    assert (run.returncode, run.stdout, run.stderr) == (0, "1\nclosed\n", "")
