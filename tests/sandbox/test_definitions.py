"""Definitions without HTTP: drafts, versions, names, what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.comparing import compare_graphs
from simstudio.sandbox.definitions.store import Definitions
from simstudio.sandbox.definitions.variables import apply_operations
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.workflow import Workflow


def double(input: dict) -> float:
    return input["n"] * 2


@pytest.fixture
def clock() -> Callable[[], float]:
    ticks: Iterator[int] = iter(range(1000, 9999))
    return lambda: float(next(ticks))


@pytest.fixture
def store(clock: Callable[[], float]) -> Definitions:
    functions = {"double": Workflow("double", double, "Doubler", 1.0, fields={"n": 1})}
    made = Definitions(["main", "staging"], functions, clock)
    made.register(functions["double"])
    return made


def test_a_registered_function_has_a_graph_that_names_it(store: Definitions) -> None:
    draft = store.get("double").draft
    assert graph.function_name(draft) == "double"
    assert [(each["type"], each["name"]) for each in graph.list_blocks(draft)] == [
        ("start_trigger", "Start"),
        ("function", "Doubler"),
    ]
    assert graph.defaults(draft) == {"n": 1}


def test_its_block_has_the_id_runs_know_it_by(store: Definitions) -> None:
    block = graph.function_block(store.get("double").draft)
    assert block is not None
    assert block["id"] == store.functions["double"].block_id()


def test_a_copy_runs_the_same_function_under_its_own_id(store: Definitions) -> None:
    copy = store.duplicate(store.get("double"))
    workflow = store.workflow(copy.id)
    assert workflow is not None
    assert (workflow.id, workflow.function, workflow.deployed) == (copy.id, double, False)
    block = graph.function_block(copy.draft)
    assert block is not None
    assert block["id"] == workflow.block_id() != store.functions["double"].block_id()


def test_a_copy_shares_no_ids_with_its_original(store: Definitions) -> None:
    original = store.get("double")
    copy = store.duplicate(original)
    assert original.draft["blocks"].keys().isdisjoint(copy.draft["blocks"])
    ends = {(each["source"], each["target"]) for each in copy.draft["edges"]}
    assert all(source in copy.draft["blocks"] and target in copy.draft["blocks"] for source, target in ends)


def test_the_draft_and_what_is_in_service_may_run_different_functions(store: Definitions) -> None:
    found = store.get("double")
    found.edit(graph.start_graph("double"), 2.0)
    served, drafted = store.workflow("double"), store.workflow("double", draft=True)
    assert served is not None
    assert drafted is not None
    assert (served.function is double, drafted.function is double) == (True, False)
    assert served.needs_redeployment


def test_the_runnable_workflows_are_those_in_use(store: Definitions) -> None:
    copy = store.duplicate(store.get("double"))
    assert set(store.runnable) == {"double", copy.id}
    store.archive(copy)
    assert set(store.runnable) == {"double"}
    assert store.runnable.get(copy.id) is None


def test_a_function_registered_anew_begins_anew(store: Definitions) -> None:
    store.deploy(store.get("double"))
    store.register(Workflow("double", double, "Doubler", 5.0, deployed=False))
    again = store.get("double")
    assert (again.versions, again.deployed) == ([], False)


def test_a_version_is_what_was_deployed_then(store: Definitions) -> None:
    found = store.get("double")
    found.draft["blocks"].clear()
    assert len(found.version(1).state["blocks"]) == 2


def test_a_rollback_needs_something_in_service(store: Definitions) -> None:
    found = store.get("double")
    found.undeploy()
    with pytest.raises(Refusal, match="not deployed"):
        found.rollback(None, 1.0)


@pytest.mark.parametrize("number", [0, 2, -1])
def test_there_are_only_the_versions_that_were_deployed(number: int, store: Definitions) -> None:
    with pytest.raises(Refusal, match="version not found"):
        store.get("double").version(number)


def test_ids_of_another_workflow_are_refused(store: Definitions) -> None:
    mine = store.create("main", "Mine")
    with pytest.raises(Refusal, match="belongs to another workflow"):
        store.replace_state(mine, store.get("double").draft)


def test_names_are_unique_in_a_folder_and_only_there(store: Definitions) -> None:
    store.folders("main").create("/sub", 1.0)
    store.create("main", "Mine")
    store.create("main", "Mine", folder="/sub")
    store.create("staging", "Mine")
    with pytest.raises(Refusal, match="already exists"):
        store.create("main", "Mine")


def test_a_restored_workflow_whose_folder_is_gone_comes_back_at_the_top(store: Definitions) -> None:
    store.folders("main").create("/sub", 1.0)
    inside = store.create("main", "Mine", folder="/sub")
    store.create("main", "Mine")
    store.delete_folder("main", "/sub", recursive=True)
    store.restore(inside)
    assert (inside.folder, inside.name) == ("/", "Mine (2)")


def test_comparing_sees_edges_and_variables(store: Definitions) -> None:
    base = store.get("double").draft
    target = {**base, "edges": [], "variables": {"v": {"id": "v", "name": "a", "type": "number", "value": 1}}}
    diff = compare_graphs(base, target)
    assert (diff["edgeChanges"]["removed"], diff["variableChanges"]["added"], diff["hasChanges"]) == (1, 1, True)


def test_variables_are_found_by_name() -> None:
    add = {"operation": "add", "name": "a", "type": "number", "value": 1}
    variables = apply_operations({}, [add, {"operation": "edit", "name": "a", "value": 2}])
    assert [(each["name"], each["type"], each["value"]) for each in variables.values()] == [("a", "number", 2)]
    assert apply_operations(variables, [{"operation": "delete", "name": name} for name in ("a", "b")]) == {}
    with pytest.raises(Refusal, match="already exists"):
        apply_operations(variables, [add])
    with pytest.raises(Refusal, match="not found"):
        apply_operations(variables, [{"operation": "edit", "name": "b", "value": 1}])
