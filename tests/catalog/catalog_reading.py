"""From the digest's operations to those of the catalogue."""

from __future__ import annotations

from functools import lru_cache

from catalog_digest import DocumentedOperation

from simstudio.catalog import Operation, operations


@lru_cache(maxsize=1)
def _by_key() -> dict[tuple[str, str], Operation]:
    return {(each.version, each.id): each for each in operations()}


def of(known: DocumentedOperation) -> Operation:
    """The catalogue's entry of an operation."""
    return _by_key()[known.version, known.id]
