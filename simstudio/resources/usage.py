"""``client.usage``: limits and usage of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.context import Context
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.resource import APIResource
from simstudio.resources.dialects import Dialects
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.models.usage import UsageLimits


class Usage(APIResource[M]):
    """Limits and usage of the account that owns the API key."""

    def __init__(self, context: Context, name: str, dialects: Dialects[M]) -> None:
        super().__init__(context, name)
        self._dialects: Dialects[M] = dialects

    @operation
    def limits(self) -> Flow[UsageLimits]:
        """Retrieve the rate limits, the cost of the current billing period and the storage in use.

        With v1 this is the only way to see the rate limit of executions: their responses carry no rate-limit headers.

        Returns:
            v1: requests (``rate_limit.sync.remaining``) and US dollars (``usage.current_period_cost``). v2: credits
            (``credits.remaining``), and no rate limits.

        Raises:
            AuthenticationError: The API key is missing or wrong.

        Example:
            >>> client.usage.limits().rate_limit["sync"]["remaining"]  # doctest: +SKIP
            50
        """
        return (yield from self._dialects.own.limits())
