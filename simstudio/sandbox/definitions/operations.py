"""Editing a graph by operations: add, edit, delete, put into a loop or parallel, take out of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.blocktypes import BLOCK_TYPES
from simstudio.sandbox.definitions.checking import normalize
from simstudio.sandbox.definitions.graph import State
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.workflow import normalise_name

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RESERVED = frozenset(("loop", "parallel", "variable"))
_BLOCK_KEYS = ("enabled", "errorEnabled", "retry", "triggerMode", "advancedMode")


@attrs.define(eq=False)
class Applied:
    """A graph after some operations.

    Attributes:
        skipped: operations, or parts of operations, that were not carried out.
        minted: the ids of new blocks by the labels the caller gave them.
        errors: values of fields that the type of the block does not have.
    """

    state: State
    applied: int = 0
    skipped: list[dict[str, Any]] = attrs.field(factory=list)
    minted: dict[str, str] = attrs.field(factory=dict)
    errors: list[dict[str, str]] = attrs.field(factory=list)
    warnings: list[str] = attrs.field(factory=list)


class _Skip(Exception):  # noqa: N818 - one operation is left out, the others go on
    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def apply(state: State, operations: Iterable[Mapping[str, Any]], enabling: Iterable[Mapping[str, Any]] = ()) -> Applied:
    """Carry operations out on a copy of a graph, each as far as possible.

    Args:
        state: the graph; not changed.
        operations: in the API's form, ``{"operation_type", "block_id", "params"}``.
        enabling: ``{"block_id", "enabled"}``, after the operations.
    """
    editor = _Editor(Applied(copy.deepcopy(state)))
    for each in operations:
        editor.carry_out(each["operation_type"], each["block_id"], each.get("params") or {})
    for each in enabling:
        editor.carry_out("edit", each["block_id"], {"enabled": each["enabled"]})
    done = editor.done
    done.state, warnings = normalize(done.state)
    done.warnings += warnings
    return done


class _Editor:
    def __init__(self, done: Applied) -> None:
        self.done = done
        self._blocks: dict[str, dict[str, Any]] = done.state["blocks"]

    def carry_out(self, kind: str, label: str, params: Mapping[str, Any]) -> None:
        """Carry out one operation, or record why it is skipped."""
        operations: dict[str, Callable[[str, Mapping[str, Any]], None]] = {
            "add": self._add,
            "edit": self._edit,
            "delete": self._delete,
            "insert_into_subflow": self._insert,
            "extract_from_subflow": self._extract,
        }
        try:
            operations[kind](label, params)
            self.done.applied += 1
        except _Skip as skip:
            skipped = {"type": skip.kind, "operationType": kind, "blockId": label, "reason": str(skip)}
            self.done.skipped.append(skipped)

    def _add(self, label: str, params: Mapping[str, Any]) -> None:
        kind, name = params["type"], params["name"]
        known = BLOCK_TYPES.get(kind)
        if known is None:
            raise _Skip("invalid_block_type", f"unknown block type {kind!r}")
        self._check_name(name)
        if known.is_trigger and any(block["type"] == kind for block in self._blocks.values()):
            raise _Skip("duplicate_trigger", f"the workflow has a block of type {kind!r} already")
        block_id = label if _UUID.fullmatch(label) and label not in self._blocks else str(new_uuid())
        if block_id != label:
            self.done.minted[label] = block_id
        values: dict[str, Any] = {each.id: None for each in known.sub_blocks}
        self._blocks[block_id] = graph.block(block_id, kind, name, values, column=len(self._blocks))
        self._set(self._blocks[block_id], params)
        self._connect(block_id, params.get("connections"), "add", label)

    def _edit(self, label: str, params: Mapping[str, Any]) -> None:
        block = self._block(label)
        if "name" in params and params["name"] != block["name"]:
            self._check_name(params["name"])
            block["name"] = params["name"]
        self._set(block, params)
        if "connections" in params:
            edges = self.done.state["edges"]
            self.done.state["edges"] = [each for each in edges if each["source"] != block["id"]]
            self._connect(block["id"], params["connections"], "edit", label)

    def _delete(self, label: str, params: Mapping[str, Any]) -> None:
        del params
        block_id = self._block(label)["id"]
        inside = [key for key, block in self._blocks.items() if (block.get("data") or {}).get("parentId") == block_id]
        for doomed in (block_id, *inside):
            del self._blocks[doomed]
        edges = self.done.state["edges"]
        self.done.state["edges"] = [
            each for each in edges if each["source"] in self._blocks and each["target"] in self._blocks
        ]

    def _insert(self, label: str, params: Mapping[str, Any]) -> None:
        parent = self._container(params["subflowId"])
        if self._id(label) not in self._blocks:
            self._add(label, params)
        block = self._block(label)
        if block["type"] in ("loop", "parallel"):
            raise _Skip("nested_subflow_not_allowed", "a loop or parallel cannot be inside another")
        self._set(block, params)
        block["data"] = {**(block.get("data") or {}), "parentId": parent["id"], "extent": "parent"}

    def _extract(self, label: str, params: Mapping[str, Any]) -> None:
        parent, block = self._container(params["subflowId"]), self._block(label)
        data: dict[str, Any] = block.get("data") or {}
        if data.get("parentId") != parent["id"]:
            raise _Skip("invalid_subflow_parent", "the block is not in that loop or parallel")
        block["data"] = {key: item for key, item in data.items() if key not in ("parentId", "extent")}

    def _container(self, label: str) -> dict[str, Any]:
        found = self._blocks.get(self._id(label))
        if found is None or found["type"] not in ("loop", "parallel"):
            raise _Skip("invalid_subflow_parent", f"{label!r} is no loop or parallel")
        return found

    def _id(self, label: str) -> str:
        return self.done.minted.get(label, label)

    def _block(self, label: str) -> dict[str, Any]:
        found = self._blocks.get(self._id(label))
        if found is None:
            raise _Skip("block_not_found", f"there is no block {label!r}")
        if found.get("locked"):
            raise _Skip("block_locked", f"the block {label!r} is locked")
        return found

    def _check_name(self, name: str) -> None:
        wanted = normalise_name(name)
        if not wanted or wanted in _RESERVED:
            raise _Skip("reserved_block_name", f"{name!r} cannot be a block's name")
        if any(normalise_name(block["name"]) == wanted for block in self._blocks.values()):
            raise _Skip("duplicate_block_name", f"there is a block named {name!r} already")

    def _set(self, block: dict[str, Any], params: Mapping[str, Any]) -> None:
        known = BLOCK_TYPES.get(block["type"])
        fields = {*block["subBlocks"], *(() if known is None else (each.id for each in known.sub_blocks))}
        for key, value in (params.get("inputs") or {}).items():
            if known is not None and key not in fields:
                error = {"blockId": block["id"], "blockType": block["type"], "field": key, "error": "unknown field"}
                self.done.errors.append(error)
                continue
            sub_block = block["subBlocks"].get(key) or {"id": key, "type": "short-input"}
            block["subBlocks"][key] = {**sub_block, "value": value}
        for key in _BLOCK_KEYS:
            if key in params:
                block[key] = params[key]

    def _connect(self, source: str, connections: object, kind: str, label: str) -> None:
        """``{handle: target}``, where a target is a block, ``{"block", "handle"}``, or a list of either."""
        if not isinstance(connections, Mapping):
            return
        for handle, targets in connections.items():
            for target in targets if isinstance(targets, list) else [targets]:
                name = target.get("block") if isinstance(target, Mapping) else target
                target_id = self._id(name) if isinstance(name, str) else None
                if target_id is None or target_id not in self._blocks:
                    skipped = {"type": "invalid_edge_target", "operationType": kind, "blockId": label}
                    self.done.skipped.append({**skipped, "reason": f"there is no block {name!r} to connect to"})
                    continue
                self.done.state["edges"].append(graph.edge(source, target_id, handle))
