"""Knowledge bases, their documents and the search below ``/api/v1/knowledge``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.checks import AnyOf, ListOf, Number, OneOf, Optional, Ruled, Shape, Text, present
from simstudio.sandbox.data.search import Chunking
from simstudio.sandbox.routes import v1_documents
from simstudio.sandbox.routes.v1_documents import base_asked_for, base_of
from simstudio.sandbox.routes.v1_requests import (
    IN_BODY,
    WORKSPACE,
    check_member,
    checked,
    given,
    json_body,
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
    from simstudio.sandbox.data.knowledge import KnowledgeBase

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
            Shape({name: Optional(check, Chunking().shown()[name]) for name, check in _SIZES.items()})
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
    lambda asked: len(present(asked)) > 1,
    "At least one of name, description, or chunkingConfig must be provided",
)
_TAG_FILTER = Shape(
    {
        "tagName": Text(),
        "fieldType": Optional(OneOf(("text", "number", "date", "boolean"))),
        "operator": Optional(Text(), "eq"),
    }
)
_SEARCH = Ruled(
    Shape(
        {
            "workspaceId": IN_BODY,
            "knowledgeBaseIds": AnyOf(
                (
                    Text(least=(1, "Knowledge base ID is required")),
                    ListOf(
                        item=Text(least=(1, None)),
                        least=(1, "At least one knowledge base ID is required"),
                        most=(20, "Maximum 20 knowledge base IDs allowed"),
                    ),
                )
            ),
            "query": Optional(Text(), ""),
            "topK": Optional(Number(least=(1, None), most=(100, None)), 10),
            "tagFilters": Optional(ListOf(item=_TAG_FILTER), ()),
        }
    ),
    lambda asked: bool(asked["query"].strip() or asked["tagFilters"]),
    "Either query or tagFilters must be provided",
)


def routes(core: Core) -> list[Route]:
    """The routes of knowledge bases, documents and the search."""
    return [
        route(core, "GET", "/knowledge", list_bases),
        route(core, "POST", "/knowledge", create_base),
        route(core, "POST", "/knowledge/search", search),
        route(core, "GET", "/knowledge/{base}", get_base),
        route(core, "PUT", "/knowledge/{base}", update_base),
        route(core, "DELETE", "/knowledge/{base}", delete_base),
        *v1_documents.routes(core),
    ]


async def list_bases(core: Core, request: Request) -> ASGIApp:
    """All knowledge bases, without paging."""
    check_member(core, request, query(request, WORKSPACE)["workspaceId"])
    bases = core.data.knowledge.all()
    return success(knowledgeBases=[base.shown() for base in bases], totalCount=len(bases))


async def create_base(core: Core, request: Request) -> ASGIApp:
    """A new knowledge base."""
    asked = checked(_NEW, await json_body(core, request))
    check_member(core, request, asked["workspaceId"])
    chunking = _chunking(given(asked["chunkingConfig"])) or Chunking()
    base = core.data.knowledge.create(asked["name"], given(asked["description"]), chunking)
    _record(core, base, "created", chunkingConfig=chunking.shown())
    return success(knowledgeBase=base.shown(), message="Knowledge base created successfully")


async def get_base(core: Core, request: Request) -> ASGIApp:
    """One knowledge base."""
    return success(knowledgeBase=base_asked_for(core, request).shown())


async def update_base(core: Core, request: Request) -> ASGIApp:
    """Another name, description or way to cut."""
    asked = checked(_CHANGED, await json_body(core, request))
    base = base_of(core, request, asked["workspaceId"])
    chunking = _chunking(given(asked["chunkingConfig"]))
    core.data.knowledge.update(base, given(asked["name"]), given(asked["description"]), chunking)
    _record(core, base, "updated")
    return success(knowledgeBase=base.shown(), message="Knowledge base updated successfully")


async def delete_base(core: Core, request: Request) -> ASGIApp:
    """A knowledge base goes, with its documents."""
    base = core.data.knowledge.delete(base_asked_for(core, request).id)
    _record(core, base, "deleted")
    return success(message="Knowledge base deleted successfully")


async def search(core: Core, request: Request) -> ASGIApp:
    """The chunks most like a query, of some knowledge bases.

    No knowledge base of the sandbox defines tags, so that a filter by one is refused.
    """
    asked = checked(_SEARCH, await json_body(core, request))
    check_member(core, request, asked["workspaceId"])
    given_ids = asked["knowledgeBaseIds"]
    ids = [given_ids] if isinstance(given_ids, str) else given_ids
    core.data.knowledge.check_known(ids)
    tags = ", ".join(f'"{each["tagName"]}"' for each in asked["tagFilters"])
    if tags and len(ids) > 1:
        raise refuse(400, "Tag filters are only supported when searching a single knowledge base")
    if tags:
        first = f"The following tags are not defined in this knowledge base: {tags}."
        raise refuse(400, f"{first} Please define them at the knowledge base level first.")
    hits = core.data.knowledge.search(ids, asked["query"], int(asked["topK"]))
    return success(
        results=[hit.shown() for hit in hits],
        query=asked["query"],
        knowledgeBaseIds=ids,
        topK=asked["topK"],
        totalResults=len(hits),
    )


def _chunking(config: dict[str, Any] | None) -> Chunking | None:
    return None if config is None else Chunking(config["maxSize"], config["minSize"], config["overlap"])


def _record(core: Core, base: KnowledgeBase, what: str, **metadata: object) -> None:
    resource = Resource("knowledge_base", base.id, base.name)
    description = f'{what.title()} knowledge base "{base.name}" via API'
    core.data.audit.record(f"knowledge_base.{what}", resource, description, **metadata)
