"""Documents below ``/api/v1/knowledge/{base}/documents``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox.checks import Number, OneOf, Optional, Parsed, Shape, Text, as_number
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.knowledge import check_type
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_requests import IN_QUERY, WORKSPACE, check_member, form, success

if TYPE_CHECKING:
    from simstudio.sandbox.data.knowledge import Document, KnowledgeBase

_V1 = V1()
ORDERS: Mapping[str, Callable[[Document], str | float]] = {
    "filename": lambda document: document.filename,
    "fileSize": lambda document: len(document.content),
    "tokenCount": lambda document: document.token_count,
    "chunkCount": lambda document: len(document.chunks),
    "uploadedAt": lambda document: document.uploaded,
    "processingStatus": lambda document: document.state,
    "enabled": lambda document: document.enabled,
}
"""Sort keys of documents."""
_LISTED = Shape(
    {
        "workspaceId": IN_QUERY,
        "limit": Optional(Parsed(as_number, Number(least=(1, None), most=(100, None), whole=True)), 50),
        "offset": Optional(Parsed(as_number, Number(least=(0, None), whole=True)), 0),
        "search": Optional(Text()),
        "enabledFilter": Optional(OneOf(("all", "enabled", "disabled")), "all"),
        "sortBy": Optional(OneOf(tuple(ORDERS)), "uploadedAt"),
        "sortOrder": Optional(OneOf(("asc", "desc")), "desc"),
    }
)


def base_of(call: Call, workspace_id: str) -> KnowledgeBase:
    """Return the knowledge base that the path names.

    Raises:
        Refusal: 404 or 403.
    """
    check_member(call, workspace_id)
    return call.core.data.knowledge.get(workspace_id, call.path["base"])


def base_asked_for(call: Call) -> KnowledgeBase:
    """Return the knowledge base that the path names; the query names its workspace.

    Raises:
        Refusal: 404 or 403.
    """
    return base_of(call, call.query["workspaceId"])


@_V1.operation("GET", "/api/v1/knowledge/{base}/documents", query=_LISTED)
def list_documents(call: Call) -> Reply:
    """A page of documents, which then move one step on. The total is a text, as the server has it."""
    asked = call.query
    base = base_of(call, asked["workspaceId"])
    part = (asked.get("search") or "").lower()
    wanted = [
        document
        for document in base.list_included()
        if part in document.filename.lower()
        and asked["enabledFilter"] in ("all", "enabled" if document.enabled else "disabled")
    ]
    wanted.sort(key=ORDERS[asked["sortBy"]], reverse=asked["sortOrder"] == "desc")
    limit, offset = asked["limit"], asked["offset"]
    page = wanted[offset : offset + limit]
    base.step(page, call.core.clock())
    more = len(wanted) > offset + limit
    return success(
        documents=[document.to_dict(base.id) for document in page],
        pagination={"total": str(len(wanted)), "limit": limit, "offset": offset, "hasMore": more},
    )


@_V1.operation("POST", "/api/v1/knowledge/{base}/documents")
async def upload_document(call: Call) -> Reply:
    """Add a document, which is still to be processed. Its file is kept among the files of the workspace as well."""
    core = call.core
    workspace_id, upload = await form(call)
    check_type(upload.name)
    base = base_of(call, workspace_id)
    file = core.data.files.add(upload.name, upload.mime, upload.content)
    document = base.add(upload.name, file.kind, upload.content, core.clock())
    description = f'Uploaded document "{document.filename}" to knowledge base via API'
    core.data.audit.record("document.uploaded", _resource(document), description, knowledgeBaseName=base.name)
    message = "Document uploaded successfully. Processing will begin shortly."
    return success(document=document.to_dict(base.id), message=message)


@_V1.operation("GET", "/api/v1/knowledge/{base}/documents/{document}", query=WORKSPACE)
def get_document(call: Call) -> Reply:
    """One document, which moves one step on."""
    base = base_asked_for(call)
    document = base.document(call.path["document"])
    base.step([document], call.core.clock())
    return success(document={**document.to_dict(base.id), **document.processing()})


@_V1.operation("DELETE", "/api/v1/knowledge/{base}/documents/{document}", query=WORKSPACE)
def delete_document(call: Call) -> Reply:
    """Delete a document; its file stays."""
    base = base_asked_for(call)
    document = base.document(call.path["document"])
    base.remove(document)
    description = f'Deleted document "{document.filename}" from knowledge base via API'
    call.core.data.audit.record("document.deleted", _resource(document), description, knowledgeBaseName=base.name)
    return success(message="Document deleted successfully")


def _resource(document: Document) -> Resource:
    return Resource("document", document.id, document.filename)
