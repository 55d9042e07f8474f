"""Plans for workflows as lines of text, or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simstudio.transport.terminal import printable

if TYPE_CHECKING:
    from simstudio.workflow_files.folder import Pull
    from simstudio.workflow_files.plan import Change, Plan

Line = tuple[str, str]
"""A line, and the name of its style in :func:`simstudio.cli.tables.show_lines`."""

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_TEXT = {"  +": "added", "  -": "removed"}
_STYLES = {"create": "added", "update": "changed", "delete": "removed", "write": "added", "remove": "removed"}
_COUNTED = (
    ("create", "to create"),
    ("update", "to update"),
    ("delete", "to delete"),
    ("extra", "only on the server"),
    ("unchanged", "unchanged"),
)


def plan_lines(plan: Plan, deployments: Mapping[str, str]) -> Iterator[Line]:
    """A plan as lines, without those workflows that stay as they are.

    Args:
        deployments: Names of unchanged workflows that are to be deployed, by id.
    """
    for path in plan.folders:
        yield _line(f"create folder {path}", "added")
    for change in plan.changes:
        if change.action != "unchanged":
            yield from _change_lines(change)
    for path in plan.extra_folders:
        action = "delete" if plan.prune else "extra"
        yield _line(f"{action} folder {path}", _STYLES.get(action, ""))
    for name in deployments.values():
        yield _line(f"deploy {name}")
    counts: Counter[str] = Counter(change.action for change in plan.changes)
    told = [f"{counts[action]} {text}" for action, text in _COUNTED if counts[action]]
    yield _line(f"{plan.workspace.id}: {', '.join(told) or 'no workflows'}.")


def _change_lines(change: Change) -> Iterator[Line]:
    file = "" if change.source is None or not change.source.file else f"  ({change.source.file})"
    conflict = f"  CONFLICT: {change.conflict}" if change.conflict else ""
    style = "failed" if change.conflict else _STYLES.get(change.action, "")
    yield _line(f"{change.action} {change.name}{file}{conflict}", style)
    for difference in change.differences:
        yield _line(f"  {_SIGNS[difference.kind]} {difference.subject}", difference.kind)
        yield from (_line(f"      {line}", _TEXT.get(line[:3], "")) for line in difference.lines)
    yield from (_line(f"  ! {note}", "bold") for note in change.notes)


def pull_lines(pull: Pull) -> Iterator[Line]:
    """The changes of a pull to files, as lines."""
    yield from (_line(f"write {path}", "added") for path in sorted(pull.write))
    yield from (_line(f"remove {path}", "removed") for path in sorted(pull.remove))
    yield from (_line(f"keep {path}: {reason}") for path, reason in sorted(pull.kept.items()))
    yield from (_line(f"overwrite {path}: {reason}", "failed") for path, reason in sorted(pull.conflicts.items()))


def _line(text: str, style: str = "") -> Line:
    """One line, whatever a name holds: in the log of a CI system a line may be a command."""
    return printable(text.replace("\n", "\\n")), style


def plan_json(plan: Plan, ids: Mapping[str, str], *, applied: bool, deployed: list[str]) -> dict[str, Any]:
    """A plan as JSON data; ``ids`` are those of workflows that were created, by the source's key."""
    changes = []
    for change in plan.changes:
        told = change.to_dict()
        if change.source is not None:
            told["id"] = ids.get(change.source.key, told["id"])
        changes.append(told)
    return {
        "workspace": plan.workspace.id,
        "folders": list(plan.folders),
        "extraFolders": list(plan.extra_folders),
        "changes": changes,
        "applied": applied,
        "deployed": deployed,
    }
