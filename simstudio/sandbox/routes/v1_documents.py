"""Documents below ``/api/v1/knowledge/{base}/documents``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox.checks import Number, OneOf, Optional, Parsed, Shape, Text, as_number
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_requests import IN_QUERY, WORKSPACE, check_member, form, success

if TYPE_CHECKING:
    from simstudio.sandbox.data.knowledge import Document, KnowledgeBase

_V1 = V1()
_SUPPORTED = "pdf, csv, doc, docx, txt, md, xlsx, xls, ppt, pptx, html, htm, json, jsonl, yaml, yml"
_ORDERS: Mapping[str, Callable[[Document], str | float]] = {
    "filename": lambda document: document.filename,
    "fileSize": lambda document: len(document.content),
    "tokenCount": lambda document: document.token_count,
    "chunkCount": lambda document: len(document.chunks),
    "uploadedAt": lambda document: document.uploaded,
    "processingStatus": lambda document: document.state,
    "enabled": lambda document: document.enabled,
}
_LISTED = Shape(
    {
        "workspaceId": IN_QUERY,
        "limit": Optional(Parsed(as_number, Number(least=(1, None), most=(100, None), whole=True)), 50),
        "offset": Optional(Parsed(as_number, Number(least=(0, None), whole=True)), 0),
        "search": Optional(Text()),
        "enabledFilter": Optional(OneOf(("all", "enabled", "disabled")), "all"),
        "sortBy": Optional(OneOf(tuple(_ORDERS)), "uploadedAt"),
        "sortOrder": Optional(OneOf(("asc", "desc")), "desc"),
    }
)


def base_of(call: Call, workspace_id: str) -> KnowledgeBase:
    """The knowledge base named in the path.

    Raises:
        Refusal: 404 or 403.
    """
    check_member(call, workspace_id)
    return call.core.data.knowledge.get(call.path["base"])


def base_asked_for(call: Call) -> KnowledgeBase:
    """The knowledge base named in the path, its workspace in the query.

    Raises:
        Refusal: 404 or 403.
    """
    return base_of(call, call.query["workspaceId"])


@_V1.operation("GET", "/api/v1/knowledge/{base}/documents", query=_LISTED)
def list_documents(call: Call) -> Reply:
    """A page of documents; the total is text, as the server has it. Those on the page are one step further after."""
    asked = call.query
    base = base_of(call, asked["workspaceId"])
    part = (asked.get("search") or "").lower()
    wanted = [
        document
        for document in base.documents.values()
        if part in document.filename.lower()
        and asked["enabledFilter"] in ("all", "enabled" if document.enabled else "disabled")
    ]
    wanted.sort(key=_ORDERS[asked["sortBy"]], reverse=asked["sortOrder"] == "desc")
    limit, offset = asked["limit"], asked["offset"]
    page = wanted[offset : offset + limit]
    base.looked_at(page, call.core.clock())
    more = len(wanted) > offset + limit
    return success(
        documents=[document.shown(base.id) for document in page],
        pagination={"total": str(len(wanted)), "limit": limit, "offset": offset, "hasMore": more},
    )


@_V1.operation("POST", "/api/v1/knowledge/{base}/documents")
async def upload_document(call: Call) -> Reply:
    """A new document, still to be processed; its file is among the workspace's files, too."""
    core = call.core
    workspace_id, upload = await form(call)
    ending = upload.name.rpartition(".")[2].lower()
    if ending not in _SUPPORTED.split(", "):
        raise Refusal(415, f"Unsupported file type: {ending}. Supported types are: {_SUPPORTED}")
    base = base_of(call, workspace_id)
    file = core.data.files.add(upload.name, upload.mime, upload.content)
    document = base.add(upload.name, file.kind, upload.content, core.clock())
    description = f'Uploaded document "{document.filename}" to knowledge base via API'
    core.data.audit.record("document.uploaded", _resource(document), description, knowledgeBaseName=base.name)
    message = "Document uploaded successfully. Processing will begin shortly."
    return success(document=document.shown(base.id), message=message)


@_V1.operation("GET", "/api/v1/knowledge/{base}/documents/{document}", query=WORKSPACE)
def get_document(call: Call) -> Reply:
    """One document, one step further on its way to be completed."""
    base = base_asked_for(call)
    document = base.document(call.path["document"])
    base.looked_at([document], call.core.clock())
    return success(document=document.shown_in_full(base.id))


@_V1.operation("DELETE", "/api/v1/knowledge/{base}/documents/{document}", query=WORKSPACE)
def delete_document(call: Call) -> Reply:
    """A document goes; its file stays."""
    base = base_asked_for(call)
    document = base.document(call.path["document"])
    del base.documents[document.id]
    description = f'Deleted document "{document.filename}" from knowledge base via API'
    call.core.data.audit.record("document.deleted", _resource(document), description, knowledgeBaseName=base.name)
    return success(message="Document deleted successfully")


def _resource(document: Document) -> Resource:
    return Resource("document", document.id, document.filename)
