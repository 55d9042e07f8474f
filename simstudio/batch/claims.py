"""Claims in a shared store: of all workers that get the same task, only one sends it.

Executors such as Dask run the tasks of dead workers again. If a worker dies after it sent the request and before it
returned the response, its task would be sent twice. So a worker claims the name of the task in a store that all workers
share, and sends only if it is the first. Executions that carry a claim of their own, which the service honours
(:attr:`Execution.claims <simstudio.batch.execution.Execution.claims>`), need no store.
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
"""Seconds after which a claim expires: longer than an executor keeps a task."""

CLAIMS_UNREACHABLE = "CLAIMS_UNREACHABLE"
"""Error code of an item that could not be claimed."""

_PATIENCE = 10.0  # seconds for a response


class Claims(Protocol):
    """A store of claims."""

    def claim(self, name: str) -> bool:
        """Claim a name.

        Returns:
            Whether this call claimed it: False if it was claimed before, also by the same caller.

        Raises:
            APIConnectionError: The store did not respond; the caller must not send.
        """
        ...

    def ensure_reachable(self) -> None:
        """Ask the store for a response.

        Raises:
            APIConnectionError: The store did not respond.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class RedisClaims:
    """Claims in Redis (``SET NX``). Threads may share one.

    The Redis must keep its keys: one that evicts keys when its memory is full (``maxmemory-policy``), or loses them at
    a restart, cannot store claims.

    Args:
        url: ``redis://host:port/db``, ``rediss://…`` or ``unix://…``.

    Raises:
        ConfigurationError: The package ``redis`` is not installed, or the address is not valid.
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
        """Claim a name; see :meth:`Claims.claim`."""
        key = f"simstudio:claim:{name}"
        mine = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        try:
            if self._redis.set(key, mine, nx=True, ex=KEPT):
                return True
            # The client repeats a command whose response was lost; then the name is claimed by this call itself.
            found = self._redis.get(key)
            return bool(found in (mine, mine.encode()))
        except self._failure as error:
            message = f"The store of claims ({self.place}) cannot be asked, so the worker sent nothing: {error}"
            raise APIConnectionError(message, CLAIMS_UNREACHABLE, sent=False) from error

    def ensure_reachable(self) -> None:
        """Ask the store for a response; see :meth:`Claims.ensure_reachable`."""
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
    """An address without user, password and parameters."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].partition('#')[0].rpartition('@')[2]}"


def without_password(error: Exception | str, url: str) -> str:
    """The text of an error about an address, as a sentence without the password of the address."""
    said = str(error).strip() or type(error).__name__
    secret = url.partition("://")[2].rpartition("@")[0]
    password = secret.partition(":")[2]
    for part in (url, secret, password, unquote(password)):
        if part:
            said = said.replace(part, "…")
    return said if said.endswith(".") else f"{said}."


def check_claims(url: object) -> str:
    """The address of a store of claims, checked.

    Raises:
        InvalidInputError: The value is no address of a Redis.
    """
    scheme = url.partition("://")[0] if isinstance(url, str) else ""
    if not isinstance(url, str) or scheme not in SCHEMES:
        raise InvalidInputError(  # the address may hold a password
            "claims must be the address of a Redis: redis://host:port/db, rediss://… or unix://…"
            + ("." if isinstance(url, str) else f", not {url!r}.")
        )
    return url


def open_claims(url: str) -> Claims:
    """Open the store at an address.

    Raises:
        InvalidInputError: The value is no address of a Redis.
        ConfigurationError: The package ``redis`` is not installed, or the address is not valid.
    """
    return RedisClaims(check_claims(url))
