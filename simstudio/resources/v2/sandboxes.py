"""``client.v2.sandboxes``: environments in which code blocks run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import items, length
from simstudio.core.resource import APIResource
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.sandboxes import Sandbox
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow

Language: TypeAlias = Literal["javascript", "python"]
SandboxName: TypeAlias = Annotated[str, length(1, 64)]
CliTools: TypeAlias = Annotated[Sequence[str], items(0, 10)]
"""Up to 10 command-line tools in the exact versions that Sim offers, such as ``duckdb@1.5.5-r1``."""


class Sandboxes(APIResource[M]):
    """Environments in which code blocks run: a language, its packages, and command-line tools.

    Known from Sim's documents only; servers of August 2026 have none of these operations. Changes need a personal key.
    """

    _evidence = "documented"

    @paged("GET", "/api/v2/sandboxes", "listSandboxes")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Sandbox]:
        """List the sandboxes of a workspace.

        Args:
            search: Part of the name.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.
        """
        return send.pages(Sandbox)

    @endpoint("POST", "/api/v2/sandboxes", "createSandbox")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: SandboxName,
        language: Language,
        dependencies: Sequence[str] | Unset = UNSET,
        cli_tools: CliTools | Unset = UNSET,
        system_packages: Sequence[str] | Unset = UNSET,
    ) -> Flow[Sandbox]:
        """Create a sandbox. It is built in the background: see ``build_status``.

        Args:
            dependencies: Packages of the language, such as ``pandas==2.2.3``.
            cli_tools: Up to 10 command-line tools in the exact versions that Sim offers, such as ``duckdb@1.5.5-r1``.
            system_packages: Packages of the operating system.

        Raises:
            ConflictError: The workspace has a sandbox of this name.

        Example:
            >>> new = {"name": "analysis", "language": "python", "dependencies": ["pandas==2.2.3"]}
            >>> client.v2.sandboxes.create("workspace-id", **new).build_status  # doctest: +SKIP
            'pending'
        """
        return send.one(Sandbox)

    @endpoint("GET", "/api/v2/sandboxes/{sandboxId}", "getSandbox")
    def get(self, send: Sender, sandbox_id: str, *, workspace_id: WorkspaceId) -> Flow[Sandbox]:
        """Retrieve a sandbox, with the state of its build.

        Raises:
            NotFoundError: The workspace has no sandbox with this id.
        """
        return send.one(Sandbox)

    @endpoint("PATCH", "/api/v2/sandboxes/{sandboxId}", "updateSandbox")
    def update(
        self,
        send: Sender,
        sandbox_id: str,
        *,
        workspace_id: WorkspaceId,
        name: SandboxName | Unset = UNSET,
        language: Language | Unset = UNSET,
        dependencies: Sequence[str] | Unset = UNSET,
        cli_tools: CliTools | Unset = UNSET,
        system_packages: Sequence[str] | Unset = UNSET,
    ) -> Flow[Sandbox]:
        """Change a sandbox. Parameters that are left out stay unchanged; a list replaces the whole list.

        Raises:
            ConflictError: The workspace has a sandbox of the new name, or this one is being built.
            NotFoundError: The workspace has no sandbox with this id.
        """
        return send.one(Sandbox)

    @endpoint("DELETE", "/api/v2/sandboxes/{sandboxId}", "deleteSandbox")
    def delete(self, send: Sender, sandbox_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Delete a sandbox.

        Raises:
            ConflictError: The sandbox is in use.
            NotFoundError: The workspace has no sandbox with this id.
        """
        return send.one(Deleted)
