"""``client.run_schedules``: workflows that run at set times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.resource import VectorVeinResource, drop_none, identifier, invalid, texts

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class RunSchedules(VectorVeinResource[M]):
    """Schedules of workflows: get, list, update and delete.

    VectorVein publishes no schema of a schedule, so results are plain JSON data.
    """

    @operation
    def get(self, sid: str) -> Flow[Any]:
        """Retrieve a schedule.

        Example:
            >>> client.get_workflow_run_schedule("sid")  # doctest: +SKIP
        """
        return (yield from self._read("workflow/run-schedule/get", {"sid": identifier(sid, "sid")})).data

    @operation
    def list(
        self,
        page: int = 1,
        page_size: int = 10,
        status: str | Iterable[str] | None = None,
        sort_field: str = "update_time",
        sort_order: str = "descend",
    ) -> Flow[Any]:
        """List schedules, one page of them.

        Args:
            page: Page number, from 1.
            page_size: Schedules a page.
            status: States of the schedules, in VectorVein's words.
            sort_order: ``descend`` or ``ascend``.

        Example:
            >>> client.list_workflow_run_schedules()  # doctest: +SKIP
        """
        filters = drop_none(status=None if status is None else texts(status, "status"))
        body = {"page": page, "page_size": page_size, "sort_field": sort_field, "sort_order": sort_order, **filters}
        return (yield from self._read("workflow/run-schedule/list", body)).data

    @operation
    def update(
        self, cron_expression: str, sid: str | None = None, wid: str | None = None, timezone: str | None = None
    ) -> Flow[Any]:
        """Set when a workflow runs: change a schedule, or make one for a workflow.

        Args:
            cron_expression: Times in cron's notation, such as ``0 8 * * *`` for 8:00 each day.
            sid: The schedule to change; or
            wid: the workflow.
            timezone: Name such as ``Europe/Berlin``; VectorVein's default if it is not given.

        Raises:
            InvalidInputError: Neither ``sid`` nor ``wid`` is given.

        Example:
            >>> client.update_workflow_run_schedule("0 8 * * *", wid="wid")  # doctest: +SKIP
        """
        if sid is None and wid is None:
            raise invalid("Give sid=, the schedule to change, or wid=, the workflow to make one for.")
        body = {
            "cron_expression": identifier(cron_expression, "cron_expression"),
            **drop_none(sid=sid, wid=wid, timezone=timezone),
        }
        return (yield from self._write("workflow/run-schedule/update", body)).data

    @operation
    def delete(self, sid: str) -> Flow[Any]:
        """Delete a schedule.

        Example:
            >>> client.delete_workflow_run_schedule("sid")  # doctest: +SKIP
        """
        return (yield from self._write("workflow/run-schedule/delete", {"sid": identifier(sid, "sid")})).data
