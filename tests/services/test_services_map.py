"""``map`` of the three services: the engine of batches, paced by the limit of each service."""

from __future__ import annotations

import asyncio
import csv
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from simstudio import BatchItem, File, InputChangedError, InvalidInputError, InvalidRequestError, NotFoundError
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from simstudio.services.speedpix import FileOutput
from simstudio.services.vectorvein import (
    AsyncVectorVeinClient,
    VectorVeinClient,
    WorkflowInputField,
    WorkflowRunResult,
)
from simstudio.transport.errors import APIConnectionError
from tests.services.limited import LimitedVectorVein, fields
from tests.services.map_cases import CASES, Case

KEY = "vectorvein-test-key"


def limited(client: Any, window: float) -> Any:
    """A client whose idea of a minute is shorter."""
    client._context.session.call_limit.window = window
    return client


# --- the limit of calls ---------------------------------------------------------------------------------------------


def test_80_runs_under_60_calls_a_window_are_80_results():
    server = LimitedVectorVein(60, 0.3)
    client = limited(VectorVeinClient(KEY, "http://vectorvein.test", middleware=[server]), 0.3)

    with client, client.workflows.map("wid", (fields(n) for n in range(80))) as batch:
        items = list(batch)

    assert [item.state for item in items] == ["done"] * 80
    assert sorted(server.ran) == list(range(80))  # nothing twice


async def test_30_runs_at_once_that_are_waited_for_are_30_results():
    server = LimitedVectorVein(20, 0.1)
    client = limited(AsyncVectorVeinClient(KEY, "http://vectorvein.test", middleware=[server]), 0.1)

    async with client:
        found = await asyncio.gather(*(client.workflows.run("wid", fields(n)) for n in range(30)))

    assert len({state.rid for state in found}) == 30
    assert sorted(server.ran) == list(range(30))


async def test_a_short_wait_outlasts_the_limit_that_holds_its_polls():
    server = LimitedVectorVein(20, 0.1)
    client = limited(AsyncVectorVeinClient(KEY, "http://vectorvein.test", middleware=[server]), 0.1)

    async with client:
        runs = (client.run_workflow("wid", fields(n), wait_for_completion=True, timeout=0.01) for n in range(50))
        found = await asyncio.gather(*runs)

    assert len({state.rid for state in found}) == 50


# --- one behaviour for three services -------------------------------------------------------------------------------


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def server(case: Case) -> Iterator[Any]:
    with case.sandbox().serve() as server:
        yield server


def begun(case: Case, server: Any) -> int:
    """How many runs were begun, or tried."""
    requests = server.sandbox.requests
    return sum(each.method == "POST" and each.path == case.begins for each in requests)


def test_each_input_has_its_output_and_a_ledger_remembers_it(case: Case, server: Any, tmp_path: Path):
    inputs = [case.input(n) for n in range(4)]

    def items() -> list[BatchItem[Any]]:
        with server.client() as client:
            return list(case.map(client, inputs, ledger=tmp_path / "runs.sqlite", out=tmp_path / "out.csv"))

    first, again = items(), items()

    assert [item.state for item in first] == ["done"] * 4
    assert begun(case, server) == 4
    assert all(item.replayed for item in again)
    assert [item.to_dict() for item in again] == [item.to_dict() for item in first]
    assert first[0].run_id is not None
    assert first[0].output is not None
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert [json.loads(row["output"]) for row in csv.DictReader(file)] == [item.output for item in first]


async def test_an_async_client_awaits_the_items(case: Case, server: Any):
    async with server.async_client() as client:
        items = [item async for item in case.map(client, [case.input(n) for n in range(3)])]

    assert [item.state for item in items] == ["done"] * 3


def test_a_refused_run_is_sent_again_and_one_whose_answer_was_lost_is_not(case: Case, server: Any):
    server.sandbox.faults.add(status=429, headers={"Retry-After": "0.01"}, body={"message": "slow"}, path=case.begins)
    with server.client() as client:
        (item,) = case.map(client, [case.input(1)])
    assert (item.state, begun(case, server)) == ("done", 2)

    server.sandbox.faults.add(drop="response", path=case.begins)
    with server.client() as client:
        (item,) = case.map(client, [case.input(2)])
    assert item.state == "unknown"
    assert isinstance(item.error, APIConnectionError)
    assert begun(case, server) == 3


def test_a_failure_that_comes_back_from_a_ledger_or_a_duplicate_is_one_of_the_service(
    case: Case, server: Any, tmp_path: Path
):
    server.sandbox.faults.add(status=400, body={"message": "no"}, path=case.begins)
    ledger, inputs = tmp_path / "runs.sqlite", [case.input(1), case.input(1)]
    with server.client() as client:
        items = list(case.map(client, inputs, ledger=ledger, dedup=True))
        items += case.map(client, inputs, ledger=ledger)

    assert [(item.state, item.replayed) for item in items] == [("failed", False)] * 2 + [("failed", True)] * 2
    for item in items:
        assert isinstance(item.error, case.root)
        assert isinstance(item.error, InvalidRequestError)
        assert type(item.error) is type(items[0].error)


def test_a_block_or_workflow_that_does_not_exist_ends_the_batch(case: Case, server: Any):
    with server.client() as client, pytest.raises(case.root, match=r"nope|[Nn]o such|not found") as caught:
        list(case.map(client, [case.input(n) for n in range(100)], of="nope", concurrency=1))

    assert isinstance(caught.value, NotFoundError)
    assert begun(case, server) == 1


def test_map_of_speedpix_takes_the_values_that_a_single_run_takes(tmp_path: Path):
    numpy = pytest.importorskip("numpy")

    def values() -> dict[str, Any]:
        return {
            "output": FileOutput("https://files.test/a.png"),
            "set": {1},
            "generator": (n for n in (1, 2)),
            "number": numpy.int64(1),
            "array": [numpy.array([[1, 2]])],
            "range": range(2),
        }

    with SpeedPixSandbox(states=()).serve() as server, server.client() as client:
        output = client.run("echo", values())
        (item,) = client.map("echo", [values()], ledger=tmp_path / "runs.sqlite")
        (again,) = client.map("echo", [values()], ledger=tmp_path / "runs.sqlite")

    assert item.unwrap().output == {**output, "output": "https://files.test/a.png"}
    assert again.replayed


def test_a_field_of_vectorvein_may_have_no_value():
    with VectorVeinSandbox(polls=0).serve() as server, server.client() as client:
        field = WorkflowInputField("node-1", "Name", None)
        (item,) = client.workflows.map("hello", [[field]])
        assert item.output == [field.to_dict() for field in client.workflows.run("hello", [field]).data]


UPLOADS = {
    "speedpix": ("/scc/sp_create_temp_file_upload_sign", lambda file: {"image": file}),
    "vectorvein": ("/api/v1/open-api/file-upload/upload", fields),
}


@pytest.mark.parametrize("case", UPLOADS, indirect=True)
def test_an_upload_that_breaks_runs_nothing_so_the_item_is_sent_again(
    case: Case, server: Any, request: pytest.FixtureRequest
):
    path, make = UPLOADS[request.node.callspec.params["case"]]
    server.sandbox.faults.add(drop="response", path=path)

    with server.client(max_retries=0) as client:
        items = list(case.map(client, [case.input(1), make(File(b"x", name="a.png"))], concurrency=1))

    assert [item.state for item in items] == ["done", "done"]
    assert begun(case, server) == 2


@pytest.mark.parametrize("case", UPLOADS, indirect=True)
def test_a_file_of_a_failed_item_is_uploaded_again_from_its_dead_letter(
    case: Case, server: Any, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, make = UPLOADS[request.node.callspec.params["case"]]
    letters = tmp_path / "failed.jsonl"
    server.sandbox.faults.add(status=400, body={"message": "no"}, path=case.begins, times=2)

    with server.client() as client:
        inputs = [make(File(b"photo", name="a.png")), make(File(b"x" * 200, name="b.png"))]
        with monkeypatch.context() as patch:
            patch.setattr("simstudio.core.files.MAX_BODY_BYTES", 100)
            list(case.map(client, inputs, dead_letters=letters, concurrency=1))
        server.sandbox.forget_requests()
        again, lost = case.map(client, str(letters))

    assert again.state == "done"
    assert begun(case, server) == 1
    assert [each.path for each in server.sandbox.requests].count(path) == 1
    assert str(lost.error).endswith("line 2: the content of b.png is not in it: give that input itself.")


@pytest.mark.parametrize("case", UPLOADS, indirect=True)
def test_a_file_that_no_request_could_hold_is_uploaded_and_known_to_the_ledger(
    case: Case,
    server: Any,
    pools: dict[str, Executor],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("simstudio.core.files.MAX_BODY_BYTES", 100)
    _, make = UPLOADS[request.node.callspec.params["case"]]
    photo = tmp_path / "a.png"
    photo.write_bytes(b"x" * 200)
    options = {"ledger": tmp_path / "runs.sqlite", "out": tmp_path / "out.jsonl"}

    with server.client() as client:
        inputs = [make(photo), make(File(b"y" * 200, name="b.png"))]
        assert [item.state for item in case.map(client, inputs, **options)] == ["done", "done"]
        assert [item.replayed for item in case.map(client, inputs, **options)] == [True, True]
        assert [item.state for item in case.map(client, inputs, executor=pools["threads"])] == ["done", "done"]
        photo.write_bytes(b"z" * 200)
        with pytest.raises(InputChangedError):
            list(case.map(client, inputs, **options))
    assert begun(case, server) == 4


def test_an_unusable_answer_to_a_run_that_began_is_unknown(case: Case, server: Any):
    server.sandbox.faults.add(status=200, body="{}", path=case.begins)

    with server.client() as client:
        (item,) = case.map(client, [case.input(1)])

    assert item.state == "unknown"


@pytest.fixture(scope="module")
def pools() -> Iterator[dict[str, Executor]]:
    """Executors that are made once: a process takes a second to start."""
    spawn = multiprocessing.get_context("spawn")
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(1, mp_context=spawn) as processes:
        yield {"threads": threads, "processes": processes}


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_an_executor_runs_each_input_once_and_its_errors_are_those_of_the_service(
    case: Case, server: Any, pools: dict[str, Executor], kind: str
):
    with server.client() as client:
        items = list(case.map(client, [case.input(n) for n in range(4)], executor=pools[kind]))
        assert [item.state for item in items] == ["done"] * 4
        assert begun(case, server) == 4

        server.sandbox.faults.add(status=400, body={"message": "no"}, path=case.begins)
        (item,) = case.map(client, [case.input(1)], executor=pools[kind])
    assert item.state == "failed"
    assert isinstance(item.error, case.root)
    assert isinstance(item.error, InvalidRequestError)


def test_batches_of_two_clients_share_one_rate(case: Case, server: Any, tmp_path: Path):
    shared = str(tmp_path / "rate.sqlite")

    with server.client() as one, server.client() as other:
        batches = [case.map(client, [case.input(n) for n in range(3)], shared=shared) for client in (one, other)]
        with ThreadPoolExecutor(2) as threads:
            items = [item for batch in threads.map(list, batches) for item in batch]

    assert [item.state for item in items] == ["done"] * 6
    assert begun(case, server) == 6


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"concurrency": 0}])
def test_an_argument_that_cannot_be_used_is_refused_before_anything_is_sent(case: Case, server: Any, wrong: Any):
    with server.client() as client, pytest.raises(InvalidInputError):
        case.map(client, [case.input(1)], **wrong)


def test_a_failed_run_is_a_failed_item():
    sandbox = VectorVeinSandbox(polls=0)

    @sandbox.workflow("broken")
    def broken(inputs: Any) -> Any:
        raise ValueError("no such thing")

    with sandbox.serve() as server, server.client() as client:
        (item,) = client.workflows.map("broken", [fields(1)])

    assert item.state == "failed"
    assert "no such thing" in str(item.error)
    assert isinstance(item.error.result, WorkflowRunResult)
