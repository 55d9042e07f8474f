"""``client.map``: a SpeedPix workflow over many inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from simstudio.batch.batching import batching
from simstudio.core.modes import M
from simstudio.core.options import check_headers, check_timeout
from simstudio.services.speedpix.resource import SpeedPixResource
from simstudio.services.speedpix.resources.predictions import DEFAULT_RESOURCE, check_id

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from simstudio.batch.inputs import Inputs
    from simstudio.batch.options import BatchOptions
    from simstudio.batch.plan import Plan
    from simstudio.services.speedpix.models import PredictionResult


class PredictionBatches(SpeedPixResource[M]):
    """The part of the client that runs batches."""

    @batching
    def map(
        self,
        workflow_id: str,
        inputs: Inputs,
        *,
        version_id: str | None = None,
        alias_id: str | None = None,
        randomise_seeds: bool | None = None,
        return_temp_files: bool | None = None,
        resource_config_id: str | None = DEFAULT_RESOURCE,
        file_encoding_strategy: str | None = None,
        upload_paths: bool | None = None,
        upload_root: str | os.PathLike[str] | None = None,
        timeout: float | None = 3600.0,
        **options: Unpack[BatchOptions[PredictionResult]],
    ) -> Plan[PredictionResult]:
        """Run a workflow over many inputs, many at a time, as fast as the service allows.

        A prediction that the gateway or the service throttled did not run, and is sent again. A prediction that may
        have run is ``unknown`` and is never sent twice.

        Args:
            inputs: An iterable of inputs, a table, or the path of a file. Each is what :meth:`run` takes as
                ``input``; files in it are uploaded when it is sent.
            version_id: Version of the workflow.
            alias_id: Alias of a version; by default ``main`` if there is no ``version_id``.
            randomise_seeds: Whether to draw new seeds.
            return_temp_files: Whether to return intermediate files as well.
            resource_config_id: Capacity to run on; an empty text sends none.
            file_encoding_strategy: ``url`` or ``base64``; see :meth:`predictions.create`.
            upload_paths: Whether to upload media files that texts name, in place of the client's setting.
            upload_root: Directory of such files, in place of the client's setting.
            timeout: Seconds to wait for each prediction once it was created; None waits for ever.
            **options: As for ``client.workflows.map`` of Sim's client.

        Returns:
            An iterator of :class:`~simstudio.BatchItem` and a context manager.

        Raises:
            InvalidInputError: An argument cannot be used.
            LedgerError: The ledger cannot be used: damaged, of another workflow or server, in use.

        Example:
            >>> for item in client.map("workflow-123", [{"prompt": "a cat"}, {"prompt": "a dog"}]):  # doctest: +SKIP
            ...     print(item.index, item.output if item.ok else item.error)
        """
        from simstudio.batch.plan import Plan
        from simstudio.services.speedpix.execution import PredictionExecution
        from simstudio.services.speedpix.inputs import adapt_input

        check_timeout(timeout)
        check_id(workflow_id, "workflow_id")
        check_headers({"X-SP-RESOURCE-CONFIG-ID": resource_config_id} if resource_config_id else None)
        submission = {
            "version_id": version_id,
            "alias_id": alias_id,
            "randomise_seeds": randomise_seeds,
            "return_temp_files": return_temp_files,
            "resource_config_id": resource_config_id,
            "file_encoding_strategy": file_encoding_strategy,
            "upload_paths": upload_paths,
            "upload_root": upload_root,
        }
        return Plan(partial(PredictionExecution, workflow_id, submission, timeout), inputs, options, adapt_input)
