"""Folders and their paths.

A path is ``/`` at the top, or ``/segment/segment``: every segment percent-encoded, so that only letters, digits and
``-_.~`` stand for themselves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

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


def normal(path: str) -> str:
    """A path as it is stored: with its leading slash.

    Raises:
        Refusal: 400, the text is not the path of a folder.
    """
    if not is_canonical(path):
        raise Refusal(400, "Path must be a canonical folder path")
    return f"/{path.removeprefix('/')}"


def parent(path: str) -> str:
    """The folder a path is in."""
    return path.rpartition("/")[0] or ROOT


def title(path: str) -> str:
    """The name of the folder a path leads to."""
    return unquote_to_bytes(path.rpartition("/")[2]).decode("utf-8", "replace")


def within(path: str, folder: str) -> bool:
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
        """As people read it."""
        return title(self.path)

    @property
    def parent(self) -> str:
        """The path of the folder it is in."""
        return parent(self.path)


class Folders:
    """The folders of one workspace."""

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}

    def __iter__(self) -> Iterator[Folder]:
        return iter(tuple(self._folders.values()))

    def existing(self, path: str) -> str:
        """The stored form of a folder's path; the top always exists.

        Raises:
            Refusal: there is none.
        """
        path = normal(path)
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
        """Make a folder and every one above it that is missing; its stored path."""
        path = normal(path)
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
        destination = normal(destination)
        if destination == path:
            return self._folders[path], {}
        if within(destination, path):
            raise Refusal(400, "Cannot move a folder into one of its descendants")
        self._free(destination)
        moved = {old: destination + old[len(path) :] for old in self._folders if within(old, path)}
        for old, new in moved.items():
            self._folders[new] = attrs.evolve(self._folders.pop(old), path=new, updated=now)
        return self._folders[destination], moved

    def delete(self, path: str, *, occupied: bool, recursive: bool) -> list[str]:
        """Delete a folder and those below it; their paths.

        Args:
            path: the folder.
            occupied: whether a workflow is in it or below.
            recursive: False refuses a folder that is not empty.

        Raises:
            Refusal: there is no such folder, or it is not empty.
        """
        path = self._own(path)
        doomed = [each for each in self._folders if within(each, path)]
        if not recursive and (occupied or len(doomed) > 1):
            raise Refusal(409, "Folder is not empty")
        for each in doomed:
            del self._folders[each]
        return doomed

    def _own(self, path: str) -> str:
        path = self.existing(path)
        if path == ROOT:
            raise Refusal(400, "The root path cannot be mutated")
        return path

    def _free(self, path: str) -> str:
        path = normal(path)
        if path == ROOT or path in self._folders:
            raise Refusal(409, "A folder with this name already exists in this location")
        above = parent(path)
        if above != ROOT and above not in self._folders:
            raise Refusal(404, "Parent folder not found")
        return path
