"""Where an export is written: a file that takes its place when it is complete, or what is no plain file, as it is.

Standard output is never replaced, whatever it is redirected to: a log that everything else is in, too.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Union

from simstudio.batch.errors import LedgerError
from simstudio.batch.ledger.lock import canonical
from simstudio.core.disk import PartialFile

Target = Union[str, "os.PathLike[str]", BinaryIO]

_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)", re.ASCII)


@contextmanager
def opened(target: Target) -> Iterator[BinaryIO]:
    """The target, open for writing; a plain file only becomes what was written when that is complete.

    Args:
        target: A path, or a binary file that is open already, which stays open.

    Raises:
        BrokenPipeError: Nobody reads any more.
        LedgerError: It cannot be written.
    """
    path = os.fspath(target) if isinstance(target, (str, os.PathLike)) else ""
    try:
        if not isinstance(target, (str, os.PathLike)):
            yield target
            target.flush()
        elif (number := _descriptor(path)) is not None:
            with suppress(OSError, ValueError, AttributeError):
                sys.stdout.flush()  # what was written before comes before
            with os.fdopen(os.dup(number), "wb") as file:
                yield file
        elif _is_plain(path):
            with _replacing(canonical(path)) as file:
                yield file
        else:
            with open(path, "wb") as file:  # noqa: PTH123
                yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        named = f"The export {path}" if path else "The export"
        raise LedgerError(f"{named} cannot be written: {error.strerror or error}.") from error


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    part = PartialFile.beside(Path(path))
    try:
        with os.fdopen(part.fd, "wb") as file:
            yield file
        part.replace_target()
    except BaseException:
        with suppress(OSError):
            part.path.unlink()
        raise


def _descriptor(path: str) -> int | None:
    """Of a path that names an open file of this process, its number: to open it anew would be to write over it."""
    found = _DESCRIPTOR.fullmatch(path)
    return int(found[1]) if found is not None else _STANDARD.get(path)


def _is_plain(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - of the path as it was given
    except OSError:
        return True
