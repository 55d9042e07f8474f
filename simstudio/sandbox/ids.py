"""The namespace of the ids that the sandbox derives from names, so that they are the same in every run."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "urn:simstudio:sandbox")
