"""The receipt of a queued execution."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class AsyncExecutionResult(Model):
    """The receipt of a queued execution: give it to ``client.jobs.get`` or ``client.jobs.wait``.

    One class for every generation of the server: ``taskId``/``links`` (the documents, v0.4), ``jobId``/``executionId``/
    ``statusUrl`` (v0.6) and ``runId`` (v2).

    Attributes:
        success: Whether it was queued.
        task_id: The id to ask for.
        status: ``queued``.
        created_at: ISO 8601, where the server says it (v0.4), else None.
        links: ``links["status"]`` is the path to ask, on the client's base address.
        execution_id: The id to cancel by, where the server says it (v0.6).
        status_url: The address as the server gave it: its own idea of its public host. The client uses its path only.
        message: The server's text.
        workflow_id: The workflow it runs.
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
        """The same as ``task_id``, under v2's name."""
        return self.task_id

    @property
    def api_version(self) -> str | None:
        """Which API knows it: ``v1`` (the unversioned routes) or ``v2``; None of a receipt made without a link."""
        link = self.links.get("status") if isinstance(self.links, dict) else None
        return None if link is None else "v2" if "/api/v2/" in link else "v1"

    def __contains__(self, name: object) -> bool:
        """Whether a name came; ``links`` is always there, whatever the server calls it."""
        return name == "links" or super().__contains__(name)
