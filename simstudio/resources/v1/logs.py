"""``client.v1.logs``: what executions did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between
from simstudio.models.v1.logs import ExecutionDetails, LogDetails, LogEntry
from simstudio.resources.v1.log_pages import LogPages
from simstudio.transport.flow import Flow


class Logs(APIResource[M]):
    """Logs of executions, as v1 has them (recordings 166 to 191, NOTES 9)."""

    @paged(
        "GET",
        "/api/v1/logs",
        "queryLogs",
        only_true=("include_trace_spans", "include_final_output"),
        limits={"limit": between(1)},
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        workflow_ids: Sequence[str] | None = None,
        folder_ids: Sequence[str] | None = None,
        triggers: Sequence[str] | None = None,
        level: Literal["info", "error"] | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        execution_id: str | None = None,
        min_duration_ms: int | None = None,
        max_duration_ms: int | None = None,
        min_cost: float | None = None,
        max_cost: float | None = None,
        model: str | None = None,
        details: Literal["basic", "full"] | None = None,
        include_trace_spans: bool | None = None,
        include_final_output: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["desc", "asc"] | None = None,
    ) -> Pages[LogEntry]:
        """List executions, the latest first unless told otherwise.

        The server's own cursors are broken (500), so pages are asked for by time; each log comes once all the same.
        A page's ``extra["limits"]`` says what may still be run.

        Args:
            workspace_id: In which workspace. One that the key may not see has no logs (recording 186).
            workflow_ids: Only of these workflows.
            folder_ids: Only of workflows in these folders.
            triggers: Only started by these: ``api``, ``manual``, ``schedule`` …
            level: Only those that went well, or only errors.
            start_date: Not begun before; a ``datetime`` with a time zone, or ISO 8601. Other text breaks the server.
            end_date: Not begun after.
            execution_id: Only this execution.
            min_duration_ms: At least as long, in milliseconds.
            max_duration_ms: At most as long, in milliseconds.
            min_cost: At least as dear, in US dollars.
            max_cost: At most as dear, in US dollars.
            model: Only those that used this model. Breaks v0.6.43: 500 (recording 184).
            details: ``full`` adds the workflow and more about costs; ``basic`` where it is not given.
            include_trace_spans: Also the steps; needs ``details="full"``.
            include_final_output: Also the output; needs ``details="full"``.
            limit: Executions a page, 1 or more; 100 where it is not given. More may be asked for where many began at
                the same moment.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters and order.
            order: Latest first (``desc``) or earliest first (``asc``).

        Returns:
            The executions, over all pages.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            InvalidResponseError: A log says no moment at which it began, so that the next page cannot be asked for.
            SimStudioError: Any other failure.

        Example:
            >>> for entry in client.v1.logs.list("workspace-id", level="error"):  # doctest: +SKIP
            ...     print(entry.started_at, entry.execution_id)
        """
        return LogPages(send, order or "desc")

    @endpoint("GET", "/api/v1/logs/{id}", "getLogDetails", names={"log_id": "id"})
    def get(self, send: Sender, log_id: str) -> Flow[LogDetails]:
        """Retrieve one log.

        ``client.with_raw_response`` shows the ``limits`` beside it.

        Args:
            log_id: Its id; not that of the execution (recording 189).

        Returns:
            The log: steps, output, costs.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.logs.get("log-id").execution_data.final_output  # doctest: +SKIP
            {'result': {'doubled': 42}}
        """
        return send.one(LogDetails)

    @endpoint("GET", "/api/v1/logs/executions/{executionId}", "getExecutionDetails")
    def execution(self, send: Sender, execution_id: str) -> Flow[ExecutionDetails]:
        """Retrieve an execution and the workflow as it was run, the code of its blocks included.

        Args:
            execution_id: Its id.

        Returns:
            The execution, and what may still be run (``limits``).

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> list(client.v1.logs.execution("execution-id").workflow_state.blocks)  # doctest: +SKIP
            ['start', 'compute']
        """
        return _bare(send)


def _bare(send: Sender) -> Flow[ExecutionDetails]:
    response = yield from send()
    return send.resource._structure(response, ExecutionDetails)
