"""The normal form of a workflow, and the text of its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudio import InvalidInputError
from simstudio.workflow_files.document import (
    Document,
    digest,
    ids_for,
    normalise,
    read_document,
    read_json,
    to_state,
    with_block_ids,
    write_document,
    write_json,
)
from simstudio.workflow_files.folder import WorkflowFolder
from simstudio.workflow_files.paths import WORKFLOWS
from tests.properties import examples
from tests.recorded import recording

START, IF = "0b1e7f4e-5a43-4f7e-9c86-4b3d6c8f0a01", "0b1e7f4e-5a43-4f7e-9c86-4b3d6c8f0a02"
ABOUT: dict[str, Any] = {"name": "greet", "description": "", "folder": "/"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["$lines", "$$lines"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def recorded() -> dict[str, Any]:
    return json.loads(recording("sim-v0.8.9", "live-108").body)["data"]


def branching() -> dict[str, Any]:
    """A workflow with a condition, whose ports are called after its id, in a loop."""
    blocks = [
        {"id": IF, "type": "condition", "name": "If", "data": {"parentId": "loop"}, "subBlocks": {
            "conditions": {"id": "conditions", "type": "condition-input", "value": f'[{{"id": "{IF}-if"}}]'}}},
        {"id": START, "type": "start_trigger", "name": "Start", "subBlocks": {}},
        {"id": "loop", "type": "loop", "name": "Loop", "subBlocks": {}},
    ]  # fmt: skip
    edges = [
        {"id": "e2", "source": IF, "target": "loop", "sourceHandle": f"condition-{IF}-if"},
        {"id": "e1", "source": START, "target": IF},
    ]
    variables = {"v1": {"id": "v1", "workflowId": "w", "name": "model", "type": "string", "value": "m"}}
    return {"blocks": {each["id"]: each for each in blocks}, "edges": edges, "loops": {"loop": {}}, "parallels": {},
            "variables": variables}  # fmt: skip


def document() -> Document:
    return normalise(branching(), **ABOUT)


def test_the_order_of_the_server_and_what_it_computes_make_no_difference() -> None:
    state = branching()
    other = {
        **state, "loops": {}, "edges": [{**each, "id": each["id"] * 2} for each in reversed(state["edges"])],
        "blocks": dict(reversed([(key, dict(reversed(each.items()))) for key, each in state["blocks"].items()])),
    }  # fmt: skip

    assert write_document(normalise(other, **ABOUT)) == write_document(document())
    assert digest(normalise(other, **ABOUT)) == digest(document())


@given(JSON)
@settings(max_examples=examples(60))
def test_json_is_read_as_it_was_written_and_its_text_hides_nothing(value: Any) -> None:
    text = write_json(value)

    assert read_json(text, "it") == value
    assert not set(text) & set("\u202e\u2066\x7f\x85\u2028")
    text.encode()


def test_a_text_of_several_lines_has_a_line_for_each() -> None:
    assert '"$lines": [\n      "a",\n      "b"\n    ]' in write_json({"code": "a\nb"})


def test_a_recorded_draft_comes_back_as_it_was() -> None:
    state = recorded()
    text = write_document(normalise(state, **ABOUT))

    again = to_state(read_document(text, "it"), "w", state)

    assert again == {name: state[name] for name in ("blocks", "edges", "variables")}


def test_what_people_leave_out_has_a_default() -> None:
    text = json.dumps(
        {
            "name": "new",
            "folder": "/Sales/New leads",
            "blocks": [{"name": "Start", "type": "start_trigger"}, {"name": "Do", "type": "function"}],
            "edges": [{"source": "Start", "target": "Do"}],
        }
    )

    found = read_document(text, "it")
    state = to_state(with_block_ids(found, ids_for(found, "w1", None)), "w1", {})

    assert found["folder"] == "/Sales/New%20leads"
    assert {each["name"] for each in state["blocks"].values()} == {"Start", "Do"}
    (edge,) = state["edges"]
    assert edge["source"] in state["blocks"]
    assert edge["id"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no JSON"),
        ("[]", "it has no name"),
        ('{"name": " "}', "it has no name"),
        ('{"name": "a", "blcks": []}', "unknown entry 'blcks'"),
        ('{"name": "a", "blocks": {}}', "blocks is a list of objects"),
        ('{"name": "a", "blocks": [{"name": "x"}]}', "a block without a name or type"),
        ('{"name": "a", "blocks": [{"name": "x", "type": "t"}, {"name": "x", "type": "t"}]}', "two blocks with the id"),
        ('{"name": "a", "edges": [{"source": "x", "target": "y"}]}', "which is no block of it"),
        ('{"name": "a", "variables": [{}]}', "a variable without a name"),
        ('{"name": "a", "description": {"$lines": 3}}', "is no JSON"),
        ('{"name": "a", "folder": 3}', "are texts"),
    ],
)
def test_a_file_that_holds_no_workflow_is_named_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"flows/a.json.*{reason}"):
        read_document(text, "flows/a.json")


class TestIdsOfBlocks:
    def test_are_changed_everywhere(self) -> None:
        ids = ids_for(document(), "w2", None)
        text = write_document(with_block_ids(document(), ids))

        assert not any(old in text for old in (START, IF))
        assert len(set(ids.values())) == 3
        assert f"condition-{ids[IF]}-if" in text
        assert f'"parentId": "{ids["loop"]}"' in text

    def test_are_always_the_same_in_one_workflow_and_others_in_another(self) -> None:
        assert ids_for(document(), "w2", None) == ids_for(document(), "w2", None)
        assert not set(ids_for(document(), "w2", None).values()) & set(ids_for(document(), "w3", None).values())

    def test_are_found_by_id_then_by_name_and_type(self) -> None:
        there = with_block_ids(document(), {IF: "other"})

        assert ids_for(document(), "w", there) == {IF: "other", START: START, "loop": "loop"}

    def test_a_copy_that_was_renamed_is_found(self) -> None:
        copied = with_block_ids(document(), ids_for(document(), "w2", None))
        renamed = {**document(), "blocks": [{**each, "name": f"{each['name']} 2"} for each in document()["blocks"]]}

        assert ids_for(renamed, "w2", copied) == ids_for(document(), "w2", None)


def test_edges_and_variables_keep_the_ids_that_they_have() -> None:
    state = to_state(document(), "w", branching())

    assert [each["id"] for each in state["edges"]] == ["e1", "e2"]
    assert state["variables"]["v1"]["name"] == "model"


def test_a_file_that_an_editor_on_windows_saved_is_read() -> None:
    text = '{"name": "a", "description": null, "folder": "/", "blocks": [], "edges": [], "variables": []}'
    assert read_document(f"\ufeff{text}\r\n", "a.json") == read_document(text, "a.json")


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / WORKFLOWS).mkdir()
    (tmp_path / WORKFLOWS / "a.json").symlink_to(tmp_path / "gone.json")

    with pytest.raises(InvalidInputError, match=r"a\.json cannot be read: it leads to no file"):
        WorkflowFolder(tmp_path).sources("ws")
