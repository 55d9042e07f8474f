"""Families of v2 that the sandbox lacks, because they administer a deployment or call other services."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from simstudio.sandbox.families import PRIVATE
from simstudio.sandbox.http import Reply, json_reply

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ABSENT: Mapping[str, str] = MappingProxyType(
    {
        "credentials": "credentials, which sign in to other services",
        "organizations": "organizations, which administer a deployment",
        "sandboxes": "sandboxes for code, which run at another service",
        "selectors": "selectors, which list choices of other services",
        "workspaces": "invitations, access requests and forks of workspaces, which administer a deployment",
    }
)
"""Families, and the reasons why they are absent, by the first part of their paths below ``/api/v2``."""


class Absent:
    """The ASGI application of all paths of v2 that no operation has."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 404 or 501."""
        await refuse(scope["path"])(scope, receive, send)


def refuse(path: str) -> Reply:
    """The response to a path of v2 that no operation has: 501 for a family that the sandbox lacks, else 404."""
    family = ABSENT.get(path.removeprefix("/api/v2/").partition("/")[0])
    if family is None:
        return json_reply({"error": {"code": "NOT_FOUND", "message": "Not found"}}, 404, PRIVATE)
    return refuse_missing(family)


def refuse_missing(what: str) -> Reply:
    """The 501 for something that the sandbox does not have."""
    message = (
        f"The local Sim does not have {what}. Test this call against recordings of a real server: "
        "simstudio.testing.make_vcr records and replays them."
    )
    return json_reply({"error": {"code": "NOT_IMPLEMENTED", "message": message}}, 501, PRIVATE)
