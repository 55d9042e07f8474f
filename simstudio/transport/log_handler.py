"""A handler for log records that are written to standard error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TextIO

from simstudio.transport.terminal import is_terminal, printable

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    _StreamHandler = logging.StreamHandler  # on 3.10 no subscript


def make_handler() -> logging.Handler:
    """A handler that writes records to standard error, with their times."""
    handler = _Handler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    return handler


class _Handler(_StreamHandler):
    """Writes records to standard error; a terminal gets no control characters of a logged body."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return printable(text) if is_terminal(self.stream) else text
