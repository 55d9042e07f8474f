"""The recordings that no method plays: ``client.request`` reaches them.

They are found by their path, and what must become of each follows from its status alone, see `rules`.
"""

from __future__ import annotations

import re
from typing import Any

from tests.integration import pauses, v1_data, v1_reading
from tests.integration.executions import Key
from tests.integration.replaying import V04, V06
from tests.recorded import Recording, recordings

ROUTES = {
    "the versioned REST surface": r"/api/v1/.*",
    "human in the loop": r"/api/workflows/[^/]+/paused.*|/api/resume/.*",
    "files of executions": r"/api/files/serve/.*",
}
"""Routes of which some recordings cannot be said by a method."""


def found() -> dict[Key, Recording]:
    """The recordings of these routes."""
    anything = re.compile("|".join(ROUTES.values()))
    typed = {*v1_data.TYPED, *v1_reading.TYPED, *pauses.TYPED}
    return {
        (name, recorded.number): recorded
        for name in (V06, V04)
        for recorded in recordings(name)
        if anything.fullmatch(recorded.path) and (name, recorded.number) not in typed
    }


def is_json(recorded: Recording) -> bool:
    """Whether ``client.request(json=…)`` can say the recorded body (or there is none)."""
    kinds = [value for name, value in recorded.request_headers.items() if name.lower() == "content-type"]
    return not recorded.request_body or (kinds == ["application/json"] and recorded.name.find("invalid-json") < 0)


def arguments(recorded: Recording) -> dict[str, Any]:
    """The query as ``params=``."""
    return {"params": recorded.query} if recorded.query else {}
