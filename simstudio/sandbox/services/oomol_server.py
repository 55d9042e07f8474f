"""An Oomol sandbox on a local port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from simstudio.sandbox.server import LocalServer
    from simstudio.sandbox.services.oomol import OomolSandbox
    from simstudio.sandbox.traffic import ReceivedRequest
    from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient


class OomolServer:
    """A sandbox being served on this machine, by a thread of its own. Made by :meth:`OomolSandbox.serve`."""

    def __init__(self, sandbox: OomolSandbox, host: str, port: int) -> None:
        self.sandbox = sandbox
        self._address = (host, port)
        self._server: LocalServer | None = None
        self._origin: str | None = None

    @property
    def applets_url(self) -> str:
        """Where applets are listed."""
        if self._origin is None:
            from simstudio.errors import ConfigurationError

            raise ConfigurationError("the sandbox has no address before start() or `with sandbox.serve()`")
        return self._origin

    @property
    def base_url(self) -> str:
        """Where the rest is."""
        return f"{self.applets_url}/api"

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests received so far, oldest first."""
        return self.sandbox.requests

    def start(self) -> Self:
        """Listen and answer.

        Raises:
            ConfigurationError: The extra ``sandbox`` is not installed.
        """
        from simstudio.sandbox.sandbox import _Extra

        with _Extra():
            from simstudio.sandbox.server import LocalServer, bind, url_of
        listener = bind(*self._address)
        self._origin = url_of(listener)
        self._server = LocalServer(self.sandbox.app, listener, self.sandbox._stop)
        self._server.start()
        return self

    def close(self) -> None:
        """Stop: open connections end, tasks are stopped. Closing again does nothing."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that lead the examples here, token included."""
        return {"OOMOL_BASE_URL": self.base_url, "OOMOL_TOKEN": self.sandbox.api_token}

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {"base_url": self.base_url, "api_token": self.sandbox.api_token, "applets_url": self.applets_url}
        return {**own, **options}

    def client(self, **options: Any) -> OomolConnectClient:
        """A client with the sandbox's token and address."""
        from simstudio.services.oomol import OomolConnectClient

        return OomolConnectClient(**self._options(options))

    def async_client(self, **options: Any) -> AsyncOomolConnectClient:
        """An async client with the sandbox's token and address."""
        from simstudio.services.oomol import AsyncOomolConnectClient

        return AsyncOomolConnectClient(**self._options(options))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
