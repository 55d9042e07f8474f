"""The lock that makes a process the one coordinator of a ledger."""

from __future__ import annotations

import os
import sqlite3
from weakref import WeakSet

from simstudio.batch.option import check_no_address
from simstudio.core.disk import make_private
from simstudio.transport.errors import InvalidInputError


class Lock:
    """The lock of a ledger's one coordinator: a transaction that stays open in a file of its own, ``<ledger>-lock``.

    The operating system releases it when the process ends in any way, and a forked child does not hold it. The empty
    file stays: if it were deleted, two processes could lock a file of that name.

    Args:
        path: Path of the ledger, as :func:`canonical` returns it.

    Raises:
        sqlite3.OperationalError: Another process holds the lock (``database is locked``), or the file cannot be made.
    """

    def __init__(self, path: str) -> None:
        make_private(f"{path}-lock")
        self._db = sqlite3.connect(f"{path}-lock", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._db.close()
            raise
        self._path, self._pid = path, os.getpid()
        _held.add(self)

    @staticmethod
    def is_held_here(path: str) -> bool:
        """Whether this process holds the lock of a ledger."""
        return any(lock._path == path and lock._pid == os.getpid() for lock in list(_held))

    def release(self) -> None:
        """Release the lock."""
        _held.discard(self)
        self._db.close()


_held: WeakSet[Lock] = WeakSet()


def canonical(path: str | os.PathLike[str]) -> str:
    """The path with links resolved, which is the same for all processes that lock the file."""
    return os.path.realpath(os.fsdecode(path))


def check_path(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The path of a ledger, checked.

    Raises:
        InvalidInputError: The value cannot be the path of a file.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise InvalidInputError(f"ledger must be the path of a file, such as runs.sqlite, not {path!r}.")
    try:
        unnameable = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        unnameable = True
    if unnameable:
        raise InvalidInputError(f"ledger must be the path of a file: no file can be called {os.fspath(path)!r}.")
    if os.fspath(path) == ":memory:":
        raise InvalidInputError("ledger must be a file: one in memory would not survive the process. Leave it out.")
    check_no_address("ledger", path)
    return path
