"""The workspaces of a sandbox, and their members."""

from __future__ import annotations

from typing import Any
from uuid import uuid5

from simstudio.resources.v2.workspace_people import WorkspaceMembers
from simstudio.resources.v2.workspaces import Workspaces
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Reply
from simstudio.sandbox.ids import NAMESPACE, OWNER
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import page


@V2().serves(Workspaces.list, {"sortBy": "createdAt", "sortOrder": "desc", "limit": 25})
def list_workspaces(call: Call) -> Reply:
    """A page of the workspaces, none of which an outsider may see."""
    ids = [] if call.key == "outsider" else list(call.core.definitions.workspaces)
    descending = call.query["sortOrder"] == "desc"
    shown, after = page(call, ids, lambda workspace_id: (workspace_id,), descending=descending, by_offset=True)
    return listing((_present(call, workspace_id) for workspace_id in shown), after)


@V2().serves(Workspaces.get)
def get_workspace(call: Call) -> Reply:
    """One workspace."""
    return data(_present(call, call.workspace(call.path["workspaceId"], is_hidden=False)))


@V2().serves(WorkspaceMembers.list, {"limit": 50})
def list_members(call: Call) -> Reply:
    """A page of the members of a workspace, by address."""
    call.workspace(call.path["workspaceId"], is_hidden=False)
    shown, after = page(call, (OWNER, *call.core.settings.members), lambda email: (email,))
    return listing((_present_member(call, email) for email in shown), after)


def _present_member(call: Call, email: str) -> dict[str, Any]:
    is_admin = email == OWNER
    return {
        "email": email,
        "userId": call.core.account().user_id if is_admin else uuid5(NAMESPACE, email).hex,
        "name": email.partition("@")[0],
        "image": None,
        "role": "admin" if is_admin else "write",
        "isExternal": False,
        "joinedAt": iso(call.core.data.opened),
    }


def _present(call: Call, workspace_id: str) -> dict[str, Any]:
    """A workspace; all are as old as the sandbox, and named after their ids."""
    opened = iso(call.core.data.opened)
    return {
        "id": workspace_id,
        "name": workspace_id,
        "color": "#33C482",
        "logoUrl": None,
        "memberCount": 1 + len(call.core.settings.members),
        "createdAt": opened,
        "updatedAt": opened,
    }
