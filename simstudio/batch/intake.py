"""Inputs on their way in: read as there is room for them, and recognised by the ledger.

Each that is to be sent becomes a :class:`~simstudio.batch.work_item.WorkItem`; what needs no sending (an earlier run
finished it, or it is no JSON data) is delivered from here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.batch.items import BatchItem, Examined, Prepared
from simstudio.batch.resumption import resumption
from simstudio.batch.sources import END, LATER
from simstudio.batch.work_item import WorkItem
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from simstudio.batch.delivery import Delivery
    from simstudio.batch.duplicates import Duplicates
    from simstudio.batch.execution import Execution
    from simstudio.batch.ledger import Ledger
    from simstudio.batch.options import Options
    from simstudio.batch.records import Entry
    from simstudio.batch.sources import Source


class Intake:
    """Reads inputs and finds out what is to be done with each.

    Args:
        options: Their identity, and what the caller wants of those that an earlier run knew.
        delivery: Where those go that need no sending.
        ledger: What is known of them, or None.
        duplicates: Which of them equal earlier ones; None if that does not matter.
        execution: What is sent.
        wake: Called when there may be an input that there was not before.

    Attributes:
        count: How many inputs were read.
        exhausted: Whether these were all.
    """

    def __init__(
        self,
        source: Source,
        options: Options,
        delivery: Delivery,
        *,
        ledger: Ledger | None,
        duplicates: Duplicates | None = None,
        execution: Execution,
        wake: Callable[[], None],
    ) -> None:
        self.count = 0
        self.exhausted = False
        self._source = source
        source.bind(wake)
        self._options = options
        self._examine = options.examiner()
        self._delivery = delivery
        self._ledger = ledger
        self._duplicates = duplicates
        self._execution = execution
        self._stopped = False

    def next(self, until: int) -> WorkItem | None:
        """The next item to send; None where there is none now, or ever.

        Args:
            until: Read no further than to so many inputs in all.

        Raises:
            InputChangedError: An input is not the one that the ledger knows under its key.
            LedgerError: The ledger cannot be used.
            Exception: What the caller's iterable raised, or :meth:`Delivery.deliver` did.
        """
        while self.count < until and self._may_read():
            value = self._source.take()
            if value is LATER:
                return None
            if value is END:
                self.exhausted = True
                return None
            work = self._admit(value)
            if work is not None:
                return work
        return None

    def stop(self) -> None:
        """Read nothing more. From any thread."""
        self._stopped = True

    async def aclose(self) -> None:
        """Wait for no input any more."""
        await self._source.aclose()

    def _may_read(self) -> bool:
        if self._stopped or self.exhausted or not self._delivery.has_room(self.count):
            return False
        return self._duplicates is None or self._duplicates.waiting < self._options.window

    def _admit(self, value: Any) -> WorkItem | None:
        examined = value if isinstance(value, Examined) else self._examine(value)
        self.count += 1
        prepared = examined.found
        if isinstance(prepared, BatchItem):
            if self._ledger is not None:
                self._ledger.refuse(prepared)
            self._delivery.deliver(prepared)
            return None
        if self._ledger is not None:
            entry = self._ledger.find(prepared)
            if entry is not None:
                return self._resume(prepared, entry, self._ledger)
        return WorkItem(prepared) if self._duplicates is None else self._send_once(prepared, self._duplicates)

    def _send_once(self, prepared: Prepared, duplicates: Duplicates) -> WorkItem | None:
        found = duplicates.begin(prepared)
        if isinstance(found, BatchItem):
            self._delivery.deliver(found)
        return WorkItem(prepared) if found is True else None

    def _resume(self, prepared: Prepared, entry: Entry, ledger: Ledger) -> WorkItem | None:
        claims = self._execution.api_version if self._execution.claims else None
        left = resumption(entry, self._options, claims=claims)
        if left == "settle":
            return WorkItem(prepared, entry.run_id, entry.receipt, intended=True, resumed=True)
        if left == "repeat":
            return WorkItem(prepared, entry.run_id, resumed=True)
        if left == "send":
            return WorkItem(prepared) if self._duplicates is None else self._send_once(prepared, self._duplicates)
        item = entry.to_item()
        if left == "report":
            item = attrs.evolve(item, error=_heard_of_no_end(prepared.index))
            ledger.finish(item)
        self._delivery.deliver(item)
        if self._duplicates is not None:
            for other in self._duplicates.end(prepared.fingerprint, item):
                self._delivery.deliver(other)
        return None


def _heard_of_no_end(index: int) -> SimStudioError:
    return SimStudioError(
        f"Item {index} was sent by an earlier run that ended before its answer came: it may have run, wholly or, where "
        'the server cancels a run whose client goes away, in part. Look, and then run it again with on_unknown="rerun".'
    )
