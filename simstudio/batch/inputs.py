"""What a batch takes: any iterable, or the path of a file of JSON lines."""

from __future__ import annotations

import codecs
import io
import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudio.transport.errors import InvalidInputError
from simstudio.transport.message import unread_json_reason

if TYPE_CHECKING:
    from typing import TypeAlias

Inputs: TypeAlias = Iterable[Any] | AsyncIterable[Any] | str | os.PathLike[str]
"""Inputs one by one, or the path of a file of JSON lines."""

MOST_IN_A_LINE = 64 * 1024 * 1024
"""Bytes. Sim takes a sixth of that in a request."""

_UTF16 = "is UTF-16: save it as UTF-8 first, as with iconv -f UTF-16 -t UTF-8"
_FORMATS = (
    (
        b"\x1f\x8b",
        "is compressed with gzip: unpack it first, or pass (json.loads(line) for line in gzip.open(path))",
    ),
    (b"PK\x03\x04", "is a ZIP archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it first"),
    (codecs.BOM_UTF16_LE, _UTF16),
    (codecs.BOM_UTF16_BE, _UTF16),
)


def read(inputs: Inputs) -> Iterator[Any] | AsyncIterator[Any]:
    """Inputs one by one, read as they are asked for.

    Raises:
        InvalidInputError: They are neither iterable nor the path of a file, or a file that is open, whose lines nobody
            has parsed; a line of a file is no JSON (its number is named).
    """
    if isinstance(inputs, (str, os.PathLike)):
        return _lines(Path(inputs))
    if isinstance(inputs, io.IOBase) or (hasattr(inputs, "read") and hasattr(inputs, "readline")):
        raise InvalidInputError(
            "inputs is an open file, whose lines would be sent as texts. Give its path, and each line is read as JSON; "
            "or parse the lines: (json.loads(line) for line in file)."
        )
    if hasattr(inputs, "columns") and (hasattr(inputs, "itertuples") or hasattr(inputs, "iter_rows")):
        rows = '.to_dict("records")' if hasattr(inputs, "itertuples") else ".to_dicts()"
        raise InvalidInputError(
            f"inputs is of type {type(inputs).__name__}, of which iterating gives the columns: give its rows, {rows}."
        )
    if isinstance(inputs, AsyncIterable):
        return inputs.__aiter__()
    if isinstance(inputs, Iterable) and not isinstance(inputs, (bytes, Mapping)):
        return iter(inputs)
    raise InvalidInputError(
        f"inputs must be an iterable of inputs, or the path of a file of JSON lines, not {type(inputs).__name__}."
    )


def _lines(path: Path) -> Iterator[Any]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInputError(f"The inputs cannot be read: {error}.") from error
    with file:
        number = 0
        try:
            while line := file.readline(MOST_IN_A_LINE + 1):
                number += 1
                if not line.isspace():
                    yield parsed(line, number, str(path))
        except OSError as error:
            raise InvalidInputError(f"{path}, after line {number}: {error}.") from error


def parsed(line: bytes, number: int, source: str) -> Any:
    """The input in a line of a file.

    Args:
        line: With or without its end.
        number: From 1.
        source: What the file is called.

    Raises:
        InvalidInputError: It is no JSON in UTF-8, or longer than :data:`MOST_IN_A_LINE`.
    """
    where = f"{source}, line {number}"
    if number == 1:
        for mark, what in _FORMATS:
            if line.startswith(mark):
                raise InvalidInputError(f"{source} {what}. Inputs are lines of JSON in UTF-8.")
    if len(line) > MOST_IN_A_LINE:
        most = f"{MOST_IN_A_LINE // 1024**2} MB"
        raise InvalidInputError(f"{where}: longer than {most}. Inputs are lines of JSON, one value a line.")
    try:
        return json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        advice = f"{error.reason}, byte {error.start + 1}"
        raise InvalidInputError(f"{where}: not UTF-8 ({advice}). Save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"{where}: not JSON ({error.msg}, column {error.colno}).") from error
    except (ValueError, RecursionError) as error:
        why = unread_json_reason(error, line)
        told = f"JSON that Python does not read ({why})" if why is not None else f"not JSON ({error})"
        raise InvalidInputError(f"{where}: {told}.") from error
