"""The digest of the requests and results of VectorVein's newest package, and how ours are compared with it.

``official_wire.json`` holds the requests and the results of version 0.3.91 against the sandbox.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simstudio.sandbox.services.vectorvein import PREFIX, VectorVeinSandbox, VectorVeinServer

DIGEST = Path(__file__).with_name("official_wire.json")


def digest() -> tuple[list[Any], dict[str, Any]]:
    """The requests and the results of the newest package."""
    found = json.loads(DIGEST.read_text(encoding="utf-8"))
    return found["requests"], found["results"]


def new_sandbox() -> VectorVeinSandbox:
    """A sandbox with the workflows of the program, in which time stands still."""
    sandbox = VectorVeinSandbox(polls=0, clock=lambda: 1_700_000_000.0)
    sandbox.workflow("both")(dict)

    @sandbox.workflow("broken")
    def broken(inputs: Any) -> None:
        raise RuntimeError("the database is on fire")

    return sandbox


def requests_of(server: VectorVeinServer) -> list[Any]:
    """The requests that a sandbox received, as method, endpoint and body."""
    return [
        [request.method, request.path.removeprefix(f"{PREFIX}/"), _content(request.body)] for request in server.requests
    ]


def _content(body: bytes) -> Any:
    """A body for comparison. Ours never makes the server wait, and sends no null for what was not given."""
    if not body.startswith(b"{"):
        return None
    content = without_none(json.loads(body))
    content.pop("wait_for_completion", None)
    return content


def without_none(value: Any) -> Any:
    """JSON data without the fields that are null."""
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


def has_all(ours: Any, theirs: Any) -> bool:
    """Whether a result of ours has everything that theirs has."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(name in ours and has_all(ours[name], value) for name, value in theirs.items())
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(has_all, ours, theirs))
    return bool(ours == theirs)
