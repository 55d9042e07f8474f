"""A folder with the workflows of a workspace, and its manifest.

``simstudio.json`` names the workspace, its folders and, for each workspace that was pulled or pushed, the id of each
file's workflow and a digest of the server's state. Files that the manifest does not name have another origin: they are
read as new workflows, and never replaced or deleted without force.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import attrs

from simstudio.core.disk import output_file, write_unless_there
from simstudio.transport.errors import InvalidInputError
from simstudio.workflow_files.document import (
    Document,
    digest,
    read_document,
    read_json,
    write_document,
    write_json,
)
from simstudio.workflow_files.paths import WORKFLOWS, workflow_paths
from simstudio.workflow_files.plan import Present, Source, Workspace, with_parents

MANIFEST = "simstudio.json"
_FORMAT = 1


@attrs.frozen
class Entry:
    """Entry of a file in the manifest: id of its workflow, and digest of the document that the server had."""

    id: str
    digest: str


@attrs.define
class Manifest:
    """The content of ``simstudio.json``.

    Attributes:
        workspace: Id of the workspace that was pulled; None before the first pull.
        folders: Paths of its folders.
        entries: By workspace and path of the file.
    """

    workspace: str | None = None
    folders: list[str] = attrs.field(factory=list)
    entries: dict[str, dict[str, Entry]] = attrs.field(factory=dict)

    def of(self, workspace_id: str) -> dict[str, Entry]:
        """The entries of a workspace, to be changed."""
        return self.entries.setdefault(workspace_id, {})

    def to_text(self) -> str:
        """The text of the file."""
        entries = {
            workspace: {path: attrs.asdict(entry) for path, entry in files.items()}
            for workspace, files in self.entries.items()
            if files
        }
        content = {"format": _FORMAT, "workspace": self.workspace, "folders": self.folders, "files": entries}
        return write_json(content)

    @classmethod
    def parse(cls, text: str, where: str) -> Manifest:
        """Read a manifest.

        Raises:
            InvalidInputError: The text is no manifest, or names a file outside the folder.
        """
        content = read_json(text, where)
        try:
            if content["format"] != _FORMAT:
                raise InvalidInputError(f"{where} has the format {content['format']}; this version reads {_FORMAT}.")
            entries = {
                workspace: {_check_path(path, where): Entry(**entry) for path, entry in files.items()}
                for workspace, files in content["files"].items()
            }
            return cls(content["workspace"], [*map(str, content["folders"])], entries)
        except (KeyError, TypeError, AttributeError):
            raise InvalidInputError(f"{where} is no manifest of pulled workflows.") from None


def _check_path(path: str, where: str) -> str:
    pure = PurePosixPath(path)
    if ".." in pure.parts or pure.parts[:1] != (WORKFLOWS,) or "\\" in path or ":" in path or "\0" in path:
        raise InvalidInputError(f"{where} names a file outside {WORKFLOWS}/: {path[:100]!r}.")
    return str(pure)


@attrs.define
class Pull:
    """Changes of files in a pull.

    Attributes:
        write: Documents by path.
        remove: Paths of files to delete: their workflow has another path now, or was deleted.
        kept: Reasons by path, for files that were edited since the last pull and stay.
        conflicts: Reasons by path, for edited files that the pull overwrites.
        unchanged: Number of files that stay as they are.
    """

    write: dict[str, Document] = attrs.field(factory=dict)
    remove: list[str] = attrs.field(factory=list)
    kept: dict[str, str] = attrs.field(factory=dict)
    conflicts: dict[str, str] = attrs.field(factory=dict)
    unchanged: int = 0


class WorkflowFolder:
    """The folder on disk.

    Raises:
        InvalidInputError: Its manifest cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest_file = root / MANIFEST
        text = self._text(MANIFEST)
        self.manifest = Manifest() if text is None else Manifest.parse(text, str(self.manifest_file))

    def _text(self, path: str) -> str | None:
        """The text of a file; None if there is none.

        Raises:
            InvalidInputError: The file cannot be read.
        """
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(error) from None
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{self.root / path} cannot be read: {error}.") from None

    def sources(self, workspace_id: str) -> list[Source]:
        """All workflows of the folder, for a workspace.

        Raises:
            InvalidInputError: A file holds no workflow, or the folder has none.
        """
        entries, origins = self.manifest.of(workspace_id), self.manifest.of(self.manifest.workspace or "")
        found = []
        for path in self._paths():
            text = self._text(path)
            if text is None:
                raise InvalidInputError(f"{self.root / path} cannot be read: it leads to no file.")
            document = read_document(text, str(self.root / path))
            entry, origin = entries.get(path), origins.get(path)
            found.append(
                Source(
                    document,
                    path,
                    None if origin is None else origin.id,
                    None if entry is None else entry.id,
                    None if entry is None else entry.digest,
                )
            )
        if not found and self.manifest.workspace is None:
            raise InvalidInputError(f"{self.root} has no workflows: simstudio workflows pull writes them.")
        return found

    def _paths(self) -> list[str]:
        """Paths of the files of workflows.

        Raises:
            InvalidInputError: A folder cannot be read; without its files, a push would delete their workflows.
        """

        def fail(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise _unreadable(error)

        return sorted(
            (Path(parent) / name).relative_to(self.root).as_posix()
            for parent, _, names in os.walk(self.root / WORKFLOWS, onerror=fail)
            for name in names
            if name.endswith(".json")
        )

    def digests_of(self, workspace_id: str) -> dict[str, str]:
        """Digests of a workspace's documents at the last pull or push, by workflow id."""
        return {entry.id: entry.digest for entry in self.manifest.of(workspace_id).values()}

    def plan_pull(self, workspace: Workspace, *, partial: bool = False) -> Pull:
        """Compare the files with what a workspace has.

        Args:
            workspace: The content of the workspace.
            partial: Whether only some workflows were read, so that no file is deleted.

        Raises:
            InvalidInputError: The folder has the workflows of another workspace.
        """
        if self.manifest.workspace not in (None, workspace.id):
            raise InvalidInputError(
                f"{self.root} has the workflows of the workspace {self.manifest.workspace}. Pull {workspace.id} into "
                "another folder."
            )
        pull = Pull()
        entries = self.manifest.of(workspace.id)
        old_paths = {entry.id: path for path, entry in entries.items()}
        # Names depend on all workflows, so that a partial pull gives a file the name that it has anyhow.
        paths = workflow_paths((each, *place) for each, place in workspace.places.items())
        there = {each.id for each in workspace.workflows}
        for present in workspace.workflows:
            path = paths[present.id]
            old = old_paths.get(present.id, path)
            self._plan_one(pull, path, old, present, entries.get(old))
            if path != old and path in pull.write and not self._is_same_file(path, old):
                occupant = entries.get(path)
                reason = self._reason_to_keep(path, present, occupant)
                if not reason and occupant is not None and partial and occupant.id not in there:
                    reason = "is the file of another workflow, whose name has changed: pull that one as well"
                if reason:
                    pull.conflicts.setdefault(path, reason)
        pull.remove = [path for path in pull.remove if path not in pull.write]
        if not partial:
            for path, entry in entries.items():
                if entry.id not in there and path not in pull.write:
                    self._plan_removal(pull, path, entry)
        return pull

    def _plan_one(self, pull: Pull, path: str, old: str, present: Present, entry: Entry | None) -> None:
        now = digest(present.document)
        here = self._digest(old)
        if here == now and old == path:
            pull.unchanged += 1
            return
        if here is None or here == now or (entry is not None and here == entry.digest):
            if old != path and here is not None:
                pull.remove.append(old)
            pull.write[path] = present.document
        elif entry is None:
            pull.write[path] = present.document
            pull.conflicts[path] = "is there, and was not pulled"
        elif now == entry.digest:
            pull.kept[old] = "was changed here since the last pull"
        else:
            pull.write[path] = present.document
            if old != path:
                pull.remove.append(old)
            pull.conflicts[old] = "was changed here and on the server since the last pull"

    def _is_same_file(self, path: str, other: str) -> bool:
        """Whether two paths are one file, as those that differ in case are on some file systems."""
        try:
            return (self.root / path).samefile(self.root / other)
        except OSError:
            return False

    def _reason_to_keep(self, path: str, present: Present, entry: Entry | None) -> str:
        """Reason for which a file must not be replaced with a workflow that had another file; empty if it may be."""
        here = self._digest(path)
        if here in (None, digest(present.document)):
            return ""
        if entry is None:
            return "is there, and was not pulled"
        return "" if here == entry.digest else "was changed here since the last pull"

    def _plan_removal(self, pull: Pull, path: str, entry: Entry) -> None:
        here = self._digest(path)
        if here == entry.digest:
            pull.remove.append(path)
        elif here is not None:
            pull.kept[path] = "was changed here since the last pull, and is no longer on the server"

    def _digest(self, path: str) -> str | None:
        """The digest of a file's document, ``?`` if it holds none; None if there is no file.

        Raises:
            InvalidInputError: The file cannot be read.
        """
        text = self._text(path)
        if text is None:
            return "?" if (self.root / path).is_symlink() else None
        try:
            return digest(read_document(text, path))
        except InvalidInputError:
            return "?"

    def apply_pull(self, pull: Pull, workspace: Workspace, *, partial: bool = False) -> None:
        """Write and remove the files of a pull, and the manifest.

        Raises:
            InvalidInputError: An object that is no regular file is in the way.
            OSError: A file cannot be written.
        """
        entries = self.manifest.of(workspace.id)
        for path in pull.remove:
            self._target(path).unlink(missing_ok=True)
            entries.pop(path, None)
        self._remove_empty(pull.remove)
        for path, document in pull.write.items():
            self._write(path, write_document(document))
        paths = workflow_paths((each, *place) for each, place in workspace.places.items())
        kept = {path: entry for path, entry in entries.items() if path in pull.kept}
        staying = {entry.id for entry in kept.values()}  # at their paths, too
        written = {
            paths[each.id]: Entry(each.id, digest(each.document))
            for each in workspace.workflows
            if each.id not in staying
        }
        there = {each.id for each in workspace.workflows}
        others = {path: entry for path, entry in entries.items() if partial and entry.id not in there}
        self.manifest.entries[workspace.id] = {**others, **written, **kept}
        self.manifest.workspace = workspace.id
        self.manifest.folders = sorted(
            with_parents([*self.manifest.folders, *(each.document["folder"] for each in workspace.workflows)])
            if partial
            else workspace.folders
        )
        self.save()

    def note(self, workspace_id: str, source: Source, present: Present) -> None:
        """Record the workflow that a push has made of a file."""
        self.manifest.of(workspace_id)[source.file] = Entry(present.id, digest(present.document))

    def forget(self, workspace_id: str, workflow_id: str) -> None:
        """Remove the entry of a workflow that a push has deleted."""
        entries = self.manifest.of(workspace_id)
        self.manifest.entries[workspace_id] = {path: each for path, each in entries.items() if each.id != workflow_id}

    def save(self) -> None:
        """Write the manifest if it has changed.

        Raises:
            OSError: The file cannot be written.
        """
        text = self.manifest.to_text()
        if text != self._text(MANIFEST):
            self.root.mkdir(parents=True, exist_ok=True)
            with output_file(self.manifest_file) as file:
                file.write(text.encode())

    def _write(self, path: str, text: str) -> None:
        target = self._target(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_unless_there(target, text.encode(), overwrite=True)

    def _target(self, path: str) -> Path:
        """The file to write or delete.

        Raises:
            InvalidInputError: A link leads out of the folder.
        """
        target = self.root / path
        if not target.parent.resolve().is_relative_to(self.root.resolve()):
            raise InvalidInputError(f"{target.parent} is a link that leads out of {self.root}.")
        return target

    def _remove_empty(self, paths: list[str]) -> None:
        for path in paths:
            folder = (self.root / path).parent
            while folder != self.root and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
                folder = folder.parent


def _unreadable(error: OSError) -> InvalidInputError:
    return InvalidInputError(f"{error.filename} cannot be read: {error.strerror or error}.")
