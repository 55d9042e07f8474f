"""What is given to ``map`` and cannot be used is said at the call, with what can be done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ledgers import opened

import simstudio as sim
from simstudio.batch.ledger import LedgerView
from simstudio.batch.shared_pace import open_counters
from simstudio.sandbox import Sandbox, SandboxServer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    sandbox = Sandbox(generation="v0.6")

    @sandbox.workflow("work")
    def work(input: dict[str, Any]) -> dict[str, Any]:
        return {"n": input["n"]}

    with sandbox.serve() as server:
        yield server


class TestArguments:
    @pytest.mark.parametrize(
        ("out", "other"),
        [
            ("in.jsonl", {"inputs": "./in.jsonl"}),
            ("in.jsonl", {"inputs": "file://in.jsonl"}),
            ("in.csv", {"inputs": Path("in.csv.part.jsonl")}),
            ("runs.csv", {"ledger": "runs.csv"}),
            ("runs-wal", {"ledger": "runs"}),
            ("out.jsonl", {"shared": "out.jsonl"}),
            ("out.jsonl", {"dead_letters": "out.jsonl"}),
            ("out.csv", {"dead_letters": "out.csv.part.jsonl"}),
            ("out.csv", {"dead_letters": "runs-wal", "ledger": "runs"}),
        ],
    )
    def test_results_take_the_place_of_no_other_file(
        self, server: SandboxServer, out: str, other: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with server.client() as client, pytest.raises(sim.InvalidInputError, match=r"are both .*: name another file"):
            client.workflows.map(**{"workflow_id": "work", "inputs": [{"n": 1}], "out": out, **other})

        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("ledger", 5, "ledger must be the path of a file, such as runs.sqlite, not 5"),
            ("ledger", "", "ledger must be the path of a file"),
            ("ledger", ":memory:", "ledger must be a file: one in memory would not survive the process"),
            ("progress", "yes", "progress must be True, False or a function, not 'yes'"),
            ("ordered", "no", "ordered must be True or False, not 'no'"),
            ("stop_on_error", 1, "stop_on_error must be True or False, not 1"),
            ("concurrency", "many", "concurrency must be 'auto' or a whole number from 1 to 10,000, not 'many'"),
            ("concurrency", True, "concurrency must be 'auto' or"),
            ("selected_outputs", "agent1.content", "selected_outputs must be a list"),
            ("selected_outputs", ["agent1.content"], "selected_outputs needs"),
            ("ledger", "a\0b", "ledger must be the path of a file: no file can be called"),
            ("ledger", "a\ud800.sqlite", "ledger must be the path of a file: no file can be called"),
            (
                "max_failures",
                1.5,
                "max_failures must be a whole number of items, or a share between 0 and 1 such as 0.05, not 1.5",
            ),
            ("retries", -1, "retries must be a whole number from 0 to 100, not -1"),
            ("dead_letters", "", "dead_letters must be the path of a file, such as failed.jsonl, not ''"),
            ("dead_letters", "a\0b", "dead_letters must be the path of a file"),
            ("dead_letters", "a\ud800", "dead_letters must be the path of a file"),
            ("dead_letters", ".", "dead_letters is '.': name a file in a folder that exists"),
            ("dead_letters", "none/a.jsonl", "dead_letters is 'none/a.jsonl': name a file in a folder that exists"),
            ("out", "", "out must be the path of a file, such as results.jsonl, not ''"),
            ("out", "results.xlsx", "out must end with .jsonl or .csv (also with .gz) or .parquet"),
            ("out", "a\0b.csv", "out must be the path of a file: no file can be called"),
            ("out", "a\ud800.csv", "out must be the path of a file: no file can be called"),
            ("flatten", True, "flatten= is for the file of out=; there is none"),
            ("workflow_id", "", "workflow_id is '', which names nothing"),
            ("workflow_id", None, "workflow_id must be a str"),
        ],
    )
    def test_one_that_cannot_be_used_is_named_once(
        self, server: SandboxServer, name: str, value: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with server.client() as client, pytest.raises(sim.InvalidInputError) as caught:
            client.workflows.map(**{"workflow_id": "work", "inputs": [{"n": 1}], name: value})
        assert str(caught.value).startswith(said)
        assert os.listdir(tmp_path) == []  # noqa: PTH208

    async def test_on_the_async_client_too(self, server: SandboxServer) -> None:
        async with server.async_client() as client:
            with pytest.raises(sim.InvalidInputError, match="workflow_id is ''"):
                client.workflows.map("", [])

    @pytest.mark.parametrize("concurrency", ["auto", None])
    def test_auto_finds_the_concurrency_out(self, server: SandboxServer, concurrency: Any) -> None:
        with server.client() as client:
            progress = client.workflows.map("work", [{"n": n} for n in range(9)], concurrency=concurrency).run()
        assert progress.done == 9

    @pytest.mark.parametrize("path", ["", ":memory:", 5, "s3://bucket/runs.sqlite"])
    @pytest.mark.parametrize("open_", [opened, LedgerView])
    def test_a_ledger_is_a_file(self, path: Any, open_: Any) -> None:
        with pytest.raises(sim.InvalidInputError, match=r"ledger (must be|is 's3:.*: name a file on this machine)"):
            open_(path)


class TestSharedStores:
    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("redis://:hunter2@127.0.0.1:1/3", "(redis://127.0.0.1:1/3) cannot be reached: Error 111"),
            (
                "redis://me:hunter2/x@127.0.0.1:1",
                "shared has an address that cannot be understood, of redis://127.0.0.1:1. ",
            ),
            ("nosuch://me:hunter2@here", "shared has an address of an unknown kind, nosuch://here. Use redis://"),
        ],
    )
    def test_one_that_cannot_be_used_is_told_with_its_place_and_no_password(self, address: str, said: str) -> None:
        pytest.importorskip("limits")
        pytest.importorskip("redis")
        with pytest.raises(sim.ConfigurationError) as caught:
            open_counters(address)
        assert said in str(caught.value)
        for error in (caught.value, caught.value.__cause__):
            assert "hunter2" not in str(error)

    def test_what_can_be_done_is_said(self) -> None:
        pytest.importorskip("limits")
        pytest.importorskip("redis")
        with pytest.raises(sim.ConfigurationError, match=r'Is it running there.*password.*shared="rate\.sqlite"'):
            open_counters("redis://127.0.0.1:1/0")


class Breaking(ThreadPoolExecutor):
    """Loses the first task with its worker, and is broken then, as a pool of processes is."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given = 0

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        self.given += 1
        if self.given > 2:
            raise BrokenExecutor("A process in the process pool was terminated abruptly.")
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("A process in the process pool was terminated abruptly."))
        return future


def test_of_a_broken_executor_what_was_in_flight_is_unknown_and_said_to_be(
    server: SandboxServer, tmp_path: Path
) -> None:
    executor: Executor = Breaking()
    with server.client() as client:
        batch = client.workflows.map(
            "work", [{"n": n} for n in range(5)], executor=executor, concurrency=1, ledger=tmp_path / "runs.sqlite"
        )
        items = [next(batch), next(batch)]
        with pytest.raises(sim.ConfigurationError) as caught:
            next(batch)
    assert [item.state for item in items] == ["unknown", "unknown"]
    assert "This input was not sent." in str(caught.value)
    assert "may have run: 2 in a row are unknown" in str(caught.value)
    assert "Nothing was sent" not in str(caught.value)
