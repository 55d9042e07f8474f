"""The files of ``out=``: their formats, columns and types; and ``to_dataframe``, whose rows are the same."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pyarrow.parquet as pq
import pytest

from simstudio import ConfigurationError, ExecutionError, InvalidInputError, ResultsError, WorkflowExecutionResult
from simstudio.batch import result_rows
from simstudio.batch.formats import FileFormat, read_rows
from simstudio.batch.item_frames import ItemFrame
from simstudio.batch.items import BatchItem, refuse
from simstudio.batch.money import Credits, Dollars, Money
from simstudio.batch.results import Results, check_out
from simstudio.core.files import File

NAMES = [
    "index", "key", "state", "input", "output", "error_type", "error_message", "error_code", "attempts", "elapsed",
    "run_id",
]  # fmt: skip


def done(index: int, output: Any, value: Any = None) -> BatchItem:
    result = WorkflowExecutionResult(True, output)
    return BatchItem(index, {"n": index} if value is None else value, result, None, 1, 0.5, "done", str(index), "run")


def failed(index: int) -> BatchItem:
    return BatchItem(index, {"n": index}, None, ExecutionError("no", "E"), 2, 0.5, "failed", str(index), "run")


ITEMS = [done(0, {"text": "a", "deep": {"n": 1, "list": [1, 2]}}), failed(1), done(2, {"deep": {"n": 2.5}})]
SUFFIXES = ["jsonl", "jsonl.gz", "csv", "csv.gz", "parquet"]


def write(path: Path, items: Sequence[BatchItem], *, flat: bool = False, cost: Money | None = None) -> Path:
    results = Results(path, flat=flat, ordered=True, ledger=None, cost=cost)
    for item in items:
        results.add(item)
    list(results.finish(complete=True))
    results.close()
    return path


def rows(path: Path) -> list[Any]:
    form = FileFormat.of(path)
    assert form is not None
    return list(read_rows(path, form))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_item_is_a_row_and_nothing_else_is_left(tmp_path: Path, suffix: str) -> None:
    found = rows(write(tmp_path / f"out.{suffix}", ITEMS))

    assert [(str(row["index"]), row["key"], row["state"]) for row in found] == [
        ("0", "0", "done"),
        ("1", "1", "failed"),
        ("2", "2", "done"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == [f"out.{suffix}"]
    if "jsonl" not in suffix:
        assert list(found[0]) == NAMES
        assert [json.loads(row["output"]) if row["output"] else None for row in found] == [
            item.output for item in ITEMS
        ]
        assert [row["error_message"] or None for row in found] == [None, "no", None]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_batch_with_a_budget_has_the_cost_of_each_item(tmp_path: Path, suffix: str, flat: bool) -> None:
    items = [attrs.evolve(ITEMS[0], cost=Credits(Decimal("0.5"))), ITEMS[1]]

    priced, other = rows(write(tmp_path / f"out.{suffix}", items, flat=flat, cost=Credits(9)))

    if "jsonl" in suffix:
        assert (priced["cost"], "cost" in other) == ({"credits": 0.5}, False)
    else:
        assert list(priced)[-1] == "cost_credits"
        assert (float(priced["cost_credits"]), other["cost_credits"] or None) == (0.5, None)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_nested_output_has_columns_on_request(tmp_path: Path, suffix: str) -> None:
    found = rows(write(tmp_path / f"out.{suffix}", ITEMS, flat=True))

    first = {name: value for name, value in found[0].items() if name.startswith("output.")}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in first.items()}
    assert texts["output.text"] == "a"
    assert float(texts["output.deep.n"]) == 1
    assert json.loads(texts["output.deep.list"]) == [1, 2]
    assert not found[1].get("output.deep.n")


def test_columns_of_parquet_have_the_type_of_all_values(tmp_path: Path) -> None:
    outputs: list[dict[str, Any]] = [
        {"whole": 1, "number": 1, "flag": True, "mixed": "a", "large": 2**70, "odd": math.inf, "none": None},
        {"whole": 2, "number": 1.5, "flag": None, "mixed": 1, "large": 1, "odd": 1.0, "text": "late"},
    ]
    path = write(tmp_path / "out.parquet", [done(n, output) for n, output in enumerate(outputs)], flat=True)

    schema = {field.name: str(field.type) for field in pq.read_schema(path)}
    assert {name.removeprefix("output."): kind for name, kind in schema.items() if "output." in name} == {
        "whole": "int64", "number": "double", "flag": "bool", "mixed": "string", "large": "string", "odd": "string",
        "none": "string", "text": "string",
    }  # fmt: skip
    first, second = pq.read_table(path).to_pylist()
    assert (first["output.mixed"], second["output.mixed"], first["output.large"]) == ('"a"', "1", str(2**70))
    assert (first["output.text"], second["output.text"]) == (None, "late")


@pytest.mark.parametrize("output", ["text", 5, [1], {"a.b": 1, "a": {"b": 2}}])
def test_what_cannot_be_flattened_stays_in_its_column(tmp_path: Path, output: Any) -> None:
    (row,) = rows(write(tmp_path / "out.csv", [done(0, output)], flat=True))

    assert json.loads(row["output"]) == output


def test_values_without_a_column_of_their_own_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are ids would add a column for each item."""
    monkeypatch.setattr(result_rows, "_MOST_COLUMNS", 2)

    found = rows(write(tmp_path / "out.csv", [done(n, {f"id{n}": n, "same": 0}) for n in range(3)], flat=True))

    assert [name for name in found[0] if name.startswith("output.")] == ["output.id0", "output.same"]
    assert [row["output"] and json.loads(row["output"]) for row in found] == ["", {"output.id1": 1}, {"output.id2": 2}]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_odd_items_are_written(tmp_path: Path, suffix: str) -> None:
    nan = refuse(0, {"n": math.nan}, InvalidInputError("it is nan"))
    file = done(1, "\ud83d", value={"file": File(b"secret content", name="a.txt")})
    path = write(tmp_path / f"out.{suffix}", [nan, file, done(2, None)])

    assert len(rows(path)) == 3
    assert b"c2VjcmV0" not in path.read_bytes(), "a file is named, without its content"


def test_a_null_output_is_not_a_missing_one(tmp_path: Path) -> None:
    assert [row["output"] for row in rows(write(tmp_path / "out.csv", [done(0, None), failed(1)]))] == ["null", ""]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_batch_gives_an_empty_file(tmp_path: Path, suffix: str) -> None:
    assert rows(write(tmp_path / f"out.{suffix}", [])) == []


def test_an_early_end_keeps_the_items_so_far(tmp_path: Path) -> None:
    results = Results(tmp_path / "out.csv", flat=False, ordered=True, ledger=None)
    results.add(ITEMS[0])
    list(results.finish(complete=False))
    results.close()

    assert [row["index"] for row in rows(tmp_path / "out.csv")] == ["0"]


@pytest.mark.parametrize("began", [True, False])
def test_a_batch_without_any_item_leaves_the_file_that_was_there(tmp_path: Path, began: bool) -> None:
    (tmp_path / "out.csv").write_text("mine\n")
    results = Results(tmp_path / "out.csv", flat=False, ordered=True, ledger=None)
    if began:
        list(results.finish(complete=False))
    results.close()

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.csv", "mine\n")]


def test_a_file_that_cannot_be_made_names_the_lines(tmp_path: Path) -> None:
    results = Results(tmp_path / "out.csv", flat=False, ordered=True, ledger=None)
    results.add(ITEMS[0])
    (tmp_path / "out.csv").mkdir()

    with pytest.raises(ResultsError, match=r"out.csv cannot be written: .*The items are in .*out.csv.part.jsonl"):
        list(results.finish(complete=True))
    results.close()
    assert len((tmp_path / "out.csv.part.jsonl").read_text().splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system follows all links")
@pytest.mark.parametrize("suffix", [".part", ".part.jsonl"])
def test_a_link_in_the_place_of_a_file_beside_it_is_not_followed(tmp_path: Path, suffix: str) -> None:
    """In a folder that others may write, they could have results written over another file."""
    other = tmp_path / "other"
    other.write_text("mine\n")
    (tmp_path / f"out.csv{suffix}").symlink_to(other)

    with suppress(ResultsError):
        write(tmp_path / "out.csv", ITEMS)

    assert other.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("out", "flat", "said"),
    [
        ("results.xlsx", False, "out must end with .jsonl or .csv"),
        ("results.parquet.gz", False, "out must end with"),
        (Path("s3://bucket/out.csv"), False, "out is 's3:/bucket/out.csv': name a file on this machine"),
        ("s3://bucket/out.csv", False, "out is 's3://bucket/out.csv': name a file on this machine"),
        ("", False, "out must be the path of a file"),
        (5, False, "out must be the path of a file"),
        ("results.csv", "yes", "flatten must be True or False"),
        ("/dev/null", False, None),
        ("results", False, None),
        (Path("RESULTS.CSV.GZ"), True, None),
    ],
)
def test_arguments_are_checked(out: Any, flat: Any, said: str | None) -> None:
    if said is None:
        check_out(out, flat=flat)
        return
    with pytest.raises(InvalidInputError, match=said):
        check_out(out, flat=flat)


def test_a_folder_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(InvalidInputError, match="which is a folder"):
        check_out(tmp_path / "out.csv", flat=False)


def test_parquet_without_pyarrow_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)

    with pytest.raises(ConfigurationError, match="pyarrow"):
        check_out("results.parquet", flat=False)


class TestFrames:
    def frame(self, library: str, items: Sequence[BatchItem] = ITEMS, **options: Any) -> Any:
        flat, cost = options.pop("flat", False), options.pop("cost", None)
        frame = ItemFrame(library, options.pop("columns", None), flat=flat, cost=cost)
        for item in items:
            frame.add(item)
        return frame.finish()

    @pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
    def test_a_row_for_each_item(self, library: str) -> None:
        frame = self.frame(library)

        assert list(frame.column_names if library == "arrow" else frame.columns) == NAMES
        assert [str(each) for each in frame["state"]] == ["done", "failed", "done"]

    @pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
    def test_a_file_of_an_input_is_named(self, library: str) -> None:
        item = done(0, 1, value={"files": [File(b"secret content", name="a.txt"), Path("b.png")]})
        (found,) = self.frame(library, [item])["input"]
        named = [{"name": "a.txt", "mime": "text/plain"}, {"name": "b.png", "mime": "image/png"}]
        assert (found if library == "pandas" else json.loads(str(found))) == {"files": named}
        assert json.loads(json.dumps(item.to_dict()))["input"] == {"files": named}

    def test_pandas_holds_outputs_as_objects(self) -> None:
        assert self.frame("pandas")["output"][0] == {"text": "a", "deep": {"n": 1, "list": [1, 2]}}

    def test_flattened(self) -> None:
        frame = self.frame("pandas", flat=True, columns=["index", "output.deep.n"])

        assert frame["output.deep.n"].sum() == 3.5
        assert list(frame.columns) == ["index", "output.deep.n"]

    @pytest.mark.parametrize("flat", [False, True])
    def test_costs_have_a_column_in_a_batch_with_a_budget(self, flat: bool) -> None:
        items = [attrs.evolve(ITEMS[0], cost=Dollars(0.25)), ITEMS[1]]

        frame = self.frame("pandas", items, flat=flat, cost=Dollars(5))

        assert list(frame.columns)[-1] == "cost_dollars"
        assert frame["cost_dollars"].sum() == 0.25

    def test_a_column_that_there_is_not(self) -> None:
        with pytest.raises(InvalidInputError, match="columns must be"):
            self.frame("pandas", columns=["nope"])

    def test_replayed_items_are_rows_as_well(self) -> None:
        assert len(self.frame("arrow", [attrs.evolve(item, replayed=True) for item in ITEMS])) == 3
