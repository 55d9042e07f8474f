"""Folders of workflows."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class WorkflowFolder(Model):
    """A folder of workflows, which its path identifies.

    Attributes:
        name: Last segment of the path, decoded.
        path: Percent-encoded by segment.
        parent_path: Path of the parent folder; ``/`` is the root.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        locked: Whether the folder cannot be changed.
    """

    name: str
    path: str
    parent_path: str
    created_at: str
    updated_at: str
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
