"""Handles of imports, exports and dispatches of tables."""

from __future__ import annotations

from simstudio.core.modes import M
from simstudio.models.v2.table_groups import TableDispatch
from simstudio.models.v2.table_transfers import TableExport, TableImport
from simstudio.resources.v2.handles import StateHandle


class ImportHandle(StateHandle[M, TableImport]):
    """An import into a table, whose bytes are uploaded.

    ``wait()`` and ``result()`` raise a :class:`~simstudio.JobFailedError` unless it is completed.
    """

    _into = TableImport
    _noun = "import"

    def _is_done(self, state: TableImport) -> bool:
        return state.done

    def _reason_of(self, state: TableImport) -> str | None:
        return None if state.status == "completed" else state.error or f"its status is {state.status!r}"


class ExportHandle(StateHandle[M, TableExport]):
    """An export of a table.

    ``wait()`` and ``result()`` raise a :class:`~simstudio.JobFailedError` unless it is completed.
    """

    _into = TableExport
    _noun = "export"

    def _is_done(self, state: TableExport) -> bool:
        return state.done

    def _reason_of(self, state: TableExport) -> str | None:
        return None if state.status == "completed" else state.error or f"its status is {state.status!r}"


class DispatchHandle(StateHandle[M, TableDispatch]):
    """A run of groups over rows.

    It is done when all cells were started, or it was canceled; what became of the cells is in ``run_state`` of the rows
    (``client.v2.tables.rows.list(…, include_run_state=True)``). ``wait()`` and ``result()`` raise a
    :class:`~simstudio.JobFailedError` if it was canceled.
    """

    _into = TableDispatch
    _noun = "dispatch"

    def _is_done(self, state: TableDispatch) -> bool:
        return state.done

    def _reason_of(self, state: TableDispatch) -> str | None:
        return "it was canceled" if state.status == "canceled" else None
