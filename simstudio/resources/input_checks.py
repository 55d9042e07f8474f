"""Whether an input fits the description of its workflow."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from simstudio.core.files import as_file
from simstudio.core.unsendable import type_name
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from simstudio.models.descriptions import WorkflowDescription

_LONGEST_NAME: Final = 100


@frozen
class FieldType:
    """A type of an input field.

    Attributes:
        words: Its values, in words.
        annotation: Its type in Python.
        accepts: Whether it accepts a value. May raise InvalidInputError, which says why it does not.
    """

    words: str
    annotation: Any
    accepts: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_files(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, Mapping) or (not isinstance(item, str) and as_file(item) is not None) for item in items)


_FILES: Final = FieldType("a file or a list of files (pathlib.Path, open file, simstudio.File)", Any, _are_files)
FIELD_TYPES: Final[Mapping[str, FieldType]] = {
    "string": FieldType("a str", str, lambda value: isinstance(value, str)),
    "number": FieldType("a number", float, _is_number),
    "boolean": FieldType("a bool", bool, lambda value: isinstance(value, bool)),
    "object": FieldType("a mapping", dict[str, Any], lambda value: isinstance(value, Mapping)),
    "array": FieldType("a list", list[Any], lambda value: isinstance(value, (list, tuple))),
    "file[]": _FILES,
    "files": _FILES,
    "file": _FILES,
}
"""The types of Sim's input fields; a field of another type accepts every value."""


def check_input(description: WorkflowDescription, data: Any) -> None:
    """Check an input against the fields of its workflow; a workflow without fields takes everything.

    Types are compared without conversion, although Sim turns the text ``"21"`` into a number for a field of that type.
    None is a field that was left out.

    Raises:
        InvalidInputError: A field is unknown, missing or of the wrong type; message and ``details`` list all.
    """
    if not description.fields:
        return
    faults = list(_find_faults(description, data))
    if faults:
        fields = ", ".join(_describe_field(name, field.type) for name, field in description.fields.items())
        raise InvalidInputError(
            f"The input does not fit the workflow {_quote(description.id)}: {'; '.join(faults)}. Its fields: {fields}.",
            details=faults,
        )


def _find_faults(description: WorkflowDescription, data: Any) -> Iterator[str]:
    fields = description.fields
    given = {} if data is None else data if isinstance(data, Mapping) else {"input": data}
    if given is not data and data is not None and "input" not in fields:
        yield f"it must be a mapping of fields, not {type_name(data)}"
        return
    inner = given.get("input")
    if isinstance(inner, Mapping) and "input" not in fields:  # Sim looks for a field there first
        given = {**{name: value for name, value in given.items() if name != "input"}, **inner}
    for name in given:
        if isinstance(name, str) and name not in fields:
            yield f"{_quote(name)} is no field{_suggest(name, [each for each in fields if each not in given])}"
    for name, field in fields.items():
        value = given.get(name)
        if value is not None:
            yield from _find_type_fault(name, field.type, value)
        elif field.required is True:
            yield f"{_quote(name)} is missing"


def _find_type_fault(name: str, kind: object, value: Any) -> Iterator[str]:
    expected = FIELD_TYPES.get(kind) if isinstance(kind, str) else None
    try:
        if expected is not None and not expected.accepts(value):
            yield f"{_quote(name)} must be {expected.words}, not {type_name(value)}"
    except InvalidInputError as error:
        yield f"{_quote(name)}: {str(error).rstrip('.')}"


def _suggest(name: str, fields: Iterable[str]) -> str:
    """A question that names the field most like a name; empty if none is."""
    lowered = {each.lower(): each for each in fields if len(each) <= _LONGEST_NAME}
    close = difflib.get_close_matches(name[:_LONGEST_NAME].lower(), lowered, n=1)
    return f" (did you mean {_quote(lowered[close[0]])}?)" if close else ""


def _describe_field(name: str, kind: object) -> str:
    return f"{_quote(name)} ({kind})" if kind in FIELD_TYPES else _quote(name)


def _quote(name: object) -> str:
    text = str(name)
    return repr(text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…")
