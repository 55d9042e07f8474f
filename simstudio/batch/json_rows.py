"""Inputs in JSON: one value a line, or the elements of an array, read piece by piece."""

from __future__ import annotations

import io
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from simstudio.batch.input_files import check_length, check_start, lines_of
from simstudio.batch.rows import BadRow, Letter
from simstudio.batch.snapshot import restore_files
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.message import unread_json_reason

_PIECE = 256 * 1024
_OUTSIDE, _INSIDE = re.compile(rb'["\[\]{},]'), re.compile(rb'["\\]')
"""Bytes that matter outside and inside a JSON string."""


def read_lines(file: io.BufferedReader, source: str, wanted: Sequence[str] | None = None) -> Iterator[Any]:
    """Values of a file of JSON lines. Blank lines are left out.

    Raises:
        InvalidInputError: The file is no text, or a line is too long.
    """
    del wanted
    for number, line in enumerate(lines_of(file, source), 1):
        if line.strip() not in (b"", BOM_UTF8):
            yield parse(line, f"{source}, line {number}")


def read_array(file: io.BufferedReader, source: str, wanted: Sequence[str] | None = None) -> Iterator[Any]:
    """Elements of a JSON array; values of JSON lines if the file holds such.

    Raises:
        InvalidInputError: The file is no text, an element is too long, or the array has no end or is followed by more.
    """
    check_start(file.peek(4), source)
    begin = file.peek(_PIECE)
    if not _is_array(begin):
        first, end, _ = begin.removeprefix(BOM_UTF8).lstrip().partition(b"\n")
        if end and type(parse(first, "")) is BadRow:
            raise InvalidInputError(f"{source} holds neither an array nor lines of JSON.")
        yield from read_lines(file, source, wanted)
        return
    for number, text in enumerate(_elements(file, source), 1):
        yield parse(text, f"{source}, element {number}")


def parse(text: bytes, place: str) -> Any:
    """Parse a line, an element or a dead letter; a :class:`BadRow` if it is not JSON in UTF-8."""
    try:
        value = _DECODER.decode(text.decode("utf-8-sig" if text.startswith(BOM_UTF8) else "utf-8"))
        return _open_letter(value, place) if type(value) is dict and "dead_letter" in value else value
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.reason}, byte {error.start + 1})."
    except json.JSONDecodeError as error:
        problem = f"not JSON ({error.msg}, column {error.colno})."
    except (ValueError, RecursionError) as error:
        why = unread_json_reason(error, text)
        problem = f"JSON that Python does not read ({why})." if why is not None else f"not JSON ({error})."
    return BadRow(text.decode(errors="replace").strip(), InvalidInputError(f"{place}: {problem}"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it has {name}: write null or a text instead")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _open_letter(value: dict[str, Any], place: str) -> Any:
    """The input in a dead letter; of an unreadable line, what its text holds now."""
    told = value["dead_letter"]
    if len(value) != 2 or not isinstance(told, dict):
        return value
    if isinstance(value.get("line"), str):
        return parse(value["line"].encode("utf-8", "surrogatepass"), place)
    if "input" not in value:
        return value
    try:
        return Letter(restore_files(value["input"]), str(told.get("key")))
    except InvalidInputError as error:
        return BadRow(json.dumps(value), InvalidInputError(f"{place}: {error}."))


def _is_array(begin: bytes) -> bool:
    """Whether the beginning of a file shows one array, and not lines that are arrays."""
    text = begin.removeprefix(BOM_UTF8).lstrip()
    if not text.startswith(b"["):
        return False
    first, _, rest = text.partition(b"\n")
    return not rest.strip() or isinstance(parse(first, ""), BadRow)


def _elements(file: io.BufferedReader, source: str) -> Iterator[bytes]:
    """Split an array into its elements, at the commas outside of strings and inner brackets."""
    scanner = _Scanner()
    while piece := file.read(_PIECE):
        yield from scanner.feed(piece)
        check_length(scanner.rest, f"{source}, element {scanner.count + 1}")
    if not scanner.is_over:
        raise InvalidInputError(f"{source} ends within its array, after element {scanner.count}.")
    if scanner.rest.strip():
        raise InvalidInputError(f"{source}: something follows the array. Inputs are its elements, or lines of JSON.")


class _Scanner:
    """Finds the elements of an array whose bytes come in pieces.

    Attributes:
        count: Elements so far.
        rest: Bytes after the last of them.
        is_over: Whether the array has ended.
    """

    def __init__(self) -> None:
        self.count = 0
        self.rest = bytearray()
        self.is_over = False
        self._depth = 0
        self._is_text = False
        self._skip = 0  # bytes of the next piece: a backslash was the last of this one

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Scan the next piece and yield the elements that end in it."""
        at, start = self._skip, 0
        while not self.is_over:
            found = (_INSIDE if self._is_text else _OUTSIDE).search(piece, at)
            if found is None:
                break
            at, mark = found.end(), found.group()
            if mark == b"\\":
                at += 1
            elif mark == b'"':
                self._is_text = not self._is_text
            elif mark in b"[{":
                self._depth += 1
                start = at if self._depth == 1 else start
            elif mark in b"]}":
                self._depth -= 1
            if (self._depth == 1 and mark == b",") or not self._depth:
                self.is_over = not self._depth
                text = bytes(self.rest) + piece[start : found.start()]
                self.rest.clear()
                start = at
                if text.strip() or not self.is_over:  # a comma may stand before the end
                    self.count += 1
                    yield text
        self._skip = max(0, at - len(piece))
        self.rest += piece[start:]
