"""All definitions of a sandbox, by workspace."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NoReturn

import attrs

from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.chats import Chats
from simstudio.sandbox.definitions.definition import ROOT, Definition, Version
from simstudio.sandbox.definitions.exchange import Imports
from simstudio.sandbox.definitions.folders import Folder, Folders, is_within
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.workflow import Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from simstudio.sandbox.definitions.graph import State

Scope = Literal["active", "archived"]


class Definitions:
    """The definitions of all workflows.

    Args:
        workspaces: the ids of the workspaces; registered functions live in the first.
        functions: the registered functions by name, read at each use.
        clock: epoch seconds.
    """

    def __init__(
        self, workspaces: Iterable[str], functions: Mapping[str, Workflow], clock: Callable[[], float]
    ) -> None:
        self.workspaces = {workspace_id: Folders() for workspace_id in workspaces}
        self.chats = Chats()
        self.imports = Imports()
        self.functions = functions
        self.clock = clock
        self.runnable: Mapping[str, Workflow] = Runnable(self)
        """Workflows by id, for executions; those that are not deployed are there as well, and are refused later."""
        self._definitions: dict[str, Definition] = {}
        self._count = 0

    # What runs

    def register(self, workflow: Workflow) -> Definition:
        """Add the definition of a Python function, or replace it; a deployed function has version 1."""
        self._definitions.pop(workflow.id, None)
        made = self._add(
            workflow.id,
            next(iter(self.workspaces)),
            workflow.name,
            workflow.description,
            graph.of_function(workflow),
            created=workflow.created,
        )
        if workflow.deployed:
            made.deploy(workflow.created)
        made.public = workflow.public
        made.stale = workflow.needs_redeployment
        return made

    def clear(self) -> None:
        """Remove all definitions, folders and chats."""
        self.workspaces = {workspace_id: Folders() for workspace_id in self.workspaces}
        self.chats = Chats()
        self.imports = Imports()
        self._definitions = {}
        self._count = 0

    def forget(self, workflow_id: str) -> None:
        """Remove the definition of a function that is no longer registered."""
        self._definitions.pop(workflow_id, None)

    def workflow(self, workflow_id: str, *, draft: bool = False) -> Workflow | None:
        """The function that a workflow runs, with the id and the flags of the workflow.

        A graph that names no registered function runs one that fails and says so.

        Args:
            workflow_id: the workflow.
            draft: Whether to read the draft instead of the version in service; an undeployed workflow has only a draft.

        Returns:
            None for a workflow that is unknown or archived.
        """
        found = self.find(workflow_id)
        if found is None:
            return None
        state = found.draft if draft or found.active is None else found.active.state
        function = self._function(state)
        return attrs.evolve(
            function,
            name=found.id,
            created=found.created,
            deployed=found.deployed,
            deployed_at=found.deployed_at,
            public=found.public,
            needs_redeployment=found.needs_redeployment,
            fields=graph.defaults(state),
            block_ids=graph.block_ids(state),
        )

    def deployment_version_id(self, workflow_id: str) -> str | None:
        """The id of the version in service, as logs name it."""
        found = self.find(workflow_id)
        return None if found is None or found.active is None else found.active.id

    def _function(self, state: State) -> Workflow:
        found = graph.function_block(state)
        name = graph.function_name(state)
        function = None if name is None else self.functions.get(name)
        block = graph.FUNCTION.capitalize() if found is None else found["name"]
        if function is not None:
            return attrs.evolve(function, block=block)
        if name is None:
            return _make_failing(block, "the workflow has no block that names a function of the sandbox")
        return _make_failing(block, f"no function is registered as {name!r} in this sandbox")

    # Reading

    def find(self, workflow_id: str, *, archived: bool = False) -> Definition | None:
        """A definition, or None."""
        found = self._definitions.get(workflow_id)
        return found if found is not None and (archived or found.archived is None) else None

    def get(self, workflow_id: str, *, archived: bool = False) -> Definition:
        """A definition.

        Args:
            workflow_id: the workflow.
            archived: whether to include archived workflows.

        Raises:
            Refusal: 404, no workflow has this id.
        """
        found = self.find(workflow_id, archived=archived)
        if found is None:
            raise Refusal(404, "Workflow not found")
        return found

    def all_of(self, workspace_id: str, scope: Scope = "active") -> list[Definition]:
        """The definitions of a workspace, in their order."""
        return [
            each
            for each in tuple(self._definitions.values())  # functions are registered from other threads
            if each.workspace_id == workspace_id and (each.archived is None) == (scope == "active")
        ]

    def folders(self, workspace_id: str) -> Folders:
        """The folders of a workspace.

        Raises:
            Refusal: there is no such workspace.
        """
        if workspace_id not in self.workspaces:
            raise Refusal(404, "Workspace not found")
        return self.workspaces[workspace_id]

    # Writing

    def create(self, workspace_id: str, name: str, description: str | None = None, folder: str = ROOT) -> Definition:
        """Add a workflow that has only a Start block.

        Raises:
            Refusal: no such workspace or folder, or the name is taken there.
        """
        folder = self.folders(workspace_id).require(folder)
        self._check_name(workspace_id, folder, name)
        workflow_id = str(new_uuid())
        return self._add(workflow_id, workspace_id, name, description, graph.start_graph(workflow_id), folder=folder)

    def add(self, workspace_id: str, name: str, description: str | None, state: State, folder: str) -> Definition:
        """Add a workflow with this graph, new ids and a unique name.

        Raises:
            Refusal: no such workspace or folder.
        """
        folder = self.folders(workspace_id).require(folder)
        workflow_id = str(new_uuid())
        fresh, _ = graph.copy_with_new_ids(state, workflow_id)
        return self._add(
            workflow_id, workspace_id, self.free_name(workspace_id, folder, name), description, fresh, folder=folder
        )

    def duplicate(self, original: Definition, name: str | None = None, folder: str | None = None) -> Definition:
        """Copy a workflow within its workspace; the copy is undeployed and has a unique name.

        Raises:
            Refusal: no such folder.
        """
        target = original.folder if folder is None else folder
        name = f"{original.name} (Copy)" if name is None else name
        return self.add(original.workspace_id, name, original.description, original.draft, target)

    def update(self, found: Definition, changes: Mapping[str, str | None]) -> None:
        """Change ``name``, ``description`` or ``folderPath``.

        Raises:
            Refusal: no such folder, or the name is taken there.
        """
        folder, name = found.folder, changes.get("name") or found.name
        if changes.get("folderPath") is not None:
            folder = self.folders(found.workspace_id).require(str(changes["folderPath"]))
        if (folder, name) != (found.folder, found.name):
            self._check_name(found.workspace_id, folder, name)
        found.folder, found.name = folder, name
        if "description" in changes:
            found.description = changes["description"]
        found.updated = self.clock()

    def move(self, workspace_id: str, workflow_ids: Iterable[str], folder: str) -> tuple[list[str], list[str], str]:
        """Put workflows into a folder, each on its own.

        Returns:
            The moved workflows, the others, and the path of the folder.

        Raises:
            Refusal: no such workspace or folder.
        """
        folder = self.folders(workspace_id).require(folder)
        moved: list[str] = []
        failed: list[str] = []
        for workflow_id in workflow_ids:
            found = self.find(workflow_id)
            fits = found is not None and found.workspace_id == workspace_id
            if found is None or not fits or self._is_taken(workspace_id, folder, found.name, but=found):
                failed.append(workflow_id)
                continue
            found.folder, found.updated = folder, self.clock()
            moved.append(workflow_id)
        return moved, failed, folder

    def archive(self, found: Definition) -> None:
        """Archive a workflow and delete its chat."""
        found.archive(self.clock())
        self.chats.remove(found.id)

    def restore(self, found: Definition) -> None:
        """Restore a workflow, undeployed and with a unique name; into the root if its folder is gone.

        Raises:
            Refusal: it is not archived.
        """
        if found.archived is None:
            raise Refusal(409, "Workflow is not archived")
        folders = {folder.path for folder in self.folders(found.workspace_id)}
        found.folder = found.folder if found.folder in folders else ROOT
        found.name = self.free_name(found.workspace_id, found.folder, found.name)
        found.archived, found.updated = None, self.clock()

    def relocate_folder(self, workspace_id: str, path: str, destination: str) -> Folder:
        """Rename or move a folder with everything in it.

        Raises:
            Refusal: no such workspace or folder, or it cannot go there.
        """
        folder, moved = self.folders(workspace_id).relocate(path, destination, self.clock())
        for each in tuple(self._definitions.values()):
            if each.workspace_id == workspace_id:
                each.folder = moved.get(each.folder, each.folder)
        return folder

    def delete_folder(self, workspace_id: str, path: str, *, recursive: bool) -> tuple[str, int, int]:
        """Delete a folder, archiving its workflows.

        Returns:
            The path, and the numbers of deleted folders and archived workflows.

        Raises:
            Refusal: no such workspace or folder, or it is not empty and ``recursive`` is False.
        """
        folders = self.folders(workspace_id)
        path = folders.require(path)
        inside = [each for each in self.all_of(workspace_id) if is_within(each.folder, path)]
        gone = folders.delete(path, occupied=bool(inside), recursive=recursive)
        for each in inside:
            self.archive(each)
        return path, len(gone), len(inside)

    def replace_state(self, found: Definition, state: State) -> None:
        """Replace the draft.

        Raises:
            Refusal: the id of a block, edge or variable belongs to another workflow.
        """
        self._check_ids(found, state)
        found.edit(copy.deepcopy(state), self.clock())

    def deploy(self, found: Definition, name: str | None = None, description: str | None = None) -> Version:
        """Put the draft into service as a new version."""
        return found.deploy(self.clock(), name, description)

    # Names and ids

    def free_name(self, workspace_id: str, folder: str, name: str) -> str:
        """This name, or if a workflow of the folder has it, this name with a number."""
        number, free = 1, name
        while self._is_taken(workspace_id, folder, free):
            number += 1
            free = f"{name} ({number})"
        return free

    def _is_taken(self, workspace_id: str, folder: str, name: str, *, but: Definition | None = None) -> bool:
        return any(
            each.folder == folder and each.name == name and each is not but for each in self.all_of(workspace_id)
        )

    def _check_name(self, workspace_id: str, folder: str, name: str) -> None:
        if not name.strip():
            raise Refusal(400, "A workflow needs a name")
        if self._is_taken(workspace_id, folder, name):
            raise Refusal(409, f'A workflow named "{name}" already exists in this folder')

    def _check_ids(self, found: Definition, state: State) -> None:
        ids = _ids(state)
        for other in tuple(self._definitions.values()):
            if other is not found and not ids.isdisjoint(_ids(other.draft)):
                raise Refusal(409, "A block, edge or subflow id belongs to another workflow")

    def _add(
        self,
        workflow_id: str,
        workspace_id: str,
        name: str,
        description: str | None,
        draft: State,
        *,
        folder: str = ROOT,
        created: float | None = None,
    ) -> Definition:
        now = self.clock() if created is None else created
        self._count += 1
        made = Definition(workflow_id, workspace_id, name, description, draft, now, self._count, folder)
        self._definitions[workflow_id] = made
        return made


class Runnable(Mapping[str, Workflow]):
    """The workflows of a store by id, as the engine and the execute routes look them up."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def __getitem__(self, workflow_id: str) -> Workflow:
        found = self._definitions.workflow(workflow_id)
        if found is None:
            raise KeyError(workflow_id)
        return found

    def __iter__(self) -> Iterator[str]:
        return (each.id for key in self._definitions.workspaces for each in self._definitions.all_of(key))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _make_failing(block: str, message: str) -> Workflow:
    def fail(input: object) -> NoReturn:
        del input
        raise LookupError(message)

    return Workflow(name="", function=fail, block=block, created=0)


def _ids(state: State) -> set[str]:
    return {*state["blocks"], *(each["id"] for each in state["edges"])}
