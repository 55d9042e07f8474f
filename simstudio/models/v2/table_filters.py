"""Filters and orders of rows, written in Python.

For example::

    from simstudio.models.v2.table_filters import all_of, any_of, column

    open_deals = all_of(column("qty") > 2, any_of(column("stage") == "Won", column("stage").is_null()))
    for row in client.v2.tables.rows.query("tbl_1", workspace_id="ws", predicate=open_deals):
        print(row.data)

A filter is JSON data, as Sim takes it; filters that were written as such data are accepted everywhere as well. All are
checked before they are sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import attrs

from simstudio.core.parameters import abbreviate, conversion, items
from simstudio.models.v2.table_params import AllOf, AnyOf, Condition, Operator, Sort
from simstudio.models.v2.table_views import RowSort
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

MOST_MEMBERS: Final = 100
"""Members of a group of a filter."""
MOST_LEVELS: Final = 10
"""Groups within groups of a filter."""
MOST_NODES: Final = 500
"""Groups and conditions of a filter."""

_OPERATORS: Final = frozenset(get_args(Operator))
_WITHOUT_VALUE: Final = frozenset({"isEmpty", "isNotEmpty", "isNull", "isNotNull"})
_DIRECTIONS: Final = ("asc", "desc")
_OF_LISTS: Final = frozenset({"in", "nin"})


@attrs.frozen(eq=False)
class column:  # noqa: N801 - read as a function: column("qty") > 2
    """A column of a table, from which conditions and orders are made.

    ``!=``, :meth:`not_in`, :meth:`not_contains` and :meth:`not_like` match rows without a value as well. ``id``,
    ``createdAt`` and ``updatedAt`` can be used like columns. A ``select`` column takes the name or id of a choice.

    Attributes:
        name: Name of the column, not its id.
    """

    name: str

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, value: object) -> AllOf:  # type: ignore[override]
        return self._is("eq", value)

    def __ne__(self, value: object) -> AllOf:  # type: ignore[override]
        return self._is("ne", value)

    def __gt__(self, value: object) -> AllOf:
        return self._is("gt", value)

    def __ge__(self, value: object) -> AllOf:
        return self._is("gte", value)

    def __lt__(self, value: object) -> AllOf:
        return self._is("lt", value)

    def __le__(self, value: object) -> AllOf:
        return self._is("lte", value)

    def in_(self, values: Iterable[object]) -> AllOf:
        """The value is one of these."""
        return self._is("in", list(values))

    def not_in(self, values: Iterable[object]) -> AllOf:
        """The value is none of these, or there is no value."""
        return self._is("nin", list(values))

    def contains(self, value: object) -> AllOf:
        """The text contains this text, in upper or lower case; or the choices include this choice."""
        return self._is("contains", value)

    def not_contains(self, value: object) -> AllOf:
        """The opposite of :meth:`contains`; also if there is no value."""
        return self._is("ncontains", value)

    def startswith(self, text: str) -> AllOf:
        """The text begins with this text, in upper or lower case."""
        return self._is("startsWith", text)

    def endswith(self, text: str) -> AllOf:
        """The text ends with this text, in upper or lower case."""
        return self._is("endsWith", text)

    def like(self, pattern: str, *, ignore_case: bool = False) -> AllOf:
        """The text fits a pattern, in which ``*`` stands for any text."""
        return self._is("ilike" if ignore_case else "like", pattern)

    def not_like(self, pattern: str, *, ignore_case: bool = False) -> AllOf:
        """The opposite of :meth:`like`; also if there is no value."""
        return self._is("nilike" if ignore_case else "nlike", pattern)

    def is_empty(self) -> AllOf:
        """There is no value, or an empty one."""
        return _alone({"field": self.name, "op": "isEmpty"})

    def is_not_empty(self) -> AllOf:
        """There is a value that is not empty."""
        return _alone({"field": self.name, "op": "isNotEmpty"})

    def is_null(self) -> AllOf:
        """There is no value."""
        return _alone({"field": self.name, "op": "isNull"})

    def is_not_null(self) -> AllOf:
        """There is a value."""
        return _alone({"field": self.name, "op": "isNotNull"})

    def asc(self) -> Sort:
        """The order by this column, lowest value first."""
        return {"field": self.name, "direction": "asc"}

    def desc(self) -> Sort:
        """The order by this column, highest value first."""
        return {"field": self.name, "direction": "desc"}

    def _is(self, op: Operator, value: object) -> AllOf:
        values: Any = [_json(each) for each in value] if isinstance(value, list) else _json(value)
        return _alone({"field": self.name, "op": op, "value": values})


def all_of(*filters: AllOf | AnyOf | Condition) -> AllOf:
    """Combine filters: rows must match all of them."""
    return {"all": [_without_group(each) for each in filters]}


def any_of(*filters: AllOf | AnyOf | Condition) -> AnyOf:
    """Combine filters: rows must match at least one of them."""
    return {"any": [_without_group(each) for each in filters]}


def _alone(condition: Condition) -> AllOf:
    return {"all": [condition]}


def _without_group(one: AllOf | AnyOf | Condition) -> AllOf | AnyOf | Condition:
    """The only member of a group, instead of the group."""
    data: Mapping[str, Any] = one
    members = data.get("all", data.get("any"))
    if isinstance(members, Sequence) and len(members) == 1:
        inner: AllOf | AnyOf | Condition = members[0]
        return inner
    return one


def _json(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def check_filter(name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a filter, if the server accepts its form.

    Raises:
        InvalidInputError: The message names the place in the filter.
    """
    if "field" in value:
        raise InvalidInputError(
            f'{name} must be a group here, also around one condition: {{"all": [{abbreviate(dict(value))}]}}.'
        )
    return check_predicate(name, value)


def check_predicate(name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a filter or condition, if the server accepts its form.

    Raises:
        InvalidInputError: The message names the place in the filter.
    """
    nodes = _check_node(name, value, 1)
    if nodes > MOST_NODES:
        raise InvalidInputError(f"{name} must have at most {MOST_NODES} groups and conditions, not {nodes:,}.")
    return value


def _check_node(at: str, node: Any, level: int) -> int:
    """Check a group or condition, and return the number of groups and conditions in it."""
    if not isinstance(node, Mapping):
        raise InvalidInputError(f"{at} must be a condition or a group, not {abbreviate(node)}.")
    if "field" in node or "op" in node:
        _check_condition(at, node)
        return 1
    if len(node) != 1 or not ({"all", "any"} & set(node)):
        raise InvalidInputError(
            f"{at} must be a condition with field, op and value, or a group with either all or any; it has "
            f"{', '.join(map(str, node)) or 'nothing'}."
        )
    ((kind, members),) = node.items()
    if isinstance(members, (str, bytes)) or not isinstance(members, Sequence) or not 1 <= len(members) <= MOST_MEMBERS:
        raise InvalidInputError(f"{at}.{kind} must be a list of 1 to {MOST_MEMBERS} conditions and groups.")
    if level > MOST_LEVELS:
        raise InvalidInputError(f"{at} must have at most {MOST_LEVELS} groups within one another.")
    return 1 + sum(_check_node(f"{at}.{kind}[{index}]", each, level + 1) for index, each in enumerate(members))


def _check_condition(at: str, condition: Mapping[str, Any]) -> None:
    field, op = condition.get("field"), condition.get("op")
    if not isinstance(field, str) or not field:
        raise InvalidInputError(f"{at}.field must be the name of a column, not {abbreviate(field)}.")
    if op not in _OPERATORS:
        raise InvalidInputError(f"{at}.op must be {', '.join(sorted(_OPERATORS))}; not {abbreviate(op)}.")
    if more := set(condition) - {"field", "op", "value"}:
        raise InvalidInputError(f"{at} must have field, op and value, and not {', '.join(sorted(map(str, more)))}.")
    value = condition.get("value")
    if op not in _WITHOUT_VALUE and "value" not in condition:
        raise InvalidInputError(f"{at} must have a value for the operator {op}.")
    if op in _OF_LISTS and (isinstance(value, str) or not isinstance(value, Sequence)):
        raise InvalidInputError(f"{at}.value must be a list for the operator {op}, not {abbreviate(value)}.")


def check_order(name: str, value: Sequence[Any]) -> Sequence[Any]:
    """Return an order, if the server accepts its form.

    Raises:
        InvalidInputError: The message names the place in the order.
    """
    for index, each in enumerate(value):
        if not isinstance(each, Mapping) or set(each) != {"field", "direction"} or each["direction"] not in _DIRECTIONS:
            raise InvalidInputError(
                f"{name}[{index}] must be the field and the direction (asc or desc) of a column, such as "
                f'column("qty").desc(), not {abbreviate(each)}.'
            )
    return value


RowFilter: TypeAlias = Annotated[AllOf | AnyOf | Mapping[str, Any], conversion(check_filter)]
"""A filter of rows: made with :class:`column`, :func:`all_of` and :func:`any_of`, or a group as JSON data."""

RowPredicate: TypeAlias = Annotated[AllOf | AnyOf | Condition | Mapping[str, Any], conversion(check_predicate)]
"""A filter of rows as in :data:`RowFilter`, or one condition."""

RowOrder: TypeAlias = Annotated[Sequence[Sort | RowSort | Mapping[str, Any]], items(None, 16), conversion(check_order)]
"""An order of rows, the first column first; at most 16: ``[column("qty").desc()]``."""
