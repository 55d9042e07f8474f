"""Deployments of workflows, and their chats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.resources.v2.chat_deployments import ChatDeployments
from simstudio.resources.v2.workflow_chat import WorkflowChat
from simstudio.resources.v2.workflow_deployment import WorkflowDeployments
from simstudio.resources.v2.workflows import Workflows
from simstudio.sandbox.checks import Issues, Text
from simstudio.sandbox.families import V2, invalid
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.audit import note
from simstudio.sandbox.v2.paging import page
from simstudio.sandbox.v2.workflow_mcp_servers import archive_tools

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.chats import Chat

_IDENTIFIER = Text(pattern=(r"[a-z0-9-]+", "identifier can only contain lowercase letters, numbers, and hyphens"))


@V2().serves(Workflows.deploy, own={"name": Text(most=(100, "Name must be 100 characters or less"))})
def deploy(call: Call) -> Reply:
    """Put the draft into service as a new version."""
    found = views.workflow_of(call)
    version = call.core.definitions.deploy(found, call.body.get("name"), call.body.get("description"))
    note(call, "workflow.deployed", found, version=version.number)
    return data({**views.deployment(call, found), "version": version.number})


@V2().serves(Workflows.undeploy)
def undeploy(call: Call) -> Reply:
    """Take the workflow out of service."""
    found = views.workflow_of(call)
    if not found.deployed:
        raise Refusal(400, "Workflow is not deployed")
    found.undeploy()
    note(call, "workflow.undeployed", found)
    return data({**views.deployment(call, found), "archivedMcpTools": archive_tools(call, found.id)})


@V2().serves(Workflows.rollback)
def rollback(call: Call) -> Reply:
    """Put an earlier version into service."""
    found = views.workflow_of(call)
    version = found.rollback(call.body.get("version"), call.core.clock())
    note(call, "workflow.rolled_back", found, version=version.number)
    return data({**views.deployment(call, found), "version": version.number})


@V2().serves(WorkflowDeployments.get)
def get(call: Call) -> Reply:
    """The deployed version."""
    found = views.workflow_of(call)
    return data(
        {
            **views.deployment(call, found),
            "needsRedeployment": found.needs_redeployment,
            "isPublicApi": found.public,
            "webhooks": [],
        }
    )


@V2().serves(WorkflowDeployments.update)
def set_public(call: Call) -> Reply:
    """Set whether the workflow can be executed without a key."""
    found = views.workflow_of(call)
    found.public = call.body["isPublicApi"]
    note(call, "workflow.public_api_toggled", found, isPublicApi=found.public)
    return data({"id": found.id, "isPublicApi": found.public})


@V2().serves(WorkflowChat.get)
def get_chat(call: Call) -> Reply:
    """The workflow's chat."""
    return data(views.chat(call, call.core.definitions.chats.get(views.workflow_of(call).id)))


@V2().serves(WorkflowChat.replace, {"authType": "public", "includeThinking": False, "includeToolCalls": False})
def put_chat(call: Call) -> Reply:
    """Make or replace the workflow's chat, and deploy its draft."""
    found, store, issues = views.workflow_of(call), call.core.definitions, Issues()
    _IDENTIFIER.read(call.body["identifier"], ("identifier",), issues)
    if issues:
        raise invalid(*issues)
    chat = store.chats.put(found.id, found.workspace_id, call.body, call.core.clock())
    store.deploy(found)
    note(call, "chat.deployed", found, identifier=chat.identifier)
    return data(views.chat(call, chat))


@V2().serves(WorkflowChat.delete)
def delete_chat(call: Call) -> Reply:
    """Delete the chat of the workflow."""
    found, chats = views.workflow_of(call), call.core.definitions.chats
    chat = chats.get(found.id)
    chats.remove(found.id)
    note(call, "chat.deleted", found, identifier=chat.identifier)
    return data({"id": chat.id, "deleted": True})


@V2().serves(ChatDeployments.list, {"sortBy": "createdAt", "sortOrder": "desc", "limit": 50})
def list_chats(call: Call) -> Reply:
    """A page of a workspace's chats."""
    query = call.query
    found = call.core.definitions.chats.all_of(call.workspace(query["workspaceId"]))
    if "workflowId" in query:
        found = [chat for chat in found if chat.workflow_id == query["workflowId"]]
    if query.get("isActive") is False:
        found = []  # every chat of the sandbox is active

    def key(chat: Chat) -> tuple[str | float, str]:
        values: dict[str, str | float] = {
            "identifier": chat.identifier,
            "createdAt": chat.created,
            "updatedAt": chat.updated,
        }
        return values[query["sortBy"]], chat.id

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing((views.chat_item(call, chat) for chat in shown), after)
