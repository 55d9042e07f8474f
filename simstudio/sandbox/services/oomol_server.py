"""An Oomol sandbox on a local port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.serving import Served

if TYPE_CHECKING:
    from simstudio.sandbox.services.oomol import OomolSandbox
    from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient

    _Served = Served[OomolSandbox]
else:
    _Served = Served


class OomolServer(_Served):
    """A sandbox being served on this machine, by a thread of its own. Made by :meth:`OomolSandbox.serve`."""

    @property
    def applets_url(self) -> str:
        """Where applets are listed."""
        return self.origin

    @property
    def base_url(self) -> str:
        """Where the rest is."""
        return f"{self.origin}/api"

    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        return self.sandbox._stop

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
