"""What each recorded status of a workflow, each recorded usage and each recorded cancellation becomes."""

from __future__ import annotations

from attrs import frozen

import simstudio as sim
from tests.integration.executions import Failure, Key
from tests.integration.replaying import V04, V06


@frozen
class Status:
    """A workflow's status."""

    deployed: bool
    needs_redeployment: bool = False


STATUSES: dict[Key, Status | Failure] = {
    (V06, 74): Status(deployed=True),
    (V06, 75): Status(deployed=False),
    (V06, 76): Failure(sim.NotFoundError, "Workflow not found"),
    (V06, 77): Failure(sim.AuthenticationError, "Unauthorized"),
    (V06, 367): Status(deployed=True, needs_redeployment=True),
    (V04, 58): Status(deployed=True),
    (V04, 59): Status(deployed=True, needs_redeployment=True),
    (V04, 60): Status(deployed=False),
    (V04, 61): Failure(sim.NotFoundError, "Workflow not found"),
    (V04, 63): Status(deployed=True),  # with a wrong key: this server asks for none here
    (V04, 64): Status(deployed=True),
    (V04, 208): Status(deployed=True),
}
"""``client.workflows.status`` and ``validate``, ``get_workflow_status`` and ``validate_workflow``."""


@frozen
class Usage:
    """Limits: requests a minute and what is left of them, costs in US dollars."""

    sync: tuple[int, int]
    background: tuple[int, int]
    cost: float = 0
    limit: float = 99999
    limited: bool = False


NOT_AUTHENTICATED = Failure(sim.AuthenticationError, "Authentication required")

USAGES: dict[Key, Usage | Failure] = {
    (V06, 79): Usage((50, 100), (200, 400)),
    (V06, 80): NOT_AUTHENTICATED,
    (V06, 81): NOT_AUTHENTICATED,
    (V06, 325): Usage((2, 4), (2, 4)),
    (V06, 329): Usage((2, 0), (2, 4), limited=True),
    (V06, 349): Usage((50, 96), (200, 400), cost=5, limit=1),
    (V06, 397): Usage((50, 93), (200, 400)),
    (V06, 412): NOT_AUTHENTICATED,
    (V04, 65): Usage((5000, 4959), (5000, 5000)),
    (V04, 66): NOT_AUTHENTICATED,
    (V04, 68): Usage((5000, 4959), (5000, 5000)),
    (V04, 69): NOT_AUTHENTICATED,
    (V04, 198): Usage((10, 10), (50, 50)),
    (V04, 223): Usage((5000, 4997), (50, 49), cost=5, limit=1),
}
"""``client.usage.limits`` and ``get_usage_limits``."""

RECORDED, NO_REDIS = "recorded", "redis_unavailable"

CANCELLED: dict[Key, str | Failure] = {
    (V06, 84): RECORDED,
    (V06, 86): RECORDED,  # finished long ago
    (V06, 87): RECORDED,  # there is no such execution
    (V06, 89): Failure(sim.AuthenticationError, "Unauthorized"),
    (V06, 90): RECORDED,
    (V06, 117): RECORDED,
    (V06, 345): NO_REDIS,
    (V06, 347): NO_REDIS,
    (V06, 407): Failure(sim.PermissionDeniedError, "Unauthorized: Access denied to write this workflow"),
}
"""``client.workflows.cancel``."""
