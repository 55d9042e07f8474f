"""The files of a workspace."""

from __future__ import annotations

import re
from collections.abc import Callable
from secrets import token_hex
from uuid import uuid4

import attrs

from simstudio.sandbox.http import Refusal
from simstudio.sandbox.times import iso


@attrs.frozen
class File:
    """One file. Its time of upload is epoch seconds."""

    id: str
    name: str
    kind: str
    content: bytes
    key: str
    uploaded: float

    def shown(self, owner: str) -> dict[str, object]:
        """The file as the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "size": len(self.content),
            "type": self.kind,
            "key": self.key,
            "uploadedBy": owner,
            "uploadedAt": iso(self.uploaded),
        }


class Files:
    """The files that are not archived, oldest first."""

    def __init__(self, clock: Callable[[], float], workspace_id: str) -> None:
        self._clock = clock
        self._workspace_id = workspace_id
        self._files: dict[str, File] = {}

    def all(self) -> list[File]:
        """Every file."""
        return list(self._files.values())

    def get(self, file_id: str) -> File:
        """One file.

        Raises:
            Refusal: there is none.
        """
        file = self._files.get(file_id)
        if file is None:
            raise Refusal(404, "File not found")
        return file

    def add(self, name: str, kind: str, content: bytes) -> File:
        """Keep a file. A name that is taken gets a number: ``notes (1).txt``."""
        now = self._clock()
        free = self._free(name)
        safe = re.sub(r"[^A-Za-z0-9.-]", "_", re.sub(r"\s", "-", free))
        key = f"workspace/{self._workspace_id}/{int(now * 1000)}-{token_hex(4)[:7]}-{safe}"
        file = File(str(uuid4()), free, kind or "application/octet-stream", content, key, now)
        self._files[file.id] = file
        return file

    def archive(self, file_id: str) -> File:
        """Take a file away.

        Raises:
            Refusal: there is none.
        """
        file = self.get(file_id)
        del self._files[file_id]
        return file

    def _free(self, name: str) -> str:
        taken = {file.name for file in self._files.values()}
        stem, dot, ending = name.rpartition(".")
        if not stem:
            stem, dot, ending = name, "", ""
        number = 0
        free = name
        while free in taken:
            number += 1
            free = f"{stem} ({number}){dot}{ending}"
        return free
