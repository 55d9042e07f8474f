"""The state of a server's v2 API."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class Meta(Model):
    """The state of a server's v2 API, and the kind of the API key.

    Attributes:
        v2_enabled: If False, every other route of v2 answers 404.
        key_type: ``workspace``, ``personal`` or ``oauth_access_token``.
        expires_at: Time at which the key expires, ISO 8601; None if it does not.
    """

    v2_enabled: bool
    key_type: str
    expires_at: str | None = None
