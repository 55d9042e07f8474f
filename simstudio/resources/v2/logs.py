"""``client.v2.logs``: logs of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, items
from simstudio.core.resource import APIResource
from simstudio.models.v2.logs import LogDetails, LogEntry, LogStats
from simstudio.resources.folder_paths import FolderPaths
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow


class Logs(APIResource[M]):
    """Logs of runs: list, statistics, and details of one run. Sim keeps them for 30 days on free plans."""

    @paged("GET", "/api/v2/logs", "listLogs")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        workflow_ids: Annotated[Sequence[str] | None, items(1, 200)] = None,
        folder_paths: Annotated[FolderPaths, items(1, 100)] | None = None,
        workflow_name: str | None = None,
        run_id: str | None = None,
        triggers: Annotated[Sequence[str] | None, items(1, 100)] = None,
        level: Literal["info", "error"] | None = None,
        status: Sequence[Literal["pending", "running", "paused", "redacting", "completed", "failed", "cancelled"]]
        | None = None,
        include_handled_errors: bool | None = None,
        include_job_runs: bool | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        min_duration_ms: Annotated[int | None, between(0, 2147483647)] = None,
        max_duration_ms: Annotated[int | None, between(0, 2147483647)] = None,
        min_cost: Annotated[float | None, between(0, 1000000)] = None,
        max_cost: Annotated[float | None, between(0, 1000000)] = None,
        model: str | None = None,
        details: Literal["basic", "full"] | None = None,
        include_trace_spans: bool | None = None,
        include_final_output: bool | None = None,
        sort_by: Literal["startedAt", "durationMs", "cost", "status"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: Annotated[int | None, between(1, 1000)] = None,
        cursor: str | None = None,
    ) -> Pages[LogEntry]:
        """List runs, latest first by default.

        Args:
            workflow_ids: 1 to 200 workflow ids.
            folder_paths: 1 to 100 folders of workflows.
            triggers: 1 to 100 kinds of start: ``api``, ``manual``, ``schedule`` …; ``all`` does not filter.
            level: ``error``: only failed runs; ``info``: only others.
            include_handled_errors: Count a run as failed also if only a block failed and the workflow continued.
            include_job_runs: Include runs of no workflow; needs ``sort_by="startedAt"``.
            start_date: Earliest start: a ``datetime`` with a time zone, or ISO 8601 in UTC with ``Z``.
            end_date: Latest start.
            min_duration_ms: Shortest duration in milliseconds.
            max_duration_ms: Longest duration in milliseconds.
            min_cost: Lowest cost in US dollars (results are in credits).
            max_cost: Highest cost in US dollars.
            model: Only runs that used this language model.
            details: ``full`` adds the workflow; default ``basic``.
            include_trace_spans: Include the trace spans; implies ``full``.
            include_final_output: Include the output; implies ``full``.
            sort_by: Default ``startedAt``.
            sort_order: Default ``desc``.
            limit: Runs per page, 1 to 1,000; default 100.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.

        Example:
            >>> for entry in client.v2.logs.list("workspace-id", level="error"):  # doctest: +SKIP
            ...     print(entry.started_at, entry.run_id, entry.status)
        """
        return send.pages(LogEntry)

    @endpoint("GET", "/api/v2/logs/stats", "getLogStats")
    def stats(
        self,
        send: Sender,
        *,
        workspace_id: WorkspaceId,
        workflow_ids: Annotated[Sequence[str] | None, items(1, 200)] = None,
        folder_paths: Annotated[FolderPaths, items(1, 100)] | None = None,
        triggers: Sequence[str] | None = None,
        level: Literal["info", "error"] | None = None,
        include_handled_errors: bool | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        segment_count: Annotated[int | None, between(1, 500)] = None,
        include_empty: bool | None = None,
    ) -> Flow[LogStats]:
        """Statistics of the runs of a workspace, by workflow and by time. The filters are those of :meth:`list`.

        Args:
            workflow_ids: 1 to 200 workflow ids.
            folder_paths: 1 to 100 folders of workflows.
            segment_count: Number of time segments, 1 to 500, each at least a minute long; default 72.
            include_empty: Include workflows without runs.

        Example:
            >>> client.v2.logs.stats(workspace_id="workspace-id", segment_count=24).total_errors  # doctest: +SKIP
            3
        """
        return send.one(LogStats)

    @endpoint("GET", "/api/v2/logs/{runId}", "getLog")
    def get(self, send: Sender, run_id: str, *, include_workflow_state: bool | None = None) -> Flow[LogDetails]:
        """Retrieve one run with its trace spans, input, output and costs.

        Args:
            run_id: Run id; log ids of v1 are not accepted.
            include_workflow_state: Include the workflow as it was executed; default True.

        Raises:
            NotFoundError: No run has this id, or the API key may not see it.

        Example:
            >>> client.v2.logs.get("run-id", include_workflow_state=False).trace_spans[0].children  # doctest: +SKIP
        """
        return send.one(LogDetails)
