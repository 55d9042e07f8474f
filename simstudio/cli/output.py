"""Standard output, which is for results; standard error gets everything else.

What is printed leaves at once: a reader at the other end of a pipe sees text as it arrives, not when a buffer is full.
A terminal gets no control characters but line ends and tabs, as text of a workflow or a server could steer it with
them; a pipe or a file gets every character.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import warnings
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from simstudio.cli.failures import CommandError, ExitCode
from simstudio.transport.terminal import CONTROL, is_terminal, printable

if TYPE_CHECKING:
    from typing_extensions import Buffer


_PLAIN = str.maketrans("–“”’", '-""\'')
"""Dashes and quotes that ASCII has, of the same width."""


def encodable(text: str) -> str:
    """Text that the encoding of standard output has: plain dashes and quotes, and ``?`` for other characters."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return is_terminal(sys.stdout)


def write(text: str) -> None:
    """Write text to standard output, at once: to a terminal as :func:`printable` has it, else as it is.

    Characters that its encoding lacks become ``?``.

    Raises:
        BrokenPipeError: Nobody reads any more.
        CommandError: Standard output cannot be written (a full disk).
    """
    stream = sys.stdout
    if stream is None:  # closed by the caller: >&-
        return
    if on_terminal():
        text = printable(text)
    with _catch_failures():
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(encodable(text))
        stream.flush()


def write_bytes(content: bytes) -> None:
    """Write bytes as they are to standard output.

    Raises:
        BrokenPipeError: Nobody reads any more.
        CommandError: Standard output cannot be written (a full disk).
    """
    stream = sys.stdout
    if stream is None:
        return
    with _catch_failures():
        stream.flush()
        stream.buffer.write(content)
        stream.buffer.flush()


def write_json(value: Any) -> None:
    """Write JSON on one line."""
    write(_encode(value, None) + "\n")


def write_value(value: Any) -> None:
    """Write the output of a workflow for people: text as it is, anything else as indented JSON."""
    write((value if isinstance(value, str) else _encode(value, 2)) + "\n")


def tell(text: str, end: str = "\n") -> None:
    """Write text to standard error: to a terminal as :func:`printable` has it, else without control sequences.

    ``sys.stderr`` itself is written to, because a bar or a spinner replaces it, to make room for a line.
    """
    stream = sys.stderr
    if stream is not None:  # closed by the caller: 2>&-
        stream.write(f"{printable(text) if is_terminal(stream) else click.unstyle(text)}{end}")
        stream.flush()


def say(text: str) -> None:
    """Write one line to standard error, after the program's name; do nothing if it is closed."""
    with suppress(OSError, ValueError):
        tell(f"simstudio: {text}")


@contextmanager
def warnings_said() -> Iterator[None]:
    """Say each warning in one line, instead of with a line of its source: it may hold text of a server."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
        yield


def standard_output() -> BinaryIO:
    """Standard output, which is open, for bytes of UTF-8; a terminal gets them as :func:`printable` has them."""
    return cast("BinaryIO", _Shown()) if on_terminal() else sys.stdout.buffer


class _Shown(io.BufferedIOBase):
    """Bytes of UTF-8 for a terminal."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer) -> int:
        data = bytes(content)
        write(self._decoder.decode(data))
        return len(data)


def flush() -> None:
    """Write buffered output, so that a failure is reported here and not at the end of the interpreter."""
    if sys.stdout is not None:
        with suppress(ValueError):
            sys.stdout.flush()


def discard() -> None:
    """Discard buffered output, so that the end of the interpreter does not fail on it."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def _catch_failures() -> Iterator[None]:
    """Turn a failure to write into a :class:`CommandError`; of a closed pipe, leave the BrokenPipeError as it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        discard()
        raise CommandError(f"Standard output cannot be written: {error.strerror or error}.", ExitCode.FAILED) from error


def _encode(value: Any, indent: int | None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if on_terminal():
        text = re.sub(CONTROL, lambda found: f"\\u{ord(found[0]):04x}", text)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # an ASCII terminal, or half of a surrogate pair in the data
        return json.dumps(value, ensure_ascii=True, indent=indent)
    return text
