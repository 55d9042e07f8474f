"""The facts of a service that its client hands down to the core."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Service:
    """What the core must know of the service that a client calls.

    Attributes:
        error_codes: ``error.code`` by HTTP status, where the service documents one that holds whatever its answer says.
        advice: What the caller can do about an HTTP status: the last sentence of the error's message.
    """

    error_codes: Mapping[int, str] = attrs.field(factory=dict)
    advice: Mapping[int, str] = attrs.field(factory=dict)
