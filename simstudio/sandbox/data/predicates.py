"""Filters of v2 rows: conditions and groups, with the semantics of the server's SQL."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Check, Issue, Issues, Path
from simstudio.sandbox.data.cells import coerce
from simstudio.sandbox.data.filters import sort_rows as sort_by_kind
from simstudio.sandbox.data.values import contains, moment_of, text_of
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from simstudio.sandbox.data.tables import Column, Row

Test = Callable[["Row"], bool]

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_WITHOUT_VALUE = ("isEmpty", "isNotEmpty", "isNull", "isNotNull")
_OPPOSITES = {
    "ne": "eq",
    "nin": "in",
    "ncontains": "contains",
    "nlike": "like",
    "nilike": "ilike",
    "isNotEmpty": "isEmpty",
    "isNotNull": "isNull",
}
_TEXTS = ("contains", "startsWith", "endsWith", "like", "ilike")
_OPERATORS = ("eq", "in", *_TEXTS, "isEmpty", "isNull", *_COMPARISONS, *_OPPOSITES)
_OF_ROWS = ("id", "createdAt", "updatedAt")
_MOST_MEMBERS, _MOST_LEVELS, _MOST_NODES = 100, 10, 500


@attrs.frozen
class Predicate(Check):
    """The form of a filter.

    Attributes:
        may_be_bare: Whether a condition without a group is accepted.
    """

    may_be_bare: bool = True

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check groups and conditions; most issues have the message "Invalid input"."""
        bare = self.may_be_bare and isinstance(value, Mapping) and "field" in value
        group = None if bare else _members(value)
        if group is not None and not group[1]:
            message = "A filter group must contain at least one condition"
            issues.append(Issue("small", (*path, group[0]), message, {"unit": "array", "bound": 1}))
        elif not (_is_condition(value) if bare else group is not None and all(map(_is_node, group[1]))):
            issues.append(Issue("union", path, None, {"tried": []}))
        else:
            limits = zip(_measure(value), _MOST, _TOO_MUCH, strict=True)
            too_much = next((message for size, most, message in limits if size > most), None)
            if too_much is not None:
                issues.append(Issue("custom", path, too_much))
        return value


class _Size(NamedTuple):
    members: int
    levels: int
    nodes: int


_MOST = _Size(_MOST_MEMBERS, _MOST_LEVELS, _MOST_NODES)
_TOO_MUCH = (
    f"A filter group can contain at most {_MOST_MEMBERS} conditions",
    f"A filter can be nested at most {_MOST_LEVELS} levels deep",
    f"A filter can contain at most {_MOST_NODES} nodes",
)


def _members(node: object) -> tuple[str, Sequence[object]] | None:
    if isinstance(node, Mapping) and len(node) == 1:
        ((kind, members),) = node.items()
        if kind in ("all", "any") and isinstance(members, list):
            return kind, members
    return None


def _is_node(node: object) -> bool:
    group = _members(node)
    return _is_condition(node) if group is None else bool(group[1]) and all(map(_is_node, group[1]))


def _is_condition(node: object) -> bool:
    return (
        isinstance(node, Mapping)
        and isinstance(node.get("field"), str)
        and node.get("op") in _OPERATORS
        and not set(node) - {"field", "op", "value"}
    )


def _measure(node: object) -> _Size:
    group = _members(node)
    if group is None:
        return _Size(0, 0, 1)
    inner = [_measure(each) for each in group[1]]
    return _Size(
        max(len(inner), *(each.members for each in inner)),
        1 + max(each.levels for each in inner),
        1 + sum(each.nodes for each in inner),
    )


def filter_rows(rows: Sequence[Row], predicate: Mapping[str, Any], columns: Sequence[Column]) -> list[Row]:
    """The rows that match a filter, in their order.

    Raises:
        Refusal: 400, a column or a value is wrong.
    """
    test = _test(predicate, {column.name: column for column in columns})
    return [row for row in rows if test(row)]


def sort_rows(rows: Sequence[Row], sort: Sequence[Mapping[str, str]], columns: Sequence[Column]) -> list[Row]:
    """Sort rows by several columns.

    Raises:
        Refusal: 400, there is no such column.
    """
    names = {column.name for column in columns}
    for each in sort:
        if each["field"] not in names and each["field"] not in _OF_ROWS:
            raise Refusal(400, f'Unknown sort column "{each["field"]}"', {"code": "INVALID_ORDER"})
    try:
        return sort_by_kind(rows, {each["field"]: each["direction"] for each in sort}, columns)
    except ValueError as error:
        raise Refusal(400, f"Cannot sort: {error}") from None


def _test(node: Mapping[str, Any], columns: Mapping[str, Column]) -> Test:
    group = _members(node)
    if group is None:
        return _condition(node, columns)
    tests = [_test(each, columns) for each in node[group[0]]]
    either = all if group[0] == "all" else any
    return lambda row: either(test(row) for test in tests)


def _condition(node: Mapping[str, Any], columns: Mapping[str, Column]) -> Test:
    field, op = node["field"], node["op"]
    column = columns.get(field)
    if column is None and field not in _OF_ROWS:
        raise _invalid(f'Unknown filter column "{field}". It is not a column on this table.')
    if op not in _WITHOUT_VALUE and "value" not in node:
        raise _invalid(f'Operator "{op}" on column "{field}" requires a value.')
    value = node.get("value")
    test = _value_test(_OPPOSITES.get(op, op), field, column, value)
    wanted = op not in _OPPOSITES
    read = _reader(field)
    return lambda row: test(read(row)) == wanted


def _reader(field: str) -> Callable[[Row], object]:
    if field == "id":
        return lambda row: row.id
    if field in _OF_ROWS:
        return lambda row: iso(row.created if field == "createdAt" else row.updated)
    return lambda row: row.data.get(field)


def _value_test(op: str, field: str, column: Column | None, value: Any) -> Callable[[object], bool]:
    """The test of an operator, without its negation."""
    if op == "isNull":
        return lambda found: found is None
    if op == "isEmpty":
        return lambda found: found is None or found in ("", [])
    if op in _COMPARISONS:
        return _comparison(op, field, column, value)
    if op == "in":
        if not isinstance(value, list):
            raise _invalid(f'Operator "in" on column "{field}" requires an array value.')
        tests = [_equality(column, each) for each in value]
        return lambda found: any(test(found) for test in tests)
    if op == "eq":
        return _equality(column, value)
    if op == "contains" and column is not None and column.kind == "select" and column.multiple:
        (wanted,) = _as_choices(column, value)
        return lambda found: isinstance(found, list) and wanted in found
    return _text_test(op, text_of(value) or "")


def _equality(column: Column | None, value: object) -> Callable[[object], bool]:
    if value is None:
        return lambda found: found is None
    wanted = value if column is None else coerce(value, column)
    return lambda found: found is not None and contains(found, wanted) and contains(wanted, found)


def _as_choices(column: Column, value: object) -> list[object]:
    names = column.options or {}
    return [names.get(value, value) if isinstance(value, str) else value]


def _comparison(op: str, field: str, column: Column | None, value: object) -> Callable[[object], bool]:
    kind = "date" if field in _OF_ROWS[1:] else "string" if column is None else column.kind
    compare = _COMPARISONS[op]
    if kind in ("number", "currency"):
        bound = None if column is None else coerce(value, column)
        if isinstance(bound, bool) or not isinstance(bound, (int, float)):
            raise _unfit(field, kind, "a number", value)
        return lambda found: isinstance(found, (int, float)) and not isinstance(found, bool) and compare(found, bound)
    if kind == "date":
        moment = moment_of(value) if isinstance(value, str) else None
        if moment is None:
            raise _unfit(field, kind, "a date", value)
        return lambda found: (at := _moment(found)) is not None and compare(at, moment)
    text = text_of(value) or ""
    return lambda found: found is not None and compare(text_of(found), text)


def _moment(found: object) -> float | None:
    return moment_of(found) if isinstance(found, str) else None


def _text_test(op: str, text: str) -> Callable[[object], bool]:
    pattern = re.escape(text)
    if op in ("like", "ilike"):
        pattern = "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", text))
    whole = {"startsWith": f"{pattern}.*", "endsWith": f".*{pattern}", "contains": f".*{pattern}.*"}.get(op, pattern)
    matches = re.compile(whole, re.DOTALL | (0 if op == "like" else re.IGNORECASE)).fullmatch
    return lambda found: found is not None and matches(text_of(found) or "") is not None


def _invalid(message: str) -> Refusal:
    return Refusal(400, message, {"code": "INVALID_FILTER"})


def _unfit(field: str, kind: str, wanted: str, value: object) -> Refusal:
    name = jsontext.type_name(value)
    return Refusal(400, f'Range operator on column "{field}" ({kind}) requires {wanted}, got {name}')
