from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import trustme
from faultserver import FaultServer, Script
from wirecalls import Caller

_LIBRARIES = [None, httpx.__name__]  # httpx2 has its tests in test_wire_http_client.py


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "short_keep_alive: a test of how long idle connections are kept")


def _name(caller: Caller) -> str:
    return f"{'async' if caller.asynchronous else 'sync'}-{caller.library or 'default'}"


@pytest.fixture(params=[Caller(mode, library) for library in _LIBRARIES for mode in (False, True)], ids=_name)
def caller(request: pytest.FixtureRequest) -> Caller:
    """Both clients, over the default wire and over HTTP clients of the user's."""
    return request.param


@pytest.fixture(params=[Caller(False, None), Caller(True, None)], ids=_name)
def own(request: pytest.FixtureRequest) -> Caller:
    """Both clients over the default wire."""
    return request.param


@pytest.fixture
def serve() -> Iterator[Callable[..., FaultServer]]:
    """``server = serve(script, …)``: a server until the test ends."""
    with ExitStack() as stack:

        def start(*scripts: Script, **options: ssl.SSLContext) -> FaultServer:
            return stack.enter_context(FaultServer(*scripts, **options))

        yield start


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches these tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_LOG", "SIM_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def keep_alive(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle connections are kept for as long as a busy machine takes between two calls, not only for 4 s."""
    if request.node.get_closest_marker("short_keep_alive") is None:
        monkeypatch.setattr("simstudio.client.KEEP_ALIVE_SECONDS", 3600.0)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts but who is told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """For a server at 127.0.0.1 with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Trust that authority, as a user does: with ``SSL_CERT_FILE``."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
