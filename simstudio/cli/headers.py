"""HTTP headers on the command line: ``--header NAME:VALUE``, and files of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import click

from simstudio.cli.inputs import read_bytes

Pairs: TypeAlias = list[tuple[str, str]]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(r"[A-Z]+ \S+ HTTP/[0-9.]+")


def header_option(text: str) -> Callable[[Any], Any]:
    """Decorator: ``--header NAME:VALUE``, again for more; the command gets ``headers``, a list of pairs."""
    return click.option("--header", "-H", "headers", metavar="NAME:VALUE", multiple=True, callback=_parse, help=text)


def read_headers(source: str, option: str) -> Pairs:
    """The headers in a file: lines ``Name: value``, or a JSON object.

    Raises:
        click.BadParameter: It cannot be read, or is neither.
    """
    try:
        text = read_bytes(source, option).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise _bad(f"{source} is not UTF-8", option) from None
    pairs = list(_from_json(text, source, option) if text[:1] in "{[" and text else _from_lines(text, source, option))
    if not pairs:
        raise _bad(f"{source} has no headers", option)
    return pairs


def _from_lines(text: str, source: str, option: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or (number == 1 and _REQUEST_LINE.match(line)):
            continue
        pair = _split(line)
        if pair is None:
            raise _bad(f"line {number} of {source} is not NAME: VALUE", option)
        yield pair


def _from_json(text: str, source: str, option: str) -> Iterator[tuple[str, str]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"{source} is no JSON: {error}", option) from None
    if not isinstance(data, dict):
        raise _bad(f"{source} holds no JSON object of names and values", option)
    for name, value in data.items():
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str):
                raise _bad(f"the header {name!r} in {source} is not text", option)
            yield name, item


def _parse(_: click.Context, option: click.Parameter, values: Sequence[str]) -> Pairs:
    found = []
    for value in values:
        pair = _split(value)
        if pair is None:
            name = value.partition(":")[0] if ":" in value else None  # the value may be a secret
            raise click.BadParameter(f"{name!r} is no header name" if name else "it is not NAME:VALUE", param=option)
        found.append(pair)
    return found


def _split(line: str) -> tuple[str, str] | None:
    name, colon, value = line.partition(":")
    name = name.strip()
    return (name, value.strip()) if colon and _NAME.fullmatch(name) else None


def _bad(problem: str, option: str) -> click.BadParameter:
    return click.BadParameter(problem, click.get_current_context(silent=True), param_hint=option)
