"""Where the results of a batch go: a file of JSON lines, or standard output.

The file holds whole lines at any moment, each written in one go; what the end of a process cut off is taken away when
the next one opens it. A batch that goes on is given every item again, those of the ledger too: what the file has of
them already is kept, so that none is in it twice; so is what it has of others, where fewer inputs came than the ledger
knows. It is one batch's at a time: a second that would write it is refused.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from simstudio.cli.batch_files import lock
from simstudio.cli.failures import CommandError, ExitCode, in_words
from simstudio.cli.output import write
from simstudio.core.disk import PartialFile

if TYPE_CHECKING:
    from simstudio.batch.items import BatchItem
    from simstudio.batch.ledger import LedgerView


_BEGINNING = b'{"index": '
_NAMES = frozenset({"index", "key", "state", "input", "output", "error", "attempts", "elapsed", "run_id"})


class Results(Protocol):
    """Where items go."""

    def add(self, item: BatchItem) -> None:
        """Write an item, unless it is there."""
        ...

    def close(self, *, complete: bool, others: Iterable[BatchItem] | None = None) -> None:
        """No more come.

        Args:
            complete: Whether all have come.
            others: Where the ledger knows items that did not come: all that it knows. Their results are kept.
        """
        ...


def results_to(path: str | None, *, ordered: bool, goes_on: bool) -> Results:
    """Where the items of a batch go.

    Args:
        path: A file, or None for standard output.
        ordered: Whether items come in the order of the inputs.
        goes_on: Whether the file may hold items of an earlier run; it is written anew where not.

    Raises:
        CommandError: The file cannot be written, or another batch is writing it.
    """
    return StandardOutput() if path is None else ResultsFile(Path(path), ordered=ordered, goes_on=goes_on)


def problem_of(path: Path, ledger: str) -> str | None:
    """Why a file is not one of results of a ledger; None where it is, and where there is no file.

    A last line that was cut off, and is no JSON for that, need only begin as a result does.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    from simstudio.batch.ledger import LedgerView

    if not path.exists():
        return None
    if not path.is_file():
        return "that is no plain file"
    try:
        with path.open("rb") as file, LedgerView(ledger) as view:
            for number in count(1):
                begun = file.readline(len(_BEGINNING))
                line = begun + file.readline() if begun == _BEGINNING else begun
                whole = line.endswith(b"\n")
                complete = whole or _read(line)
                if not (_is_of(view, line) if complete else _BEGINNING.startswith(line[: len(_BEGINNING)])):
                    return f"line {number} of that file is no result of this batch"
                if not whole:
                    return None
    except OSError as error:
        return f"that file cannot be read ({error.strerror or error})"
    return None


def holds_results(path: Path) -> bool:
    """Whether a file that :func:`problem_of` found right has at least one whole result."""
    try:
        with path.open("rb") as file:
            return file.readline().endswith(b"\n")
    except OSError:
        return False


def _is_of(view: LedgerView, line: bytes) -> bool:
    """Whether a line is a result of a ledger. Of an input that was refused, and is mended, the ledger knows nothing."""
    from simstudio.batch.items import fingerprint

    told = _read(line)
    if told.keys() != _NAMES:
        return False
    if told["state"] == "failed" and told["attempts"] == 0 and told["run_id"] is None:
        return True
    try:
        return view.fingerprint_of(str(told["key"])) == fingerprint(told["input"])
    except (ValueError, RecursionError):  # NaN, or nested too deeply: never sent
        return False


class StandardOutput:
    """Items as lines on standard output."""

    def add(self, item: BatchItem) -> None:
        """Write an item."""
        write(_line(item).decode())

    def close(self, *, complete: bool, others: Iterable[BatchItem] | None = None) -> None:
        """Nothing is to be done."""


class ResultsFile:
    """A file of JSON lines, one an item.

    Args:
        ordered: Whether items come in the order of the inputs.
        goes_on: Whether it may hold items of an earlier run; it is written anew where not.

    Raises:
        CommandError: It cannot be written, or another batch is writing it.
    """

    def __init__(self, path: Path, *, ordered: bool, goes_on: bool) -> None:
        self._path = path
        self._earlier: _InOrder | _AsTheyEnded | None = None
        self._cut = False  # whether lines were taken away that are to come again
        try:
            self._fd = self._taken()
            self._plain = path.is_file()
            self._anew = self._plain and not goes_on
            if goes_on and self._plain and _repair(self._fd):
                self._earlier = _InOrder(path) if ordered else _AsTheyEnded(path)
        except OSError as error:
            raise self._failed(error) from error

    def _taken(self) -> int:
        """The file, open, and nobody else's."""
        while True:
            fd = _opened(self._path)
            if not self._path.is_file():
                return fd
            try:
                if not lock(fd):
                    raise CommandError(
                        f"The results {self._path} cannot be written: another batch is writing them. "
                        "Wait for its end, or name another file with --out.",
                        ExitCode.FAILED,
                    )
                if os.path.samestat(os.fstat(fd), self._path.stat()):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # it was replaced before it was locked

    def add(self, item: BatchItem) -> None:
        """Write an item, unless it is there."""
        try:
            if self._earlier is not None and self._has(self._earlier, item):
                return
            self._begin()
            self._append(_line(item))
        except OSError as error:
            raise self._failed(error) from error

    def close(self, *, complete: bool, others: Iterable[BatchItem] | None = None) -> None:
        """Close the file; of a batch that is complete, lines of items that it did not have are taken away.

        Args:
            complete: Whether all items have come.
            others: Where the ledger knows items that did not come: all that it knows. Their lines stay, and those that
                were taken away are written again.

        Raises:
            CommandError: It cannot be written.
        """
        try:
            if others is not None:
                if self._cut:
                    self._write_again(others)
            elif complete:
                self._begin()
                if isinstance(self._earlier, _InOrder):
                    os.ftruncate(self._fd, self._earlier.at)
        except OSError as error:
            raise self._failed(error) from error
        finally:
            if self._earlier is not None:
                self._earlier.close()
            os.close(self._fd)

    def _write_again(self, others: Iterable[BatchItem]) -> None:
        with self._path.open("rb") as file:
            there = {_read(line).get("key") for line in file}
        for item in others:
            if item.key not in there:
                self._append(_line(item))

    def _begin(self) -> None:
        """Take away what others left, when there is something to put in its place."""
        if self._anew:
            self._anew = False
            os.ftruncate(self._fd, 0)

    def _has(self, earlier: _InOrder | _AsTheyEnded, item: BatchItem) -> bool:
        if isinstance(earlier, _AsTheyEnded):
            if not earlier.settled:
                self._fd = earlier.settle(self._fd)
                self._cut = True
            return earlier.has(item)
        if earlier.has(item):
            return True
        os.ftruncate(self._fd, earlier.at)  # from here on it is another story; what is cut off comes again
        earlier.close()
        self._earlier, self._cut = None, True
        return False

    def _append(self, line: bytes) -> None:
        size = os.fstat(self._fd).st_size if self._plain else 0
        left = memoryview(line)
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        except BaseException:
            if self._plain:
                with suppress(OSError):
                    os.ftruncate(self._fd, size)
            raise

    def _failed(self, error: OSError) -> CommandError:
        return CommandError(f"The results {self._path} cannot be written: {error.strerror or error}.", ExitCode.FAILED)


class _InOrder:
    """The lines of a file, each compared with the item that comes in its place."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.at = 0

    def has(self, item: BatchItem) -> bool:
        line = self._file.readline()
        if not _tells_of(line, item):
            return False
        self.at += len(line)
        return True

    def close(self) -> None:
        self._file.close()


class _AsTheyEnded:
    """Which items a file has; only what succeeded is final, the rest is taken away when the first item comes."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))  # what a link leads to is replaced, not the link
        self._keys: set[str] = set()
        self.settled = False

    def settle(self, fd: int) -> int:
        """Take away what is not final: another file is put in the place of the one that is open; that one, open."""
        self.settled = True
        part = PartialFile.beside(self._path, os.O_APPEND)
        made = part.fd
        try:
            lock(made)  # before it has the name under which others would find it
            with self._path.open("rb") as old, os.fdopen(made, "wb", closefd=False) as new:
                for line in old:
                    told = _read(line)
                    key = str(told.get("key"))
                    if told.get("state") == "done" and key not in self._keys:
                        self._keys.add(key)
                        new.write(line)
            if sys.platform == "win32":  # where what is open cannot be replaced
                os.close(made)
                os.close(fd)
                part.replace_target()
                made = _opened(self._path)
                lock(made)
                return made
            part.replace_target()
        except BaseException:
            with suppress(OSError):
                os.close(made)
            raise
        finally:
            part.path.unlink(missing_ok=True)
        os.close(fd)
        return made

    def has(self, item: BatchItem) -> bool:
        return item.replayed and item.ok and item.key in self._keys

    def close(self) -> None:
        return


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)


def _repair(fd: int) -> int:
    """Take away a line that was cut off; the size that is left."""
    end = os.fstat(fd).st_size
    while end:
        begin = max(0, end - 65_536)
        os.lseek(fd, begin, os.SEEK_SET)
        found = os.read(fd, end - begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    os.ftruncate(fd, end)
    return end


def _tells_of(line: bytes, item: BatchItem) -> bool:
    """Whether a line is what would be written of an item, or what an earlier run wrote of it."""
    if not item.replayed:
        return line == _line(item)
    told = _read(line)
    return (told.get("index"), told.get("key"), told.get("state")) == (item.index, item.key, item.state)


def _read(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _line(item: BatchItem) -> bytes:
    told = item.to_dict()
    if told["error"] is not None:
        told["error"]["message"] = in_words(told["error"]["message"])
    try:
        text = json.dumps(told, ensure_ascii=False, allow_nan=False)
    except ValueError:  # an input with NaN, which was refused for that
        text = json.dumps({**told, "input": None}, ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(json.loads(text)).encode() + b"\n"
