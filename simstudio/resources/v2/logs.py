"""``client.v2.logs``: what runs did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, items, length
from simstudio.models.v2.logs import LogDetails, LogEntry, LogStats
from simstudio.transport.flow import Flow


class Logs(APIResource[M]):
    """Logs of runs: list them, add them up, look into one (API.md 4.4). Free plans keep 30 days."""

    @paged(
        "GET",
        "/api/v2/logs",
        "listLogs",
        limits={
            "workspace_id": length(1, 128),
            "workflow_ids": items(1, 200),
            "triggers": items(1, 100),
            "folder_paths": items(1, 100),
            "min_duration_ms": between(0, 2147483647),
            "max_duration_ms": between(0, 2147483647),
            "min_cost": between(0, 1_000_000),
            "max_cost": between(0, 1_000_000),
            "limit": between(1, 1000),
        },
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        workflow_ids: Sequence[str] | None = None,
        folder_paths: Sequence[str] | None = None,
        workflow_name: str | None = None,
        run_id: str | None = None,
        triggers: Sequence[str] | None = None,
        level: Literal["info", "error"] | None = None,
        status: Sequence[Literal["pending", "running", "paused", "redacting", "completed", "failed", "cancelled"]]
        | None = None,
        include_handled_errors: bool | None = None,
        include_job_runs: bool | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        min_duration_ms: int | None = None,
        max_duration_ms: int | None = None,
        min_cost: float | None = None,
        max_cost: float | None = None,
        model: str | None = None,
        details: Literal["basic", "full"] | None = None,
        include_trace_spans: bool | None = None,
        include_final_output: bool | None = None,
        sort_by: Literal["startedAt", "durationMs", "cost", "status"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[LogEntry]:
        """List runs, the latest first unless told otherwise.

        Args:
            workspace_id: In which workspace.
            workflow_ids: Only of these workflows, 1 to 200.
            folder_paths: Only of workflows in these folders, 1 to 100 paths, each segment percent-encoded.
            workflow_name: Only of workflows of this name.
            run_id: Only this run.
            triggers: Only started by these (``api``, ``manual``, ``schedule`` …), 1 to 100; ``all`` is no filter.
            level: Only those that went well, or only errors.
            status: Only of these.
            include_handled_errors: Count as errors, too, runs in which blocks failed and the workflow went on.
            include_job_runs: Also runs of no workflow; only where ``sort_by`` is ``startedAt``.
            start_date: Not begun before; a ``datetime`` with a time zone, or ISO 8601 in UTC with ``Z``.
            end_date: Not begun after.
            min_duration_ms: At least as long, in milliseconds.
            max_duration_ms: At most as long, in milliseconds.
            min_cost: At least as dear, in US dollars (results say credits).
            max_cost: At most as dear, in US dollars.
            model: Only those that used this model.
            details: ``full`` adds the workflow; ``basic`` where it is not given.
            include_trace_spans: Also the steps (implies ``full``).
            include_final_output: Also the output (implies ``full``).
            sort_by: ``startedAt`` where it is not given.
            sort_order: ``desc`` where it is not given.
            limit: Runs a page, 1 to 1000; 100 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters and order.

        Returns:
            The runs, over all pages.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            SimStudioError: Any other failure.

        Example:
            >>> for entry in client.v2.logs.list("workspace-id", level="error"):  # doctest: +SKIP
            ...     print(entry.started_at, entry.run_id, entry.status)
        """
        return send.pages(LogEntry)

    @endpoint(
        "GET",
        "/api/v2/logs/stats",
        "getLogStats",
        limits={
            "workspace_id": length(1, 128),
            "workflow_ids": items(1, 200),
            "folder_paths": items(1, 100),
            "segment_count": between(1, 500),
        },
    )
    def stats(
        self,
        send: Sender,
        *,
        workspace_id: str,
        workflow_ids: Sequence[str] | None = None,
        folder_paths: Sequence[str] | None = None,
        triggers: Sequence[str] | None = None,
        level: Literal["info", "error"] | None = None,
        include_handled_errors: bool | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        segment_count: int | None = None,
        include_empty: bool | None = None,
    ) -> Flow[LogStats]:
        """Add up the runs of a workspace, by workflow and by time.

        Args:
            workspace_id: Of which workspace.
            workflow_ids: Only of these workflows, 1 to 200.
            folder_paths: Only of workflows in these folders, 1 to 100 paths, each segment percent-encoded.
            triggers: Only started by these (``api``, ``manual``, ``schedule`` …).
            level: Only those that went well, or only errors.
            include_handled_errors: Also count runs in which blocks failed and the workflow went on.
            start_date: Not begun before; a ``datetime`` with a time zone, or ISO 8601 in UTC with ``Z``.
            end_date: Not begun after.
            segment_count: Into how many stretches of time, 1 to 500 and none under a minute; 72 where it is not given.
            include_empty: Also workflows without runs.

        Returns:
            The numbers.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.logs.stats(workspace_id="workspace-id", segment_count=24).total_errors  # doctest: +SKIP
            3
        """
        return send.one(LogStats)

    @endpoint("GET", "/api/v2/logs/{runId}", "getLog")
    def get(self, send: Sender, run_id: str, *, include_workflow_state: bool | None = None) -> Flow[LogDetails]:
        """Retrieve one run in full.

        Args:
            run_id: Its id (not the log ids of v1).
            include_workflow_state: Whether the workflow as it was run comes too; True where it is not given.

        Returns:
            The run: steps, input, output, costs.

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.logs.get("run-id", include_workflow_state=False).trace_spans[0].children  # doctest: +SKIP
        """
        return send.one(LogDetails)
