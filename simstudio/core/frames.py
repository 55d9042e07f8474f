"""Data frames: rows become a pandas DataFrame, a polars DataFrame or an Arrow table, and these become rows.

The one place of the package that knows these libraries. They are optional, and are imported when a frame is made.

Each column has a *kind*, which decides its type whatever values come, so that the same list always has the same types:

========== ======================== ==================== ====================
kind       pandas                   polars               Arrow
========== ======================== ==================== ====================
text       ``string``               ``String``           ``string``
integer    ``Int64``                ``Int64``            ``int64``
number     ``Float64``              ``Float64``          ``double``
boolean    ``boolean``              ``Boolean``          ``bool``
date       ``datetime64[us]``       ``Date``             ``date32``
list       ``object``               ``List(String)``     ``list<string>``
json       ``object``               ``String`` of JSON   ``string`` of JSON
========== ======================== ==================== ====================

Dates are text in JSON. A column of dates with times has the type of moments instead, in UTC if they have a time zone. A
column whose dates have several of these forms, or that holds a text that is no date, stays text. A column with a value
that does not fit its kind keeps its values as they came: in pandas as objects, otherwise as text, in which what is no
text is JSON. Both are said in an :class:`UntypedColumnWarning`. A missing value and null are both null.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from importlib import import_module
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from simstudio.core.unsendable import describe_type
from simstudio.transport.errors import ConfigurationError, InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

Kind: TypeAlias = Literal["text", "integer", "number", "boolean", "date", "list", "json"]

_AT_ONCE: Final = 5_000
"""Rows that are held as Python objects at a time."""
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


# -- rows to frames -----------------------------------------------------------------------------------------------


@attrs.frozen
class Layout:
    """How the items of a list become the rows of a data frame.

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
            if len(self._rows) == _AT_ONCE:
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

    def __init__(self, maker: _Maker, column: Column) -> None:
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
            f"Column {self.name!r} is of kind {self._kind}, which {_abbreviate(misfit)} does not fit: it is untyped."
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
            reason = f"holds {_abbreviate(odd)}, which is no date" if odd else "holds dates of several forms"
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


def _abbreviate(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


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


# -- libraries ----------------------------------------------------------------------------------------------------


def _import(name: str, purpose: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigurationError(f"{purpose} needs {name}, which is not installed: pip install {name}") from error


class _Maker:
    """Makes columns and frames of one library. Kinds are those of columns, the forms of dates, and ``mixed``."""

    texts: ClassVar[bool] = True
    """Whether columns hold no Python objects, so that JSON data is text."""

    def chunk(self, kind: str, values: list[Any]) -> Any:
        """Make a part of a column."""
        if self.texts and kind in ("json", "mixed"):
            values = [_as_text(value, plain=kind == "mixed") for value in values]
        elif kind == "number":
            values = [None if value is None else float(value) for value in values]
        try:
            return self._chunk(kind, values)
        except UnicodeEncodeError:  # half a surrogate pair
            return self._chunk(kind, [_encodable(value) for value in values])

    def _chunk(self, kind: str, values: list[Any]) -> Any:
        raise NotImplementedError

    def values(self, chunk: Any) -> list[Any]:
        """The Python values of a part."""
        raise NotImplementedError

    def join(self, kind: str, chunks: list[Any]) -> Any:
        """Make a column of its parts."""
        raise NotImplementedError

    def frame(self, columns: Mapping[str, Any], count: int) -> Any:
        """Make a frame of its columns, of ``count`` rows."""
        raise NotImplementedError


def _as_text(value: Any, *, plain: bool) -> str | None:
    """JSON of a value; a text as it is if ``plain``."""
    if value is None or (plain and isinstance(value, str)):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encodable(value: Any) -> Any:
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


class _Pandas(_Maker):
    texts = False
    _dtypes: ClassVar[Mapping[str, str]] = {
        "text": "string",
        "date": "string",
        "integer": "Int64",
        "number": "Float64",
        "boolean": "boolean",
        "day": "datetime64[us]",
        "local": "datetime64[us]",
        "moment": "datetime64[us, UTC]",
    }

    def __init__(self) -> None:
        self._pandas = _import("pandas", "A data frame of pandas")

    def _chunk(self, kind: str, values: list[Any]) -> Any:
        return self._pandas.Series(values, dtype=self._dtypes.get(kind, "object"))

    def values(self, chunk: Any) -> list[Any]:
        return _pandas_values(chunk)

    def join(self, kind: str, chunks: list[Any]) -> Any:
        return self._pandas.concat(chunks or [self._chunk(kind, [])], ignore_index=True)

    def frame(self, columns: Mapping[str, Any], count: int) -> Any:
        return self._pandas.DataFrame(columns, index=self._pandas.RangeIndex(count), copy=False)


class _Polars(_Maker):
    def __init__(self) -> None:
        self._polars = polars = _import("polars", "A data frame of polars")
        self._dtypes = {
            "integer": polars.Int64,
            "number": polars.Float64,
            "boolean": polars.Boolean,
            "list": polars.List(polars.String),
            "day": polars.Date,
            "local": polars.Datetime("us"),
            "moment": polars.Datetime("us", "UTC"),
        }

    def _chunk(self, kind: str, values: list[Any]) -> Any:
        return self._polars.Series(values=values, dtype=self._dtypes.get(kind, self._polars.String))

    def values(self, chunk: Any) -> list[Any]:
        return list(chunk.to_list())

    def join(self, kind: str, chunks: list[Any]) -> Any:
        return self._polars.concat(chunks or [self._chunk(kind, [])], rechunk=False)

    def frame(self, columns: Mapping[str, Any], count: int) -> Any:
        del count
        return self._polars.DataFrame(columns)


class _Arrow(_Maker):
    def __init__(self) -> None:
        self._arrow = arrow = _import("pyarrow", "An Arrow table")
        self._dtypes = {
            "integer": arrow.int64(),
            "number": arrow.float64(),
            "boolean": arrow.bool_(),
            "list": arrow.list_(arrow.string()),
            "day": arrow.date32(),
            "local": arrow.timestamp("us"),
            "moment": arrow.timestamp("us", tz="UTC"),
        }

    def _type(self, kind: str) -> Any:
        return self._dtypes.get(kind) or self._arrow.string()

    def _chunk(self, kind: str, values: list[Any]) -> Any:
        return self._arrow.array(values, type=self._type(kind))

    def values(self, chunk: Any) -> list[Any]:
        return list(chunk.to_pylist())

    def join(self, kind: str, chunks: list[Any]) -> Any:
        return self._arrow.chunked_array(chunks, type=self._type(kind))

    def frame(self, columns: Mapping[str, Any], count: int) -> Any:
        del count
        return self._arrow.table(columns)


_MAKERS: Final[Mapping[str, type[Any]]] = {"pandas": _Pandas, "polars": _Polars, "arrow": _Arrow}


def import_library(library: str) -> _Maker:
    """Import a library, and return what makes its columns and frames.

    Raises:
        ConfigurationError: The library is not installed.
        InvalidInputError: There is no such library.
    """
    if library not in _MAKERS:
        raise InvalidInputError(f"library must be {', '.join(map(repr, _MAKERS))}, not {library!r}.")
    maker: _Maker = _MAKERS[library]()
    return maker


# -- frames to rows -----------------------------------------------------------------------------------------------


def _library_of(value: object) -> str | None:
    """The library that reads a frame; None if the value is none. Nothing is imported."""
    for kind in type(value).__mro__:
        library = kind.__module__.partition(".")[0]
        if kind.__name__ == "DataFrame" and library in ("pandas", "polars"):
            return library
        if kind.__name__ == "LazyFrame" and library == "polars":
            return "lazy"
    return "arrow" if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__") else None


def read_frame(frame: Any) -> FrameReader:
    """Return a reader of a pandas DataFrame, a polars DataFrame, or of whatever exports Arrow data.

    The index of a pandas DataFrame is left out.

    Raises:
        InvalidInputError: The value is no frame, or its columns have no names of their own.
        ConfigurationError: pyarrow is not installed, and the frame is neither of pandas nor of polars.
    """
    library = _library_of(frame)
    if library == "lazy":
        raise InvalidInputError("A LazyFrame has no rows yet: pass frame.collect().")
    if library is None:
        raise InvalidInputError(
            f"A data frame must be one of pandas or polars, or an Arrow table; it is of type {type(frame).__name__}."
        )
    reader = _READERS[library](frame)
    names = [column.name for column in reader.columns]
    wrong = [name for name in names if not isinstance(name, str)] or [name for name in names if names.count(name) > 1]
    if wrong:
        raise InvalidInputError(f"Columns of a data frame must have different texts as names; it has {wrong[0]!r}.")
    return reader


class FrameReader:
    """Reads a frame as JSON data, in parts.

    Attributes:
        columns: The columns; the kind is ``json`` if the frame's type tells no other.
    """

    texts: ClassVar[bool] = True
    columns: list[Column]

    def parts(self) -> Iterator[list[list[Any]]]:
        """Some rows at a time, column by column, as Python values with None for null."""
        raise NotImplementedError

    def rows(self, as_json: Iterable[str] = ()) -> Iterator[dict[str, Any]]:
        """Iterate over the rows: JSON values by column.

        Args:
            as_json: Columns that hold JSON data. In polars and Arrow their texts are JSON, as they are when a list
                becomes such a frame.

        Raises:
            InvalidInputError: A value is no JSON data; the message names row and column.
        """
        parsed = set(as_json) if self.texts else set()
        names = [column.name for column in self.columns]
        kinds = [column.kind for column in self.columns]
        first = 0
        for part in self.parts():
            columns: list[list[Any]] = []
            for name, kind, values in zip(names, kinds, part, strict=True):
                if kind in ("text", "boolean", "integer") and name not in parsed:  # JSON data as they are
                    columns.append(values)
                    continue
                read = _read_json if name in parsed else _to_json
                try:
                    columns.append([None if value is None else read(value) for value in values])
                except _NoJSON:
                    raise _explain(name, first, values, read) from None
            for row in zip(*columns, strict=True):
                yield dict(zip(names, row, strict=True))
            first += len(part[0]) if part else 0


class _NoJSON(Exception):  # noqa: N818 - never leaves this module
    """A value that is no JSON data; the text says why."""


def _explain(name: str, first: int, values: list[Any], read: Callable[[Any], Any]) -> InvalidInputError:
    for at, value in enumerate(values, first):
        try:
            read(value)
        except _NoJSON as error:
            return InvalidInputError(f"Row {at} of the data frame, column {name!r}, {error}.")
    raise AssertionError("a value was no JSON data")  # pragma: no cover


def _read_json(value: Any) -> Any:
    if not isinstance(value, str):
        return _to_json(value)
    try:
        return json.loads(value)
    except ValueError:
        raise _NoJSON(f"is {_abbreviate(value)}, which is no JSON, in a column of JSON data") from None


def _to_json(value: Any) -> Any:
    """JSON data of a value of a frame."""
    kind = type(value)
    if value is None or kind in (str, bool, int):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise _NoJSON(f"is {value!r}, which JSON cannot say")
        return None if math.isnan(value) else float(value)
    if kind.__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _to_json(float(value))
    if isinstance(value, Mapping):
        return {name: _to_json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(each) for each in value]
    if kind.__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        plain = value.tolist()
        if type(plain) is not kind:
            return _to_json(plain)
    raise _NoJSON(describe_type(value))


class _PandasReader(FrameReader):
    texts = False

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._types = import_module("pandas").api.types
        self.columns = [Column(name, self._kind(frame.iloc[:, at])) for at, name in enumerate(frame.columns)]
        self._days = {at for at, column in enumerate(self.columns) if column.kind == "date" and _are_days(frame, at)}
        """Columns of moments at midnight: pandas has no type for days."""

    def _kind(self, series: Any) -> Kind:
        types = self._types
        tests: list[tuple[Kind, Callable[[Any], bool]]] = [
            ("boolean", types.is_bool_dtype),
            ("integer", types.is_integer_dtype),
            ("number", types.is_float_dtype),
            ("date", types.is_datetime64_any_dtype),
        ]
        for kind, test in tests:
            if test(series.dtype):
                return kind
        values = series.cat.categories if str(series.dtype) == "category" else series
        inferred: str = types.infer_dtype(values, skipna=True)
        return _INFERRED.get(inferred, "json")

    def parts(self) -> Iterator[list[list[Any]]]:
        for start in range(0, len(self._frame), _AT_ONCE):
            part = self._frame.iloc[start : start + _AT_ONCE]
            columns = [_pandas_values(part.iloc[:, at]) for at in range(len(self.columns))]
            for at in self._days:
                columns[at] = [None if value is None else value.date() for value in columns[at]]
            yield columns


_INFERRED: Final[Mapping[str, Kind]] = {
    "string": "text",
    "empty": "text",
    "boolean": "boolean",
    "integer": "integer",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime": "date",
    "datetime64": "date",
    "date": "date",
}
"""Kinds of columns of Python objects, by the name that pandas has for them."""


def _are_days(frame: Any, at: int) -> bool:
    series = frame.iloc[:, at]
    if getattr(series.dtype, "kind", "") != "M" or getattr(series.dtype, "tz", None) is not None:
        return False
    return bool((series.isna() | (series == series.dt.normalize())).all())


def _pandas_values(series: Any) -> list[Any]:
    """The Python values of a column, with None for null."""
    values = series.astype(object)
    return list(values.where(series.notna(), None).tolist())


class _PolarsReader(FrameReader):
    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self.columns = [Column(name, self._kind(dtype)) for name, dtype in frame.schema.items()]

    @staticmethod
    def _kind(dtype: Any) -> Kind:
        name = str(dtype.base_type())
        if dtype.is_integer():
            return "integer"
        if dtype.is_float() or name == "Decimal":
            return "number"
        kinds: dict[str, Kind] = {"Boolean": "boolean", "Date": "date", "Datetime": "date"}
        kinds |= dict.fromkeys(("String", "Categorical", "Enum", "Null"), "text")
        return kinds.get(name, "json")

    def parts(self) -> Iterator[list[list[Any]]]:
        for part in self._frame.iter_slices(_AT_ONCE):
            yield [column.to_list() for column in part.get_columns()]


class _ArrowReader(FrameReader):
    def __init__(self, frame: Any) -> None:
        arrow = _import("pyarrow", "Reading Arrow data")
        if isinstance(frame, arrow.RecordBatchReader):
            self._batches = frame
        elif hasattr(frame, "__arrow_c_stream__"):
            self._batches = arrow.RecordBatchReader.from_stream(frame)
        else:
            batch = arrow.record_batch(frame)
            self._batches = arrow.RecordBatchReader.from_batches(batch.schema, [batch])
        self._arrow = arrow
        self.columns = [Column(field.name, self._kind(field.type)) for field in self._batches.schema]

    def _kind(self, dtype: Any) -> Kind:
        types = self._arrow.types
        if types.is_dictionary(dtype):
            return self._kind(dtype.value_type)
        tests: list[tuple[Kind, tuple[Callable[[Any], bool], ...]]] = [
            ("boolean", (types.is_boolean,)),
            ("integer", (types.is_integer,)),
            ("number", (types.is_floating, types.is_decimal)),
            ("date", (types.is_date, types.is_timestamp)),
            ("text", (types.is_string, types.is_large_string, types.is_null)),
        ]
        for kind, each in tests:
            if any(test(dtype) for test in each):
                return kind
        return "json"

    def parts(self) -> Iterator[list[list[Any]]]:
        for batch in self._batches:
            for start in range(0, batch.num_rows, _AT_ONCE):
                yield [self._values(column) for column in batch.slice(start, _AT_ONCE).columns]

    def _values(self, column: Any) -> list[Any]:
        if self._arrow.types.is_timestamp(column.type) and column.type.unit == "ns":
            # Python has no nanoseconds.
            column = column.cast(self._arrow.timestamp("us", tz=column.type.tz), safe=False)
        return list(column.to_pylist())


_READERS: Final[Mapping[str, Callable[[Any], FrameReader]]] = {
    "pandas": _PandasReader,
    "polars": _PolarsReader,
    "arrow": _ArrowReader,
}
