"""Items of a batch as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simstudio.batch.items import BatchItem
from simstudio.batch.money import Money
from simstudio.batch.result_rows import COLUMNS, OutputColumns, flatten, row_of, with_cost, with_outputs
from simstudio.core.frame_libraries import import_library
from simstudio.core.frames import FrameBuilder, Layout, UntypedColumnWarning
from simstudio.core.notices import notify


class ItemFrame:
    """Makes a data frame of items, one row each.

    Args:
        library: ``pandas``, ``polars`` or ``arrow``.
        columns: Names of the columns; None for all.
        flat: Whether nested outputs become columns; rows are then held until :meth:`finish`, when all are known.
        cost: Any amount in the unit of the batch's budget; None without one.

    Raises:
        ConfigurationError: The library is not installed.
        InvalidInputError: There is no such library or column.
    """

    def __init__(self, library: str, columns: Sequence[str] | None, *, flat: bool, cost: Money | None) -> None:
        import_library(library)
        self._library = library
        self._names = columns
        self._found = OutputColumns() if flat else None
        self._rows: list[dict[str, Any]] = []
        self._columns = with_cost(COLUMNS, cost)
        self._builder = None if flat else FrameBuilder(library, Layout(self._columns, dict).select(columns).columns)

    def add(self, item: BatchItem) -> None:
        """Add an item."""
        row = row_of(item.to_dict())
        if self._builder is not None:
            self._builder.add([row])
        elif self._found is not None:
            flat = flatten(row)
            self._found.look(flat)
            self._rows.append(flat)

    def finish(self) -> Any:
        """The frame.

        Raises:
            InvalidInputError: There is no such column.
        """
        builder = self._builder
        if builder is None:
            found = self._found or OutputColumns()
            columns = Layout(with_outputs(self._columns, found.columns()), dict).select(self._names).columns
            builder = FrameBuilder(self._library, columns)
            builder.add(map(found.fit, self._rows))
        frame = builder.finish()
        for problem in builder.problems:
            notify(problem, UntypedColumnWarning)
        return frame
