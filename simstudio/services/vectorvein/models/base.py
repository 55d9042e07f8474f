"""Base of VectorVein's models, and their form as JSON in requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs

from simstudio.core.model import Model
from simstudio.transport.errors import InvalidInputError


class Record(Model):
    """A model whose wire names are its attributes' names.

    Most fields are optional, because servers of different age send different fields: unknown ones are in ``extra``,
    missing ones are None.
    """

    __slots__ = ()
    _snake_case: ClassVar[bool] = True


def plain(value: Any, *, unset: bool = True, leaf: Callable[[Any], Any] | None = None) -> Any:
    """An argument of a caller as JSON data.

    Args:
        value: A model, a mapping, a list, or other JSON data.
        unset: Whether a model's fields that are None are sent, as null.
        leaf: Replaces each value that is no model, mapping or list.

    Raises:
        InvalidInputError: The value nests too deeply, or contains itself.
    """
    try:
        return _plain(value, unset=unset, leaf=leaf)
    except RecursionError:
        from simstudio.core.unsendable import TOO_DEEP

        raise InvalidInputError(f"An argument cannot be sent as JSON: {TOO_DEEP}.") from None


def _plain(value: Any, *, unset: bool, leaf: Callable[[Any], Any] | None) -> Any:
    if isinstance(value, Model):
        fields = {name: getattr(value, name) for name in attrs.fields_dict(type(value)) if hasattr(value, name)}
        sent = {**fields, **value.extra}
        return {name: _plain(item, unset=unset, leaf=leaf) for name, item in sent.items() if unset or item is not None}
    if isinstance(value, Mapping):
        return {name: _plain(item, unset=unset, leaf=leaf) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, unset=unset, leaf=leaf) for item in value]
    return value if leaf is None else leaf(value)
