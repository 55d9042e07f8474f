"""The target of an export: a file that appears when it is complete, or an open file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Union

from simstudio.batch.errors import LedgerError
from simstudio.core.disk import output_file

Target = Union[str, "os.PathLike[str]", BinaryIO]


@contextmanager
def open_target(target: Target) -> Iterator[BinaryIO]:
    """Open the target for writing.

    Args:
        target: A path (see :func:`~simstudio.core.disk.output_file`), or an open binary file, which stays open.

    Raises:
        BrokenPipeError: The reader of a pipe has closed it.
        LedgerError: The target cannot be written.
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
