"""The budget of a batch: no execution begins that would exceed it together with the running ones."""

from __future__ import annotations

from decimal import Decimal

from simstudio.batch.errors import BudgetError
from simstudio.batch.execution import Price
from simstudio.batch.items import BatchItem
from simstudio.batch.money import Dollars, Money
from simstudio.core.errors import ExecutionError
from simstudio.transport.errors import SimStudioError

_NOTHING = Decimal(0)
_FOR_EACH_PRICE = 2  # executions under way for each price that is known


class Budget:
    """The money of one batch.

    Each running execution counts as the highest price so far. The first one runs alone, and then at most twice as many
    as have a known price, because the first prices may be low by chance. The budget is exceeded by no more than the
    running executions cost above the highest price before.

    Args:
        most: Highest cost of all executions of this run.

    Attributes:
        under_way: Executions that have begun and whose price is not known yet.
    """

    def __init__(self, most: Money) -> None:
        self.under_way = 0
        self._most = most
        self._left = Decimal(str(most.amount))
        self._spent = _NOTHING
        self._dearest: Decimal | None = None
        self._count = 0
        self._priced = 0

    @property
    def spent(self) -> Money:
        """Cost of the executions that have ended."""
        return type(self._most)(self._spent)

    def has_room(self) -> bool:
        """Whether another execution may begin; False if one that is under way must end first.

        Raises:
            BudgetError: There is not enough left, and nothing is under way.
        """
        estimate = self._dearest or _NOTHING
        if self.under_way and self.under_way >= _FOR_EACH_PRICE * self._priced:
            return False
        if self._left >= (self.under_way + 1) * estimate:
            return True
        if self.under_way:
            return False
        raise BudgetError(
            f"The budget of {self._most} does not suffice for another item: {self._count:,} cost {self.spent}, and one "
            f"costs up to {type(self._most)(estimate)}. The others were not sent; the same call with a ledger and a "
            "larger budget goes on."
        )

    def begin(self) -> None:
        """Count an execution as under way."""
        self.under_way += 1

    def release(self) -> None:
        """Count an execution as under way no more: nothing ran."""
        self.under_way -= 1

    def spend(self, item: BatchItem, price: Price | None, problem: SimStudioError | None = None) -> Money | None:
        """Count what an execution cost that has ended.

        One that ran and whose price the service does not say counts as the highest price so far.

        Args:
            problem: Cause for which the service could not be asked for the price.

        Returns:
            The price in the unit of the budget; None if it is not known.

        Raises:
            BudgetError: The service does not say what executions cost, so that the budget cannot be kept.
        """
        self.under_way -= 1
        said = None if price is None else price.dollars if isinstance(self._most, Dollars) else price.credits
        if said is None and item.ok and self._dearest is None:
            why = f"does not say it in {self._most.unit}." if problem is None else f"could not be asked: {problem}"
            raise BudgetError(
                f"A budget of {self._most} cannot be kept, as nothing is known of what an item costs. The service {why}"
            ) from problem
        may_have_run = item.state != "failed" or isinstance(item.error, ExecutionError)
        amount = Decimal(str(said)) if said is not None else (self._dearest or _NOTHING) if may_have_run else _NOTHING
        self._count += 1
        self._spent += amount
        self._left -= amount
        if said is None:
            return None
        self._priced += 1
        self._dearest = max(self._dearest or _NOTHING, amount)
        return type(self._most)(amount)
