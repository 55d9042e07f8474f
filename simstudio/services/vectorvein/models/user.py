"""The account of an API key."""

from __future__ import annotations

from simstudio.core.model import model
from simstudio.services.vectorvein.models.base import Record


@model
class APIUserIdentity(Record):
    """The user whose API key is in use."""

    user_id: str
    username: str | None = None
