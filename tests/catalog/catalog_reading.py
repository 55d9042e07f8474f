"""From the digest's operations to those of the catalogue."""

from __future__ import annotations

from functools import lru_cache

from catalog_digest import DocumentedOperation, documented

from simstudio.catalog import Operation, operations


@lru_cache(maxsize=1)
def _by_key() -> dict[str, Operation]:
    found = {f"{each.version}.{each.id}": each for each in operations()}
    return found | {f"{each.version}.{each.id}.{each.attribute.rpartition('.')[2]}": each for each in operations()}


def of(known: DocumentedOperation) -> Operation:
    """The catalogue's entry of an operation."""
    return _by_key()[known.key]


def one_of_each_kind() -> list[DocumentedOperation]:
    """For each version and verb the first operation that answers with a page, a model, or a file, or sends a form."""
    found: dict[tuple[object, ...], DocumentedOperation] = {}
    for known in documented():
        kind = (known.version, known.verb, of(known).is_list, known.is_multipart, bool(known.answer.fields))
        found.setdefault(kind, known)
    return list(found.values())
