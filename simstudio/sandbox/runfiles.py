"""Files that a run saves."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from simstudio.sandbox.seeding import new_hex

if TYPE_CHECKING:
    from simstudio.sandbox.pauses import Place


@attrs.frozen
class RunFile:
    """One file of one run.

    Attributes:
        type: its media type.
        saved: epoch seconds.
        content: base64.
    """

    id: str
    run_id: str
    name: str
    type: str
    saved: float
    content: str

    @classmethod
    def create(cls, run_id: str, name: str, data: bytes, media_type: str, now: float) -> RunFile:
        """Make a file with an id like those of Sim."""
        key = f"file_{round(now * 1000)}_{new_hex(4)[:7]}"
        return cls(key, run_id, name, media_type, now, base64.b64encode(data).decode("ascii"))

    @property
    def data(self) -> bytes:
        """The bytes."""
        return base64.b64decode(self.content)

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content) * 3 // 4 - self.content[-2:].count("=")

    def to_output(self, place: Place, workspace_id: str) -> dict[str, object]:
        """The file as it appears in a block's output."""
        key = f"execution/{workspace_id}/{place.workflow_id}/{place.execution_id}/{self.name}"
        return {
            "id": self.id,
            "name": self.name,
            "size": self.size,
            "type": self.type,
            "url": f"{place.base_url}/api/files/serve/{quote(key, safe='')}",
            "key": key,
            "context": "execution",
        }

    def to_log(self, place: Place, workspace_id: str) -> dict[str, object]:
        """The file as ``/api/v1/logs`` lists it."""
        shown = self.to_output(place, workspace_id)
        return {name: shown[name] for name in ("id", "key", "url", "name", "size", "type")}
