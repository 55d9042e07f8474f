"""Renewing connections and locks in a forked child."""

from __future__ import annotations

import logging  # noqa: F401 - first: hooks run last one first, and its lock must not be taken while ours is waited for
import os
import threading
import weakref
from typing import Any, Protocol

unforked = threading.RLock()
"""Held while a library is imported for the first time: a fork in the middle of that would leave the child a module that
nobody goes on importing, and whose lock is never given back. Forking waits for it."""

_LONGEST_WAIT = 10.0
"""Seconds. Whatever holds it up, a fork must not wait for ever."""


abandoned: list[Any] = []
"""Connections that a fork inherited: kept here untouched and unclosed, because they are still its parent's."""


class Renewable(Protocol):
    """Something that must not be used in a child as it was in its parent."""

    def after_fork(self) -> None:
        """Begin anew, in the child."""
        ...


_alive: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Have ``thing.after_fork()`` called in every child forked while it lives."""
    _alive.add(thing)


_held: list[bool] = []


def _before() -> None:
    _held.append(unforked.acquire(timeout=_LONGEST_WAIT))


def _after() -> None:
    if _held.pop():
        unforked.release()


def _renew_all() -> None:
    _after()
    for thing in list(_alive):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_renew_all)
