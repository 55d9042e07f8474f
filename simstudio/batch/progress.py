"""Progress of a batch: its numbers, and how they are shown."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import attrs

from simstudio.batch.items import BatchItem
from simstudio.batch.money import Money
from simstudio.batch.tally import Tally
from simstudio.core.live import Cadence, LiveLine

WORTH_TELLING = 1.0
"""Seconds; a shorter wait for the rate limit is not shown."""
_AT_ONCE = 0.1
"""Seconds between two texts of a terminal or notebook."""


@attrs.define
class Progress:
    """Progress of a batch. While the batch runs, each attribute has its current value whenever it is read.

    Attributes:
        total: Number of inputs; None if it is not known before they are read.
        done: Items that succeeded, including those of earlier runs.
        failed: Items that failed.
        unknown: Items that may have run.
        replayed: Finished items that come from the ledger.
        duplicates: Finished items that have the outcome of an equal input, with ``dedup``.
        running: Items that are being executed.
        limit: Most items that may run at a time now.
        refused: Requests that the rate limit refused.
        elapsed: Seconds since the batch began.
        waiting: Seconds until the rate limit lets the next item begin; 0 if it holds up none.
        away: Seconds since the server last answered, during an outage; else 0.
        over: Whether the batch has ended.
        allowed: Executions a second that the service's rate limit allows; None if it does not say.
        cost: Cost of the items of this run so far; None without a ``budget``.
        idle: Reason for which no item is being executed, in words, such as ``waiting for inputs``; else empty.
        tally: Errors and times of the items.
    """

    total: int | None = None
    done: int = 0
    failed: int = 0
    unknown: int = 0
    replayed: int = 0
    duplicates: int = 0
    running: int = 0
    limit: int = 0
    refused: int = 0
    elapsed: float = 0.0
    waiting: float = 0.0
    away: float = 0.0
    over: bool = False
    allowed: float | None = None
    cost: Money | None = None
    idle: str = ""
    tally: Tally = attrs.field(factory=Tally, repr=False, eq=False)

    @property
    def finished(self) -> int:
        """Items that are done, failed or unknown."""
        return self.done + self.failed + self.unknown

    @property
    def rate(self) -> float:
        """Items a second, without replayed ones."""
        return (self.finished - self.replayed) / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds to the end at this rate; None if the total or the rate is not known, or after the end."""
        if self.total is None or self.rate <= 0 or self.over:
            return None
        return max(0, self.total - self.finished) / self.rate

    @property
    def held(self) -> str:
        """Reason for which no further item begins, in words; empty if items begin, or after a short wait."""
        if self.away > 0:
            return f"no server for {math.ceil(self.away)} s, waiting for it"
        if self.waiting >= WORTH_TELLING:
            return f"waiting {math.ceil(self.waiting)} s for the rate limit"
        return self.idle

    def count(self, item: BatchItem) -> None:
        """Count a finished item."""
        if item.state == "done":
            self.done += 1
        elif item.state == "failed":
            self.failed += 1
        else:
            self.unknown += 1
        self.replayed += item.replayed
        self.duplicates += item.duplicate
        self.tally.add(item)

    def measure(self, **gauges: Callable[[], float | str]) -> None:
        """Measure attributes by these functions whenever they are read, until values are assigned to them."""
        for name, gauge in gauges.items():
            setattr(self, name, gauge)

    def wait(self, seconds: float) -> None:
        """Set ``waiting``, which decreases from now on."""
        end = self.elapsed + seconds
        self.measure(waiting=lambda: max(0.0, end - self.elapsed))

    def lose_server(self, seconds: float) -> None:
        """Set ``away``, which increases from now on."""
        begin = self.elapsed - seconds
        self.measure(away=lambda: self.elapsed - begin)

    def end(self) -> None:
        """Set the numbers of a batch that has ended."""
        self.elapsed, self.limit = self.elapsed, self.limit  # measured for the last time
        self.running, self.waiting, self.away, self.idle, self.over = 0, 0.0, 0.0, "", True

    def __getstate__(self) -> dict[str, Any]:
        return attrs.asdict(self, recurse=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # a pickle of an earlier version lacks later attributes

    def __str__(self) -> str:
        of = f"/{self.total}" if self.total is not None else ""
        parts = [f"{self.finished}{of} finished", f"{self.done} done", f"{self.failed} failed"]
        if self.unknown:
            parts.append(f"{self.unknown} unknown")
        if self.rate > 0:
            parts.append(f"{self.rate:.1f}/s")
        if self.cost is not None:
            parts.append(str(self.cost))
        if self.held:
            parts.append(self.held)  # no time left is shown: the rate says nothing about a wait
        elif self.remaining:
            parts.append(f"{duration(math.ceil(self.remaining))} left")
        text = ", ".join(parts)
        return text if self.held or not self.running else f"{text}; {self._describe_running()}"

    def texts(self) -> tuple[str, str, str]:
        """The progress in words: in full, the most important, and the shortest."""
        of = f"/{self.total}" if self.total is not None else ""
        not_done = self.failed + self.unknown
        called = "failed" if not self.unknown else "not done" if self.failed else "unknown"
        short = f"{self.finished}{of}" + (f", {not_done} {called}" if not_done else "")
        held = self.held
        left = f", {duration(math.ceil(self.remaining))} left" if self.remaining and not held else ""
        return (
            str(self),
            f"{short}{left}, {held or f'{self.running} running'}",
            f"{short}, {held.partition(' for ')[0]}" if held else f"{short}{left}",
        )

    def _describe_running(self) -> str:
        of = f" of {self.limit}" if self.limit else ""
        return f"{self.running}{of} running"


def _make_gauge(slot: Any) -> property:
    """A property over the slot of an attribute, which holds its value or a function that measures it.

    Copies, pickles and comparisons read the property, so that they have the value.
    """

    def read(progress: Progress) -> Any:
        held = slot.__get__(progress)
        return held() if callable(held) else held

    return property(read, slot.__set__)


for _name in ("running", "limit", "elapsed", "waiting", "away", "idle"):
    setattr(Progress, _name, _make_gauge(vars(Progress)[_name]))


class News:
    """Detects that a batch begins to wait. That is shown at once, because the next news may be far off."""

    def __init__(self) -> None:
        self._before = (False, False)

    def of(self, progress: Progress) -> bool:
        """Whether it waits now (for the rate limit or the server) and did not at the last call."""
        before, self._before = self._before, (progress.waiting >= WORTH_TELLING, progress.away > 0)
        return any(now and not then for now, then in zip(self._before, before, strict=True))


def to_stderr(every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> Callable[[Progress], None]:
    """The display of ``progress=True``: one changing line in a terminal or notebook; else a line every few seconds."""
    line = LiveLine(every, clock)
    cadence = Cadence(_AT_ONCE, clock)
    news = News()

    def show(progress: Progress) -> None:
        is_urgent = news.of(progress)
        if cadence.is_due(urgent=is_urgent or progress.over):
            line.show(*progress.texts(), urgent=is_urgent, last=progress.over, state=progress.finished)

    return show


def progress_html(progress: Progress) -> str:
    """A table for notebooks."""
    from simstudio.core.display import table_html

    names = ("total", "done", "failed", "unknown", "running", "refused")
    rows = [(name, getattr(progress, name)) for name in names]
    rows += [("elapsed", duration(progress.elapsed)), ("rate", f"{progress.rate:.1f}/s")]
    left = None if progress.held or not progress.remaining else duration(math.ceil(progress.remaining))
    more = (("cost", progress.cost), ("left", left), ("state", progress.held))
    return table_html("Batch", [*rows, *((name, str(value)) for name, value in more if value)])


def duration(seconds: float) -> str:
    """Seconds as ``m:ss``, or ``h:mm:ss`` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
