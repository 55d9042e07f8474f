from __future__ import annotations

import importlib.util
import inspect
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from faultserver import FaultServer, Script
from wirecalls import Caller

from simstudio.transport.flow import Wire
from simstudio.transport.message import Request, Response
from simstudio.transport.wire.http1 import H11Answer, LLHTTPAnswer
from simstudio.transport.wire.httpx import HTTPXWire

_LIBRARIES: list[str | None] = [None, "httpx"]
if sys.version_info >= (3, 11):  # there is no httpx2 for less
    import httpx2

    _LIBRARIES.append(httpx2.__name__)
assert httpx.__name__ in _LIBRARIES

_NO_PYREQWEST = pytest.mark.skipif(
    importlib.util.find_spec("pyreqwest") is None, reason="pyreqwest is not installed; there is none for Python 3.10"
)
_HERE = Path(__file__).parent
_PARSERS = {"sockets": LLHTTPAnswer, "sockets-h11": H11Answer}
_BLOCKING = {"httpx-unwatched", *_PARSERS}
"""What is for calls that block: the async client does not use it."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_httpx(why): a test of the default wire alone")
    config.addinivalue_line("markers", "only_httpcore: a test of what is below the default wire")
    config.addinivalue_line("markers", "short_keep_alive: a test of how long idle connections are kept")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would run twice, or holds of the default wire alone."""
    kept, left = [], []
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        wire = params.get("wire", "httpx") if item.path.parent == _HERE else "httpx"
        callers = [caller for caller in params.values() if isinstance(caller, Caller)]
        once = "user" in params or any(caller.library for caller in callers) or item.get_closest_marker("only_httpx")
        if wire in _BLOCKING:
            function = item.obj if isinstance(item, pytest.Function) else None
            once = once or any(caller.asynchronous for caller in callers) or inspect.iscoroutinefunction(function)
        elsewhere = item.get_closest_marker("only_httpcore") and not wire.startswith("httpx")
        (left if elsewhere or (wire != "httpx" and once) else kept).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


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
    if request.node.get_closest_marker("short_keep_alive") is not None:
        return
    for module in ("sockets", "direct", "httpx", "async_httpx"):  # each has the number of slots as its own
        monkeypatch.setattr(f"simstudio.transport.wire.{module}.KEEP_ALIVE_SECONDS", 3600.0)
    if importlib.util.find_spec("pyreqwest") is not None:
        monkeypatch.setattr("simstudio.transport.wire.reqwest._KEEP_ALIVE", timedelta(hours=1))


_WIRES = ["httpx", "httpx-unwatched", *_PARSERS, pytest.param("pyreqwest", marks=_NO_PYREQWEST)]


@pytest.fixture(autouse=True, params=_WIRES)
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test runs over each wire; clients without an ``http_client=`` take it from the environment.

    That of sockets with either parser of its answers; the default one also as where nothing has imported httpx.
    """
    name: str = request.param.partition("-")[0]
    monkeypatch.setenv("SIM_WIRE", name)
    if request.param == "httpx-unwatched":
        _forget_httpx(monkeypatch)
    if request.param in _PARSERS:
        monkeypatch.setattr("simstudio.transport.wire.sockets.answer_type", lambda: _PARSERS[request.param])
    return name


def _forget_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had imported httpx, until a call needs it."""
    from simstudio.transport.wire import httpcore, ordinary

    imported: list[bool] = []
    layered_wire = ordinary.layered_wire

    def layered(pools: Any) -> Wire:
        imported.append(True)
        return layered_wire(pools)

    monkeypatch.setattr(ordinary, "layered_wire", layered)
    monkeypatch.setattr(httpcore, "is_watched", lambda: bool(imported))


@pytest.fixture
def over_httpx(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the blocking requests that go through httpx."""
    seen: list[str] = []
    send = HTTPXWire.send

    def watched(self: HTTPXWire, request: Request) -> Response:
        seen.append(request.path)
        return send(self, request)

    monkeypatch.setattr(HTTPXWire, "send", watched)
    return seen


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
