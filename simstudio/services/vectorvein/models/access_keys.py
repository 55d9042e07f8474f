"""Access keys, and the VApps they open."""

from __future__ import annotations

from typing import Any, Literal

from simstudio.core.model import model
from simstudio.services.vectorvein.models.base import Record

AccessKeyType = Literal["O", "M", "L"]
"""``O`` once, ``M`` many times, ``L`` long-term."""

AccessKeyStatus = Literal["AC", "IN", "EX", "US"]
"""``AC`` valid, ``IN`` invalid, ``EX`` expired, ``US`` used."""


@model
class VApp(Record):
    """An app.

    Attributes:
        images: URLs of its pictures.
    """

    app_id: str
    title: str | None = None
    description: str | None = None
    info: Any = None
    images: list[str] | None = None


@model
class AccessKey(Record):
    """A key that opens VApps for its bearer.

    Attributes:
        access_key_type: ``O`` once, ``M`` many times, ``L`` long-term.
        max_use_count: Uses that are allowed; None for any number.
        max_credits: Credits that may be spent; None for any number.
        v_app: The app that it opens, if it opens one.
        v_apps: The apps that it opens.
        records: Its uses, as plain JSON data.
        status: ``AC`` valid, ``IN`` invalid, ``EX`` expired, ``US`` used.
        access_scope: ``S`` a single app, ``M`` many.
    """

    access_key: str
    access_key_type: str | None = None
    use_count: int | None = None
    max_use_count: int | None = None
    max_credits: float | None = None
    used_credits: float | None = None
    v_app: VApp | None = None
    v_apps: list[VApp] | None = None
    records: list[Any] | None = None
    status: str | None = None
    access_scope: str | None = None
    description: str | None = None
    create_time: str | None = None
    expire_time: str | None = None
    last_use_time: str | None = None


@model
class AccessKeyListResponse(Record):
    """One page of access keys."""

    access_keys: list[AccessKey]
    total: int | None = None
    page_size: int | None = None
    page: int | None = None
