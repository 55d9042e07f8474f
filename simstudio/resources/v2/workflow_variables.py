"""``client.v2.workflows.variables``: the variables of a workflow (API.md 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.core.routes import items
from simstudio.models.v2.state import AppliedVariables
from simstudio.models.v2.workflow_params import VariableOperation
from simstudio.transport.flow import Flow


class WorkflowVariables(APIResource[M]):
    """The variables of a workflow. ``workflows.get`` and ``workflows.state.get`` read them."""

    @endpoint(
        "PATCH",
        "/api/v2/workflows/{workflowId}/variables",
        "applyWorkflowVariables",
        limits={"operations": items(1, 100)},
    )
    def apply(
        self, send: Sender, workflow_id: str, *, operations: Sequence[VariableOperation]
    ) -> Flow[AppliedVariables]:
        """Add, set and delete variables, by name and in order.

        Args:
            workflow_id: Its id.
            operations: 1 to 100 of :data:`~simstudio.models.v2.workflow_params.VariableOperation`.

        Returns:
            How many there are now, and whether anything changed.

        Raises:
            ConflictError: They cannot be carried out, such as where a name that is added is taken.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> change = {"operation": "edit", "name": "model", "value": "gpt-5"}
            >>> client.v2.workflows.variables.apply("workflow-id", operations=[change]).changed  # doctest: +SKIP
            True
        """
        return send.one(AppliedVariables)
