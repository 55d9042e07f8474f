"""The workspaces of agents, and the files in them."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import model
from simstudio.services.vectorvein.models.agents import User
from simstudio.services.vectorvein.models.base import Record


@model
class WorkspaceFile(Record):
    """A file of a workspace; ``size`` is in bytes."""

    key: str | None = None
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None


@model
class AgentWorkspace(Record):
    """A workspace; ``latest_files`` are the files that changed last."""

    workspace_id: str
    agent_task_id: str | None = None
    user: User | None = None
    oss_bucket: str | None = None
    base_storage_path: str | None = None
    created_at: str | None = None
    last_accessed: str | None = None
    latest_files: list[WorkspaceFile] | None = None
    file_count: int | None = None


@model
class AgentWorkspaceListResponse(Record):
    """One page of workspaces."""

    workspaces: list[AgentWorkspace]
    total: int | None = None
    page: int | None = None
    page_size: int | None = None
    page_count: int | None = None


@model
class WorkspaceFileListResponse(Record):
    """The files of a workspace.

    Attributes:
        files: The files; with ``tree_view`` the tree, as plain JSON data (see ``tree``).
        tree_view: Whether ``files`` is a tree.
        source: Storage that holds the files, in the server's words.
        has_more: Whether there are files after these.
        next_cursor: Position after these files.
    """

    files: list[WorkspaceFile] = attrs.field(factory=list)
    tree_view: bool | None = None
    source: str | None = None
    is_computer_agent: bool = False
    recursive: bool = False
    workspace_revision: int | None = None
    page_size: int | None = None
    next_cursor: str | None = None
    has_more: bool = False

    @property
    def tree(self) -> dict[str, Any] | None:
        """The tree of files; None if the server sent a list."""
        sent: object = self.files
        return sent if isinstance(sent, dict) else None


@model
class WorkspaceFileContent(Record):
    """A text file, or some lines of it.

    Attributes:
        file_path: Path in the workspace.
        start_line: First line of ``content``, from 1.
        end_line: Last line of ``content``.
        download_url: Temporary URL of the whole file.
    """

    content: str
    file_info: WorkspaceFile | None = None
    file_path: str | None = None
    start_line: int | None = None
    end_line: int | None = None
    meta_data: Any = None
    download_url: str | None = None
