"""Differences between two graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.sandbox.definitions import graph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.definitions.graph import State


def compare_graphs(base: State, target: State) -> dict[str, Any]:
    """The differences between two graphs; positions of blocks are ignored."""
    before, after = graph.meaning(base), graph.meaning(target)
    old, new = before["blocks"], after["blocks"]
    added = [_describe_block(block) for key, block in new.items() if key not in old]
    removed = [_describe_block(block) for key, block in old.items() if key not in new]
    modified = [
        {**_describe_block(block), "changes": _changes(old[key], block)}
        for key, block in new.items()
        if key in old and old[key] != block
    ]
    gained = [each for each in after["edges"] if each not in before["edges"]]
    lost = [each for each in before["edges"] if each not in after["edges"]]
    return {
        "addedBlocks": added,
        "removedBlocks": removed,
        "modifiedBlocks": modified,
        "edgeChanges": {
            "added": len(gained),
            "removed": len(lost),
            "addedDetails": [_connection(each) for each in gained],
            "removedDetails": [_connection(each) for each in lost],
        },
        "loopChanges": _count_changes(before["loops"], after["loops"]),
        "parallelChanges": _count_changes(before["parallels"], after["parallels"]),
        "containerChanges": [],
        "variableChanges": _count_changes(before["variables"], after["variables"]),
        "hasChanges": before != after,
    }


def _describe_block(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": block["id"], "type": block["type"], "name": block["name"]}


def _connection(each: tuple[str, str, str, str]) -> dict[str, str]:
    source, source_handle, target, target_handle = each
    return {"source": source, "sourceHandle": source_handle, "target": target, "targetHandle": target_handle}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    plain = sorted((old.keys() | new.keys()) - {"subBlocks"})
    changes = [_change(key, old.get(key), new.get(key)) for key in plain if old.get(key) != new.get(key)]
    before, after = old.get("subBlocks", {}), new.get("subBlocks", {})
    for key in sorted(before.keys() | after.keys()):
        values = [side.get(key, {}).get("value") for side in (before, after)]
        if values[0] != values[1]:
            changes.append(_change(key, *values))
    return changes


def _change(field: str, old: object, new: object) -> dict[str, Any]:
    return {"field": field, "oldValue": old, "newValue": new}


def _count_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, int]:
    return {
        "added": len(after.keys() - before.keys()),
        "removed": len(before.keys() - after.keys()),
        "modified": sum(before[key] != after[key] for key in before.keys() & after.keys()),
    }
