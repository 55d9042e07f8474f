"""A SpeedPix sandbox on a local port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.serving import Served

if TYPE_CHECKING:
    from simstudio.sandbox.services.speedpix import SpeedPixSandbox  # noqa: F401 - the parameter below
    from simstudio.services.speedpix import AsyncSpeedPixClient, SpeedPixClient


class SpeedPixServer(Served["SpeedPixSandbox"]):
    """A sandbox being served on this machine, by a thread of its own. Made by :meth:`SpeedPixSandbox.serve`."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that lead a program here, secret included."""
        return {
            "SPEEDPIX_APP_KEY": self.sandbox.app_key,
            "SPEEDPIX_APP_SECRET": self.sandbox.app_secret,
            "SPEEDPIX_ENDPOINT": self.base_url,
        }

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

    def _opened(self, origin: str) -> None:
        self.sandbox._served_at = origin

    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        return self.sandbox._stop
