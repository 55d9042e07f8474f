"""The differences of two workflows, block by block, as lines to read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

from simstudio.workflow_files.document import Document, connection

Json = Any
Kind = Literal["added", "removed", "changed"]

_LONGEST = 60


@attrs.frozen
class Difference:
    """One difference.

    Attributes:
        kind: Kind of the difference.
        subject: The part that differs: ``block Agent 1``, ``edge Start → Agent 1``, ``variable model``.
        lines: The change; in a text of several lines, the lines that are removed and added.
    """

    kind: Kind
    subject: str
    lines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """The difference as JSON data."""
        return {"kind": self.kind, "subject": self.subject, "lines": list(self.lines)}


def compare(before: Document, after: Document) -> list[Difference]:
    """The changes from one document to another; both have the ids of the same workflow."""
    found = [
        Difference("changed", name, (_arrow(before[name], after[name]),))
        for name in ("name", "description", "folder")
        if before[name] != after[name]
    ]
    old, new = _by_id(before), _by_id(after)
    for key in dict.fromkeys([*old, *new]):
        if key not in new:
            found.append(Difference("removed", _block(old[key])))
        elif key not in old:
            found.append(Difference("added", _block(new[key]), (f"type: {new[key]['type']}",)))
        elif old[key] != new[key]:
            found.append(Difference("changed", _block(new[key]), tuple(_changes(old[key], new[key]))))
    found += _edges(before, after)
    return found + _variables(before, after)


def _by_id(document: Document) -> dict[str, Mapping[str, Json]]:
    return {each["id"]: each for each in document["blocks"]}


def _block(block: Mapping[str, Json]) -> str:
    return f"block {block.get('name')}"


def _edges(before: Document, after: Document) -> list[Difference]:
    names = {key: str(each.get("name")) for key, each in {**_by_id(before), **_by_id(after)}.items()}

    def subject(edge: Mapping[str, Json]) -> str:
        source, port, target, _ = connection(edge)
        via = "" if port == "source" else f" ({port})"
        return f"edge {names.get(source, source)}{via} → {names.get(target, target)}"

    removed = [each for each in before["edges"] if each not in after["edges"]]
    added = [each for each in after["edges"] if each not in before["edges"]]
    return [
        *(Difference("removed", subject(each)) for each in removed),
        *(Difference("added", subject(each)) for each in added),
    ]


def _variables(before: Document, after: Document) -> list[Difference]:
    old = {each["name"]: each for each in before["variables"]}
    new = {each["name"]: each for each in after["variables"]}
    found = []
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            found.append(Difference("removed", f"variable {name}"))
        elif name not in old:
            found.append(Difference("added", f"variable {name}", (_short(new[name].get("value")),)))
        elif old[name] != new[name]:
            found.append(Difference("changed", f"variable {name}", tuple(_changes(old[name], new[name]))))
    if not found and before["variables"] != after["variables"]:
        found.append(Difference("changed", "variables", ("several have the same name",)))
    return found


def _changes(old: Json, new: Json, path: str = "") -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if old.get(key, ...) != new.get(key, ...):
                yield from _changes(old.get(key, ...), new.get(key, ...), _step(path, key))
    elif isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        yield f"{path}:"
        lines = difflib.unified_diff(old.split("\n"), new.split("\n"), n=1, lineterm="")
        yield from (f"  {line}" for line in list(lines)[2:] if not line.startswith("@@"))
    else:
        yield f"{path}: {_arrow(old, new)}"


def _step(path: str, key: str) -> str:
    """``code`` for ``subBlocks.code.value``, which is displayed by its key."""
    if path == "subBlocks":
        return key
    return path if key == "value" and path and "." not in path else f"{path}.{key}" if path else key


def _arrow(old: Json, new: Json) -> str:
    before, after = _short(old), _short(new)
    if before == after or len(before) + len(after) > 2 * _LONGEST:
        before, after = _around(before, after)
    return f"{before} → {after}"


def _around(before: str, after: str) -> tuple[str, str]:
    """The parts of two long texts that differ."""
    start = next(
        (index for index, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    start = max(0, start - _LONGEST // 3)
    lead = "…" if start else ""
    return tuple(  # type: ignore[return-value]
        f"{lead}{text[start : start + _LONGEST]}{'…' if len(text) > start + _LONGEST else ''}"
        for text in (before, after)
    )


def _short(value: Json) -> str:
    return "(none)" if value is ... or value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
