"""Inputs of a batch in files and tables: each format gives the same rows, and a bad row is one failed item."""

from __future__ import annotations

import errno
import gzip
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fakes import options_of
from hypothesis import given
from hypothesis import strategies as st
from test_batch_engine import FakeSender, echo, play

from simstudio import File
from simstudio.batch.input_files import InputFile
from simstudio.batch.inputs import count_inputs, read
from simstudio.batch.items import BatchItem, Examiner, Prepared
from simstudio.batch.json_rows import read_array
from simstudio.batch.rows import BadRow, RowMap, check_columns, parse_columns
from simstudio.batch.sources import Relay, source_of
from simstudio.transport.errors import ConfigurationError, InvalidInputError

ROWS: list[dict[str, Any]] = [{"id": "a", "text": 'one, "two"\nthree'}, {"id": "b", "text": "grün"}]

CSV = 'id,text\r\na,"one, ""two""\nthree"\r\n\r\nb,grün\r\n'
LINES = "\n\n".join(json.dumps(row) for row in ROWS)


def parquet(path: Path) -> None:
    pytest.importorskip("pyarrow.parquet").write_table(arrow_table(), path, row_group_size=1)


def arrow_file(path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    with arrow.ipc.new_file(str(path), arrow_table().schema) as writer:
        writer.write(arrow_table())


def arrow_stream(path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    with arrow.ipc.new_stream(str(path), arrow_table().schema) as writer:
        writer.write(arrow_table())


def arrow_table() -> Any:
    return pytest.importorskip("pyarrow").Table.from_pylist(ROWS)


def zstd(data: bytes) -> bytes:
    compressed: bytes = pytest.importorskip("zstandard").compress(data)
    return compressed


def rows_of(inputs: Any, wanted: list[str] | None = None) -> list[Any]:
    found: Any = read(inputs, wanted)
    return list(found)


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstd)])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.jsonl", LINES),
        ("in.ndjson", LINES),
        ("in", LINES),
        ("in.json", json.dumps(ROWS, indent=2)),
        ("in.json", LINES),
        ("in.JSON", "\ufeff" + json.dumps(ROWS)),
        ("in.csv", CSV),
        ("in.csv", "\ufeff" + CSV),
        ("in.csv", CSV.replace("one,", "one~").replace(",", ";").replace("~", ",")),
        ("in.csv", '\ufeff\n"id";"text"\na;"one, ""two""\nthree"\nb;grün'),
        ("in.csv", CSV.replace("one,", "one~").replace(",", "\t").replace("~", ",")),
        ("in.tsv", CSV.replace("one,", "one~").replace(",", "\t").replace("~", ",")),
    ],
)
def test_a_file_is_read_as_its_suffix_says(
    tmp_path: Path, name: str, content: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / (name + suffix)
    path.write_bytes(pack(content.encode()))
    assert rows_of(path) == rows_of(str(path)) == ROWS


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_a_packed_file_may_have_parts_and_one_that_was_cut_off_is_an_error(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"in.csv{suffix}"
    content = CSV.encode()
    path.write_bytes(pack(content[:9]) + pack(b"") + pack(content[9:]))
    assert rows_of(path) == ROWS
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(InvalidInputError, match=r"in\.csv\.\w+.*: EOFError: Compressed file ended before"):
        rows_of(path)


@pytest.mark.parametrize("name", ["in.jsonl", "in.json", "in.csv"])
@pytest.mark.parametrize("content", ["", "\ufeff", "\ufeff\r\n\r\n"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert rows_of(tmp_path / name) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "folder",
            r"The inputs folder are a folder: name a file in it, or, .* pass pyarrow\.dataset\.dataset\('folder'\)",
        ),
        ("none.csv", r"The inputs none\.csv cannot be read: No such file or directory\.$"),
        ("a\0b.csv", "cannot be read: embedded null byte"),
        (Path("s3://bucket/in.csv"), "an address must be a text, of which pathlib.Path drops a slash"),
    ],
)
def test_what_is_no_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: Any, said: str) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match=said):
        rows_of(name)


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstd)])
@pytest.mark.parametrize(
    ("name", "write"), [("in.parquet", parquet), ("in.arrow", arrow_file), ("in.arrows", arrow_stream)]
)
def test_a_file_of_columns_is_read_as_rows(
    tmp_path: Path, name: str, write: Callable[[Path], None], suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    write(tmp_path / name)
    path = tmp_path / (name + suffix)
    path.write_bytes(pack((tmp_path / name).read_bytes()))
    assert rows_of(path) == ROWS
    assert rows_of(path, ["text"]) == [{"text": row["text"]} for row in ROWS]
    assert rows_of(path, ["text", "id"]) == ROWS


def test_an_address_is_opened_by_fsspec() -> None:
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://door/in.csv.gz", "wb") as file:
        file.write(gzip.compress(CSV.encode()))
    assert rows_of("memory://door/in.csv.gz") == ROWS


def test_an_address_is_read_on_threads_where_nobody_else_reads() -> None:
    fsspec = pytest.importorskip("fsspec")
    text = "".join(f'{{"n": {n}}}\n' for n in range(150))
    with fsspec.open("memory://door/many.jsonl", "wb") as file:
        file.write(text.encode())
    items, _ = play(FakeSender(echo), "memory://door/many.jsonl", columns=["n"])
    assert [item.output for item in items] == [{"n": n} for n in range(150)]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nosuch://me:hunter2@host/in.csv?sig=hunter2", "The inputs nosuch://host/in.csv cannot be opened: ValueError"),
        ("memory://me:hunter2@host/in.csv?sig=hunter2", "The inputs memory://host/in.csv cannot be opened: FileNotF"),
    ],
)
def test_an_address_that_cannot_be_opened_is_told_without_its_secrets(address: str, said: str) -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(InvalidInputError) as caught:
        rows_of(address)
    assert str(caught.value).startswith(said)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_cause_is_told_of_a_server_that_is_said_to_have_no_such_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: str, mode: str) -> None:
        try:
            raise ConnectionRefusedError(f"Cannot connect to {address}")
        except OSError as error:
            raise FileNotFoundError("%s not found. The URL contains glob characters", address) from error

    monkeypatch.setattr(pytest.importorskip("fsspec"), "open", fail)
    with pytest.raises(InvalidInputError) as caught:
        rows_of("http://host/in.csv?sig=hunter2")
    assert str(caught.value) == (
        "The inputs http://host/in.csv cannot be opened: ConnectionRefusedError: Cannot connect to http://host/in.csv."
    )


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    (tmp_path / "in.csv.zst").write_bytes(b"\x28\xb5\x2f\xfd....")
    with pytest.raises(ConfigurationError, match=r"in\.csv\.zst needs zstandard, .*: pip install zst"):
        rows_of(tmp_path / "in.csv.zst")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.csv", b"a,a\n1,2\n", "in.csv: two columns are called 'a'."),
        (
            "in.csv",
            b"a,\n1,2\n",
            "in.csv: columns need names, and one is called '': name it, or take others with columns=",
        ),
        ("in.csv", b"a\r1\r", "in.csv, line 1: no CSV (a carriage return alone ends no line: write"),
        (
            "in.csv",
            b'"a\n1,2\n',
            "in.csv, line 1: no CSV (no quotation mark closes a value; the row ends at line 2).",
        ),
        ("in.csv", b"BZh91AY", "in.csv is compressed with bzip2: unpack it first"),
        ("in.jsonl", b"SQLite format 3\0...", "in.jsonl is an SQLite database: pass a cursor"),
        ("in.csv", "a,b\n".encode("utf-16"), "in.csv is UTF-16: save it as UTF-8 first"),
        ("in.parquet", b"id,text\n", "in.parquet: ArrowInvalid: Parquet magic bytes not found"),
        ("in.jsonl.gz", gzip.compress(b'"%s"\n' % (b"x" * 2_000) * 999)[:-20], "in.jsonl.gz, after input "),
        ("in.json", b'{\n  "n": [\n    1\n  ]\n}\n', "in.json holds neither an array nor lines of JSON."),
        ("in.json", b"[1, 2", "in.json ends within its array, after element 1."),
        ("in.json", b"[1,\n2]\n{}", "in.json: something follows the array."),
    ],
)
def test_a_file_that_cannot_be_read_ends_the_batch(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        rows_of(tmp_path / name)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(said)


def test_columns_that_are_not_wanted_need_no_name_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(",a,x,x\n0,1,2,3\n")
    assert [row["a"] for row in rows_of(tmp_path / "in.csv", ["a"])] == ["1"]
    with pytest.raises(InvalidInputError, match="two columns are called 'x'"):
        rows_of(tmp_path / "in.csv", ["a", "x"])


@pytest.mark.parametrize(
    ("name", "content", "text", "said"),
    [
        ("in.jsonl", b'1\n\n{"n":}\n2', '{"n":}', "line 3: not JSON (Expecting value, column 6)."),
        ("in.jsonl", b'1\n{"n":NaN}\n2', '{"n":NaN}', "line 2: not JSON (it has NaN: write null or a text instead)."),
        ("in.json", b"[1, NaN, 2]", "NaN", "element 2: not JSON (it has NaN: write null or a text instead)."),
        ("in.jsonl", b'1\n"\xff"\n2', '"\ufffd"', "line 2: not UTF-8 (invalid start byte, byte 2)."),
        ("in.json", b'[1, {"n":}, 2, ]', '{"n":}', "element 2: not JSON (Expecting value, column 7)."),
        ("in.json", b"[1,,2]", "", "element 2: not JSON (Expecting value, column 1)."),
        ("in.csv", b"n\n1\n\n1,2\n2\n", "1,2", "line 4: the number of values is 2, and that of the columns 1."),
        ("in.csv", b'n\n1\n"a"b\n2\n', '"a"b', "line 3: no CSV (',' expected after '\"')."),
        ("in.csv", b"n\n1\n\xff\n2\n", "\ufffd", "line 3: not UTF-8 (invalid start byte, byte 1)."),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_with_its_place_and_the_others_are_read(
    tmp_path: Path, name: str, content: bytes, text: str, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    first, bad, last = rows_of(tmp_path / name)
    assert (first, last) in [(1, 2), ({"n": "1"}, {"n": "2"})]
    assert type(bad) is BadRow
    assert bad.text == text
    assert str(bad.error).removeprefix(f"{tmp_path}/{name}, ") == said


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ("n\n1\n\n2\n1,2\n", 3),
        ("", 0),
        ("n", 0),
        ("\ufeff\nn\n1\n", 1),
        ('n;"m,"\n1;2\n"1"x;2\n\n"1\n\n";2\n"1;2\n', 4),
    ],
)
def test_rows_are_counted(tmp_path: Path, content: str, count: int) -> None:
    (tmp_path / "in.csv").write_text(content)
    assert count_inputs(str(tmp_path / "in.csv")) == count == len(rows_of(tmp_path / "in.csv"))
    (tmp_path / "in.tsv").write_text("n,m\n1,2\n")
    assert count_inputs(str(tmp_path / "in.tsv")) == 1
    parquet(tmp_path / "in.parquet")
    assert count_inputs(str(tmp_path / "in.parquet")) == 2
    assert count_inputs(str(tmp_path / "in.json")) is None


def test_what_cannot_be_read_is_not_counted_nor_what_would_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.parquet").write_bytes(b"no longer")
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(CSV.encode())[:-9])
    (tmp_path / "in.jsonl").write_text("1\n2\n")
    for name in ("in.parquet", "in.csv.gz", "none.csv"):
        assert count_inputs(str(tmp_path / name)) is None
    assert count_inputs(str(tmp_path / "in.jsonl")) == 2
    monkeypatch.setattr("simstudio.batch.inputs._MOST_COUNTED", 3)
    assert count_inputs(str(tmp_path / "in.jsonl")) is None


def test_a_document_fits_into_a_cell(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"text\n{'x' * 200_000}\n")
    assert len(rows_of(tmp_path / "in.csv")[0]["text"]) == 200_000


def test_a_file_of_lines_that_are_arrays_may_be_called_json(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[1, 2]\n[3]\n")
    assert rows_of(tmp_path / "in.json") == [[1, 2], [3]]


_VALUES = st.recursive(
    st.none() | st.integers() | st.text('\\"[]{},a', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"]a', max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(_VALUES, max_size=4), st.integers(1, 7), st.sampled_from([None, 1]))
def test_an_array_is_cut_into_its_elements_however_it_comes(values: list[Any], size: int, indent: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simstudio.batch.json_rows._PIECE", size)
        file = io.BufferedReader(io.BytesIO(json.dumps(values, indent=indent).encode()))  # type: ignore[arg-type]
        assert list(read_array(file, "in.json")) == values


# -- tables --------------------------------------------------------------------------------------------------------


class DataSet:
    """Looks as a data set of Hugging Face does."""

    features: Any = None
    column_names = ("id", "text")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(ROWS)


class FormattedDataSet(DataSet):
    """One after ``with_format("arrow")``: each row is a table."""

    def __iter__(self) -> Iterator[Any]:
        return (arrow_table().slice(at, 1) for at in range(2))


class Result:
    """Looks as a result of SQLAlchemy does."""

    fetchmany: Any = None

    def keys(self) -> tuple[str, ...]:
        return ("id", "text")

    def mappings(self) -> Iterator[dict[str, Any]]:
        return iter(ROWS)


_OPENED: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def _close_databases() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().close()


class AsyncCursor:
    """Looks as a cursor of aiosqlite or psycopg does."""

    def __init__(self, description: Any = (("id", None), ("text", None))) -> None:
        self.description = description
        self.fetchmany: Any = None

    async def __aiter__(self) -> AsyncIterator[tuple[Any, ...]]:
        for row in ROWS if self.description else []:
            yield tuple(row.values())


class AsyncResult:
    """Looks as a streamed result of SQLAlchemy does."""

    fetchmany: Any = None

    def keys(self) -> tuple[str, ...]:
        return ("id", "text")

    async def __aiter__(self) -> AsyncIterator[tuple[Any, ...]]:
        raise AssertionError("its rows have no columns")
        yield ()

    async def mappings(self) -> AsyncIterator[dict[str, Any]]:
        for row in ROWS:
            yield row


async def awaited_rows(inputs: Any, wanted: list[str] | None = None) -> list[Any]:
    found: Any = read(inputs, wanted)
    return [row async for row in found]


@pytest.mark.parametrize("make", [AsyncCursor, AsyncResult])
async def test_rows_of_an_async_query_are_values_by_column(make: Callable[[], Any]) -> None:
    assert await awaited_rows(make()) == ROWS
    assert await awaited_rows(make(), ["text"]) == [{"text": row["text"]} for row in ROWS]
    with pytest.raises(InvalidInputError, match=r"the query has no column 'txt'; it has 'id', 'text'"):
        await awaited_rows(make(), ["txt"])


async def test_an_async_cursor_without_a_query_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="no rows: execute a query with it first"):
        await awaited_rows(AsyncCursor(None))


def connect() -> sqlite3.Connection:
    _OPENED.append(sqlite3.connect(":memory:"))
    return _OPENED[-1]


def cursor() -> sqlite3.Cursor:
    rows = [tuple(row.values()) for row in ROWS]
    return connect().execute("SELECT ? AS id, ? AS text UNION ALL SELECT ?, ?", sum(rows, ()))


def older_lazy_frame(frame: Any) -> Any:
    """A frame as it was before polars 1.34."""

    class LazyFrame:
        collect_schema, collect = frame.collect_schema, frame.collect

        def select(self, names: list[str]) -> Any:
            return older_lazy_frame(frame.select(names))

    LazyFrame.__module__ = "polars.lazyframe.frame"
    return LazyFrame()


def made_by(library: str, make: Callable[[Any], Any]) -> Any:
    return lambda: make(pytest.importorskip(library))


TABLES = {
    "pandas": made_by("pandas", lambda pandas: pandas.DataFrame(ROWS, index=[7, 8])),
    "polars": made_by("polars", lambda polars: polars.DataFrame(ROWS)),
    "lazy": made_by("polars", lambda polars: polars.LazyFrame(ROWS)),
    "older lazy": made_by("polars", lambda polars: older_lazy_frame(polars.LazyFrame(ROWS))),
    "table": arrow_table,
    "batch": lambda: arrow_table().to_batches()[0],
    "stream": lambda: arrow_table().to_reader(),
    "arrow data set": made_by("pyarrow.dataset", lambda dataset: dataset.dataset(arrow_table())),
    "data set": DataSet,
    "formatted data set": FormattedDataSet,
    "cursor": cursor,
    "result": Result,
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_the_rows_of_a_table_are_inputs(make: Callable[[], Any]) -> None:
    assert rows_of(make()) == ROWS
    assert rows_of(make(), ["text"]) == [{"text": row["text"]} for row in ROWS]
    assert rows_of(make(), ["text", "id"]) == ROWS
    with pytest.raises(InvalidInputError, match=r"^the .* has no column 'txt'; it has 'id', 'text'\."):
        rows_of(make(), ["txt"])


def batches() -> list[Any]:
    batches: list[Any] = arrow_table().to_batches(max_chunksize=1)
    return batches


@pytest.mark.parametrize("make", [list, tuple, iter], ids=["list", "tuple", "iterator"])
def test_tables_that_come_one_by_one_are_rows(make: Callable[[Any], Any]) -> None:
    assert rows_of(make(batches())) == ROWS
    assert rows_of(make(batches()), ["text"]) == [{"text": row["text"]} for row in ROWS]
    assert list(read(make(batches()), whole_tables=True)) == batches()  # type: ignore[call-overload]
    items, _ = play(FakeSender(echo), make(batches()), columns=["id"])
    assert [item.input for item in items] == [{"id": "a"}, {"id": "b"}]
    raw = pytest.importorskip("pyarrow").table({"raw": [b""]})
    with pytest.raises(InvalidInputError, match=r"^part 3 has no column 'text'"):
        rows_of(make([*batches(), raw]), ["text"])
    assert str(rows_of(make([*batches(), raw]))[-1].error).startswith("part 3, row 1: Column 'raw' is of type bytes")


async def test_awaited_tables_are_rows() -> None:
    async def come(values: list[Any]) -> AsyncIterator[Any]:
        for value in values:
            yield value

    assert await awaited_rows(come(batches()), ["text"]) == [{"text": row["text"]} for row in ROWS]
    assert await awaited_rows(come([1, *batches()])) == [1, *batches()]


def test_an_iterator_stays_open_for_its_owner() -> None:
    numbers = (n for n in range(3))
    found: Any = read(numbers)
    assert next(found) == 0
    del found
    assert list(numbers) == [1, 2]


def test_values_become_json_data_and_one_that_cannot_makes_its_row_bad() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(
        {"day": [date(2026, 1, 2), None], "price": [Decimal("1.50"), Decimal(2)], "raw": [None, b"\xff"]}
    )
    good, bad = rows_of(frame)
    assert good == {"day": "2026-01-02", "price": 1.5, "raw": None}
    assert type(bad) is BadRow
    assert str(bad.error) == (
        "the data frame, row 2: Column 'raw' is of type bytes, which is no JSON data: send value.decode() if it is "
        "text, else base64.b64encode(value).decode()."
    )
    assert rows_of(frame, ["price"]) == [{"price": 1.5}, {"price": 2.0}]


def test_input_makes_inputs_of_values_that_are_no_json_data(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = {"day": [date(2026, 1, 2)] * 2, "photo": [b"png", b""], "name": ["a", "b"]}
    parquet.write_table(arrow.table(rows), tmp_path / "in.parquet")

    def examine(row: Any, **options: Any) -> Any:
        return options_of(**options).examiner().examine(row)

    first, second = rows_of(tmp_path / "in.parquet")
    made = examine(first, input=lambda row: {"photo": File(row["photo"], name="a.png"), "day": row["day"]})
    assert (made.input["day"], made.input["photo"].content) == ("2026-01-02", b"png")
    assert examine(first, columns=["name"], key=lambda row: row["day"]).input == {"name": "a"}

    failed = examine(second, input=lambda row: {"n": 1 / len(row["photo"])})
    assert str(failed.error) == "Input 0 cannot be made: input= failed: ZeroDivisionError: division by zero."
    assert examine(second, columns=["photo"]).error is second.error
    with pytest.raises(InvalidInputError, match="row 2: Column 'photo' is of type bytes"):
        examine(second, on_bad_row="fail", columns=["photo"])


def test_a_column_is_no_table() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    assert rows_of(pandas.Series(["a"])) == rows_of(polars.Series(["a"])) == ["a"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: {"train": DataSet()}, r"a dict of data sets: give one of them, such as inputs\['train'\]"),
        (lambda: connect().cursor(), "no rows: execute a query with it first"),
        (
            made_by("pyarrow.dataset", lambda dataset: dataset.dataset(arrow_table()).scanner()),
            r"not Scanner: pass what its to_batches\(\) returns",
        ),
    ],
)
def test_what_has_no_rows_is_told(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        rows_of(make())


# -- from rows to inputs ---------------------------------------------------------------------------------------------


def examined(row: Any, rows: RowMap | None = None, **options: Any) -> Prepared | BatchItem:
    return Examiner(rows=rows, **options)(row).found


@pytest.mark.parametrize(
    ("rows", "made"),
    [
        (RowMap(["id"]), {"id": "a"}),
        (RowMap({"text": "prompt"}), {"prompt": ROWS[0]["text"]}),
        (RowMap(function=lambda row: [row["id"]]), ["a"]),
        (RowMap({"id": "key"}, lambda row: list(row.items())), [("key", "a")]),
    ],
)
def test_columns_and_a_function_make_inputs(rows: RowMap, made: Any) -> None:
    found = examined(ROWS[0], rows, key=lambda row: row["text"][:3])
    assert isinstance(found, Prepared)
    assert (found.input, found.key) == (made, "one")  # the key is that of the row


@pytest.mark.parametrize(
    ("row", "rows", "said"),
    [
        ({"a": 1}, RowMap(["b"]), "Input 0 cannot be made: it has no column 'b'."),
        ([1], RowMap(["b"]), "Input 0 cannot be made: columns= needs rows that are JSON objects, and this one is [1]."),
        ({"a": 1}, RowMap(function=lambda row: row["b"]), "Input 0 cannot be made: input= failed: KeyError: 'b'."),
    ],
)
def test_a_row_of_which_no_input_can_be_made_is_a_failed_item(row: Any, rows: RowMap, said: str) -> None:
    found = examined(row, rows)
    assert isinstance(found, BatchItem)
    assert (found.state, found.input, found.key, str(found.error)) == ("failed", row, "0", said)


@pytest.mark.parametrize("key", ["id", lambda row: row["id"]])
def test_a_row_is_identified_by_a_column_that_its_input_lacks(tmp_path: Path, key: Any) -> None:
    parquet(tmp_path / "in.parquet")
    options = options_of(columns=["text"], key=key)
    source = source_of(tmp_path / "in.parquet", relayed=True, examiner=options.examiner(), wanted=options.wanted)
    assert isinstance(source, Relay)
    source.read()
    found = source.take().found
    assert (found.input, found.key) == ({"text": ROWS[0]["text"]}, "a")


def test_a_bad_row_is_a_failed_item_or_the_end() -> None:
    bad = BadRow("{", InvalidInputError("in.jsonl, line 1: not JSON."))
    found = examined(bad, RowMap(["b"]))
    assert isinstance(found, BatchItem)
    assert (found.state, found.input, found.key, found.error) == ("failed", "{", "0", bad.error)
    keyed = examined(bad, key=lambda row: row["id"])
    assert keyed.key == "input 0, which has no key"
    with pytest.raises(InvalidInputError, match="line 1: not JSON"):
        examined(bad, strict=True)


@pytest.mark.parametrize("columns", ["text", [], {}, [1], {"a": 1}, 5])
def test_columns_that_cannot_be_used_are_refused(columns: Any) -> None:
    with pytest.raises(InvalidInputError, match="columns must be a list of column names, or a dict"):
        check_columns("columns", columns)


def test_a_column_of_the_command_line_is_one_field() -> None:
    assert parse_columns(["a", "b=x"]) == {"a": "a", "b": "x"}
    with pytest.raises(InvalidInputError, match="each column once, and 'a' is there twice"):
        parse_columns(["a", "a=b"])


def test_two_columns_are_not_one_field() -> None:
    with pytest.raises(InvalidInputError, match="columns must name one column for each field, not two for 'x'"):
        check_columns("columns", {"a": "x", "b": "x"})


def test_a_frame_of_an_index_alone_is_not_empty() -> None:
    pandas = pytest.importorskip("pandas")
    assert rows_of(pandas.DataFrame()) == []
    with pytest.raises(InvalidInputError, match="the data frame has rows, but no columns"):
        rows_of(pandas.DataFrame(index=[7, 8]))


def test_messages_call_an_address_by_what_is_no_secret() -> None:
    file = InputFile("https://key:sec%72et@host/a.csv?token=secret+1")
    assert file.redact("'https://key:secret@host/a.csv?token=secret%201' of host/a.csv?b") == (
        "'https://host/a.csv' of host/a.csv"
    )
    assert InputFile("s3://key:secret@bucket/a.csv.gz?token=secret").name == "s3://bucket/a.csv.gz"
    assert InputFile("s3://key:secret@bucket/a.csv.gz?token=secret").form == "csv"


def test_a_temporary_file_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    parquet(tmp_path / "in.parquet")
    (tmp_path / "in.parquet.gz").write_bytes(gzip.compress((tmp_path / "in.parquet").read_bytes()))
    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    with pytest.raises(InvalidInputError, match=r"unpacked into a temporary file in .*: No space .* Set TMPDIR to"):
        rows_of(tmp_path / "in.parquet.gz")
