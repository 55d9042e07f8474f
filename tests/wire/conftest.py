from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from attrs import frozen
from faultserver import FaultServer, Script

from simstudio import AsyncSimStudioClient, SimStudioClient
from simstudio.transport.retry import Backoff, Retry, RetryPolicy

KEY = "sk-sim-wire"


def hasty(stack: list[Any]) -> list[Any]:
    """The default stack, its retries following at once."""
    quick = Retry(RetryPolicy(backoff=Backoff(initial=0.001, maximum=0.002)))
    return [quick if isinstance(middleware, Retry) else middleware for middleware in stack]


def client_of(url: str, **options: Any) -> SimStudioClient:
    return SimStudioClient(KEY, url, **{"timeout": 20, "middleware": hasty, **options})


def async_client_of(url: str, **options: Any) -> AsyncSimStudioClient:
    return AsyncSimStudioClient(KEY, url, **{"timeout": 20, "middleware": hasty, **options})


@frozen
class Caller:
    """Makes the same calls with either client over any wire: each use gets a client, and calls it."""

    asynchronous: bool
    library: str | None

    def __call__(self, url: str, *uses: Callable[[Any], Any], **options: Any) -> Any:
        """What the last of some calls on one client gives; they are made one after another."""
        return asyncio.run(self._awaited(url, uses, options)) if self.asynchronous else self._called(url, uses, options)

    def _called(self, url: str, uses: Any, options: Any) -> Any:
        with ExitStack() as stack:
            if self.library:
                options["http_client"] = stack.enter_context(sys.modules[self.library].Client())
            client = stack.enter_context(client_of(url, **options))
            return [use(client) for use in uses][-1]

    async def _awaited(self, url: str, uses: Any, options: Any) -> Any:
        user = sys.modules[self.library].AsyncClient() if self.library else None
        try:
            async with async_client_of(url, **options, **({"http_client": user} if user else {})) as client:
                return [await use(client) for use in uses][-1]
        finally:
            if user is not None:
                await user.aclose()


_LIBRARIES: list[str | None] = [None, "httpx"]
if sys.version_info >= (3, 11):  # there is no httpx2 for less
    import httpx2

    _LIBRARIES.append(httpx2.__name__)
assert httpx.__name__ in _LIBRARIES


def _name(caller: Caller) -> str:
    return f"{'async' if caller.asynchronous else 'sync'}-{caller.library or 'default'}"


@pytest.fixture(params=[Caller(mode, library) for library in _LIBRARIES for mode in (False, True)], ids=_name)
def caller(request: pytest.FixtureRequest) -> Caller:
    """Both clients, each over each wire."""
    return request.param


@pytest.fixture(params=[Caller(False, None), Caller(True, None)], ids=_name)
def own(request: pytest.FixtureRequest) -> Caller:
    """Both clients over the default wire."""
    return request.param


@pytest.fixture
def serve() -> Iterator[Callable[..., FaultServer]]:
    """``server = serve(script, …)``: a server until the test ends."""
    with ExitStack() as stack:

        def start(*scripts: Script, **options: Any) -> FaultServer:
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
