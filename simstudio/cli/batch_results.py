"""Results of a batch on the command line: lines on standard output, and files that a ledger names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudio.batch.formats import FileFormat, read_rows
from simstudio.batch.result_lines import read_row
from simstudio.batch.result_rows import COLUMNS, COST_NAMES
from simstudio.batch.results import encode, lines_path
from simstudio.cli.output import write

if TYPE_CHECKING:
    from simstudio.batch.items import BatchItem
    from simstudio.batch.ledger import LedgerView

_BEGINNING = b'{"index": '
_NAMES = frozenset({"index", "key", "state", "input", "output", "error", "attempts", "elapsed", "run_id"})
_COLUMNS = frozenset(column.name for column in COLUMNS)


def write_line(item: BatchItem, words: Callable[[str], str]) -> None:
    """Write an item as a line on standard output.

    Args:
        words: Puts options in the place of arguments in the message of its error.
    """
    write(encode(item, words).decode())


def problem_of(out: Path, ledger: str) -> str | None:
    """Reason for which a file is not one of results of a ledger; None if it is, or if there is no file.

    A last line that was cut off, and is no JSON for that, need only begin as a result does.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    lines = lines_path(out)
    form = FileFormat.of(out) or FileFormat("jsonl")
    for path in {out, lines}:
        if path.exists():
            problem = _problem_of_lines(path, ledger) if path == lines else _problem_of_rows(path, form, ledger)
            if problem is not None:
                return problem
    return None


def _problem_of_lines(path: Path, ledger: str) -> str | None:
    from simstudio.batch.ledger import LedgerView

    if not path.is_file():
        return "that is no plain file"
    try:
        with path.open("rb") as file, LedgerView(ledger) as view:
            number = 0
            while True:
                number += 1
                begun = file.readline(len(_BEGINNING))
                line = begun + file.readline() if begun == _BEGINNING else begun
                whole = line.endswith(b"\n")
                complete = whole or read_row(line)
                if not (_is_of(view, read_row(line)) if complete else _BEGINNING.startswith(line[: len(_BEGINNING)])):
                    return f"line {number} of that file is no result of this batch"
                if not whole:
                    return None
    except OSError as error:
        return f"that file cannot be read ({error.strerror or error})"


def _problem_of_rows(path: Path, form: FileFormat, ledger: str) -> str | None:
    from simstudio.batch.ledger import LedgerView

    if not path.is_file():
        return "that is no plain file"
    number = 0
    try:
        with LedgerView(ledger) as view:
            for row in _rows(path, form):
                number += 1
                if not _is_of(view, row):
                    return f"row {number} of that file is no result of this batch"
    except OSError as error:
        return f"that file cannot be read ({error.strerror or error})"
    except ValueError:
        return f"that file is no {form.name} of this batch"
    return None if number else "that file holds no result of this batch"


def _rows(path: Path, form: FileFormat) -> Iterator[Mapping[str, Any]]:
    """Rows of a file, as lines of results have them."""
    for row in read_rows(path, form):
        if form.name == "jsonl":
            yield row
            continue
        kept = {name: value for name, value in row.items() if not name.startswith("output")}
        if kept.keys() - COST_NAMES != _COLUMNS - {"output"}:
            raise ValueError("the file has other columns")
        kept.update(
            {"input": json.loads(row["input"]), "output": None, "attempts": int(row["attempts"]), "error": None}
        )
        yield {name: kept[name] or None if name == "run_id" else kept[name] for name in _NAMES}


def holds_results(out: Path) -> bool:
    """Whether a file that :func:`problem_of` found right has at least one whole result."""
    try:
        for path in {out, lines_path(out)}:
            if path.exists():
                with path.open("rb") as file:
                    return path != lines_path(out) or file.readline().endswith(b"\n")
    except OSError:
        pass
    return False


def _is_of(view: LedgerView, row: Mapping[str, Any]) -> bool:
    """Whether a row is a result of a ledger. It has no item for an input that was refused and is corrected now."""
    from simstudio.batch.items import fingerprint

    names = {"output" if name.startswith("output.") else name for name in row} - {"cost"}
    if names != _NAMES and names != _NAMES - {"output"}:  # a flattened output that is an empty object
        return False
    if row["state"] == "failed" and row["attempts"] == 0 and row["run_id"] is None:
        return True
    try:
        return view.fingerprint_of(str(row["key"])) == fingerprint(row["input"])
    except (ValueError, RecursionError):  # NaN, or nested too deeply: never sent
        return False
