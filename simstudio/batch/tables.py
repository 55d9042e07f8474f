"""Inputs in tables: Parquet and Arrow files, data frames, data sets, and the rows of a database.

The libraries are optional, and imported when a table is read. Rows are read in parts.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import chain
from typing import Any, Final

from simstudio.batch.rows import BadRow, check_header
from simstudio.core.frame_libraries import import_package
from simstudio.core.frame_readers import FrameReader, json_row, library_of, plain_row, read_frame
from simstudio.transport.errors import InvalidInputError

_BUFFER: Final = 1024 * 1024
"""Bytes of a column that are read at a time; without it, all of a row group."""
_ROWS: Final = 500
"""Rows of a file or a query that are Python objects at a time."""


def read_parquet(file: io.BufferedReader, source: str, wanted: Sequence[str] | None = None) -> Iterator[Any]:
    """Rows of a Parquet file; only the columns that are wanted are read.

    Raises:
        InvalidInputError: The file is of another kind, or lacks a column.
        ConfigurationError: pyarrow is not installed.
    """
    arrow, parquet = import_package("pyarrow", f"Reading {source}"), import_package("pyarrow.parquet", source)
    table = parquet.ParquetFile(file, buffer_size=_BUFFER)
    check_header(table.schema_arrow.names, wanted, source)
    batches = table.iter_batches(_ROWS, columns=wanted, use_threads=False)
    schema = table.schema_arrow if wanted is None else arrow.schema([table.schema_arrow.field(name) for name in wanted])
    return read_rows(arrow.RecordBatchReader.from_batches(schema, batches), source, None)


def count_rows(file: io.BufferedReader) -> int:
    """Count the rows of a Parquet file."""
    return int(import_package("pyarrow.parquet", "Parquet").ParquetFile(file).metadata.num_rows)


def read_arrow(file: io.BufferedReader, source: str, wanted: Sequence[str] | None = None) -> Iterator[Any]:
    """Rows of an Arrow file, be it a file of record batches or a stream of them.

    Raises:
        InvalidInputError: The file is of another kind, or lacks a column.
        ConfigurationError: pyarrow is not installed.
    """
    arrow = import_package("pyarrow", f"Reading {source}")
    if not file.peek(6).startswith(b"ARROW1"):
        return read_rows(arrow.ipc.open_stream(file), source, wanted)
    table = arrow.ipc.open_file(file)
    batches = map(table.get_batch, range(table.num_record_batches))
    return read_rows(arrow.RecordBatchReader.from_batches(table.schema, batches), source, wanted)


def is_table(value: object) -> bool:
    """Whether a value is a data frame, an Arrow table or a stream of record batches; a single column is none."""
    if hasattr(value, "to_batches") and hasattr(value, "schema"):  # a data set of Arrow, too
        return True
    library = library_of(value)
    return library in ("pandas", "polars", "lazy") or (
        library is not None and any(hasattr(value, name) for name in ("columns", "schema"))
    )


def read_table(value: Any, wanted: Sequence[str] | None, source: str = "the data frame") -> Iterator[Any]:
    """Rows of what :func:`is_table` says is one.

    Raises:
        InvalidInputError: The table has no rows, or lacks a column.
        ConfigurationError: pyarrow is not installed, and the table is neither of pandas nor of polars.
    """
    library = library_of(value)
    if library == "lazy":
        return _read_lazy_frame(value, wanted, source)
    if library is None:
        arrow = import_package("pyarrow", "Reading Arrow data")
        value = arrow.RecordBatchReader.from_batches(value.schema, value.to_batches())
    return read_rows(value, source, wanted)


def read_tables(values: Iterator[Any], wanted: Sequence[str] | None) -> Iterator[Any]:
    """Rows of tables that come one by one, such as record batches, or the parts of a frame; other values as they are.

    Raises:
        InvalidInputError: A table has no rows, or lacks a column.
    """
    return chain.from_iterable(_parts_of(values, wanted))


def _parts_of(values: Iterator[Any], wanted: Sequence[str] | None) -> Iterator[Iterable[Any]]:
    number = 0
    for value in values:
        number += 1  # noqa: SIM113 - enumerate() keeps the last value, which may be large
        if is_table(value):
            yield read_table(value, wanted, f"part {number}")
        else:
            yield (value,)
            del value
            yield values  # an input costs no more than its iterable


async def read_async_tables(values: AsyncIterator[Any], wanted: Sequence[str] | None) -> AsyncIterator[Any]:
    """Rows of tables that are awaited one by one; see :func:`read_tables`."""
    number, tables = 0, True
    async for value in values:
        number += 1
        tables = tables and is_table(value)
        if tables:
            for row in read_table(value, wanted, f"part {number}"):
                yield row
        else:
            yield value


def read_rows(frame: Any, source: str, wanted: Sequence[str] | None) -> Iterator[Any]:
    """Rows of a frame as JSON data: dates as ISO 8601, missing values as None."""
    reader = read_frame(frame)
    names = [column.name for column in reader.columns]
    check_header(names, wanted, source)
    if not names and isinstance(frame, Sized) and len(frame):
        raise InvalidInputError(f"{source} has rows, but no columns: name its index and make it a column.")
    return _as_json(_rows_by_column(reader), source, wanted)


def _rows_by_column(reader: FrameReader) -> Iterator[Mapping[str, Any]]:
    names = [column.name for column in reader.columns]
    return (dict(zip(names, row, strict=True)) for part in reader.parts() for row in zip(*part, strict=True))


def _read_lazy_frame(frame: Any, wanted: Sequence[str] | None, source: str) -> Iterator[Any]:
    """Rows of a LazyFrame of polars, which is executed when the first is asked for, in parts where polars can."""
    check_header(frame.collect_schema().names(), wanted, source)
    if wanted is not None:
        frame = frame.select(wanted)

    def parts() -> Iterator[Any]:
        if hasattr(frame, "collect_batches"):  # since polars 1.34
            yield from frame.collect_batches(chunk_size=_ROWS)
        else:
            yield frame.collect()

    return _as_json((row for part in parts() for row in _rows_by_column(read_frame(part))), source, None)


def is_data_set(value: object) -> bool:
    """Whether a value is a data set of Hugging Face's ``datasets``."""
    return hasattr(value, "features") and hasattr(value, "column_names") and isinstance(value, Iterable)


def read_data_set(value: Any, wanted: Sequence[str] | None) -> Iterator[Any]:
    """Rows of a data set, in memory or streamed.

    Raises:
        InvalidInputError: The data set lacks a column.
    """
    if value.column_names is not None:  # a streamed one may not know them
        check_header(list(value.column_names), wanted, "the data set")
    return _rows_of_data_set(iter(value), wanted)


def _rows_of_data_set(rows: Iterator[Any], wanted: Sequence[str] | None) -> Iterator[Any]:
    for row in rows:
        if is_table(row):  # after with_format("arrow"), "pandas" or "polars"
            yield from read_tables(chain((row,), rows), wanted)
        else:
            yield from _as_json(chain((row,), rows), "the data set", wanted)


def is_cursor(value: object) -> bool:
    """Whether a value is a cursor of Python's database API (PEP 249), or a result of SQLAlchemy; also an async one."""
    return hasattr(value, "fetchmany") and (hasattr(value, "description") or hasattr(value, "mappings"))


def read_cursor(cursor: Any, wanted: Sequence[str] | None) -> Iterator[Any]:
    """Rows that a query has: values by column.

    Raises:
        InvalidInputError: No query was made, or its rows lack a column.
    """
    return _as_json(_rows_of(cursor, wanted), "the query", wanted)


async def read_async_cursor(cursor: Any, wanted: Sequence[str] | None) -> AsyncIterator[Any]:
    """Rows that a query of an asynchronous cursor has, as of aiosqlite or psycopg; see :func:`read_cursor`."""
    number, names = 0, list[str]()
    async for row in cursor if hasattr(cursor, "description") else cursor.mappings():
        names = names or _names_of(cursor, wanted)
        number += 1
        yield _row_as_json(_by_column(names, row), number, "the query", wanted)
    if not number:
        _names_of(cursor, wanted)


def _names_of(cursor: Any, wanted: Sequence[str] | None) -> list[str]:
    """The columns of a query, after its first rows: before them, some servers do not say what the columns are."""
    if not hasattr(cursor, "description"):
        names = list(cursor.keys())
    elif cursor.description is None:
        raise InvalidInputError("The cursor has no rows: execute a query with it first.")
    else:
        names = [column[0] for column in cursor.description]
    check_header(names, wanted, "the query")
    return names


def _by_column(names: Sequence[str], row: Any) -> Mapping[str, Any]:
    return row if isinstance(row, Mapping) else dict(zip(names, row, strict=True))


def _rows_of(cursor: Any, wanted: Sequence[str] | None) -> Iterator[Mapping[str, Any]]:
    if not hasattr(cursor, "description"):
        _names_of(cursor, wanted)
        yield from cursor.mappings()
        return
    some = cursor.fetchmany(_ROWS)
    names = _names_of(cursor, wanted)
    while some:
        for row in some:
            yield _by_column(names, row)
        some = cursor.fetchmany(_ROWS)


def _as_json(rows: Iterator[Mapping[str, Any]], source: str, wanted: Sequence[str] | None) -> Iterator[Any]:
    for number, row in enumerate(rows, 1):
        yield _row_as_json(row, number, source, wanted)


def _row_as_json(row: Mapping[str, Any], number: int, source: str, wanted: Sequence[str] | None) -> Any:
    taken = row if wanted is None else {name: row[name] for name in wanted if name in row}
    try:
        return json_row(taken)
    except InvalidInputError as error:
        return BadRow(plain_row(taken), InvalidInputError(f"{source}, row {number}: {error}"))
