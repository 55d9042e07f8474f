"""What a checker infers for batches. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

from simstudio import (
    AsyncBatch,
    AsyncSimStudioClient,
    Batch,
    BatchInterrupted,
    BatchItem,
    Credits,
    Dollars,
    SimStudioClient,
    SimStudioError,
    WorkflowExecutionResult,
)
from simstudio.batch.progress import Progress

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def on_result(item: BatchItem) -> None:
    """The result of an item that names no class is of any."""
    assert_type(item.index, int)
    assert_type(item.result, Any | None)


async def on_result_later(item: BatchItem[WorkflowExecutionResult]) -> None:
    assert_type(item.key, str)
    assert_type(item.unwrap().execution_id, str | None)


def sync(client: SimStudioClient) -> None:
    batch = client.workflows.map("wf", [{"n": 1}], ordered=False, mode="async", on_result=on_result, progress=True)
    assert_type(batch, Batch[WorkflowExecutionResult])
    assert_type(iter(batch), Batch[WorkflowExecutionResult])
    for item in batch:
        assert_type(item, BatchItem[WorkflowExecutionResult])
        assert_type(item.result, WorkflowExecutionResult | None)
        assert_type(item.error, SimStudioError | None)
        assert_type(item.unwrap(), WorkflowExecutionResult)
        assert_type(item.state, Literal["done", "failed", "unknown"])
        assert_type(item.attempts, int)
        assert_type(item.elapsed, float)
        assert_type(item.to_dict(), dict[str, Any])
    with client.workflows.map("wf", Path("inputs.jsonl"), ledger=Path("runs.sqlite")) as entered:
        assert_type(entered, Batch[WorkflowExecutionResult])
        assert_type(next(entered), BatchItem[WorkflowExecutionResult])
    assert_type(batch.run(), Progress)
    assert_type(batch.progress.remaining, float | None)
    as_iterator: Iterator[BatchItem] = batch
    try:
        list(as_iterator)
    except BatchInterrupted as error:
        assert_type(error.progress, Progress)
        assert_type(error.items, list[BatchItem])
    client.workflows.map("wf", "in.csv", out=Path("out.parquet"), flatten=True).to_dataframe("polars", columns=["key"])
    client.workflows.map("wf", (n for n in range(3)), key=lambda value: value["id"], timeout=None)
    client.workflows.map("wf", "in.csv", columns={"a": "b"}, input=lambda row: [row], key="id", on_bad_row="fail")
    client.workflows.map("wf", [], max_failures=0.05, budget=Dollars(5), dedup=True, retries=2, dead_letters="f.jsonl")
    assert_type(next(batch).cost, Dollars | Credits | None)
    assert_type(batch.summary().p95, float | None)
    client.workflows.map("wf", [], budget=5)  # type: ignore[arg-type]
    client.workflows.map("wf", [], budgets=Dollars(5))  # type: ignore[call-arg]
    client.workflows.map("wf", [], mode="soon")  # type: ignore[arg-type]
    client.workflows.map("wf", 5)  # type: ignore[arg-type]
    client.workflows.map("wf")  # type: ignore[call-arg]


async def asynchronous(client: AsyncSimStudioClient, later: AsyncIterator[int]) -> None:
    batch = client.workflows.map("wf", later, on_result=on_result_later)
    assert_type(batch, AsyncBatch[WorkflowExecutionResult])
    async for item in batch:
        assert_type(item, BatchItem[WorkflowExecutionResult])
    async with client.workflows.map("wf", "inputs.jsonl", on_unknown="rerun") as entered:
        assert_type(entered, AsyncBatch[WorkflowExecutionResult])
    assert_type(await batch.run(), Progress)
    assert_type(await batch.aclose(), None)
