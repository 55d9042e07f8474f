"""Changing a workflow's variables, by name."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Variables = dict[str, dict[str, Any]]
"""By id: ``{id, name, type, value}``."""


def apply_operations(variables: Variables, operations: Iterable[Mapping[str, Any]]) -> Variables:
    """Apply operations in order; return the new variables.

    Args:
        variables: the variables by id; not changed.
        operations: ``{"operation": "add"|"edit"|"delete", "name", "type", "value"}``. Deleting an unknown
            variable changes nothing.

    Raises:
        Refusal: a variable to add exists, or one to edit does not.
    """
    changed = copy.deepcopy(variables)
    for each in operations:
        name, what = each["name"], each["operation"]
        key = next((key for key, variable in changed.items() if variable["name"] == name), None)
        if what == "add":
            if key is not None:
                raise Refusal(409, f'A variable named "{name}" already exists')
            key = str(new_uuid())
            changed[key] = {"id": key, "name": name, "type": each["type"], "value": each.get("value")}
        elif what == "edit":
            if key is None:
                raise Refusal(404, f'Variable "{name}" not found')
            changed[key] = {**changed[key], "type": each.get("type", changed[key]["type"]), "value": each.get("value")}
        elif key is not None:
            del changed[key]
    return changed
