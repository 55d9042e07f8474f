"""Items without a result: the number that a batch permits, those that run again, and the file of dead letters."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from simstudio.batch.errors import LedgerError, ResultsError, TooManyFailuresError
from simstudio.batch.items import BatchItem
from simstudio.batch.option import Target
from simstudio.batch.progress import Progress
from simstudio.batch.records import dump
from simstudio.batch.result_lines import append
from simstudio.core.errors import ExecutionError, JobCancelledError
from simstudio.transport.errors import InvalidInputError, ServerError, SimStudioError

_SAMPLE = 20
"""Fewest items of which a share is looked at."""


def is_max_failures(value: Any) -> bool:
    """Whether a value is a number of items, or a share of them."""
    return (type(value) is int and value >= 0) or (type(value) is float and 0 < value < 1)


def parse_max_failures(text: str) -> int | float:
    """A number of items or a share, of a text such as ``20``, ``0.05`` or ``5%``.

    Raises:
        InvalidInputError: The value is neither a number nor a share.
    """
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise InvalidInputError(f"a number of items, or a share such as 0.05 or 5%, not {text!r}.") from None


class FailureLimit:
    """Ends a batch when too many items have no result.

    Args:
        most: Most items of this run without a result; or their share of the items that ended, looked at once 20 have
            ended (more for a share below 0.05).
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._count = 0
        self._last: SimStudioError | None = None

    def count(self, item: BatchItem, progress: Progress) -> None:
        """Count an item that has ended.

        Raises:
            TooManyFailuresError: Too many have no result.
        """
        if item.error is not None and not item.replayed:
            self._count += 1
            self._last = item.error
        ended = progress.finished - progress.replayed
        if self._is_exceeded(ended, progress.total):
            most = f"{self._most:,}" if type(self._most) is int else f"{100 * self._most:.3g} % of them"
            raise TooManyFailuresError(
                f"{self._count:,} of {ended:,} items have no result, and at most {most} may. "
                f"The last error: {self._last}"
            ) from self._last

    def _is_exceeded(self, ended: int, total: int | None) -> bool:
        if type(self._most) is int:
            return self._count > self._most
        enough = max(_SAMPLE, math.ceil(1 / self._most))
        return ended >= min(enough, total or enough) and self._count > self._most * ended


def may_run_again(error: SimStudioError) -> bool:
    """Whether an execution that failed may succeed when it is repeated: it ran, or the server had an error.

    A cancelled run, and an input that the server refused, are not repeated.
    """
    result = getattr(error, "result", None)
    cancelled = isinstance(error, JobCancelledError) or getattr(result, "status", None) == "cancelled"
    return isinstance(error, (ExecutionError, ServerError)) and not cancelled


class DeadLetters:
    """A file of failed items, one JSON object a line, which another batch reads as inputs.

    Each run writes it anew: when the first item fails, or at the end if none does.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._in_words = path.in_words if isinstance(path, Target) else str
        self._fd: int | None = None

    def add(self, item: BatchItem) -> None:
        """Write an item.

        Raises:
            ResultsError: The file cannot be written.
        """
        told = {name: value for name, value in item.to_dict().items() if name not in ("input", "output", "elapsed")}
        if told["error"] is not None:
            told["error"]["message"] = self._in_words(told["error"]["message"])
        text = dump({"dead_letter": told, **_input_of(item)}, f"The dead letter of input {item.index}")
        try:
            if self._fd is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_BINARY", 0)
                self._fd = os.open(self._path, flags, 0o666)
            append(self._fd, f"{text}\n".encode())
        except OSError as error:
            raise self._unwritten(error) from error

    def close(self, *, complete: bool) -> None:
        """Close the file.

        Args:
            complete: Whether any item ended, so that a file of an earlier run is out of date.

        Raises:
            ResultsError: The file cannot be written.
        """
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)
        elif complete:
            try:
                self._path.write_bytes(b"")
            except OSError as error:
                raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> ResultsError:
        return ResultsError(f"The dead letters cannot be written to {self._path}: {error.strerror or error}.")


def _input_of(item: BatchItem) -> dict[str, Any]:
    """The input as it was sent; of a refused one, the text to correct, which is read as a line of JSON."""
    if not item._refused:
        return {"input": item.input}
    if isinstance(item.input, str):
        return {"line": item.input}
    try:
        return {"line": dump(item.input, "")}
    except (LedgerError, InvalidInputError):  # no JSON data
        return {"line": ascii(item.input)}
