"""Responses of Sim's v2 workflow routes, with every documented field."""

from __future__ import annotations

from typing import Any

from tests.driving import Both

WORKFLOW: dict[str, Any] = {
    "id": "wf1",
    "webUrl": "https://sim.test/workspace/ws1/w/wf1",
    "name": "Triage",
    "description": None,
    "folderPath": "/Sales/New%20leads",
    "workspaceId": "ws1",
    "isDeployed": True,
    "deployedAt": "2026-10-01T08:00:00.000Z",
    "runCount": 7,
    "lastRunAt": "2026-10-02T08:00:00.000Z",
    "createdAt": "2026-09-01T08:00:00.000Z",
    "updatedAt": "2026-09-02T08:00:00.000Z",
}

FOLDER: dict[str, Any] = {
    "name": "New leads",
    "path": "/Sales/New%20leads",
    "parentPath": "/Sales",
    "createdAt": "2026-09-01T08:00:00.000Z",
    "updatedAt": "2026-09-02T08:00:00.000Z",
    "locked": False,
}


def attempt(status: str, **more: Any) -> dict[str, Any]:
    """An attempt to bring version 3 live."""
    return {
        "id": "op1",
        "deploymentVersionId": "dv3",
        "version": 3,
        "action": "deploy",
        "status": status,
        "isCurrent": True,
        "readiness": {"webhooks": "pending", "schedules": "ready", "mcp": "not_applicable"},
        "requestedAt": "2026-10-01T07:59:00.000Z",
        **more,
    }


def deployed(latest: dict[str, Any] | None, *, live: int | None = None, **more: Any) -> dict[str, Any]:
    """What all answers about deployments hold; ``live`` is the version that is."""
    at = "2026-10-01T08:00:00.000Z"
    return {
        "id": "wf1",
        "isDeployed": live is not None,
        "deployedAt": None if live is None else at,
        "warnings": [],
        "activeDeployment": live and {"deploymentVersionId": f"dv{live}", "version": live, "deployedAt": at},
        "latestDeploymentAttempt": latest,
        **more,
    }


def deployment(latest: dict[str, Any] | None, *, live: int | None = None) -> dict[str, Any]:
    """What ``GET …/deployment`` answers."""
    hooks = [{"blockId": "b1", "provider": "github", "url": "https://sim.test/api/webhooks/trigger/x"}]
    return deployed(latest, live=live, needsRedeployment=False, isPublicApi=False, webhooks=hooks)


BLOCK: dict[str, Any] = {"blockId": "b1", "blockName": "Agent 1", "blockType": "agent"}

LINT: dict[str, Any] = {
    "sources": [BLOCK],
    "sinks": [{**BLOCK, "blockName": None, "blockType": None}],
    "orphanBlocks": [BLOCK],
    "emptyOutgoingPorts": [{**BLOCK, "handle": "condition-1", "label": "if"}],
    "invalidBranchPorts": [{**BLOCK, "sourceHandle": "condition-9", "reason": "No such branch"}],
    "invalidConnectionTargets": [
        {
            "sourceBlockId": "b1",
            "sourceBlockName": "Agent 1",
            "sourceHandle": None,
            "targetBlockId": "b0",
            "reason": "A trigger takes nothing",
        }
    ],
    "fieldIssues": [
        {
            **BLOCK,
            "missingRequiredFields": ["model"],
            "inactiveModeValues": [
                {"canonicalId": "channel", "activeMemberId": None, "inactiveMemberId": "channelId", "kind": "resource"}
            ],
        }
    ],
    "unresolvedReferences": [
        {**BLOCK, "field": "credential", "value": ["c1", "c2"], "kind": "credential", "reason": "Not here"}
    ],
    "tableFieldIssues": [{**BLOCK, "field": "filter", "tableName": "Leads"}],
    "notes": ["Looks odd"],
}

STATE: dict[str, Any] = {
    "blocks": {
        "b1": {
            "id": "b1",
            "type": "agent",
            "name": "Agent 1",
            "position": {"x": 10, "y": 20.5},
            "subBlocks": {"model": {"id": "model", "type": "combobox", "value": "gpt-5"}},
            "outputs": {"content": {"type": "string"}},
            "enabled": True,
            "retry": {"enabled": True, "maxTries": 3, "waitBetweenTriesMs": 500},
            "data": {"parentId": "l1", "extent": "parent", "canonicalModes": {"channel": "basic"}},
        }
    },
    "edges": [{"id": "e1", "source": "b0", "target": "b1", "sourceHandle": None}],
    "loops": {"l1": {"id": "l1", "nodes": ["b1"], "iterations": 5, "loopType": "forEach", "forEachItems": [1, 2]}},
    "parallels": {"p1": {"id": "p1", "nodes": [], "distribution": "<start.items>", "parallelType": "collection"}},
    "variables": {"v1": {"id": "v1", "name": "model", "type": "plain", "value": "gpt-5"}},
}

OCCURRENCE: dict[str, Any] = {
    "blockId": "b1",
    "subBlockKey": "credential",
    "valuePath": ["rows", 0],
    "positions": [1],
    "encoding": "scalar",
}

EXPORT: dict[str, Any] = {
    "version": "1.0",
    "exportedAt": "2026-10-01T08:00:00.000Z",
    "workflow": {"id": "wf1", "name": "Triage", "description": None, "workspaceId": "ws1", "folderPath": "/"},
    "state": {"blocks": {"b1": {"subBlocks": {"prompt": {"value": "Grüße ✓"}}, "height": 1.5}}, "edges": []},
    "referenceManifest": {
        "version": 1,
        "references": [{"kind": "credential", "sourceId": "c1", "required": True, "occurrences": [OCCURRENCE]}],
    },
    "notYetKnown": {"kept": True},
}

CHAT: dict[str, Any] = {
    "id": "ch1",
    "workflowId": "wf1",
    "workspaceId": "ws1",
    "identifier": "triage",
    "url": "https://sim.test/chat/triage",
    "title": "Triage",
    "description": "",
    "isActive": True,
    "authType": "email",
    "outputConfigs": [{"blockId": "b1", "path": "content"}],
    "includeThinking": False,
    "includeToolCalls": False,
    "createdAt": "2026-09-01T08:00:00.000Z",
    "updatedAt": "2026-09-02T08:00:00.000Z",
}


def data(value: Any, **more: Any) -> dict[str, Any]:
    """The envelope of ``/api/v2``."""
    return {"data": value, **more}


async def every(both: Both, pager: Any) -> list[Any]:
    """All items of a list, on either client."""
    return [item async for item in pager] if both.asynchronous else list(pager)
