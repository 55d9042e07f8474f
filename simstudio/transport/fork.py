"""Forks: connections and locks are replaced in the child process."""

from __future__ import annotations

import logging  # noqa: F401 - fork hooks run in reverse order: logging's lock must be taken after ours
import os
import threading
import weakref
from typing import Any, Protocol

no_fork = threading.RLock()
"""Held while a library is imported for the first time; forks wait for it. A child that is forked during an import has a
half-imported module whose import lock is never released."""

_LONGEST_WAIT = 10.0
"""Seconds that a fork waits for the lock at most."""


abandoned: list[Any] = []
"""Connections that a child inherited. They are kept here and never closed, because the parent uses them."""


class Renewable(Protocol):
    """An object whose connections or locks must be replaced in a child process."""

    def after_fork(self) -> None:
        """Replace them; called in the child."""
        ...


_alive: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Call ``thing.after_fork()`` in every child that is forked while ``thing`` exists."""
    _alive.add(thing)


_acquired: list[bool] = []


def _acquire() -> None:
    _acquired.append(no_fork.acquire(timeout=_LONGEST_WAIT))


def _release() -> None:
    if _acquired.pop():
        no_fork.release()


def _renew_all() -> None:
    _release()
    for thing in list(_alive):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_renew_all)
