"""The log of ``simstudio sandbox``: requests, and tracebacks of functions, on standard error or in a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from simstudio.cli.output import tell


@contextmanager
def shown_log(file: TextIO | None = None, *, with_service: bool) -> Iterator[None]:
    """Show the log within a ``with`` block.

    Args:
        file: where it is written; None for standard error.
        with_service: whether each request is shown with the name of its service.
    """
    logger = logging.getLogger("simstudio.sandbox")
    handler = _Handler(file, with_service=with_service)
    level, propagates = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates


class _Handler(logging.Handler):
    """Writes each record with its time."""

    def __init__(self, file: TextIO | None, *, with_service: bool) -> None:
        super().__init__()
        self._file = file
        self._with_service = with_service
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        service = getattr(record, "service", None)
        if self._with_service and service:
            time, _, rest = text.partition(" ")
            text = f"{time} {service:<10} {rest}"
        with suppress(OSError, ValueError):  # closed by the caller: 2>&-
            if self._file is None:
                tell(text)
            else:
                self._file.write(f"{text}\n")
