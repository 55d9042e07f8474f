"""Views: ways to look at a table."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class RowSort(Model):
    """One column of an order.

    Attributes:
        direction: ``asc`` or ``desc``.
    """

    field: str
    direction: str


@model
class TableViewConfig(Model):
    """The columns, the filter and the order of a view.

    Attributes:
        column_widths: Pixels by column name.
        column_order: Column names.
        pinned_columns: Column names.
        hidden_columns: Column names.
        filter: JSON data, as in ``client.v2.tables.rows.query``.
        sort: The first column first.
    """

    column_widths: dict[str, float] | None = None
    column_order: list[str] | None = None
    pinned_columns: list[str] | None = None
    hidden_columns: list[str] | None = None
    filter: Any = None
    sort: list[RowSort] | None = None


@model
class TableView(Model):
    """A view of a table.

    Attributes:
        name: Not necessarily unique.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        created_by_email: None for the view that each table has from the start.
    """

    id: str
    table_id: str
    name: str
    config: TableViewConfig
    is_default: bool
    created_at: str
    updated_at: str
    created_by_email: str | None = None
