"""Why the store of definitions refuses something."""

from __future__ import annotations

from typing import Literal

Kind = Literal["not_found", "conflict", "invalid", "too_large"]


class Refused(Exception):  # noqa: N818 - an answer, not a fault of the program
    """The store will not do it.

    Attributes:
        kind: what the routes make a status of.
        details: more, for programs; usually an object with a ``code``.
    """

    def __init__(self, kind: Kind, message: str, details: object = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.details = details


def not_found(what: str) -> Refused:
    """Something the caller named does not exist."""
    return Refused("not_found", f"{what} not found")


def conflict(message: str, details: object = None) -> Refused:
    """It does not fit the present state of things."""
    return Refused("conflict", message, details)


def invalid(message: str, details: object = None) -> Refused:
    """It cannot be meant."""
    return Refused("invalid", message, details)
