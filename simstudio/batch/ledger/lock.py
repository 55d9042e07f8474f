"""Being the one coordinator of a ledger."""

from __future__ import annotations

import os
import sqlite3

from simstudio.core.disk import make_private
from simstudio.transport.errors import InvalidInputError


class Lock:
    """Being the one coordinator of a ledger: a transaction kept open in a file of its own, ``<ledger>-lock``.

    The operating system lets go of it when the process ends, however it ends, and a child that was forked does not hold
    it. The file stays, empty: one that is deleted could be locked by two.

    Args:
        path: The ledger's, as :func:`canonical` has it.

    Raises:
        sqlite3.OperationalError: Somebody holds it (``database is locked``), or it cannot be made.
    """

    def __init__(self, path: str) -> None:
        make_private(f"{path}-lock")
        self._db = sqlite3.connect(f"{path}-lock", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._db.close()
            raise

    def release(self) -> None:
        """Let another have it."""
        self._db.close()


def canonical(path: str | os.PathLike[str]) -> str:
    """The path under which everybody locks the same file."""
    return os.path.realpath(os.fsdecode(path))


def check_path(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The path of a ledger.

    Raises:
        InvalidInputError: It is none of a file.
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
    return path
