"""Results of a batch as a file of JSON lines that survives ``kill -9``.

At any moment the file holds whole lines: each is written in one piece, and a line that the end of a process cut off is
removed when the next process opens the file. A resumed batch gives every item again, also those in its ledger. The
lines of such items are kept, so that the file has each item once. One batch writes a file at a time.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from simstudio.batch.errors import ResultsError
from simstudio.batch.items import BatchItem
from simstudio.core.disk import PartialFile, lock_file, open_locked


class ResultLines:
    """A file of JSON lines, one for each item.

    Args:
        encode: Makes the line of an item, with its line end.
        ordered: Whether items come in the order of the inputs.
        goes_on: Whether the file may hold items of an earlier run; if not, it is emptied before the first item.
        before: Called before the first item is written, once the file holds nothing but this batch's items.
        name: Name of the file in errors; by default its path.

    Attributes:
        path: The file.

    Raises:
        ResultsError: The file cannot be written, or another batch is writing it.
    """

    def __init__(
        self,
        path: Path,
        encode: Callable[[BatchItem], bytes],
        *,
        ordered: bool,
        goes_on: bool,
        before: Callable[[], None] | None = None,
        name: Path | None = None,
    ) -> None:
        self.path = path
        self._name = name or path
        self._encode = encode
        self._before = before
        self._earlier: _InOrder | _AsTheyEnded | None = None
        self._fd: int | None = None
        try:
            self._fd = self._open()
            self._regular = path.is_file()
            self._anew = self._regular and not goes_on
            if goes_on and self._regular and _repair(self._fd):
                self._earlier = _InOrder(path, encode) if ordered else _AsTheyEnded(path)
        except OSError as error:
            self.close()
            raise self._make_error(error) from error

    def _open(self) -> int:
        """Open the file and lock it."""

        def refuse(_: int) -> ResultsError:
            return ResultsError(
                f"The results {self._name} cannot be written: another batch is writing them. "
                "Wait for its end, or name another file with out=."
            )

        return open_locked(self.path, lambda: _open(self.path, follow=self.path == self._name), refuse)

    def add(self, item: BatchItem) -> None:
        """Write an item, unless its line is there.

        Raises:
            ResultsError: The file cannot be written.
        """
        try:
            if self._earlier is not None and self._has(self._earlier, item):
                return
            self._begin()
            self._append(self._encode(item))
        except OSError as error:
            raise self._make_error(error) from error

    def finish(self, *, complete: bool, others: Iterable[BatchItem] | None = None) -> None:
        """End the file; that of a complete batch without lines of items that did not come.

        Args:
            complete: Whether all items have come.
            others: All items of the ledger, if some of them did not come: their lines stay, and those
                that are missing are written, unless the file is another batch's.

        Raises:
            ResultsError: The file cannot be written.
        """
        try:
            if others is not None:
                if self._regular and not self._anew:
                    self._write_again(others)
            elif complete:
                self._begin()
                if isinstance(self._earlier, _InOrder):
                    os.ftruncate(self._descriptor, self._earlier.at)
        except OSError as error:
            raise self._make_error(error) from error

    def remove(self) -> None:
        """Remove the file and close it."""
        if sys.platform == "win32":  # where an open file cannot be removed
            self.close()
        with suppress(OSError):
            self.path.unlink()
        self.close()

    def close(self) -> None:
        """Close the file and release its lock. A second call does nothing."""
        if self._earlier is not None:
            self._earlier.close()
        if self._fd is not None:
            os.close(self._fd)
        self._fd = self._earlier = None

    @property
    def empty(self) -> bool:
        """Whether the file is open and holds nothing."""
        return self._fd is not None and not os.fstat(self._fd).st_size

    @property
    def _descriptor(self) -> int:
        if self._fd is None:
            raise ResultsError(f"The results {self._name} are closed.")
        return self._fd

    def _write_again(self, others: Iterable[BatchItem]) -> None:
        """Write the lines that are missing, and those of items that have ended otherwise since."""
        if self._earlier is not None:
            self._earlier.close()
            self._earlier = None
        ends: dict[str, int] = {}
        replaced: dict[str, int] = {}
        with self.path.open("rb") as file:
            for row in map(read_row, file):
                key, end = str(row.get("key")), _end_of(row)
                if key in ends:  # the process died after it had written the later one
                    replaced[key] = end
                ends[key] = end
        for item in others:
            end = _end_of({"state": item.state, "run_id": item.run_id})
            if ends.get(item.key) != end:
                self._append(self._encode(item))
                if item.key in ends:
                    replaced[item.key] = end
        if replaced:

            def is_last(row: dict[str, Any]) -> bool:
                key = str(row.get("key"))
                return key not in replaced or replaced[key] == _end_of(row)

            self._fd = _keep(self.path, self._descriptor, is_last)

    def _begin(self) -> None:
        """Remove what others wrote, once there is something to put in its place."""
        if self._anew:
            self._anew = False
            os.ftruncate(self._descriptor, 0)
        if self._before is not None:
            before, self._before = self._before, None
            before()

    def _has(self, earlier: _InOrder | _AsTheyEnded, item: BatchItem) -> bool:
        if isinstance(earlier, _AsTheyEnded):
            if not earlier.settled:
                self._fd = earlier.settle(self._descriptor)
            return earlier.has(item)
        if earlier.has(item):
            return True
        os.ftruncate(self._descriptor, earlier.at)  # the following lines are of other items, or come again
        earlier.close()
        self._earlier = None
        return False

    def _append(self, line: bytes) -> None:
        append(self._descriptor, line)

    def _make_error(self, error: OSError) -> ResultsError:
        return ResultsError(f"The results {self._name} cannot be written: {error.strerror or error}.")


def append(fd: int, line: bytes) -> None:
    """Append a line to a file; if it cannot be written, for want of space, none of it stays.

    Raises:
        OSError: The line cannot be written.
    """
    status = os.fstat(fd)
    left = memoryview(line)
    try:
        while left:
            left = left[os.write(fd, left) :]
    except BaseException:
        if stat.S_ISREG(status.st_mode):
            with suppress(OSError):
                os.ftruncate(fd, status.st_size)
        raise


class _InOrder:
    """The lines of a file, each compared with the item that comes in its place."""

    def __init__(self, path: Path, encode: Callable[[BatchItem], bytes]) -> None:
        self._file = path.open("rb")
        self._encode = encode
        self.at = 0

    def has(self, item: BatchItem) -> bool:
        line = self._file.readline()
        if not self._is_of(line, item):
            return False
        self.at += len(line)
        return True

    def _is_of(self, line: bytes, item: BatchItem) -> bool:
        """Whether a line is that of an item; of an item that the ledger knew, that which an earlier run wrote."""
        if not item.replayed:
            return line == self._encode(item)
        row = read_row(line)
        said = row.get("index"), row.get("key"), row.get("state"), row.get("run_id")
        return said == (item.index, item.key, item.state, item.run_id)

    def close(self) -> None:
        self._file.close()


class _AsTheyEnded:
    """The items that a file has. Only success is final: other lines are removed when the first item comes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: set[str] = set()
        self.settled = False

    def settle(self, fd: int) -> int:
        """Remove what is not final: another file replaces the open one. Returns the new file, open."""
        self.settled = True
        return _keep(self._path, fd, self._is_final)

    def _is_final(self, row: dict[str, Any]) -> bool:
        key = str(row.get("key"))
        if row.get("state") != "done" or key in self._keys:
            return False
        self._keys.add(key)
        return True

    def has(self, item: BatchItem) -> bool:
        return item.replayed and item.ok and item.key in self._keys

    def close(self) -> None:
        return


def _open(path: Path, *, follow: bool = True) -> int:
    """Open a file for appending.

    Args:
        follow: Whether a link is followed, which another user may have made if the caller did not name the path.
    """
    # A named pipe that is also open for reading here never breaks: it would block when its reader is gone.
    access = os.O_WRONLY if path.exists() and not path.is_file() else os.O_RDWR
    flags = access | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.open(path, flags if follow else flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _keep(path: Path, fd: int, wanted: Callable[[dict[str, Any]], bool]) -> int:
    """Replace an open file by one that has some of its lines. Returns the new file, open."""
    path = Path(os.path.realpath(path))  # a link stays: the file that it names is replaced
    part = PartialFile.beside(path, os.O_APPEND)
    made = part.fd
    try:
        lock_file(made)  # before it has the name under which others would open it
        with path.open("rb") as old, os.fdopen(made, "wb", closefd=False) as new:
            new.writelines(line for line in old if wanted(read_row(line)))
        if sys.platform == "win32":  # where an open file cannot be replaced
            os.close(made)
            os.close(fd)
            part.replace_target()
            made = _open(path)
            lock_file(made)
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


def _repair(fd: int) -> int:
    """Remove a line that was cut off. Returns the size that is left."""
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


def _end_of(row: dict[str, Any]) -> int:
    """State and run of the item of a line, as a hash: a file may have millions."""
    return hash(f"{row.get('state')} {row.get('run_id')}")


def read_row(line: bytes) -> dict[str, Any]:
    """The object of a line; an empty one if the line holds none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
