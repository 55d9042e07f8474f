"""Definitions as v2 shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.sandbox.definitions import checking
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.chats import Chat
    from simstudio.sandbox.definitions.definition import Definition
    from simstudio.sandbox.definitions.folders import Folder
    from simstudio.sandbox.operation import Call


def workflow_of(call: Call, *, archived: bool = False) -> Definition:
    """The workflow that the path names, for a caller who may see it.

    Args:
        call: a request with ``workflowId`` in its path.
        archived: whether to include archived workflows.

    Raises:
        Refusal: 404.
    """
    found = call.core.definitions.find(call.path["workflowId"], archived=archived)
    if found is None or call.key == "outsider":
        raise Refusal(404, "Workflow not found")
    return found


def workflow(call: Call, found: Definition) -> dict[str, Any]:
    """A workflow as lists show it."""
    count, last = call.core.engine.last_runs.get(found.id, (0, None))
    base_url = call.core.base_url(call.request)
    return {
        "id": found.id,
        "webUrl": f"{base_url}/workspace/{found.workspace_id}/w/{found.id}",
        "name": found.name,
        "description": found.description,
        "folderPath": found.folder,
        "workspaceId": found.workspace_id,
        "isDeployed": found.deployed,
        "deployedAt": iso_or_none(found.deployed_at),
        "runCount": count,
        "lastRunAt": iso_or_none(last),
        "createdAt": iso(found.created),
        "updatedAt": iso(found.updated),
    }


def folder(shown: Folder) -> dict[str, Any]:
    """A folder."""
    return {
        "name": shown.name,
        "path": shown.path,
        "parentPath": shown.parent,
        "createdAt": iso(shown.created),
        "updatedAt": iso(shown.updated),
    }


def deployment(call: Call, found: Definition) -> dict[str, Any]:
    """The deployed version and the last attempt to deploy one, which the sandbox finishes at once."""
    active, attempt = found.active, found.attempt
    served = None if active is None else active.state
    unresolved = (
        [] if served is None else checking.lint(served, call.core.definitions.functions)["unresolvedReferences"]
    )
    latest = None
    if attempt is not None:
        ready = "not_applicable"
        latest = {
            "id": attempt.id,
            "deploymentVersionId": attempt.version.id,
            "version": attempt.version.number,
            "action": attempt.action,
            "status": "active" if attempt.version is active else "superseded",
            "isCurrent": attempt.version is active,
            "readiness": {"webhooks": ready, "schedules": ready, "mcp": ready},
            "requestedAt": iso(attempt.requested),
            "activatedAt": iso(attempt.requested),
            "error": None,
        }
    return {
        "id": found.id,
        "isDeployed": found.deployed,
        "deployedAt": iso_or_none(found.deployed_at),
        "warnings": [f"{each['blockName']}: function {each['value']!r} is not registered" for each in unresolved],
        "activeDeployment": None
        if active is None
        else {
            "deploymentVersionId": active.id,
            "version": active.number,
            "deployedAt": iso(found.deployed_at or active.created),
        },
        "latestDeploymentAttempt": latest,
    }


def chat_item(call: Call, shown: Chat) -> dict[str, Any]:
    """A chat as lists show it."""
    return {
        "id": shown.id,
        "workflowId": shown.workflow_id,
        "workspaceId": shown.workspace_id,
        "identifier": shown.identifier,
        "url": f"{call.core.base_url(call.request)}/chat/{shown.identifier}",
        "title": shown.title,
        "description": shown.description,
        "isActive": True,
        "authType": shown.auth_type,
        "outputConfigs": list(shown.output_configs),
        "includeThinking": shown.include_thinking,
        "includeToolCalls": shown.include_tool_calls,
        "createdAt": iso(shown.created),
        "updatedAt": iso(shown.updated),
    }


def chat(call: Call, shown: Chat) -> dict[str, Any]:
    """A chat with everything but its password."""
    return {
        **chat_item(call, shown),
        "hasPassword": shown.has_password,
        "allowedEmails": list(shown.allowed_emails),
        "customizations": dict(shown.customizations),
    }
