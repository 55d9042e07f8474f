"""Knowledge bases, their folders, and search in them.

The search compares words instead of embeddings (:mod:`simstudio.sandbox.data.search`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.knowledge import Knowledge
from simstudio.resources.v2.knowledge_folders import KnowledgeFolders
from simstudio.sandbox.checks import Number, Optional, Ruled, Shape, Text
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.search import Chunking
from simstudio.sandbox.definitions.folders import ROOT, normalise_path
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Reply
from simstudio.sandbox.ids import OWNER
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_knowledge import BASE_IDS
from simstudio.sandbox.signatures import one_of
from simstudio.sandbox.times import iso_or_none
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.folders import select_folders
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from simstudio.sandbox.data.knowledge import Hit, KnowledgeBase

_NO_WORKSPACE = "workspaceId query parameter is required"
IN_QUERY = Text(least=(1, _NO_WORKSPACE), missing=_NO_WORKSPACE)
"""The id of a workspace in a query, with the message of operations that have their own."""

_NAME = Text(
    least=(1, "Name is required"), most=(255, "Name must be 255 characters or less"), missing="Name is required"
)
_SIZES = Shape(
    {
        "maxSize": Optional(Number(least=(100, None), most=(4000, None), whole=True), 1024),
        "minSize": Optional(Number(least=(1, None), most=(2000, None), whole=True), 100),
        "overlap": Optional(Number(least=(0, None), most=(500, None), whole=True), 200),
        "strategy": Optional(one_of("strategy", "auto", "text", "regex", "recursive", "sentence", "token")),
        "strategyOptions": Optional(Shape({}, "keep")),
    },
    "refuse",
)
_CHUNKING = Ruled(
    Ruled(
        _SIZES,
        lambda sizes: sizes["minSize"] < sizes["maxSize"] * 4,
        "Min chunk size (characters) must be less than max chunk size (tokens × 4)",
    ),
    lambda sizes: sizes["overlap"] < sizes["maxSize"],
    "Overlap must be less than max chunk size",
)


def base_of(call: Call, workspace_id: str, *, archived: bool = False) -> KnowledgeBase:
    """Return the knowledge base that the path names.

    Args:
        archived: Whether to include archived knowledge bases.

    Raises:
        Refusal: 404; 403 for a workspace of others.
    """
    workspace_id = call.workspace(workspace_id, is_hidden=False)
    return call.core.data.knowledge.get(workspace_id, call.path["knowledgeBaseId"], archived=archived)


@V2().serves(Knowledge.list, {"scope": "active", "sortBy": "createdAt", "sortOrder": "asc", "limit": 50})
def list_bases(call: Call) -> Reply:
    """A page of the knowledge bases of a workspace."""
    query = call.query
    workspace_id = call.workspace(query["workspaceId"], is_hidden=False)
    found = [
        base
        for base in call.core.data.knowledge.all(workspace_id, archived=query["scope"] == "archived")
        if base.folder == normalise_path(query.get("folderPath", base.folder))
        and matches(query.get("search", ""), base.name, base.description)
    ]

    def key(base: KnowledgeBase) -> Position:
        values: dict[str, str | float] = {"name": base.name, "createdAt": base.created, "updatedAt": base.updated}
        return values[query["sortBy"]], base.id

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing((_base(call, base) for base in shown), after)


@V2().serves(Knowledge.create, own={"name": _NAME, "chunkingConfig": _CHUNKING})
def create_base(call: Call) -> Reply:
    """Create a knowledge base."""
    body = call.body
    workspace_id = call.workspace(body["workspaceId"], is_hidden=False)
    chunking = Chunking.of(body.get("chunkingConfig", {}))
    base = call.core.data.knowledge.create(
        workspace_id, body["name"], body.get("description"), chunking, body.get("folderPath", ROOT)
    )
    _note(call, base, "created")
    return data(_base(call, base), 201)


@V2().serves(Knowledge.get)
def get_base(call: Call) -> Reply:
    """One knowledge base."""
    return data(_base(call, base_of(call, call.query["workspaceId"])))


@V2().serves(Knowledge.update, own={"name": _NAME, "chunkingConfig": _CHUNKING})
def update_base(call: Call) -> Reply:
    """Change a knowledge base; its chunking is replaced as a whole."""
    body = call.body
    base = base_of(call, body["workspaceId"])
    if len(body) == 1:
        message = "At least one of name, description, chunkingConfig, or folderPath is required"
        raise invalid_value("name", message)
    config = body.get("chunkingConfig")
    chunking = None if config is None else Chunking.of(config)
    knowledge = call.core.data.knowledge
    knowledge.update(base, body.get("name"), body.get("description"), chunking, body.get("folderPath"))
    _note(call, base, "updated")
    return data(_base(call, base))


@V2().serves(Knowledge.delete, own={"workspaceId": IN_QUERY})
def delete_base(call: Call) -> Reply:
    """Archive a knowledge base with its documents."""
    base = base_of(call, call.query["workspaceId"])
    call.core.data.knowledge.archive(base)
    _note(call, base, "deleted")
    return data({"id": base.id, "deleted": True})


@V2().serves(Knowledge.restore)
def restore_base(call: Call) -> Reply:
    """Restore an archived knowledge base; one that is not archived does not change."""
    base = base_of(call, call.body["workspaceId"], archived=True)
    call.core.data.knowledge.restore(base)
    _note(call, base, "restored")
    return data(_base(call, base))


@V2().serves(
    Knowledge.search,
    {"topK": 10, "rerankerModel": "rerank-v4.0-fast"},
    own={
        "knowledgeBaseIds": BASE_IDS,
        "query": Text(most=(32768, "query cannot exceed 32768 characters")),
        "topK": Number(least=(1, "topK must be at least 1"), most=(100, "topK cannot exceed 100"), whole=True),
    },
)
def search(call: Call) -> Reply:
    """The chunks that share the most words with a query, or those with certain tags."""
    body = call.body
    ids, query, filters = body["knowledgeBaseIds"], body.get("query", ""), body.get("tagFilters", [])
    ids = [ids] if isinstance(ids, str) else ids
    if not query.strip() and not filters:
        raise invalid_value("query", "Either query or tagFilters must be provided")
    workspace_id = call.workspace(body["workspaceId"], is_hidden=False)
    hits = call.core.data.knowledge.search(workspace_id, ids, query, filters, body["topK"])
    return data(
        {
            "results": [_result(rank, hit) for rank, hit in enumerate(hits, 1)],
            "query": query,
            "knowledgeBaseIds": ids,
            "topK": body["topK"],
            "totalResults": len(hits),
            "rerankerStatus": "unavailable" if body.get("rerankerEnabled") else "not_requested",
        }
    )


# -- folders --------------------------------------------------------------------------------------------------------


@V2().serves(KnowledgeFolders.list, {"sortBy": "name", "sortOrder": "asc"})
def list_folders(call: Call) -> Reply:
    """All folders of a workspace, or the direct subfolders of one."""
    workspace_id = call.workspace(call.query["workspaceId"], is_hidden=False)
    return listing(map(views.folder, select_folders(call, call.core.data.knowledge.folders(workspace_id))))


@V2().serves(KnowledgeFolders.create)
def create_folder(call: Call) -> Reply:
    """Make a folder."""
    workspace_id = call.workspace(call.body["workspaceId"], is_hidden=False)
    folders = call.core.data.knowledge.folders(workspace_id)
    return data(views.folder(folders.create(call.body["path"], call.core.clock())), 201)


@V2().serves(KnowledgeFolders.relocate)
def relocate_folder(call: Call) -> Reply:
    """Rename or move a folder with everything in it."""
    body = call.body
    workspace_id = call.workspace(body["workspaceId"], is_hidden=False)
    knowledge = call.core.data.knowledge
    return data(views.folder(knowledge.relocate_folder(workspace_id, body["path"], body["destinationPath"])))


@V2().serves(KnowledgeFolders.delete, {"recursive": False}, spelled=("recursive",))
def delete_folder(call: Call) -> Reply:
    """Delete a folder; the knowledge bases in it are archived."""
    query = call.query
    workspace_id = call.workspace(query["workspaceId"], is_hidden=False)
    path, knowledge = normalise_path(query["path"]), call.core.data.knowledge
    folders, bases = knowledge.delete_folder(workspace_id, path, recursive=query["recursive"])
    return data({"path": path, "deleted": True, "deletedItems": {"folders": folders, "knowledgeBases": bases}})


def _base(call: Call, base: KnowledgeBase) -> dict[str, Any]:
    return {
        **base.to_v1(),
        "webUrl": f"{call.core.base_url(call.request)}/workspace/{base.workspace_id}/knowledge/{base.id}",
        "ownerEmail": OWNER,
        "folderPath": base.folder,
        "deletedAt": iso_or_none(base.deleted),
    }


def _result(rank: int, hit: Hit) -> dict[str, Any]:
    extra = {"knowledgeBaseId": hit.base.id, "sourceUrl": None, "rank": rank, "rankScore": hit.similarity}
    return {**hit.to_dict(), **extra}


def _note(call: Call, base: KnowledgeBase, what: str) -> None:
    resource = Resource("knowledge_base", base.id, base.name)
    description = f'{what.title()} knowledge base "{base.name}"'
    call.core.data.audit.record(f"knowledge_base.{what}", resource, description, workspaceId=base.workspace_id)
