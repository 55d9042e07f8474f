"""How a batch behaves: what its caller decides, as the parts of the coordinator see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import attrs

from simstudio.batch.items import Examiner
from simstudio.transport.retry import Backoff

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.batch.rows import RowMap

OnUnknown: TypeAlias = Literal["report", "rerun"]
OnFailed: TypeAlias = Literal["keep", "rerun"]
OnBadRow: TypeAlias = Literal["report", "fail"]


@attrs.frozen
class Options:
    """How a batch behaves.

    Attributes:
        ordered: Whether items come in the order of the inputs.
        stop_on_error: Whether the first item without a result ends the batch.
        on_unknown: What becomes of items that may have run: reported, or run again.
        on_failed: What becomes of items that failed in an earlier run: kept, or run again.
        on_bad_row: What becomes of a line or row that cannot be read: a failed item, or the end of the batch.
        key: An input's identity; its index where it is None.
        rows: Makes inputs of rows; None if they are inputs.
        max_retries: How often one item is sent again after what may be repeated.
        max_refusals: How often one item is sent again after the rate limit refused it, before that ends the batch.
        window: How far ahead of the first unfinished item others may begin, in order.
        backoff: Pauses before an item is sent again.
    """

    ordered: bool = True
    stop_on_error: bool = False
    on_unknown: OnUnknown = "report"
    on_failed: OnFailed = "keep"
    on_bad_row: OnBadRow = "report"
    key: Callable[[Any], object] | None = None
    rows: RowMap | None = None
    max_retries: int = 2
    max_refusals: int = 50
    window: int = 1000
    backoff: Backoff = attrs.field(factory=Backoff)

    def examiner(self) -> Examiner:
        """What looks at the inputs of one batch as they are read."""
        return Examiner(self.key, self.rows, strict=self.on_bad_row == "fail")
