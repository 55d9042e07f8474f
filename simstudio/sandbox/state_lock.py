"""The lock that keeps a second sandbox of the same service off a state file."""

from __future__ import annotations

import os
import weakref
from contextlib import suppress

from simstudio.core.disk import open_locked

_PRIVATE = 0o600


class StateLock:
    """A lock file beside a state file. It ends with :meth:`release`, or with the process.

    Args:
        state: path of the state file; ``:memory:`` is never locked.
        service: name of the service. Sandboxes of several services may share a state file.
    """

    def __init__(self, state: str, service: str) -> None:
        self._path = "" if state == ":memory:" else f"{os.path.realpath(state)}-{service}.lock"
        self._release: weakref.finalize[..., StateLock] | None = None

    def take(self) -> None:
        """Lock the state. A second call does nothing.

        Raises:
            ValueError: Another sandbox uses the state; the message names its process.
            OSError: The lock file cannot be created.
        """
        if self._path and self._release is None:
            # A sandbox that is never closed gives its state back when it is garbage-collected.
            self._release = weakref.finalize(self, _unlock, _lock(self._path), self._path, os.getpid())

    def release(self) -> None:
        """Unlock the state, if it is locked."""
        if self._release is not None:
            self._release()
            self._release = None


def _lock(path: str) -> int:
    """Create and lock a file. Returns its descriptor."""
    fd = open_locked(path, lambda: os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE), _refuse)
    with suppress(OSError):  # on a full disk others are refused without the number of this process
        os.truncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
    return fd


def _refuse(fd: int) -> ValueError:
    return ValueError(f"a running sandbox of the same service uses it{_owner(fd)}")


def _owner(fd: int) -> str:
    """The process that has a file locked, in the words of a message; empty if it is not known."""
    os.lseek(fd, 0, os.SEEK_SET)
    number = os.read(fd, 20).decode("ascii", "replace")
    return f" (process {number})" if number.isdecimal() else ""


def _unlock(fd: int, path: str, owner: int) -> None:
    """Remove the file and its lock; a forked process only closes its copy of the descriptor."""
    if os.getpid() == owner:
        with suppress(OSError):  # Windows removes no open file
            os.unlink(path)  # noqa: PTH108
    os.close(fd)
