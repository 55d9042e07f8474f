"""``client.workflows.map``: many executions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from simstudio.batch.batching import batching
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.resources.dialects import Dialects

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from simstudio.batch.inputs import Inputs
    from simstudio.batch.options import BatchOptions
    from simstudio.batch.plan import Plan
    from simstudio.models.descriptions import WorkflowDescription
    from simstudio.models.execution import WorkflowExecutionResult


class WorkflowBatches(APIResource[M]):
    """The part of ``client.workflows`` that runs batches."""

    _dialects: Dialects[M]

    @batching
    def map(
        self,
        workflow_id: str,
        inputs: Inputs,
        *,
        mode: Literal["sync", "async", "stream"] = "sync",
        timeout: float | Unset | None = UNSET,
        selected_outputs: Sequence[str] | None = None,
        check: WorkflowDescription | None = None,
        **options: Unpack[BatchOptions[WorkflowExecutionResult]],
    ) -> Plan[WorkflowExecutionResult]:
        """Run a workflow over many inputs, many at a time, as fast as the server allows.

        Nothing is sent before the first item is asked for. The inputs are read as they are needed, by the thread that
        iterates; a million of them add no more than a window to the memory, and nothing begins while 1,000 finished
        items, or 64 MB of them, wait for the iteration. One failing item never stops the others.

        Nothing that may have run runs twice. Each execution carries an id under which the server runs it at most once,
        so that one whose response is lost is read under its id: it is ``done`` or ``failed``, or it was cut short,
        because some servers cancel a run whose client goes away. v1 servers before v0.7.32, which the batch recognizes
        by a request that runs nothing, ignore the id; there such an item is ``unknown``, and it is not sent again.

        Args:
            inputs: An iterable of inputs (an async one too, or lazily made); a table, whose rows are the inputs (a data
                frame of pandas or polars, Arrow data, a Hugging Face data set, a database cursor), or an iterable of
                tables, such as record batches; or the path or fsspec address of a file: JSON lines, ``.json`` (an
                array), ``.csv``, ``.tsv``, ``.parquet`` or ``.arrow``, also with ``.gz`` or ``.zst``. Values of CSV are
                texts. Each input is copied when it is read, so that a dict may be reused; files named by a path in it
                are read when they are sent, and must stay as they are until then.
            concurrency: Number of items that run at a time; ``"auto"`` or None: as many as the server takes, up to 200.
            ordered: Give items in the order of the inputs; else as they end.
            mode: A request each (``sync``), queued and waited for (``async``), or a stream each (``stream``).
            on_result: Called with each item as it ends, in that order, on the batch's own thread; may be async on the
                async client. Then items run on beside it, up to 1,000 ahead, and the batch waits for it at its end.
            ledger: A file (SQLite) that records each item. A second run with the same ledger and inputs sends only
                what is not finished, whatever killed the first. It belongs to one workflow on one server.
            executor: Runs the executions elsewhere: any ``concurrent.futures.Executor``, Dask's too. Its workers get
                the client, the API key included. It is left open.
            progress: True shows a line on standard error each second; or a function of the
                :class:`~simstudio.batch.progress.Progress`, called when the first items run, after each item, and each
                second.
            stop_on_error: End the batch at the first item without a result, and raise why.
            on_unknown: Treatment of items of the ledger that may have run and cannot be read under their id:
                ``report`` them, or ``rerun`` them.
            on_failed: Treatment of items of the ledger that failed: ``keep`` that, or ``rerun`` them.
            max_failures: End the batch with :class:`~simstudio.errors.TooManyFailuresError` when more items of this run
                have no result: a number (``10``), or a share (``0.05``), which is looked at once 20 items have ended.
            retries: Number of times an item is run again that ran and failed, or that the server failed with a 5xx;
                each time under an id of its own.
            budget: Highest cost of this run, such as ``simstudio.Dollars(5)`` or ``simstudio.Credits(500)``
                (200 to a dollar). None begins when those that have ended, and as much as the dearest of them for each
                that runs, would pass it; the batch then ends with :class:`~simstudio.errors.BudgetError`. The price of
                each is asked for with a request more (``item.cost``). The first runs alone, and then at most twice as
                many as have a price. Items that turn out dearer than all before them can pass the budget by the
                difference: put dear inputs first.
            dedup: Run equal inputs once, and give all of them its outcome; the others have ``item.duplicate``.
            dead_letters: A file for the items that failed, with their errors, one JSON object a line. It is written
                anew by each run, and can be the ``inputs`` of another batch.
            on_bad_row: Treatment of a line or row that cannot be read: ``report`` it as a failed item whose error
                names the place, or ``fail``: end the batch.
            columns: Columns of the rows that inputs are made of: a list of names, or a dict of the field of the input
                for each column (``{"amount": "total"}``). Others are left out.
            input: A function that makes an input of a row (of what ``columns`` leaves of it).
            key: Identity of an input in the ledger: a function of the row, called as it is read, or the name of a
                column; default: its place. Its content counts either way: another input under a known key
                is an error.
            timeout: Seconds an item may take; the client's where it is not given, an hour with ``mode="async"``.
            selected_outputs: Outputs of streams, and of v2's blocking runs, as ``blockName.path``.
            shared: Address of a rate that several processes share: ``redis://…``, or a file on this machine.
            claims: Store in which workers claim an item before they send it (``redis://…``), for executors that run
                tasks of dead workers again, as Dask and Ray do. Not needed with v2, where each execution has an id of
                ours, nor with v1 after a call with ``idempotent=True``.
            check: A description from :meth:`describe`: an input that does not fit it is a failed item and is not sent.
            out: A file for the results, ``.jsonl``, ``.csv`` (both also with ``.gz``) or ``.parquet``, written as items
                finish. With a ledger, a batch that is run again completes the file: each item is in it once. CSV and
                Parquet are made at the end, of the lines in ``<out>.part.jsonl``.
            flatten: Give each value of a nested output a column of its own in ``out``: ``output.a.b``.

        Returns:
            An iterator of :class:`~simstudio.BatchItem` and a context manager.

        Raises:
            InvalidInputError: An argument cannot be used.
            LedgerError: The ledger cannot be used: damaged, of another workflow or server, in use.
            ResultsError: The results cannot be written, or another batch is writing them.

        Example:
            >>> with client.workflows.map("wf", [{"n": 1}, {"n": 2}], ledger="runs.sqlite") as batch:  # doctest: +SKIP
            ...     for item in batch:
            ...         print(item.index, item.output if item.ok else item.error)
        """
        from simstudio.batch.plan import Plan
        from simstudio.resources.batch_execution import ExecutionOptions, WorkflowExecution

        how = ExecutionOptions(workflow_id, self._dialects.version, mode, timeout, selected_outputs, check)
        how.check()
        return Plan(partial(WorkflowExecution, how), inputs, options)
