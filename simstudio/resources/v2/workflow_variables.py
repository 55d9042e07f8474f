"""``client.v2.workflows.variables``: the variables of a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.parameters import items
from simstudio.core.resource import APIResource
from simstudio.models.v2.state import AppliedVariables
from simstudio.models.v2.workflow_params import VariableOperation
from simstudio.transport.flow import Flow


class WorkflowVariables(APIResource[M]):
    """Changes of a workflow's variables; ``workflows.get`` and ``workflows.state.get`` read them."""

    @endpoint("PATCH", "/api/v2/workflows/{workflowId}/variables", "applyWorkflowVariables")
    def apply(
        self, send: Sender, workflow_id: str, *, operations: Annotated[Sequence[VariableOperation], items(1, 100)]
    ) -> Flow[AppliedVariables]:
        """Add, edit and delete variables, by name and in the given order.

        Args:
            operations: 1 to 100 of :data:`~simstudio.models.v2.workflow_params.VariableOperation`.

        Returns:
            The number of variables, and whether anything changed.

        Raises:
            ConflictError: An operation is impossible, such as adding a name that exists.
            LockedError: The workflow is locked.

        Example:
            >>> change = {"operation": "edit", "name": "model", "value": "gpt-5"}
            >>> client.v2.workflows.variables.apply("workflow-id", operations=[change]).changed  # doctest: +SKIP
            True
        """
        return send.one(AppliedVariables)
