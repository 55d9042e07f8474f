"""A service that goes away in the middle of a batch: what was not sent waits until it answers again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simstudio import APIConnectionError, BatchItem, NotFoundError
from simstudio.batch.ledger import status
from simstudio.batch.outage import Outage
from simstudio.services.oomol import OomolConnectClient
from simstudio.services.oomol.execution import TaskExecution
from tests.driving import answer, result_of
from tests.services.map_cases import CASES


def test_the_service_is_asked_for_its_address_and_any_answer_shows_that_it_is_there():
    client = OomolConnectClient("http://oomol.test/api")
    execution = TaskExecution("pkg::block", None, client._context)

    assert result_of(execution.reach(), answer(200, "<html>hello"))
    with pytest.raises(NotFoundError):
        result_of(execution.reach(), answer(404, {"message": "nothing here"}))


@pytest.mark.external
@pytest.mark.parametrize("name", CASES)
def test_one_that_does_not_come_back_ends_the_batch_and_the_ledger_goes_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Outage, "next_probe", lambda self: 0.02)
    monkeypatch.setattr(Outage.__init__, "__defaults__", (0.2,))
    case = CASES[name]
    sandbox = case.sandbox()
    server = sandbox.serve().start()
    port, ledger = int(server.origin.rpartition(":")[2]), tmp_path / "runs.sqlite"
    inputs = [case.input(n) for n in range(16)]

    def stop(item: BatchItem[Any]) -> None:
        if item.index == 4:
            server.close()

    with server.client() as client:
        with pytest.raises(APIConnectionError, match="same ledger goes on"):
            case.map(client, inputs, concurrency=4, ledger=ledger, on_result=stop).run()
        found = status(ledger)
        with sandbox.serve(port=port):
            progress = case.map(client, inputs, concurrency=4, ledger=ledger).run()

    assert (found.failed, found.sending) == (0, 0)
    assert (progress.done + progress.unknown, progress.failed) == (16, 0)
    assert progress.unknown <= 4  # what was under way when the port closed
