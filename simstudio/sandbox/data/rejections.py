"""Why a store refuses something."""

from __future__ import annotations

from typing import Literal

Reason = Literal["invalid", "missing", "taken", "limit", "broken"]


class Rejected(Exception):  # noqa: N818 - an answer, not a fault of the program
    """A store does not do what was asked.

    Args:
        reason: ``broken`` is what the real server fails at with an internal error.
        message: what the caller is told.
        details: what the answer carries besides, in one of the shapes the server has for it.
    """

    def __init__(self, reason: Reason, message: str, details: list[object] | None = None) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
        self.details = details
