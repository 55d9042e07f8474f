"""What a checker infers for ``map`` of the services. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys
from typing import Any

from simstudio import AsyncBatch, Batch, BatchItem
from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient, RunResult
from simstudio.services.speedpix import AsyncSpeedPixClient, PredictionResult, SpeedPixClient
from simstudio.services.vectorvein import AsyncVectorVeinClient, VectorVeinClient, WorkflowRunResult

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type

ROWS = [{"n": 1}, {"n": 2}]
FIELDS = [[{"node_id": "n", "field_name": "f", "value": 1}]]


def oomol(client: OomolConnectClient) -> None:
    batch = client.tasks.map("pkg::block", ROWS, ledger="runs.sqlite", concurrency=5, timeout=60)
    assert_type(batch, Batch[RunResult])
    for item in batch:
        assert_type(item, BatchItem[RunResult])
        assert_type(item.result, RunResult | None)
        assert_type(item.output, Any)
    client.tasks.map(5, ROWS)  # type: ignore[arg-type]
    client.tasks.map("pkg::block", ROWS, orderd=False)  # type: ignore[call-arg]
    client.tasks.map("pkg::block", ROWS, on_unknown="run")  # type: ignore[arg-type]


def speedpix(client: SpeedPixClient) -> None:
    with client.map("workflow-1", ROWS, alias_id="beta", on_failed="rerun") as batch:
        assert_type(batch, Batch[PredictionResult])
        assert_type([item.run_id for item in batch], list[str | None])
    client.map("workflow-1", ROWS, alias=1)  # type: ignore[call-arg]


def vectorvein(client: VectorVeinClient) -> None:
    assert_type(client.workflows.map("wid", FIELDS, output_scope="all"), Batch[WorkflowRunResult])
    client.workflows.map("wid", FIELDS, shared=5)  # type: ignore[arg-type]


async def asynchronous(
    oomol: AsyncOomolConnectClient, speedpix: AsyncSpeedPixClient, vectorvein: AsyncVectorVeinClient
) -> None:
    assert_type(oomol.tasks.map("pkg::block", ROWS), AsyncBatch[RunResult])
    assert_type(speedpix.map("workflow-1", ROWS), AsyncBatch[PredictionResult])
    async with vectorvein.workflows.map("wid", FIELDS) as batch:
        async for item in batch:
            assert_type(item, BatchItem[WorkflowRunResult])
