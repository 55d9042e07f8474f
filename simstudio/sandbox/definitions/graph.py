"""A workflow's graph as the API shows it: ``blocks``, ``edges``, ``loops``, ``parallels``, ``variables``.

One block of type ``function`` stands for the Python function a workflow runs: its sub-block ``function`` holds the
registered name. The fields of the Start block are the workflow's input fields.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.sandbox import jsontext
from simstudio.sandbox.inputs import Missing
from simstudio.sandbox.parameters import describe_fields
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.workflow import block_id_of, normalise_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simstudio.sandbox.parameters import InputField
    from simstudio.sandbox.workflow import Workflow

Json = Any
State = dict[str, Json]
"""``{blocks, edges, loops, parallels, variables}``, plain JSON."""

FUNCTION = "function"
"""The type of the block that stands for a Python function, and the sub-block that names it."""
START = "start_trigger"
_STEP = 300
_LAYOUT = frozenset(("position", "height", "horizontalHandles"))
_EMPTY: dict[str, Json] = {"string": "", "number": 0, "boolean": False, "object": {}, "array": []}


def block(block_id: str, kind: str, name: str, values: Mapping[str, Json], *, column: int = 0) -> dict[str, Json]:
    """A block with its sub-blocks.

    Args:
        kind: type of the block.
        name: name of the block.
        values: the values of its sub-blocks.
        column: column of the canvas, from 0.
    """
    kinds = {"inputFormat": "input-format", "code": "code"}
    return {
        "id": block_id,
        "type": kind,
        "name": name,
        "position": {"x": column * _STEP, "y": 0},
        "subBlocks": {
            key: {"id": key, "type": kinds.get(key, "short-input"), "value": value} for key, value in values.items()
        },
        "outputs": {},
        "enabled": True,
    }


def edge(source: str, target: str, handle: str = "source") -> dict[str, Json]:
    """A connection between two blocks."""
    return {
        "id": str(new_uuid()),
        "source": source,
        "target": target,
        "sourceHandle": handle,
        "targetHandle": "target",
        "type": "default",
    }


def state(blocks: Iterable[dict[str, Json]] = (), edges: Iterable[dict[str, Json]] = ()) -> State:
    """A graph with these blocks and edges."""
    return {
        "blocks": {each["id"]: each for each in blocks},
        "edges": list(edges),
        "loops": {},
        "parallels": {},
        "variables": {},
    }


def start_graph(workflow_id: str) -> State:
    """The graph of a new workflow: a Start block."""
    return state([block(block_id_of(workflow_id, "Start"), START, "Start", {"inputFormat": []})])


def of_function(workflow: Workflow) -> State:
    """The graph of a registered function: Start, then the block that stands for it."""
    start = block_id_of(workflow.id, "\0start")  # differs from the id of every block of the function
    taken = workflow.parameters
    declared = describe_fields(workflow.function, workflow.fields) if taken is None else taken.fields
    fields = [_declare_field(each) for each in declared]
    own = workflow.block_id()
    return state(
        [
            block(start, START, "Start", {"inputFormat": fields}),
            block(own, FUNCTION, workflow.block, {FUNCTION: workflow.name}, column=1),
        ],
        [{**edge(start, own), "id": block_id_of(workflow.id, "\0edge")}],
    )


def _declare_field(field: InputField) -> dict[str, Json]:
    """A field of the Start block."""
    shown: dict[str, Json] = {"id": field.name, "name": field.name, "type": field.kind}
    if field.description:
        shown["description"] = field.description
    if field.required is not None:
        shown["required"] = field.required
    return shown if field.required else {**shown, "value": jsontext.plain(field.default)}


def function_block(graph: State) -> dict[str, Json] | None:
    """The first enabled block of type ``function``; None if there is none."""
    found: Iterable[dict[str, Json]] = graph["blocks"].values()
    return next((each for each in found if each["type"] == FUNCTION and each.get("enabled", True)), None)


def function_name(graph: State) -> str | None:
    """The registered name of the function that a graph runs; None if no block names one."""
    found = function_block(graph)
    name = None if found is None else value(found, FUNCTION)
    return name if isinstance(name, str) and name else None


def value(found: Mapping[str, Json], key: str) -> Json:
    """The value of a block's sub-block, or None."""
    sub_block = found.get("subBlocks", {}).get(key)
    return sub_block.get("value") if isinstance(sub_block, dict) else None


def inputs(graph: State) -> list[dict[str, Json]]:
    """The input fields the Start block declares, as the API lists them.

    Those of a function's parameters also have ``required`` and ``default``, which a real Sim does not send.
    """
    listed = []
    for field in _fields(graph):
        shown = {"name": field["name"], "type": str(field.get("type") or "string")}
        if field.get("description"):
            shown["description"] = str(field["description"])
        if isinstance(field.get("required"), bool):
            told = {"required": field["required"], "default": field.get("value")}
            shown |= {key: value for key, value in told.items() if value is not None}
        listed.append(shown)
    return listed


def defaults(graph: State) -> dict[str, Json]:
    """The input fields with their defaults; the type of a default is the type of the field."""
    return {
        field["name"]: Missing(field["type"])
        if field.get("required") is True and "value" not in field
        else field.get("value", _EMPTY.get(field.get("type", "string")))
        for field in _fields(graph)
    }


def _fields(graph: State) -> list[dict[str, Json]]:
    blocks: Iterable[dict[str, Json]] = graph["blocks"].values()
    start = next((each for each in blocks if each["type"] in (START, "starter")), None)
    listed = None if start is None else value(start, "inputFormat")
    fields = listed if isinstance(listed, list) else []
    return [field for field in fields if isinstance(field, dict) and isinstance(field.get("name"), str)]


def block_ids(graph: State) -> dict[str, str]:
    """The ids of the blocks by their normalised names."""
    return {normalise_name(each["name"]): key for key, each in graph["blocks"].items()}


def list_blocks(graph: State) -> list[dict[str, str]]:
    """The blocks, as the responses of creating and importing list them."""
    return [{"id": each["id"], "type": each["type"], "name": each["name"]} for each in graph["blocks"].values()]


def meaning(graph: State) -> State:
    """A graph without the positions of its blocks, which make no difference to a run."""
    shown = {**graph}
    shown["blocks"] = {
        key: {name: item for name, item in each.items() if name not in _LAYOUT} for key, each in graph["blocks"].items()
    }
    shown["edges"] = sorted(map(connection, graph["edges"]))
    return shown


def connection(each: Mapping[str, Json]) -> tuple[str, str, str, str]:
    """The two ends of an edge."""
    ends = each.get("sourceHandle") or "source", each.get("targetHandle") or "target"
    return each["source"], ends[0], each["target"], ends[1]


def copy_with_new_ids(graph: State, workflow_id: str) -> tuple[State, dict[str, str]]:
    """A copy for another workflow, with new ids for blocks, edges and variables.

    Args:
        graph: the original.
        workflow_id: id of the copy; the id of the function's block is derived from it.

    Returns:
        The copy, and the new ids by the old ones.
    """
    own = function_block(graph)
    ids = {key: str(new_uuid()) for key in graph["blocks"]}
    if own is not None:
        ids[own["id"]] = block_id_of(workflow_id, own["name"])
    fresh = copy.deepcopy(graph)
    fresh["blocks"] = {ids[key]: {**each, "id": ids[key]} for key, each in fresh["blocks"].items()}
    for each in fresh["blocks"].values():
        parent = each.get("data", {}).get("parentId")
        if parent in ids:
            each["data"]["parentId"] = ids[parent]
    fresh["edges"] = [
        {**each, "id": str(new_uuid()), "source": ids.get(each["source"], each["source"]), "target": target}
        for each in fresh["edges"]
        for target in [ids.get(each["target"], each["target"])]
    ]
    for kind in ("loops", "parallels"):
        subflows = {ids.get(key, key): each for key, each in fresh[kind].items()}
        fresh[kind] = {
            key: {**each, "id": key, "nodes": [ids.get(node, node) for node in each["nodes"]]}
            for key, each in subflows.items()
        }
    variables = {str(new_uuid()): each for each in fresh["variables"].values()}
    fresh["variables"] = {key: {**each, "id": key} for key, each in variables.items()}
    return fresh, ids
