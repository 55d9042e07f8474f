"""Workflows that take each other's names, in a push and in a pull: Sim refuses two of one name in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simstudio import InvalidInputError, SimStudioClient
from simstudio.sandbox import Sandbox
from simstudio.workflow_files.folder import Pull, WorkflowFolder
from simstudio.workflow_files.plan import Plan, make_plan
from simstudio.workflow_files.remote import apply_plan, read_workspace

SPACE = "ws"
NAMES = ("a", "b", "c")
RENAMINGS: list[dict[str, str | None]] = [
    {"a": "b", "b": "a"},
    {"a": "b", "b": "c", "c": "a"},
    {"a": "b", "b": "c", "c": "d"},
    {"a": "b", "b": "a", "c": None},
    {"a": "b", "b": "c", "c": None},
    {"a": "/F/b", "b": "/F/a"},
]
"""New names by old ones; None for a workflow that was deleted."""


@pytest.fixture
def client() -> Iterator[SimStudioClient]:
    with Sandbox(workspaces=[SPACE]).serve() as server, server.client(api_version="v2") as client:
        yield client


@pytest.fixture
def ids(client: SimStudioClient, tmp_path: Path) -> dict[str, str]:
    """Ids of the workflows by their names; they are pulled."""
    client.v2.workflows.folders.create(SPACE, path="/F")
    found = {name: client.v2.workflows.create(SPACE, name=name, description=name).id for name in NAMES}
    pull(client, tmp_path)
    return found


def pull(client: SimStudioClient, root: Path, *only: str) -> Pull:
    there = read_workspace(client, SPACE, lambda all_: [each for each in all_ if each.id in only or not only])
    folder = WorkflowFolder(root)
    plan = folder.plan_pull(there, partial=bool(only))
    if not plan.conflicts:
        folder.apply_pull(plan, there, partial=bool(only))
    return plan


def plan_push(client: SimStudioClient, root: Path, *, prune: bool = False, only: str = "") -> Plan:
    folder = WorkflowFolder(root)
    sources = [each for each in folder.sources(SPACE) if each.document["name"] == only or not only]
    there = read_workspace(client, SPACE, lambda all_: [each for each in all_ if each.id == sources[0].id or not only])
    known, folders = folder.digests_of(SPACE), folder.manifest.folders
    return make_plan(sources, there, same=True, folders=folders, known=known, prune=prune, partial=bool(only))


def push(client: SimStudioClient, root: Path, plan: Plan) -> None:
    folder = WorkflowFolder(root)

    def note(change: Any, now: Any) -> None:
        if now is None:
            folder.forget(SPACE, change.present.id)
        else:
            folder.note(SPACE, change.source, now)
        folder.save()

    complaints: list[str] = []
    apply_plan(client, plan, note, complaints.append)
    assert complaints == []


def edit(root: Path, stem: str, **changes: Any) -> None:
    file = root / "workflows" / f"{stem}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def rename_files(root: Path, names: Mapping[str, str | None]) -> None:
    for old, new in names.items():
        if new is None:
            (root / "workflows" / f"{old}.json").unlink()
        else:
            edit(root, old, name=new.split("/")[-1], folder="/F" if "/" in new else "/")


def rename_workflows(client: SimStudioClient, ids: Mapping[str, str], names: Mapping[str, str | None]) -> None:
    for old in names:
        client.v2.workflows.update(ids[old], name=f"moving {old}")
    for old, new in names.items():
        if new is None:
            client.v2.workflows.delete(ids[old])
        else:
            folder = "/F" if "/" in new else "/"
            client.v2.workflows.update(ids[old], name=new.split("/")[-1], folder_path=folder)


def expected(ids: Mapping[str, str], names: Mapping[str, str | None]) -> dict[str, str]:
    after = {old: names.get(old, old) for old in NAMES}
    return {ids[old]: new if "/" in new else f"/{new}" for old, new in after.items() if new is not None}


def on_server(client: SimStudioClient) -> dict[str, str]:
    return {each.id: f"{each.folder_path.rstrip('/')}/{each.name}" for each in client.v2.workflows.list(SPACE)}


def in_files(root: Path) -> dict[str, str]:
    sources = WorkflowFolder(root).sources(SPACE)
    return {str(each.id): f"{each.document['folder'].rstrip('/')}/{each.document['name']}" for each in sources}


@pytest.mark.parametrize("names", RENAMINGS, ids=str)
def test_a_push_gives_workflows_the_names_of_others(
    client: SimStudioClient, ids: dict[str, str], tmp_path: Path, names: dict[str, str | None]
) -> None:
    rename_files(tmp_path, names)
    plan = plan_push(client, tmp_path, prune=True)
    assert plan.conflicts == []

    push(client, tmp_path, plan)

    assert on_server(client) == expected(ids, names)
    assert {each.id: each.description for each in client.v2.workflows.list(SPACE)}[ids["a"]] == "a"
    assert not [each for each in plan_push(client, tmp_path).changes if each.action != "unchanged"]
    pull(client, tmp_path)
    assert in_files(tmp_path) == expected(ids, names)


@pytest.mark.parametrize("names", RENAMINGS, ids=str)
def test_a_pull_takes_over_names_that_workflows_took_from_others(
    client: SimStudioClient, ids: dict[str, str], tmp_path: Path, names: dict[str, str | None]
) -> None:
    rename_workflows(client, ids, names)

    plan = pull(client, tmp_path)

    assert plan.conflicts == {}
    assert not set(plan.remove) & set(plan.write)
    assert in_files(tmp_path) == expected(ids, names)


def test_a_new_workflow_takes_the_name_that_another_gives_up(
    client: SimStudioClient, ids: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "workflows" / "new.json").write_text(json.dumps({"name": "a"}))
    rename_files(tmp_path, {"a": "z"})

    push(client, tmp_path, plan_push(client, tmp_path))

    names = on_server(client)
    assert names.pop(ids["a"]) == "/z"
    assert sorted(names.values()) == ["/a", "/b", "/c"]


def test_a_swap_that_failed_half_way_is_finished_by_the_next_push(
    client: SimStudioClient, ids: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, str | None] = {"a": "b", "b": "a"}
    rename_files(tmp_path, names)
    update, calls = client.v2.workflows.update, iter(range(9))

    def fail_second(_: Any, *args: Any, **options: Any) -> Any:
        if next(calls):
            raise ConnectionResetError
        return update(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(client.v2.workflows), "update", fail_second)
        with pytest.raises(ConnectionResetError):
            push(client, tmp_path, plan_push(client, tmp_path))

    plan = plan_push(client, tmp_path)
    assert plan.conflicts == []
    push(client, tmp_path, plan)
    assert on_server(client) == expected(ids, names)


@pytest.mark.parametrize(("only", "advice"), [("", ", or push with --prune, which deletes that one"), ("b", "")])
def test_the_name_of_a_workflow_that_stays_is_refused_before_anything_is_changed(
    client: SimStudioClient, ids: dict[str, str], tmp_path: Path, only: str, advice: str
) -> None:
    rename_files(tmp_path, {"a": "b", "b": None})

    with pytest.raises(InvalidInputError) as error:
        push(client, tmp_path, plan_push(client, tmp_path, only=only))

    assert str(error.value) == (
        f"workflows/a.json cannot be called 'b': the workflow {ids['b']} of the folder / keeps this name. Give one "
        f"another name{advice}."
    )
    assert on_server(client) == expected(ids, {})


class TestOfAPull:
    def test_the_file_of_the_workflow_itself_is_not_in_the_way(
        self, client: SimStudioClient, ids: dict[str, str], tmp_path: Path
    ) -> None:
        rename_workflows(client, ids, {"a": "A"})
        folder = tmp_path / "workflows"
        (folder / "A.json").hardlink_to(folder / "a.json")  # as on a file system that ignores case

        assert pull(client, tmp_path).conflicts == {}
        assert in_files(tmp_path) == expected(ids, {"a": "A"})

    def test_a_file_that_was_changed_here_is_in_the_way(
        self, client: SimStudioClient, ids: dict[str, str], tmp_path: Path
    ) -> None:
        rename_workflows(client, ids, {"a": "b", "b": None})
        edit(tmp_path, "b", description="mine")

        assert pull(client, tmp_path).conflicts == {"workflows/b.json": "was changed here since the last pull"}

    def test_a_file_whose_workflow_is_not_pulled_is_in_the_way(
        self, client: SimStudioClient, ids: dict[str, str], tmp_path: Path
    ) -> None:
        rename_workflows(client, ids, {"a": "b", "b": "a"})

        assert pull(client, tmp_path, ids["a"]).conflicts == {
            "workflows/b.json": "is the file of another workflow, whose name has changed: pull that one as well"
        }

    def test_a_file_that_stays_is_the_only_one_of_its_workflow(
        self, client: SimStudioClient, ids: dict[str, str], tmp_path: Path
    ) -> None:
        """It was changed here, and a new workflow of the same name in capitals gives it another path."""
        edit(tmp_path, "a", description="mine")
        ids["A"] = client.v2.workflows.create(SPACE, name="A").id

        for _ in range(2):
            plan = pull(client, tmp_path)
            assert (plan.kept, plan.conflicts) == ({"workflows/a.json": "was changed here since the last pull"}, {})

        push(client, tmp_path, plan_push(client, tmp_path))
        assert {each.id: each.description for each in client.v2.workflows.list(SPACE)}[ids["a"]] == "mine"
        assert len(in_files(tmp_path)) == len(ids)
