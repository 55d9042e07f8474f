"""``Service``: the facts of one service that its client hands down to the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.errors import NotFoundError
    from simstudio.transport.flow import Flow


@attrs.frozen
class Service:
    """The facts of one service that the core needs.

    Attributes:
        error_codes: ``error.code`` by HTTP status, where the documented code holds whatever the body says.
        advice: Last sentence of an error's message by HTTP status: what the caller can do about it.
        explain_not_found: A flow that raises a more helpful error for a 404, or returns. It may send requests.
    """

    error_codes: Mapping[int, str] = attrs.field(factory=dict)
    advice: Mapping[int, str] = attrs.field(factory=dict)
    explain_not_found: Callable[[APIResource[Any], NotFoundError], Flow[None]] | None = None
