"""The normal form of a workflow, and its text: the same workflow always gives the same file.

Left out are what Sim computes (loops and parallels, from their blocks), ids that only Sim uses (edges, variables) and
times. Blocks, edges and variables are lists in a fixed order, and a text of several lines is a list of lines,
``{"$lines": […]}``, so that a change shows as the lines that changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from simstudio.core.parameters import abbreviate
from simstudio.resources.folder_paths import encode_folder_path
from simstudio.transport.errors import InvalidInputError

Json = Any
Document = dict[str, Json]
"""``name``, ``description``, ``folder``, ``blocks``, ``edges`` and ``variables`` of a workflow, as JSON data."""

_FIELDS = ("name", "description", "folder", "blocks", "edges", "variables")
_FIRST = ("name", "type", "id", *_FIELDS)
_NAMESPACE = UUID("5f0b8f3e-7d0c-5a63-9f5e-0d5b0a4f6c11")
_LINES = re.compile(r"\$+lines")
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that an editor does not show, changes the order of text with, or cannot encode."""
_LONG = 16
"""Characters from which a block's id is looked for inside texts as well, such as ``condition-<id>-if``."""


def normalise(state: Mapping[str, Json], *, name: str, description: str | None, folder: str) -> Document:
    """The normal form of a draft, as ``client.v2.workflows.state.get`` returns it; secrets are still in it."""
    variables = state.get("variables")
    listed = variables.values() if isinstance(variables, Mapping) else ()
    return sort_lists(
        {
            "name": name,
            "description": description or None,
            "folder": folder,
            "blocks": [_block(key, each) for key, each in _mapping(state.get("blocks")).items()],
            "edges": [_omit(each, "id") for each in state.get("edges") or ()],
            "variables": [_omit(each, "id", "workflowId") for each in listed],
        }
    )


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _omit(each: Mapping[str, Json], *names: str) -> dict[str, Json]:
    return {name: value for name, value in each.items() if name not in names}


def _block(key: str, block: Mapping[str, Json]) -> dict[str, Json]:
    settings = {
        name: _omit(each, "id") if isinstance(each, Mapping) and each.get("id") == name else each
        for name, each in _mapping(block.get("subBlocks")).items()
    }
    return {**block, "id": key, "subBlocks": settings}


def sort_lists(document: Document) -> Document:
    """The document with blocks, edges and variables in their fixed order."""
    return {
        **document,
        "blocks": sorted(document["blocks"], key=lambda each: (str(each.get("name")), each["id"])),
        "edges": sorted(document["edges"], key=lambda each: (*map(str, connection(each)), _canonical(each))),
        "variables": sorted(document["variables"], key=lambda each: (str(each.get("name")), _canonical(each))),
    }


def connection(edge: Mapping[str, Json]) -> tuple[str, str, str, str]:
    """The two blocks that an edge connects, and their ports."""
    ports = edge.get("sourceHandle") or "source", edge.get("targetHandle") or "target"
    return str(edge.get("source")), ports[0], str(edge.get("target")), ports[1]


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def digest(document: Document) -> str:
    """Hash of a document, 32 hexadecimal digits."""
    return hashlib.sha256(_canonical(document).encode()).hexdigest()[:32]


# Text


def write_document(document: Document) -> str:
    """The content of a workflow's file."""
    return write_json({name: document[name] for name in _FIELDS})


def write_json(value: Json) -> str:
    """JSON with keys in a fixed order, texts of several lines as lists, and no character that cannot be seen."""
    text = json.dumps(_arrange(value), ensure_ascii=False, indent=2)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _arrange(value: Json) -> Json:
    if isinstance(value, str) and "\n" in value:
        return {"$lines": value.split("\n")}
    if isinstance(value, Mapping):
        if len(value) == 1 and all(map(_LINES.fullmatch, value)):  # a setting that looks like a list of lines
            return {f"${name}": _arrange(item) for name, item in value.items()}
        names = sorted(value, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
        return {name: _arrange(value[name]) for name in names}
    return [_arrange(each) for each in value] if isinstance(value, (list, tuple)) else value


def _join_lines(value: dict[str, Json]) -> Json:
    if len(value) != 1 or not all(map(_LINES.fullmatch, value)):
        return value
    ((name, content),) = value.items()
    if name != "$lines":
        return {name[1:]: content}
    if isinstance(content, list) and all(isinstance(line, str) for line in content):
        return "\n".join(content)
    raise ValueError("$lines is no list of texts")


def read_json(text: str, where: str) -> Json:
    """JSON as :func:`write_json` writes it.

    Raises:
        InvalidInputError: The text is no JSON; the message names ``where``.
    """
    try:
        return json.loads(text.removeprefix("\ufeff"), object_hook=_join_lines)  # editors on Windows may write one
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{where} is no JSON: {error}.") from None


def read_document(text: str, where: str) -> Document:
    """The document of a file, which people may have edited.

    A block without an id has its name as id; edges may use it.

    Raises:
        InvalidInputError: The text holds no workflow; the message names ``where`` and the reason.
    """
    content = read_json(text, where)
    if not isinstance(content, dict) or not isinstance(content.get("name"), str) or not content["name"].strip():
        raise InvalidInputError(f"{where} is no workflow: it has no name.")
    unknown = sorted(set(content) - set(_FIELDS))
    if unknown:
        raise InvalidInputError(f"{where} has the unknown entry {abbreviate(unknown[0])}; known are {_FIELDS}.")
    blocks = [_read_block(each, where) for each in _list(content, "blocks", where)]
    ids = [each["id"] for each in blocks]
    twice = next((each for each in ids if ids.count(each) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"{where} has two blocks with the id {abbreviate(twice)}.")
    edges = _list(content, "edges", where)
    for each in edges:
        ends = (each.get("source"), each.get("target"))
        lost = next((end for end in ends if end not in ids), ids)
        if lost is not ids:
            raise InvalidInputError(f"{where} has an edge from or to {abbreviate(lost)}, which is no block of it.")
    variables = _list(content, "variables", where)
    if not all(isinstance(each.get("name"), str) for each in variables):
        raise InvalidInputError(f"{where} has a variable without a name.")
    description, folder = content.get("description"), content.get("folder", "/")
    if not isinstance(description, (str, type(None))) or not isinstance(folder, (str, list)):
        raise InvalidInputError(f"{where}: description and folder are texts.")
    return sort_lists(
        {
            "name": content["name"],
            "description": description or None,
            "folder": "/" + encode_folder_path("folder", folder).strip("/"),
            "blocks": blocks,
            "edges": edges,
            "variables": variables,
        }
    )


def _list(content: Mapping[str, Json], name: str, where: str) -> list[dict[str, Json]]:
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidInputError(f"{where}: {name} is a list of objects.")
    return found


def _read_block(block: Mapping[str, Json], where: str) -> dict[str, Json]:
    plain: dict[str, Json] = {"id": block.get("name"), "subBlocks": {}}
    found = {**plain, **block}
    if not all(isinstance(found.get(name), str) and found[name] for name in ("id", "type", "name")):
        raise InvalidInputError(f"{where} has a block without a name or type.")
    if not isinstance(found["subBlocks"], dict):
        raise InvalidInputError(f"{where}: subBlocks of {abbreviate(found['name'])} is an object.")
    return found


# Ids


def with_block_ids(document: Document, ids: Mapping[str, str]) -> Document:
    """The document with other ids of blocks, also where texts contain a long one."""
    changed = {old: new for old, new in ids.items() if old != new}
    if not changed:
        return document
    long = sorted((old for old in changed if len(old) >= _LONG), key=len, reverse=True)
    inside = re.compile("|".join(map(re.escape, long))) if long else None

    def rename(value: Json) -> Json:
        if isinstance(value, str):
            return value if inside is None else inside.sub(lambda found: changed[found[0]], value)
        if isinstance(value, Mapping):
            return {rename(name): rename(item) for name, item in value.items()}
        return [rename(each) for each in value] if isinstance(value, list) else value

    blocks = []
    for old in document["blocks"]:
        block = {**rename(old), "id": ids.get(old["id"], old["id"])}
        parent = _mapping(old.get("data")).get("parentId")
        if isinstance(parent, str) and parent in ids:
            block["data"] = {**block["data"], "parentId": ids[parent]}
        blocks.append(block)
    edges = [
        {
            **rename(old),
            "source": ids.get(old["source"], old["source"]),
            "target": ids.get(old["target"], old["target"]),
        }
        for old in document["edges"]
    ]
    return sort_lists({**document, "blocks": blocks, "edges": edges})


def ids_for(document: Document, workflow_id: str, present: Document | None) -> dict[str, str]:
    """The id that each block of a document has, or will have, in a workflow.

    Sim has each id once, so a copy of a block gets an id of its own, which is always the same.

    Args:
        document: With ids from anywhere.
        workflow_id: The workflow.
        present: The workflow as the server has it. A block is found in it by its id, else by its name and type.
    """
    there = {each["id"]: each for each in present["blocks"]} if present is not None else {}
    found: dict[str, str] = {}
    for block in document["blocks"]:
        minted = str(uuid5(_NAMESPACE, f"{workflow_id}/{block['id']}".encode("utf-8", "surrogatepass").hex()))
        found[block["id"]] = block["id"] if block["id"] in there else minted
    taken = set(found.values())
    for block in document["blocks"]:
        if found[block["id"]] in there:
            continue
        alike = [
            key
            for key, each in there.items()
            if key not in taken and (each.get("name"), each.get("type")) == (block["name"], block["type"])
        ]
        if len(alike) == 1:
            taken.add(alike[0])
            found[block["id"]] = alike[0]
    return found


def to_state(document: Document, workflow_id: str, present: Mapping[str, Json]) -> dict[str, Json]:
    """The arguments of ``client.v2.workflows.state.replace``.

    Args:
        document: With the ids of the workflow's blocks.
        workflow_id: The workflow.
        present: The draft that is replaced; its edges and variables keep their ids.
    """
    variables = _mapping(present.get("variables"))
    edge_id = _Ids(workflow_id, ((connection(each), each.get("id")) for each in present.get("edges") or ()))
    variable_id = _Ids(workflow_id, ((each.get("name"), key) for key, each in variables.items()))
    blocks = {
        block["id"]: {
            "position": {"x": 0, "y": 0},
            "outputs": {},
            "enabled": True,
            **block,
            "subBlocks": {
                name: {"id": name, **each} if isinstance(each, Mapping) else each
                for name, each in block["subBlocks"].items()
            },
        }
        for block in document["blocks"]
    }
    named = [(variable_id.take(each["name"]), each) for each in document["variables"]]
    return {
        "blocks": blocks,
        "edges": [{"id": edge_id.take(connection(each)), **each} for each in document["edges"]],
        "variables": {key: {"type": "plain", "value": None, **each, "id": key} for key, each in named},
    }


class _Ids:
    """Ids of edges or variables: those of the server's draft, by what they stand for, then new ones."""

    def __init__(self, workflow_id: str, known: Iterable[tuple[Json, Json]]) -> None:
        self._workflow_id = workflow_id
        self._known: dict[Json, list[str]] = {}
        self._made = 0
        for key, each in known:
            if isinstance(each, str):
                self._known.setdefault(key, []).append(each)

    def take(self, key: Json) -> str:
        left = self._known.get(key)
        if left:
            return left.pop(0)
        self._made += 1
        return str(uuid5(_NAMESPACE, f"{self._workflow_id}/{self._made}/{key!r}"))
