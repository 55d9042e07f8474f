"""Documents below ``/api/v1/knowledge/{base}/documents``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.checks import Number, OneOf, Optional, Shape, Text, as_number
from simstudio.sandbox.routes.v1_requests import (
    IN_QUERY,
    WORKSPACE,
    check_member,
    form,
    given,
    query,
    refuse,
    route,
    success,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.knowledge import Document, KnowledgeBase

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
_WHOLE = "Expected integer, received float"
_LISTED = Shape(
    {
        "workspaceId": IN_QUERY,
        "limit": Optional(Number(least=(1, None), most=(100, None), whole=_WHOLE, convert=as_number), 50),
        "offset": Optional(Number(least=(0, None), whole=_WHOLE, convert=as_number), 0),
        "search": Optional(Text()),
        "enabledFilter": Optional(OneOf(("all", "enabled", "disabled")), "all"),
        "sortBy": Optional(OneOf(tuple(_ORDERS)), "uploadedAt"),
        "sortOrder": Optional(OneOf(("asc", "desc")), "desc"),
    }
)


def routes(core: Core) -> list[Route]:
    """The routes of documents."""
    return [
        route(core, "GET", "/knowledge/{base}/documents", list_documents),
        route(core, "POST", "/knowledge/{base}/documents", upload_document),
        route(core, "GET", "/knowledge/{base}/documents/{document}", get_document),
        route(core, "DELETE", "/knowledge/{base}/documents/{document}", delete_document),
    ]


def base_of(core: Core, request: Request, workspace_id: str) -> KnowledgeBase:
    """The knowledge base named in the path.

    Raises:
        Rejected: there is none.
        Refusal: 403.
    """
    check_member(core, request, workspace_id)
    return core.data.knowledge.get(request.path_params["base"])


def base_asked_for(core: Core, request: Request) -> KnowledgeBase:
    """The knowledge base named in the path, its workspace in the query.

    Raises:
        Rejected: there is none.
        Refusal: 400 or 403.
    """
    return base_of(core, request, query(request, WORKSPACE)["workspaceId"])


async def list_documents(core: Core, request: Request) -> ASGIApp:
    """A page of documents; the total is text, as the server has it. Those on the page are one step further after."""
    asked = query(request, _LISTED)
    base = base_of(core, request, asked["workspaceId"])
    part = (given(asked["search"]) or "").lower()
    wanted = [
        document
        for document in base.documents.values()
        if part in document.filename.lower()
        and asked["enabledFilter"] in ("all", "enabled" if document.enabled else "disabled")
    ]
    wanted.sort(key=_ORDERS[asked["sortBy"]], reverse=asked["sortOrder"] == "desc")
    limit, offset = asked["limit"], asked["offset"]
    page = wanted[offset : offset + limit]
    base.looked_at(page, core.clock())
    more = len(wanted) > offset + limit
    return success(
        documents=[document.shown(base.id) for document in page],
        pagination={"total": str(len(wanted)), "limit": limit, "offset": offset, "hasMore": more},
    )


async def upload_document(core: Core, request: Request) -> ASGIApp:
    """A new document, still to be processed; its file is among the workspace's files, too."""
    workspace_id, upload = await form(core, request)
    ending = upload.name.rpartition(".")[2].lower()
    if ending not in _SUPPORTED.split(", "):
        raise refuse(415, f"Unsupported file type: {ending}. Supported types are: {_SUPPORTED}")
    base = base_of(core, request, workspace_id)
    file = core.data.files.add(upload.name, upload.mime, upload.content)
    document = base.add(upload.name, file.kind, upload.content, core.clock())
    description = f'Uploaded document "{document.filename}" to knowledge base via API'
    core.data.audit.record("document.uploaded", _resource(document), description, knowledgeBaseName=base.name)
    message = "Document uploaded successfully. Processing will begin shortly."
    return success(document=document.shown(base.id), message=message)


async def get_document(core: Core, request: Request) -> ASGIApp:
    """One document, one step further on its way to be completed."""
    base = base_asked_for(core, request)
    document = base.document(request.path_params["document"])
    base.looked_at([document], core.clock())
    return success(document=document.shown_in_full(base.id))


async def delete_document(core: Core, request: Request) -> ASGIApp:
    """A document goes; its file stays."""
    base = base_asked_for(core, request)
    document = base.document(request.path_params["document"])
    del base.documents[document.id]
    description = f'Deleted document "{document.filename}" from knowledge base via API'
    core.data.audit.record("document.deleted", _resource(document), description, knowledgeBaseName=base.name)
    return success(message="Document deleted successfully")


def _resource(document: Document) -> Resource:
    return Resource("document", document.id, document.filename)
