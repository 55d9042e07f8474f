"""Tags of knowledge bases."""

from __future__ import annotations

from simstudio.resources.v2.knowledge_tags import KnowledgeTags
from simstudio.sandbox.checks import ListOf, Optional, Shape, Text
from simstudio.sandbox.data.tags import ALL_SLOTS, SLOTS, Tag
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.signatures import one_of
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.knowledge import IN_QUERY, base_of

_NAME = Text(least=(1, "displayName is required"), most=(100, "displayName cannot exceed 100 characters"))
_TYPE = one_of("fieldType", *SLOTS)
_SLOT = one_of("tagSlot", *ALL_SLOTS)
_DEFINITION = Shape(
    {"tagSlot": _SLOT, "displayName": _NAME, "fieldType": _TYPE, "originalDisplayName": Optional(_NAME)}, "refuse"
)


@V2().serves(KnowledgeTags.list, own={"workspaceId": IN_QUERY})
def list_tags(call: Call) -> Reply:
    """All tags of a knowledge base, by slot."""
    return listing(tag.to_dict() for tag in base_of(call, call.query["workspaceId"]).tags.all())


@V2().serves(
    KnowledgeTags.create,
    {"fieldType": "text"},
    own={"displayName": _NAME, "fieldType": _TYPE, "tagSlot": _SLOT},
)
def create_tag(call: Call) -> Reply:
    """Define a tag."""
    body = call.body
    tags = base_of(call, body["workspaceId"]).tags
    return data(tags.create(body["displayName"], body["fieldType"], body.get("tagSlot")).to_dict(), 201)


@V2().serves(
    KnowledgeTags.bulk_save,
    own={
        "definitions": ListOf(
            item=_DEFINITION,
            least=(1, "definitions must contain at least one tag definition"),
            most=(len(ALL_SLOTS), f"definitions cannot contain more than {len(ALL_SLOTS)} tag definitions"),
        )
    },
)
def bulk_save(call: Call) -> Reply:
    """Create or change several tags; valid ones are saved even if others are refused."""
    created, updated, errors = base_of(call, call.body["workspaceId"]).tags.save(call.body["definitions"])
    return data(
        {
            "created": [tag.to_dict() for tag in created],
            "updated": [tag.to_dict() for tag in updated],
            "errors": errors,
        }
    )


@V2().serves(KnowledgeTags.update, own={"displayName": _NAME, "fieldType": _TYPE})
def update_tag(call: Call) -> Reply:
    """Rename a tag."""
    body = call.body
    if len(body) == 1:
        raise invalid_value("displayName", "At least one of displayName or fieldType is required")
    tags = base_of(call, body["workspaceId"]).tags
    tag = tags.get(call.path["tagId"])
    tags.update(tag, body.get("displayName"), body.get("fieldType"))
    return data(tag.to_dict())


@V2().serves(KnowledgeTags.delete)
def delete_tag(call: Call) -> Reply:
    """Delete a tag, and its values in all documents."""
    base = base_of(call, call.query["workspaceId"])
    tag = base.tags.get(call.path["tagId"])
    base.remove_tag(tag)
    return data({"id": tag.id, "tagSlot": tag.slot, "displayName": tag.name, "deleted": True})


@V2().serves(KnowledgeTags.bulk_delete)
def bulk_delete(call: Call) -> Reply:
    """Delete the tags of which no document has a value, or all tags."""
    base, unused = base_of(call, call.query["workspaceId"]), call.query.get("unused", True)
    doomed = [tag for tag in base.tags.all() if not (unused and _usage(call, tag)["documentCount"])]
    for tag in doomed:
        base.remove_tag(tag)
    return data({"unused": unused, "count": len(doomed)})


@V2().serves(KnowledgeTags.next_slot, own={"fieldType": _TYPE})
def next_slot(call: Call) -> Reply:
    """The slot that a new tag of a type would get."""
    kind, tags = call.query["fieldType"], base_of(call, call.query["workspaceId"]).tags
    used, total = tags.list_used_slots(kind), len(SLOTS[kind])
    return data(
        {
            "nextAvailableSlot": tags.next_slot(kind),
            "fieldType": kind,
            "usedSlots": used,
            "totalSlots": total,
            "availableSlots": total - len(used),
        }
    )


@V2().serves(KnowledgeTags.usage)
def usage(call: Call) -> Reply:
    """All tags, with the numbers of documents and chunks that have a value."""
    base = base_of(call, call.query["workspaceId"])
    return listing({**tag.to_dict(), **_usage(call, tag)} for tag in base.tags.all())


def _usage(call: Call, tag: Tag) -> dict[str, int]:
    documents = [each for each in base_of(call, call.query["workspaceId"]).list_included() if tag.slot in each.tags]
    return {"documentCount": len(documents), "chunkCount": sum(len(document.chunks) for document in documents)}
