"""The base of VectorVein's models, and how models that callers make become JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from simstudio.core.model import Model


class Record(Model):
    """A model whose wire names are its attributes' names.

    Nearly everything of an answer is optional here, because no server promises more than its ids: a record of a newer
    server (unknown fields are in ``extra``) or an older one (what did not come is None) is still a record.
    """

    __slots__ = ()
    _snake_case: ClassVar[bool] = True


def plain(value: Any, *, unset: bool = True) -> Any:
    """A value that callers give, as JSON data.

    Args:
        value: A model, a mapping, a list, or anything that is JSON already.
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
