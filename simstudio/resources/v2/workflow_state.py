"""``client.v2.workflows.state``: the draft of a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import items, query
from simstudio.core.resource import APIResource
from simstudio.models.v2.state import ReplacedState, WorkflowState
from simstudio.models.v2.state_params import Block, Edge, Loop, Parallel, Variable
from simstudio.transport.flow import Flow


class WorkflowStates(APIResource[M]):
    """The draft of a workflow: its blocks, edges and variables."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/state", "getWorkflowState")
    def get(self, send: Sender, workflow_id: str) -> Flow[WorkflowState]:
        """Retrieve the draft, including the ids of credentials and tables; :meth:`replace` accepts it unchanged.

        Raises:
            NotFoundError: No workflow has this id, or the API key may not see it.

        Example:
            >>> [block.name for block in client.v2.workflows.state.get("workflow-id").blocks.values()]  # doctest: +SKIP
            ['Start', 'Agent 1']
        """
        return send.one(WorkflowState)

    @endpoint("PUT", "/api/v2/workflows/{workflowId}/state", "replaceWorkflowState")
    def replace(
        self,
        send: Sender,
        workflow_id: str,
        *,
        blocks: Annotated[Mapping[str, Block | Mapping[str, Any]], items(high=2000)],
        edges: Annotated[Sequence[Edge | Mapping[str, Any]], items(high=10000)],
        loops: Mapping[str, Loop | Mapping[str, Any]] | Unset = UNSET,
        parallels: Mapping[str, Parallel | Mapping[str, Any]] | Unset = UNSET,
        variables: Mapping[str, Variable | Mapping[str, Any]] | Unset = UNSET,
        dry_run: Annotated[bool | None, query] = None,
    ) -> Flow[ReplacedState]:
        """Overwrite the draft, without a check for concurrent changes. Deploy to publish it. Needs a personal key.

        Args:
            blocks: At most 2,000 blocks by id.
            edges: At most 10,000 connections between blocks.
            loops: Loops by the id of their block; Sim computes them again from the blocks.
            parallels: Parallels by the id of their block; Sim computes them again from the blocks.
            variables: Variables by id; default: unchanged.
            dry_run: Check the draft without writing it.

        Returns:
            Problems that Sim found (``lint``, ``warnings``).

        Raises:
            ConflictError: The id of a block, edge, loop or parallel belongs to another workflow.
            InvalidRequestError: The draft is malformed.
            PermissionDeniedError: The key is a workspace key, or its user may not edit the workflow.
            LockedError: The workflow is locked.

        Example:
            >>> draft = client.v2.workflows.state.get("workflow-id")  # doctest: +SKIP
            >>> client.v2.workflows.state.replace("workflow-id", **draft, dry_run=True).lint.notes  # doctest: +SKIP
        """
        return send.one(ReplacedState)
