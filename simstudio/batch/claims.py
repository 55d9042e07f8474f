"""Claims in a shared store: of all workers that have the same task, only one sends it.

Executors such as Dask and Ray run the tasks of dead workers again. If a worker dies after it sent the request and
before it returned the response, its task would be sent twice. Unless executions carry a claim that the service honours
(:attr:`Execution.claims <simstudio.batch.execution.Execution.claims>`), a worker therefore claims the name of the task
in a store that all workers share, and only the first to do so sends.
"""

from __future__ import annotations

import os
import socket
import uuid
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from simstudio.transport.errors import APIConnectionError, ConfigurationError, InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

    Redis: TypeAlias = Any

SCHEMES = ("redis", "rediss", "unix")
KEPT = 7 * 24 * 3600
"""Seconds after which a claim is forgotten: longer than any executor goes on with a task."""

CLAIMS_UNREACHABLE = "CLAIMS_UNREACHABLE"
"""The code of the error of an item that could not be claimed."""

_PATIENCE = 10.0  # seconds for an answer


class Claims(Protocol):
    """A store of claims."""

    def claim(self, name: str) -> bool:
        """Take a name, once and for all.

        Returns:
            Whether it is the caller's: False where anybody has it, the same caller included.

        Raises:
            APIConnectionError: Nobody knows; the caller must not send.
        """
        ...

    def ensure_reachable(self) -> None:
        """Ask it whether it is there.

        Raises:
            APIConnectionError: It is not.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class RedisClaims:
    """Claims in Redis (``SET NX``). Threads may share one.

    It must keep what it is given: a Redis that evicts keys when its memory is full (``maxmemory-policy``), or that
    forgets what it was told when it restarts, is no store of claims.

    Args:
        url: ``redis://host:port/db``, ``rediss://…`` or ``unix://…``.

    Raises:
        ConfigurationError: The package ``redis`` is not installed, or does not understand the address.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise ConfigurationError(
                "Claims in Redis need the package redis, where the workers are too: pip install redis."
            ) from error
        self.place = place(url)
        self._failure: type[Exception] = redis.RedisError
        try:
            self._redis: Redis = redis.Redis.from_url(url, socket_timeout=_PATIENCE)
        except ValueError:  # which may quote any part of the address
            raise ConfigurationError(
                f"claims= names no Redis: the address of {self.place} cannot be understood. It is "
                "redis://user:password@host:port/db; what is special in a password must be percent-encoded in it."
            ) from None

    def claim(self, name: str) -> bool:
        """Take a name; see :meth:`Claims.claim`."""
        key = f"simstudio:claim:{name}"
        mine = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        try:
            if self._redis.set(key, mine, nx=True, ex=KEPT):
                return True
            # The client repeats a command whose answer was lost: then it is our own claim that stands in the way.
            found = self._redis.get(key)
            return bool(found in (mine, mine.encode()))
        except self._failure as error:
            message = f"The store of claims ({self.place}) cannot be asked, so the worker sent nothing: {error}"
            raise APIConnectionError(message, CLAIMS_UNREACHABLE, sent=False) from error

    def ensure_reachable(self) -> None:
        """Ask it whether it is there; see :meth:`Claims.ensure_reachable`."""
        try:
            self._redis.ping()
        except self._failure as error:
            message = f"The store of claims ({self.place}) cannot be reached: {error}"
            raise APIConnectionError(message, CLAIMS_UNREACHABLE, sent=False) from error

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def __repr__(self) -> str:
        return f"RedisClaims({self.place})"


def place(url: str) -> str:
    """An address without the password that may be in it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].partition('#')[0].rpartition('@')[2]}"


def without_password(error: Exception | str, url: str) -> str:
    """What an error says of an address, as a sentence without the password in that."""
    said = str(error).strip() or type(error).__name__
    secret = url.partition("://")[2].rpartition("@")[0]
    password = secret.partition(":")[2]
    for part in (url, secret, password, unquote(password)):
        if part:
            said = said.replace(part, "…")
    return said if said.endswith(".") else f"{said}."


def check_claims(url: object) -> str:
    """An address of claims.

    Raises:
        InvalidInputError: It is none.
    """
    scheme = url.partition("://")[0] if isinstance(url, str) else ""
    if not isinstance(url, str) or scheme not in SCHEMES:
        raise InvalidInputError(  # the address may hold a password
            "claims must be the address of a Redis: redis://host:port/db, rediss://… or unix://…"
            + ("." if isinstance(url, str) else f", not {url!r}.")
        )
    return url


def open_claims(url: str) -> Claims:
    """The store of an address.

    Raises:
        InvalidInputError: It is no address of one.
        ConfigurationError: It cannot be used.
    """
    return RedisClaims(check_claims(url))
