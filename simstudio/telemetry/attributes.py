"""Attributes of spans and metrics."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from simstudio.core.display import hide_secrets
from simstudio.transport.secret_fields import redact_document

if TYPE_CHECKING:
    from typing import TypeAlias

    Attributes: TypeAlias = dict[str, str | bool | int | float]


def put(attributes: Attributes, name: str, value: str | float | None) -> None:
    """Set an attribute unless its value is None."""
    if value is not None:
        attributes[name] = value


def whole(value: float | None) -> int | None:
    """A count as an integer; None if it is missing or not finite."""
    return None if value is None or not math.isfinite(value) else int(value)


def json_text(value: Any) -> str | None:
    """A value as JSON, without values whose names are those of secrets; None if there is none."""
    return None if value is None else json.dumps(hide_secrets(value), ensure_ascii=False, default=str)


def without_secrets(text: str) -> str:
    """JSON as it was sent, without values whose names are those of secrets; other text unchanged."""
    return redact_document(text, lambda _: "***") or text


def error_type(error: BaseException) -> str:
    """The value of the attribute ``error.type``."""
    return type(error).__qualname__
