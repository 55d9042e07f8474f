"""Values of rows, checked before they are sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from simstudio.core.notices import notify
from simstudio.core.parameters import abbreviate, conversion
from simstudio.models.v2.tables import TableColumn
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

LARGEST_INTEGER: Final = 2**53
"""The largest magnitude up to which Sim stores each integer as it is."""


class RoundedIntegerWarning(UserWarning):
    """Warning that Sim will round an integer, because it stores numbers as 64-bit floats."""


def _warn_of_rounding(name: str, value: Any) -> Any:
    """Return the value, with a :class:`RoundedIntegerWarning` for the first integer that Sim would round."""
    found = _find_rounded(value)
    if found is not None:
        notify(f"{name}{found}, and Sim rounds integers beyond 2**53. Store it as text.", RoundedIntegerWarning)
    return value


exact_integers: Final = conversion(_warn_of_rounding)
"""Integers that Sim would round are sent with a :class:`RoundedIntegerWarning`."""

_STORED_AS_THEY_ARE: Final = frozenset({str, float, bool, type(None)})


def _find_rounded(value: Any) -> str | None:
    """Find the first integer that Sim would round, as its path and value: ``['size'][0] is 9007199254740993``."""
    if type(value) is int:
        return f" is {value}" if abs(value) > LARGEST_INTEGER else None
    if isinstance(value, Mapping):
        places: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        places = enumerate(value)
    else:
        return None
    for key, each in places:  # a million rows have many values, and the path of most is never needed
        if type(each) not in _STORED_AS_THEY_ARE and (found := _find_rounded(each)) is not None:
            return f"[{key!r}]{found}"
    return None


RowData: TypeAlias = Annotated[Mapping[str, Any], exact_integers]
"""Values of a row by column name."""


_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_MOST_LISTED = 5


def check_updates(columns: Iterable[TableColumn], updates: Sequence[Mapping[str, Any]]) -> None:
    """Raise if a value does not fit its column.

    The server's bulk update stores null in its place.

    Raises:
        InvalidInputError: The message names the first such values.
    """
    by_name = {column.name: column for column in columns}
    wrong: list[str] = []
    for index, update in enumerate(updates):
        data = update.get("data") if isinstance(update, Mapping) else None
        if not isinstance(data, Mapping) or not isinstance(update.get("rowId"), str):
            wrong.append(f"updates[{index}] must have the text rowId and the mapping data")
            continue
        wrong += [f"updates[{index}]: {text}" for text in find_misfits(by_name, data)]
        if len(wrong) > _MOST_LISTED:
            break
    if wrong:
        more = "; and others" if len(wrong) > _MOST_LISTED else ""
        raise InvalidInputError(f"Nothing was sent. {'; '.join(wrong[:_MOST_LISTED])}{more}.")


def find_misfits(columns: Mapping[str, TableColumn], data: Mapping[str, Any]) -> Iterator[str]:
    """Problems with the values of a row, one sentence without a period each."""
    for name, value in data.items():
        column = columns.get(name)
        if column is None:
            yield f"the table has no column {name!r}"
        elif value is None:
            if column.required:
                yield f"{name} needs a value"
        elif not _fits(column, value):
            yield f"{name} is a column of type {column.type}, which {abbreviate(value)} does not fit"


def _fits(column: TableColumn, value: Any) -> bool:
    kind = column.type
    if kind in ("number", "currency"):
        if isinstance(value, str):
            return _NUMBER.fullmatch(value) is not None
        return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
    if kind == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if kind == "date":
        return isinstance(value, str) and _DATE.fullmatch(value) is not None
    if kind == "string":
        return isinstance(value, str)
    if kind == "select":
        chosen = value if column.multiple and isinstance(value, (list, tuple)) else [value]
        known = {text for option in column.options or () for text in (option.id, option.name)}
        return all(isinstance(each, str) and each in known for each in chosen)
    return True  # json takes all; of other types the server alone can tell
