"""Standard output, which is for results; standard error gets everything else.

What is printed leaves at once: a reader at the other end of a pipe sees text as it arrives, not when a buffer is full.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import click

from simstudio.cli.failures import CommandError, ExitCode


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return is_terminal(sys.stdout)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal (a closed one, None, is not)."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed by its owner
        return False


def write(text: str) -> None:
    """Write text as it is to standard output, at once.

    Characters that its encoding lacks become ``?``.

    Raises:
        BrokenPipeError: Nobody reads any more.
        CommandError: It cannot be written (a full disk).
    """
    stream = sys.stdout
    if stream is None:  # closed by the caller: >&-
        return
    with _written():
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode(stream.encoding, "replace").decode(stream.encoding))
        stream.flush()


def write_bytes(content: bytes) -> None:
    """Write bytes as they are to standard output.

    Raises:
        BrokenPipeError: Nobody reads any more.
        CommandError: They cannot be written (a full disk).
    """
    stream = sys.stdout
    if stream is None:
        return
    with _written():
        stream.flush()
        stream.buffer.write(content)
        stream.buffer.flush()


def write_json(value: Any) -> None:
    """Write JSON on one line."""
    write(_encoded(value, None) + "\n")


def write_value(value: Any) -> None:
    """Write what a workflow brought, for people: text as it is, anything else as indented JSON."""
    write((value if isinstance(value, str) else _encoded(value, 2)) + "\n")


def say(text: str) -> None:
    """Write one line to standard error, behind the program's name; with nobody to read it, nothing."""
    with suppress(OSError, ValueError):
        click.echo(f"simstudio: {text}", err=True)


def flush() -> None:
    """Write what is still buffered, so that a failure to do so is met here and not at the interpreter's end."""
    if sys.stdout is not None:
        with suppress(ValueError):
            sys.stdout.flush()


def discard() -> None:
    """Send what is still buffered for standard output nowhere, so that the interpreter's end does not fail on it."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def _written() -> Iterator[None]:
    """What cannot be written is told as such; a reader that has gone is none of that."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        discard()
        raise CommandError(f"Standard output cannot be written: {error.strerror or error}.", ExitCode.FAILED) from error


def _encoded(value: Any, indent: int | None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # an ASCII terminal, or half of a surrogate pair in the data
        return json.dumps(value, ensure_ascii=True, indent=indent)
    return text
