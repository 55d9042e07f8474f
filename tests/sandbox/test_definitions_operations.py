"""Editing a graph by operations, and the advice on one."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.checking import lint, normalize
from simstudio.sandbox.definitions.operations import Applied, apply


def operation(kind: str, block: str, **params: Any) -> dict[str, Any]:
    return {"operation_type": kind, "block_id": block, "params": params}


@pytest.fixture
def state() -> graph.State:
    start = graph.block("s", graph.START, "Start", {"inputFormat": []})
    step = graph.block("f", graph.FUNCTION, "Step", {"function": "double"}, column=1)
    return graph.state([start, step], [graph.edge("s", "f")])


def skipped(done: Applied) -> list[tuple[str, str]]:
    return [(each["type"], each["blockId"]) for each in done.skipped]


def test_the_original_graph_is_left_alone(state: graph.State) -> None:
    done = apply(state, [operation("delete", "f")])
    assert (list(done.state["blocks"]), list(state["blocks"])) == (["s"], ["s", "f"])
    assert done.state["edges"] == []


def test_labels_become_ids_and_later_operations_may_use_them(state: graph.State) -> None:
    done = apply(
        state,
        [
            operation("add", "writer", type="agent", name="Writer", inputs={"model": "m"}),
            operation("edit", "writer", name="Author", inputs={"systemPrompt": "Be brief"}),
            operation("edit", "f", connections={"source": "writer"}),
        ],
    )
    block = done.state["blocks"][done.minted["writer"]]
    assert (block["name"], graph.value(block, "model"), graph.value(block, "systemPrompt")) == (
        "Author",
        "m",
        "Be brief",
    )
    assert graph.connection(done.state["edges"][-1]) == ("f", "source", done.minted["writer"], "target")


def test_an_id_of_ones_own_is_kept(state: graph.State) -> None:
    own = "11111111-2222-3333-4444-555555555555"
    done = apply(state, [operation("add", own, type="agent", name="Writer")])
    assert own in done.state["blocks"]
    assert done.minted == {}


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (operation("add", "x", type="teleport", name="X"), "invalid_block_type"),
        (operation("add", "x", type="agent", name="step"), "duplicate_block_name"),
        (operation("add", "x", type="agent", name="Loop"), "reserved_block_name"),
        (operation("add", "x", type="start_trigger", name="Begin"), "duplicate_trigger"),
        (operation("edit", "x", name="X"), "block_not_found"),
        (operation("insert_into_subflow", "f", subflowId="s", type="function", name="F"), "invalid_subflow_parent"),
    ],
)
def test_what_cannot_be_carried_out_is_skipped_and_the_rest_is_not(
    wanted: dict[str, Any], why: str, state: graph.State
) -> None:
    done = apply(state, [wanted, operation("edit", "f", name="Renamed")])
    assert skipped(done) == [(why, wanted["block_id"])]
    assert (done.applied, done.state["blocks"]["f"]["name"]) == (1, "Renamed")


def test_a_locked_block_stays_as_it_is(state: graph.State) -> None:
    state["blocks"]["f"]["locked"] = True
    assert skipped(apply(state, [operation("delete", "f")])) == [("block_locked", "f")]


def test_a_connection_to_nothing_is_skipped(state: graph.State) -> None:
    done = apply(state, [operation("edit", "f", connections={"source": ["nobody"]})])
    assert skipped(done) == [("invalid_edge_target", "f")]


def test_values_that_do_not_belong_to_the_type_are_told(state: graph.State) -> None:
    done = apply(state, [operation("edit", "f", inputs={"temperature": 1})])
    assert done.errors == [{"blockId": "f", "blockType": "function", "field": "temperature", "error": "unknown field"}]


def test_blocks_go_into_loops_and_come_out(state: graph.State) -> None:
    done = apply(
        state,
        [
            operation("add", "l", type="loop", name="Each"),
            operation("insert_into_subflow", "f", subflowId="l", type="function", name="Step"),
        ],
    )
    (loop,) = done.state["loops"].values()
    assert loop["nodes"] == ["f"]
    out = apply(done.state, [operation("extract_from_subflow", "f", subflowId=loop["id"])])
    assert out.state["loops"][loop["id"]]["nodes"] == []


def test_a_loop_takes_its_blocks_with_it(state: graph.State) -> None:
    state["blocks"]["l"] = graph.block("l", "loop", "Each", {})
    state["blocks"]["f"]["data"] = {"parentId": "l"}
    assert list(apply(state, [operation("delete", "l")]).state["blocks"]) == ["s"]


def test_blocks_can_be_switched_off(state: graph.State) -> None:
    done = apply(state, [operation("edit", "f", name="Off")], [{"block_id": "f", "enabled": False}])
    assert graph.function_name(done.state) is None


def test_loops_are_recomputed_from_their_blocks(state: graph.State) -> None:
    state["blocks"]["l"] = {**graph.block("l", "loop", "Each", {}), "data": {"loopType": "forEach", "collection": [1]}}
    state["loops"] = {"stale": {}}
    tidy, _ = normalize(state)
    assert tidy["loops"] == {
        "l": {
            "id": "l",
            "nodes": [],
            "iterations": 5,
            "loopType": "forEach",
            "enabled": True,
            "forEachItems": [1],
        }
    }


def test_the_advice_names_orphans_missing_fields_and_unknown_functions(state: graph.State) -> None:
    state["blocks"]["a"] = graph.block("a", "agent", "Writer", {"model": None})
    told = lint(state, ())
    assert [each["blockId"] for each in told["orphanBlocks"]] == ["a"]
    assert [each["missingRequiredFields"] for each in told["fieldIssues"]] == [["model"]]
    assert [each["value"] for each in told["unresolvedReferences"]] == ["double"]
    assert lint(state, {"double"})["unresolvedReferences"] == []
