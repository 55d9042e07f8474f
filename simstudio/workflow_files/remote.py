"""Reading a workspace and carrying out a plan, with a client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simstudio.errors import InvalidRequestError
from simstudio.workflow_files.document import digest, normalise, to_state
from simstudio.workflow_files.plan import Plan, Present, Source, Workspace
from simstudio.workflow_files.secrets import redact

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient
    from simstudio.models.v2.workflows import Workflow
    from simstudio.workflow_files.plan import Change

Report = Callable[[str], None]


def read_workspace(
    client: SimStudioClient, workspace_id: str, only: Callable[[Workflow], bool] | None = None
) -> Workspace:
    """Read the workflows of a workspace, two requests for each.

    Args:
        client: Its key may read the workspace.
        workspace_id: The workspace.
        only: Which workflows to read; default: all.
    """
    listed = list(client.v2.workflows.list(workspace_id, sort_by="name", sort_order="asc"))
    folders = tuple(sorted(folder.path for folder in client.v2.workflows.folders.list(workspace_id)))
    reader = _Reader(client)
    return Workspace(
        workspace_id,
        tuple(reader.read(each) for each in listed if only is None or only(each)),
        folders,
        {each.id: (each.folder_path, each.name) for each in listed},
    )


class _Reader:
    """Reads workflows; learns from the first whether the server exports ids of credentials and tables."""

    def __init__(self, client: SimStudioClient) -> None:
        self._workflows = client.v2.workflows
        self._bindings: bool | None = True

    def read(self, listed: Workflow) -> Present:
        state = self._workflows.state.get(listed.id).to_dict()
        about: dict[str, Any] = {
            "name": listed.name,
            "description": listed.description,
            "folder": listed.folder_path,
        }
        exported = normalise(self._export(listed.id), **about)
        document, secrets = redact(normalise(state, **about), exported)
        return Present(listed.id, document, state, secrets, listed.is_deployed)

    def _export(self, workflow_id: str) -> Mapping[str, Any]:
        try:
            return self._workflows.export(workflow_id, include_workspace_bindings=self._bindings).state
        except InvalidRequestError:
            if self._bindings is None:
                raise
        self._bindings = None  # servers before August 2026 do not have this parameter
        return self._export(workflow_id)


def apply_plan(
    client: SimStudioClient, plan: Plan, done: Callable[[Change, Present | None], None], note: Report
) -> None:
    """Carry out a plan: folders, new workflows, drafts, then what is to be deleted.

    Each step can be repeated: after a failure, a new plan has what is left.

    Args:
        client: Its key may write to the workspace. Sim lets only personal keys replace a draft.
        plan: The plan; its conflicts are overwritten.
        done: Called with each change that was carried out, and what the server has now; None after a deletion.
        note: Called with what a person should know.
    """
    workflows, workspace_id = client.v2.workflows, plan.workspace.id
    for path in plan.folders:
        workflows.folders.create(workspace_id, path=path)
    made: dict[str, str] = {}
    ids: dict[int, str] = {}
    for index, change in enumerate(plan.changes):
        if change.action == "create" and change.source is not None:
            document = change.source.document
            created = workflows.create(
                workspace_id, name=document["name"], description=document["description"], folder_path=document["folder"]
            )
            ids[index] = created.id
            if change.source.origin is not None:
                made[change.source.origin] = created.id
            # From here on a repetition finds the workflow, and updates it.
            done(change, _Reader(client).read(created))
    for index, change in enumerate(plan.changes):
        if change.action in ("create", "update") and change.source is not None:
            workflow_id = ids[index] if change.present is None else change.present.id
            done(change, _write(client, plan, change.source, change.present, workflow_id, made, note))
        elif change.action == "delete" and change.present is not None:
            workflows.delete(change.present.id)
            done(change, None)
    if plan.prune:
        for path in plan.extra_folders:
            workflows.folders.delete(workspace_id, path=path)


def _write(
    client: SimStudioClient,
    plan: Plan,
    source: Source,
    present: Present | None,
    workflow_id: str,
    made: Mapping[str, str],
    note: Report,
) -> Present:
    workflows = client.v2.workflows
    document, _ = plan.wanted(source, workflow_id, present, made)
    if present is not None:
        names = {"name": "name", "description": "description", "folder": "folder_path"}
        changed: dict[str, Any] = {
            argument: document[name] for name, argument in names.items() if document[name] != present.document[name]
        }
        if changed:
            workflows.update(workflow_id, **changed)
    graph = ("blocks", "edges", "variables")
    if present is None or any(document[name] != present.document[name] for name in graph):
        whole = document if present is None else present.secrets.restore(document)
        state = to_state(whole, workflow_id, {} if present is None else present.state)
        for warning in workflows.state.replace(workflow_id, **state).warnings or ():
            note(f"{document['name']}: {warning}")
    now = _Reader(client).read(workflows.get(workflow_id))
    if digest(now.document) != digest(document):
        note(f"{document['name']}: the server keeps it in another form; pull to have it in the files")
    return now
