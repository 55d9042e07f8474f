"""Documents of knowledge bases, and the upload sessions that make them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.knowledge_documents import KnowledgeDocuments
from simstudio.resources.v2.knowledge_uploads import KnowledgeUploads
from simstudio.sandbox.checks import Flag, ListOf, Number, Ruled, Shape, Text
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.knowledge import check_type
from simstudio.sandbox.data.tags import ALL_SLOTS, SLOTS
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_documents import ORDERS
from simstudio.sandbox.routes.v1_requests import read_upload
from simstudio.sandbox.signatures import one_of
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.knowledge import IN_QUERY, base_of
from simstudio.sandbox.v2.paging import page
from simstudio.sandbox.v2.uploads import PART_NUMBERS, find_upload, part_urls, present_upload, session_fields
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.data.knowledge import Document, KnowledgeBase
    from simstudio.sandbox.data.uploads import Upload

_NO_WORKSPACE = "Workspace ID is required"
_FILENAME = Text(least=(1, None), most=(255, None))
_TEXT_TAG = Text(most=(1000, None))
_BY_ENDING = {"csv": "text/csv", "md": "text/markdown", "txt": "text/plain", "json": "application/json"}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-01-01")


_DATE_TAG = Ruled(
    Text(pattern=(r"\d{4}-\d{2}-\d{2}", "Date tag values must be formatted YYYY-MM-DD")),
    _is_day,
    "Date tag values must be a real calendar date",
)


def document_of(call: Call, workspace_id: str) -> tuple[KnowledgeBase, Document]:
    """Return the knowledge base and the document that the path names.

    Raises:
        Refusal: 404; 403 for a workspace of others.
    """
    base = base_of(call, workspace_id)
    return base, base.document(call.path["documentId"])


@V2().serves(
    KnowledgeDocuments.list, {"enabledFilter": "all", "sortBy": "uploadedAt", "sortOrder": "desc", "limit": 50}
)
def list_documents(call: Call) -> Reply:
    """A page of the documents, which move one step on."""
    query = call.query
    base = base_of(call, query["workspaceId"])
    meets = base.tags.filter(query.get("tagFilters", []))
    found = [
        document
        for document in base.list_included()
        if _fits(document, query["enabledFilter"])
        and matches(query.get("search", ""), document.filename)
        and meets(document.tags)
    ]
    order = ORDERS[query["sortBy"]]
    descending = query["sortOrder"] == "desc"
    shown, after = page(
        call, found, lambda document: (order(document), document.id), descending=descending, by_offset=True
    )
    base.step(shown, call.core.clock())
    return listing((_present(base, each) for each in shown), after)


@V2().operation(
    "POST",
    "/api/v2/knowledge/{knowledgeBaseId}/documents",
    "uploadKnowledgeDocument",
    query=Shape({"workspaceId": Text(least=(1, _NO_WORKSPACE), missing=_NO_WORKSPACE)}, "refuse"),
)
async def upload(call: Call) -> Reply:
    """Add a document that is sent in one request. It is processed while later requests read it."""
    file = await read_upload(call)
    base = base_of(call, call.query["workspaceId"])
    check_type(file.name)
    kind = file.mime
    if kind == "application/octet-stream":
        kind = _BY_ENDING.get(file.name.rpartition(".")[2].lower(), kind)
    document = base.add(file.name, kind, file.content, call.core.clock())
    _note(call, base, document, "uploaded")
    return data(document.to_dict(base.id), 201)


@V2().serves(
    KnowledgeDocuments.add_workspace_files,
    own={
        "fileReferences": ListOf(
            item=Text(least=(1, None)),
            least=(1, "fileReferences must contain at least one file"),
            most=(100, "fileReferences cannot contain more than 100 files"),
        )
    },
)
def add_workspace_files(call: Call) -> Reply:
    """Make documents of files of the workspace, by id or key."""
    body, core = call.body, call.core
    base = base_of(call, body["workspaceId"])
    added, failed = [], []
    for reference in body["fileReferences"]:
        files = core.data.files_of(base.workspace_id).all()
        file = next((each for each in files if reference in (each.id, each.current.key)), None)
        try:
            check_type("" if file is None else file.name)
        except Refusal:
            file = None
        if file is None:
            failed.append(reference)
            continue
        document = base.add(file.name, file.kind, file.content, core.clock())
        _note(call, base, document, "uploaded")
        added.append(
            {
                "documentId": document.id,
                "filename": document.filename,
                "mimeType": document.kind,
                "fileSize": len(document.content),
            }
        )
    return data({"knowledgeBaseId": base.id, "added": added, "failed": failed})


@V2().serves(
    KnowledgeDocuments.bulk_update,
    own={"operation": one_of("operation", "enable", "disable")},
)
def bulk_update(call: Call) -> Reply:
    """Include documents in searches, or exclude them. Unknown ids are skipped."""
    body = call.body
    if "documentIds" not in body and "selectAll" not in body:
        raise invalid_value("documentIds", "Either documentIds or selectAll is required")
    if "documentIds" in body and "selectAll" in body:
        raise invalid_value("documentIds", "documentIds cannot be combined with selectAll")
    base = base_of(call, body["workspaceId"])
    if "selectAll" in body:
        found = [document for document in base.list_included() if _fits(document, body.get("enabledFilter", "all"))]
    else:
        wanted = set(body["documentIds"])
        found = [document for document in base.list_included() if document.id in wanted]
    if not found:
        raise Refusal(404, "No valid documents found to update")
    for document in found:
        document.enabled = body["operation"] == "enable"
    ids = {} if "selectAll" in body else {"documentIds": [document.id for document in found]}
    return data({"operation": body["operation"], "updatedCount": len(found), **ids})


@V2().serves(KnowledgeDocuments.get, own={"workspaceId": IN_QUERY})
def get_document(call: Call) -> Reply:
    """One document with the state of its processing, which moves one step on."""
    base, document = document_of(call, call.query["workspaceId"])
    base.step([document], call.core.clock())
    return data({**_present(base, document), **document.processing()})


@V2().serves(
    KnowledgeDocuments.update,
    own={
        "filename": _FILENAME,
        **dict.fromkeys(SLOTS["text"], _TEXT_TAG),
        **dict.fromkeys(SLOTS["date"], _DATE_TAG),
    },
    more={"retryProcessing": Ruled(Flag(), bool, "Invalid input: expected true")},
)
def update_document(call: Call) -> Reply:
    """Rename a document, exclude it from searches, set its tags, or process it again."""
    body = call.body
    changes = [name for name in body if name != "workspaceId"]
    if not changes:
        message = "At least one of filename, enabled, tag1-tag7, or retryProcessing is required"
        raise invalid_value("filename", message)
    if "retryProcessing" in body and len(changes) > 1:
        others = ", ".join(name for name in changes if name != "retryProcessing")
        message = f"retryProcessing cannot be combined with {others}; send it on its own request"
        raise invalid_value("retryProcessing", message)
    base, document = document_of(call, body["workspaceId"])
    if "retryProcessing" in body:
        return _retry(call, base, document)
    document.filename = body.get("filename", document.filename)
    document.enabled = body.get("enabled", document.enabled)
    for slot in ALL_SLOTS:
        if slot in body:
            document.tags[slot] = f"{body[slot]}T00:00:00.000Z" if slot in SLOTS["date"] else body[slot]
            if body[slot] == "":
                del document.tags[slot]
    return data(_present(base, document))


def _retry(call: Call, base: KnowledgeBase, document: Document) -> Reply:
    """Process a document again that failed. It fails again, with 500, because its content has not changed.

    Raises:
        Refusal: 400 or 500.
    """
    if document.state == "pending":
        message = "Document is already queued for processing"
        return data({"id": document.id, "queued": True, "processingStatus": "pending", "message": message})
    if document.state != "failed":
        raise Refusal(400, f"Document is not in a retryable state (current: {document.state})")
    document.process(base.chunking, call.core.clock())
    raise Refusal(500, "Internal server error")


@V2().serves(KnowledgeDocuments.delete, own={"workspaceId": IN_QUERY})
def delete_document(call: Call) -> Reply:
    """Delete a document with its chunks; one of a connector is excluded from searches and syncs."""
    base, document = document_of(call, call.query["workspaceId"])
    base.remove(document)
    _note(call, base, document, "deleted")
    return data({"id": document.id, "deleted": True})


# -- upload sessions ------------------------------------------------------------------------------------------------


@V2().serves(
    KnowledgeUploads.create,
    own={
        "name": _FILENAME,
        "contentType": Text(least=(1, None)),
        "size": Number(least=(1, None), most=(100 * 1024 * 1024, None), whole=True),
        **dict.fromkeys(SLOTS["text"], _TEXT_TAG),
    },
)
def create_upload(call: Call) -> Reply:
    """Open an upload session for a document."""
    body = call.body
    base = base_of(call, body["workspaceId"])
    check_type(body["name"])
    tags = {slot: body[slot] for slot in SLOTS["text"] if body.get(slot)}
    made = call.core.data.uploads.open(
        "document", base.workspace_id, body["name"], body["contentType"], body["size"], base=base.id, tags=tags
    )
    return present_upload(call, made, _session(base, made, None))


@V2().serves(KnowledgeUploads.create_part_urls, own={"partNumbers": PART_NUMBERS})
def create_part_urls(call: Call) -> Reply:
    """The addresses of parts."""
    return part_urls(call, _upload_of(call)[1])


@V2(needs_body=False).serves(KnowledgeUploads.complete)
def complete_upload(call: Call) -> Reply:
    """Make a document of the bytes, and process it; the first response still says that it is pending.

    The document has the id of the session.
    """
    base, found = _upload_of(call)
    now = call.core.clock()

    def make(content: bytes) -> Document:
        document = base.add(found.name, found.content_type, content, now, found.id)
        document.tags.update(found.facts["tags"])
        _note(call, base, document, "uploaded")
        return document

    document = found.complete(make)
    reply = data(_session(base, found, document))
    if document.state == "pending":
        document.process(base.chunking, now)
    return reply


@V2().serves(KnowledgeUploads.abort)
def abort_upload(call: Call) -> Reply:
    """Abort a session and drop its bytes."""
    base, found = _upload_of(call)
    if found.status == "completed":
        raise Refusal(409, "Upload has already been completed")
    found.abort()
    return data(_session(base, found, None))


def _upload_of(call: Call) -> tuple[KnowledgeBase, Upload]:
    found = find_upload(call, "document")
    base = base_of(call, call.query["workspaceId"])
    if found.facts["base"] != base.id:
        raise Refusal(404, "Upload session not found")
    return base, found


def _session(base: KnowledgeBase, found: Upload, document: Document | None) -> dict[str, Any]:
    shown = None if document is None else document.to_dict(base.id)
    return {**session_fields(found), "knowledgeBaseId": base.id, "document": shown}


def _present(base: KnowledgeBase, document: Document) -> dict[str, Any]:
    return {**document.to_dict(base.id), "tags": base.tags.name_values(document.tags)}


def _fits(document: Document, enabled: str) -> bool:
    return enabled in ("all", "enabled" if document.enabled else "disabled")


def _note(call: Call, base: KnowledgeBase, document: Document, what: str) -> None:
    resource = Resource("document", document.id, document.filename)
    description = f'{what.title()} document "{document.filename}"'
    facts: Mapping[str, object] = {"workspaceId": base.workspace_id, "knowledgeBaseName": base.name}
    call.core.data.audit.record(f"document.{what}", resource, description, **facts)
