"""Export and import of workflows as files, and the preview of an import."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.blocktypes import BLOCK_TYPES, is_secret
from simstudio.sandbox.definitions.checking import normalize
from simstudio.sandbox.definitions.references import Reference, manifest, rebind, references
from simstudio.sandbox.http import Refusal

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.definition import Definition
    from simstudio.sandbox.definitions.graph import State
    from simstudio.sandbox.definitions.store import Definitions

VERSION = "1.0"


def export_draft(found: Definition, at: str, *, references: bool = False, bindings: bool = False) -> dict[str, Any]:
    """The draft of a workflow as a file, without secrets.

    Args:
        found: the workflow to export.
        at: time of the export, ISO 8601.
        references: whether the file lists what the graph refers to.
        bindings: whether references to resources of the workspace stay in the graph.
    """
    file: dict[str, Any] = {
        "version": VERSION,
        "exportedAt": at,
        "workflow": {
            "id": found.id,
            "name": found.name,
            "description": found.description,
            "workspaceId": found.workspace_id,
            "folderPath": found.folder,
        },
        "state": _sanitise(found.draft, bindings=bindings),
    }
    if references:
        file["referenceManifest"] = manifest(found.draft)
    return file


def _sanitise(state: State, *, bindings: bool) -> State:
    clean = copy.deepcopy(state)
    bound = {(each.block_id, each.key) for each in references(state) if each.encoding == "scalar"}
    for block in clean["blocks"].values():
        for key, sub_block in block.get("subBlocks", {}).items():
            value = sub_block.get("value")
            names_a_secret = isinstance(value, str) and value.startswith("{{") and value.endswith("}}")
            secret = is_secret(block["type"], key) and not names_a_secret
            if secret or ((block["id"], key) in bound and not bindings):
                sub_block["value"] = None
    return clean


@attrs.frozen
class Package:
    """The contents of a file to import."""

    state: State
    name: str | None
    description: str | None
    warnings: tuple[str, ...] = ()

    @classmethod
    def parse(cls, given: str | Mapping[str, Any]) -> Package:
        """Read an exported file, a bare graph, or either as JSON text.

        Raises:
            Refusal: 400, the text is no graph and no exported file.
        """
        content: object = given
        if isinstance(given, str):
            try:
                content = jsontext.loads(given.encode())
            except ValueError:
                raise Refusal(400, "The workflow to import is not valid JSON") from None
        if isinstance(content, Mapping) and isinstance(content.get("data"), Mapping) and "state" in content["data"]:
            content = content["data"]  # the answer of an export, as it came
        if not isinstance(content, Mapping):
            raise Refusal(400, "The workflow to import must be an object")
        about = content.get("workflow")
        about = about if isinstance(about, Mapping) else content
        state = content.get("state", content)
        if not isinstance(state, Mapping) or not isinstance(state.get("blocks"), Mapping):
            raise Refusal(400, "The workflow to import has no blocks")
        graph_, warnings = normalize(_complete(state))
        return cls(graph_, _text(about.get("name")), _text(about.get("description")), tuple(warnings))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _complete(state: Mapping[str, Any]) -> State:
    """A graph with defaults for the keys that a file leaves out."""
    blocks: dict[str, Any] = {}
    for key, block in state["blocks"].items():
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            raise Refusal(400, f"Block {key!r} of the workflow to import has no type")
        plain = {"position": {"x": 0, "y": 0}, "subBlocks": {}, "outputs": {}, "enabled": True, "name": block["type"]}
        blocks[key] = {**plain, **block, "id": key}
        if not isinstance(blocks[key]["subBlocks"], Mapping) or not isinstance(blocks[key]["name"], str):
            raise Refusal(400, f"Block {key!r} of the workflow to import is malformed")
        blocks[key]["subBlocks"] = {
            name: {"id": name, "type": "short-input", "value": None, **sub_block}
            for name, sub_block in blocks[key]["subBlocks"].items()
            if isinstance(sub_block, Mapping)
        }
    listed = state.get("edges") or []
    edges = [
        {**each, "id": str(each.get("id") or f"{each['source']}-{each['target']}")}
        for each in listed
        if isinstance(each, Mapping) and isinstance(each.get("source"), str) and isinstance(each.get("target"), str)
    ]
    return {"blocks": blocks, "edges": edges, "loops": {}, "parallels": {}, "variables": _variables(state)}


def _variables(state: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a graph; old files list them."""
    given = state.get("variables") or {}
    listed: Iterable[object] = given.values() if isinstance(given, Mapping) else given
    kept: dict[str, Any] = {}
    for each in listed:
        if isinstance(each, Mapping) and isinstance(each.get("name"), str):
            key = str(each.get("id") or each["name"])
            kept[key] = {"type": "plain", "value": None, **each, "id": key}
    return kept


@attrs.frozen
class Binding:
    """A reference in a file, and its target in the workspace."""

    reference: Reference
    target: str | None
    settled: bool

    def json(self) -> dict[str, Any]:
        """The item as a preview shows it."""
        each = self.reference
        return {
            "kind": each.kind,
            "sourceId": each.source_id,
            "targetId": self.target,
            "required": each.required,
            "occurrence": each.occurrence(),
        }


@attrs.frozen
class Plan:
    """An import that has been checked but not carried out."""

    package: Package
    workspace_id: str
    state: State
    bindings: tuple[Binding, ...]
    configuration: tuple[dict[str, Any], ...]
    fingerprint: str

    @classmethod
    def of(cls, wanted: Mapping[str, Any]) -> Plan:
        """Read the request body of an import or a preview.

        Raises:
            Refusal: 400, the body holds no workflow.
        """
        package = Package.parse(wanted["workflow"])
        state = copy.deepcopy(package.state)
        mapped = {(each["kind"], each["sourceId"]): each["targetId"] for each in wanted.get("mappings", ())}
        placed = {(each["blockId"], each["subBlockKey"]): each["targetId"] for each in wanted.get("bindings", ())}
        bindings = []
        for each in references(package.state):
            place = (each.block_id, each.key)
            known = place in placed or (each.kind, each.source_id) in mapped or each.kind == "env-var"
            target = placed.get(place, mapped.get((each.kind, each.source_id), each.source_id if known else None))
            bindings.append(Binding(each, target, known))
            if known:
                sub_block = state["blocks"][each.block_id]["subBlocks"][each.key]
                sub_block["value"] = rebind(sub_block["value"], each, target)
        for each in wanted.get("dependentValues", ()):
            block = state["blocks"].get(each["blockId"])
            if block is None:
                raise Refusal(400, f"There is no block {each['blockId']!r} in the workflow to import")
            sub_block = block["subBlocks"].get(each["subBlockKey"]) or {
                "id": each["subBlockKey"],
                "type": "short-input",
            }
            block["subBlocks"][each["subBlockKey"]] = {**sub_block, "value": each["value"]}
        basis = {
            name: wanted.get(name)
            for name in ("workspaceId", "workflow", "folderPath", "mappings", "bindings", "dependentValues")
        }
        fingerprint = hashlib.sha256(jsontext.encode(basis)).hexdigest()
        configuration = tuple(_configuration(state))
        return cls(package, wanted["workspaceId"], state, tuple(bindings), configuration, fingerprint)

    @property
    def unresolved(self) -> list[Binding]:
        """References without a target."""
        return [each for each in self.bindings if not each.settled]

    @property
    def unconfigured(self) -> list[dict[str, Any]]:
        """Required fields without a value."""
        return [each for each in self.configuration if not each["configured"]]

    @property
    def ready(self) -> bool:
        """Whether every reference has a target and every required field a value."""
        missing = [each for each in self.unresolved if each.reference.required]
        return not missing and not any(each["required"] for each in self.unconfigured)


def _configuration(state: State) -> Iterable[dict[str, Any]]:
    """The secret and the required fields of a graph, and whether they are filled in."""
    for block in state["blocks"].values():
        known = BLOCK_TYPES.get(block["type"])
        for field in () if known is None else known.sub_blocks:
            if field.required or field.password:
                yield {
                    "blockId": block["id"],
                    "subBlockKey": field.id,
                    "title": field.title,
                    "required": field.required,
                    "configured": graph.value(block, field.id) not in (None, ""),
                    "context": {},
                    "requiresAuthentication": field.password,
                }


@attrs.define(eq=False)
class Imports:
    """Imports of a sandbox, at most one for each request id."""

    _done: dict[tuple[str, str], tuple[str, str]] = attrs.field(factory=dict)

    def carry_out(self, store: Definitions, plan: Plan, wanted: Mapping[str, Any]) -> Definition:
        """Import a workflow; return the workflow of the first import if ``requestId`` is repeated.

        Raises:
            Refusal: no such workspace or folder, the plan differs from the preview, or the request id was
                used for another import.
        """
        if wanted.get("previewFingerprint", plan.fingerprint) != plan.fingerprint:
            raise Refusal(409, "The workflow has changed since it was previewed")
        request_id = wanted.get("requestId")
        key = (plan.workspace_id, str(request_id))
        if request_id is not None and key in self._done:
            workflow_id, fingerprint = self._done[key]
            if fingerprint != plan.fingerprint:
                raise Refusal(409, "requestId was used for another import")
            return store.get(workflow_id, archived=True)
        name = wanted.get("name") or plan.package.name or "Imported workflow"
        description = wanted.get("description", plan.package.description)
        made = store.add(plan.workspace_id, name, description, plan.state, wanted.get("folderPath", "/"))
        if request_id is not None:
            self._done[key] = (made.id, plan.fingerprint)
        return made
