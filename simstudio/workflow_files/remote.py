"""Reading a workspace and carrying out a plan, with a client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.errors import InvalidRequestError, SimStudioError
from simstudio.workflow_files.document import Document, digest, normalise, to_state
from simstudio.workflow_files.moves import Move, order_moves
from simstudio.workflow_files.plan import Change, Plan, Present, Source, Workspace
from simstudio.workflow_files.secrets import redact

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient
    from simstudio.models.v2.workflows import Workflow

Done = Callable[[Change, Present | None], None]
Report = Callable[[str], None]


def read_workspace(
    client: SimStudioClient,
    workspace_id: str,
    select: Callable[[Sequence[Workflow]], Sequence[Workflow]] = list,
) -> Workspace:
    """Read the workflows of a workspace, two requests for each.

    Args:
        client: Its key may read the workspace.
        workspace_id: The workspace.
        select: Returns those of the listed workflows that are to be read; default: all.
    """
    listed = list(client.v2.workflows.list(workspace_id, sort_by="name", sort_order="asc"))
    folders = tuple(sorted(folder.path for folder in client.v2.workflows.folders.list(workspace_id)))
    reader = _Reader(client)
    return Workspace(
        workspace_id,
        tuple(map(reader.read, select(listed))),
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


def apply_plan(client: SimStudioClient, plan: Plan, done: Done, note: Report) -> None:
    """Carry out a plan: folders, new workflows, drafts, deletions.

    Each step can be repeated: after a failure, a new plan has what is left.

    Args:
        client: Its key may write to the workspace. Sim lets only personal keys replace a draft.
        plan: The plan; its conflicts are overwritten.
        done: Called after each step of a change with the workflow as the server has it now, None after a deletion.
        note: Called with warnings of the server.

    Raises:
        InvalidInputError: A workflow is to get the name of one that keeps it; nothing was changed.
        SimStudioError: A workflow has changed since the plan was made, or a request failed.
    """
    _Application(client, plan, done, note).run()


class _Application:
    """One application of a plan."""

    def __init__(self, client: SimStudioClient, plan: Plan, done: Done, note: Report) -> None:
        self._workflows = client.v2.workflows
        self._plan = plan
        self._done = done
        self._note = note
        self._reader = _Reader(client)
        self._moves = order_moves(plan)
        self._made: dict[str, str] = {}
        """Ids of new workflows, by ids where they come from."""
        self._new: dict[str, str] = {}
        """Ids of new workflows, by keys of their sources."""
        self._now: dict[str, Present] = {}
        """Renamed workflows as they are now, by id."""
        self._deleted: set[str] = set()

    def run(self) -> None:
        workspace_id = self._plan.workspace.id
        for path in self._plan.folders:
            self._workflows.folders.create(workspace_id, path=path)
        for move in self._moves:
            self._move(move)
        for change in self._plan.changes:
            if change.action in ("create", "update") and change.source is not None:
                self._write(change, change.source, change.id or self._new[change.source.key])
            elif change.action == "delete" and change.present is not None and change.present.id not in self._deleted:
                self._delete(change, change.present)
        if self._plan.prune:
            for path in self._plan.extra_folders:
                self._workflows.folders.delete(workspace_id, path=path)

    def _move(self, move: Move) -> None:
        change = move.change
        if move.place is None and change.present is not None:
            self._delete(change, change.present)
        elif move.place is not None and change.present is not None:
            folder, name = move.place
            self._label(change, change.present, {**change.document, "folder": folder, "name": name})
        elif change.source is not None:
            self._create(change, change.source)

    def _create(self, change: Change, source: Source) -> None:
        document = source.document
        created = self._workflows.create(
            self._plan.workspace.id,
            name=document["name"],
            description=document["description"],
            folder_path=document["folder"],
        )
        self._new[source.key] = created.id
        if source.origin is not None:
            self._made[source.origin] = created.id
        # From here on a repetition finds the workflow, and updates it.
        self._done(change, self._reader.read(created))

    def _delete(self, change: Change, present: Present) -> None:
        self._workflows.delete(present.id)
        self._deleted.add(present.id)
        self._done(change, None)

    def _label(self, change: Change, present: Present, document: Document) -> Present:
        """Give a workflow the name, description and folder of a document."""
        present = self._now.get(present.id, present)
        labels = _changed_labels(document, present.document)
        if labels:
            self._require_unchanged(present)
            self._workflows.update(present.id, **labels)
            present = self._now[present.id] = self._reader.read(self._workflows.get(present.id))
            # A repetition takes the new labels for a change of its own, and not for somebody else's.
            self._done(change, present)
        return present

    def _write(self, change: Change, source: Source, workflow_id: str) -> None:
        document, _ = self._plan.make_document(source, workflow_id, change.present, self._made)
        present = None if change.present is None else self._label(change, change.present, document)
        if present is None or any(
            document[name] != present.document[name] for name in ("blocks", "edges", "variables")
        ):
            if present is not None:
                self._require_unchanged(present)
            whole = document if present is None else present.secrets.restore(document)
            state = to_state(whole, workflow_id, {} if present is None else present.state)
            for warning in self._workflows.state.replace(workflow_id, **state).warnings or ():
                self._note(f"{document['name']}: {warning}")
            present = self._reader.read(self._workflows.get(workflow_id))
            self._done(change, present)
        if digest(present.document) != digest(document):
            self._note(f"{document['name']}: the server keeps it in another form; pull to have it in the files")

    def _require_unchanged(self, present: Present) -> None:
        if self._workflows.state.get(present.id).to_dict() != present.state:
            raise SimStudioError(
                f"{present.document['name']} was changed on the server since the plan was made. Run the command again."
            )


def _changed_labels(wanted: Document, present: Document) -> dict[str, Any]:
    """The arguments of ``client.v2.workflows.update``, without those that stay as they are."""
    arguments = {"name": "name", "description": "description", "folder": "folder_path"}
    return {argument: wanted[name] for name, argument in arguments.items() if wanted[name] != present[name]}
