"""``client.tasks.map``: an Oomol block over many inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from simstudio.batch.batching import batching
from simstudio.core.modes import M
from simstudio.core.options import check_timeout
from simstudio.services.oomol.resources.task_flows import TaskFlows

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from simstudio.batch.inputs import Inputs
    from simstudio.batch.options import BatchOptions
    from simstudio.batch.plan import Plan
    from simstudio.services.oomol.models import RunResult


class TaskBatches(TaskFlows[M]):
    """The part of ``client.tasks`` that runs batches."""

    @batching
    def map(
        self,
        block_id: str,
        inputs: Inputs,
        *,
        timeout: float | None = 3600.0,
        **options: Unpack[BatchOptions[RunResult]],
    ) -> Plan[RunResult]:
        """Run a block over many inputs, many at a time, as fast as the server allows.

        A task that the server refused with 429 did not run, and is sent again. A task that may have run is ``unknown``
        and is never sent twice.

        Args:
            block_id: ``package::block``.
            inputs: An iterable of inputs, a table, or the path of a file. Each is what :meth:`create` takes as
                ``inputValues``.
            timeout: Seconds to wait for each task once it was created; None waits for ever.
            **options: As for ``client.workflows.map`` of Sim's client.

        Returns:
            An iterator of :class:`~simstudio.BatchItem` and a context manager.

        Raises:
            InvalidInputError: An argument cannot be used.
            LedgerError: The ledger cannot be used: damaged, of another block or server, in use.

        Example:
            >>> for item in client.tasks.map("pkg::block", [{"text": "hi"}, {"text": "ho"}]):  # doctest: +SKIP
            ...     print(item.index, item.output if item.ok else item.error)
        """
        from simstudio.batch.plan import Plan
        from simstudio.services.oomol.execution import TaskExecution
        from simstudio.services.oomol.requests import request_body

        check_timeout(timeout)
        request_body({"blockId": block_id})
        return Plan(partial(TaskExecution, block_id, timeout), inputs, options)
