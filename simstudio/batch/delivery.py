"""The delivery of finished items: it counts and reports them, and puts them in the order of the inputs.

It never waits for the consumer. In order, an item that is early waits for the items before it. The memory of a batch of
any size is bounded by the window (how far ahead items may be, and their size) and by the backlog of the consumer.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from simstudio.batch.backlog import MOST_ITEMS, MOST_WEIGHT, weight_of
from simstudio.batch.failures import DeadLetters, FailureLimit
from simstudio.batch.items import BatchItem
from simstudio.batch.progress import WORTH_TELLING, Progress

if TYPE_CHECKING:
    from simstudio.batch.options import Options
    from simstudio.batch.results import Results


_TASK = MOST_WEIGHT // MOST_ITEMS
"""Weight of a task of an async ``on_result``, by which as many may be unfinished as items may wait for the consumer."""


class Outbox(Protocol):
    """The receiver of finished items."""

    @property
    def full(self) -> bool:
        """Whether the consumer is behind."""
        ...

    def put(self, item: BatchItem) -> None:
        """Hand an item over."""
        ...


class Delivery:
    """Hands finished items over to the consumer.

    Args:
        outbox: Receives the items.
        options: The order, the window, and when errors end the batch.
        progress: Counts the items.
        results: File that each item is written to before it is handed over; None without one.
        on_result: Called with each item; may be async.
        on_progress: Called with the progress by :meth:`report`, after each item, at the begin of a wait for the rate
            limit, and at the begin and end of an outage.
        spawn: Runs the coroutine that an async ``on_result`` returned.

    Attributes:
        waits: Whether the last wait that was reported holds up the next item.
    """

    def __init__(
        self,
        outbox: Outbox,
        options: Options,
        progress: Progress,
        *,
        results: Results | None = None,
        on_result: Callable[[BatchItem], Any] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._outbox = outbox
        self._options = options
        self._is_ordered: bool = options.given["ordered"]
        self._progress = progress
        self._results = results
        most, path = options.given["max_failures"], options.given["dead_letters"]
        self._limit = None if most is None else FailureLimit(most)
        self._letters = None if path is None else DeadLetters(path)
        self._failure: Exception | None = None  # of the results file, raised once the item is handed over
        self._on_result = on_result
        self._on_progress = on_progress
        self._spawn = spawn
        self.waits = False
        self._next = 0
        self._early: dict[int, tuple[BatchItem, int]] = {}  # with their weight
        self._early_weight = 0
        self._handled_weight = 0  # of the items that an async on_result has not finished with

    def has_room(self, index: int) -> bool:
        """Whether the input at a place may be read now: neither the window nor a backlog is full."""
        if self._outbox.full or self._handled_weight >= MOST_WEIGHT:
            return False
        return not self._is_ordered or (index - self._next < self._options.window and self._early_weight < MOST_WEIGHT)

    def deliver(self, item: BatchItem) -> None:
        """Hand an item over, or keep it until the items before it are handed over. An error does not prevent that.

        Raises:
            Exception: ``on_result`` or ``on_progress`` raised it.
            SimStudioError: The item has no result, and that ends the batch; it is the error of the item.
            TooManyFailuresError: Too many items have no result.
            ResultsError: A file cannot be written.
        """
        self._progress.count(item)
        try:
            if self._on_result is not None:
                self._call_on_result(self._on_result, item)
            if self._on_progress is not None:
                self._on_progress(self._progress)
        finally:
            if self._is_ordered:
                self._put_in_order(item)
            else:
                self._hand_over(item)
            if self._letters is not None and item.state == "failed":
                self._letters.add(item)
        if self._failure is not None:
            self._raise_failure()
        if item.error is not None or self._limit is not None:
            self._judge(item)

    def _judge(self, item: BatchItem) -> None:
        """End the batch if an item has no result and that ends it, or if too many have none."""
        if self._options.given["stop_on_error"] and item.error is not None:
            raise item.error
        if self._limit is not None:
            self._limit.count(item, self._progress)

    def report_wait(self, seconds: float) -> None:
        """Report that the rate limit holds up the next item.

        Args:
            seconds: Length of the wait; 0 or infinite if none, or something else, holds it up.

        Raises:
            Exception: ``on_progress`` raised it.
        """
        if not 0 < seconds < math.inf:
            if self.waits:
                self.waits, self._progress.waiting = False, 0.0
            return
        before = self._progress.waiting
        self.waits = True
        self._progress.wait(seconds)
        if before < WORTH_TELLING <= seconds:
            self.report()

    def report_outage(self, seconds: float) -> None:
        """Report an outage.

        Args:
            seconds: Seconds since the server last responded; 0 at the end of the outage.

        Raises:
            Exception: ``on_progress`` raised it.
        """
        if seconds > 0:
            self._progress.lose_server(seconds)
        else:
            self._progress.away = 0.0
        self.report()

    def report(self) -> None:
        """Report the progress.

        Raises:
            Exception: ``on_progress`` raised it.
        """
        if self._on_progress is not None:
            self._on_progress(self._progress)

    def flush(self) -> None:
        """Hand over items that wait for items before them, which will not come.

        Raises:
            ResultsError: A file cannot be written; the items are handed over nevertheless.
        """
        for index in sorted(self._early):
            self._hand_over(self._take_early(index))
        if self._letters is not None:
            self._letters.close(complete=self._progress.finished > 0)
        self._raise_failure()

    def _put_in_order(self, item: BatchItem) -> None:
        if item.index != self._next:
            weight = weight_of(item)
            self._early[item.index] = (item, weight)
            self._early_weight += weight
            return
        self._hand_over(item)
        self._next += 1
        while self._next in self._early:
            self._hand_over(self._take_early(self._next))
            self._next += 1

    def _hand_over(self, item: BatchItem) -> None:
        if self._results is not None:
            try:
                self._results.add(item)
            except Exception as error:  # noqa: BLE001 - raised by _raise_failure()
                self._failure = error
        self._outbox.put(item)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _take_early(self, index: int) -> BatchItem:
        item, weight = self._early.pop(index)
        self._early_weight -= weight
        return item

    def _call_on_result(self, on_result: Callable[[BatchItem], Any], item: BatchItem) -> None:
        told = on_result(item)
        if asyncio.iscoroutine(told):
            weight = weight_of(item) + _TASK
            self._handled_weight += weight
            self._spawn(told).add_done_callback(lambda _: self._end_handling(weight))

    def _end_handling(self, weight: int) -> None:
        self._handled_weight -= weight
