"""Columns and frames of pandas, polars and Arrow, which are optional and are imported when they are needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Final

from simstudio.transport.errors import ConfigurationError, InvalidInputError

ROWS_AT_ONCE: Final = 5_000
"""Rows of a frame that are Python objects at a time."""


def import_package(name: str, purpose: str) -> Any:
    """Import an optional package.

    Raises:
        ConfigurationError: The package is not installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ConfigurationError(f"{purpose} needs {package}, which is not installed: pip install {package}") from error


class ColumnMaker:
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


class _Pandas(ColumnMaker):
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
        self._pandas = import_package("pandas", "A data frame of pandas")

    def _chunk(self, kind: str, values: list[Any]) -> Any:
        return self._pandas.Series(values, dtype=self._dtypes.get(kind, "object"))

    def values(self, chunk: Any) -> list[Any]:
        return pandas_values(chunk)

    def join(self, kind: str, chunks: list[Any]) -> Any:
        return self._pandas.concat(chunks or [self._chunk(kind, [])], ignore_index=True)

    def frame(self, columns: Mapping[str, Any], count: int) -> Any:
        return self._pandas.DataFrame(columns, index=self._pandas.RangeIndex(count), copy=False)


class _Polars(ColumnMaker):
    def __init__(self) -> None:
        self._polars = polars = import_package("polars", "A data frame of polars")
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


class _Arrow(ColumnMaker):
    def __init__(self) -> None:
        self._arrow = arrow = import_package("pyarrow", "An Arrow table")
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


def import_library(library: str) -> ColumnMaker:
    """Import a library, and return what makes its columns and frames.

    Raises:
        ConfigurationError: The library is not installed.
        InvalidInputError: There is no such library.
    """
    if library not in _MAKERS:
        raise InvalidInputError(f"library must be {', '.join(map(repr, _MAKERS))}, not {library!r}.")
    maker: ColumnMaker = _MAKERS[library]()
    return maker


def pandas_values(series: Any) -> list[Any]:
    """The Python values of a column, with None for null."""
    values = series.astype(object)
    return list(values.where(series.notna(), None).tolist())
