"""``Service``: the facts of one service that its client hands down to the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simstudio.transport.errors import NotFoundError
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response


class Service:
    """The facts of one service that the core needs.

    Args:
        error_codes: ``error.code`` by HTTP status, where the documented code holds whatever the body says.
        advice: Returns the last sentence of an error's message, which says what the caller can do about an error
            response; None if nothing is known.
        explain_not_found: Takes a resource and its 404; a flow that raises a more helpful error, or returns. It may
            send requests.
        key_header: Name of the header that carries the key; empty if none does.
    """

    __slots__ = ("advice", "error_codes", "explain_not_found", "key_header")

    def __init__(
        self,
        error_codes: Mapping[int, str] = MappingProxyType({}),
        advice: Callable[[Response], str | None] = lambda _: None,
        explain_not_found: Callable[[Any, NotFoundError], Flow[None]] | None = None,
        key_header: str = "",
    ) -> None:
        self.error_codes = error_codes
        self.advice = advice
        self.explain_not_found = explain_not_found
        self.key_header = key_header
