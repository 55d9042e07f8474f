"""``client.workflows.map``: a VectorVein workflow over many inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from simstudio.batch.batching import batching
from simstudio.core.modes import M
from simstudio.core.options import check_timeout
from simstudio.services.vectorvein.resource import VectorVeinResource

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from simstudio.batch.inputs import Inputs
    from simstudio.batch.options import BatchOptions
    from simstudio.batch.plan import Plan
    from simstudio.services.vectorvein.models.workflows import WorkflowRunResult


class WorkflowBatches(VectorVeinResource[M]):
    """The part of ``client.workflows`` that runs batches."""

    @batching
    def map(
        self,
        wid: str,
        inputs: Inputs,
        *,
        output_scope: str = "output_fields_only",
        api_key_type: str = "WORKFLOW",
        timeout: float | None = 3600.0,
        **options: Unpack[BatchOptions[WorkflowRunResult]],
    ) -> Plan[WorkflowRunResult]:
        """Run a workflow over many inputs, many at a time, under the limit of 60 calls a minute.

        The calls that begin runs and those that poll them share the limit with all calls of this client. A run that the
        limiter refused did not run, and is sent again. One that may have run is ``unknown`` and is never sent twice.

        Args:
            wid: The workflow's id.
            inputs: An iterable of inputs, a table, or the path of a file. Each is what :meth:`run` takes as
                ``input_fields``; a row of a table, values by ``NODE.FIELD``.
            output_scope: ``output_fields_only``, or ``all`` for the outputs of every node.
            api_key_type: ``VAPP`` when the client's key belongs to a VApp.
            timeout: Seconds to wait for each run once it has begun; None for ever.
            **options: As for ``client.workflows.map`` of Sim's client.

        Returns:
            An iterator of :class:`~simstudio.BatchItem` and a context manager.

        Raises:
            InvalidInputError: An argument cannot be used.
            LedgerError: The ledger cannot be used: damaged, of another workflow or server, in use.

        Example:
            >>> rows = [{"node-1.Name": "Ada"}, {"node-1.Name": "Grace"}]
            >>> for item in client.workflows.map("wid", rows, ledger="runs.sqlite"):  # doctest: +SKIP
            ...     print(item.index, item.output if item.ok else item.error)
        """
        from simstudio.batch.plan import Plan
        from simstudio.services.vectorvein.execution import WorkflowExecution, WorkflowOptions
        from simstudio.services.vectorvein.resources.workflow_inputs import adapt_fields

        check_timeout(timeout)
        chosen = WorkflowOptions(wid, output_scope, api_key_type, timeout)
        chosen.check()
        return Plan(partial(WorkflowExecution, chosen, type(self)), inputs, options, adapt_fields)
