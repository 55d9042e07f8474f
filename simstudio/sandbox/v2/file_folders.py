"""Folders of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.resources.v2.file_folders import FileFolders
from simstudio.sandbox.definitions.folders import ROOT, is_within, normalise_path
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.file_views import files_of, serves
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.folders import Folder


@serves(FileFolders.list, {"sortBy": "name", "sortOrder": "asc", "scope": "active"}, spelled=("recursive",))
def list_folders(call: Call) -> Reply:
    """All folders of a workspace, or those in one. An unknown folder has none."""
    query = call.query
    folders = files_of(call, query["workspaceId"]).folders
    found = folders.archived if query["scope"] == "archived" else list(folders)
    above = normalise_path(query.get("parentPath", ROOT))
    levels = query.get("depth") or (None if query.get("recursive", "parentPath" not in query) else 1)
    found = [each for each in found if each.path != above and is_within(each.path, above)]
    if levels is not None:
        found = [each for each in found if _level(each.path) - _level(above) <= levels]
    if "search" in query:
        found = [each for each in found if matches(query["search"], each.name)]

    def key(each: Folder) -> tuple[str | float, str]:
        values: dict[str, str | float] = {"name": each.name, "createdAt": each.created, "updatedAt": each.updated}
        return values[query["sortBy"]], each.path

    found.sort(key=key, reverse=query["sortOrder"] == "desc")
    return listing(map(views.folder, found))


def _level(path: str) -> int:
    return 0 if path == ROOT else path.count("/")


@serves(FileFolders.create)
def create(call: Call) -> Reply:
    """Make a folder in an existing one."""
    folders = files_of(call, call.body["workspaceId"]).folders
    return data(views.folder(folders.create(call.body["path"], call.core.clock())), 201)


@serves(FileFolders.relocate)
def relocate(call: Call) -> Reply:
    """Rename or move a folder with everything in it."""
    store, body = files_of(call, call.body["workspaceId"]), call.body
    return data(views.folder(store.relocate_folder(body["path"], body["destinationPath"])))


@serves(FileFolders.delete, {"recursive": False}, spelled=("recursive",))
def delete(call: Call) -> Reply:
    """Archive a folder; with its contents if the request is recursive."""
    store, query = files_of(call, call.query["workspaceId"]), call.query
    path, folders, files = store.delete_folder(query["path"], recursive=query["recursive"])
    return data({"path": path, "deleted": True, "deletedItems": {"folders": folders, "files": files}})


@serves(FileFolders.restore)
def restore(call: Call) -> Reply:
    """Restore an archived folder with its contents."""
    folder, folders, files = files_of(call, call.body["workspaceId"]).restore_folder(call.body["path"])
    return data({"folder": views.folder(folder), "restoredItems": {"files": files, "folders": folders}})
