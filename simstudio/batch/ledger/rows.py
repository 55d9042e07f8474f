"""An entry as a row of the file: which columns are read, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simstudio.batch.records import Entry, unpack_error, unpack_result

if TYPE_CHECKING:
    from simstudio.batch.execution import Models

COLUMNS = """
    e.item_index, e.key, e.fingerprint, e.state, e.run_id, e.task_id, e.execution_id, e.attempts, e.elapsed,
    e.started_at, e.ended_at, e.error, e.result, s.mode, s.api_version
"""
"""What an entry is made of."""

TABLES = "entries e JOIN sessions s ON s.id = e.session"
"""Where that is."""


def entry_of(row: Sequence[Any], given: Any, models: Models) -> Entry:
    """An entry.

    Args:
        row: Its :data:`COLUMNS`; what follows them is left alone.
        given: Its input.
        models: The classes of its result and of what its error has.

    Raises:
        ValueError: It holds what this package did not write (or a LookupError, a TypeError, an AttributeError).
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
