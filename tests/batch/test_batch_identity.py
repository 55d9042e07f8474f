"""What is fingerprinted is what is sent and kept; what cannot be sent fails alone, and the ledger knows of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ledgers import given, intact, intend, opened

import simstudio as sim
from simstudio import InputChangedError, InvalidInputError, LedgerError
from simstudio.batch.export import export
from simstudio.batch.inputs import read
from simstudio.batch.items import BatchItem, prepare, refuse
from simstudio.batch.ledger import Counts, Intent, LedgerView, status
from simstudio.batch.snapshot import describe_refused
from simstudio.sandbox import Sandbox, SandboxServer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    sandbox = Sandbox()

    @sandbox.workflow("echo")
    def echo(input: dict[str, Any]) -> dict[str, Any]:
        return {"got": input}

    with sandbox.serve() as server:
        yield server


Mapped = Callable[..., list[sim.BatchItem]]


@pytest.fixture(params=["sync", "async"])
def mapped(request: pytest.FixtureRequest, server: SandboxServer) -> Mapped:
    async def asynchronous(inputs: Any, options: dict[str, Any]) -> list[sim.BatchItem]:
        async with server.async_client() as client, client.workflows.map("echo", inputs, **options) as batch:
            return [item async for item in batch]

    def run(inputs: Any, **options: Any) -> list[sim.BatchItem]:
        if request.param == "async":
            return asyncio.run(asynchronous(inputs, options))
        with server.client() as client, client.workflows.map("echo", inputs, **options) as batch:
            return list(batch)

    return run


class Broken(Mapping[str, Any]):
    """A mapping of a user's, as of a row that was lost."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("the row is gone")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class NotATime:
    """As pandas' NaT."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False

    def isoformat(self) -> str:
        return "NaT"


def numpy_bool() -> Any:
    def item(self: Any) -> bool:
        return True

    return type("bool", (), {"__module__": "numpy", "item": item})()


class TestSnapshots:
    def test_a_dict_that_is_used_again_is_sent_as_it_was(self, mapped: Mapped, path: Path) -> None:
        def inputs() -> Iterator[dict[str, Any]]:
            used: dict[str, Any] = {"list": []}
            for n in range(5):
                used["n"] = n
                used["list"].append(n)
                yield used

        items = mapped(inputs(), ledger=path)
        wanted = [{"list": list(range(n + 1)), "n": n} for n in range(5)]
        assert [item.input for item in items] == wanted
        assert [item.output["got"] for item in items] == wanted
        with LedgerView(path) as view:
            assert [entry.input for entry in view.entries()] == wanted
        assert all(item.replayed for item in mapped(inputs(), ledger=path))

    def test_one_of_an_asynchronous_source_too(self, server: SandboxServer) -> None:
        async def inputs() -> AsyncIterator[dict[str, int]]:
            used = {}
            for n in range(5):
                used["n"] = n
                yield used

        async def run() -> list[Any]:
            async with server.async_client() as client:
                return [item.output["got"] async for item in client.workflows.map("echo", inputs())]

        assert asyncio.run(run()) == [{"n": n} for n in range(5)]

    def test_keys_keep_their_order_and_values_their_types(self) -> None:
        value = {"z": (1, 2.5), "a": MappingProxyType({"y": None, "b": [True]})}
        copy = prepare(0, value).input
        assert copy == {"z": (1, 2.5), "a": {"y": None, "b": [True]}}
        assert (list(copy), list(copy["a"])) == (["z", "a"], ["y", "b"])

    def test_an_open_file_that_is_too_large_to_be_copied_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("simstudio.core.files.MAX_BODY_BYTES", 100)
        with pytest.raises(
            InvalidInputError, match=r"0 cannot .*: f is an open file that is too large .*: give its path"
        ):
            prepare(0, {"f": io.BytesIO(b"x" * 200)})

    def test_a_file_that_is_open_is_read_at_once(self, mapped: Mapped, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"hi")

        def inputs() -> Iterator[dict[str, Any]]:
            with (tmp_path / "a.txt").open("rb") as file:
                yield {"doc": file}

        (item,) = mapped(inputs())
        assert item.unwrap().output["got"]["doc"]["data"] == "data:text/plain;base64,aGk="

    def test_a_file_that_is_named_is_read_when_it_is_sent(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"hi")
        prepared = prepare(0, {"doc": tmp_path / "a.txt"})
        assert prepared.input == {"doc": tmp_path / "a.txt"}
        assert prepared.fingerprint == prepare(0, {"doc": sim.File(b"hi", name="a.txt")}).fingerprint

    def test_one_that_was_changed_meanwhile_is_not_kept_as_what_it_was(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"hi")
        prepared = prepare(0, {"doc": tmp_path / "a.txt"})
        (tmp_path / "a.txt").write_bytes(b"ho")
        with opened(path) as ledger:
            ((intent, error),) = ledger.intend([Intent(prepared)])
            assert intent.prepared is prepared
            assert str(error).startswith("A file in input 0 was changed since the input was read")
            assert ledger.counts().total == 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (
                {"rows": [0, {"when": dt.date(2020, 1, 1)}]},
                "rows[1].when is of type datetime.date, which is no JSON data: send its .isoformat().",
            ),
            ({"n": 10**5000}, "n is an integer that is too long (Exceeds the limit (4300"),
            ({"a b": {"s": {1}}}, "['a b'].s is of type set, which is no JSON data: send list(value)."),
            ({"at": NotATime()}, "at is of type test_batch_identity.NotATime, which is no JSON data: send None."),
            (
                {"flag": numpy_bool()},
                "flag is of type numpy.bool, which is no JSON data: send what its .item() returns.",
            ),
            ([1, object()], "[1] is of type object, which is no JSON data: send it as a text"),
            ({"x": float("nan")}, "x is nan, which JSON cannot say: send None or a text instead."),
            ({"row": Broken()}, "row is of type Broken and cannot be read: RuntimeError: the row is gone."),
            (Broken(), "it is of type Broken and cannot be read: RuntimeError: the row is gone."),
            ({"a": {1: 2}}, "a has the key 1 of type int: JSON keys are text, use str keys."),
            ({"doc": b"raw"}, "doc cannot be sent: The input holds raw bytes."),
            ({"doc": Path("/none/at/all.pdf")}, "doc cannot be sent: FileNotFoundError"),
        ],
    )
    def test_the_error_names_the_input_the_place_in_it_and_a_remedy(self, value: Any, said: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            prepare(3, value)
        assert str(caught.value).startswith(f"Input 3 cannot be sent as JSON: {said}")
        assert ".." not in str(caught.value)

    def test_one_that_contains_itself(self) -> None:
        value: list[Any] = []
        value.append({"again": value})
        with pytest.raises(InvalidInputError, match="it nests too deeply, or contains itself"):
            prepare(0, value)

    def test_a_key_that_no_file_can_hold_is_that_items_trouble(self, mapped: Mapped, path: Path) -> None:
        items = mapped([{"n": "a"}, {"n": "\ud800"}, {"n": "c"}], key=lambda each: each["n"], ledger=path)
        assert [item.state for item in items] == ["done", "failed", "done"]
        assert "key= failed for input 1" in str(items[1].error)

    def test_an_input_that_cannot_be_read_stops_no_other(self, mapped: Mapped) -> None:
        items = mapped([{"n": 0}, Broken(), {"n": 2}])
        assert [item.state for item in items] == ["done", "failed", "done"]
        assert isinstance(items[1].error, InvalidInputError)

    def test_the_ledger_knows_of_it(self, mapped: Mapped, path: Path, tmp_path: Path) -> None:
        items = mapped([{"n": 0}, {"n": float("nan")}, {"n": 2}], ledger=path)
        assert [item.state for item in items] == ["done", "failed", "done"]
        assert status(path) == Counts(done=2, failed=1)
        assert intact(path)
        export(path, tmp_path / "out.jsonl")
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [row["state"] for row in rows] == ["done", "failed", "done"]
        assert rows[1]["input"] == items[1].to_dict()["input"] == {"type": "dict", "repr": "{'n': nan}"}
        assert (rows[1]["key"], rows[1]["attempts"]) == ("1", 0)
        assert rows[1]["error"]["type"] == "InvalidInputError"
        assert rows[1]["error"]["message"] == str(items[1].error)

    @pytest.mark.parametrize("on_failed", ["keep", "rerun"])
    def test_the_next_run_looks_at_it_again(self, mapped: Mapped, path: Path, on_failed: str) -> None:
        mapped([{"n": 0}, {"n": float("nan")}], ledger=path)
        still = mapped([{"n": 0}, {"n": float("inf")}], ledger=path, on_failed=on_failed)
        assert [(item.state, item.replayed) for item in still] == [("done", True), ("failed", False)]
        assert "inf" in str(still[1].error)
        assert status(path) == Counts(done=1, failed=1)
        mended = mapped([{"n": 0}, {"n": 1}], ledger=path, on_failed=on_failed)
        assert [(item.state, item.replayed) for item in mended] == [("done", True), ("done", False)]
        assert status(path) == Counts(done=2)
        assert intact(path)

    @pytest.mark.parametrize("mended", ["whole", float("nan")])
    def test_one_that_no_request_could_hold_can_be_mended(self, mapped: Mapped, path: Path, mended: Any) -> None:
        _, item = mapped([{"n": 0}, {"n": "half \ud800"}], ledger=path)
        assert isinstance(item.error, InvalidInputError)
        kept = mapped([{"n": 0}, {"n": "half \ud800"}], ledger=path)
        assert [(item.state, item.replayed) for item in kept] == [("done", True), ("failed", True)]
        _, item = mapped([{"n": 0}, {"n": mended}], ledger=path)
        assert (item.ok, item.replayed) == (mended == "whole", False)
        assert status(path) == (Counts(done=2) if mended == "whole" else Counts(done=1, failed=1))
        assert intact(path)

    def test_one_without_a_key_is_known_by_its_place(self, path: Path, mapped: Mapped) -> None:
        inputs: list[dict[str, Any]] = [{"id": "1"}, {}]
        _, item = mapped(inputs, key=lambda value: value["id"], ledger=path)
        assert (item.state, item.key) == ("failed", "input 1, which has no key")
        assert str(item.error) == "key= failed for input 1: KeyError: 'id'."
        mapped([{"id": "1"}, {"id": "0"}], key=lambda value: value["id"], ledger=path)
        assert status(path) == Counts(done=2)

    def test_one_that_has_a_key_is_known_by_it_wherever_it_is(self, path: Path, mapped: Mapped) -> None:
        def key(value: dict[str, Any]) -> object:
            return value["id"]

        mapped([{"id": "a"}, {"id": "b", "n": {1}}], key=key, ledger=path)
        items = mapped([{"id": "b", "n": 1}, {"id": "a"}], key=key, ledger=path)
        assert [(item.key, item.state, item.replayed) for item in items] == [("b", "done", False), ("a", "done", True)]
        assert status(path) == Counts(done=2)

    def test_what_was_sent_once_is_not_refused_afterwards(self, path: Path) -> None:
        with opened(path) as ledger:
            intend(ledger, given(0))
        with opened(path) as ledger, pytest.raises(InputChangedError, match="Input 0 is not the one"):
            ledger.refuse(self.refusal(0))

    def test_two_with_one_key_are_an_error(self, path: Path) -> None:
        with opened(path) as ledger:
            ledger.refuse(self.refusal(0, key="a"))
            with pytest.raises(LedgerError, match="Inputs 0 and 1 have the same key 'a'"):
                ledger.refuse(self.refusal(1, key="a"))

    def test_what_no_run_came_to_again_is_still_known(self, path: Path) -> None:
        with opened(path) as ledger:
            ledger.refuse(self.refusal(0))
            ledger.refuse(self.refusal(1))
        with opened(path) as ledger:
            assert ledger.find(given(0)) is None
        assert status(path) == Counts(failed=1)

    @staticmethod
    def refusal(index: int, key: str | None = None) -> BatchItem:
        named = None if key is None else lambda _: key
        return refuse(index, {1}, InvalidInputError("no"), named)

    @pytest.mark.parametrize("value", ["x" * 10_000, [["x" * 999] * 99] * 99, {"k": {1}, "l": "y" * 10_000}, Broken()])
    def test_what_is_shown_of_it_is_short_and_json(self, value: Any) -> None:
        told = describe_refused([float("nan"), value])
        assert told["type"] == "list"
        assert len(json.dumps(told)) < 2_000


class TestFiles:
    @pytest.mark.parametrize("make", [io.StringIO, lambda text: io.BytesIO(text.encode())])
    def test_a_file_that_is_open_is_no_inputs(self, make: Callable[[str], Any], server: SandboxServer) -> None:
        with (
            server.client() as client,
            pytest.raises(InvalidInputError, match=r"an open file.*Give its path"),
        ):
            client.workflows.map("echo", make('{"n": 1}\n'))
        assert server.requests == []

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ('{"n": 1}\n'.encode("utf-16"), "in.jsonl is UTF-16: save it as UTF-8 first"),
            (b"\xfe\xff\x00{", "in.jsonl is UTF-16: save it as UTF-8 first"),
            (b"PK\x03\x04zip", "in.jsonl is a ZIP archive: unpack it first"),
            (b"PAR1...", "in.jsonl is a Parquet file: name it with the suffix .parquet"),
        ],
    )
    def test_a_file_of_something_else_is_told_as_such(self, tmp_path: Path, content: bytes, said: str) -> None:
        (tmp_path / "in.jsonl").write_bytes(content)
        with pytest.raises(InvalidInputError) as caught:
            list(read(tmp_path / "in.jsonl"))  # type: ignore[arg-type]
        assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(said)

    def test_a_line_has_an_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("simstudio.batch.input_files.MOST_IN_A_LINE", 2 * 1024**2)
        (tmp_path / "in.jsonl").write_bytes(b"1\n" + b"2" * (2 * 1024**2 + 1) + b"\n3\n")
        lines: Any = read(tmp_path / "in.jsonl")
        assert next(lines) == 1
        with pytest.raises(InvalidInputError, match="line 2: longer than 2 MB"):
            next(lines)
