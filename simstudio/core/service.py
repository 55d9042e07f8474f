"""``Service``: the facts of one service that its client hands down to the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from simstudio.transport.errors import NotFoundError
    from simstudio.transport.flow import Flow


class Service(NamedTuple):
    """The facts of one service that the core needs.

    Attributes:
        error_codes: ``error.code`` by HTTP status, where the documented code holds whatever the body says.
        advice: Last sentence of an error's message by HTTP status: what the caller can do about it.
        explain_not_found: Takes a resource and its 404; a flow that raises a more helpful error, or returns. It may
            send requests.
    """

    error_codes: Mapping[int, str] = MappingProxyType({})
    advice: Mapping[int, str] = MappingProxyType({})
    explain_not_found: Callable[[Any, NotFoundError], Flow[None]] | None = None
