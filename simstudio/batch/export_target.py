"""Where an export is written: a file that appears when it is complete, or whatever else is open for writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Union

from simstudio.batch.errors import LedgerError
from simstudio.core.disk import output_file

Target = Union[str, "os.PathLike[str]", BinaryIO]


@contextmanager
def opened(target: Target) -> Iterator[BinaryIO]:
    """The target, open for writing.

    Args:
        target: A path (see :func:`~simstudio.core.disk.output_file`), or an open binary file, which stays open.

    Raises:
        BrokenPipeError: Nobody reads any more.
        LedgerError: It cannot be written.
    """
    path = os.fspath(target) if isinstance(target, (str, os.PathLike)) else ""
    try:
        if isinstance(target, (str, os.PathLike)):
            with output_file(target) as file:
                yield file
        else:
            yield target
            target.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        named = f"The export {path}" if path else "The export"
        raise LedgerError(f"{named} cannot be written: {error.strerror or error}.") from error
