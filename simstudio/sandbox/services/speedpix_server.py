"""A SpeedPix sandbox on a local port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from simstudio.sandbox.server import LocalServer
    from simstudio.sandbox.services.speedpix import SpeedPixSandbox
    from simstudio.sandbox.traffic import ReceivedRequest
    from simstudio.services.speedpix import AsyncSpeedPixClient, SpeedPixClient


class SpeedPixServer:
    """A sandbox being served on this machine, by a thread of its own. Made by :meth:`SpeedPixSandbox.serve`."""

    def __init__(self, sandbox: SpeedPixSandbox, host: str, port: int) -> None:
        self.sandbox = sandbox
        self._address = (host, port)
        self._server: LocalServer | None = None

    @property
    def base_url(self) -> str:
        """Where it is, without a trailing slash.

        Raises:
            ConfigurationError: It has not been started.
        """
        return self.sandbox._origin

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests received so far, oldest first."""
        return self.sandbox.requests

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that lead a program here, secret included."""
        return {
            "SPEEDPIX_APP_KEY": self.sandbox.app_key,
            "SPEEDPIX_APP_SECRET": self.sandbox.app_secret,
            "SPEEDPIX_ENDPOINT": self.base_url,
        }

    def start(self) -> Self:
        """Listen and answer.

        Raises:
            ConfigurationError: The extra ``sandbox`` is not installed, or the port is taken.
        """
        from simstudio.errors import ConfigurationError
        from simstudio.sandbox.sandbox import _Extra

        with _Extra():
            from simstudio.sandbox.server import LocalServer, bind, url_of
        host, port = self._address
        try:
            listener = bind(host, port)
        except OSError as error:
            raise ConfigurationError(f"the sandbox cannot listen on {host}:{port}: {error}") from error
        self.sandbox._served_at = url_of(listener)
        self._server = LocalServer(self.sandbox.app, listener, self.sandbox._stop)
        self._server.start()
        return self

    def close(self) -> None:
        """Stop: open connections end. Closing again does nothing."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def client(self, **options: Any) -> SpeedPixClient:
        """A client with the sandbox's keys and address."""
        from simstudio.services.speedpix import SpeedPixClient

        return SpeedPixClient(**self._options(options))

    def async_client(self, **options: Any) -> AsyncSpeedPixClient:
        """An async client with the sandbox's keys and address."""
        from simstudio.services.speedpix import AsyncSpeedPixClient

        return AsyncSpeedPixClient(**self._options(options))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {"app_key": self.sandbox.app_key, "app_secret": self.sandbox.app_secret, "endpoint": self.base_url}
        return {**own, **options}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
