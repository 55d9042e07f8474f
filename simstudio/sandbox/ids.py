"""The namespace of ids that are derived from names, and the address of the user: the same in every run."""

from __future__ import annotations

from typing import Final
from uuid import NAMESPACE_URL, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "urn:simstudio:sandbox")
OWNER: Final = "sandbox@example.com"
"""E-mail address of the user that the API key belongs to."""
