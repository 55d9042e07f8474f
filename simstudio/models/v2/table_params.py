"""Parameters of operations on tables: typed dicts with the wire names, which editors complete.

Each may be given as a model that an operation returned, or as a plain mapping: Sim accepts more than is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from simstudio.models.v2.table_views import RowSort, TableViewConfig
from simstudio.models.v2.tables import ColumnOption, TableColumn, TableSchema

if TYPE_CHECKING:
    from typing import TypeAlias

ColumnType: TypeAlias = Literal["string", "number", "currency", "boolean", "date", "ttl", "json", "select"]
"""Type of the values of a column. ``ttl`` is unknown to servers before September 2026."""


# -- columns --------------------------------------------------------------------------------------------------------


class NewOption(TypedDict):
    """A choice of a ``select`` column."""

    id: str
    name: str


class _ColumnRules(TypedDict, total=False):
    required: bool
    unique: bool


class _ColumnSettings(_ColumnRules, total=False):
    options: Sequence[NewOption | ColumnOption]
    multiple: bool
    currencyCode: str


class _NewColumn(TypedDict):
    name: str
    type: ColumnType


class NewColumn(_NewColumn, _ColumnSettings, total=False):
    """A new column; ``required``, ``unique`` and ``multiple`` are False by default."""

    id: str


class PlacedColumn(_NewColumn, _ColumnSettings, total=False):
    """A new column of an existing table; ``position`` counts from 0, and the column comes last without it."""

    id: str
    position: int


class ColumnChanges(_ColumnSettings, total=False):
    """Changes of a column; keys that are left out stay as they are."""

    name: str
    type: ColumnType


class NewOutputColumn(_NewColumn, _ColumnRules):
    """A new column that a group fills."""


class NewSchema(TypedDict):
    """The columns of a new table: 1 to 1,000."""

    columns: Sequence[NewColumn | TableColumn]


TableSchemaInput: TypeAlias = NewSchema | TableSchema | Mapping[str, Any]
"""The columns of a new table; ``schema`` of another table is accepted."""


# -- rows -----------------------------------------------------------------------------------------------------------


class RowChanges(TypedDict):
    """New values of a row; columns that are left out keep theirs."""

    rowId: str
    data: Mapping[str, Any]


Operator: TypeAlias = Literal[
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "nin",
    "contains",
    "ncontains",
    "startsWith",
    "endsWith",
    "like",
    "ilike",
    "nlike",
    "nilike",
    "isEmpty",
    "isNotEmpty",
    "isNull",
    "isNotNull",
]
"""The operators of conditions; the last four take no value."""


class _Condition(TypedDict):
    field: str
    op: Operator


class Condition(_Condition, total=False):
    """A condition on one column."""

    value: Any


class AllOf(TypedDict):
    """Conditions and groups that must all match: 1 to 100."""

    all: Sequence[Condition | AllOf | AnyOf]


class AnyOf(TypedDict):
    """Conditions and groups of which one must match: 1 to 100."""

    any: Sequence[Condition | AllOf | AnyOf]


class Sort(TypedDict):
    """One column of an order."""

    field: str
    direction: Literal["asc", "desc"]


# -- views ----------------------------------------------------------------------------------------------------------


class ViewConfig(TypedDict, total=False):
    """Settings of a view; ``filter`` and ``sort`` are removed by None."""

    columnWidths: Mapping[str, float]
    columnOrder: Sequence[str]
    pinnedColumns: Sequence[str]
    hiddenColumns: Sequence[str]
    filter: AllOf | AnyOf | None
    sort: Sequence[Sort | RowSort] | None


ViewConfigInput: TypeAlias = ViewConfig | TableViewConfig | Mapping[str, Any]
"""Settings of a view; ``config`` of another view is accepted."""


# -- groups ---------------------------------------------------------------------------------------------------------


class Dependencies(TypedDict, total=False):
    """The columns that must have a value before a group runs."""

    columns: Sequence[str]


class _Output(TypedDict):
    columnName: str


class Output(_Output, total=False):
    """An output and its column: ``blockId`` and ``path`` of a workflow, or ``outputId`` of an enrichment."""

    blockId: str
    path: str
    outputId: str


class OutputMapping(TypedDict):
    """The output that fills a column from now on."""

    columnName: str
    blockId: str
    path: str


class Input(TypedDict):
    """An input of the workflow or enrichment, and the column that it is read from."""

    inputName: str
    columnName: str


class _NewGroup(TypedDict):
    outputs: Sequence[Output]
    autoRun: bool


class NewGroup(_NewGroup, total=False):
    """A new group; ``autoRun``: whether it runs in each row that is inserted from now on, at its cost."""

    id: str
    workflowId: str
    enrichmentId: str
    name: str
    type: Literal["manual", "enrichment"]
    dependencies: Dependencies
    inputMappings: Sequence[Input]
    deploymentMode: Literal["live", "deployed"]


class RowLimit(TypedDict):
    """The largest number of rows that a dispatch runs."""

    type: Literal["rows"]
    max: int


# -- imports --------------------------------------------------------------------------------------------------------


class UploadSource(TypedDict):
    """A file that is uploaded; ``size`` is its number of bytes."""

    type: Literal["upload"]
    name: str
    contentType: str
    size: int


class WorkspaceFileSource(TypedDict):
    """A file of the workspace."""

    type: Literal["workspace_file"]
    fileId: str


class _NewTable(TypedDict):
    type: Literal["new"]
    name: str


class NewTable(_NewTable, total=False):
    """A table that the import creates."""

    folderPath: str


class ExistingTable(TypedDict):
    """A table that the import appends to, or whose rows it replaces."""

    type: Literal["existing"]
    tableId: str
    mode: Literal["append", "replace"]
