"""From the digest's operations to those of the catalogue."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import pytest
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


def each_of(among: Sequence[DocumentedOperation]) -> Callable[[Callable[..., Any]], Any]:
    """Decorate the test of an operation (``known``): it runs for each of these, as one item for each namespace."""
    groups: dict[str, list[DocumentedOperation]] = {}
    for known in among:
        groups.setdefault(".".join(of(known).attribute.split(".")[:2]), []).append(known)

    def decorate(test: Callable[..., Any]) -> Any:
        shown = inspect.signature(test)
        parameters = [
            each.replace(name="namespace", annotation=str) if each.name == "known" else each
            for each in shown.parameters.values()
        ]

        @functools.wraps(test)
        async def run(*args: Any, namespace: str, **kwargs: Any) -> None:
            for known in groups[namespace]:
                try:
                    made = test(*args, known=known, **kwargs)
                    if inspect.isawaitable(made):
                        await made
                except (Exception, pytest.fail.Exception) as error:
                    raise AssertionError(f"{known.key}: {error}") from error

        vars(run)["__signature__"] = shown.replace(parameters=parameters)
        return pytest.mark.parametrize("namespace", groups)(run)

    return decorate
