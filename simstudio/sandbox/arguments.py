"""Arguments that the command line gives to the sandboxes of a file: ``simstudio sandbox app.py --seed 7``."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

_given: ContextVar[Mapping[str, Any]] = ContextVar("simstudio.sandbox.arguments", default=MappingProxyType({}))


@contextmanager
def give_arguments(**arguments: Any) -> Iterator[None]:
    """Give arguments to the sandboxes that are made in a ``with`` block. They win over those in the file."""
    token = _given.set(arguments)
    try:
        yield
    finally:
        _given.reset(token)


def argument_of(name: str, own: T) -> T:
    """The argument that the command line gives, else the sandbox's own."""
    found: T = _given.get().get(name, own)
    return found
