"""Names in a generated module: of a function, the type of its input, and its description."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import count
from typing import Final, NamedTuple

from simstudio.core.literals import is_name

_LONGEST: Final = 60


class Names(NamedTuple):
    """The names of one workflow; each kind is spelt so that it cannot be one of another kind.

    Attributes:
        function: ``greet_people``, in lower case.
        input: ``GreetPeopleInput``.
        description: ``GREET_PEOPLE_WORKFLOW``.
    """

    function: str
    input: str
    description: str


def function_name(title: str) -> str:
    """The name of a function for a workflow with a title, as an identifier in lower case.

    Example:
        >>> function_name("Greet people!"), function_name("2 für 1"), function_name("class"), function_name("…")
        ('greet_people', 'workflow_2_für_1', 'class_', 'workflow')
    """
    text = _normalize(_normalize(title).lower())
    text = "".join(letter if f"a{letter}".isidentifier() else " " for letter in text)
    name = "_".join(text.replace("_", " ").split())[:_LONGEST].strip("_")
    if not name[:1].isidentifier():
        name = f"workflow_{name}" if name else "workflow"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        name += "_"
    return name if is_name(name) else "workflow"


def assign_names(functions: Iterable[str], *, reserved: Collection[str]) -> Iterator[Names]:
    """Names for functions, of which those that are alike get a number from the second on.

    Args:
        reserved: Names that the module has already.
    """
    taken = set(reserved)
    for function in functions:
        numbered = (function if number == 1 else f"{function.rstrip('_')}_{number}" for number in count(1))
        names = next(names for names in map(_names_of, numbered) if taken.isdisjoint(names))
        taken.update(names)
        yield names


def _names_of(function: str) -> Names:
    words = "".join(part[:1].upper() + part[1:] for part in function.split("_"))
    return Names(function, f"{_normalize(words)}Input", f"{_normalize(function.rstrip('_').upper())}_WORKFLOW")


def _normalize(text: str) -> str:
    """Text as Python's parser normalizes identifiers."""
    return unicodedata.normalize("NFKC", text)
