"""Folders and their paths.

A path is ``/`` at the top, or ``/segment/segment``: every segment percent-encoded, so that only letters, digits and
``-_.~`` stand for themselves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

import attrs

from simstudio.sandbox.http import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "/"
_SEGMENT = re.compile(r"(?:[A-Za-z0-9\-_.~]|%[0-9A-F]{2})+")
_MOST_SEGMENTS = 64
_MOST_BYTES = 4096


def is_canonical(path: str) -> bool:
    """Whether a text is the path of a folder, with or without its leading slash."""
    if path in ("", ROOT):
        return True
    segments = path.removeprefix("/").split("/")
    if len(path.encode()) > _MOST_BYTES or len(segments) > _MOST_SEGMENTS:
        return False
    return all(_SEGMENT.fullmatch(segment) and segment not in (".", "..") for segment in segments)


def normalise_path(path: str) -> str:
    """A path as it is stored: with its leading slash.

    Raises:
        Refusal: 400, the text is not the path of a folder.
    """
    if not is_canonical(path):
        raise Refusal(400, "Path must be a canonical folder path")
    return f"/{path.removeprefix('/')}"


def parent(path: str) -> str:
    """The path of the parent folder."""
    return path.rpartition("/")[0] or ROOT


def child(path: str, name: str) -> str:
    """The path of a folder of this name in a folder."""
    return f"{path.removesuffix(ROOT)}/{quote(name, safe='')}"


def title(path: str) -> str:
    """The decoded last segment of a path."""
    return unquote_to_bytes(path.rpartition("/")[2]).decode("utf-8", "replace")


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder, or below it."""
    return folder in (path, ROOT) or path.startswith(f"{folder}/")


@attrs.frozen
class Folder:
    """One folder. Times are epoch seconds."""

    path: str
    created: float
    updated: float

    @property
    def name(self) -> str:
        """The decoded last segment of the path."""
        return title(self.path)

    @property
    def parent(self) -> str:
        """The path of the folder it is in."""
        return parent(self.path)


class Folders:
    """The folders of one workspace.

    Args:
        taken: Message for a path that another folder has; it may contain ``{name}``.
    """

    def __init__(self, taken: str = "A folder with this name already exists in this location") -> None:
        self._folders: dict[str, Folder] = {}
        self._archived: dict[str, list[Folder]] = {}
        self._taken = taken

    def __iter__(self) -> Iterator[Folder]:
        return iter(tuple(self._folders.values()))

    @property
    def archived(self) -> list[Folder]:
        """The deleted folders, with their subfolders."""
        return [folder for gone in self._archived.values() for folder in gone]

    def require(self, path: str) -> str:
        """The stored form of a folder's path; the top always exists.

        Raises:
            Refusal: 404, no folder has this path.
        """
        path = normalise_path(path)
        if path != ROOT and path not in self._folders:
            raise Refusal(404, "Folder not found")
        return path

    def create(self, path: str, now: float) -> Folder:
        """Make a folder in one that exists.

        Raises:
            Refusal: its parent does not exist, or it exists already.
        """
        path = self._free(path)
        made = self._folders[path] = Folder(path, now, now)
        return made

    def make_all(self, path: str, now: float) -> str:
        """Make a folder and its missing parents; return the stored path."""
        path = normalise_path(path)
        if path != ROOT and path not in self._folders:
            self.make_all(parent(path), now)
            self._folders[path] = Folder(path, now, now)
        return path

    def relocate(self, path: str, destination: str, now: float) -> tuple[Folder, dict[str, str]]:
        """Rename or move a folder with everything below it.

        Returns:
            The folder, and the new path of every folder that has one.

        Raises:
            Refusal: there is no such folder, or it cannot go there.
        """
        path = self._own(path)
        destination = normalise_path(destination)
        if destination == path:
            return self._folders[path], {}
        if is_within(destination, path):
            raise Refusal(400, "Cannot move a folder into one of its descendants")
        self._free(destination)
        moved = {old: destination + old[len(path) :] for old in self._folders if is_within(old, path)}
        for old, new in moved.items():
            self._folders[new] = attrs.evolve(self._folders.pop(old), path=new, updated=now)
        return self._folders[destination], moved

    def delete(self, path: str, *, occupied: bool, recursive: bool) -> list[str]:
        """Delete a folder and those below it; return their paths.

        Args:
            path: the folder.
            occupied: whether anything but folders is in it or below.
            recursive: False refuses a folder that is not empty.

        Raises:
            Refusal: there is no such folder, or it is not empty.
        """
        path = self._own(path)
        doomed = [each for each in self._folders if is_within(each, path)]
        if not recursive and (occupied or len(doomed) > 1):
            raise Refusal(409, "Folder is not empty")
        self._archived[path] = [self._folders.pop(each) for each in doomed]
        return doomed

    def restore(self, path: str, now: float) -> tuple[Folder, dict[str, str]]:
        """Bring a deleted folder back, with those that were in it. A name that is taken gets a number.

        Returns:
            The folder, and the new path of every folder that came back, by its old one.

        Raises:
            Refusal: 404, no such folder was deleted.
        """
        path = normalise_path(path)
        if path not in self._archived:
            raise Refusal(404, "Folder not found")
        above = parent(path) if parent(path) in self._folders else ROOT
        destination = self.free_path(above, title(path))
        restored = {}
        for each in self._archived.pop(path):
            restored[each.path] = new = destination + each.path[len(path) :]
            self._folders[new] = attrs.evolve(each, path=new, updated=now)
        return self._folders[destination], restored

    def free_path(self, above: str, name: str) -> str:
        """A path in a folder that no other folder has: with this name, or with a number behind it."""
        free, number = child(above, name), 0
        while free in self._folders:
            number += 1
            free = child(above, f"{name} ({number})")
        return free

    def _own(self, path: str) -> str:
        path = self.require(path)
        if path == ROOT:
            raise Refusal(400, "The root path cannot be mutated")
        return path

    def _free(self, path: str) -> str:
        path = normalise_path(path)
        if path == ROOT or path in self._folders:
            raise Refusal(409, self._taken.format(name=title(path)))
        above = parent(path)
        if above != ROOT and above not in self._folders:
            raise Refusal(404, "Parent folder not found")
        return path
