"""``client.v2.custom_tools``: functions of a workspace that agents call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.custom_tools import CustomTool
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.workflow_params import ToolSchema
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow

Schema: TypeAlias = ToolSchema | Mapping[str, Any]
"""A tool as language models are given it: ``{"type": "function", "function": {"name": …, "parameters": …}}``."""


class CustomTools(APIResource[M]):
    """Functions of a workspace that agents call: a description for the model, and code that runs."""

    @paged("GET", "/api/v2/custom-tools", "listCustomTools")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        search: Search | None = None,
        sort_by: Literal["title", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[CustomTool]:
        """List the custom tools of a workspace.

        Args:
            search: Part of the title.
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(CustomTool)

    @endpoint("POST", "/api/v2/custom-tools", "createCustomTool")
    def create(
        self, send: Sender, workspace_id: WorkspaceId, *, title: str, schema: Schema, code: str
    ) -> Flow[CustomTool]:
        """Create a custom tool.

        Args:
            title: Unique in the workspace.
            schema: ``{"type": "function", "function": {"name": …, "description": …, "parameters": …}}``, whose
                ``parameters`` are a JSON schema.
            code: JavaScript that the tool runs; may be empty.

        Raises:
            ConflictError: The workspace has a tool of this title.

        Example:
            >>> size = {"type": "object", "properties": {"cm": {"type": "number"}}, "required": ["cm"]}
            >>> schema = {"type": "function", "function": {"name": "to_inches", "parameters": size}}
            >>> new = {"title": "Inches", "schema": schema, "code": "return cm / 2.54"}
            >>> client.v2.custom_tools.create("workspace-id", **new).id  # doctest: +SKIP
        """
        return send.one(CustomTool)

    @endpoint("GET", "/api/v2/custom-tools/{customToolId}", "getCustomTool", evidence="documented")
    def get(self, send: Sender, custom_tool_id: str, *, workspace_id: WorkspaceId) -> Flow[CustomTool]:
        """Retrieve a custom tool.

        Raises:
            NotFoundError: The workspace has no tool with this id.
        """
        return send.one(CustomTool)

    @endpoint("PATCH", "/api/v2/custom-tools/{customToolId}", "updateCustomTool")
    def update(
        self,
        send: Sender,
        custom_tool_id: str,
        *,
        workspace_id: WorkspaceId,
        title: str | Unset = UNSET,
        schema: Schema | Unset = UNSET,
        code: str | Unset = UNSET,
    ) -> Flow[CustomTool]:
        """Change a custom tool. Parameters that are left out stay unchanged.

        Args:
            schema: Replaces the whole schema.

        Raises:
            ConflictError: The workspace has a tool of the new title.
            InvalidRequestError: No change was given.
            NotFoundError: The workspace has no tool with this id.
        """
        return send.one(CustomTool)

    @endpoint("DELETE", "/api/v2/custom-tools/{customToolId}", "deleteCustomTool")
    def delete(self, send: Sender, custom_tool_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Delete a custom tool.

        Raises:
            NotFoundError: The workspace has no tool with this id.
        """
        return send.one(Deleted)
