"""``client.v2.workflows.chat``: the web page on which people chat with a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import length, secret
from simstudio.core.resource import APIResource
from simstudio.models.v2.chats import ChatDeployment, DeletedChat
from simstudio.models.v2.workflow_params import Customizations, OutputConfig
from simstudio.transport.flow import Flow


class WorkflowChat(APIResource[M]):
    """The chat of a workflow. Needs the personal key of a workspace admin."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/deployments/chat", "getWorkflowChatDeployment")
    def get(self, send: Sender, workflow_id: str) -> Flow[ChatDeployment]:
        """Retrieve the chat of a workflow.

        Raises:
            NotFoundError: No workflow has this id, or it has no chat.
            PermissionDeniedError: The key is not the personal key of a workspace admin.
        """
        return send.one(ChatDeployment)

    @endpoint("PUT", "/api/v2/workflows/{workflowId}/deployments/chat", "replaceWorkflowChatDeployment")
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
        password: Annotated[str | Unset, length(15, 1024), secret] = UNSET,
        allowed_emails: Sequence[str] | Unset = UNSET,
        output_configs: Sequence[OutputConfig | Mapping[str, Any]] | Unset = UNSET,
        include_thinking: bool | Unset = UNSET,
        include_tool_calls: bool | Unset = UNSET,
    ) -> Flow[ChatDeployment]:
        """Create or replace the chat of a workflow. The draft is deployed as well.

        Args:
            identifier: Last segment of the chat's URL.
            title: Heading of the page.
            description: Text below the heading.
            customizations: Appearance; omitted settings keep their value.
            auth_type: Access: anyone (``public``, the default), a ``password``, or one of ``allowed_emails``
                (``email``, ``sso``).
            password: 15 to 1,024 characters; required with ``auth_type="password"``, otherwise not allowed.
            allowed_emails: At least one address; required with ``email`` and ``sso``.
            output_configs: Outputs of the workflow to show.
            include_thinking: Show the models' reasoning; default False.
            include_tool_calls: Show the models' tool calls; default False.

        Raises:
            ConflictError: The identifier is taken, or a deployment is in progress.
            PermissionDeniedError: The key is not the personal key of a workspace admin, or the organization forbids
                this access.
            LockedError: The workflow is locked.

        Example:
            >>> client.v2.workflows.chat.replace("workflow-id", identifier="hi", title="Hi").url  # doctest: +SKIP
        """
        return send.one(ChatDeployment)

    @endpoint("DELETE", "/api/v2/workflows/{workflowId}/deployments/chat", "deleteWorkflowChatDeployment")
    def delete(self, send: Sender, workflow_id: str) -> Flow[DeletedChat]:
        """Delete the chat of a workflow.

        Raises:
            NotFoundError: No workflow has this id, or it has no chat.
            PermissionDeniedError: The key is not the personal key of a workspace admin.
        """
        return send.one(DeletedChat)
