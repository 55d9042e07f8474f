"""Knowledge bases and the search in them, below ``/api/v1/knowledge``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.checks import AnyOf, Anything, ListOf, Number, OneOf, Optional, Ruled, Shape, Text
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.search import Chunking
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_documents import base_asked_for, base_of
from simstudio.sandbox.routes.v1_requests import IN_BODY, WORKSPACE, check_member, success

if TYPE_CHECKING:
    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.knowledge import KnowledgeBase

_V1 = V1()
_LONGEST_NAME = (255, "Name must be 255 characters or less")
_DESCRIPTION = Optional(Text(most=(1000, "Description must be 1000 characters or less")))
_SIZES = {
    "maxSize": Number(least=(100, None), most=(4000, None)),
    "minSize": Number(least=(1, None), most=(2000, None)),
    "overlap": Number(least=(0, None), most=(500, None)),
}
_NEW = Shape(
    {
        "workspaceId": IN_BODY,
        "name": Text(least=(1, "Name is required"), most=_LONGEST_NAME),
        "description": _DESCRIPTION,
        "chunkingConfig": Optional(
            Shape({name: Optional(check, Chunking().to_dict()[name]) for name, check in _SIZES.items()})
        ),
    }
)
_CHANGED = Ruled(
    Shape(
        {
            "workspaceId": IN_BODY,
            "name": Optional(Text(least=(1, None), most=_LONGEST_NAME)),
            "description": _DESCRIPTION,
            "chunkingConfig": Optional(Shape(_SIZES)),
        }
    ),
    lambda asked: len(asked) > 1,
    "At least one of name, description, or chunkingConfig must be provided",
)
_TAG_FILTER = Shape(
    {
        "tagName": Text(),
        "fieldType": Optional(OneOf(("text", "number", "date", "boolean"))),
        "operator": Optional(Text(), "eq"),
        "value": Optional(Anything()),
        "valueTo": Optional(Anything()),
    }
)
BASE_IDS = AnyOf(
    (
        Text(least=(1, "Knowledge base ID is required")),
        ListOf(
            item=Text(least=(1, None)),
            least=(1, "At least one knowledge base ID is required"),
            most=(20, "Maximum 20 knowledge base IDs allowed"),
        ),
    )
)
"""The id of a knowledge base, or a list of ids."""

_SEARCH = Ruled(
    Shape(
        {
            "workspaceId": IN_BODY,
            "knowledgeBaseIds": BASE_IDS,
            "query": Optional(Text(), ""),
            "topK": Optional(Number(least=(1, None), most=(100, None)), 10),
            "tagFilters": Optional(ListOf(item=_TAG_FILTER), ()),
        }
    ),
    lambda asked: bool(asked["query"].strip() or asked["tagFilters"]),
    "Either query or tagFilters must be provided",
)


@_V1.operation("GET", "/api/v1/knowledge", query=WORKSPACE)
def list_bases(call: Call) -> Reply:
    """All knowledge bases, without paging."""
    check_member(call, call.query["workspaceId"])
    bases = call.core.data.knowledge.all(call.query["workspaceId"])
    return success(knowledgeBases=[base.to_v1() for base in bases], totalCount=len(bases))


@_V1.operation("POST", "/api/v1/knowledge", body=_NEW)
async def create_base(call: Call) -> Reply:
    """Create a knowledge base."""
    core, asked = call.core, call.body
    check_member(call, asked["workspaceId"])
    chunking = _chunking(asked.get("chunkingConfig")) or Chunking()
    with _refuse_taken_name():
        base = core.data.knowledge.create(asked["workspaceId"], asked["name"], asked.get("description"), chunking)
    _record(core, base, "created", chunkingConfig=chunking.to_dict())
    return success(knowledgeBase=base.to_v1(), message="Knowledge base created successfully")


@_V1.operation("GET", "/api/v1/knowledge/{base}", query=WORKSPACE)
def get_base(call: Call) -> Reply:
    """One knowledge base."""
    return success(knowledgeBase=base_asked_for(call).to_v1())


@_V1.operation("PUT", "/api/v1/knowledge/{base}", body=_CHANGED)
async def update_base(call: Call) -> Reply:
    """Change name, description or chunking."""
    core, asked = call.core, call.body
    base = base_of(call, asked["workspaceId"])
    chunking = _chunking(asked.get("chunkingConfig"))
    with _refuse_taken_name():
        core.data.knowledge.update(base, asked.get("name"), asked.get("description"), chunking)
    _record(core, base, "updated")
    return success(knowledgeBase=base.to_v1(), message="Knowledge base updated successfully")


@_V1.operation("DELETE", "/api/v1/knowledge/{base}", query=WORKSPACE)
def delete_base(call: Call) -> Reply:
    """Delete a knowledge base with its documents."""
    core = call.core
    base = base_asked_for(call)
    core.data.knowledge.archive(base)
    _record(core, base, "deleted")
    return success(message="Knowledge base deleted successfully")


@_V1.operation("POST", "/api/v1/knowledge/search", body=_SEARCH)
async def search(call: Call) -> Reply:
    """The chunks most similar to a query: those that share the most words with it."""
    core, asked = call.core, call.body
    workspace_id, given_ids = asked["workspaceId"], asked["knowledgeBaseIds"]
    check_member(call, workspace_id)
    ids = [given_ids] if isinstance(given_ids, str) else given_ids
    if not {base.id for base in core.data.knowledge.all(workspace_id)}.intersection(ids):
        raise Refusal(404, "Knowledge base not found or access denied")
    hits = core.data.knowledge.search(workspace_id, ids, asked["query"], asked["tagFilters"], int(asked["topK"]))
    return success(
        results=[hit.to_dict() for hit in hits],
        query=asked["query"],
        knowledgeBaseIds=ids,
        topK=asked["topK"],
        totalResults=len(hits),
    )


@contextmanager
def _refuse_taken_name() -> Iterator[None]:
    """Turn the refusal of a taken name into that of v1."""
    try:
        yield
    except Refusal as refusal:
        raise (Refusal(409, "Resource already exists") if refusal.status == 409 else refusal) from None


def _chunking(config: dict[str, Any] | None) -> Chunking | None:
    return None if config is None else Chunking.of(config)


def _record(core: Core, base: KnowledgeBase, what: str, **metadata: object) -> None:
    resource = Resource("knowledge_base", base.id, base.name)
    description = f'{what.title()} knowledge base "{base.name}" via API'
    core.data.audit.record(f"knowledge_base.{what}", resource, description, **metadata)
