"""The schema with which pydantic, and so FastAPI, validates and serializes a model. Only pydantic calls this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def core_schema_of(kind: Any) -> Any:
    """The schema of a model class: an instance, or a JSON object that becomes one; serialized as a JSON object.

    Deviations of an object are not logged, as it comes from no server.
    """
    from pydantic_core import core_schema

    def validate(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        if isinstance(value, Mapping):
            return kind._from_json(dict(value), lambda *_: None)
        raise ValueError(f"must be a {kind.__name__} or an object, not {type(value).__name__}")

    def serialize(value: Any) -> Any:
        if hasattr(value, "_from_json"):  # a model, such as a reference to a large value inside another model
            value = value.to_dict()
        if isinstance(value, dict):
            return {name: serialize(item) for name, item in value.items()}
        return [serialize(item) for item in value] if isinstance(value, list) else value

    return core_schema.no_info_plain_validator_function(
        validate, serialization=core_schema.plain_serializer_function_ser_schema(serialize)
    )
