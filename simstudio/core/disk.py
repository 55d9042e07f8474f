"""Files on disk: who may read them, and when they appear.

Files that the package keeps for itself are private (:func:`make_private`). A file that a user names for output appears
when it is complete (:class:`Part`).
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
    """Make an empty file that only its owner may read and write, unless the file exists.

    SQLite gives the files beside a database (``-wal``, ``-shm``, ``-journal``) the mode of the database. Nothing is
    raised when the file cannot be made: opening it tells why.

    Args:
        path: The file; ``:memory:`` is none.
    """
    if os.fspath(path) == ":memory:":
        return
    with suppress(OSError, ValueError):
        target = os.path.realpath(path)  # a link to a file that does not exist yet
        if sys.platform == "linux":
            os.mknod(target, _PRIVATE)
        else:
            # Closing a descriptor ends the locks that this process holds on the file, so an existing one is not opened.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))


@attrs.frozen
class Part:
    """A file that takes the place of another when it is complete; until then it is private.

    Attributes:
        path: The file.
        target: The file whose place it takes.
        fd: Its open descriptor, for reading and writing; the caller closes it.
    """

    path: Path
    target: Path
    fd: int

    @classmethod
    def beside(cls, target: Path, flags: int = 0) -> Part:
        """Make an empty part in the folder of a target.

        Args:
            target: The file whose place it takes. A link would be replaced itself.
            flags: More flags of ``os.open``, such as ``os.O_APPEND``.

        Raises:
            OSError: The part cannot be made.
        """
        path = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")
        flags |= os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return cls(path, target, os.open(path, flags, _PRIVATE))

    def take_place(self) -> None:
        """Replace the target, with the mode that the target has, or that a new file would have.

        Raises:
            OSError: The target cannot be replaced.
        """
        with suppress(OSError):  # a file system without modes
            self.path.chmod(self._mode())
        self.path.replace(self.target)

    def _mode(self) -> int:
        with suppress(FileNotFoundError):
            return stat.S_IMODE(self.target.stat().st_mode)
        # The umask cannot be read without changing it, which other threads would notice.
        probe = self.path.with_suffix(".mode")
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            return stat.S_IMODE(probe.stat().st_mode)
        finally:
            probe.unlink()
