"""``client.workspaces``: workspaces of agents, and the files in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.errors import RequestError, combined
from simstudio.services.vectorvein.models.workspaces import (
    AgentWorkspace,
    AgentWorkspaceListResponse,
    WorkspaceFileContent,
    WorkspaceFileListResponse,
)
from simstudio.services.vectorvein.resource import VectorVeinResource, drop_none, identifier, invalid
from simstudio.services.vectorvein.resources.pages import Pages
from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class Workspaces(VectorVeinResource[M]):
    """Workspaces: get and list; list, read, write, delete and download their files."""

    @operation
    def list(self, page: int = 1, page_size: int = 10) -> Flow[AgentWorkspaceListResponse]:
        """List workspaces, one page of them; :meth:`iterate` gives all.

        Args:
            page: Page number, from 1.
            page_size: Workspaces a page.

        Example:
            >>> client.list_agent_workspaces().workspaces  # doctest: +SKIP
        """
        return (yield from self._page(page, page_size))

    def iterate(self, *, page_size: int = 50) -> Pages[AgentWorkspace]:
        """All workspaces, fetched page by page as they are iterated over (``async for`` on an async client).

        Example:
            >>> [each.workspace_id for each in client.workspaces.iterate()]  # doctest: +SKIP
        """
        return Pages(self, lambda page: self._page(page, page_size), "workspaces", page_size)

    @operation
    def get(self, workspace_id: str) -> Flow[AgentWorkspace]:
        """Retrieve a workspace.

        Example:
            >>> client.get_agent_workspace("workspace-id").file_count  # doctest: +SKIP
        """
        body = {"workspace_id": identifier(workspace_id, "workspace_id")}
        envelope = yield from self._read("agent-workspace/get", body)
        return self._data(envelope, AgentWorkspace)

    @operation
    def list_files(
        self,
        workspace_id: str,
        prefix: str | None = None,
        tree_view: bool = False,  # noqa: FBT001, FBT002 - the documented signature
    ) -> Flow[WorkspaceFileListResponse]:
        """List the files of a workspace.

        Args:
            prefix: Beginning of the paths of the files to list.
            tree_view: Whether to return a tree (``tree``) instead of a list (``files``).

        Example:
            >>> client.list_workspace_files("workspace-id").files  # doctest: +SKIP
        """
        if not isinstance(tree_view, bool):
            raise invalid(f"tree_view must be True or False, not {tree_view!r}: the prefix comes before it.")
        if prefix is not None and not isinstance(prefix, str):
            raise invalid(f"prefix must be a str, not {prefix!r}: tree_view comes after it.")
        body = {
            "workspace_id": identifier(workspace_id, "workspace_id"),
            "tree_view": tree_view,
            **drop_none(prefix=prefix),
        }
        envelope = yield from self._read("agent-workspace/list-files", body)
        return self._data(envelope, WorkspaceFileListResponse)

    @operation
    def read_file(
        self, workspace_id: str, file_path: str, start_line: int | None = None, end_line: int | None = None
    ) -> Flow[WorkspaceFileContent]:
        """Read a text file, or some lines of it.

        Args:
            file_path: Path of the file in the workspace.
            start_line: First line to read, from 1.
            end_line: Last line to read.

        Example:
            >>> client.read_workspace_file("workspace-id", "notes.md", 1, 20).content  # doctest: +SKIP
        """
        for name, line in (("start_line", start_line), ("end_line", end_line)):
            if line is not None and (isinstance(line, bool) or not isinstance(line, int)):
                raise invalid(f"{name} must be the number of a line, from 1, not {line!r}.")
        body = {**_file(workspace_id, file_path), **drop_none(start_line=start_line, end_line=end_line)}
        envelope = yield from self._read("agent-workspace/read-file", body)
        return self._data(envelope, WorkspaceFileContent)

    @operation
    def download_file(self, workspace_id: str, file_path: str) -> Flow[str]:
        """Retrieve a temporary URL of a file.

        Args:
            file_path: Path of the file in the workspace.

        Returns:
            The URL. Whoever has it can download the file.

        Example:
            >>> client.download_workspace_file("workspace-id", "notes.md")  # doctest: +SKIP
        """
        envelope = yield from self._read("agent-workspace/download-file", _file(workspace_id, file_path))
        address = envelope.data.get("file_url") if isinstance(envelope.data, dict) else None
        if not isinstance(address, str) or not address:
            response = envelope.response
            raise combined(RequestError, InvalidResponseError)(
                f"{response.method} {response.path} answered without a file_url. What came is in error.details.",
                envelope.status,
                status=response.status,
                details=envelope.content,
                response=response,
                history=response.history,
            )
        return address

    @operation
    def write_file(self, workspace_id: str, file_path: str, content: str) -> Flow[Any]:
        """Write a text file.

        Args:
            file_path: Path of the file in the workspace.
            content: Whole text of the file; may be empty.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.write_workspace_file("workspace-id", "notes.md", "# Notes")  # doctest: +SKIP
        """
        if not isinstance(content, str):
            raise invalid(f"content must be a str, not {type(content).__name__}.")
        body = {**_file(workspace_id, file_path), "content": content}
        return (yield from self._write("agent-workspace/write-file", body)).data

    @operation
    def delete_file(self, workspace_id: str, file_path: str) -> Flow[Any]:
        """Delete a file.

        Args:
            file_path: Path of the file in the workspace.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.delete_workspace_file("workspace-id", "notes.md")  # doctest: +SKIP
        """
        return (yield from self._write("agent-workspace/delete-file", _file(workspace_id, file_path))).data

    @operation
    def zip_files(self, workspace_id: str) -> Flow[Any]:
        """Pack all files of a workspace into an archive.

        Returns:
            The answer's data with the archive's URL, as plain JSON data.

        Example:
            >>> client.zip_workspace_files("workspace-id")  # doctest: +SKIP
        """
        body = {"workspace_id": identifier(workspace_id, "workspace_id")}
        return (yield from self._write("agent-workspace/zip-files", body)).data

    @operation
    def sync_container(self, workspace_id: str) -> Flow[Any]:
        """Copy the files of the workspace's container to the storage. The server does so after its answer.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.sync_workspace_container_to_oss("workspace-id")  # doctest: +SKIP
        """
        body = {"workspace_id": identifier(workspace_id, "workspace_id")}
        return (yield from self._write("agent-workspace/sync-container-to-oss", body)).data

    def _page(self, page: int, page_size: int) -> Flow[AgentWorkspaceListResponse]:
        envelope = yield from self._read("agent-workspace/list", {"page": page, "page_size": page_size})
        return self._data(envelope, AgentWorkspaceListResponse, workspaces=list)


def _file(workspace_id: str, file_path: str) -> dict[str, Any]:
    return {
        "workspace_id": identifier(workspace_id, "workspace_id"),
        "file_path": identifier(file_path, "file_path"),
    }
