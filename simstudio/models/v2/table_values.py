"""Values of rows, checked before they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from simstudio.core.notices import notify
from simstudio.core.parameters import converted

if TYPE_CHECKING:
    from typing import TypeAlias

LARGEST_INTEGER: Final = 2**53
"""The largest magnitude up to which Sim stores each integer as it is."""


class RoundedIntegerWarning(UserWarning):
    """Warning that Sim will round an integer, because it stores numbers as 64-bit floats."""


def _warn_of_rounding(name: str, value: Any) -> Any:
    """Return the value, with a :class:`RoundedIntegerWarning` for the first integer that Sim would round."""
    found = _find_rounded(name, value)
    if found is not None:
        notify(f"{found}, and Sim rounds integers beyond 2**53. Store it as text.", RoundedIntegerWarning)
    return value


exact_integers: Final = converted(_warn_of_rounding)
"""Integers that Sim would round are sent with a :class:`RoundedIntegerWarning`."""


def _find_rounded(at: str, value: Any) -> str | None:
    if type(value) is int:
        return f"{at} is {value}" if abs(value) > LARGEST_INTEGER else None
    if isinstance(value, Mapping):
        places = ((f"{at}[{key!r}]", each) for key, each in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        places = ((f"{at}[{index}]", each) for index, each in enumerate(value))
    else:
        return None
    return next((found for place, each in places if (found := _find_rounded(place, each)) is not None), None)


RowData: TypeAlias = Annotated[Mapping[str, Any], exact_integers]
"""Values of a row by column name."""
