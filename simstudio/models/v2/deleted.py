"""The response to most deletions."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class Deleted(Model):
    """The response to a deletion.

    Attributes:
        deleted: True.
    """

    id: str
    deleted: bool
