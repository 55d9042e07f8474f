"""Resources that a graph refers to: credentials, knowledge bases, tables, other workflows, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import attrs

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.graph import State

_KINDS = {
    "oauth-input": "credential",
    "knowledge-base-selector": "knowledge-base",
    "document-selector": "knowledge-document",
    "table-selector": "table",
    "workflow-selector": "workflow",
    "mcp-server-selector": "mcp-server",
    "file-upload": "file",
    "folder-selector": "file-folder",
}
_SECRET = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


@attrs.frozen
class Reference:
    """One reference, at one place of a graph."""

    kind: str
    source_id: str
    block_id: str
    key: str
    encoding: Literal["scalar", "environment"]
    required: bool = True

    def occurrence(self) -> dict[str, Any]:
        """The place of the reference, as the API shows it."""
        return {"blockId": self.block_id, "subBlockKey": self.key, "valuePath": [], "encoding": self.encoding}


def references(graph: State) -> Iterator[Reference]:
    """Every reference of a graph, block by block."""
    for block in graph["blocks"].values():
        for key, sub_block in block.get("subBlocks", {}).items():
            value = sub_block.get("value")
            kind = _KINDS.get(sub_block.get("type", ""))
            if not isinstance(value, str) or not value:
                continue
            if kind is not None:
                yield Reference(kind, value, block["id"], key, "scalar")
                continue
            for name in _SECRET.findall(value):
                yield Reference("env-var", name, block["id"], key, "environment")


def manifest(graph: State) -> dict[str, Any]:
    """The references of a graph: one entry for each resource, with the places that name it."""
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    for each in references(graph):
        empty = {"kind": each.kind, "sourceId": each.source_id, "required": each.required, "occurrences": []}
        listed.setdefault((each.kind, each.source_id), empty)["occurrences"].append(each.occurrence())
    return {"version": 1, "references": list(listed.values())}


def rebind(value: str, reference: Reference, target: str | None) -> str | None:
    """The value of a sub-block with a reference replaced; None clears it."""
    if reference.encoding == "scalar":
        return target
    replacement = "" if target is None else f"{{{{{target}}}}}"
    same = re.compile(rf"\{{\{{\s*{re.escape(reference.source_id)}\s*\}}\}}")
    return same.sub(lambda _: replacement, value)
