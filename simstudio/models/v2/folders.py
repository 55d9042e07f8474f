"""Folders of workflows."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class WorkflowFolder(Model):
    """A folder of workflows. Its path is its identity.

    Attributes:
        name: The last segment of its path, decoded.
        path: Percent-encoded by segment.
        parent_path: Of the folder it lies in; ``/`` is the root.
        created_at: When, ISO 8601.
        updated_at: When, ISO 8601.
        locked: Whether it cannot be changed.
    """

    name: str
    path: str
    parent_path: str
    created_at: str
    updated_at: str
    locked: bool


@model
class DeletedFolderItems(Model):
    """How much went with a folder.

    Attributes:
        folders: Folders.
        workflows: Workflows.
    """

    folders: int
    workflows: int


@model
class DeletedWorkflowFolder(Model):
    """A folder that was deleted.

    Attributes:
        path: Where it was.
        deleted: True.
        deleted_items: How much went with it.
    """

    path: str
    deleted: bool
    deleted_items: DeletedFolderItems
