"""``client.v2.blocks``: the kinds of block that workflows are made of."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, length
from simstudio.models.v2.blocks import Block, BlockSummary
from simstudio.transport.flow import Flow


class Blocks(APIResource[M]):
    """What blocks there are in a workspace, and what they take and give (API.md 4.21)."""

    @paged(
        "GET",
        "/api/v2/blocks",
        "listBlocks",
        limits={"workspace_id": length(1, 128), "search": length(1, 200), "limit": between(1, 100)},
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        search: str | None = None,
        category: Literal["blocks", "tools", "triggers"] | None = None,
        capability: Literal["trigger"] | None = None,
        source: Literal["builtin", "custom"] | None = None,
        include_sunset: bool | None = None,
        sort_by: Literal["id", "name", "category"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[BlockSummary]:
        """List the kinds of block.

        Args:
            workspace_id: In which workspace.
            search: Only those that this text fits, 1 to 200 characters.
            category: Only of this category.
            capability: Only those that can do this.
            source: Only Sim's own, or only custom ones.
            include_sunset: Also those that will go.
            sort_by: ``id`` where it is not given.
            sort_order: ``asc`` where it is not given.
            limit: Kinds a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters and order.

        Returns:
            The kinds of block, over all pages.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            SimStudioError: Any other failure.

        Example:
            >>> for block in client.v2.blocks.list("workspace-id", category="triggers"):  # doctest: +SKIP
            ...     print(block.id, block.name)
        """
        return send.pages(BlockSummary)

    @endpoint("GET", "/api/v2/blocks/{blockId}", "getBlock", limits={"workspace_id": length(1, 128)})
    def get(self, send: Sender, block_id: str, *, workspace_id: str) -> Flow[Block]:
        """Retrieve one kind of block in full.

        Args:
            block_id: What a block's ``type`` says, such as ``agent``.
            workspace_id: In which workspace.

        Returns:
            The kind of block: its fields, operations, tools, triggers and outputs.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.blocks.get("agent", workspace_id="workspace-id").outputs["content"].type  # doctest: +SKIP
            'string'
        """
        return send.one(Block)
