"""The input of a run: values of fields of the workflow's nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simstudio.services.vectorvein.models.base import plain
from simstudio.services.vectorvein.models.workflows import WorkflowInputField
from simstudio.services.vectorvein.resource import invalid

InputFields = Iterable[WorkflowInputField | Mapping[str, Any]] | Mapping[str, Any]
"""A list of fields, or values by ``NODE.FIELD``."""


def encode_input_fields(fields: InputFields) -> list[dict[str, Any]]:
    """Check the input of a run, and return it in the form that is sent.

    Raises:
        InvalidInputError: The input has another form, or a field lacks a part (also a VectorVeinAPIError).
    """
    if isinstance(fields, Mapping) and not isinstance(fields, WorkflowInputField):
        return [_named_field(name, value) for name, value in fields.items()]
    if isinstance(fields, (Mapping, str, bytes)) or not isinstance(fields, Iterable):
        raise invalid(
            "input_fields must be a list of WorkflowInputField, or a dict of values by NODE.FIELD, not "
            f"{type(fields).__name__}."
        )
    sent = []
    for field in fields:
        if not isinstance(field, Mapping):
            raise invalid(f"input_fields must be a list of WorkflowInputField, and one is {type(field).__name__}.")
        if not isinstance(field, WorkflowInputField):
            missing = [name for name in ("node_id", "field_name", "value") if name not in field]
            if missing:
                raise invalid(f"An input field has no {missing[0]}: give node_id, field_name and value.")
        sent.append(plain(field))
    return sent


def adapt_fields(value: Any) -> Any:
    """An input whose fields are plain mappings, also those with the value None."""
    if not isinstance(value, (list, tuple)):
        return value
    return [plain(field) if isinstance(field, WorkflowInputField) else field for field in value]


def _named_field(name: object, value: Any) -> dict[str, Any]:
    """The field that ``NODE.FIELD`` names; a node's id has no dot."""
    node, _, field = name.partition(".") if isinstance(name, str) else ("", "", "")
    if not (node and field):
        raise invalid(f"{name!r} is not NODE.FIELD, the id of a node and the name of its field.")
    made: dict[str, Any] = plain({"node_id": node, "field_name": field, "value": value})
    return made
