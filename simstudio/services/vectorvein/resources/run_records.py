"""``client.run_records``: runs as VectorVein keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.resource import VectorVeinResource, drop_none, identifier, texts

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class RunRecords(VectorVeinResource[M]):
    """Records of runs: get, list, stop and delete.

    VectorVein publishes no schema of a record, so results are plain JSON data.
    """

    @operation
    def get(self, rid: str) -> Flow[Any]:
        """Retrieve the record of a run.

        Example:
            >>> client.get_workflow_run_record("rid")["status"]  # doctest: +SKIP
        """
        return (yield from self._read("workflow/run-record/get", {"rid": identifier(rid, "rid")})).data

    @operation
    def list(
        self,
        page: int = 1,
        page_size: int = 10,
        wid: str | None = None,
        status: str | Iterable[str] | None = None,
        shared: Iterable[bool] | None = None,
        run_from: str | Iterable[str] | None = None,
        sort_field: str = "start_time",
        sort_order: str = "descend",
        need_workflow: bool | None = None,  # noqa: FBT001 - the documented signature
    ) -> Flow[Any]:
        """List the records of runs, one page of them.

        Args:
            page: Page number, from 1.
            page_size: Records a page.
            wid: Id of the workflow that ran.
            status: States of the runs, such as ``FINISHED``.
            shared: ``[True]`` for shared ones, ``[False]`` for the others.
            run_from: Origin of the runs, in VectorVein's words.
            sort_order: ``descend`` or ``ascend``.
            need_workflow: Whether each record holds its workflow.

        Example:
            >>> client.list_workflow_run_records(wid="wid", status="FINISHED")  # doctest: +SKIP
        """
        filters = drop_none(
            wid=wid,
            status=None if status is None else texts(status, "status"),
            shared=None if shared is None else tuple(shared),
            run_from=None if run_from is None else texts(run_from, "run_from"),
            need_workflow=need_workflow,
        )
        body = {"page": page, "page_size": page_size, "sort_field": sort_field, "sort_order": sort_order, **filters}
        return (yield from self._read("workflow/run-record/list", body)).data

    @operation
    def stop(self, rid: str) -> Flow[Any]:
        """Stop the run of a record.

        Example:
            >>> client.stop_workflow_run_record("rid")  # doctest: +SKIP
        """
        return (yield from self._write("workflow/run-record/stop", {"rid": identifier(rid, "rid")})).data

    @operation
    def delete(self, rid: str) -> Flow[Any]:
        """Delete the record of a run.

        Example:
            >>> client.delete_workflow_run_record("rid")  # doctest: +SKIP
        """
        return (yield from self._write("workflow/run-record/delete", {"rid": identifier(rid, "rid")})).data
