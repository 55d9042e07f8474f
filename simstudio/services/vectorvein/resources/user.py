"""``client.user``: the account that the API key belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.models.user import APIUserIdentity
from simstudio.services.vectorvein.resource import VectorVeinResource

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class UserAccount(VectorVeinResource[M]):
    """The account of the API key."""

    @operation
    def validate_api_key(self) -> Flow[APIUserIdentity]:
        """Check the API key, and return whose it is.

        Raises:
            APIKeyError: VectorVein refuses the key.

        Example:
            >>> client.validate_api_key().username  # doctest: +SKIP
        """
        envelope = yield from self._envelope("GET", "user/validate-api-key", resend="read")
        return self._data(envelope, APIUserIdentity)

    @operation
    def get(self) -> Flow[Any]:
        """Retrieve the profile of the account, as plain JSON data.

        Example:
            >>> client.get_user_info()  # doctest: +SKIP
        """
        return (yield from self._envelope("GET", "user-info/get", resend="read")).data
