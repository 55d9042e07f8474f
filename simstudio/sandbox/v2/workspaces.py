"""The workspaces of a sandbox."""

from __future__ import annotations

from typing import Any

from simstudio.resources.v2.workspaces import Workspaces
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Reply
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


def _present(call: Call, workspace_id: str) -> dict[str, Any]:
    """A workspace; all are as old as the sandbox, and named after their ids."""
    opened = iso(call.core.data.opened)
    return {
        "id": workspace_id,
        "name": workspace_id,
        "color": "#33C482",
        "logoUrl": None,
        "memberCount": 1,
        "createdAt": opened,
        "updatedAt": opened,
    }
