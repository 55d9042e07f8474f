"""Views of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from simstudio.sandbox.ids import OWNER
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso


@attrs.define(eq=False)
class View:
    """A view of a table. Times are epoch seconds."""

    name: str
    config: dict[str, Any]
    created: float
    updated: float
    is_default: bool = False
    id: str = attrs.field(factory=lambda: str(new_uuid()))

    def to_dict(self, table_id: str) -> dict[str, object]:
        """The view as the API shows it."""
        return {
            "id": self.id,
            "tableId": table_id,
            "name": self.name,
            "config": self.config,
            "isDefault": self.is_default,
            "createdByEmail": OWNER,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }


def without_nulls(config: Mapping[str, Any]) -> dict[str, Any]:
    """A view's settings, in which null is a setting that is not there."""
    return {name: value for name, value in config.items() if value is not None}
