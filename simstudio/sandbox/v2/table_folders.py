"""Folders of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.table_folders import TableFolders
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.folders import select_folders
from simstudio.sandbox.v2.views import folder

if TYPE_CHECKING:
    from collections.abc import Mapping


@V2().serves(TableFolders.list, {"sortBy": "name", "sortOrder": "asc"})
def list_folders(call: Call) -> Reply:
    """All folders of a workspace, or the direct subfolders of one."""
    folders = call.core.data.tables.folders(_workspace(call, call.query))
    return listing(map(folder, select_folders(call, folders)))


@V2().serves(TableFolders.create)
def create(call: Call) -> Reply:
    """Make a folder."""
    folders = call.core.data.tables.folders(_workspace(call, call.body))
    return data(folder(folders.create(call.body["path"], call.core.clock())), 201)


@V2().serves(TableFolders.relocate)
def relocate(call: Call) -> Reply:
    """Rename or move a folder with everything in it."""
    body, workspace_id = call.body, _workspace(call, call.body)
    return data(folder(call.core.data.tables.relocate_folder(workspace_id, body["path"], body["destinationPath"])))


@V2().serves(TableFolders.delete, {"recursive": False}, spelled=("recursive",))
def delete(call: Call) -> Reply:
    """Delete a folder; its tables are archived."""
    query, workspace_id = call.query, _workspace(call, call.query)
    path, folders, tables = call.core.data.tables.delete_folder(
        workspace_id, query["path"], recursive=query["recursive"]
    )
    return data({"path": path, "deleted": True, "deletedItems": {"folders": folders, "tables": tables}})


@V2().serves(TableFolders.restore)
def restore(call: Call) -> Reply:
    """Restore a deleted folder, with its folders and tables."""
    workspace_id = _workspace(call, call.body)
    found, folders, tables = call.core.data.tables.restore_folder(workspace_id, call.body["path"])
    return data({"folder": folder(found), "restoredItems": {"folders": folders, "tables": tables}})


def _workspace(call: Call, given: Mapping[str, Any]) -> str:
    return call.workspace(given["workspaceId"], is_hidden=False)
