"""The files of a batch: all differ, because writing one would destroy another, and each belongs to one batch."""

from __future__ import annotations

import io
import os
import stat
import sys

import click

from simstudio.batch.input_files import InputFile
from simstudio.batch.results import lines_path

_BESIDE = ("-wal", "-shm", "-lock", "-journal")
"""Endings of the files that SQLite and the lock of a ledger make beside a file."""


def keep_apart(
    inputs: str,
    *,
    ledger: str | None = None,
    out: str | None = None,
    shared: str | None = None,
    dead_letters: str | None = None,
) -> None:
    """Make sure that no file of a batch takes the place of another; nothing is touched before.

    Args:
        inputs: The path of the inputs, ``-`` for standard input.
        ledger: The ledger's.
        shared: Address or path of the shared rate.

    Raises:
        click.UsageError: Two are the same file, by whatever names.
    """
    named: list[tuple[str, str | int]] = []
    if inputs == "-":
        named.append(("standard input", _standard()))
    else:
        named.append(("the inputs", InputFile(inputs).local_path or inputs))
    if ledger is not None:
        named += _family("the ledger", ledger)
    if out is not None:
        named.append(("the results (--out)", out))
        lines = str(lines_path(out))
        if lines != out:
            named.append(("what belongs to the results (--out)", lines))
    if dead_letters is not None:
        named.append(("the dead letters (--dead-letters)", dead_letters))
    path = path_of_shared(shared)
    if path is not None:
        named += _family("the shared rate (--shared)", path)
    _ensure_different(named)


def keep_from(target: str, *, inputs: str | None, out: str | None) -> None:
    """Make sure that an export overwrites neither the inputs of its ledger nor the results of its batch.

    Raises:
        click.UsageError: It would.
    """
    read = None if inputs is None else InputFile(inputs).local_path
    kept = (("the inputs of that ledger", read), ("the results (--out) of its batch", out))
    for what, path in kept:
        if path is not None and path != "-":
            _ensure_different([("the export", target), (what, path)])


def path_of_shared(shared: str | None) -> str | None:
    """The file in which a rate is shared, where it is one."""
    if not shared:
        return None
    scheme, found, rest = shared.partition("://")
    if not found:
        return shared
    return rest.removeprefix("/") or None if scheme == "sqlite" else None


def _ensure_different(named: list[tuple[str, str | int]]) -> None:
    seen: dict[object, tuple[str, str | int]] = {}
    for what, path in named:
        for name in _names(path):
            first, _ = seen.setdefault(name, (what, path))
            if first != what:
                raise click.UsageError(
                    f"Both {first} and {what} would be {path}: one would destroy the other. Name another file",
                    click.get_current_context(silent=True),
                )


def _names(path: str | int) -> set[object]:
    """The identity of a plain file; empty for a pipe, a terminal or a device, which may have many uses."""
    names: set[object] = set()
    try:
        found = os.stat(path)  # noqa: PTH116 - of a number, too
    except (OSError, ValueError):
        pass
    else:
        if not stat.S_ISREG(found.st_mode):
            return names
        names.add((found.st_dev, found.st_ino))
    if isinstance(path, str):
        names.add(os.path.normcase(os.path.realpath(path)))
    return names


def _family(what: str, path: str) -> list[tuple[str, str | int]]:
    """An SQLite file and those beside it, under the name it was given and under its own."""
    beside: list[tuple[str, str | int]] = [
        (f"what belongs to {what}", spelling + suffix)
        for suffix in _BESIDE
        for spelling in (path, os.path.realpath(path))
    ]
    return [(what, path), *beside]


def _standard() -> int:
    """Standard input's number; -1 where it has none."""
    try:
        return -1 if sys.stdin is None else sys.stdin.fileno()
    except (OSError, ValueError, io.UnsupportedOperation):
        return -1
