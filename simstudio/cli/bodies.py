"""Bodies of responses: JSON, text and bytes on standard output, or in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.output import on_terminal, write, write_bytes, write_json, write_value
from simstudio.core.disk import output_file

if TYPE_CHECKING:
    from simstudio.cli.connection import Connection

output_option = click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the body there, byte for byte.",
)
"""Decorator: ``--output``, for :func:`show_content`."""


def show_content(connection: Connection, content: bytes, kind: str, output: Path | None) -> None:
    """Print a body, or write it to a file.

    Args:
        kind: Media type.
        output: The file; None for standard output.

    Raises:
        CommandError: The file cannot be written, or the body is not to be shown on a terminal.
    """
    if output is not None:
        try:
            with output_file(output) as file:
                file.write(content)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror or error}.", ExitCode.FAILED) from error
        show_saved(connection, output, len(content), kind)
        return
    if not content:
        return
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        _show_bytes(connection, content, kind)
        return
    if connection.as_json or not on_terminal():
        write_json(data)
    else:
        write_value(data if not isinstance(data, str) else json.dumps(data, ensure_ascii=False))


def show_saved(connection: Connection, path: Path, count: int, kind: str) -> None:
    """Say, with ``--json``, where a body of ``count`` bytes was written."""
    if connection.as_json:
        write_json({"output": str(path), "bytes": count, "contentType": kind})


def _show_bytes(connection: Connection, content: bytes, kind: str) -> None:
    told = f"The answer is no JSON ({kind}, {len(content)} bytes). Give --output FILE."
    if connection.as_json:
        raise CommandError(told, ExitCode.FAILED)
    if not on_terminal():
        write_bytes(content)
        return
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise CommandError(told, ExitCode.FAILED) from None
    if any(not (letter.isprintable() or letter in "\n\r\t") for letter in text):
        raise CommandError(told, ExitCode.FAILED)  # control characters do things to a terminal
    write(text if text.endswith("\n") else f"{text}\n")
