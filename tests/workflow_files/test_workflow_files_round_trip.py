"""Pull, push, pull: the same files, whatever workflows and folders are called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simstudio import SimStudioClient
from simstudio.sandbox import Sandbox
from simstudio.workflow_files.document import with_block_ids, write_document
from simstudio.workflow_files.folder import WorkflowFolder
from simstudio.workflow_files.plan import Plan, make_plan
from simstudio.workflow_files.remote import apply_plan, read_workspace
from tests.properties import examples
from tests.tls import one_tls_context  # noqa: F401 - a fixture

SPACES = [f"ws-{number}" for number in range(200)]
_unused = iter(SPACES)
KEY = "sk-proj-0123456789abcdef"
HOSTILE = [
    "../../etc/passwd", "a/b\\c", "con", "NUL.json", "..x", "Grüße 世界", "e\u0301", "é", "A", "a", "\u202egnp.exe",
    "line\nbreak", "$lines", "-rf", "{{NAME}}", "x" * 255, " ", "simstudio.json", "%2E%2E", "a.json", "☃",
]  # fmt: skip
NAMES = st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=12)


@pytest.fixture(scope="module")
def client() -> Iterator[SimStudioClient]:
    with Sandbox(workspaces=SPACES).serve() as server, server.client(api_version="v2") as client:
        yield client


def write(client: SimStudioClient, workspace: str, folder: list[str], name: str, text: str) -> str:
    """Create a workflow with a prompt, a secret, a condition and a variable."""
    workflow = client.v2.workflows.create(workspace, name=name, folder_path=folder)
    state: Any = client.v2.workflows.state.get(workflow.id).to_dict()
    (start,) = state["blocks"]
    agent, choice = f"{workflow.id[:-1]}x", f"{workflow.id[:-1]}y"
    settings_ = {"prompt": text, "apiKey": KEY, "tools": [{"type": "mail", "params": {"password": KEY}}]}
    for key, kind, values in ((agent, "agent", settings_), (choice, "condition", {"conditions": f"{agent}-if"})):
        state["blocks"][key] = {
            "id": key, "type": kind, "name": kind.title(), "position": {"x": 1, "y": 2}, "outputs": {}, "enabled": True,
            "subBlocks": {each: {"id": each, "type": "x", "value": value} for each, value in values.items()},
        }  # fmt: skip
    for number, (source, target) in enumerate(((start, agent), (agent, choice), (start, agent))):
        edge = {"id": f"{workflow.id}-{number}", "source": source, "target": target, "sourceHandle": "source"}
        state["edges"].append({**edge, "targetHandle": "target"})
    variable = {"id": f"{workflow.id}-v", "name": "apiKey", "type": "string", "value": KEY}
    state["variables"] = {variable["id"]: variable}
    graph = {name: state[name] for name in ("blocks", "edges", "variables")}
    client.v2.workflows.state.replace(workflow.id, **graph)
    return workflow.id


def pull(client: SimStudioClient, workspace: str, root: Path) -> WorkflowFolder:
    there, folder = read_workspace(client, workspace), WorkflowFolder(root)
    plan = folder.plan_pull(there)
    assert not plan.conflicts
    folder.apply_pull(plan, there)
    return folder


def push(client: SimStudioClient, workspace: str, root: Path) -> Plan:
    folder = WorkflowFolder(root)
    plan = make_plan(
        folder.sources(workspace),
        read_workspace(client, workspace),
        same=folder.manifest.workspace == workspace,
        folders=folder.manifest.folders,
    )
    complaints: list[str] = []

    def note(change: Any, now: Any) -> None:
        folder.note(workspace, change.source, now)
        folder.save()

    apply_plan(client, plan, note, complaints.append)
    assert complaints == []
    return plan


def files(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def without_ids(root: Path, workspace: str) -> list[str]:
    """The texts of a folder's workflows, with the number of a block for its id, and without placeholders."""
    documents = [source.document for source in WorkflowFolder(root).sources(workspace)]
    numbered = (
        with_block_ids(each, {block["id"]: f"block {number}" for number, block in enumerate(each["blocks"])})
        for each in documents
    )
    return sorted(write_document(each).replace("${secret:1}", "") for each in numbered)


@given(st.lists(st.tuples(NAMES, NAMES, st.booleans()), min_size=1, max_size=4, unique_by=lambda each: each[1]))
@example([("a.json", name, index % 2 == 0) for index, name in enumerate(HOSTILE) if name.strip()])
@settings(max_examples=examples(2), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_files_are_the_same_after_a_push(
    client: SimStudioClient, tmp_path: Path, wanted: list[tuple[str, str, bool]]
) -> None:
    origin, copied = next(_unused), next(_unused)
    first, second = tmp_path / origin, tmp_path / copied
    for folder, name, nested in wanted:
        usable = name.strip() and folder not in (".", "..") and "\0" not in name + folder
        if usable:
            if nested and not any(each.name == folder for each in client.v2.workflows.folders.list(origin)):
                client.v2.workflows.folders.create(origin, path=[folder])
            write(client, origin, [folder] if nested else [], name, f"{name}\n<start.{folder}>")

    pull(client, origin, first)
    before = files(first)
    assert push(client, origin, first).is_empty
    pull(client, origin, first)

    assert files(first) == before
    assert KEY.encode() not in b"".join(before.values())
    if len(before) > 1:
        push(client, copied, first)
        assert not push(client, copied, first).differs
        pull(client, copied, second)
        assert without_ids(first, origin) == without_ids(second, copied)


class TestSecrets:
    def test_stay_on_the_server_when_something_else_is_pushed(self, client: SimStudioClient, tmp_path: Path) -> None:
        space = next(_unused)
        workflow = write(client, space, [], "kept", "before")
        pull(client, space, tmp_path)
        (file,) = (tmp_path / "workflows").iterdir()
        file.write_text(file.read_text().replace('"before"', '"after"'))

        plan = push(client, space, tmp_path)

        assert [each.action for each in plan.changes] == ["update"]
        state = client.v2.workflows.state.get(workflow).to_dict()
        (agent,) = (each for each in state["blocks"].values() if each["type"] == "agent")
        assert agent["subBlocks"]["prompt"]["value"] == "after"
        assert agent["subBlocks"]["apiKey"]["value"] == KEY
        assert agent["subBlocks"]["tools"]["value"][0]["params"]["password"] == KEY
        assert [each["value"] for each in state["variables"].values()] == [KEY]
        assert KEY not in repr(plan)


@contextmanager
def failing_drafts(client: SimStudioClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the connection break when a draft is replaced."""

    def broken(*_: Any, **__: Any) -> Any:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(type(client.v2.workflows.state), "replace", broken)
        yield


def test_a_push_that_failed_half_way_goes_on_without_duplicates(
    client: SimStudioClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, copied = next(_unused), next(_unused)
    write(client, origin, [], "once", "text")
    pull(client, origin, tmp_path)

    with failing_drafts(client, monkeypatch), pytest.raises(ConnectionResetError):
        push(client, copied, tmp_path)

    assert [each.action for each in push(client, copied, tmp_path).changes] == ["update"]
    assert [each.name for each in client.v2.workflows.list(copied)] == ["once"]
    assert push(client, copied, tmp_path).is_empty


def test_a_push_that_failed_between_name_and_draft_is_no_change_by_somebody_else(
    client: SimStudioClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = next(_unused)
    write(client, space, [], "old", "before")
    pull(client, space, tmp_path)
    (file,) = (tmp_path / "workflows").iterdir()
    file.write_text(file.read_text().replace('"before"', '"after"').replace('"old"', '"new"'))

    with failing_drafts(client, monkeypatch), pytest.raises(ConnectionResetError):
        push(client, space, tmp_path)

    assert push(client, space, tmp_path).conflicts == []
