"""Declarations of the options of ``map``: default, check, and flag of the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from simstudio.transport.errors import InvalidInputError


@attrs.frozen
class Flag:
    """The command-line flag of an option.

    Attributes:
        name: Such as ``--concurrency``.
        help: Its line in the help.
        metavar: Placeholder of its value in the help.
        choices: All values, where these are few.
        value: The option's value when the flag, which has none of its own, is given.
        parse: Makes the option's value of the text, or of all texts if the flag may be given again; raises
            InvalidInputError.
        is_repeated: Whether the flag may be given again.
        is_kept: Whether a ledger stores the value, so that a resumed batch goes on with it.
        is_secret: Whether the value may hold a secret, so that an environment variable may have it.
    """

    name: str
    help: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    value: Any = None
    parse: Callable[[Any], Any] | None = None
    is_repeated: bool = False
    is_kept: bool = False
    is_secret: bool = False


@attrs.frozen
class Option:
    """Declaration of an option, beside its type.

    Attributes:
        default: Its value when it is not given, which is not checked.
        check: Called with name and value; raises InvalidInputError.
        flag: None if the command line has none.
    """

    default: Any = None
    check: Callable[[str, Any], object] | None = None
    flag: Flag | None = None


@attrs.frozen
class Target(os.PathLike[str]):
    """The path of a file to write, with a function that rewrites the error messages in it for the command line."""

    path: str
    in_words: Callable[[str], str]

    def __fspath__(self) -> str:
        return self.path


def must_be(expected: str, accepts: Callable[[Any], bool]) -> Callable[[str, Any], None]:
    """Make the check of an option, which says what it must be."""
    return partial(_ensure, expected, accepts)


def _ensure(expected: str, accepts: Callable[[Any], bool], name: str, value: Any) -> None:
    if not accepts(value):
        raise InvalidInputError(f"{name} must be {expected}, not {value!r}.")


def make_choice(*allowed: str, flag: Flag) -> Option:
    """An option that is one of some words, the first if it is not given."""
    expected = f"one of {', '.join(map(repr, allowed))}"
    if flag.value is None:
        flag = attrs.evolve(flag, choices=allowed)
    return Option(allowed[0], must_be(expected, lambda value: value in allowed), flag)


def make_switch(*, default: bool, flag: Flag) -> Option:
    """An option that is True or False."""
    return Option(default, must_be("True or False", lambda value: isinstance(value, bool)), flag)


def make_function_option() -> Option:
    """An option that is a function, or None. The command line has no flag for it."""
    return Option(None, must_be("a function", callable), None)


def is_path(value: Any) -> bool:
    """Whether a value is a path that a file can have."""
    if not isinstance(value, (str, os.PathLike)):
        return False
    try:
        path = os.fsencode(value)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return bool(path) and b"\0" not in path


def check_no_address(name: str, path: str | os.PathLike[str]) -> None:
    """Check that a file to write is on this machine: only inputs may be at an address.

    Raises:
        InvalidInputError: The path is an address.
    """
    if re.match(r"\w[\w+.-]+:/", os.fsdecode(path)):  # pathlib.Path makes one slash of two
        raise InvalidInputError(f"{name} is {os.fspath(path)!r}: name a file on this machine.")
