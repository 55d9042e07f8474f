"""Addresses of shared rates, without their secrets, which are neither kept nor shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from simstudio.transport.secret_names import holds_secret

_SHORT = 3  # characters of a password that may occur in any text


def without_secrets(address: str) -> str:
    """An address without user and password, and without parameters whose names are those of secrets.

    Example:
        >>> without_secrets("redis://:pass@cache:6379/0?ssl=1&password=pass")
        'redis://cache:6379/0?ssl=1'
    """
    scheme, found, rest = address.partition("://")
    if not found:
        return address
    place, asked, query = rest.rpartition("@")[2].partition("?")
    kept = "&".join(part for part in query.split("&") if not _holds_secret(part))
    return f"{scheme}://{place}{asked if kept else ''}{kept}"


def secrets_of(address: str | None) -> tuple[str, ...]:
    """The parts of an address that must not be shown, the longest first."""
    if address is None or without_secrets(address) == address:
        return ()
    rest = address.partition("://")[2]
    user, at, place = rest.rpartition("@")
    found = {f"{user}{at}", user.partition(":")[2]}
    found |= {part.partition("=")[2] for part in place.partition("?")[2].split("&") if _holds_secret(part)}
    found |= {unquote(secret) for secret in found}
    return tuple(sorted((secret for secret in found if len(secret) > _SHORT), key=len, reverse=True))


def _holds_secret(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return holds_secret(name, value)


def absolute(address: str) -> str:
    """The address with an absolute path."""
    return address if "://" in address else str(Path(address).absolute())
