"""Outcomes of the items of a bulk operation."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class BulkItem(Model):
    """An item of a bulk operation.

    Attributes:
        kind: ``table`` or ``folder``.
        id: Id of a table, path of a folder.
        name: None if nothing has this id or path.
        reason: Reason of the failure; None for items that did not fail.
    """

    kind: str
    id: str
    name: str | None = None
    reason: str | None = None
