"""A ledger as a file for others, in the words of the command line."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from simstudio.batch.export import export
from simstudio.batch.ledger import LedgerView
from simstudio.cli.batch_files import keep_from
from simstudio.cli.batch_settings import Note
from simstudio.cli.output import standard_output
from simstudio.cli.services import words_of

if TYPE_CHECKING:
    from simstudio.batch.formats import Format
    from simstudio.batch.ledger import Entry


def write_export(ledger: str, target: str, form: Format | None) -> int:
    """Write the items of a ledger to a file, or ``-``; return their number.

    Raises:
        click.UsageError: The file is that of the inputs, or of the results.
        SimStudioError: The ledger cannot be read, or the file not written.
    """
    with _InWords(ledger) as view:
        settings = Note.of(view).latest
        if settings is not None and target != "-":
            keep_from(target, inputs=settings.inputs, out=settings.out)
        standard = os.devnull if sys.stdout is None else standard_output()  # None: closed by the caller, >&-
        return export(view, standard if target == "-" else target, format=form)


class _InWords(LedgerView):
    """A ledger whose errors name options in the place of arguments."""

    def entries(self, state: str | None = None) -> Iterator[Entry]:
        latest = Note.of(self).latest
        in_words = words_of(None if latest is None else latest.service)
        for entry in super().entries(state):
            text = str(entry.error)
            if entry.error is None or (told := in_words(text)) == text:
                yield entry
                continue
            error = copy.copy(entry.error)
            error.args = (told,)
            yield attrs.evolve(entry, error=error)
