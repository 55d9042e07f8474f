"""The file of JSON lines that a batch writes its results to."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from simstudio import ExecutionError, ResultsError, WorkflowExecutionResult
from simstudio.batch.items import BatchItem
from simstudio.batch.result_lines import ResultLines
from simstudio.batch.results import encode
from simstudio.core.disk import lock_file


def item(
    index: int, state: Any = "done", *, replayed: bool = False, output: Any = "x", run_id: str | None = None
) -> BatchItem:
    ok = state == "done"
    return BatchItem(
        index, {"n": index}, WorkflowExecutionResult(True, output) if ok else None,
        None if ok else ExecutionError("no"), 0 if replayed else 1, 0.5, state, str(index), run_id, replayed=replayed,
    )  # fmt: skip


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def opened(path: Path, *, ordered: bool = True, goes_on: bool = True) -> ResultLines:
    return ResultLines(path, encode, ordered=ordered, goes_on=goes_on)


def end(results: ResultLines, *, complete: bool) -> None:
    results.finish(complete=complete)
    results.close()


class TestLives:
    """The file over the ends of processes."""

    @pytest.mark.parametrize("ordered", [True, False])
    def test_a_line_that_was_cut_off_is_taken_away_and_comes_again(self, out: Path, ordered: bool) -> None:
        first = opened(out, ordered=ordered)
        for n in range(3):
            first.add(item(n, output="long" * 50_000))
        end(first, complete=False)
        with out.open("r+b") as file:
            file.truncate(out.stat().st_size - 70_000)

        again = opened(out, ordered=ordered)
        whole = out.read_bytes()
        for n in range(3):
            again.add(item(n, replayed=True, output="long" * 50_000))
        end(again, complete=True)

        assert len(lines(whole.decode())) == 2
        assert [line["index"] for line in lines(out.read_text())] == [0, 1, 2]
        assert [line["attempts"] for line in lines(out.read_text())] == [1, 1, 0]

    @pytest.mark.parametrize("ordered", [True, False])
    def test_nothing_is_taken_away_before_the_first_item_comes(self, out: Path, ordered: bool) -> None:
        """A batch that goes on and fails at once (a wrong key) costs no results."""
        first = opened(out, ordered=ordered)
        first.add(item(0, "unknown"))
        end(first, complete=True)
        before = out.read_bytes()

        end(opened(out, ordered=ordered), complete=False)

        assert out.read_bytes() == before

    def test_what_a_complete_batch_did_not_have_is_taken_away(self, out: Path) -> None:
        first = opened(out)
        for n in range(3):
            first.add(item(n))
        end(first, complete=True)

        again = opened(out)
        again.add(item(0, replayed=True))
        end(again, complete=True)

        assert [line["index"] for line in lines(out.read_text())] == [0]

    @pytest.mark.parametrize("ordered", [True, False])
    def test_an_item_that_ended_otherwise_before_the_process_died_replaces_its_line(
        self, out: Path, ordered: bool
    ) -> None:
        """The ledger knows its last end; the file has an earlier one, and the inputs of this run are fewer."""
        first = opened(out, ordered=ordered)
        for n, state in enumerate(["done", "failed", "failed", "done"]):
            first.add(item(n, state, run_id=f"first-{n}"))
        end(first, complete=True)

        again = opened(out, ordered=ordered)
        ends = [
            item(0, run_id="first-0", replayed=True),
            item(1, run_id="second-1", replayed=True),
            item(2, "failed", run_id="second-2", replayed=True),
            item(3, run_id="first-3", replayed=True),
        ]
        again.add(ends[0])
        again.finish(complete=True, others=iter(ends))
        again.close()

        rows = sorted(lines(out.read_text()), key=lambda row: row["index"])
        assert [(row["state"], row["run_id"]) for row in rows] == [
            ("done", "first-0"), ("done", "second-1"), ("failed", "second-2"), ("done", "first-3"),
        ]  # fmt: skip
        assert [path.name for path in out.parent.iterdir()] == [out.name]

    def test_the_later_of_two_lines_of_an_item_stays(self, out: Path) -> None:
        """The process died before it removed the earlier one."""
        first = opened(out, ordered=False)
        for run in ("first", "second"):
            first.add(item(0, "failed", run_id=run))
        end(first, complete=True)

        again = opened(out, ordered=False)
        again.finish(complete=True, others=iter([item(0, "failed", run_id="second", replayed=True)]))
        again.close()

        assert [row["run_id"] for row in lines(out.read_text())] == ["second"]

    @pytest.mark.parametrize("ordered", [True, False])
    def test_an_item_that_failed_again_before_the_process_died_replaces_its_line(
        self, out: Path, ordered: bool
    ) -> None:
        first = opened(out, ordered=ordered)
        first.add(item(0, "failed", run_id="first"))
        end(first, complete=True)

        again = opened(out, ordered=ordered)
        again.add(item(0, "failed", run_id="second", replayed=True))
        end(again, complete=True)

        assert [row["run_id"] for row in lines(out.read_text())] == ["second"]

    def test_half_a_surrogate_pair_is_written_escaped(self, out: Path) -> None:
        results = opened(out, goes_on=False)
        results.add(item(0, output="\ud83d"))
        end(results, complete=True)

        assert lines(out.read_text())[0]["output"] == "\ud83d"

    @pytest.mark.parametrize("ordered", [True, False])
    @pytest.mark.parametrize("goes_on", [True, False])
    def test_one_file_of_results_is_one_batch_s_at_a_time(self, out: Path, ordered: bool, goes_on: bool) -> None:
        first = opened(out, ordered=ordered, goes_on=goes_on)
        first.add(item(0))
        written = out.read_bytes()

        with pytest.raises(ResultsError, match="another batch is writing"):
            opened(out, ordered=ordered, goes_on=False)

        assert out.read_bytes() == written != b""
        end(first, complete=False)
        end(opened(out, ordered=ordered), complete=False)


@pytest.mark.skipif(sys.platform == "win32", reason="the numbers of files are those of POSIX")
def test_a_file_that_was_replaced_while_it_was_being_locked_is_opened_again(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.write_text("old\n")
    replaced: list[int] = []

    def late(fd: int) -> bool:
        if not replaced:
            replaced.append(out.stat().st_ino)
            other = out.with_name("other")
            other.write_text("new\n")
            other.replace(out)
        return lock_file(fd)

    monkeypatch.setattr("simstudio.core.disk.lock_file", late)
    results = opened(out)

    results.add(item(0))
    end(results, complete=False)
    assert replaced
    assert '"index": 0' in out.read_text()


def test_a_pipe_whose_reader_is_gone_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    lines = ResultLines(tmp_path / "pipe", encode, ordered=True, goes_on=False)
    lines.add(BatchItem(0, 1, key="0"))
    assert json.loads(os.read(reader, 65_536))["index"] == 0
    os.close(reader)
    with pytest.raises(ResultsError, match="Broken pipe"):
        lines.add(BatchItem(1, 1, key="1"))
    lines.close()
