"""Asking a human, on the terminal, what a paused run asks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.inputs import no_constant
from simstudio.cli.output import tell
from simstudio.transport.terminal import is_terminal

if TYPE_CHECKING:
    from simstudio.models.pauses import InputField, Pause

_SKIPPED = object()


def can_ask() -> bool:
    """Whether standard input and standard error are a terminal, so that a human can answer questions."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def confirm(question: str) -> bool:
    """Ask a question whose answer is yes or no; Enter is no.

    Raises:
        click.Abort: Ctrl-C, or the end of the input.
    """
    answer: bool = _prompt(f"{question} (yes or no)", "no", lambda text: click.BOOL.convert(text, None, None))
    return answer


def ask(pause: Pause) -> Any:
    """Show a pause's question and ask for its fields, each by its type.

    v2 does not say what a run asks for; then any JSON is an answer.

    Returns:
        The answer; None for none.

    Raises:
        click.Abort: Ctrl-C, or the end of the input.
    """
    for shown in pause.shown:
        if shown.name != "question" and shown.value not in (None, ""):
            text = (
                shown.value if isinstance(shown.value, str) else json.dumps(shown.value, ensure_ascii=False, indent=2)
            )
            tell(f"{shown.name}: {text}")
    tell(pause.question or "The run waits for you.")
    if not pause.input_fields:
        return _prompt("answer (JSON, Enter for none)", None, lambda text: _any_json(text) if text else None)
    answers = {field.name: _ask(field) for field in pause.input_fields}
    return {name: answer for name, answer in answers.items() if answer is not _SKIPPED}


def describe_fields(pause: Pause) -> str:
    """The fields that are asked for, in a few words."""
    fields = ", ".join(f"{field.name} ({field.type})" for field in pause.input_fields)
    return f"asks for {fields}" if fields else "does not say what it asks for"


def _ask(field: InputField) -> Any:
    label = field.label or field.name
    if field.description:
        tell(f"  {field.description}")
    default = field.value if field.value not in (None, "") else None
    if default is not None and not isinstance(default, str):
        default = json.dumps(default, ensure_ascii=False)
    required = field.required is True
    hint = "" if required or default is not None else ", Enter to leave it out"
    return _prompt(
        f"{label} ({_HINTS.get(field.type, 'text')}{hint})",
        default,
        lambda text: _parse(text, field.type, required=required),
        required=required,
    )


def _prompt(text: str, default: str | None, parse: Callable[[str], Any], *, required: bool = False) -> Any:
    """Ask until there is an answer. ``click.prompt`` would write a space to standard output, which is for results.

    Raises:
        click.Abort: Ctrl-C, or the end of the input.
    """
    shown = "" if default is None else f" [{default}]"
    while True:
        tell(f"{text}{shown}: ", end="")
        line = sys.stdin.readline()
        if not line:
            raise click.Abort
        answer = line.strip() or default or ""
        if required and not answer:
            continue
        try:
            return parse(answer)
        except click.UsageError as error:
            tell(f"Error: {error.message}")


_HINTS = {
    "boolean": "yes or no",
    "number": "a number",
    "object": "JSON",
    "array": "JSON",
    "file[]": "paths of files, separated by commas",
}


def _parse(text: str, kind: str, *, required: bool) -> Any:
    """An answer as the workflow gets it.

    Raises:
        click.UsageError: It is none; click asks again.
    """
    if text == "" and not required:
        return _SKIPPED
    if kind == "boolean":
        return click.BOOL.convert(text, None, None)
    if kind in ("number", "object", "array"):
        return _json(text, kind)
    return _files(text) if kind == "file[]" else text


def _json(text: str, kind: str) -> Any:
    wanted: Any = {"number": (int, float), "object": dict, "array": list}[kind]
    try:
        value = _any_json(text)
    except click.UsageError:
        value = None
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise click.UsageError("this is no number" if kind == "number" else f"this is no JSON {kind}")
    return value


def _any_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise click.UsageError("this is no JSON") from None


def _files(text: str) -> list[dict[str, str]]:
    from simstudio.core.files import File
    from simstudio.errors import SimStudioError

    found = []
    for name in text.split(","):
        try:
            found.append(File(Path(name.strip()).expanduser()).to_dict())
        except (OSError, SimStudioError) as error:
            raise click.UsageError(f"{name.strip()!r} cannot be read: {error}") from None
    return found
