"""Base of VectorVein's models, and their form as JSON in requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from simstudio.core.model import Model


class Record(Model):
    """A model whose wire names are its attributes' names.

    Most fields are optional, because servers of different age send different fields: unknown ones are in ``extra``,
    missing ones are None.
    """

    __slots__ = ()
    _snake_case: ClassVar[bool] = True


def plain(value: Any, *, unset: bool = True) -> Any:
    """An argument of a caller as JSON data.

    Args:
        value: A model, a mapping, a list, or other JSON data.
        unset: Whether a model's fields that are None are sent, as null.
    """
    if isinstance(value, Model):
        fields = {name: getattr(value, name) for name in attrs.fields_dict(type(value)) if hasattr(value, name)}
        sent = {**fields, **value.extra}
        return {name: plain(item, unset=unset) for name, item in sent.items() if unset or item is not None}
    if isinstance(value, Mapping):
        return {name: plain(item, unset=unset) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, unset=unset) for item in value]
    return value
