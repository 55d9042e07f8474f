"""``client.v1.logs``: logs of executions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, only_true, wire
from simstudio.core.resource import APIResource
from simstudio.models.v1.logs import ExecutionDetails, LogDetails, LogEntry
from simstudio.resources.v1.log_pages import LogPages
from simstudio.transport.flow import Flow


class Logs(APIResource[M]):
    """Logs of executions."""

    @paged("GET", "/api/v1/logs", "queryLogs")
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
        include_trace_spans: Annotated[bool | None, only_true] = None,
        include_final_output: Annotated[bool | None, only_true] = None,
        limit: Annotated[int | None, between(1)] = None,
        cursor: str | None = None,
        order: Literal["desc", "asc"] | None = None,
    ) -> Pages[LogEntry]:
        """List executions, latest first by default.

        The server's own cursors do not work, so that pages are requested by time; each log appears once.
        ``extra["limits"]`` of a page has the rate limits.

        Args:
            workspace_id: A workspace that the API key may not see gives an empty list.
            triggers: Kinds of start: ``api``, ``manual``, ``schedule`` …
            level: ``error``: only failed executions; ``info``: only others.
            start_date: Earliest start: a ``datetime`` with a time zone, or ISO 8601. The server responds with 500 to
                other text.
            end_date: Latest start.
            min_duration_ms: Shortest duration in milliseconds.
            max_duration_ms: Longest duration in milliseconds.
            min_cost: Lowest cost in US dollars.
            max_cost: Highest cost in US dollars.
            model: Only executions that used this language model. v0.6.43 responds with 500.
            details: ``full`` adds the workflow and details of the cost; default ``basic``.
            include_trace_spans: Include the trace spans; needs ``details="full"``.
            include_final_output: Include the output; needs ``details="full"``.
            limit: Executions per page, 1 or more; default 100. A larger page is requested if more than this started at
                the same time.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.
            order: ``desc`` (latest first) by default.

        Raises:
            InvalidResponseError: The start of a log is missing or malformed, so that the next page cannot be requested.

        Example:
            >>> for entry in client.v1.logs.list("workspace-id", level="error"):  # doctest: +SKIP
            ...     print(entry.started_at, entry.execution_id)
        """
        return LogPages(send, order or "desc")

    @endpoint("GET", "/api/v1/logs/{id}", "getLogDetails")
    def get(self, send: Sender, log_id: Annotated[str, wire("id")]) -> Flow[LogDetails]:
        """Retrieve one log with its trace spans, output and cost.

        Args:
            log_id: Id of the log, not of the execution.

        Raises:
            NotFoundError: No log has this id.

        Example:
            >>> client.v1.logs.get("log-id").execution_data.final_output  # doctest: +SKIP
            {'result': {'doubled': 42}}
        """
        return send.one(LogDetails)

    @endpoint("GET", "/api/v1/logs/executions/{executionId}", "getExecutionDetails")
    def execution(self, send: Sender, execution_id: str) -> Flow[ExecutionDetails]:
        """Retrieve an execution and the workflow as it was executed, including the code of its blocks.

        Raises:
            NotFoundError: No execution has this id.

        Example:
            >>> list(client.v1.logs.execution("execution-id").workflow_state.blocks)  # doctest: +SKIP
            ['start', 'compute']
        """
        return _get_execution(send)


def _get_execution(send: Sender) -> Flow[ExecutionDetails]:
    response = yield from send()
    return send.resource._structure(response, ExecutionDetails)
