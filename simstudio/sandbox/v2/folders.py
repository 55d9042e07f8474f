"""Folders of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.workflow_folders import WorkflowFolders
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.folders import Folder, Folders


@V2().serves(WorkflowFolders.list, {"sortBy": "name", "sortOrder": "asc"})
def list_folders(call: Call) -> Reply:
    """All folders of a workspace, or the direct subfolders of one."""
    folders = call.core.definitions.folders(call.workspace(call.query["workspaceId"]))
    return listing(map(_present, select_folders(call, folders)))


def select_folders(call: Call, folders: Folders) -> list[Folder]:
    """The folders that a query selects, in its order: ``parentPath``, ``search``, ``sortBy`` and ``sortOrder``."""
    query = call.query
    found = list(folders)
    if "parentPath" in query:
        parent = folders.require(query["parentPath"])
        found = [each for each in found if each.parent == parent]
    if "search" in query:
        found = [each for each in found if matches(query["search"], each.name)]

    def key(each: Folder) -> tuple[str | float, str]:
        values: dict[str, str | float] = {"name": each.name, "createdAt": each.created, "updatedAt": each.updated}
        return values[query["sortBy"]], each.path

    found.sort(key=key, reverse=query["sortOrder"] == "desc")
    return found


def _present(folder: Folder) -> dict[str, Any]:
    return {**views.folder(folder), "locked": False}


@V2().serves(WorkflowFolders.create)
def create(call: Call) -> Reply:
    """Make a folder."""
    folders = call.core.definitions.folders(call.workspace(call.body["workspaceId"]))
    return data(_present(folders.create(call.body["path"], call.core.clock())), 201)


@V2().serves(WorkflowFolders.relocate)
def relocate(call: Call) -> Reply:
    """Rename or move a folder with everything in it."""
    workspace_id, body = call.workspace(call.body["workspaceId"]), call.body
    return data(_present(call.core.definitions.relocate_folder(workspace_id, body["path"], body["destinationPath"])))


@V2().serves(WorkflowFolders.delete, {"recursive": False}, spelled=("recursive",))
def delete(call: Call) -> Reply:
    """Delete a folder; its workflows are archived."""
    workspace_id, query = call.workspace(call.query["workspaceId"]), call.query
    path, folders, workflows = call.core.definitions.delete_folder(
        workspace_id, query["path"], recursive=query["recursive"]
    )
    return data({"path": path, "deleted": True, "deletedItems": {"folders": folders, "workflows": workflows}})
