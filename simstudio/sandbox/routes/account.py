"""The user's limits, and the deployment state of a workflow."""

from __future__ import annotations

from simstudio.sandbox.families import Legacy, readable_workflow
from simstudio.sandbox.http import Reply, json_reply
from simstudio.sandbox.operation import Call


@Legacy("usage").operation("GET", "/api/users/me/usage-limits")
def usage_limits(call: Call) -> Reply:
    """The user's limits and what has been used of them."""
    core = call.core
    core.dialect.check_key("usage", call.key)
    return json_reply(core.dialect.usage(core.limiter(), core.account()))


@Legacy("status").operation("GET", "/api/workflows/{id}/status")
def workflow_status(call: Call) -> Reply:
    """Whether a workflow is deployed."""
    return json_reply(call.core.dialect.deployment(readable_workflow(call, "status")))
