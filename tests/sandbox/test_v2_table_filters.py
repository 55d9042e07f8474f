"""Filters of rows: those that the client makes select the rows that Python selects."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudio.models.v2.table_filters import all_of, any_of, check_filter, column
from simstudio.sandbox.checks import Issues
from simstudio.sandbox.data.predicates import Predicate, filter_rows, sort_rows
from simstudio.sandbox.data.tables import Column, Row
from simstudio.sandbox.http import Refusal
from tests.properties import examples

COLUMNS = [
    Column("qty", "number"),
    Column("name", "string"),
    Column("done", "boolean"),
    Column("due", "date"),
    Column("tags", "select", options={"a": "alpha", "b": "beta"}, multiple=True),
]
Wanted = tuple[Any, Callable[[dict[str, Any]], bool]]
"""A filter, and whether it selects a row."""

texts = st.text("aAbB*. ", max_size=4)
numbers = st.integers(-3, 3) | st.sampled_from([0.5, -1.5])
dates = st.dates(date(2026, 1, 1), date(2026, 1, 9))
values = {"qty": numbers, "name": texts, "done": st.booleans(), "due": dates.map(date.isoformat)}
rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={name: st.none() | each for name, each in values.items()}
        | {"tags": st.lists(st.sampled_from(["alpha", "beta"]), unique=True)},
    ),
    max_size=8,
)
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]


def _on(name: str, test: Callable[[Any], bool]) -> Callable[[dict[str, Any]], bool]:
    return lambda row: row.get(name) is not None and test(row[name])


def _not(test: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Any]], bool]:
    return lambda row: not test(row)


@st.composite
def conditions(draw: st.DrawFn) -> Wanted:
    name = draw(st.sampled_from(sorted(values)))
    field, value = column(name), draw(values[name])
    same = _on(name, lambda found: found == value)
    others = draw(st.lists(values[name], max_size=3))
    among = _on(name, lambda found: found in others)
    options: list[Wanted] = [
        (field == value, same),
        (field != value, _not(same)),
        (field.in_(others), among),
        (field.not_in(others), _not(among)),
        (field.is_null(), lambda row: row.get(name) is None),
        (field.is_not_null(), lambda row: row.get(name) is not None),
        (field.is_empty(), lambda row: row.get(name) in (None, "")),
        (field.is_not_empty(), lambda row: row.get(name) not in (None, "")),
    ]
    if name in ("qty", "name", "due"):
        options += [(compare(field, value), _compared(name, compare, value)) for compare in COMPARISONS]
    if name == "name":
        lower = value.lower()
        contains = _on(name, lambda found: lower in found.lower())
        options += [
            (field.contains(value), contains),
            (field.not_contains(value), _not(contains)),
            (field.startswith(value), _on(name, lambda found: found.lower().startswith(lower))),
            (field.endswith(value), _on(name, lambda found: found.lower().endswith(lower))),
            (field.like(value), _on(name, lambda found: _fits(value, found))),
            (field.like(value, ignore_case=True), _on(name, lambda found: _fits(lower, found.lower()))),
            (field.not_like(value), _not(_on(name, lambda found: _fits(value, found)))),
        ]
    return draw(st.sampled_from(options))


def _compared(name: str, compare: Callable[[Any, Any], bool], value: Any) -> Callable[[dict[str, Any]], bool]:
    return _on(name, lambda found: compare(found, value))


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def _grouped(inner: st.SearchStrategy[Wanted]) -> st.SearchStrategy[Wanted]:
    def group(of: Any, test: Any) -> Callable[[list[Wanted]], Wanted]:
        return lambda members: (
            of(*(each for each, _ in members)),
            lambda row: test(selects(row) for _, selects in members),
        )

    members = st.lists(inner, min_size=1, max_size=3)
    return members.map(group(all_of, all)) | members.map(group(any_of, any))


@settings(max_examples=examples(120), deadline=None)
@given(rows, st.recursive(conditions(), _grouped, max_leaves=6))
def test_a_filter_selects_the_rows_that_python_selects(data: list[dict[str, Any]], wanted: Wanted) -> None:
    predicate, selects = wanted
    issues = Issues()
    Predicate(may_be_bare=False).read(check_filter("filter", predicate), ("filter",), issues)
    assert issues == []
    found = filter_rows(_rows(data), predicate, COLUMNS)
    assert [row.data for row in found] == [each for each in data if selects(each)]


@settings(max_examples=examples(40), deadline=None)
@given(rows, st.sampled_from(["qty", "due"]), st.booleans())
def test_an_order_is_that_of_python_with_empty_values_last(
    data: list[dict[str, Any]], name: str, descending: bool
) -> None:
    sort = column(name).desc() if descending else column(name).asc()
    there = [each for each in data if each.get(name) is not None]
    there.sort(key=lambda each: each[name], reverse=descending)
    found = sort_rows(_rows(data), [dict(sort)], COLUMNS)
    assert [row.data for row in found] == there + [each for each in data if each.get(name) is None]


@pytest.mark.parametrize(
    ("predicate", "message", "details"),
    [
        (
            column("colour") == 1,
            'Unknown filter column "colour". It is not a column on this table.',
            {"code": "INVALID_FILTER"},
        ),
        (column("qty") > "many", 'Range operator on column "qty" (number) requires a number, got string', None),
        (column("due") > "soon", 'Range operator on column "due" (date) requires a date, got string', None),
    ],
)
def test_a_filter_that_fits_no_column_is_refused(predicate: Any, message: str, details: Any) -> None:
    with pytest.raises(Refusal) as caught:
        filter_rows([], predicate, COLUMNS)
    assert (caught.value.status, caught.value.message, caught.value.details) == (400, message, details)


def test_choices_are_found_by_name_and_by_id() -> None:
    given_rows = _rows([{"tags": ["alpha"]}, {"tags": ["alpha", "beta"]}, {}])
    for choice in ("b", "beta"):
        assert filter_rows(given_rows, column("tags").contains(choice), COLUMNS) == given_rows[1:2]
    assert filter_rows(given_rows, column("tags").not_contains("b"), COLUMNS) == [given_rows[0], given_rows[2]]


def test_rows_are_found_by_their_ids_and_times() -> None:
    given_rows = _rows([{}, {}])
    assert filter_rows(given_rows, column("id") == "row_1", COLUMNS) == given_rows[1:]
    assert filter_rows(given_rows, column("createdAt") > "1970-01-01T00:00:00Z", COLUMNS) == given_rows[1:]


def _rows(data: list[dict[str, Any]]) -> list[Row]:
    return [Row(f"row_{number}", dict(each), float(number), float(number)) for number, each in enumerate(data)]
