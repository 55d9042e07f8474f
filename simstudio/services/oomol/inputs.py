"""Inputs: the three forms that callers may write, and the one that is sent.

1. ``{"text": "hi", "n": 3}``
2. ``[{"handle": "text", "value": "hi"}, …]``
3. ``[{"nodeId": "node1", "inputs": [{"handle": "text", "value": "hi"}]}, …]``

The third is sent. The first two are for a single block, whose node id is ``_``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

ONLY_NODE = "_"
"""Node id of a single block."""

Nodes: TypeAlias = list[dict[str, Any]]
InputValues: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def normalise(values: InputValues | None, name: str = "inputValues") -> Nodes | None:
    """Return inputs in the form that is sent; None for None, and an empty list for no inputs.

    Args:
        values: Inputs, all in the same of the three forms.
        name: Name of the argument, for errors.

    Raises:
        InvalidInputError: An element has none of the forms; the message names it.

    Example:
        >>> normalise({"text": "hi"})
        [{'nodeId': '_', 'inputs': [{'handle': 'text', 'value': 'hi'}]}]
    """
    if values is None:
        return None
    if isinstance(values, Mapping):
        inputs = [{"handle": _text(handle, f"a handle of {name}"), "value": value} for handle, value in values.items()]
        return _only_node(inputs)
    if isinstance(values, (str, bytes, bytearray)) or not isinstance(values, Sequence):
        raise InvalidInputError(
            f"{name} must be a dict of values by handle, a list of {{'handle', 'value'}} or a list of "
            f"{{'nodeId', 'inputs'}}, not {type(values).__name__}."
        )
    elements = [_mapping(element, f"{name}[{index}]") for index, element in enumerate(values)]
    with_node = [index for index, element in enumerate(elements) if "nodeId" in element]
    if not with_node:
        return _only_node(_inputs(elements, name))
    if len(with_node) < len(elements):
        odd = next(index for index in range(len(elements)) if index not in with_node)
        raise InvalidInputError(
            f"{name}[{odd}] has no nodeId, but {name}[{with_node[0]}] has one: give all elements in the same form."
        )
    return [_node(element, f"{name}[{index}]") for index, element in enumerate(elements)]


def with_presets(presets: Mapping[str, Any], values: InputValues | None) -> Nodes | None:
    """Return inputs together with the presets of an applet. An input wins over a preset, for whichever node it is.

    Args:
        presets: Preset values by handle.
        values: Inputs in one of the three forms.
    """
    nodes = normalise(values, "input_values")
    if not presets:
        return nodes
    nodes = nodes or []
    given = {each["handle"]: each["value"] for node in nodes if node["nodeId"] == ONLY_NODE for each in node["inputs"]}
    elsewhere = {each["handle"] for node in nodes if node["nodeId"] != ONLY_NODE for each in node["inputs"]}
    merged = {**{handle: value for handle, value in presets.items() if handle not in elsewhere}, **given}
    return _only_node([{"handle": handle, "value": value} for handle, value in merged.items()]) + [
        node for node in nodes if node["nodeId"] != ONLY_NODE
    ]


def _only_node(inputs: list[dict[str, Any]]) -> Nodes:
    return [{"nodeId": ONLY_NODE, "inputs": inputs}] if inputs else []


def _node(element: Mapping[str, Any], where: str) -> dict[str, Any]:
    _text(element["nodeId"], f"{where}['nodeId']")
    inputs = element.get("inputs")
    if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Sequence):
        raise InvalidInputError(f"{where}['inputs'] must be a list of {{'handle', 'value'}}, not {inputs!r}.")
    checked = [_mapping(each, f"{where}['inputs'][{index}]") for index, each in enumerate(inputs)]
    return {**element, "inputs": _inputs(checked, f"{where}['inputs']")}


def _inputs(elements: list[Mapping[str, Any]], where: str) -> list[dict[str, Any]]:
    for index, element in enumerate(elements):
        for key in ("handle", "value"):
            if key not in element:
                raise InvalidInputError(f"{where}[{index}] has no {key!r}: it must be {{'handle': …, 'value': …}}.")
        _text(element["handle"], f"{where}[{index}]['handle']")
    return [dict(element) for element in elements]


def _mapping(element: object, where: str) -> Mapping[str, Any]:
    if not isinstance(element, Mapping):
        raise InvalidInputError(f"{where} must be a dict, not {type(element).__name__}.")
    return element


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"{what} must be a non-empty str, not {value!r}.")
    return value
