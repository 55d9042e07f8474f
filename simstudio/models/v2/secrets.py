"""Secrets: named values of a workspace or of a person, which workflows use and the server never shows."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class Secret(Model):
    """A secret, mostly without its value. Its name is unique within its scope.

    Attributes:
        scope: ``workspace`` or ``personal``.
        role: The caller's role: ``admin`` or ``member``.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        description: None of personal secrets.
        unredacted: Whether the value can be read; None on servers that never show values.
        value: None unless the server shows it. The repr of the model leaves it out.
    """

    name: str
    scope: str
    role: str
    created_at: str
    updated_at: str
    description: str | None = None
    unredacted: bool | None = None
    value: str | None = attrs.field(default=None, repr=False)


@model
class DeletedSecret(Model):
    """The response to the deletion of a secret.

    Attributes:
        scope: ``workspace`` or ``personal``.
        deleted: True.
    """

    name: str
    scope: str
    deleted: bool
