"""Rows of a ledger's tables, and the entries that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simstudio.batch.execution import Models
from simstudio.batch.records import Entry, unpack_error, unpack_result

COLUMNS = """
    e.item_index, e.key, e.fingerprint, e.state, e.run_id, e.task_id, e.execution_id, e.attempts, e.elapsed,
    e.started_at, e.ended_at, e.error, e.result, s.mode, s.api_version
"""
"""Columns of an entry."""

TABLES = "entries e JOIN sessions s ON s.id = e.session"
"""Tables of these columns."""


def entry_of(row: Sequence[Any], given: Any, models: Models) -> Entry:
    """Make an entry from a row of the ledger.

    Args:
        row: Values of :data:`COLUMNS`; further ones are ignored.
        given: The decoded input, which the row does not hold.
        models: Classes of results and of the models that errors carry.

    Raises:
        ValueError: The row was not written by this package (LookupError, TypeError and AttributeError say the same).
    """
    index, key, fingerprint, state, run_id, task_id, execution_id, attempts, elapsed = row[:9]
    started_at, ended_at, error, result, mode, api_version = row[9:15]
    rebuilt, error_type = unpack_error(error, models)
    return Entry(
        index=index,
        key=key,
        fingerprint=fingerprint,
        state=state,
        run_id=run_id,
        task_id=task_id,
        execution_id=execution_id,
        input=given,
        result=unpack_result(result, models),
        error=rebuilt,
        error_type=error_type,
        attempts=attempts,
        elapsed=elapsed,
        started_at=started_at,
        ended_at=ended_at,
        mode=mode,
        api_version=api_version,
    )
