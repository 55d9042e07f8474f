"""The intake of a batch: it reads inputs while there is room, and looks each up in the ledger.

An input that is to be sent becomes a :class:`~simstudio.batch.work_item.WorkItem`. An item that needs no sending,
because an earlier run finished it or it is no JSON data, is delivered from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import attrs

from simstudio.batch.delivery import Delivery
from simstudio.batch.duplicates import Duplicates
from simstudio.batch.execution import Execution
from simstudio.batch.items import BatchItem, Examined, Prepared
from simstudio.batch.ledger import Ledger
from simstudio.batch.options import Options
from simstudio.batch.records import Entry
from simstudio.batch.resumption import resumption
from simstudio.batch.sources import END, LATER, Source
from simstudio.batch.threads import run_on_thread
from simstudio.batch.work_item import WorkItem
from simstudio.transport.errors import SimStudioError


class Intake:
    """Reads inputs and decides what is to be done with each.

    Args:
        options: Options: identification of inputs, and treatment of items of earlier runs.
        delivery: Receives items that need no sending.
        ledger: The ledger; None without one.
        duplicates: Finds inputs that equal earlier ones; None if they are sent as well.
        execution: Executes the items.
        wake: Called when a further input may have come.

    Attributes:
        count: Number of inputs that were read.
        exhausted: Whether all inputs were read.
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
        examiner = options.examiner()
        self._examine, self._identifies = examiner.examine, examiner.identifies
        self._wake = wake
        self._identifying: asyncio.Task[Prepared | BatchItem] | None = None
        self._delivery = delivery
        self._ledger = ledger
        self._duplicates = duplicates
        self._execution = execution
        self._stopped = False

    def next(self, until: int) -> WorkItem | None:
        """The next item to send; None if there is none now, or no more.

        Args:
            until: Number of inputs, counted from the first, at which reading pauses.

        Raises:
            InputChangedError: The ledger has another input under the key of this one.
            LedgerError: The ledger cannot be used.
            Exception: The caller's iterable, or :meth:`Delivery.deliver`, raised it.
        """
        while self.count < until and self._may_read():
            value = self._source.take() if self._identifying is None else self._take_identified(self._identifying)
            if value is LATER:
                return None
            if value is END:
                self.exhausted = True
                return None
            work = self._admit(value)
            if work is not None:
                return work
        return None

    @property
    def waits(self) -> bool:
        """Whether the next input, or a large file in it, is being read."""
        return self._identifying is not None or self._source.waits

    def stop(self) -> None:
        """Read no further input. Any thread may call it."""
        self._stopped = True

    async def aclose(self) -> None:
        """Stop waiting for inputs."""
        if self._identifying is not None:
            self._identifying.cancel()
        await self._source.aclose()

    def _may_read(self) -> bool:
        if self._stopped or self.exhausted or not self._delivery.has_room(self.count):
            return False
        return self._duplicates is None or self._duplicates.waiting < self._options.window

    def _admit(self, value: Any) -> WorkItem | None:
        if type(value) is Examined:
            prepared = value.found
        else:
            prepared = self._examine(value)
            if self._identifies and isinstance(prepared, Prepared) and prepared.is_large:
                self._identify(prepared)
                return None
        self.count += 1
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

    def _identify(self, prepared: Prepared) -> None:
        """Read the large files of an input on a thread, so that the event loop goes on."""
        self._identifying = asyncio.get_running_loop().create_task(run_on_thread(prepared.identify))
        self._identifying.add_done_callback(lambda _: self._wake())

    def _take_identified(self, identifying: asyncio.Task[Prepared | BatchItem]) -> Any:
        if not identifying.done():
            return LATER
        self._identifying = None
        return Examined(identifying.result())

    def _send_once(self, prepared: Prepared, duplicates: Duplicates) -> WorkItem | None:
        found = duplicates.begin(prepared)
        if isinstance(found, BatchItem):
            self._delivery.deliver(found)
        return WorkItem(prepared) if found is True else None

    def _resume(self, prepared: Prepared, entry: Entry, ledger: Ledger) -> WorkItem | None:
        claims = self._execution.api_version if self._execution.claims else None
        left = resumption(entry, self._options, claims=claims)
        if left in ("settle", "repeat") and self._duplicates is not None:
            self._duplicates.resume(prepared.fingerprint)
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
