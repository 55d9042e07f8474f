"""The summary of a batch: ``batch.summary()``, which the command line prints at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from simstudio.batch.money import Money, to_json
from simstudio.batch.progress import Progress


@attrs.frozen
class Summary:
    """Counts, times and cost of a batch that ended or is running.

    Attributes:
        total: Inputs; None if that is not known.
        done: Items that succeeded, including those of earlier runs.
        failed: Items that failed, including those of earlier runs.
        unknown: Items that may have run.
        errors: Number of items without a result, by the class of their error.
        replayed: Items that the ledger knew from earlier runs.
        duplicates: Items that have the outcome of an equal input.
        p50: Seconds that an item of this run took, the median; known to 2 %. None if none ran.
        p95: Seconds within which 95 % of them ended.
        elapsed: Seconds of this run.
        rate: Executions of this run a second.
        allowed: Executions a second that the service's rate limit allows; None if it does not say.
        cost: Cost of the items of this run; None without a ``budget``.
    """

    total: int | None
    done: int
    failed: int
    unknown: int
    errors: Mapping[str, int]
    replayed: int
    duplicates: int
    p50: float | None
    p95: float | None
    elapsed: float
    rate: float
    allowed: float | None
    cost: Money | None

    @classmethod
    def of(cls, progress: Progress) -> Summary:
        """Summarize the progress of a batch."""
        tally, elapsed = progress.tally, progress.elapsed
        return cls(
            total=progress.total,
            done=progress.done,
            failed=progress.failed,
            unknown=progress.unknown,
            errors=dict(tally.errors.most_common()),
            replayed=progress.replayed,
            duplicates=progress.duplicates,
            p50=tally.quantile(0.5),
            p95=tally.quantile(0.95),
            elapsed=elapsed,
            rate=tally.executed / elapsed if elapsed > 0 else 0.0,
            allowed=progress.allowed,
            cost=progress.cost,
        )

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON data; the cost by its unit, as in ``{"dollars": 0.5}``."""
        cost = None if self.cost is None else to_json(self.cost)
        told = attrs.asdict(self, recurse=False)
        rounded = {name: round(value, 6) for name, value in told.items() if isinstance(value, float)}
        return {**told, **rounded, "errors": dict(self.errors), "cost": cost}

    def details(self) -> Iterator[str]:
        """Lines about errors, items that were not sent, times and cost."""
        if self.errors:
            yield "errors: " + ", ".join(f"{count} {name}" for name, count in self.errors.items())
        copies = "duplicate" if self.duplicates == 1 else "duplicates"
        others = [(self.replayed, "from the ledger"), (self.duplicates, copies)]
        if any(count for count, _ in others):
            yield "not sent: " + ", ".join(f"{count} {what}" for count, what in others if count)
        if self.p50 is not None and self.p95 is not None:
            allowed = "" if self.allowed is None else f" of {self.allowed:,.1f}/s that the rate limit allows"
            if self.allowed is not None and self.rate > self.allowed:
                allowed = f" in a burst; the rate limit allows {self.allowed:,.1f}/s in the long run"
            yield f"time of an item: p50 {self.p50:.2g} s, p95 {self.p95:.2g} s"
            yield f"rate: {self.rate:,.1f}/s{allowed}"
        if self.cost is not None:
            yield f"cost: {self.cost}"

    def __str__(self) -> str:
        of = f" of {self.total}" if self.total is not None else ""
        counts = f"{self.done + self.failed + self.unknown}{of} finished in {self.elapsed:.3g} s: {self.done} done, "
        unknown = f", {self.unknown} unknown" if self.unknown else ""
        return "\n".join([f"{counts}{self.failed} failed{unknown}", *self.details()])
