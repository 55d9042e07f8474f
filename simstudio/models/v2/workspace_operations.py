"""Changes to a workspace that go on after their request: imports, forks, pushes and pulls."""

from __future__ import annotations

from simstudio.core.model import Model, model
from simstudio.models.v2.exchange import CopyProgress, ImportDeployment, ImportIssue, TriggerUrlChange


@model
class WorkspaceOperation(Model):
    """An import, a fork, a push or a pull, and the tasks that remain.

    Attributes:
        request_id: The id that the caller gave.
        kind: ``workflow_import``, ``workspace_fork``, ``workspace_push`` or ``workspace_pull``.
        applied: True.
        status: ``completed``, ``completed_with_warnings``, ``requires_configuration``, ``processing`` or ``failed``.
        resource_ids: Ids of what was made; of a fork the new workspace.
        issues: Tasks that remain.
        id_map: New ids by old ones.
        deployment_operation_ids: Ids of the deployments that were started.
        deployments: States of these deployments.
        trigger_url_changes: Triggers with new URLs.
        background_work_id: Id of work that continues in the background.
        copy_progress: Progress of that work.
    """

    operation_id: str
    request_id: str
    workspace_id: str
    kind: str
    applied: bool
    status: str
    resource_ids: list[str]
    issues: list[ImportIssue]
    id_map: dict[str, str] | None = None
    deployment_operation_ids: list[str] | None = None
    deployments: list[ImportDeployment] | None = None
    trigger_url_changes: list[TriggerUrlChange] | None = None
    background_work_id: str | None = None
    copy_progress: CopyProgress | None = None
