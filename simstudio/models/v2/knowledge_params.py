"""Parameters of operations on knowledge bases: typed dicts with the wire names, which editors complete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from typing import TypeAlias

TagType: TypeAlias = Literal["text", "number", "date", "boolean"]
"""The types of tags."""

TagSlot: TypeAlias = Literal[
    "tag1", "tag2", "tag3", "tag4", "tag5", "tag6", "tag7", "number1", "number2", "number3", "number4", "number5",
    "date1", "date2", "boolean1", "boolean2", "boolean3",
]  # fmt: skip
"""The slots in which documents keep the values of tags: seven for text (``tag1`` …), and those of the other types."""


class ChunkingOptions(TypedDict, total=False):
    """Settings of a chunking strategy; ``pattern`` and ``strictBoundaries`` are for ``regex`` only."""

    pattern: str
    separators: Sequence[str]
    recipe: Literal["plain", "markdown", "code"]
    strictBoundaries: bool


class Chunking(TypedDict, total=False):
    """Sizes of the chunks into which documents are split; the server's default for a key that is left out.

    ``maxSize`` is 100 to 4,000 tokens (default 1,024), ``minSize`` 1 to 2,000 characters (100), ``overlap`` 0 to 500
    characters (200).
    """

    maxSize: int
    minSize: int
    overlap: int
    strategy: Literal["auto", "text", "regex", "recursive", "sentence", "token"]
    strategyOptions: ChunkingOptions


class _TagFilter(TypedDict):
    tagName: str
    value: str | float | bool


class TagFilter(_TagFilter, total=False):
    """A condition on a tag of documents; ``tagName`` is its display name.

    The default operator is ``eq``. Text has the other operators ``neq``, ``contains``, ``not_contains``,
    ``starts_with`` and ``ends_with``; numbers and dates have ``neq``, ``gt``, ``gte``, ``lt``, ``lte`` and ``between``,
    which needs ``valueTo``; booleans have ``neq``.
    """

    fieldType: TagType
    operator: Literal[
        "eq", "neq", "gt", "gte", "lt", "lte", "between", "contains", "not_contains", "starts_with", "ends_with"
    ]
    valueTo: str | float


class _SavedTag(TypedDict):
    tagSlot: TagSlot
    displayName: str
    fieldType: TagType


class SavedTag(_SavedTag, total=False):
    """A tag to create, or, with ``originalDisplayName``, to change. The slot must fit the type."""

    originalDisplayName: str


class ProcessingOptions(TypedDict, total=False):
    """Options of the processing of a document; ``lang`` is its language, such as ``en``."""

    recipe: Literal["default", "plain", "markdown", "code"]
    lang: str
