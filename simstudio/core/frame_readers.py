"""Rows of data frames: of pandas, of polars, and of objects that export Arrow data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any, ClassVar, Final
from uuid import UUID

import attrs

from simstudio.core.frame_libraries import ROWS_AT_ONCE, import_package, pandas_values
from simstudio.core.frames import Column, Kind
from simstudio.core.parameters import abbreviate
from simstudio.core.unsendable import describe_type
from simstudio.transport.errors import InvalidInputError

_UNREADABLE: Final[tuple[type[BaseException], ...]] = (ValueError, OverflowError)
_MOST_DIGITS: Final = 400
"""Digits of a whole number; a float holds fewer."""


def library_of(value: object) -> str | None:
    """The library that reads a frame; None if the value is none. Nothing is imported."""
    for kind in type(value).__mro__:
        library = kind.__module__.partition(".")[0]
        if kind.__name__ == "DataFrame" and library in ("pandas", "polars"):
            return library
        if kind.__name__ == "LazyFrame" and library == "polars":
            return "lazy"
    return "arrow" if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__") else None


def read_frame(frame: Any) -> FrameReader:
    """Return a reader of a pandas DataFrame, a polars DataFrame, or an object that exports Arrow data.

    The index of a pandas DataFrame is left out.

    Raises:
        InvalidInputError: The value is no frame, or its columns have no names of their own.
        ConfigurationError: pyarrow is not installed, and the frame is neither of pandas nor of polars.
    """
    library = library_of(frame)
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
        columns: The columns; the kind is ``json`` if the frame's type names no other, or a value cannot be read.
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
        first = 0
        for part in self.parts():
            columns: list[list[Any]] = []
            for name, values, kind in zip(names, part, [column.kind for column in self.columns], strict=True):
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


def json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """JSON data of a row: values by column.

    Raises:
        InvalidInputError: A value is no JSON data; the message names the column.
    """
    made = {}
    for name, value in row.items():
        try:
            made[name] = _to_json(value)
        except _NoJSON as error:
            raise InvalidInputError(f"Column {name!r} {error}.") from None
    return made


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with JSON data wherever a value is such, and the others as they are."""
    made = {}
    for name, value in row.items():
        try:
            made[name] = _to_json(value)
        except _NoJSON:
            made[name] = value
    return made


def _read_json(value: Any) -> Any:
    if not isinstance(value, str):
        return _to_json(value)
    try:
        return json.loads(value)
    except ValueError:
        raise _NoJSON(f"is {abbreviate(value)}, which is no JSON, in a column of JSON data") from None


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
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        return _to_json(int(value) if _is_whole(value) else float(value))
    if isinstance(value, Mapping):
        return {name: _to_json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(each) for each in value]
    if kind.__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        plain = value.tolist()
        if type(plain) is not kind:
            return _to_json(plain)
    raise _NoJSON(value.reason if kind is UnreadableValue else describe_type(value))


def _is_whole(value: Decimal) -> bool:
    """Whether a number was written without decimals, as the ids of databases are, whose digits a float would lose."""
    return value.is_finite() and value.adjusted() < _MOST_DIGITS and int(value.as_tuple().exponent) >= 0


@attrs.frozen
class UnreadableValue:
    """A value of a column that Python cannot hold, such as a date after the year 9999.

    Attributes:
        reason: The end of a sentence about it.
    """

    reason: str


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
        for start in range(0, len(self._frame), ROWS_AT_ONCE):
            part = self._frame.iloc[start : start + ROWS_AT_ONCE]
            columns = [pandas_values(part.iloc[:, at]) for at in range(len(self.columns))]
            for at in self._days:
                columns[at] = [None if value is None else _day_of(value) for value in columns[at]]
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


def _day_of(moment: Any) -> Any:
    try:
        return moment.date()
    except NotImplementedError:  # before the year 1 or after 9999
        return moment


def _are_days(frame: Any, at: int) -> bool:
    series = frame.iloc[:, at]
    if getattr(series.dtype, "kind", "") != "M" or getattr(series.dtype, "tz", None) is not None:
        return False
    return bool((series.isna() | (series == series.dt.normalize())).all())


class _PolarsReader(FrameReader):
    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._unreadable = (*_UNREADABLE, import_module("polars.exceptions").PanicException)
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
        for part in self._frame.iter_slices(ROWS_AT_ONCE):
            yield [self._values(at, column) for at, column in enumerate(part.get_columns())]

    def _values(self, at: int, column: Any) -> list[Any]:
        try:
            return list(column.to_list())
        except self._unreadable:  # one value, which is found here
            self.columns[at] = Column(self.columns[at].name, "json")
            return [_read_value(partial(self._value, column, row), self._unreadable) for row in range(len(column))]

    @staticmethod
    def _value(column: Any, row: int) -> Any:
        return column.slice(row, 1).to_list()[0]


class _ArrowReader(FrameReader):
    def __init__(self, frame: Any) -> None:
        arrow = import_package("pyarrow", "Reading Arrow data")
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
            for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                columns = enumerate(batch.slice(start, ROWS_AT_ONCE).columns)
                yield [self._values(at, column) for at, column in columns]

    def _values(self, at: int, column: Any) -> list[Any]:
        if self._arrow.types.is_timestamp(column.type) and column.type.unit == "ns":
            # Python has no nanoseconds.
            column = column.cast(self._arrow.timestamp("us", tz=column.type.tz), safe=False)
        try:
            return list(column.to_pylist())
        except _UNREADABLE:  # one value, which is found here
            self.columns[at] = Column(self.columns[at].name, "json")
            return [_read_value(scalar.as_py, _UNREADABLE) for scalar in column]


def _read_value(read: Callable[[], Any], failures: tuple[type[BaseException], ...]) -> Any:
    try:
        return read()
    except failures as error:
        text = str(error).rstrip(".")
        return UnreadableValue(f"cannot be read ({type(error).__name__}: {text})")


_READERS: Final[Mapping[str, Callable[[Any], FrameReader]]] = {
    "pandas": _PandasReader,
    "polars": _PolarsReader,
    "arrow": _ArrowReader,
}
