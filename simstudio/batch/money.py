"""Amounts of money: budgets of batches, and costs of items."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias


def _check_amount(made: Any, field: Any, amount: Any) -> None:
    del field
    if isinstance(amount, bool) or not isinstance(amount, (int, float, Decimal)) or math.isnan(amount) or amount < 0:
        raise InvalidInputError(f"The amount of {type(made).__name__} must be a number from 0, not {amount!r}.")


@attrs.frozen
class Dollars:
    """An amount in US dollars, such as the ``budget`` of a batch.

    Example:
        >>> print(Dollars(4.5))
        $4.50
    """

    unit: ClassVar[str] = "dollars"
    amount: float | Decimal = attrs.field(validator=_check_amount)

    def __str__(self) -> str:
        if not math.isfinite(self.amount):
            return "no limit"
        whole, _, decimals = f"{self.amount:,.6f}".rstrip("0").partition(".")
        return f"${whole}.{decimals:0<2}"


@attrs.frozen
class Credits:
    """An amount in credits of the service, such as the ``budget`` of a batch.

    Example:
        >>> print(Credits(1200))
        1,200 credits
    """

    unit: ClassVar[str] = "credits"
    amount: float | Decimal = attrs.field(validator=_check_amount)

    def __str__(self) -> str:
        if not math.isfinite(self.amount):
            return "no limit"
        return f"{self.amount:,.6f}".rstrip("0").rstrip(".") + " credits"


Money: TypeAlias = Dollars | Credits


def to_json(cost: Money) -> dict[str, float]:
    """An amount as JSON data, by its unit.

    Example:
        >>> to_json(Dollars(4.5))
        {'dollars': 4.5}
    """
    return {cost.unit: float(cost.amount)}


_TEXT = re.compile(r"\s*(?P<sign>\$?)\s*(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>dollars?|usd|credits?|)\s*", re.IGNORECASE)


def check_budget(name: str, value: object) -> None:
    """Check the option ``budget``.

    Raises:
        TypeError: The value is no amount of dollars or credits.
    """
    if not isinstance(value, (Dollars, Credits)):
        raise TypeError(f"{name} must be Dollars(5) or Credits(500) of simstudio, not {value!r}, which has no unit.")


def parse_money(text: str) -> Money:
    """Amount of a text such as ``5 dollars``, ``$5`` or ``500credits``.

    Raises:
        InvalidInputError: The text is no amount, or has no unit.
    """
    found = _TEXT.fullmatch(text)
    unit = "" if found is None else found["unit"].lower()
    if found is None or (bool(found["sign"]) == bool(unit) and unit not in ("usd", "dollar", "dollars")):
        raise InvalidInputError(f"an amount such as '5 dollars' or '500 credits', not {text!r}.")
    amount = Decimal(found["amount"])
    return Credits(amount) if unit.startswith("credit") else Dollars(amount)
