"""Attributes of spans and metrics."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

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
    """A value as JSON; None if there is none."""
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def error_type(error: BaseException) -> str:
    """The value of the attribute ``error.type``."""
    return type(error).__qualname__
