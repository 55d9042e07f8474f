"""How far a batch is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import attrs

from simstudio.batch.items import BatchItem
from simstudio.core.live import LiveLine

WORTH_TELLING = 1.0
"""Seconds of waiting for the rate limit that are told of."""


@attrs.define
class Progress:
    """How far a batch is.

    Attributes:
        total: Inputs there are, None where that is not known before they were read.
        done: Items that succeeded, those of earlier runs included.
        failed: Items that failed.
        unknown: Items that may have run.
        replayed: How many of these the ledger knew from earlier runs.
        duplicates: How many of them have the outcome of an equal input, with ``dedup``.
        running: Items under way.
        limit: How many may be.
        refused: Requests that the rate limit refused.
        elapsed: Seconds since it began.
        waiting: Seconds until the rate limit lets the next begin, as of when that was last looked at; 0 while something
            else decides.
        away: Seconds since the server was last there, while nothing is begun because it is not; else 0.
        over: Whether nothing more comes: it is finished, or was ended.
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

    @property
    def finished(self) -> int:
        """Items that need nothing more."""
        return self.done + self.failed + self.unknown

    @property
    def rate(self) -> float:
        """Items of this run a second."""
        return (self.finished - self.replayed) / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds it will take at this rate; None where nothing is known of it, or nothing more comes."""
        if self.total is None or self.rate <= 0 or self.over:
            return None
        return max(0, self.total - self.finished) / self.rate

    @property
    def held(self) -> str:
        """What it waits for before it begins more, in words; empty while that is not worth telling."""
        if self.away > 0:
            return f"no server for {math.ceil(self.away)} s, waiting for it"
        if self.waiting >= WORTH_TELLING:
            return f"waiting {math.ceil(self.waiting)} s for the rate limit"
        return ""

    def count(self, item: BatchItem) -> None:
        """Count an item that is over."""
        if item.state == "done":
            self.done += 1
        elif item.state == "failed":
            self.failed += 1
        else:
            self.unknown += 1
        self.replayed += item.replayed
        self.duplicates += item.duplicate

    def end(self) -> None:
        """Nothing more comes."""
        self.running, self.waiting, self.away, self.over = 0, 0.0, 0.0, True

    def __str__(self) -> str:
        of = f"/{self.total}" if self.total is not None else ""
        parts = [f"{self.finished}{of} finished", f"{self.done} done", f"{self.failed} failed"]
        if self.unknown:
            parts.append(f"{self.unknown} unknown")
        if self.rate > 0:
            parts.append(f"{self.rate:.1f}/s")
        if self.held:
            parts.append(self.held)  # and how long it takes is anybody's guess
        elif self.remaining:
            parts.append(f"{duration(math.ceil(self.remaining))} left")
        return ", ".join(parts)


class News:
    """Whether a batch has begun to wait: that is told at once, as nothing else may happen for long."""

    def __init__(self) -> None:
        self._before = (False, False)

    def of(self, progress: Progress) -> bool:
        """Whether it waits now (for the rate limit, for the server), and did not when this was asked last."""
        before, self._before = self._before, (progress.waiting >= WORTH_TELLING, progress.away > 0)
        return any(now and not then for now, then in zip(self._before, before, strict=True))


def to_stderr(every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> Callable[[Progress], None]:
    """What ``progress=True`` does: a line that changes, in a terminal or notebook; else one every so many seconds."""
    line = LiveLine(every, clock)
    news = News()

    def show(progress: Progress) -> None:
        line.show(str(progress), urgent=news.of(progress), last=progress.over)

    return show


def progress_html(progress: Progress) -> str:
    """A table for notebooks."""
    from simstudio.core.display import table_html

    names = ("total", "done", "failed", "unknown", "running", "refused")
    rows = [(name, getattr(progress, name)) for name in names]
    return table_html("Batch", [*rows, ("elapsed", duration(progress.elapsed)), ("rate", f"{progress.rate:.1f}/s")])


def duration(seconds: float) -> str:
    """Seconds as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
