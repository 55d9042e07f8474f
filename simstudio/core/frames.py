"""Data frames of rows: pandas and polars DataFrames, and Arrow tables.

The libraries are optional: :mod:`simstudio.core.frame_libraries` imports them when a frame is made, and
:mod:`simstudio.core.frame_readers` reads frames.

Each column has a *kind*, which decides its type whatever values come, so that the same list always has the same types:

========== ======================== ==================== ====================
kind       pandas                   polars               Arrow
========== ======================== ==================== ====================
text       ``string``               ``String``           ``string``
integer    ``Int64``                ``Int64``            ``int64``
number     ``Float64``              ``Float64``          ``double``
boolean    ``boolean``              ``Boolean``          ``bool``
date       ``datetime64[us]``       ``Date``             ``date32``
moment     ``datetime64[us, UTC]``  ``Datetime`` in UTC  ``timestamp`` in UTC
list       ``object``               ``List(String)``     ``list<string>``
json       ``object``               ``String`` of JSON   ``string`` of JSON
========== ======================== ==================== ====================

Dates are text in JSON. A column of dates with times has the type of moments instead, in UTC if they have a time zone. A
column whose dates have several of these forms, or that holds a text that is no date, stays text. The values of kind
``moment`` are ``datetime`` objects with a time zone. A column with a value that does not fit its kind keeps its values
as they came: in pandas as objects, otherwise as text, in which what is no text is JSON. Both are said in an
:class:`UntypedColumnWarning`. A missing value and null are both null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timezone
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from simstudio.core.frame_libraries import ROWS_AT_ONCE, ColumnMaker, import_library
from simstudio.core.parameters import abbreviate
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

Kind: TypeAlias = Literal["text", "integer", "number", "boolean", "date", "moment", "list", "json"]

_NULL: Final = type(None)
_TYPES: Final[Mapping[str, frozenset[type]]] = {
    "text": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "date": frozenset({str}),
    "list": frozenset({list}),
}


class UntypedColumnWarning(UserWarning):
    """Warning that a column of a data frame has another type than its kind, because a value did not fit."""


@attrs.frozen
class Column:
    """A column of a data frame."""

    name: str
    kind: Kind


@attrs.frozen
class Layout:
    """The layout of a data frame made of the items of a list.

    Attributes:
        columns: Columns of the frame, in their order.
        read: Values of an item by column.
        others: Columns that the frame has only if they are asked for.
    """

    columns: Sequence[Column]
    read: Callable[[Any], Mapping[str, Any]]
    others: Sequence[Column] = ()

    @classmethod
    def of(cls, kind: type[Any]) -> Layout:
        """Make the layout of a list of models: a column for each field, under its Python name.

        Values of several fields are JSON data. An item that is no JSON object becomes a row of nulls.
        """
        hints = get_type_hints(kind)
        columns = [Column(field.name, _kind_of(hints[field.name])) for field in attrs.fields(kind)]
        wires = {column.name: kind._wire_names[column.name] for column in columns if column.kind == "json"}
        plain = [column.name for column in columns if not wires.get(column.name)]

        def read(item: Any) -> Mapping[str, Any]:
            if not isinstance(item, kind):
                return {}
            data = item.to_dict()
            values = {name: getattr(item, name, None) for name in plain}
            for name, spellings in wires.items():
                values[name] = next((data[wire] for wire in spellings if data.get(wire) is not None), None)
            return values

        return cls(columns, read)

    def select(self, names: Sequence[str] | None) -> Layout:
        """Return the layout with the columns of these names, in their order; with the usual ones if it is None.

        Raises:
            InvalidInputError: A column does not exist.
        """
        if names is None:
            return self
        known = {column.name: column for column in (*self.others, *self.columns)}
        if isinstance(names, str) or not all(name in known for name in names):
            raise InvalidInputError(f"columns must be a list of some of {', '.join(known)}; it is {names!r}.")
        return attrs.evolve(self, columns=[known[name] for name in names])


def _kind_of(annotation: Any) -> Kind:
    if get_origin(annotation) in (Union, UnionType):
        members = [each for each in get_args(annotation) if each is not _NULL]
        return _kind_of(members[0]) if len(members) == 1 else "json"
    kinds: dict[Any, Kind] = {str: "text", int: "integer", float: "number", bool: "boolean", list[str]: "list"}
    return kinds.get(annotation, "json")


class FrameBuilder:
    """Makes a data frame of rows that are added bit by bit, and holds few of them as Python objects.

    Args:
        library: ``pandas``, ``polars`` or ``arrow``.
        columns: Columns of the frame; other values of the rows are left out.

    Attributes:
        problems: One sentence about each column that is not of its kind; complete after :meth:`finish`.

    Raises:
        ConfigurationError: The library is not installed.
        InvalidInputError: There is no such library.

    Example:
        >>> builder = FrameBuilder("arrow", [Column("sku", "text"), Column("qty", "number")])  # doctest: +SKIP
        >>> builder.add([{"sku": "A1", "qty": 2}, {"sku": "B2"}])  # doctest: +SKIP
        >>> builder.finish().to_pylist()  # doctest: +SKIP
        [{'sku': 'A1', 'qty': 2.0}, {'sku': 'B2', 'qty': None}]
    """

    def __init__(self, library: str, columns: Sequence[Column]) -> None:
        self._maker = import_library(library)
        self._columns = [_ColumnBuilder(self._maker, column) for column in columns]
        self._rows: list[Mapping[str, Any]] = []
        self._count = 0
        self.problems: list[str] = []

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows: values by column."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) == ROWS_AT_ONCE:
                self._flush()

    def finish(self) -> Any:
        """Return the frame of all rows."""
        self._flush()
        made = {column.name: column.finish() for column in self._columns}
        self.problems = [column.problem for column in self._columns if column.problem]
        return self._maker.frame(made, self._count)

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        self._count += len(rows)
        for column in self._columns:
            name = column.name
            column.add([row.get(name) for row in rows])


class _ColumnBuilder:
    """One column of a frame: chunks of the library, each of some rows."""

    def __init__(self, maker: ColumnMaker, column: Column) -> None:
        self.name = column.name
        self.problem = ""
        self._maker = maker
        self._kind: str = column.kind
        self._chunks: list[Any] = []
        self._forms: dict[str, str] = {}
        """Forms of dates, each with a text that has it."""

    def add(self, values: list[Any]) -> None:
        if self._kind in _TYPES:
            misfit = _find_misfit(self._kind, values)
            if misfit is not None:
                self._give_up(misfit)
        if self._kind == "date":
            for text in values:
                if text is not None:
                    form = _form_of(text)
                    if form not in self._forms:
                        self._forms[form] = text
        self._chunks.append(self._maker.chunk(self._kind, values))

    def _give_up(self, misfit: Any) -> None:
        """Keep the values as they come from now on, and those before as they came."""
        self.problem = (
            f"Column {self.name!r} is of kind {self._kind}, which {abbreviate(misfit)} does not fit: it is untyped."
        )
        before = (self._maker.values(chunk) for chunk in self._chunks)
        whole = self._kind == "number"  # JSON of the server has no 3.0
        self._kind = "mixed"
        self._chunks = [
            self._maker.chunk("mixed", [_whole(value) for value in values] if whole else values) for values in before
        ]

    def finish(self) -> Any:
        if self._kind == "date":
            form = next(iter(self._forms), "day")
            if len(self._forms) <= 1 and form in _FORMS:
                dates = ([_parse(text) for text in self._maker.values(chunk)] for chunk in self._chunks)
                return self._maker.join(form, [self._maker.chunk(form, values) for values in dates])
            odd = self._forms.get("", None)
            reason = f"holds {abbreviate(odd)}, which is no date" if odd else "holds dates of several forms"
            self.problem = f"Column {self.name!r} {reason}: it is text."
            self._kind = "text"
        return self._maker.join(self._kind, self._chunks)


def _find_misfit(kind: str, values: list[Any]) -> Any:
    """The first value that a column of this kind cannot hold; None if there is none."""
    allowed = _TYPES[kind]
    found = set(map(type, values)) - {_NULL}
    if not found <= allowed:
        return next(value for value in values if value is not None and type(value) not in allowed)
    if int in found:
        return next((value for value in values if value is not None and not _fits_in_64_bits(kind, value)), None)
    if kind == "list":
        return next((value for value in values if value and set(map(type, value)) != {str}), None)
    return None


def _fits_in_64_bits(kind: str, value: float) -> bool:
    return -(2**63) <= value < 2**63 if kind == "integer" else abs(value) < 2.0**1023


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# -- dates --------------------------------------------------------------------------------------------------------

_FORMS: Final = ("day", "local", "moment")
"""A day; a day and a time without a time zone; a day and a time with one."""
_DATE: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(?:(Z)|([+-]\d{2}):?(\d{2}))?)?", re.ASCII
)


def _form_of(text: str) -> str:
    """The form of a date; an empty text if it is none."""
    found = _parse(text)
    if found is None:
        return ""
    if not isinstance(found, datetime):
        return "day"
    return "local" if found.tzinfo is None else "moment"


def _parse(text: str | None) -> date | datetime | None:
    """Parse ISO 8601 as it is usual; with at most microseconds, so that nothing is lost."""
    found = None if text is None else _DATE.fullmatch(text)
    if found is None:
        return None
    day, clock, seconds, fraction, utc, hours, minutes = found.groups()
    try:
        if clock is None:
            return date.fromisoformat(day)
        zone = "+00:00" if utc else f"{hours}:{minutes}" if hours else ""
        moment = datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}.{(fraction or '').ljust(6, '0')}{zone}")
        return moment if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):  # such as February 30, or the year 0 in UTC
        return None
