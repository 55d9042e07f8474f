"""The receipt of a queued execution."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class AsyncExecutionResult(Model):
    """The receipt of a queued execution, for ``client.jobs.get`` and ``client.jobs.wait``.

    It has one form for all generations of servers, which send ``taskId`` and ``links`` (documents, v0.4), ``jobId``,
    ``executionId`` and ``statusUrl`` (v0.6), or ``runId`` (v2).

    Attributes:
        success: Whether the execution was queued.
        task_id: Id of the job; on v2 of the run.
        created_at: ISO 8601; None on servers after v0.4.
        links: ``links["status"]`` is the path of the job, on the client's base URL.
        execution_id: Id for ``client.workflows.cancel``; None on v0.4.
        status_url: URL of the job on the server's own idea of its public host. The client uses the path only.
        message: Text of the server.
    """

    success: bool
    task_id: str = attrs.field(metadata={"wire": ("taskId", "jobId", "runId", "executionId")})
    status: str = "queued"
    created_at: str | None = None
    links: dict[str, str] = attrs.field(factory=dict)
    execution_id: str | None = None
    status_url: str | None = None
    message: str | None = None
    workflow_id: str | None = None

    @property
    def run_id(self) -> str:
        """The same as ``task_id``, under its name in v2."""
        return self.task_id

    @property
    def api_version(self) -> str | None:
        """The API that has the job: ``v1`` (the unversioned routes) or ``v2``; None without a link."""
        link = self.links.get("status") if isinstance(self.links, dict) else None
        return None if link is None else "v2" if "/api/v2/" in link else "v1"

    def __contains__(self, name: object) -> bool:
        """Whether the server sent a field; True of ``links``, which every receipt has."""
        return name == "links" or super().__contains__(name)
