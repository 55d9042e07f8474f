"""Tags of knowledge bases: each has a name, a type, and a slot in which documents keep its values."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class TagDefinition(Model):
    """A tag of a knowledge base.

    Attributes:
        display_name: Name in filters and in the tags of documents.
        tag_slot: Name for updates of documents: ``tag1`` to ``tag7``, ``number1`` to ``number5``, ``date1``, ``date2``
            or ``boolean1`` to ``boolean3``.
        field_type: ``text``, ``number``, ``date`` or ``boolean``.
    """

    id: str
    display_name: str
    tag_slot: str
    field_type: str


@model
class TagUsage(TagDefinition):
    """Numbers of documents and chunks that have a value of a tag."""

    document_count: int
    chunk_count: int


@model
class NextTagSlot(Model):
    """The slots of a type.

    Attributes:
        field_type: ``text``, ``number``, ``date`` or ``boolean``.
        next_available_slot: Slot of the next tag; None if all are used.
    """

    field_type: str
    used_slots: list[str]
    total_slots: int
    available_slots: int
    next_available_slot: str | None = None


@model
class SavedTags(Model):
    """The outcome of a bulk save of tags.

    Attributes:
        errors: Texts of the server for definitions that were not saved.
    """

    created: list[TagDefinition]
    updated: list[TagDefinition]
    errors: list[str]


@model
class DeletedTag(Model):
    """The response to the deletion of a tag.

    Attributes:
        tag_slot: Slot that is free again; its values are deleted.
        deleted: True.
    """

    id: str
    tag_slot: str
    display_name: str
    deleted: bool


@model
class DeletedTags(Model):
    """The response to the deletion of several tags.

    Attributes:
        unused: Whether only tags without values were deleted.
    """

    unused: bool
    count: int
