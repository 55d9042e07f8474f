"""``client.workflow_templates``: workflows that others may copy and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.resource import VectorVeinResource, identifier

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class WorkflowTemplates(VectorVeinResource[M]):
    """Templates of workflows: get and list. ``client.workflows.run_template`` runs one.

    VectorVein publishes no schema of a template, so results are plain JSON data.
    """

    @operation
    def get(self, tid: str) -> Flow[Any]:
        """Retrieve a template.

        Example:
            >>> client.get_workflow_template("tid")["title"]  # doctest: +SKIP
        """
        return (yield from self._read("workflow/template/get", {"tid": identifier(tid, "tid")})).data

    @operation
    def list(self, /, **payload: Any) -> Flow[Any]:
        """List templates, one page of them.

        Args:
            **payload: Fields of the request, such as ``page`` and ``page_size``; sent as given.

        Example:
            >>> client.list_workflow_templates(page=1, page_size=10)  # doctest: +SKIP
        """
        return (yield from self._read("workflow/template/list", payload)).data
