"""All routes of v2, and what answers where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Match, Route

from simstudio.sandbox.v2 import (
    account,
    audit,
    catalogue,
    deployments,
    exchange,
    execute,
    folders,
    logs,
    runs,
    versions,
    workflows,
)
from simstudio.sandbox.v2.answers import error

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

    from starlette.types import Receive, Scope, Send

    from simstudio.sandbox.core import Core

_GROUPS = (account, audit, catalogue, folders, exchange, deployments, versions, execute, runs, logs, workflows)
"""Groups with fixed words come before those whose paths have a workflow's id in their place."""


def all_routes(core: Core) -> list[Route]:
    """The routes of every group; while v2 is switched off only the one that says so. Everything else is not found."""
    return [*(route for group in _GROUPS for route in group.routes(core)), Unknown()]


class Unknown(Route):
    """Answers every path of v2 that has no route; a known path with another method stays 405."""

    def __init__(self) -> None:
        super().__init__("/api/v2/{rest:path}", _Nothing(), methods=None)

    def matches(self, scope: Scope) -> tuple[Match, MutableMapping[str, Any]]:
        """Never better than a route that only dislikes the method."""
        match, child = super().matches(scope)
        return (Match.PARTIAL if match is Match.FULL else match), child


class _Nothing:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await error(404, None, "Not found")(scope, receive, send)
