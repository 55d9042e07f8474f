"""The common base of the servers of all sandboxes, each on a local port."""

from __future__ import annotations

import secrets
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from simstudio.core.functions import with_hints

if TYPE_CHECKING:
    from types import TracebackType

    from simstudio.core.client import BaseClient
    from simstudio.sandbox.local_service import LocalService
    from simstudio.sandbox.server import LocalServer
    from simstudio.sandbox.traffic import ReceivedRequest


B = TypeVar("B", bound="LocalService")
C = TypeVar("C", bound="BaseClient[Any]")
V = TypeVar("V", bound="Served[Any]")


class Served(ABC, Generic[B]):
    """A sandbox that is served on this machine by a thread of its own.

    A subclass adds its ``base_url`` if that is not the origin, the work before it stops, its environment variables and
    its clients.
    """

    def __init__(self, sandbox: B, host: str, port: int) -> None:
        self.sandbox = sandbox
        self._address = (host, port)
        self._server: LocalServer | None = None
        self._origin: str | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server.

        Raises:
            ConfigurationError: The server has not been started.
        """
        if self._origin is None:
            raise configuration_error("the sandbox has no address before start() or `with sandbox.serve()`")
        return self._origin

    @property
    def base_url(self) -> str:
        """The base address for clients, without a trailing slash.

        Raises:
            ConfigurationError: The server has not been started.
        """
        return self.origin

    @property
    @with_hints
    def requests(self) -> list[ReceivedRequest]:
        """The requests the sandbox received so far, oldest first."""
        return self.sandbox.requests

    @property
    @abstractmethod
    def key(self) -> str:
        """The credential of the service, which the control API needs as ``X-API-Key``."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which a program uses this server, credentials included."""
        return {}

    def about(self) -> dict[str, Any]:
        """Body of ``GET /_sandbox``: the service, its address and its functions."""
        return {"service": self.sandbox.service, "baseUrl": self.base_url, "functions": self.sandbox.functions}

    @with_hints
    def start(self: V) -> V:
        """Start the server, for requests to names of this machine only.

        If other machines can reach it, there is a warning, and a random key replaces the default one.

        Raises:
            ConfigurationError: The extra is not installed, the port is taken, or the sandbox cannot be served.
        """
        with SandboxExtra():
            from simstudio.sandbox.control import Control
            from simstudio.sandbox.hosts import Hosts, refuse_other_hosts
            from simstudio.sandbox.request_log import RequestLog
            from simstudio.sandbox.server import LocalServer, bind, url_of
        app = self.sandbox.app
        self._prepare()
        host, port = self._address
        try:
            listener = bind(host, port)
            self._origin = url_of(listener)
            self._use_origin(self._origin)
            address, port = listener.getsockname()[:2]
            hosts = Hosts(host, address)
            if not hosts.are_local:
                self._replace_known_key()
            controlled = Control(RequestLog(app, self.sandbox.service), self.sandbox, lambda: self.key, self.about)
            server = LocalServer(refuse_other_hosts(hosts, controlled), listener, self._before_stop())
            server.start()
        except BaseException as error:
            self._origin = None
            self._abandon()
            if isinstance(error, OSError):
                raise configuration_error(f"the sandbox cannot listen on {_bracket(host)}:{port}: {error}") from error
            raise
        self._server = server
        if not hosts.are_local:
            place = f"{_bracket(address)}:{port}"
            message = f"the sandbox listens on {place}: whoever reaches this machine, and has the key, can call it"
            warnings.warn(message, stacklevel=2)
        return self

    def close(self) -> None:
        """Stop: open connections end, runs are interrupted. Closing again does nothing."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._after_close()

    def reset(self) -> None:
        """Remove requests, faults and everything that was made over the API; stop runs. Functions stay.

        Raises:
            ConfigurationError: The server has not been started.
        """
        if self._server is None:
            raise configuration_error("the sandbox is not being served: there is nothing to reset")
        self._server.run(self.sandbox.reset())

    def use_functions_of(self, other: B) -> None:
        """Replace the sandbox's functions by those of another one; runs that go on keep their own.

        Raises:
            ConfigurationError: The server has not been started.
        """
        if self._server is None:
            raise configuration_error("the sandbox is not being served: register functions with it itself")
        self._server.run(self.sandbox.use_functions_of(other))

    def _prepare(self) -> None:
        """Open the state, before the sandbox listens.

        Raises:
            ConfigurationError: The file cannot be opened, or holds something else.
        """
        try:
            self.sandbox._open_state()
        except Exception as error:
            file = self.sandbox._state_file
            place = f" {file.path}" if file is not None else ""
            raise configuration_error(f"the sandbox cannot open its state{place}: {error}") from error

    def _use_origin(self, origin: str) -> None:
        """Take over the address on which the server listens."""

    @abstractmethod
    def _replace_known_key(self) -> None:
        """Replace the default key, which is public, by a random one, because other machines reach the server."""

    def _abandon(self) -> None:
        """Undo :meth:`_prepare` after listening failed."""
        self.sandbox._close_state()

    @abstractmethod
    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        """Coroutine function that the serving loop awaits before it ends."""

    def _after_close(self) -> None:
        """Forget the address after the server has stopped."""

    def __enter__(self: V) -> V:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def random_key(prefix: str = "") -> str:
    """A random key: 32 characters after its prefix."""
    return prefix + secrets.token_urlsafe(24)


def direct(client: C) -> C:
    """Let a client reach the server directly, whatever proxy the environment names."""
    client._context.session.wire.proxies = False
    return client


class SandboxExtra:
    """Turns a missing package of the extra into an error that says what to install."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in ("starlette", "uvicorn"):
            message = f"the sandbox needs {error.name}: pip install starlette uvicorn"
            raise configuration_error(message) from error


def configuration_error(message: str) -> Exception:
    """Make a ConfigurationError; the modules of the client are imported only here."""
    from simstudio.errors import ConfigurationError

    return ConfigurationError(message)


def _bracket(host: str) -> str:
    """A host in the form that precedes a port: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host
