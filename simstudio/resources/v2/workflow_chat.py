"""``client.v2.workflows.chat``: the page on which people talk to a workflow (API.md 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.core.routes import length
from simstudio.models.v2.chats import ChatDeployment, DeletedChat
from simstudio.models.v2.workflow_params import Customizations, OutputConfig
from simstudio.transport.flow import Flow


class WorkflowChat(APIResource[M]):
    """The chat that a workflow is published as. For admins of its workspace with a personal key."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/deployments/chat", "getWorkflowChatDeployment")
    def get(self, send: Sender, workflow_id: str) -> Flow[ChatDeployment]:
        """Retrieve a workflow's chat.

        Args:
            workflow_id: The workflow.

        Returns:
            The chat.

        Raises:
            NotFoundError: It has none, or there is no such workflow.
            PermissionDeniedError: A workspace key, or no admin.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.chat.get("workflow-id").url  # doctest: +SKIP
        """
        return send.one(ChatDeployment)

    @endpoint(
        "PUT",
        "/api/v2/workflows/{workflowId}/deployments/chat",
        "replaceWorkflowChatDeployment",
        limits={"password": length(15, 1024)},
    )
    def replace(
        self,
        send: Sender,
        workflow_id: str,
        *,
        identifier: str,
        title: str,
        description: str | Unset = UNSET,
        customizations: Customizations | Mapping[str, Any] | Unset = UNSET,
        auth_type: Literal["public", "password", "email", "sso"] | Unset = UNSET,
        password: str | Unset = UNSET,
        allowed_emails: Sequence[str] | Unset = UNSET,
        output_configs: Sequence[OutputConfig | Mapping[str, Any]] | Unset = UNSET,
        include_thinking: bool | Unset = UNSET,
        include_tool_calls: bool | Unset = UNSET,
    ) -> Flow[ChatDeployment]:
        """Make a workflow's chat, or replace it. The draft is deployed, too.

        Args:
            workflow_id: The workflow.
            identifier: The last part of its address.
            title: What people read above it.
            description: What people read below that.
            customizations: How it looks; what is not given stays.
            auth_type: Who may talk to it: anyone (``public``, where it is not given), who knows the ``password``, or
                who has one of the ``allowed_emails`` (``email``, ``sso``).
            password: 15 to 1,024 characters; with ``password`` only, and needed there.
            allowed_emails: At least one with ``email`` and ``sso``.
            output_configs: What of the workflow's outputs it shows.
            include_thinking: Show what models think; False where it is not given.
            include_tool_calls: Show what tools are called; False where it is not given.

        Returns:
            The chat.

        Raises:
            ConflictError: The identifier is taken, or a deployment is under way.
            PermissionDeniedError: A workspace key, no admin, or an organization that forbids this kind of access.
            LockedError: The workflow is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.chat.replace("workflow-id", identifier="hi", title="Hi").url  # doctest: +SKIP
        """
        return send.one(ChatDeployment)

    @endpoint("DELETE", "/api/v2/workflows/{workflowId}/deployments/chat", "deleteWorkflowChatDeployment")
    def delete(self, send: Sender, workflow_id: str) -> Flow[DeletedChat]:
        """Take a workflow's chat away.

        Args:
            workflow_id: The workflow.

        Returns:
            That it was done.

        Raises:
            NotFoundError: It has none, or there is no such workflow.
            PermissionDeniedError: A workspace key, or no admin.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.chat.delete("workflow-id").deleted  # doctest: +SKIP
            True
        """
        return send.one(DeletedChat)
