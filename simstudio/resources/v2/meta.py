"""``client.v2.meta``: whether v2 is switched on, and the kind of the API key."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.models.v2.meta import Meta as MetaData
from simstudio.transport.flow import Flow


class Meta(APIResource[M]):
    """Information about the server's v2 API; the only v2 route that works while v2 is switched off."""

    @endpoint("GET", "/api/v2/meta", "getApiMeta")
    def get(self, send: Sender) -> Flow[MetaData]:
        """Check whether v2 is switched on, and retrieve the kind of the API key.

        Raises:
            NotFoundError: The server has no v2 API.

        Example:
            >>> client.v2.meta.get().v2_enabled  # doctest: +SKIP
            True
        """
        return send.one(MetaData)
