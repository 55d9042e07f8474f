"""``client.usage``: what the account may still do."""

from __future__ import annotations

from simstudio.models.usage import UsageLimits
from simstudio.resources.base import APIResource
from simstudio.resources.modes import M
from simstudio.resources.operation import operation
from simstudio.transport.flow import Flow


class Usage(APIResource[M]):
    """Limits and usage of the account that the key belongs to."""

    @operation
    def limits(self) -> Flow[UsageLimits]:
        """Retrieve the rate limits, the costs of the current period and the storage in use.

        It is the only way to see an execution's rate limit before meeting it: Sim sends no hints with executions
        (NOTES 4).

        Returns:
            ``rate_limit.sync.remaining`` (requests), ``usage.current_period_cost`` (US dollars) …

        Raises:
            AuthenticationError: No key, or a wrong one.
            SimStudioError: Any other failure.

        Example:
            >>> client.usage.limits().rate_limit["sync"]["remaining"]  # doctest: +SKIP
            50
        """
        response = yield from self._get("/api/users/me/usage-limits")
        return self._structure(response, UsageLimits)
