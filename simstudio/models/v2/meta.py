"""What a server says of its v2."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class Meta(Model):
    """Whether v2 is on, and what the key is.

    Attributes:
        v2_enabled: False: every other route of v2 answers 404.
        key_type: ``workspace``, ``personal`` or ``oauth_access_token``.
        expires_at: When the key ends, ISO 8601; None: never.
    """

    v2_enabled: bool
    key_type: str
    expires_at: str | None = None
