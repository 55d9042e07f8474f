"""Tags of knowledge bases: definitions, slots and filters.

A definition gives a display name to one of a document's 17 slots, which keep the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_uuid

SLOTS: Mapping[str, tuple[str, ...]] = {
    "text": tuple(f"tag{number}" for number in range(1, 8)),
    "number": tuple(f"number{number}" for number in range(1, 6)),
    "date": ("date1", "date2"),
    "boolean": ("boolean1", "boolean2", "boolean3"),
}
"""Slots by type of tag."""

ALL_SLOTS = tuple(slot for slots in SLOTS.values() for slot in slots)

Values = Mapping[str, Any]
"""Values of a document's tags by slot."""


@attrs.define
class Tag:
    """The definition of a tag."""

    id: str
    name: str
    slot: str
    kind: str

    def to_dict(self) -> dict[str, object]:
        """The definition as the API shows it."""
        return {"id": self.id, "displayName": self.name, "tagSlot": self.slot, "fieldType": self.kind}


class Tags:
    """The tags of one knowledge base."""

    def __init__(self) -> None:
        self._tags: dict[str, Tag] = {}

    def all(self) -> list[Tag]:
        """The definitions, by slot."""
        return sorted(self._tags.values(), key=lambda tag: tag.slot)

    def get(self, tag_id: str) -> Tag:
        """Return one definition.

        Raises:
            Refusal: 404.
        """
        tag = self._tags.get(tag_id)
        if tag is None:
            raise Refusal(404, "Tag definition not found")
        return tag

    def find_by_name(self, name: str) -> Tag | None:
        """The definition with a display name."""
        return next((tag for tag in self._tags.values() if tag.name == name), None)

    def list_used_slots(self, kind: str) -> list[str]:
        """The slots of a type that have a definition."""
        taken = {tag.slot for tag in self._tags.values()}
        return [slot for slot in SLOTS[kind] if slot in taken]

    def next_slot(self, kind: str) -> str | None:
        """The first free slot of a type; None if none is free."""
        used = self.list_used_slots(kind)
        return next((slot for slot in SLOTS[kind] if slot not in used), None)

    def create(self, name: str, kind: str, slot: str | None) -> Tag:
        """Define a tag.

        Raises:
            Refusal: 409, name or slot is taken; 400, the slot does not fit the type, or no slot is free.
        """
        if slot is not None and slot not in SLOTS[kind]:
            raise Refusal(400, f'Tag slot "{slot}" is not valid for field type "{kind}"')
        if self.find_by_name(name) is not None:
            raise Refusal(409, "A tag with that name already exists in this knowledge base")
        if slot in self.list_used_slots(kind):
            raise Refusal(409, f'Tag slot "{slot}" is already in use')
        slot = slot or self.next_slot(kind)
        if slot is None:
            raise Refusal(400, f'No available slots for field type "{kind}"')
        return self._add(name, kind, slot)

    def update(self, tag: Tag, name: str | None, kind: str | None) -> None:
        """Rename a tag.

        Raises:
            Refusal: 409, the name is taken; 400, the type does not fit the slot.
        """
        if kind is not None and tag.slot not in SLOTS[kind]:
            raise Refusal(
                400,
                f'Tag slot "{tag.slot}" is not valid for field type "{kind}"; a tag\'s slot cannot change, so create a '
                "new tag of that type instead",
            )
        if name is not None and self.find_by_name(name) not in (None, tag):
            raise Refusal(409, "A tag with that name already exists in this knowledge base")
        tag.name, tag.kind = name or tag.name, kind or tag.kind

    def save(self, definitions: Sequence[Mapping[str, Any]]) -> tuple[list[Tag], list[Tag], list[str]]:
        """Create or change several tags; whether type and slot fit is not checked.

        Returns:
            The tags that were created, those that were changed, and an error for each that was neither.
        """
        created: list[Tag] = []
        updated: list[Tag] = []
        errors: list[str] = []
        for given in definitions:
            name, kind = given["displayName"], given["fieldType"]
            tag = self.find_by_name(given.get("originalDisplayName", ""))
            if self.find_by_name(name) not in (None, tag):
                errors.append(f'Display name "{name}" already exists')
            elif tag is not None:
                tag.name, tag.kind = name, kind
                updated.append(tag)
            else:
                is_free = given["tagSlot"] not in {each.slot for each in self._tags.values()}
                slot = given["tagSlot"] if is_free else self.next_slot(kind)
                if slot is None:
                    errors.append(f'No available slots for field type "{kind}"')
                else:
                    created.append(self._add(name, kind, slot))
        return created, updated, errors

    def remove(self, tag: Tag) -> None:
        """Delete a definition."""
        del self._tags[tag.id]

    def name_values(self, values: Values) -> dict[str, object]:
        """Values by display name; a slot without a definition stands for itself."""
        names = {tag.slot: tag.name for tag in self._tags.values()}
        return {names.get(slot, slot): values[slot] for slot in ALL_SLOTS if slot in values}

    def filter(self, filters: Sequence[Mapping[str, Any]]) -> Callable[[Values], bool]:
        """Return a function that says whether values meet all of some filters.

        Raises:
            Refusal: 400, a tag is not defined.
        """
        tags = {given["tagName"]: self.find_by_name(given["tagName"]) for given in filters}
        unknown = ", ".join(f'"{name}"' for name, tag in tags.items() if tag is None)
        if unknown:
            raise Refusal(
                400,
                f"The following tags are not defined in this knowledge base: {unknown}. Please define them at the "
                "knowledge base level first.",
            )
        conditions = [(tag.slot, given) for given in filters if (tag := tags[given["tagName"]]) is not None]
        return lambda values: all(slot in values and _meets(values[slot], given) for slot, given in conditions)

    def _add(self, name: str, kind: str, slot: str) -> Tag:
        tag = Tag(str(new_uuid()), name, slot, kind)
        self._tags[tag.id] = tag
        return tag


_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda value, part: part in value,
    "not_contains": lambda value, part: part not in value,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, other: value > other,
    "gte": lambda value, other: value >= other,
    "lt": lambda value, other: value < other,
    "lte": lambda value, other: value <= other,
}


def _meets(value: Any, given: Mapping[str, Any]) -> bool:
    """Whether a value meets a condition; texts are compared without regard to case, dates by their day."""
    operator = given.get("operator", "eq")
    left, right = _comparable(value), _comparable(given.get("value"))
    if operator in _TEXTS:
        return _TEXTS[operator](str(left), str(right))
    if operator in ("eq", "neq"):
        return (left == right) is (operator == "eq")
    if type(left) is not type(right):
        return False
    if operator == "between":
        last = _comparable(given.get("valueTo"))
        return type(left) is type(last) and bool(left >= right and left <= last)
    return _ORDERS[operator](left, right)


def _comparable(value: Any) -> Any:
    if isinstance(value, str):
        return value.removesuffix("T00:00:00.000Z").lower()
    return value if isinstance(value, bool) or not isinstance(value, int) else float(value)
