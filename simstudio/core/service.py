"""The facts of a service that its client hands down to the core."""

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
    """What the core must know of the service that a client calls.

    Attributes:
        error_codes: ``error.code`` by HTTP status, where the service documents one that holds whatever its answer says.
        advice: What the caller can do about an HTTP status: the last sentence of the error's message.
        explain_not_found: The flow that raises a better error for a 404, where there is one: it may ask the server.
    """

    error_codes: Mapping[int, str] = attrs.field(factory=dict)
    advice: Mapping[int, str] = attrs.field(factory=dict)
    explain_not_found: Callable[[APIResource[Any], NotFoundError], Flow[None]] | None = None
