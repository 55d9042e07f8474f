"""The order in which workflows get their names and folders: Sim refuses two of one name in a folder (409)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from simstudio.transport.errors import InvalidInputError
from simstudio.workflow_files.plan import Change, Place, Plan, Present


@attrs.frozen
class Move:
    """A workflow is created, gets another name or folder, or is deleted.

    Attributes:
        change: The change of the plan that this is a part of.
        place: Folder and name; None for a deletion.
    """

    change: Change
    place: Place | None


def order_moves(plan: Plan) -> list[Move]:
    """All creations and renamings of a plan, and those deletions that free a name for them.

    Workflows that take each other's names get there through a temporary name, which holds the workflow's id.

    Raises:
        InvalidInputError: A workflow that stays as it is has the name that another one is to get.
    """
    order = _Order(plan)
    return [move for change in plan.changes for move in order.moves_for(change)]


class _Order:
    """The places that are taken after the moves so far."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        there = {each.id: each.place for each in plan.workspace.workflows}
        self._ids = {place: workflow_id for workflow_id, place in {**plan.workspace.places, **there}.items()}
        self._leaving = {
            change.present.id: change
            for change in plan.changes
            if change.present is not None and (change.action == "delete" or _is_renamed(change))
        }
        """Changes that are still to come, by the workflow whose place they free."""

    def moves_for(self, change: Change) -> Iterator[Move]:
        """The move of a change, after those that make room for it."""
        if change.action != "create" and not (_is_renamed(change) and change.id in self._leaving):
            return
        waiting = [change]
        while waiting:
            holder = self._ids.get(waiting[-1].place)
            if holder is None:
                yield self._move(waiting.pop())
                continue
            other = self._leaving.get(holder)
            if other is None or other.present is None:
                raise self._refuse(waiting[-1], holder)
            if other.action != "delete" and all(each is not other for each in waiting):
                waiting.append(other)
                continue
            folder, name = other.present.place
            yield Move(other, None if other.action == "delete" else (folder, f"{name[:100]} (renaming {holder})"))
            self._free(other.present)

    def _move(self, change: Change) -> Move:
        if change.present is not None:
            self._free(change.present)
            del self._leaving[change.present.id]
        self._ids[change.place] = change.id or "?"
        return Move(change, change.place)

    def _free(self, present: Present) -> None:
        if self._ids.get(present.place) == present.id:
            del self._ids[present.place]

    def _refuse(self, change: Change, holder: str) -> InvalidInputError:
        label = change.name if change.source is None else change.source.label
        extra = any(each.action == "extra" and each.id == holder for each in self._plan.changes)
        return InvalidInputError(
            f"{label} cannot be called {change.name!r}: the workflow {holder} of the folder {change.place[0]} keeps "
            f"this name. Give one another name{', or push with --prune, which deletes that one' if extra else ''}."
        )


def _is_renamed(change: Change) -> bool:
    return change.action == "update" and change.present is not None and change.place != change.present.place
