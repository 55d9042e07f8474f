"""From ``--input``, ``--input-json`` and ``--file`` to a workflow's input."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])

_NOTHING: Final = object()


def assemble(pairs: Sequence[tuple[str, Any]], input_json: str | None, files: Sequence[tuple[str, Path]]) -> Any:
    """The input of a workflow; None when none was given.

    Args:
        pairs: Values of ``--input``; the last of a key wins.
        input_json: A path, or ``-`` for standard input.
        files: Values of ``--file``; a field of several becomes a list.

    Raises:
        click.BadParameter: They cannot be read, or not be put together.
    """
    data: Any = _NOTHING if input_json is None else read_json(input_json)
    if not pairs and not files:
        return None if data is _NOTHING else data
    if data is _NOTHING:
        data = {}
    if not isinstance(data, dict):
        _refuse("--input-json", "holds no JSON object, so --input and --file have nothing to add a field to")
    merged = {**data, **dict(pairs)}
    sent: dict[str, list[Path]] = {}
    for field, path in files:
        sent.setdefault(field, []).append(path)
    for field, paths in sent.items():
        if field in merged:
            _refuse("--file", f"the field {field!r} has a value already")
        merged[field] = paths[0] if len(paths) == 1 else paths
    return merged


def read_bytes(source: str, option: str) -> bytes:
    """The content of a file, or of standard input (``-``).

    Args:
        source: A path, or ``-``.
        option: Option that messages name.

    Raises:
        click.BadParameter: It cannot be read.
    """
    try:
        return _standard_input() if source == "-" else Path(source).expanduser().read_bytes()
    except OSError as error:
        _refuse(option, f"{_name_of(source)} cannot be read: {error.strerror or error}")


def read_json(source: str, option: str = "--input-json") -> Any:
    """The JSON value in a file, or on standard input (``-``).

    Raises:
        click.BadParameter: It cannot be read, or is no JSON.
    """
    content = read_bytes(source, option)
    name = _name_of(source)
    if not content.strip():
        _refuse(option, f"{name} is empty")
    try:
        return _loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        _refuse(option, f"{name} is not UTF-8")
    except RecursionError:
        _refuse(option, f"{name} nests too deeply")
    except ValueError as error:
        _refuse(option, f"{name} is no JSON: {error}")


def parse_json(text: str, option: str) -> Any:
    """The JSON value that an option holds.

    Raises:
        click.BadParameter: It is no JSON.
    """
    try:
        return _loads(text)
    except RecursionError:
        _refuse(option, "it nests too deeply")
    except ValueError as error:
        _refuse(option, f"it is no JSON: {error}")


def _name_of(source: str) -> str:
    return "standard input" if source == "-" else source


def _standard_input() -> bytes:
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def _parse_pairs(_: click.Context, option: click.Parameter, values: Sequence[str]) -> list[tuple[str, Any]]:
    form = option.metavar or "KEY=VALUE"
    return [(key, parse_value(text)) for key, text in (_split(value, option, form) for value in values)]


def _parse_files(_: click.Context, option: click.Parameter, values: Sequence[str]) -> list[tuple[str, Path]]:
    found = []
    for value in values:
        field, text = _split(value, option, "FIELD=PATH")
        path = Path(text).expanduser()
        if not text or not path.is_file():
            raise click.BadParameter(f"there is no file {text!r}", param=option)
        found.append((field, path))
    return found


def _split(text: str, option: click.Parameter, form: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is not {form}", param=option)
    return key, value


def parse_names(_: click.Context, option: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Callback of an option that is given as ``NAME=VALUE``, once for each name."""
    return dict(_split(value, option, option.metavar or "NAME=VALUE") for value in values)


def parse_value(text: str) -> Any:
    """JSON if it is JSON, else the text."""
    try:
        return _loads(text)
    except (ValueError, RecursionError):
        return text


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=no_constant)


def no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads although they are no JSON."""
    raise ValueError(f"{name} is no JSON value")  # Python would take NaN and Infinity


def _refuse(option: str, problem: str) -> NoReturn:
    raise click.BadParameter(problem, click.get_current_context(silent=True), param_hint=option)


def named_input_option(metavar: str, text: str) -> Callable[[C], C]:
    """Decorator: ``--input``, whose help begins with a text; the command gets ``pairs``."""
    return click.option(
        "--input",
        "-i",
        "pairs",
        metavar=metavar,
        multiple=True,
        callback=_parse_pairs,
        help=f"{text} VALUE is JSON where it is valid JSON (n=3, tags='[1, 2]', s='\"3\"'), else text. Again for more.",
    )


input_option = named_input_option("KEY=VALUE", "One field of the input.")
input_json_option = click.option(
    "--input-json",
    metavar="FILE|-",
    help="Read the input from a JSON file, or from standard input (-). --input wins over its keys.",
)
file_option = click.option(
    "--file",
    "-f",
    "files",
    metavar="FIELD=PATH",
    multiple=True,
    callback=_parse_files,
    help="Send a file in a field. Again for more; several of one field make a list.",
)


def input_options(command: C) -> C:
    """Decorator: the options that make an input; the command gets ``pairs``, ``input_json`` and ``files``."""
    return input_option(input_json_option(file_option(command)))
