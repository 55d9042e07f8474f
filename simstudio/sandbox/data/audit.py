"""The audit log: who did what to which resource."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import attrs

from simstudio.sandbox.data.values import order_object_keys
from simstudio.sandbox.ids import OWNER
from simstudio.sandbox.seeding import new_token
from simstudio.sandbox.times import iso

_MOST = 10_000


@attrs.frozen
class Resource:
    """The resource of an action."""

    kind: str
    id: str
    name: str


@attrs.frozen
class Entry:
    """One action. Times are epoch seconds."""

    id: str
    created: float
    action: str
    resource: Resource
    description: str
    metadata: Mapping[str, object]

    @property
    def position(self) -> tuple[str, str]:
        """Position in the log, newest first, which a cursor holds."""
        return iso(self.created), self.id

    def to_dict(self, workspace_id: str, actor_id: str) -> dict[str, object]:
        """The entry as the API shows it."""
        return {
            "id": self.id,
            "workspaceId": workspace_id,
            "actorId": actor_id,
            "actorName": "Sandbox",
            "actorEmail": OWNER,
            "action": self.action,
            "resourceType": self.resource.kind,
            "resourceId": self.resource.id,
            "resourceName": self.resource.name,
            "description": self.description,
            "metadata": order_object_keys(self.metadata),
            "createdAt": iso(self.created),
        }


class AuditLog:
    """The newest 10 000 entries."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._numbers = itertools.count()

    def record(self, action: str, resource: Resource, description: str, **metadata: object) -> None:
        """Add an entry.

        Args:
            action: name of the action, such as ``table.created``.
            description: the action as a sentence.
            **metadata: further facts, as JSON values.
        """
        entry_id = f"{next(self._numbers):07x}{new_token(12)[:14]}"  # of two in one millisecond, the later is larger
        entry = Entry(entry_id, self._clock(), action, resource, description, metadata)
        self._entries[entry.id] = entry
        if len(self._entries) > _MOST:
            del self._entries[next(iter(self._entries))]

    def get(self, entry_id: str) -> Entry | None:
        """One entry."""
        return self._entries.get(entry_id)

    def list_newest_first(self) -> list[Entry]:
        """All entries, newest first."""
        return sorted(self._entries.values(), key=lambda entry: entry.position, reverse=True)
