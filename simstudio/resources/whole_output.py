"""Read in full the texts that Sim cut in an output that was read after the run.

The job of a queued run, ``workflow-execution:<execution id>``, has them for about a day. No route has those of a run
that was not queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.notices import notify
from simstudio.models.cut_texts import find_cut_texts, restore_cut_texts
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import APIConnectionError, APIStatusError, InvalidResponseError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow


class TruncatedOutputWarning(UserWarning):
    """Warning that an output holds texts that the server cut after 15,000 characters and does not have in full.

    ``truncated`` of the result or job has their paths.
    """


def read_whole(
    resource: APIResource[Any], execution_id: str, output: Any, **options: Any
) -> Flow[tuple[Any, tuple[str, ...]]]:
    """An output with its cut texts in full, and the paths of those that are still cut; nothing is sent if none is cut.

    Args:
        options: Options of ``APIResource._get``.
    """
    truncated = find_cut_texts(output)
    if truncated:
        whole = yield from _job_output(resource, execution_id, options)
        output, truncated = restore_cut_texts(output, whole)
    if truncated:
        notify(
            "The output of a run holds texts that Sim cut after 15,000 characters, and the server does not have them "
            "in full any more. Their paths are in result.truncated.",
            TruncatedOutputWarning,
        )
    return output, truncated


def _job_output(resource: APIResource[Any], execution_id: str, options: dict[str, Any]) -> Flow[Any]:
    """The output in the job of a run; None if there is no such job."""
    path = f"/api/jobs/{segment(f'workflow-execution:{execution_id}', 'execution_id')}"
    try:
        job = (yield from resource._get(path, **options)).json()
    except (APIStatusError, APIConnectionError, InvalidResponseError):
        return None
    envelope = job.get("output") if isinstance(job, dict) else None
    return envelope.get("output") if isinstance(envelope, dict) else None
