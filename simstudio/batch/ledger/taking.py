"""Operations that need a ledger for themselves: opening it for writing, and moving it to another server."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress

from simstudio.batch.errors import LedgerError
from simstudio.batch.ledger.connection import Connection, explain_errors
from simstudio.batch.ledger.lock import Lock, canonical
from simstudio.batch.ledger.view import LedgerView
from simstudio.transport.endpoint import check_base_url


def lock_ledger(path: str) -> Lock:
    """Lock a ledger as its one coordinator.

    Args:
        path: Path of the ledger, as :func:`~simstudio.batch.ledger.lock.canonical` returns it.

    Raises:
        LedgerError: Another batch uses the ledger, or the lock cannot be made.
    """
    with explain_errors(path, "opened"):
        try:
            return Lock(path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            who, how = f"another process (pid {_last_pid(path)})", ""
            if Lock.is_held_here(path):
                who = f"another batch of this process (pid {os.getpid()})"
                how = " (one that is left ends with its `with` or `async with`)"
            raise LedgerError(
                f"The ledger {path} is in use by {who}. Wait for its end{how}, or give this batch a ledger of its own."
            ) from error


def _last_pid(path: str) -> int | str:
    """Id of the other process that last opened a ledger."""
    with suppress(LedgerError), LedgerView(path) as view:
        last = view.last_session()
        if last is not None and last.pid != os.getpid():
            return last.pid
    return "unknown"


def move(path: str | os.PathLike[str], base_url: str) -> None:
    """Note in a ledger that its server has a new address.

    Args:
        path: Path of the ledger. No batch may use it at the moment.
        base_url: New address.

    Raises:
        LedgerError: The ledger is missing, in use, or cannot be written.
        ConfigurationError: The address is not valid.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "runs.sqlite")
        >>> from simstudio.batch.ledger import Ledger
        >>> wanted = {"workflow_id": "wf", "mode": "sync", "api_version": "v1"}
        >>> Ledger.open(path, **wanted, base_url="https://old.example.com").close()
        >>> move(path, "https://new.example.com")
        >>> Ledger.open(path, **wanted, base_url="https://new.example.com").close()
    """
    address = check_base_url(base_url)
    LedgerView(path).close()  # raises if the ledger is missing
    path = canonical(path)
    lock = lock_ledger(path)
    try:
        connection = Connection.for_writing(path)
        try:
            with connection.writing() as db:
                db.execute("INSERT OR REPLACE INTO meta VALUES ('base_url', ?)", (address,))
        finally:
            connection.close()
    finally:
        lock.release()
