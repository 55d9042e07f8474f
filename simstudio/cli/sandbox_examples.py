"""An example call of a user's workflow, ready to paste, with values for its fields."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simstudio.sandbox import Workflow

_VALUES: Mapping[str, object] = {"string": "hello", "number": 1, "boolean": True, "object": {}, "array": []}


def example_input(workflow: Workflow) -> dict[str, object]:
    """An input for a workflow: a value for each field that it needs.

    They are the parameters without a default, or the keys that the function reads from its first parameter.
    """
    if workflow.parameters is not None:
        kinds = {each.name: each.kind for each in workflow.parameters.fields if each.required}
    else:
        kinds = dict.fromkeys(_keys_read(workflow.function), "string")
        kinds = {name: kind for name, kind in kinds.items() if name not in workflow.fields}
    return {name: "Ada" if name.lower().endswith("name") else _VALUES[kind] for name, kind in kinds.items()}


def _keys_read(function: Callable[..., Any]) -> list[str]:
    """The keys of ``input["key"]`` in a function, in the order of its lines."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        first = next(iter(inspect.signature(function).parameters))
    except (OSError, TypeError, ValueError, SyntaxError, StopIteration):
        return []
    return [
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == first
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ]
