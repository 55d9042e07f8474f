"""The files of a workspace: their contents with earlier versions, their folders and their shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any, Literal

import attrs

from simstudio.sandbox.definitions.folders import ROOT, Folder, Folders, is_within
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_hex, new_token, new_uuid
from simstudio.sandbox.times import iso

AuthType = Literal["public", "password", "email", "sso"]
UNKNOWN_TYPE = "application/octet-stream"


@attrs.frozen
class Version:
    """One content of a file. Times are epoch seconds.

    Attributes:
        source: Origin: ``upload``, ``api`` or ``revert``.
        restored_from: Number of the version that was restored; None for other versions.
    """

    number: int
    content: bytes
    kind: str
    key: str
    source: str
    created: float
    restored_from: int | None = None

    @property
    def revision(self) -> str:
        """A text that differs between contents."""
        return sha256(self.key.encode()).hexdigest()[:16]


@attrs.frozen
class Share:
    """The public link to a file."""

    id: str
    token: str
    is_active: bool = False
    auth_type: AuthType = "public"
    has_password: bool = False
    emails: tuple[str, ...] = ()


@attrs.frozen
class File:
    """One file. Times are epoch seconds.

    Attributes:
        kind: Media type.
        versions: The last is the current one.
        deleted: Time at which it was archived; None if it is not.
        deleted_with: Folder that was archived with it; None if it was archived on its own.
    """

    id: str
    name: str
    kind: str
    folder: str
    uploaded: float
    updated: float
    versions: tuple[Version, ...]
    deleted: float | None = None
    deleted_with: str | None = None
    share: Share | None = None

    @property
    def current(self) -> Version:
        """The current version."""
        return self.versions[-1]

    @property
    def content(self) -> bytes:
        """The current content."""
        return self.current.content

    def to_v1(self, owner: str) -> dict[str, object]:
        """The file as v1 shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "size": len(self.content),
            "type": self.kind,
            "key": self.current.key,
            "uploadedBy": owner,
            "uploadedAt": iso(self.uploaded),
        }


class Files:
    """The files of one workspace, oldest first."""

    def __init__(self, clock: Callable[[], float], workspace_id: str) -> None:
        self._clock = clock
        self._workspace_id = workspace_id
        self._files: dict[str, File] = {}
        self.folders = Folders('A folder named "{name}" already exists in this location')

    def all(self, *, archived: bool = False) -> list[File]:
        """The files in use, or those that are archived."""
        return [file for file in self._files.values() if (file.deleted is not None) is archived]

    def inside(self, folder: str) -> list[File]:
        """The files in use in a folder and in the folders below it."""
        return [file for file in self.all() if is_within(file.folder, folder)]

    def get(self, file_id: str, *, archived: bool = False) -> File:
        """One file.

        Args:
            archived: Whether to include archived files.

        Raises:
            Refusal: 404.
        """
        file = self._files.get(file_id)
        if file is None or (file.deleted is not None and not archived):
            raise Refusal(404, "File not found")
        return file

    def get_many(self, file_ids: Sequence[str]) -> list[File]:
        """Files by their ids, each once.

        Raises:
            Refusal: 404, one of them does not exist; the message names all that do not.
        """
        found = {file.id: file for file in self.all()}
        unknown = [each for each in dict.fromkeys(file_ids) if each not in found]
        if unknown:
            raise Refusal(404, f"Workspace file items not found (files: {', '.join(unknown)})")
        return [found[each] for each in dict.fromkeys(file_ids)]

    def add(self, name: str, kind: str, content: bytes, folder: str = ROOT, source: str = "upload") -> File:
        """Add a file. A name that is taken in its folder gets a number: ``notes (1).txt``."""
        now = self._clock()
        kind = kind or UNKNOWN_TYPE
        name = self._free(name, folder)
        version = Version(1, content, kind, self._key(name), source, now)
        return self._keep(File(f"wf_{new_token(16)[:21]}", name, kind, folder, now, now, (version,)))

    def rename(self, file: File, name: str) -> File:
        """Give a file another name.

        Raises:
            Refusal: 409, another file of its folder has the name.
        """
        if self.is_taken(name, file.folder, but=file):
            raise Refusal(409, f'A file named "{name}" already exists in this workspace')
        return self._change(file, name=name)

    def move(self, files: Iterable[File], folder: str) -> int:
        """Put files into a folder, all or none of them; return their number.

        Raises:
            Refusal: 409, the folder has a file of the same name.
        """
        files = list(files)
        for file in files:
            if self.is_taken(file.name, folder, but=file):
                raise Refusal(409, f'A file named "{file.name}" already exists in this folder')
        for file in files:
            self._change(file, folder=folder)
        return len(files)

    def replace(self, file: File, content: bytes, source: str = "api", restored_from: int | None = None) -> File:
        """Give a file another content, as a new version."""
        number = file.current.number + 1
        version = Version(number, content, file.kind, self._key(file.name), source, self._clock(), restored_from)
        return self._change(file, versions=(*file.versions, version))

    def forget_version(self, file: File, version: Version) -> None:
        """Delete a version for good.

        Raises:
            Refusal: 409, it is the current one.
        """
        if version is file.current:
            raise Refusal(409, "The current version of a file cannot be deleted")
        self._keep(attrs.evolve(file, versions=tuple(each for each in file.versions if each is not version)))

    def archive(self, file_id: str) -> File:
        """Archive a file.

        Raises:
            Refusal: 404.
        """
        return self._change(self.get(file_id), deleted=self._clock())

    def restore(self, file: File) -> File:
        """Restore an archived file into the root; as ``notes_restored.txt`` if its name is taken there."""
        if file.deleted is None:
            return file
        name = file.name
        if self.is_taken(name, ROOT):
            stem, ending = _split(name)
            name = self._free(f"{stem}_restored{ending}", ROOT)
        return self._change(file, name=name, folder=ROOT, deleted=None, deleted_with=None)

    def relocate_folder(self, path: str, destination: str) -> Folder:
        """Rename or move a folder with everything in it.

        Raises:
            Refusal: There is no such folder, or it cannot go there.
        """
        folder, moved = self.folders.relocate(path, destination, self._clock())
        for file in self.all():
            if file.folder in moved:
                self._keep(attrs.evolve(file, folder=moved[file.folder]))
        return folder

    def delete_folder(self, path: str, *, recursive: bool) -> tuple[str, int, int]:
        """Archive a folder; return its path, and how many folders and files were archived.

        Raises:
            Refusal: There is no such folder, or it is not empty and ``recursive`` is False.
        """
        path = self.folders.require(path)
        inside = self.inside(path)
        gone = self.folders.delete(path, occupied=bool(inside), recursive=recursive)
        for file in inside:
            self._change(file, deleted=self._clock(), deleted_with=path)
        return path, len(gone), len(inside)

    def restore_folder(self, path: str) -> tuple[Folder, int, int]:
        """Restore an archived folder; return it, and the numbers of restored folders and files.

        Raises:
            Refusal: 404, no such folder is archived.
        """
        folder, moved = self.folders.restore(path, self._clock())
        inside = [file for file in self.all(archived=True) if file.deleted_with in moved and file.folder in moved]
        for file in inside:
            self._change(file, folder=moved[file.folder], deleted=None, deleted_with=None)
        return folder, len(moved), len(inside)

    def is_taken(self, name: str, folder: str, *, but: File | None = None) -> bool:
        """Whether another file of a folder has a name."""
        other = None if but is None else but.id
        return any(file.name == name and file.folder == folder and file.id != other for file in self.all())

    def update_share(
        self, file: File, *, is_active: bool, auth_type: AuthType | None, password: str | None, emails: Iterable[str]
    ) -> Share:
        """Share a file; settings that are not given stay.

        Raises:
            Refusal: 400, a password or e-mail addresses are missing.
        """
        before = file.share or Share(str(new_uuid()), new_token(16)[:21])
        share = attrs.evolve(
            before,
            is_active=is_active,
            auth_type=auth_type or before.auth_type,
            has_password=before.has_password or password is not None,
            emails=tuple(emails) or before.emails,
        )
        if share.auth_type == "password" and not share.has_password:
            raise Refusal(400, "Password is required for password-protected shares")
        if share.auth_type in ("email", "sso") and not share.emails:
            raise Refusal(400, "At least one allowed email is required for email/SSO shares")
        self._keep(attrs.evolve(file, share=share))
        return share

    def _change(self, file: File, **changes: Any) -> File:
        return self._keep(attrs.evolve(file, updated=self._clock(), **changes))

    def _keep(self, file: File) -> File:
        self._files[file.id] = file
        return file

    def _key(self, name: str) -> str:
        safe = re.sub(r"[^A-Za-z0-9.-]", "_", re.sub(r"\s", "-", name))
        return f"workspace/{self._workspace_id}/{int(self._clock() * 1000)}-{new_hex(8)}-{safe}"

    def _free(self, name: str, folder: str) -> str:
        stem, ending = _split(name)
        number, free = 0, name
        while self.is_taken(free, folder):
            number += 1
            free = f"{stem} ({number}){ending}"
        return free


def _split(name: str) -> tuple[str, str]:
    """The name without its ending, and the ending with its dot; a dot at the beginning begins no ending."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem else (name, "")
