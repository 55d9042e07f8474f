"""Headers of a received request, in the shapes in which web frameworks keep them.

* A mapping of names to values, or an object with ``items()``: Starlette, Flask, aiohttp, Django's ``request.headers``.
* A mapping of names to lists of values: ``multiValueHeaders`` of AWS API Gateway.
* A mapping with the names of CGI, ``HTTP_X_REQUEST_ID``: the environ of WSGI, Django's ``request.META``.
* Pairs of a name and a value: ``scope["headers"]`` of ASGI.

Names and values are text or bytes; names are in any case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from simstudio.transport.errors import ConfigurationError


class SupportsItems(Protocol):
    """Headers that are no ``Mapping`` but have ``items()``, such as Flask's."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return names and values."""
        ...


ReceivedHeaders: TypeAlias = (
    Mapping[str, object] | SupportsItems | Iterable[tuple[bytes, bytes]] | Iterable[tuple[str, str]]
)


def find_values(headers: Any, names: Collection[str]) -> dict[str, set[str]] | ConfigurationError:
    """Find the values of some headers. Other headers may be anything.

    Args:
        headers: Headers in one of the shapes of this module.
        names: Names as :func:`canonical_name` returns them.

    Returns:
        The different values by name, without empty ones. An error is returned, not raised, so that its traceback has no
        frame with the headers.
    """
    try:
        pairs = list(headers.items() if hasattr(headers, "items") else headers)
        named = [(canonical_name(name), value) for name, value in pairs]
    except (TypeError, ValueError):
        return ConfigurationError(
            "headers must be those of the request: a mapping, an object with items(), or a list of (name, value) "
            f"pairs, not {type(headers).__name__}."
        )
    found: dict[str, set[str]] = {}
    for name, value in named:
        if name not in names:
            continue
        for item in value if isinstance(value, (list, tuple)) else (value,):
            text = item.decode("latin-1") if isinstance(item, bytes) else item
            if not isinstance(text, str):
                return ConfigurationError(
                    f"The header {name} must be text, bytes or a list, not {type(item).__name__}."
                )
            if text:
                found.setdefault(name, set()).add(text)
    return found


def canonical_name(name: object) -> str:
    """Return a header's name in lower case and with hyphens; an empty text for what is no name.

    Example:
        >>> canonical_name("HTTP_X_REQUEST_ID"), canonical_name(b"X-Request-ID")
        ('x-request-id', 'x-request-id')
    """
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    if not isinstance(text, str):
        return ""
    if text.startswith("HTTP_"):
        text = text.removeprefix("HTTP_").replace("_", "-")
    return text.lower()
