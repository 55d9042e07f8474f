"""``client.v2.tables.views``: views of a table."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.table_params import ViewConfigInput
from simstudio.models.v2.table_views import TableView
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow

_VIEWS = "/api/v2/tables/{tableId}/views"
_VIEW = "/api/v2/tables/{tableId}/views/{viewId}"


class TableViews(APIResource[M]):
    """Views of a table: filter, order and columns as Sim's editor shows them."""

    @paged("GET", _VIEWS, "listTableViews")
    def list(self, send: Sender, table_id: str, *, workspace_id: WorkspaceId) -> Pages[TableView]:
        """List the views of a table, all in one page; each table has one from the start.

        Raises:
            NotFoundError: No table has this id.
        """
        return send.pages(TableView)

    @endpoint("POST", _VIEWS, "createTableView")
    def create(
        self, send: Sender, table_id: str, *, workspace_id: WorkspaceId, name: str, config: ViewConfigInput
    ) -> Flow[TableView]:
        """Create a view.

        Args:
            config: May be empty. Unknown columns in ``hiddenColumns`` are accepted, in ``sort`` they are an error.

        Raises:
            InvalidRequestError: The filter or the order is invalid.
            NotFoundError: No table has this id.

        Example:
            >>> config = {"sort": [{"field": "qty", "direction": "desc"}]}  # doctest: +SKIP
            >>> client.v2.tables.views.create("tbl_1", workspace_id="ws", name="Top", config=config)  # doctest: +SKIP
        """
        return send.one(TableView)

    @endpoint("GET", _VIEW, "getTableView")
    def get(self, send: Sender, table_id: str, view_id: str, *, workspace_id: WorkspaceId) -> Flow[TableView]:
        """Retrieve a view.

        Raises:
            NotFoundError: The table or view does not exist.
        """
        return send.one(TableView)

    @endpoint("PATCH", _VIEW, "updateTableView")
    def update(
        self,
        send: Sender,
        table_id: str,
        view_id: str,
        *,
        workspace_id: WorkspaceId,
        name: str | Unset = UNSET,
        config: ViewConfigInput | Unset = UNSET,
        config_patch: ViewConfigInput | Unset = UNSET,
        is_default: bool | Unset = UNSET,
    ) -> Flow[TableView]:
        """Change a view; at least one of its parts.

        Args:
            config: Replaces all settings.
            config_patch: Replaces the settings that it names, each as a whole.
            is_default: True takes it from the view that is the default now.

        Raises:
            InvalidRequestError: No change was given, or the filter or order is invalid.
            NotFoundError: The table or view does not exist.
        """
        return send.one(TableView)

    @endpoint("DELETE", _VIEW, "deleteTableView")
    def delete(self, send: Sender, table_id: str, view_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Delete a view.

        Raises:
            NotFoundError: The table or view does not exist.
        """
        return send.one(Deleted)
