"""``client.v2.workflows.state``: the draft of a workflow (API.md 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.core.routes import items
from simstudio.models.v2.state import ReplacedState, WorkflowState
from simstudio.models.v2.state_params import Block, Edge, Loop, Parallel, Variable
from simstudio.transport.flow import Flow


class WorkflowStates(APIResource[M]):
    """The draft of a workflow: its graph and its variables."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/state", "getWorkflowState")
    def get(self, send: Sender, workflow_id: str) -> Flow[WorkflowState]:
        """Retrieve the draft, with the ids of credentials and tables in it.

        Args:
            workflow_id: Its id.

        Returns:
            The draft; :meth:`replace` takes it as it is.

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> [block.name for block in client.v2.workflows.state.get("workflow-id").blocks.values()]  # doctest: +SKIP
            ['Start', 'Agent 1']
        """
        return send.one(WorkflowState)

    @endpoint(
        "PUT",
        "/api/v2/workflows/{workflowId}/state",
        "replaceWorkflowState",
        query=("dry_run",),
        limits={"blocks": items(high=2000), "edges": items(high=10_000)},
    )
    def replace(
        self,
        send: Sender,
        workflow_id: str,
        *,
        blocks: Mapping[str, Block | Mapping[str, Any]],
        edges: Sequence[Edge | Mapping[str, Any]],
        loops: Mapping[str, Loop | Mapping[str, Any]] | Unset = UNSET,
        parallels: Mapping[str, Parallel | Mapping[str, Any]] | Unset = UNSET,
        variables: Mapping[str, Variable | Mapping[str, Any]] | Unset = UNSET,
        dry_run: bool | None = None,
    ) -> Flow[ReplacedState]:
        """Overwrite the draft, whoever wrote it last; deploy to publish. Needs a personal key.

        Args:
            workflow_id: Its id.
            blocks: By id; at most 2,000.
            edges: The connections; at most 10,000.
            loops: By the id of their block; Sim computes them anew from the blocks.
            parallels: Likewise.
            variables: By id; those there stay where it is not given.
            dry_run: Only check; write nothing.

        Returns:
            What may be wrong with it (``lint``, ``warnings``).

        Raises:
            ConflictError: An id of a block, an edge or a container belongs to another workflow.
            InvalidRequestError: It is no draft.
            PermissionDeniedError: A workspace key, or a person who may not.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> draft = client.v2.workflows.state.get("workflow-id")  # doctest: +SKIP
            >>> client.v2.workflows.state.replace("workflow-id", **draft, dry_run=True).lint.notes  # doctest: +SKIP
        """
        return send.one(ReplacedState)
