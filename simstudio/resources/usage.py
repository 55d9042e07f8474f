"""``client.usage``: what the account may still do."""

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
    """Limits and usage of the account that the key belongs to."""

    def __init__(self, context: Context, name: str, dialects: Dialects[M]) -> None:
        super().__init__(context, name)
        self._dialects: Dialects[M] = dialects

    @operation
    def limits(self) -> Flow[UsageLimits]:
        """Retrieve the rate limits, the costs of the current period and the storage in use.

        In v1 it is the only way to see an execution's rate limit before meeting it: Sim sends no hints with executions
        (NOTES 4).

        Returns:
            ``rate_limit.sync.remaining`` (requests), ``usage.current_period_cost`` (US dollars) … v2 tells no rate
            limits and counts credits instead of dollars: ``limits.credits.remaining``.

        Raises:
            AuthenticationError: No key, or a wrong one.
            SimStudioError: Any other failure.

        Example:
            >>> client.usage.limits().rate_limit["sync"]["remaining"]  # doctest: +SKIP
            50
        """
        return (yield from self._dialects.own.limits())
