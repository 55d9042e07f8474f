"""The stores of one sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.sandbox.data.audit import AuditLog
from simstudio.sandbox.data.connectors import Connectors
from simstudio.sandbox.data.files import Files
from simstudio.sandbox.data.knowledge import KnowledgeBases
from simstudio.sandbox.data.mcp_servers import McpServers
from simstudio.sandbox.data.table_transfers import Export, Import
from simstudio.sandbox.data.tables import TablePlan, Tables
from simstudio.sandbox.data.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from simstudio.sandbox.data.custom_tools import CustomTool
    from simstudio.sandbox.data.secrets import Secret
    from simstudio.sandbox.data.skills import Skill
    from simstudio.sandbox.data.workflow_mcp import WorkflowMcpServer
    from simstudio.sandbox.dialects.base import Account


class Data:
    """The stores of a sandbox, in memory as long as the `Sandbox` object lives."""

    def __init__(
        self, clock: Callable[[], float], account: Account, upload_part_size: int, table_plan: TablePlan
    ) -> None:
        self.tables = Tables(clock, table_plan, account.workspace_id)
        self.imports: dict[str, Import] = {}
        self.exports: dict[str, Export] = {}
        self._clock = clock
        self._files: dict[str, Files] = {}
        self.files = self.files_of(account.workspace_id)
        self.knowledge = KnowledgeBases(clock)
        self.connectors = Connectors()
        self.secrets: dict[tuple[str | None, str], Secret] = {}
        self.skills: dict[str, Skill] = {}
        self.custom_tools: dict[str, CustomTool] = {}
        self.workflow_mcp_servers: dict[str, WorkflowMcpServer] = {}
        self.mcp_servers = McpServers()
        self.opened = clock()
        self.audit = AuditLog(clock)
        self.uploads = Uploads(clock, upload_part_size)

    def files_of(self, workspace_id: str) -> Files:
        """The files of a workspace."""
        return self._files.setdefault(workspace_id, Files(self._clock, workspace_id))
