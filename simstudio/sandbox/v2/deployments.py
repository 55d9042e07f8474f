"""Deployments of workflows, and their chats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.sandbox.v2 import types, views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.audit import note
from simstudio.sandbox.v2.operation import PAGE, WORKSPACE, Call, Field, Operation, choice, ordering, routes_of
from simstudio.sandbox.v2.paging import page

if TYPE_CHECKING:
    from starlette.routing import Route

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.definitions.chats import Chat
    from simstudio.sandbox.http import Reply

_ONE = "/api/v2/workflows/{workflowId}"


def deploy(call: Call) -> Reply:
    """Put the draft into service as a new version."""
    found = views.named(call)
    version = call.core.definitions.deploy(found, call.body.get("name"), call.body.get("description"))
    note(call, "workflow.deployed", found, version=version.number)
    return data({**views.deployment(call, found), "version": version.number})


def undeploy(call: Call) -> Reply:
    """Take the workflow out of service."""
    found = views.named(call)
    found.undeploy()
    note(call, "workflow.undeployed", found)
    return data({**views.deployment(call, found), "archivedMcpTools": []})


def rollback(call: Call) -> Reply:
    """Put an earlier version into service."""
    found = views.named(call)
    version = found.rollback(call.body.get("version"), call.core.clock())
    note(call, "workflow.rolled_back", found, version=version.number)
    return data({**views.deployment(call, found), "version": version.number})


def get(call: Call) -> Reply:
    """What is in service."""
    found = views.named(call)
    return data(
        {
            **views.deployment(call, found),
            "needsRedeployment": found.needs_redeployment,
            "isPublicApi": found.public,
            "webhooks": [],
        }
    )


def set_public(call: Call) -> Reply:
    """Let everybody run the workflow, or only those with a key."""
    found = views.named(call)
    found.public = call.body["isPublicApi"]
    note(call, "workflow.public_api_toggled", found, isPublicApi=found.public)
    return data({"id": found.id, "isPublicApi": found.public})


def get_chat(call: Call) -> Reply:
    """The workflow's chat."""
    return data(views.chat(call, call.core.definitions.chats.get(views.named(call).id)))


def put_chat(call: Call) -> Reply:
    """Make or replace the workflow's chat, and deploy its draft."""
    found, store = views.named(call), call.core.definitions
    chat = store.chats.put(found.id, found.workspace_id, call.body, call.core.clock())
    store.deploy(found)
    note(call, "chat.deployed", found, identifier=chat.identifier)
    return data(views.chat(call, chat))


def delete_chat(call: Call) -> Reply:
    """Take the workflow's chat down."""
    found, chats = views.named(call), call.core.definitions.chats
    chat = chats.get(found.id)
    chats.remove(found.id)
    note(call, "chat.deleted", found, identifier=chat.identifier)
    return data({"id": chat.id, "deleted": True})


def list_chats(call: Call) -> Reply:
    """A page of a workspace's chats."""
    query = call.query
    found = call.core.definitions.chats.all_of(call.workspace(query["workspaceId"]))
    if "workflowId" in query:
        found = [chat for chat in found if chat.workflow_id == query["workflowId"]]
    if query.get("isActive") is False:
        found = []  # a chat of the sandbox is active as long as it is there

    def key(chat: Chat) -> tuple[str | float, str]:
        values: dict[str, str | float] = {
            "identifier": chat.identifier,
            "createdAt": chat.created,
            "updatedAt": chat.updated,
        }
        return values[query["sortBy"]], chat.id

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing((views.chat_item(call, chat) for chat in shown), after)


_LABELS = (Field("name"), Field("description", "string|null"))
_CHAT = (
    Field("identifier", required=True),
    Field("title", required=True),
    Field("description"),
    Field("customizations", types.CUSTOMIZATIONS),
    choice("authType", "public", "password", "email", "sso", default="public"),
    Field("password", least=15, most=1024),
    Field("allowedEmails", "string[]"),
    Field("outputConfigs", types.OUTPUT_CONFIGS),
    Field("includeThinking", "boolean", default=False),
    Field("includeToolCalls", "boolean", default=False),
)
_CHATS = (
    WORKSPACE,
    Field("workflowId"),
    Field("isActive", "boolean"),
    *ordering("identifier", "createdAt", "updatedAt", default="createdAt", order="desc"),
    *PAGE,
)
_PUBLIC = (Field("isPublicApi", "boolean", required=True),)

OPERATIONS = (
    Operation("POST", f"{_ONE}/deploy", "deployWorkflow", deploy, body=_LABELS),
    Operation("DELETE", f"{_ONE}/deploy", "undeployWorkflow", undeploy),
    Operation("POST", f"{_ONE}/rollback", "rollbackWorkflow", rollback, body=(Field("version", "integer"),)),
    Operation("GET", f"{_ONE}/deployment", "getWorkflowDeployment", get),
    Operation("PATCH", f"{_ONE}/deployment", "updateWorkflowPublicApi", set_public, body=_PUBLIC),
    Operation("GET", f"{_ONE}/deployments/chat", "getWorkflowChatDeployment", get_chat),
    Operation("PUT", f"{_ONE}/deployments/chat", "replaceWorkflowChatDeployment", put_chat, body=_CHAT),
    Operation("DELETE", f"{_ONE}/deployments/chat", "deleteWorkflowChatDeployment", delete_chat),
    Operation("GET", "/api/v2/chat-deployments", "listChatDeployments", list_chats, query=_CHATS),
)


def routes(core: Core) -> list[Route]:
    """The routes of this group."""
    return routes_of(core, OPERATIONS)
