"""Files on disk: private ones, and ones that appear under their name only when they are complete.

Files that the package keeps for itself are private (:func:`make_private`). A file that a user names for output is
written under another name first (:class:`PartialFile`).
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path

import attrs

_PRIVATE = 0o600


def make_private(path: str | os.PathLike[str]) -> None:
    """Create an empty file that only its owner may read and write, unless the file exists.

    SQLite gives the files beside a database (``-wal``, ``-shm``, ``-journal``) the mode of the database. A failure
    raises nothing here: opening the file reports it.

    Args:
        path: The file. ``:memory:``, SQLite's name for a database without a file, does nothing.
    """
    if os.fspath(path) == ":memory:":
        return
    with suppress(OSError, ValueError):
        # The path may be a link to a file that does not exist yet.
        target = os.path.realpath(path)
        if sys.platform == "linux":
            os.mknod(target, _PRIVATE)
        else:
            # O_EXCL: closing a descriptor ends this process's locks on the file, so an existing file is not opened.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))


@attrs.frozen
class PartialFile:
    """A private file that replaces another file when it is complete.

    Attributes:
        path: The private file.
        target: The file to replace.
        fd: Descriptor of the private file, open for reading and writing; the caller closes it.
    """

    path: Path
    target: Path
    fd: int

    @classmethod
    def beside(cls, target: Path, flags: int = 0) -> PartialFile:
        """Create an empty partial file in the folder of its target.

        Args:
            target: The file to replace. If it is a symbolic link, the link itself is replaced.
            flags: More flags of ``os.open``, such as ``os.O_APPEND``.

        Raises:
            OSError: The file cannot be created.
        """
        path = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")
        flags |= os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return cls(path, target, os.open(path, flags, _PRIVATE))

    def replace_target(self) -> None:
        """Move the file to its target, with the target's mode, or with the mode of a new file.

        Raises:
            OSError: The target cannot be replaced.
        """
        with suppress(OSError):  # file systems without modes
            self.path.chmod(self._target_mode())
        self.path.replace(self.target)

    def _target_mode(self) -> int:
        with suppress(FileNotFoundError):
            return stat.S_IMODE(self.target.stat().st_mode)
        # A probe file shows the umask, which cannot be read without changing it for all threads.
        probe = self.path.with_suffix(".mode")
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            return stat.S_IMODE(probe.stat().st_mode)
        finally:
            probe.unlink()
