"""``simstudio.core.frames`` and ``frame_readers``: rows become frames of each library, and frames become rows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from simstudio import ConfigurationError, InvalidInputError
from simstudio.core import frame_readers, frames
from simstudio.core.frame_readers import json_row, read_frame
from simstudio.core.frames import Column, FrameBuilder, UntypedColumnWarning
from simstudio.core.model import Model, model
from simstudio.core.modes import M
from simstudio.core.paging import Page, Pages
from simstudio.core.resource import APIResource
from simstudio.transport.flow import Flow
from tests.driving import Both, client, resource, result_of
from tests.modes import both_modes

LIBRARIES = ("pandas", "polars", "arrow")
COLUMNS = [
    Column("text", "text"), Column("whole", "integer"), Column("number", "number"), Column("flag", "boolean"),
    Column("day", "date"), Column("local", "date"), Column("moment", "date"), Column("tags", "list"),
    Column("data", "json"), Column("empty", "date"),
]  # fmt: skip
ROWS: list[dict[str, Any]] = [
    {"text": "ü", "whole": 2**62, "number": 12345678901234567000, "flag": True, "day": "2026-12-24",
     "local": "2026-12-24 01:02", "moment": "2026-12-24T23:30:00+02:00", "tags": ["x", "y"], "data": {"a": [1, None]},
     "ignored": 1},
    {"text": None, "number": 0.5, "flag": False, "day": "2026-12-25", "local": "2026-12-24T01:02:03.5",
     "moment": "2026-12-24T00:00:00Z", "tags": [], "data": "text"},
    {},
]  # fmt: skip
READ = [
    {"text": "ü", "whole": 2**62, "number": 12345678901234567e3, "flag": True, "day": "2026-12-24",
     "local": "2026-12-24T01:02:00", "moment": "2026-12-24T21:30:00+00:00", "tags": ["x", "y"],
     "data": {"a": [1, None]}, "empty": None},
    {"text": None, "whole": None, "number": 0.5, "flag": False, "day": "2026-12-25",
     "local": "2026-12-24T01:02:03.500000", "moment": "2026-12-24T00:00:00+00:00", "tags": [], "data": "text",
     "empty": None},
    dict.fromkeys(column.name for column in COLUMNS),
]  # fmt: skip
TYPES = {
    "pandas": ["string", "Int64", "Float64", "boolean", "datetime64[us]", "datetime64[us]", "datetime64[us, UTC]",
               "object", "object", "datetime64[us]"],
    "polars": ["String", "Int64", "Float64", "Boolean", "Date", "Datetime(time_unit='us', time_zone=None)",
               "Datetime(time_unit='us', time_zone='UTC')", "List(String)", "String", "Date"],
    "arrow": ["string", "int64", "double", "bool", "date32[day]", "timestamp[us]", "timestamp[us, tz=UTC]",
              "list<item: string>", "string", "date32[day]"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _two_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(frame_readers, "ROWS_AT_ONCE", 2)


def build(library: Any, columns: list[Column], rows: list[Any]) -> tuple[Any, list[str]]:
    builder = FrameBuilder(library, columns)
    builder.add(rows)
    return builder.finish(), builder.problems


def types_of(frame: Any) -> list[str]:
    return [str(each) for each in (frame.schema.types if isinstance(frame, pa.Table) else frame.dtypes)]


def values_of(frame: Any, name: str) -> list[Any]:
    return [row[name] for row in read_frame(frame).rows()]


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_become_a_frame_with_the_types_of_its_columns_and_rows_again(library: str) -> None:
    frame, problems = build(library, COLUMNS, ROWS)
    assert types_of(frame) == TYPES[library]
    assert problems == []
    assert list(read_frame(frame).rows(as_json=["data"])) == READ
    empty, _ = build(library, COLUMNS[:4], [])
    assert (types_of(empty), list(read_frame(empty).rows())) == (TYPES[library][:4], [])


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_value_that_does_not_fit_leaves_its_column_as_it_came(library: str) -> None:
    came = [3, 4.5, None, "many", [True]]
    frame, problems = build(
        library, [Column("qty", "number"), Column("text", "text")], [{"qty": each} for each in came]
    )
    assert values_of(frame, "qty") == (came if library == "pandas" else ["3", "4.5", None, "many", "[true]"])
    assert problems == ["Column 'qty' is of kind number, which 'many' does not fit: it is untyped."]


@pytest.mark.parametrize(
    ("kind", "misfit"),
    [
        ("text", 1),
        ("integer", True),
        ("integer", 2**63),
        ("number", 10**400),
        ("boolean", 1),
        ("date", 2026),
        ("list", [1]),
    ],
)
def test_no_value_is_coerced(kind: Any, misfit: Any) -> None:
    frame, problems = build("arrow", [Column("a", kind)], [{"a": misfit}])
    assert values_of(frame, "a") == [str(misfit).replace("True", "true")]
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["2026-01-01", "someday"], "holds 'someday', which is no date"),
        (["2026-01-01", "2026-02-30"], "holds '2026-02-30', which is no date"),
        (["2026-01-01T00:00:00.1234567Z"], "which is no date"),
        (["0001-01-01T00:00:00+02:00"], "which is no date"),
        (["2026-01-01", None, "2026-01-01T00:00:00"], "holds dates of several forms"),
        (["2026-01-01T00:00:00", "2026-01-01T00:00:00Z"], "holds dates of several forms"),
    ],
)
def test_dates_that_cannot_be_one_type_stay_text(texts: list[Any], problem: str) -> None:
    frame, problems = build("arrow", [Column("due", "date")], [{"due": each} for each in texts])
    assert values_of(frame, "due") == texts
    assert problem in problems[0]


def test_half_a_surrogate_pair_is_shown() -> None:
    frame, _ = build("arrow", [Column("a", "text"), Column("b", "list")], [{"a": "\ud800", "b": ["\ud800"]}])
    assert frame.to_pylist() == [{"a": "\\ud800", "b": ["\\ud800"]}]


@pytest.mark.parametrize(("library", "package"), [("pandas", "pandas"), ("polars", "polars"), ("arrow", "pyarrow")])
def test_a_library_that_is_not_installed_is_named(library: Any, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=f"needs {package}, which is not installed: pip install {package}$"):
        FrameBuilder(library, [])


# -- frames to rows -----------------------------------------------------------------------------------------------


def test_pandas_columns_of_each_type_are_read() -> None:
    import numpy as np
    import pandas as pd

    nan = float("nan")
    frame = pd.DataFrame(
        {
            "float": [1.5, nan, 2.0],
            "int": np.array([1, 2, 3], dtype="uint8"),
            "category": pd.Categorical(["a", None, "b"]),
            "objects": pd.Series([np.int64(1), {"k": (pd.NA, nan)}, np.array([1, 2])], dtype=object),
            "decimal": [Decimal("1.5"), None, Decimal("NaN")],
            "day": pd.to_datetime(["2026-01-01", None, "2026-01-02"]),
            "time": pd.to_datetime(["2026-01-01 00:00", None, "2026-01-02 03:00"]),
            "moment": pd.to_datetime(["2026-01-01T00:00:00Z", None, None]).tz_convert("Europe/Berlin"),
            "dates": pd.Series([date(2026, 1, 1), None, pd.NaT], dtype=object),
        }
    ).set_axis([7, 8, 9])
    reader = read_frame(frame)
    assert [column.kind for column in reader.columns] == [
        "number", "integer", "text", "json", "number", "date", "date", "date", "date",
    ]  # fmt: skip
    assert list(reader.rows()) == [
        {"float": 1.5, "int": 1, "category": "a", "objects": 1, "decimal": 1.5, "day": "2026-01-01",
         "time": "2026-01-01T00:00:00", "moment": "2026-01-01T01:00:00+01:00", "dates": "2026-01-01"},
        {"float": None, "int": 2, "category": None, "objects": {"k": [None, None]}, "decimal": None, "day": None,
         "time": None, "moment": None, "dates": None},
        {"float": 2.0, "int": 3, "category": "b", "objects": [1, 2], "decimal": None, "day": "2026-01-02",
         "time": "2026-01-02T03:00:00", "moment": None, "dates": None},
    ]  # fmt: skip


def test_polars_columns_of_each_type_are_read() -> None:
    import polars as pl

    frame = pl.DataFrame(
        {"a": [1, None], "b": [Decimal("0.5"), None], "c": [{"x": 1}, None], "d": [None, None], "e": [[1.0], []]},
        schema_overrides={"a": pl.UInt8},
    ).with_columns(f=pl.Series(["x", None], dtype=pl.Categorical))
    reader = read_frame(frame)
    assert [column.kind for column in reader.columns] == ["integer", "number", "json", "text", "json", "text"]
    assert list(reader.rows()) == [
        {"a": 1, "b": 0.5, "c": {"x": 1}, "d": None, "e": [1.0], "f": "x"},
        {"a": None, "b": None, "c": None, "d": None, "e": [], "f": None},
    ]
    with pytest.raises(InvalidInputError, match=r"frame\.collect\(\)"):
        read_frame(frame.lazy())


def far_pandas() -> Any:
    import numpy as np
    import pandas as pd

    return pd.DataFrame({"at": np.array(["2026-01-01", "10000-01-01"], dtype="datetime64[s]")})


def far_polars(*, nested: bool = False) -> Any:
    import polars as pl

    moments = pl.Series([1_767_225_600_000, 253_402_300_800_000]).cast(pl.Datetime("ms"))
    return pl.DataFrame({"at": moments.reshape((2, 1)).arr.to_list() if nested else moments})


def far_arrow() -> Any:
    return pa.table({"at": pa.array([1_767_225_600, 253_402_300_800], pa.timestamp("s"))})


def bad_text() -> Any:
    ends = pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0")
    return pa.table({"at": pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"a\xff")])})


@pytest.mark.parametrize(
    ("make", "first"),
    [
        (far_polars, "2026-01-01T00:00:00"),
        (partial(far_polars, nested=True), ["2026-01-01T00:00:00"]),
        (far_arrow, "2026-01-01T00:00:00"),
        (bad_text, "a"),
    ],
)
def test_a_value_that_python_cannot_hold_is_named(make: Callable[[], Any], first: Any) -> None:
    rows = read_frame(make()).rows()
    with pytest.raises(InvalidInputError, match=r"Row 1 of the data frame, column 'at', cannot be read \(\w+: "):
        list(rows)
    [[one, other]] = next(read_frame(make()).parts())
    assert json_row({"at": one}) == {"at": first}
    with pytest.raises(InvalidInputError, match=r"Column 'at' cannot be read"):
        json_row({"at": other})


def test_a_day_after_the_year_9999_is_a_moment() -> None:
    assert [row["at"] for row in read_frame(far_pandas()).rows()] == ["2026-01-01", "10000-01-01T00:00:00"]


def test_whole_numbers_of_a_decimal_column_keep_their_digits() -> None:
    whole = [Decimal(12345678901234567891), Decimal(5), Decimal("1E+3")]
    assert json_row({str(value): value for value in whole}) == {str(value): int(value) for value in whole}
    assert [type(value) for value in json_row({"a": Decimal("5.00"), "b": Decimal("NaN")}).values()] == [
        float,
        type(None),
    ]
    with pytest.raises(InvalidInputError, match="is inf, which JSON cannot say"):
        json_row({"a": Decimal("1E+999999")})


def test_a_stream_of_arrow_data_is_read_as_it_comes() -> None:
    schema = pa.schema([("at", pa.timestamp("ns")), ("name", pa.dictionary(pa.int8(), pa.string()))])
    at = pa.array([1_500, None, 0], pa.timestamp("ns"))
    batch = pa.record_batch([at, pa.array(["a", None, "b"]).dictionary_encode()], schema=schema)
    given: list[int] = []

    def batches() -> Any:
        for number in range(3):
            given.append(number)
            yield batch

    reader = read_frame(pa.RecordBatchReader.from_batches(schema, batches()))
    assert [column.kind for column in reader.columns] == ["date", "text"]
    rows = reader.rows()
    assert next(rows) == {"at": "1970-01-01T00:00:00.000001", "name": "a"}
    assert given == [0]
    assert len(list(rows)) == 8
    assert next(read_frame(batch).rows())["name"] == "a"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([1.0, 2.0, float("inf")]), "Row 2 of the data frame, column 'a', is inf, which JSON cannot say"),
        (pa.array([None, b"x"]), "Row 1 .* is of type bytes, which is no JSON data"),
        (pa.array([timedelta(1)]), "Row 0 .* is of type datetime.timedelta, which is no JSON data"),
    ],
)
def test_a_value_that_is_no_json_data_is_named(column: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        list(read_frame(pa.table({"a": column})).rows())


def test_a_text_that_is_no_json_in_a_column_of_json_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"Row 1 of the data frame, column 'a', is '\{', which is no JSON"):
        list(read_frame(pa.table({"a": ['{"k": 1}', "{"]})).rows(as_json=["a"]))


def test_what_is_no_frame_is_refused() -> None:
    import pandas as pd

    with pytest.raises(InvalidInputError, match="it is of type list"):
        read_frame([{"a": 1}])
    for names in (["a", "a"], [0, 1]):
        with pytest.raises(InvalidInputError, match="different texts as names"):
            read_frame(pd.DataFrame([[1, 2]], columns=names))


# -- lists --------------------------------------------------------------------------------------------------------


@model
class Thing(Model):
    id: str
    size: int | None = None
    when: datetime | None = None
    parts: list[str] | None = None
    more: dict[str, int] | None = None


class Numbered(Pages[Thing]):
    """Two pages."""

    def __init__(self, *items: Any) -> None:
        super().__init__(Thing)
        self.items = items

    def fetch(self, cursor: str | None) -> Flow[Page[Thing]]:
        yield from ()
        return Page([self.items[int(cursor or 0)]], None if cursor else "1")


@both_modes
async def test_a_list_becomes_a_frame_of_its_fields(both: Both) -> None:
    from simstudio import AsyncPager, Pager

    things = Numbered(Thing("a", 1, parts=["p"], more={"n": 1}), "no object")
    pager = (AsyncPager if both.asynchronous else Pager)(resource(APIResource[M], both.client()), things)
    frame = await both(pager.to_dataframe("arrow", columns=["more", "parts", "id"]))
    assert frame.to_pylist() == [
        {"more": '{"n":1}', "parts": ["p"], "id": "a"}, {"more": None, "parts": None, "id": None},
    ]  # fmt: skip


def test_a_warning_names_the_columns_that_are_untyped() -> None:
    with pytest.warns(UntypedColumnWarning, match="Column 'size' is of kind integer, which 'big' does not fit"):
        frame = result_of(Numbered(Thing("a"), Thing("b", "big")).to_dataframe("arrow", None))  # type: ignore[arg-type]
    assert frame.column_names == ["id", "size", "when", "parts", "more"]


@pytest.mark.parametrize(
    ("library", "columns", "message"),
    [
        ("excel", None, "library must be 'pandas', 'polars', 'arrow', not 'excel'"),
        ("arrow", ["id", "color"], "columns must be a list of some of id, size, when, parts, more"),
        ("arrow", "id", "columns must be a list of some of"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_sent(library: Any, columns: Any, message: str) -> None:
    used = client()
    with pytest.raises(InvalidInputError, match=message):
        result_of(Numbered().to_dataframe(library, columns))
    assert used.script.requests == []
