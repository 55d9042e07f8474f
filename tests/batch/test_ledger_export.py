"""A ledger as JSON lines, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from ledgers import database, ended, given, intend, opened

from simstudio import ConfigurationError, InvalidInputError, LedgerError, RateLimitError
from simstudio.batch import formats as module
from simstudio.batch.export import export
from simstudio.batch.items import BatchItem
from simstudio.batch.ledger import Entry, Ledger, LedgerView

STATES = ["sending", "submitted", "done", "failed", "unknown"]
ODD: list[Any] = [
    'comma, "quote"; tab\t',
    "two\nlines\r\nand \u2028 \x85 more",
    "ünï\U0001f600",
    "half \ud83d of a pair",
    "nul \0 nul",
    "=1+1",
    {"nested": [{"a": None, "b": [1.5, True]}], "": {}},
    [],
    None,
    0,
    -(2**70),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with opened(tmp_path / "runs.sqlite", mode="async") as made:
        yield made


def fill(ledger: Ledger) -> None:
    """One item in each state, then one done for each odd value."""
    intend(ledger, *[given(index) for index in range(5)], run_id="r1")
    ledger.mark_submitted("1", "t1", "e1")
    ledger.finish(ended(given(2), output={"text": "hi"}, run_id="r2"))
    ledger.finish(ended(given(3), "failed", error=RateLimitError("slow\ndown \ud800", "RATE", 429)))
    ledger.finish(ended(given(4), "unknown"))
    for index, value in enumerate(ODD, 5):
        prepared = given(index, {"value": value})
        intend(ledger, prepared)
        ledger.finish(ended(prepared, output=value))


def written(ledger: Any, target: Path) -> list[dict[str, Any]]:
    """The rows of an export, whatever its format, in the form of JSON lines."""
    count = export(ledger, target)
    if target.suffix == ".jsonl":
        text = target.read_bytes().decode("utf-8")
        assert text.endswith("\n") or not count
        rows = [json.loads(line) for line in text.split("\n")[:-1]]
    elif target.suffix == ".csv":
        with target.open(encoding="utf-8", newline="") as file:
            rows = [_nested(row, empty="") for row in csv.DictReader(file)]
        for row in rows:
            row |= {"index": int(row["index"]), "attempts": int(row["attempts"]), "elapsed": float(row["elapsed"])}
    else:
        rows = [_nested(row, empty=None) for row in pq.read_table(target).to_pylist()]
        for row in rows:
            row |= {name: row[name].isoformat() if row[name] else None for name in ("started_at", "ended_at")}
    assert len(rows) == count
    return rows


def _nested(row: dict[str, Any], empty: Any) -> dict[str, Any]:
    row = {name: None if value == empty else value for name, value in row.items()}
    error = {name: row.pop(f"error_{name}") for name in ("type", "message", "code")}
    row["error"] = error if error["type"] is not None else None
    return {**row, "input": json.loads(row["input"]), "output": json.loads(row["output"] or "null")}


each = pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])


@each
def test_every_state_is_exported(ledger: Ledger, tmp_path: Path, suffix: str) -> None:
    fill(ledger)
    rows = written(ledger, tmp_path / f"out.{suffix}")
    assert [(row["index"], row["key"]) for row in rows] == [(index, str(index)) for index in range(5 + len(ODD))]
    assert [row["state"] for row in rows[:5]] == STATES
    assert [row["run_id"] for row in rows[:5]] == ["r1", "r1", "r2", "r1", "r1"]
    assert (rows[1]["task_id"], rows[1]["execution_id"], rows[0]["task_id"]) == ("t1", "e1", None)
    assert (rows[2]["output"], rows[2]["error"], rows[2]["attempts"], rows[2]["elapsed"]) == (
        {"text": "hi"},
        None,
        1,
        0.25,
    )
    error = rows[3]["error"]
    assert (error["type"], error["code"], error["message"][:10]) == ("RateLimitError", "RATE", "slow\ndown ")
    assert [row["ended_at"] is None for row in rows[:5]] == [True, True, False, False, False]
    for row in rows:
        assert datetime.fromisoformat(row["started_at"]).tzinfo is not None


@each
def test_odd_texts_and_values_come_through(ledger: Ledger, tmp_path: Path, suffix: str) -> None:
    fill(ledger)
    rows = written(ledger, tmp_path / f"out.{suffix}")[5:]
    assert [row["output"] for row in rows] == ODD
    assert [row["input"] for row in rows] == [{"value": value} for value in ODD]


@each
def test_an_empty_ledger_gives_an_empty_file_of_its_format(ledger: Ledger, tmp_path: Path, suffix: str) -> None:
    assert written(ledger, tmp_path / f"out.{suffix}") == []


@each
def test_a_path_is_exported_as_well_while_its_batch_runs(ledger: Ledger, tmp_path: Path, suffix: str) -> None:
    fill(ledger)
    by_path = written(ledger.path, tmp_path / f"a.{suffix}")
    assert by_path == written(ledger, tmp_path / f"b.{suffix}")
    intend(ledger, given(99))  # which goes on


def test_a_line_is_an_item_as_it_says_itself_and_more(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    for row, entry in zip(written(ledger, tmp_path / "out.jsonl"), ledger.entries(), strict=True):
        said = {**entry.to_item().to_dict(), "state": entry.state, "attempts": entry.attempts}
        assert {name: row[name] for name in said} == said
        assert set(row) - set(said) == {"task_id", "execution_id", "started_at", "ended_at"}


def test_lines_hold_the_characters_themselves(ledger: Ledger, tmp_path: Path) -> None:
    intend(ledger, given(0, "ünï\U0001f600"))
    export(ledger, tmp_path / "out.jsonl")
    assert "ünï\U0001f600" in (tmp_path / "out.jsonl").read_text(encoding="utf-8")


def test_parquet_has_columns_with_types(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    export(ledger, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert (kinds["index"], kinds["elapsed"], kinds["started_at"]) == ("int64", "double", "timestamp[us, tz=UTC]")
    began = table["started_at"][0].as_py()
    assert abs((datetime.now(timezone.utc) - began).days) < 1


def test_parquet_is_written_in_groups(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ledger)
    monkeypatch.setattr(module, "_ROWS", 3)
    assert len(written(ledger, tmp_path / "rows.parquet")) == 16
    assert pq.ParquetFile(tmp_path / "rows.parquet").num_row_groups == 6
    monkeypatch.setattr(module, "_CHARACTERS", 1)
    assert len(written(ledger, tmp_path / "texts.parquet")) == 16
    assert pq.ParquetFile(tmp_path / "texts.parquet").num_row_groups == 16


# Where to, and how


@pytest.mark.parametrize(
    ("name", "first"), [("OUT.JSONL", b"{"), ("a.ndjson", b"{"), ("a.CSV", b"i"), ("a.pq", b"P"), ("a.csv.gz", b"\x1f")]
)
def test_the_suffix_says_the_format(ledger: Ledger, tmp_path: Path, name: str, first: bytes) -> None:
    intend(ledger, given(0))
    export(ledger, tmp_path / name)
    assert (tmp_path / name).read_bytes()[:1] == first


def test_a_named_format_needs_no_suffix(ledger: Ledger, tmp_path: Path) -> None:
    assert export(ledger, str(tmp_path / "out"), format="csv") == 0
    assert (tmp_path / "out").read_text().startswith("index,key,state,input,output,error_type")


@pytest.mark.parametrize("name", ["out", "out.xlsx", "out.json"])
def test_a_suffix_that_says_nothing_is_an_error(ledger: Ledger, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"use \.jsonl, \.csv or \.parquet, or say format="):
        export(ledger, tmp_path / name)


def test_an_address_is_no_target(ledger: Ledger) -> None:
    with pytest.raises(InvalidInputError, match=r"target is 's3://bucket/out\.csv': name a file on this machine"):
        export(ledger, "s3://bucket/out.csv")


def test_a_format_that_there_is_not_is_an_error(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not 'xml'"):
        export(ledger, tmp_path / "out.csv", format="xml")  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["", "-wal", "-lock"])
def test_the_ledger_is_never_overwritten(ledger: Ledger, suffix: str) -> None:
    with pytest.raises(InvalidInputError, match="would overwrite the ledger"):
        export(ledger, f"{ledger.path}{suffix}", format="jsonl")


def test_a_file_that_was_there_is_replaced(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("old")
    assert export(ledger, tmp_path / "out.jsonl") == 0
    assert (tmp_path / "out.jsonl").read_text() == ""


@each
def test_an_export_that_fails_leaves_what_was_there(ledger: Ledger, tmp_path: Path, suffix: str) -> None:
    fill(ledger)
    target = tmp_path / f"out.{suffix}"
    target.write_text("old")
    database(ledger).execute("UPDATE entries SET result = '{' WHERE key = '7'")
    with pytest.raises(LedgerError, match="damaged"):
        export(ledger, target)
    assert target.read_text() == "old"
    assert not list(tmp_path.glob("*.part"))


@each
def test_a_target_that_cannot_be_written_is_a_clear_error(ledger: Ledger, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(LedgerError, match="cannot be written"):
        export(ledger, tmp_path / "none" / f"out.{suffix}")


def test_a_target_without_room_is_a_clear_error(ledger: Ledger) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    fill(ledger)
    with pytest.raises(LedgerError, match=r"/dev/full cannot be written: No space left"):
        export(ledger, "/dev/full", format="jsonl")
    assert Path("/dev/full").is_char_device()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="it has no names for open files")
@pytest.mark.parametrize(
    ("name", "form", "where"),
    [("/dev/stdout", "jsonl", "file"), ("/dev/fd/1", "jsonl", "pipe"), ("/dev/stdout", "csv", "pipe"),
     ("/dev/fd/1", "csv", "file"), ("/dev/stdout", "parquet", "file"), ("/dev/fd/1", "parquet", "pipe")],
)  # fmt: skip
def test_standard_output_is_written_to_and_never_replaced(
    ledger: Ledger, tmp_path: Path, name: str, form: str, where: str
) -> None:
    """Also where it is redirected to a file that more is written to, before and after."""
    fill(ledger)
    program = (
        "import sys; from simstudio.batch.export import export; print('before');"
        f"export(sys.argv[1], {name!r}, format={form!r}); print('after')"
    )
    command, log = [sys.executable, "-c", program, ledger.path], tmp_path / "log"
    with log.open("wb") as file:
        file.write(b"earlier\n")
        file.flush()
        told = subprocess.run(command, stdout=subprocess.PIPE if where == "pipe" else file, check=True).stdout
    found = told if where == "pipe" else log.read_bytes().removeprefix(b"earlier\n")
    export(ledger, tmp_path / f"all.{form}")
    content = (tmp_path / f"all.{form}").read_bytes()
    assert found == b"before\n" + content + b"after\n"


def test_a_file_that_is_open_is_written_to_and_stays_open(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    file = io.BytesIO(b"")
    file.write(b"before\n")
    assert export(ledger, file, format="jsonl") == 5 + len(ODD)
    export(ledger, tmp_path / "all.jsonl")
    assert file.getvalue() == b"before\n" + (tmp_path / "all.jsonl").read_bytes()
    with pytest.raises(InvalidInputError, match="says no format"):
        export(ledger, file)


def test_a_pipe_that_nobody_reads_is_a_broken_pipe(ledger: Ledger) -> None:
    fill(ledger)
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as file, pytest.raises(BrokenPipeError):  # noqa: PTH123
        export(ledger, file, format="csv")


def test_a_missing_ledger_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="There is no ledger"):
        export(tmp_path / "none.sqlite", tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow_names_the_extra(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="pip install pyarrow"):
        export(ledger, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_neither_the_ledger_nor_its_export_as_lines_needs_pyarrow(tmp_path: Path) -> None:
    import subprocess

    code = "import sys, simstudio.batch.ledger, simstudio.batch.export; print('pyarrow' in sys.modules)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "False"


def test_an_item_without_a_result_has_no_output_and_one_whose_output_is_null_has(
    ledger: Ledger, tmp_path: Path
) -> None:
    intend(ledger, given(0), given(1))
    ledger.finish(ended(given(1), output=None))
    export(ledger, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["output"] for row in csv.DictReader(file)] == ["", "null"]


def test_the_name_of_an_items_class_is_the_one_it_had(ledger: Ledger, tmp_path: Path) -> None:
    class OutOfCoffeeError(RateLimitError):
        pass

    intend(ledger, given(0))
    ledger.finish(BatchItem(0, None, key="0", state="failed", error=OutOfCoffeeError("x")))
    (row,) = written(ledger, tmp_path / "out.jsonl")
    assert row["error"]["type"] == "OutOfCoffeeError"


@pytest.mark.parametrize("before", [None, 0o604])
def test_it_is_private_until_it_is_complete(ledger: Ledger, tmp_path: Path, umask: int, before: int | None) -> None:
    target = tmp_path / "folder" / "out.jsonl"
    target.parent.mkdir()
    if before is not None:
        target.touch()
        target.chmod(before)
    fill(ledger)
    seen: set[int] = set()

    class Watching(LedgerView):
        def entries(self, state: str | None = None) -> Iterator[Entry]:
            for entry in super().entries(state):
                seen.update(stat.S_IMODE(path.stat().st_mode) for path in target.parent.iterdir() if path != target)
                yield entry

    with Watching(ledger.path) as view:
        export(view, target)

    assert seen == {0o600}
    assert stat.S_IMODE(target.stat().st_mode) == (0o666 & ~umask if before is None else before)
    assert list(target.parent.iterdir()) == [target]
