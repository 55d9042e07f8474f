"""Writes of any number of rows, in batches of the largest size that the server accepts.

The server writes a batch completely or not at all. A batch that it refused was not written, so it can be sent again
without the rows that it names; one whose answer was lost is never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, Literal

from simstudio.models.v2.table_errors import BulkWriteError, BulkWriteReport, RejectedRow
from simstudio.transport.errors import (
    APIConnectionError,
    InvalidInputError,
    InvalidRequestError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    SimStudioError,
)
from simstudio.transport.flow import Call, Flow, Sleep
from simstudio.transport.retry import LONGEST_WAIT

MOST_ROWS: Final = 1000
"""Rows of one batch."""
MOST_REFUSALS: Final = 5
"""Times that a batch may be refused because of the rate limit, one after another."""


class BatchWriter:
    """Writes rows in batches.

    Args:
        send: The flow that writes one batch.
        errors: ``raise`` to stop at the first batch with rows that the server refuses, ``return`` to leave such rows
            out.
        on_batch: Called with the answer to each batch.
    """

    def __init__(
        self,
        send: Callable[[list[Any]], Flow[Any]],
        *,
        errors: Literal["raise", "return"] = "raise",
        on_batch: Callable[[Any], Any] | None = None,
    ) -> None:
        self._send = send
        self._errors = errors
        self._on_batch = on_batch
        self._count = 0
        self._rejected: list[RejectedRow] = []

    def write(self, rows: Iterable[Any]) -> Flow[BulkWriteReport]:
        """Write all rows.

        Raises:
            BulkWriteError: A batch was not written, or it is unknown whether it was.
        """
        numbered = enumerate(rows)
        while batch := self._read(numbered):
            yield from self._write_batch(batch)
        return self._report()

    def _read(self, numbered: Iterator[tuple[int, Any]]) -> list[tuple[int, Any]]:
        try:
            return list(islice(numbered, MOST_ROWS))
        except InvalidInputError as error:
            if not self._count:
                raise
            raise BulkWriteError(
                f"The write stopped after {self._count:,} rows were written: {error}", report=self._report()
            ) from error

    def _write_batch(self, batch: list[tuple[int, Any]]) -> Flow[None]:
        while batch:
            try:
                answer = yield from self._send_when_allowed([row for _, row in batch])
            except InvalidRequestError as error:
                if error.status == 413 and len(batch) > 1:
                    middle = len(batch) // 2
                    yield from self._write_batch(batch[:middle])
                    yield from self._write_batch(batch[middle:])
                    return
                refused = dict(_read_rejections(error.details, batch))
                self._rejected += [RejectedRow(index, texts) for index, texts in sorted(refused.items())]
                if self._errors == "raise" or not refused:
                    raise self._error(error, batch) from error
                batch = [(index, row) for index, row in batch if index not in refused]
            except SimStudioError as error:
                raise self._error(error, batch) from error
            else:
                self._count += len(batch)
                if self._on_batch is not None:
                    yield Call(self._on_batch, answer)
                return

    def _send_when_allowed(self, rows: list[Any]) -> Flow[Any]:
        """Write a batch; if the rate limit refuses it, wait as long as the server asks for."""
        for refusals in range(1, MOST_REFUSALS + 1):
            try:
                return (yield from self._send(rows))
            except RateLimitError as error:
                yield Sleep(min(error.retry_after if error.retry_after is not None else 2.0**refusals, LONGEST_WAIT))
        return (yield from self._send(rows))

    def _report(self) -> BulkWriteReport:
        return BulkWriteReport(self._count, tuple(self._rejected))

    def _error(self, error: SimStudioError, batch: list[tuple[int, Any]]) -> BulkWriteError:
        first, last = batch[0][0], batch[-1][0]
        unknown = isinstance(error, (ServerError, InvalidResponseError))
        unknown = unknown or (isinstance(error, APIConnectionError) and error.sent)
        fate = "it is unknown whether these rows were written" if unknown else "none of these rows was written"
        listed = "".join(f" Row {each.index}: {'; '.join(each.errors)}." for each in self._rejected[:5])
        return BulkWriteError(
            f"The write stopped at rows {first:,} to {last:,} after {self._count:,} rows were written, and {fate}: "
            f"{error}{listed}",
            error.code,
            error.status,
            server_code=error.server_code,
            details=error.details,
            response=error.response,
            history=error.history,
            report=self._report(),
            in_doubt=range(first, last + 1) if unknown else range(0),
        )


def _read_rejections(details: Any, batch: list[tuple[int, Any]]) -> Iterator[tuple[int, list[str]]]:
    """The rows that a server named in an error, by their position among all rows, with its texts."""
    for each in details if isinstance(details, list) else ():
        row = each.get("row") if isinstance(each, dict) else None
        if isinstance(row, int) and not isinstance(row, bool) and 0 <= row < len(batch):
            texts = each.get("errors")
            yield batch[row][0], [str(text) for text in texts] if isinstance(texts, list) else []
