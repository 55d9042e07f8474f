"""The connections that lead to a server without a proxy: the same ones, whether httpx stands above them or not."""

from __future__ import annotations

import weakref
from threading import Lock

import httpcore

from simstudio.transport.fork import abandoned, renew_after_fork, unforked
from simstudio.transport.wire.pool import SlotPool
from simstudio.transport.wire.slots import KEEP_ALIVE_SECONDS
from simstudio.transport.wire.trust import Trust


class DirectPools:
    """One pool for each scheme, made when it is first asked for.

    Args:
        trust: What certificates of servers must satisfy.
    """

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self._pools: dict[str, SlotPool] = {}
        self._closed = False
        self._lock = Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._pools)
        renew_after_fork(self)

    def of(self, scheme: str) -> SlotPool:
        """The pool of a scheme.

        Raises:
            ConfigurationError: The certificates of the environment cannot be read.
        """
        pool = self._pools.get(scheme)
        if pool is None:
            context = self.trust.context() if scheme == "https" else None  # reading them takes longer than many a call
            with self._lock, unforked:
                pool = self._pools.get(scheme)
                if pool is None:
                    maker = httpcore.ConnectionPool(context, keepalive_expiry=KEEP_ALIVE_SECONDS)
                    pool = self._pools[scheme] = SlotPool(maker, KEEP_ALIVE_SECONDS)
                    if self._closed:  # by another thread, while this call was on its way here
                        pool.close()
        return pool

    def close(self) -> None:
        """Close every connection, those in use too: that ends the calls of other threads."""
        with self._lock:
            self._closed = True
        _close_all(self._pools)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        self._finalizer.detach()
        abandoned.append(self._pools)
        self._pools, self._lock = {}, Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._pools)


def _close_all(pools: dict[str, SlotPool]) -> None:
    for pool in list(pools.values()):
        pool.close()
