"""Validation of graphs: normalising before a graph is stored, and lint results."""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping
from typing import Any

from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.blocktypes import BLOCK_TYPES
from simstudio.sandbox.definitions.graph import State
from simstudio.sandbox.http import Refusal

MOST_BLOCKS = 2000
MOST_EDGES = 10_000


def normalize(state: State) -> tuple[State, list[str]]:
    """Normalise a graph for storing: drop loose edges, recompute loops and parallels; return it and the changes.

    Raises:
        Refusal: the graph is too large, or the key of a block differs from its id.
    """
    tidy = copy.deepcopy(state)
    blocks: dict[str, dict[str, Any]] = tidy["blocks"]
    if len(blocks) > MOST_BLOCKS or len(tidy["edges"]) > MOST_EDGES:
        raise Refusal(400, f"A workflow has at most {MOST_BLOCKS} blocks and {MOST_EDGES} edges")
    odd = [key for key, block in blocks.items() if block["id"] != key]
    if odd:
        raise Refusal(400, f"Block {odd[0]!r} has another id than its key")
    kept = [each for each in tidy["edges"] if each["source"] in blocks and each["target"] in blocks]
    dropped = [each for each in tidy["edges"] if each not in kept]
    tidy["edges"] = kept
    tidy["loops"] = {key: _loop(key, block, blocks) for key, block in blocks.items() if block["type"] == "loop"}
    tidy["parallels"] = {
        key: _parallel(key, block, blocks) for key, block in blocks.items() if block["type"] == "parallel"
    }
    tidy.setdefault("variables", {})
    return tidy, [f"Dropped edge {each['id']}: it connects a block that does not exist" for each in dropped]


def check_edges(state: State) -> None:
    """Raise if an edge begins or ends at a block that is not there.

    Raises:
        Refusal: 400; the message lists all such ends.
    """
    missing = [
        f"Edge references non-existent {end} block '{edge[end]}'"
        for edge in state["edges"]
        for end in ("source", "target")
        if edge[end] not in state["blocks"]
    ]
    if missing:
        raise Refusal(400, f"Invalid workflow state: {'; '.join(missing)}")


def _children(key: str, blocks: Mapping[str, dict[str, Any]]) -> list[str]:
    return [name for name, block in blocks.items() if (block.get("data") or {}).get("parentId") == key]


def _loop(key: str, block: dict[str, Any], blocks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    data = block.get("data") or {}
    loop = {
        "id": key,
        "nodes": _children(key, blocks),
        "iterations": data.get("count", 5),
        "loopType": data.get("loopType", "for"),
        "enabled": block.get("enabled", True),
    }
    told = {"forEachItems": "collection", "whileCondition": "whileCondition", "doWhileCondition": "doWhileCondition"}
    return {**loop, **{name: data[source] for name, source in told.items() if data.get(source) is not None}}


def _parallel(key: str, block: dict[str, Any], blocks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    data = block.get("data") or {}
    parallel = {
        "id": key,
        "nodes": _children(key, blocks),
        "count": data.get("count", 5),
        "parallelType": data.get("parallelType", "count"),
        "enabled": block.get("enabled", True),
    }
    return {**parallel, **({"distribution": data["collection"]} if data.get("collection") is not None else {})}


def lint(state: State, functions: Container[str]) -> dict[str, Any]:
    """Lint results of a graph; none prevents storing or deploying it.

    Args:
        state: the graph.
        functions: the names of the registered functions.
    """
    blocks: dict[str, dict[str, Any]] = state["blocks"]
    sources = {each["source"] for each in state["edges"]}
    targets = {each["target"] for each in state["edges"]}
    triggers = {key for key, block in blocks.items() if _is_trigger(block)}
    return {
        "sources": [_describe_block(block) for key, block in blocks.items() if key not in targets],
        "sinks": [_describe_block(block) for key, block in blocks.items() if key not in sources],
        "orphanBlocks": [_describe_block(block) for key, block in blocks.items() if key not in targets | triggers],
        "emptyOutgoingPorts": [],
        "invalidBranchPorts": [],
        "invalidConnectionTargets": [
            _bad_target(each, blocks) for each in state["edges"] if each["target"] in triggers
        ],
        "fieldIssues": [issue for block in blocks.values() for issue in _missing_fields(block)],
        "unresolvedReferences": [
            {
                **_describe_block(block),
                "field": graph.FUNCTION,
                "value": name,
                "kind": "resource",
                "reason": "not registered",
            }
            for block in blocks.values()
            for name in [graph.value(block, graph.FUNCTION)]
            if block["type"] == graph.FUNCTION and isinstance(name, str) and name and name not in functions
        ],
        "tableFieldIssues": [],
        "notes": [],
    }


def _is_trigger(block: Mapping[str, Any]) -> bool:
    known = BLOCK_TYPES.get(block["type"])
    return bool(block.get("triggerMode")) or (known is not None and known.is_trigger)


def _describe_block(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"blockId": block["id"], "blockName": block["name"], "blockType": block["type"]}


def _bad_target(each: Mapping[str, Any], blocks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    source = blocks[each["source"]]
    return {
        "sourceBlockId": source["id"],
        "sourceBlockName": source["name"],
        "sourceHandle": each.get("sourceHandle"),
        "targetBlockId": each["target"],
        "reason": "a trigger takes no incoming connection",
    }


def _missing_fields(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = BLOCK_TYPES.get(block["type"])
    wanted = () if known is None else known.sub_blocks
    missing = [each.id for each in wanted if each.required and graph.value(block, each.id) in (None, "")]
    return [{**_describe_block(block), "missingRequiredFields": missing, "inactiveModeValues": []}] if missing else []
