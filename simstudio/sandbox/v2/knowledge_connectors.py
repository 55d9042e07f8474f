"""Connectors of knowledge bases, and the types that are registered with `Sandbox.connector`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.connector_types import ConnectorTypes
from simstudio.resources.v2.knowledge_connectors import KnowledgeConnectors
from simstudio.sandbox.checks import Number
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.knowledge import base_of
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from simstudio.sandbox.data.connectors import Connector
    from simstudio.sandbox.data.knowledge import Document, KnowledgeBase

_INTERVAL = Number(least=(0, None), most=(525_600, None), whole=True)


@V2().serves(ConnectorTypes.list, {"detail": "summary", "limit": 25})
def list_types(call: Call) -> Reply:
    """A page of the types of connectors."""
    call.workspace(call.query["workspaceId"])
    kinds = [kind for kind in call.core.data.connectors.sources if matches(call.query.get("search", ""), kind)]
    shown, after = page(call, kinds, lambda kind: (kind,))
    return listing(map(_type, shown), after)


def _type(kind: str) -> dict[str, Any]:
    return {
        "connectorType": kind,
        "name": kind,
        "description": "Copies the texts that a Python function returns.",
        "version": "1.0.0",
        "auth": {"mode": "apiKey", "optional": True},
        "configFields": [],
        "supportsIncrementalSync": False,
        "tagDefinitions": [],
    }


@V2().serves(KnowledgeConnectors.list, {"sortBy": "createdAt", "sortOrder": "desc", "limit": 50})
def list_connectors(call: Call) -> Reply:
    """A page of the connectors of a knowledge base."""
    query = call.query
    base = base_of(call, query["workspaceId"])

    def key(each: Connector) -> Position:
        values: dict[str, str | float] = {
            "connectorType": each.type,
            "createdAt": each.created,
            "updatedAt": each.updated,
        }
        return values[query["sortBy"]], each.id

    found, descending = call.core.data.connectors.of(base), query["sortOrder"] == "desc"
    shown, after = page(call, found, key, descending=descending, by_offset=True)
    return listing((each.to_dict(base) for each in shown), after)


@V2().serves(KnowledgeConnectors.create, {"syncIntervalMinutes": 1440}, own={"syncIntervalMinutes": _INTERVAL})
def create_connector(call: Call) -> Reply:
    """Create a connector, whose first sync begins when it is read."""
    base = base_of(call, call.body["workspaceId"])
    return data(call.core.data.connectors.create(base, call.body, call.core.clock()).to_dict(base), 201)


@V2().serves(KnowledgeConnectors.get)
def get_connector(call: Call) -> Reply:
    """One connector with its last syncs; a sync that was requested begins or ends with this request."""
    base, connector = _connector(call, call.query["workspaceId"])
    connector.step(base, call.core.clock())
    return data({**connector.to_dict(base), "syncLogs": connector.logs()})


@V2().serves(KnowledgeConnectors.update, own={"syncIntervalMinutes": _INTERVAL})
def update_connector(call: Call) -> Reply:
    """Change a connector; its configuration is replaced as a whole."""
    body = call.body
    if len(body) == 1:
        message = "At least one of sourceConfig, syncIntervalMinutes, or status is required"
        raise invalid_value("sourceConfig", message)
    base, connector = _connector(call, body["workspaceId"])
    connector.config = body.get("sourceConfig", connector.config)
    connector.interval = body.get("syncIntervalMinutes", connector.interval)
    connector.status = body.get("status", connector.status)
    connector.updated = call.core.clock()
    return data(connector.to_dict(base))


@V2().serves(KnowledgeConnectors.delete, {"deleteDocuments": False})
def delete_connector(call: Call) -> Reply:
    """Delete a connector; its documents stay unless the query says otherwise."""
    base, connector = _connector(call, call.query["workspaceId"])
    delete_documents = call.query["deleteDocuments"]
    deleted, kept = call.core.data.connectors.delete(base, connector, delete_documents=delete_documents)
    return data({"id": connector.id, "deleted": True, "documentsDeleted": deleted, "documentsKept": kept})


@V2(needs_body=True).serves(KnowledgeConnectors.sync)
def sync(call: Call) -> Reply:
    """Request a sync, which begins when the connector is read; also of a connector that is paused."""
    _, connector = _connector(call, call.body["workspaceId"])
    connector.requested = True
    return data({"id": connector.id, "syncTriggered": True})


@V2().serves(KnowledgeConnectors.list_documents, {"includeExcluded": False, "limit": 50})
def list_documents(call: Call) -> Reply:
    """A page of the documents of a connector, by name."""
    base, connector = _connector(call, call.query["workspaceId"])
    found = [each for each in connector.copies(base) if call.query["includeExcluded"] or not each[0].excluded]
    shown, after = page(call, found, lambda each: (each[0].excluded, each[0].filename, each[0].id), by_offset=True)
    return listing((_document(document, name) for document, name in shown), after)


@V2().serves(KnowledgeConnectors.update_documents)
def update_documents(call: Call) -> Reply:
    """Exclude or restore documents as the recorded servers do: they exclude none, and restore what is not excluded."""
    body = call.body
    base, connector = _connector(call, body["workspaceId"])
    wanted = body["documentIds"] if body["operation"] == "restore" else []
    ids = [each.id for each, _ in connector.copies(base) if each.id in wanted and not each.excluded]
    return data({"operation": body["operation"], "updatedCount": len(ids), "documentIds": ids})


def _connector(call: Call, workspace_id: str) -> tuple[KnowledgeBase, Connector]:
    base = base_of(call, workspace_id)
    return base, call.core.data.connectors.get(base, call.path["connectorId"])


def _document(document: Document, name: str) -> dict[str, Any]:
    return {
        "id": document.id,
        "filename": document.filename,
        "externalId": name,
        "sourceUrl": None,
        "enabled": document.enabled,
        "userExcluded": document.excluded,
        "createdAt": iso(document.uploaded),
        "processingStatus": document.state,
    }
