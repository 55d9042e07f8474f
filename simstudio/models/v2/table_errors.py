"""Reports of writes of many rows, and the error of one that stopped."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.transport.errors import SimStudioError


@attrs.frozen
class RejectedRow:
    """A row that the server refused.

    Attributes:
        index: Position among all rows of the call, from 0.
        errors: Texts of the server.
    """

    index: int
    errors: list[str]


@attrs.frozen
class BulkWriteReport:
    """The report of a write of many rows.

    Attributes:
        count: Number of rows that were written.
        rejected: Rows that were left out.
    """

    count: int = 0
    rejected: tuple[RejectedRow, ...] = ()


class BulkWriteError(SimStudioError):
    """A write of many rows stopped. ``__cause__`` is the error of the request that failed.

    Attributes:
        report: Report of what was written before, and the rows for which the server refused this batch.
        in_doubt: Positions of the rows of which it is unknown whether they were written; empty if the server refused
            them.
        table_id: The new table of ``from_dataframe``; None if it was deleted, and after other operations.
    """

    table_id: str | None = None

    def __init__(
        self,
        message: str,
        code: str | None = None,
        status: int | None = None,
        *,
        report: BulkWriteReport | None = None,
        in_doubt: range = range(0),
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.report = BulkWriteReport() if report is None else report
        self.in_doubt = in_doubt
