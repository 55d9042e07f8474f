"""Ids, tokens, times and durations of a sandbox: random and real, or with a seed the same in every run.

With a seed they depend on the requests that change something, in their order, and on nothing else: reads and polls in
between, and runs side by side, make no difference.
"""

from __future__ import annotations

import base64
import time
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random
from secrets import token_bytes
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

START = 1_767_225_600.0
"""The time at which a sandbox with a seed begins: 2026-01-01T00:00:00Z, in epoch seconds."""
_STEP = 0.001


@attrs.frozen
class _Source:
    """The source of one request, and of the runs that it begins."""

    owner: Seed
    random: Random
    moment: float


_current: ContextVar[_Source | None] = ContextVar("simstudio.sandbox.seeding", default=None)


class Seed:
    """Makes the ids and times of one sandbox repeatable.

    Args:
        seed: any number.
        is_read: whether a method and a path are those of a request that changes nothing.

    Attributes:
        changes: number of requests that changed something; a state file keeps it, so that no id comes twice.
    """

    def __init__(self, seed: int, is_read: Callable[[str, str], bool]) -> None:
        self.changes = 0
        self._seed = seed
        self._is_read = is_read

    def now(self) -> float:
        """Epoch seconds: a millisecond later with each request that changes something."""
        source = _current.get()
        return source.moment if source is not None and source.owner is self else self._moment

    def restart(self) -> None:
        """Begin again."""
        self.changes = 0

    def source(self, method: str, path: str) -> _Source:
        """The source for a request."""
        if self._is_read(method, path):
            return _Source(self, Random(f"{self._seed}/{self.changes}/{path}"), self._moment)  # noqa: S311
        self.changes += 1
        return _Source(self, Random(f"{self._seed}/{self.changes}"), self._moment)  # noqa: S311

    @property
    def _moment(self) -> float:
        return START + self.changes * _STEP


class Seeding:
    """ASGI middleware that handles requests with the ids and times of a seed."""

    def __init__(self, app: ASGIApp, seed: Seed) -> None:
        self._app = app
        self._seed = seed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        token = _current.set(self._seed.source(scope.get("method", "GET"), scope.get("path", "")))
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)


@contextmanager
def seeded(seed: Seed | None, name: str) -> Iterator[None]:
    """Take ids and times from a seed within a ``with`` block; None leaves them as they are.

    Args:
        seed: of the sandbox.
        name: what is made; the ids depend on it.
    """
    token = _current.set(None if seed is None else seed.source("GET", name))
    try:
        yield
    finally:
        _current.reset(token)


def new_uuid() -> UUID:
    """A random UUID of version 4."""
    source = _current.get()
    return uuid4() if source is None else UUID(int=source.random.getrandbits(128), version=4)


def new_token(size: int) -> str:
    """A random text, safe in URLs, of so many bytes."""
    return base64.urlsafe_b64encode(_random_bytes(size)).rstrip(b"=").decode()


def new_hex(size: int) -> str:
    """A random text of hexadecimal digits, of so many bytes."""
    return _random_bytes(size).hex()


def timer() -> float:
    """Seconds for the measurement of durations, which are 0 with a seed."""
    return time.perf_counter() if _current.get() is None else 0.0


def _random_bytes(size: int) -> bytes:
    source = _current.get()
    return token_bytes(size) if source is None else source.random.randbytes(size)
