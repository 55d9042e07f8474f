"""A plan: what to create, update and delete, so that a workspace has the workflows of a folder or another workspace."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import attrs

from simstudio.transport.errors import InvalidInputError
from simstudio.workflow_files.comparing import Difference, compare
from simstudio.workflow_files.document import Document, digest, ids_for, with_block_ids
from simstudio.workflow_files.references import bind
from simstudio.workflow_files.secrets import Secrets, clear_secrets

Json = Any
Place = tuple[str, str]
"""Folder and name of a workflow."""
Action = Literal["create", "update", "unchanged", "delete", "extra"]


@attrs.frozen
class Present:
    """A workflow that a workspace has.

    Attributes:
        document: Its normal form, without secrets.
        state: The draft as the server sent it, with secrets.
        secrets: The secrets of the draft.
        is_deployed: Whether a version is deployed.
    """

    id: str
    document: Document
    state: Mapping[str, Json] = attrs.field(factory=dict, repr=False)
    secrets: Secrets = attrs.field(factory=Secrets, repr=False)
    is_deployed: bool = False

    @property
    def place(self) -> Place:
        """Folder and name."""
        return self.document["folder"], self.document["name"]


@attrs.frozen
class Workspace:
    """The content of a workspace.

    Attributes:
        workflows: The workflows that were read.
        folders: Paths of all folders.
        places: Folders and names of all workflows, by id.
    """

    id: str
    workflows: tuple[Present, ...]
    folders: tuple[str, ...] = ()
    places: Mapping[str, Place] = attrs.field(factory=dict)


@attrs.frozen
class Source:
    """The wanted state of a workflow.

    Attributes:
        document: Normal form that the workflow is to have.
        file: Path of its file; empty if it comes from a workspace.
        origin: Its id in the workspace that it comes from.
        id: Its id in the workspace of the plan, if it was there before.
        base: Digest of the document that the workspace had at the last pull or push.
    """

    document: Document
    file: str = ""
    origin: str | None = None
    id: str | None = None
    base: str | None = None

    @classmethod
    def of(cls, present: Present) -> Source:
        """The workflow of another workspace."""
        return cls(present.document, origin=present.id)

    @property
    def place(self) -> Place:
        """Folder and name."""
        return self.document["folder"], self.document["name"]

    @property
    def key(self) -> str:
        """A text that is unique among the sources of a plan."""
        return self.file or self.origin or str(self.document["name"])

    @property
    def label(self) -> str:
        """The file, else the name."""
        return self.file or str(self.document["name"])


@attrs.frozen
class Mapped:
    """Names and ids of two workspaces that correspond.

    Attributes:
        workflows: Name or id of a workflow in the workspace of the plan, by its name or id where it comes from. The
            workflow keeps its name and folder.
        references: Id of a credential, table … in the workspace of the plan, by its id where it comes from.
    """

    workflows: Mapping[str, str] = attrs.field(factory=dict)
    references: Mapping[str, str] = attrs.field(factory=dict)

    def workflow(self, source: Source) -> str | None:
        """Name or id of a workflow in the workspace of the plan; None if the mapping does not have it."""
        return self.workflows.get(source.document["name"]) or self.workflows.get(source.origin or "")

    @classmethod
    def parse(cls, content: Json, where: str) -> Mapped:
        """Read a mapping file.

        Raises:
            InvalidInputError: The content is no mapping.
        """
        parts: dict[str, Json] = content if isinstance(content, dict) else {"": None}
        known = {"workflows", "references"}
        if not set(parts) <= known or not all(
            isinstance(part, dict) and all(isinstance(each, str) for each in part.values()) for part in parts.values()
        ):
            raise InvalidInputError(
                f'{where} is no mapping. One is {{"workflows": {{"name": "name or id there"}}, "references": {{"id": '
                '"id there"}}.'
            )
        return cls(**parts)


@attrs.frozen
class Change:
    """The change of one workflow.

    Attributes:
        action: ``extra`` is a workflow that only the workspace has, and that stays.
        document: The wanted document; of a workflow that only the workspace has, its document there.
        differences: Differences between the workspace and the wanted document.
        conflict: Reason for which the change needs force; empty if it needs none.
        notes: Settings that a person has to fill in.
        source: The wanted workflow; None for ``delete`` and ``extra``.
        present: The workflow in the workspace; None for ``create``.
    """

    action: Action
    document: Document
    differences: tuple[Difference, ...] = ()
    conflict: str = ""
    notes: tuple[str, ...] = ()
    source: Source | None = None
    present: Present | None = None

    @property
    def name(self) -> str:
        """Name of the workflow."""
        return str(self.document["name"])

    @property
    def place(self) -> Place:
        """Folder and name that are wanted."""
        return self.document["folder"], self.document["name"]

    @property
    def id(self) -> str | None:
        """Id of the workflow in the workspace; None for ``create``."""
        return None if self.present is None else self.present.id

    def to_dict(self) -> dict[str, Json]:
        """The plan as JSON data."""
        return {
            "action": self.action,
            "name": self.name,
            "folder": self.document["folder"],
            "id": self.id,
            "file": (self.source.file or None) if self.source is not None else None,
            "conflict": self.conflict or None,
            "differences": [each.to_dict() for each in self.differences],
            "notes": list(self.notes),
        }


@attrs.frozen
class Plan:
    """The changes in a workspace.

    Attributes:
        same: Whether the workflows come from this workspace.
        changes: One for each workflow, those to be created or updated first.
        folders: Paths of folders to create, those above first.
        extra_folders: Paths of folders that are not wanted, the deepest first.
        prune: Whether what is not wanted is deleted.
        translations: Ids in the workspace by ids where the workflows come from.
    """

    workspace: Workspace
    same: bool
    changes: tuple[Change, ...]
    folders: tuple[str, ...]
    extra_folders: tuple[str, ...]
    prune: bool
    translations: Mapping[str, str]

    @property
    def conflicts(self) -> list[Change]:
        """Changes that need force."""
        return [each for each in self.changes if each.conflict]

    @property
    def differs(self) -> bool:
        """Whether the workspace is not as wanted."""
        return bool(self.folders or self.extra_folders) or any(each.action != "unchanged" for each in self.changes)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        doing = any(each.action in ("create", "update", "delete") for each in self.changes)
        return not doing and not self.folders and not (self.prune and self.extra_folders)

    def make_document(
        self, source: Source, workflow_id: str, present: Present | None, made: Mapping[str, str]
    ) -> tuple[Document, tuple[str, ...]]:
        """The document as the workspace is to have it, and the settings that a person has to fill in.

        Args:
            source: The workflow.
            workflow_id: Its id in the workspace.
            present: The workflow in the workspace; None if it is new.
            made: Ids of new workflows, by ids where they come from.
        """
        return settle(source, workflow_id, present, None if self.same else {**self.translations, **made})


def settle(
    source: Source, workflow_id: str, present: Present | None, translations: Mapping[str, str] | None
) -> tuple[Document, tuple[str, ...]]:
    """Settle a document like :meth:`Plan.make_document`; without translations, references stay as they are."""
    now = None if present is None else present.document
    secrets = Secrets() if present is None else present.secrets
    document = with_block_ids(source.document, ids_for(source.document, workflow_id, now))
    document, empty = secrets.settle(document, now)
    unbound: list[str] = []
    if translations is not None:
        document, unbound = bind(document, now, translations.get)
    return document, (
        *(f"{place}: the server has no secret here, so it stays empty" for place in dict.fromkeys(empty)),
        *(f"{place}: not mapped, so it stays empty" for place in unbound),
    )


def make_plan(
    sources: Sequence[Source],
    workspace: Workspace,
    *,
    same: bool,
    folders: Iterable[str] = (),
    mapped: Mapped | None = None,
    known: Mapping[str, str] | None = None,
    prune: bool = False,
    partial: bool = False,
) -> Plan:
    """Compare the wanted workflows with those of a workspace.

    Args:
        sources: The wanted workflows.
        workspace: Present state of the workspace.
        same: Whether they come from this workspace: then ids of credentials and tables are its own, and a workflow that
            was changed there since is a conflict.
        folders: Paths of wanted folders.
        mapped: Workflows and resources whose names or ids differ.
        known: Digests of the workspace's documents at the last pull or push, by workflow id.
        prune: Whether to delete what is not wanted.
        partial: Whether the sources are only some of the wanted workflows, so that nothing is superfluous.

    Raises:
        InvalidInputError: Two sources are the same workflow, a source holds a secret, or its workflow is not unique.
    """
    mapped = Mapped() if mapped is None else mapped
    _check(sources)
    matches = _match(sources, workspace, mapped)
    translations = dict(mapped.references)
    for source in sources:
        found = matches.get(source.key)
        if source.origin is not None:
            # The id of a workflow that is still to be created is not known: its name stands for it in the preview.
            translations.setdefault(source.origin, source.document["name"] if found is None else found.id)
    pairs = [
        (_with_name_of_mapping(source, matches.get(source.key), mapped), matches.get(source.key)) for source in sources
    ]
    changes = [_change(*pair, same=same, translations=None if same else translations) for pair in pairs]
    used = {found.id for found in matches.values()}
    rest = () if partial else [each for each in workspace.workflows if each.id not in used]
    changes += [_change_without_source(each, known or {}, prune=prune) for each in rest]
    order = ("create", "update", "delete", "extra", "unchanged")
    changes.sort(key=lambda each: (order.index(each.action), each.document["folder"], each.name))
    needed = with_parents([*folders, *(source.document["folder"] for source, _ in pairs)])
    extra = [] if partial else sorted(set(workspace.folders) - set(needed), key=lambda path: (-path.count("/"), path))
    missing = [path for path in needed if path not in workspace.folders]
    return Plan(workspace, same, tuple(changes), tuple(missing), tuple(extra), prune, translations)


def _check(sources: Sequence[Source]) -> None:
    places: dict[Place, Source] = {}
    for source in sources:
        secrets = clear_secrets(source.document)
        if secrets:
            raise InvalidInputError(
                f"{source.label} holds a secret in clear text: {', '.join(secrets[:5])}. Set it as a secret of the "
                "workspace, and write {{NAME}}."
            )
        other = places.setdefault(source.place, source)
        if other is not source and (source.id is None or other.id is None or source.id == other.id):
            raise InvalidInputError(
                f"{other.label} and {source.label} are the same workflow: both are called "
                f"{source.document['name']!r}, in the folder {source.document['folder']}. Give one another name."
            )


def _match(sources: Sequence[Source], workspace: Workspace, mapped: Mapped) -> dict[str, Present]:
    """The workflow of each source, by the source's key: by id, else by mapping, folder and name, or name alone."""
    by_id = {each.id: each for each in workspace.workflows}
    found = {source.key: by_id[source.id] for source in sources if source.id in by_id}
    for way in (_by_mapping(mapped), _same_place, _same_name(sources)):
        for source in sources:
            if source.key in found or source.id in by_id:
                continue
            used = {each.id for each in found.values()}
            alike = [each for each in workspace.workflows if each.id not in used and way(source, each)]
            if len(alike) > 1:
                raise InvalidInputError(
                    f"{source.label} may be any of {len(alike)} workflows called {alike[0].document['name']!r}. Tell "
                    "which by its id in a mapping."
                )
            if alike:
                found[source.key] = alike[0]
    return found


def _with_name_of_mapping(source: Source, found: Present | None, mapped: Mapped) -> Source:
    """A workflow of the mapping keeps the name and the folder that it has there."""
    if found is None or mapped.workflow(source) is None:
        return source
    return attrs.evolve(
        source, document={**source.document, **{key: found.document[key] for key in ("name", "folder")}}
    )


def _by_mapping(mapped: Mapped) -> Any:
    def way(source: Source, each: Present) -> bool:
        wanted = mapped.workflow(source)
        return wanted is not None and wanted in (each.id, each.document["name"])

    return way


def _same_place(source: Source, each: Present) -> bool:
    return source.place == each.place


def _same_name(sources: Sequence[Source]) -> Any:
    names = [source.document["name"] for source in sources]

    def way(source: Source, each: Present) -> bool:
        name = source.document["name"]
        return names.count(name) == 1 and name == each.document["name"]

    return way


def _change(source: Source, found: Present | None, *, same: bool, translations: Mapping[str, str] | None) -> Change:
    if found is None:
        _, notes = settle(source, "", None, translations)
        gone = "deleted on the server since the pull" if same and source.id is not None else ""
        return Change("create", source.document, (), gone, notes, source)
    document, notes = settle(source, found.id, found, translations)
    differences = compare(found.document, document)
    if document == found.document:
        return Change("unchanged", document, source=source, present=found)
    conflict = ""
    if source.base is not None and source.base != digest(found.document):
        conflict = "changed on the server since the pull"
    elif source.base is None and same:
        conflict = "on the server already, and not pulled from there"
    return Change("update", document, tuple(differences), conflict, notes, source, found)


def _change_without_source(found: Present, known: Mapping[str, str], *, prune: bool) -> Change:
    base = known.get(found.id)
    changed = prune and base is not None and base != digest(found.document)
    conflict = "changed on the server since the pull" if changed else ""
    return Change("delete" if prune else "extra", found.document, conflict=conflict, present=found)


def with_parents(paths: Collection[str]) -> list[str]:
    """Paths of folders and of those above them, those above first; the root is not among them."""
    found: set[str] = set()
    for path in paths:
        names = path.strip("/").split("/") if path.strip("/") else []
        found.update("/" + "/".join(names[:end]) for end in range(1, len(names) + 1))
    return sorted(found, key=lambda path: (path.count("/"), path))
