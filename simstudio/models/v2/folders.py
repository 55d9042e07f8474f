"""Folders of workflows, files and knowledge bases: each kind has a tree of its own."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class Folder(Model):
    """A folder, which its path identifies.

    Attributes:
        name: Last segment of the path, decoded.
        path: Percent-encoded by segment.
        parent_path: Path of the parent folder; ``/`` is the root.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    name: str
    path: str
    parent_path: str
    created_at: str
    updated_at: str


@model
class WorkflowFolder(Folder):
    """A folder of workflows.

    Attributes:
        locked: Whether the folder cannot be changed.
    """

    locked: bool


@model
class DeletedFolderItems(Model):
    """The numbers of folders and workflows that were deleted with a folder."""

    folders: int
    workflows: int


@model
class DeletedWorkflowFolder(Model):
    """The response to the deletion of a folder.

    Attributes:
        deleted: True.
    """

    path: str
    deleted: bool
    deleted_items: DeletedFolderItems
