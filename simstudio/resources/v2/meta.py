"""``client.v2.meta``: whether v2 is on, and what the key is."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.models.v2.meta import Meta as MetaData
from simstudio.transport.flow import Flow


class Meta(APIResource[M]):
    """What a server says of its v2; the only route that answers where v2 is off (API.md 1.1)."""

    @endpoint("GET", "/api/v2/meta", "getApiMeta")
    def get(self, send: Sender) -> Flow[MetaData]:
        """Ask whether v2 is on, and what the key is.

        Returns:
            The answer.

        Raises:
            NotFoundError: The server has no v2 at all.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.meta.get().v2_enabled  # doctest: +SKIP
            True
        """
        return send.one(MetaData)
