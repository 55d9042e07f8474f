"""Inputs of a batch: any iterable, a table, or the path or address of a file."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from simstudio.batch.csv_rows import count_csv, read_csv, read_tsv
from simstudio.batch.input_files import Form, InputFile, count_lines
from simstudio.batch.json_rows import read_array, read_lines
from simstudio.batch.snapshot import describe_error
from simstudio.transport.errors import InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from typing import TypeAlias


class ArrowData(Protocol):
    """An object that exports Arrow data: a table, a stream of record batches, a data frame."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The data as a capsule of Arrow's C interface."""
        ...


Inputs: TypeAlias = Iterable[Any] | AsyncIterable[Any] | ArrowData | str | os.PathLike[str]
"""Inputs one by one, the rows of a table, or the path or address of a file."""


def read(
    inputs: Inputs, wanted: Sequence[str] | None = None, *, whole_tables: bool = False
) -> Iterator[Any] | AsyncIterator[Any]:
    """Inputs, or rows, one by one, read as they are asked for.

    One that cannot be read is a :class:`~simstudio.batch.rows.BadRow`.

    Args:
        wanted: The columns of a table that are read; None for all.
        whole_tables: Whether each table of an iterable is one input, of which ``input=`` makes JSON data; if not, its
            rows are inputs.

    Raises:
        InvalidInputError: The inputs are an open file, or of no kind that can be read; a file is missing, or not of the
            kind that its suffix names.
        ConfigurationError: A package that they need is not installed.
    """
    if isinstance(inputs, (str, os.PathLike)):
        return read_file(InputFile(os.fsdecode(inputs)), wanted)
    if isinstance(inputs, io.IOBase) or (hasattr(inputs, "read") and hasattr(inputs, "readline")):
        raise InvalidInputError(
            "inputs is an open file, whose lines would be sent as texts. Give its path, and it is read as its suffix "
            "says; or parse the lines: (json.loads(line) for line in file)."
        )
    if isinstance(inputs, AsyncIterable):
        return _read_async(inputs, wanted, whole_tables=whole_tables)
    if isinstance(inputs, Mapping) and any(hasattr(part, "column_names") for part in inputs.values()):
        name = next(iter(inputs))
        raise InvalidInputError(f"inputs is a dict of data sets: give one of them, such as inputs[{name!r}].")
    if isinstance(inputs, (list, tuple, range)) and not begins_with_table(inputs):
        return iter(inputs)
    from simstudio.batch import tables

    if tables.is_table(inputs):
        return tables.read_table(inputs, wanted)
    if tables.is_data_set(inputs):
        return tables.read_data_set(inputs, wanted)
    if tables.is_cursor(inputs):
        return tables.read_cursor(inputs, wanted)
    if isinstance(inputs, Iterable) and not isinstance(inputs, (bytes, Mapping)):
        return iter(inputs) if whole_tables else tables.read_tables(iter(inputs), wanted)
    parts = next((name for name in ("to_batches", "iter_batches") if hasattr(inputs, name)), None)
    raise InvalidInputError(
        "inputs must be an iterable of inputs, a table, or the path or address of a file, not "
        f"{type(inputs).__name__}{f': pass what its {parts}() returns' if parts else ''}."
    )


def begins_with_table(inputs: Sequence[Any]) -> bool:
    """Whether the first of some inputs is a table."""
    if not inputs or isinstance(inputs[0], (dict, str, int, float)):
        return False
    from simstudio.batch import tables

    return tables.is_table(inputs[0])


def _read_async(inputs: AsyncIterable[Any], wanted: Sequence[str] | None, *, whole_tables: bool) -> AsyncIterator[Any]:
    from simstudio.batch import tables

    if tables.is_cursor(inputs):
        return tables.read_async_cursor(inputs, wanted)
    return aiter(inputs) if whole_tables else tables.read_async_tables(aiter(inputs), wanted)


def read_file(file: InputFile, wanted: Sequence[str] | None = None) -> Iterator[Any]:
    """Inputs, or rows, of a file; see :func:`read`."""
    count = 0
    try:
        with file.open() as opened:
            for count, row in enumerate(_reader(file.form)(opened, file.name, wanted), 1):  # noqa: B007 - told
                yield row
    except SimStudioError:
        raise
    except Exception as error:  # noqa: BLE001 - of the packages that fetch, unpack or decode it
        where = f"{file.name}, after input {count}" if count else file.name
        problem = InvalidInputError(f"{where}: {file.redact(describe_error(error))}.")
        raise problem from (None if file.is_remote else error)  # the cause may quote what is secret in the address


_MOST_COUNTED: Final = 256 * 1024 * 1024
"""Bytes of a file whose inputs are counted before the first is read, which takes seconds."""

_READERS: Final[Mapping[Form, Callable[..., Iterator[Any]]]] = {
    "lines": read_lines,
    "array": read_array,
    "csv": read_csv,
    "tsv": read_tsv,
}


def _reader(form: Form) -> Callable[..., Iterator[Any]]:
    if form in _READERS:
        return _READERS[form]
    from simstudio.batch.tables import read_arrow, read_parquet  # few programs have such files

    return read_parquet if form == "parquet" else read_arrow


def count_inputs(path: str) -> int | None:
    """Number of inputs in a file, including bad rows; None if it cannot be read, or counting would take long."""
    try:
        return _count(InputFile(path))
    except Exception:  # noqa: BLE001 - of any package that opens, unpacks or decodes it; reading tells more
        return None


def _count(file: InputFile) -> int | None:
    if file.form in ("array", "arrow") or (file.form != "parquet" and Path(file.path).stat().st_size > _MOST_COUNTED):
        return None
    with file.open() as opened:
        if file.form == "lines":
            return count_lines(opened)
        if file.form != "parquet":
            return count_csv(opened, file.name, delimiter="," if file.form == "csv" else "\t")
        from simstudio.batch.tables import count_rows

        return count_rows(opened)
