"""Addresses of shared rates, without their secrets, which are neither kept nor shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

_SECRET = re.compile(r"pass|secret|token|auth|credential", re.IGNORECASE)
_SHORT = 3  # characters of a password that may occur in any text


def without_secrets(address: str) -> str:
    """An address without what is before the ``@``, and without the parameters that sound like secrets.

    Example:
        >>> without_secrets("redis://:pass@cache:6379/0?ssl=1&password=pass")
        'redis://cache:6379/0?ssl=1'
    """
    scheme, found, rest = address.partition("://")
    if not found:
        return address
    place, asked, query = rest.rpartition("@")[2].partition("?")
    kept = "&".join(part for part in query.split("&") if not _SECRET.search(part.partition("=")[0]))
    return f"{scheme}://{place}{asked if kept else ''}{kept}"


def secrets_of(address: str | None) -> tuple[str, ...]:
    """The parts of an address that must not be shown, the longest first."""
    if address is None or without_secrets(address) == address:
        return ()
    rest = address.partition("://")[2]
    user, at, place = rest.rpartition("@")
    found = {f"{user}{at}", user.partition(":")[2]}
    found |= {part.partition("=")[2] for part in place.partition("?")[2].split("&") if _SECRET.search(part)}
    found |= {unquote(secret) for secret in found}
    return tuple(sorted((secret for secret in found if len(secret) > _SHORT), key=len, reverse=True))


def absolute(address: str) -> str:
    """The address with an absolute path."""
    return address if "://" in address else str(Path(address).absolute())
