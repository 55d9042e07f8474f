"""The user's limits, and the deployment state of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.sandbox.http import json_reply
from simstudio.sandbox.routes.endpoint import readable_workflow

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core


async def usage_limits(core: Core, request: Request) -> ASGIApp:
    """GET /api/users/me/usage-limits."""
    core.dialect.check_key("usage", core.key_state(request))
    return json_reply(core.dialect.usage(core.limiter(), core.account()))


async def workflow_status(core: Core, request: Request) -> ASGIApp:
    """GET /api/workflows/{id}/status."""
    workflow = readable_workflow(core, request, "status")
    return json_reply(core.dialect.deployment(workflow))
