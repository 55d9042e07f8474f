"""Workflows as files."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.definition import Definition
from simstudio.sandbox.definitions.exchange import Package, Plan, export_draft
from simstudio.sandbox.http import Refusal


def bound(value: Any, kind: str) -> dict[str, Any]:
    return {"id": "field", "type": kind, "value": value}


@pytest.fixture
def definition() -> Definition:
    block = graph.block(
        "w1", "agent", "Writer", {"model": "m", "apiKey": "sk-sim-test", "systemPrompt": "Use {{TONE}}"}
    )
    block["subBlocks"]["account"] = bound("cred-1", "oauth-input")
    block["subBlocks"]["base"] = bound("kb-1", "knowledge-base-selector")
    return Definition("id", "main", "Writer", None, graph.state([block]), 1.0, 1)


def values(state: dict[str, Any]) -> dict[str, Any]:
    return {key: each["value"] for key, each in state["blocks"]["w1"]["subBlocks"].items()}


def test_secrets_are_never_in_a_file(definition: Definition) -> None:
    for bindings in (False, True):
        assert "sk-sim-test" not in json.dumps(export_draft(definition, "now", bindings=bindings))


def test_a_secret_named_by_its_variable_stays(definition: Definition) -> None:
    definition.draft["blocks"]["w1"]["subBlocks"]["apiKey"]["value"] = "{{OPENAI_KEY}}"
    assert values(export_draft(definition, "now")["state"])["apiKey"] == "{{OPENAI_KEY}}"


def test_bindings_are_in_a_file_only_when_asked_for(definition: Definition) -> None:
    told = [
        values(export_draft(definition, "now", bindings=bindings)["state"])["account"] for bindings in (False, True)
    ]
    assert told == [None, "cred-1"]


def test_the_manifest_lists_what_the_graph_refers_to(definition: Definition) -> None:
    manifest = export_draft(definition, "now", references=True)["referenceManifest"]
    found = {(each["kind"], each["sourceId"]): each["occurrences"][0]["encoding"] for each in manifest["references"]}
    assert found == {
        ("env-var", "TONE"): "environment",
        ("credential", "cred-1"): "scalar",
        ("knowledge-base", "kb-1"): "scalar",
    }


def test_exporting_leaves_the_draft_alone(definition: Definition) -> None:
    before = copy.deepcopy(definition.draft)
    export_draft(definition, "now", references=True)
    assert definition.draft == before


@pytest.mark.parametrize(
    "wrap", [lambda file: file, json.dumps, lambda file: {"data": file}, lambda file: file["state"]]
)
def test_a_file_is_read_in_every_form(wrap: Any, definition: Definition) -> None:
    package = Package.parse(wrap(export_draft(definition, "now")))
    assert list(package.state["blocks"]) == ["w1"]


def test_what_an_old_file_leaves_out_is_added() -> None:
    package = Package.parse({"blocks": {"a": {"type": "agent"}}, "variables": [{"name": "x"}]})
    block = package.state["blocks"]["a"]
    assert (block["id"], block["name"], block["enabled"], block["subBlocks"]) == ("a", "agent", True, {})
    assert package.state["variables"]["x"] == {"id": "x", "name": "x", "type": "plain", "value": None}


def test_an_edge_into_nothing_is_dropped_with_a_warning() -> None:
    edge = {"id": "e", "source": "a", "target": "gone"}
    package = Package.parse({"blocks": {"a": {"type": "agent"}}, "edges": [edge]})
    assert package.state["edges"] == []
    assert package.warnings == ("Dropped edge e: it connects a block that does not exist",)


@pytest.mark.parametrize("given", ["{", "[]", {}, {"blocks": {"a": {}}}, {"blocks": {"a": 1}}, {"state": 1}])
def test_what_is_no_workflow_is_refused(given: Any) -> None:
    with pytest.raises(Refusal) as caught:
        Package.parse(given)
    assert caught.value.status == 400


def plan(definition: Definition, **wanted: Any) -> Plan:
    file = export_draft(definition, "now", bindings=True)
    return Plan.of({"workspaceId": "staging", "workflow": file, **wanted})


def test_a_plan_lists_what_nobody_has_mapped(definition: Definition) -> None:
    told = plan(definition)
    assert {each.reference.source_id for each in told.unresolved} == {"cred-1", "kb-1"}
    assert not told.ready


def test_mappings_and_bindings_replace_references(definition: Definition) -> None:
    told = plan(
        definition,
        mappings=[
            {"kind": "credential", "sourceId": "cred-1", "targetId": "cred-2"},
            {"kind": "env-var", "sourceId": "TONE", "targetId": "VOICE"},
        ],
        bindings=[{"blockId": "w1", "subBlockKey": "base", "kind": "knowledge-base", "targetId": None}],
        dependentValues=[{"blockId": "w1", "subBlockKey": "folder", "value": "inbox"}],
    )
    assert (told.unresolved, told.ready) == ([], True)
    kept = values(told.state)
    assert (kept["account"], kept["base"], kept["folder"]) == ("cred-2", None, "inbox")
    assert kept["systemPrompt"] == "Use {{VOICE}}"


def test_a_required_field_that_is_empty_keeps_it_from_being_ready(definition: Definition) -> None:
    definition.draft["blocks"]["w1"]["subBlocks"] = {"model": bound("", "combobox")}
    told = plan(definition)
    assert not told.ready
    assert [each["subBlockKey"] for each in told.unconfigured if each["required"]] == ["model"]


def test_the_fingerprint_is_that_of_the_whole_request(definition: Definition) -> None:
    first, same, other = plan(definition), plan(definition), plan(definition, folderPath="/a")
    assert first.fingerprint == same.fingerprint != other.fingerprint
