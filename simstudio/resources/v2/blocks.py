"""``client.v2.blocks``: the types of blocks that a workflow can use."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.blocks import Block, BlockSummary
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow


class Blocks(APIResource[M]):
    """Block types available in a workspace, with their inputs and outputs."""

    @paged("GET", "/api/v2/blocks", "listBlocks")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        search: Search | None = None,
        category: Literal["blocks", "tools", "triggers"] | None = None,
        capability: Literal["trigger"] | None = None,
        source: Literal["builtin", "custom"] | None = None,
        include_sunset: bool | None = None,
        sort_by: Literal["id", "name", "category"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[BlockSummary]:
        """List the block types of a workspace.

        Args:
            capability: ``trigger``: only blocks that can start a workflow.
            source: Only Sim's own blocks, or only custom ones.
            include_sunset: Include block types that are planned to be removed.
            sort_by: Default ``id``.
            sort_order: Default ``asc``.
            limit: Block types per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.

        Example:
            >>> for block in client.v2.blocks.list("workspace-id", category="triggers"):  # doctest: +SKIP
            ...     print(block.id, block.name)
        """
        return send.pages(BlockSummary)

    @endpoint("GET", "/api/v2/blocks/{blockId}", "getBlock")
    def get(self, send: Sender, block_id: str, *, workspace_id: WorkspaceId) -> Flow[Block]:
        """Retrieve one block type with its fields, operations, tools, triggers and outputs.

        Args:
            block_id: Value of a block's ``type``, such as ``agent``.

        Raises:
            NotFoundError: No block type has this id.

        Example:
            >>> client.v2.blocks.get("agent", workspace_id="workspace-id").outputs["content"].type  # doctest: +SKIP
            'string'
        """
        return send.one(Block)
