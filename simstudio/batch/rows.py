"""Rows before they become inputs: unreadable ones, and the mapping by ``columns=`` and ``input=``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.batch.snapshot import describe_error
from simstudio.core.parameters import abbreviate
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

Columns: TypeAlias = Sequence[str] | Mapping[str, str]
"""Names of the columns that inputs are made of; a mapping also gives the field of the input for each."""

_NAMED = 20
"""Most columns of a table that an error message names."""


@attrs.frozen
class BadRow:
    """A line or row that cannot be read: a failed item of the batch.

    Attributes:
        text: The line, or the values of the row, of which at least one is no JSON data.
        error: Fault for which it cannot be read; the message begins with its place.
    """

    text: Any
    error: InvalidInputError

    @property
    def has_values(self) -> bool:
        """Whether it is the row of a table, of which ``columns=`` and ``input=`` may make an input."""
        return isinstance(self.text, Mapping)


@attrs.frozen
class Letter:
    """An input from a file of dead letters, as an earlier batch sent it.

    Attributes:
        input: The input; ``columns=`` and ``input=`` do not apply to it.
        key: Its key in the ledger of that batch.
    """

    input: Any
    key: str


@attrs.frozen
class RowMap:
    """Makes inputs of rows.

    Attributes:
        columns: The columns that are taken; None for the whole row.
        function: Called with what ``columns`` left of a row; returns the input.
    """

    columns: Columns | None = None
    function: Callable[[Any], Any] | None = None

    def __call__(self, row: Any) -> Any:
        """Make an input of a row.

        Raises:
            InvalidInputError: The row has no such column, or ``input=`` failed.
        """
        if self.columns is not None:
            row = self._select(row)
        if self.function is None:
            return row
        try:
            return self.function(row)
        except Exception as error:
            raise InvalidInputError(f"input= failed: {describe_error(error)}") from error

    def _select(self, row: Any) -> dict[str, Any]:
        columns: Any = self.columns
        if not isinstance(row, Mapping):
            raise InvalidInputError(f"columns= needs rows that are JSON objects, and this one is {abbreviate(row)}")
        fields = columns if isinstance(columns, Mapping) else dict(zip(columns, columns, strict=True))
        missing = [name for name in fields if name not in row]
        if missing:
            raise InvalidInputError(f"it has no column {missing[0]!r}")
        return {field: row[name] for name, field in fields.items()}


def check_columns(name: str, columns: Any) -> None:
    """Check the option ``columns``.

    Raises:
        InvalidInputError: The value names no columns.
    """
    listed: Any = [*columns, *columns.values()] if isinstance(columns, Mapping) else columns
    is_list = isinstance(listed, Sequence) and not isinstance(listed, str) and len(listed) > 0
    if not is_list or not all(isinstance(each, str) for each in listed):
        raise InvalidInputError(
            f"{name} must be a list of column names, or a dict of the field of the input for each column, not "
            f"{columns!r}."
        )
    fields = list(columns.values()) if isinstance(columns, Mapping) else []
    for field in fields:
        if fields.count(field) > 1:
            raise InvalidInputError(f"{name} must name one column for each field, not two for {field!r}.")


def parse_columns(texts: Sequence[str]) -> dict[str, str]:
    """Parse columns and their fields from texts such as ``amount`` and ``amount=total``.

    Raises:
        InvalidInputError: A column is named twice.
    """
    fields: dict[str, str] = {}
    for name, _, field in (text.partition("=") for text in texts):
        if name in fields:
            raise InvalidInputError(f"each column once, and {name!r} is there twice.")
        fields[name] = field or name
    return fields


def key_of(field: str) -> Callable[[Any], object]:
    """Make a function that identifies a row by the value of a field, which must not be null."""

    def key(row: Any) -> object:
        if not isinstance(row, Mapping) or field not in row:
            raise InvalidInputError(f"it has no field {field!r}")
        if row[field] is None:
            raise InvalidInputError(f"its field {field!r} is null")
        return row[field]

    return key


def check_header(names: Sequence[Any], wanted: Sequence[str] | None, source: str) -> None:
    """Check the names of the columns of a table that are read.

    Args:
        wanted: The columns that are to be read; None for all.
        source: Name of the table in messages.

    Raises:
        InvalidInputError: A name is missing, or there twice; or a wanted column does not exist.
    """
    counts = Counter(names)
    for name in names if wanted is None else wanted:
        if not isinstance(name, str) or (wanted is None and not name.strip()):
            raise InvalidInputError(
                f"{source}: columns need names, and one is called {name!r}: name it, or take others with columns=."
            )
        if counts[name] > 1:
            raise InvalidInputError(f"{source}: two columns are called {name!r}.")
        if name not in counts:
            known = ", ".join(map(repr, names[:_NAMED])) + (", …" if len(names) > _NAMED else "")
            raise InvalidInputError(f"{source} has no column {name!r}; it has {known or 'none'}.")
