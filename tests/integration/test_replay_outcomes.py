"""What a real server of August 2026 keeps of a run: cut texts, references, pauses, and the id of a resumed run."""

from __future__ import annotations

import json
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.cut_texts import find_cut_texts
from tests.driving import Both, answer, replayed
from tests.recorded import SELECTION, recording

V2 = {"api_version": "v2"}
FIRST = sim.Pause("c1", "wf", "e1")


def recorded(part: str) -> Any:
    return replayed(recording(SELECTION, part))


async def test_texts_of_a_run_are_cut_after_15000_characters(both: Both) -> None:
    output = json.loads(recording(SELECTION, "claims-533").body)["data"]["output"]
    assert find_cut_texts(output) == ("result.text",)
    whole = {"result": {"size": 20000, "text": "x" * 20_000}, "stdout": ""}
    client = both.client(recorded("claims-533"), answer(200, {"output": {"success": True, "output": whole}}), **V2)
    job = await both(client.jobs.wait("lg-894a5160da18", workflow_id="wf"))
    assert (job.result.output, job.truncated) == (whole, ())


@pytest.mark.parametrize(
    ("part", "read", "options"),
    [
        ("claims-559", lambda client: client.workflows.execute("wf"), V2),
        ("claims-548", lambda client: client.jobs.wait("j"), {}),
        ("claims-549", lambda client: client.v2.runs.get("wf", "r"), {}),
        ("claims-513", lambda client: client.v1.logs.list("ws").page(), {}),
    ],
    ids=["text of a result", "list of a job", "list of a run", "text of a log"],
)
async def test_values_over_8_mib_are_typed(both: Both, part: str, read: Any, options: Any) -> None:
    found = await both(read(both.client(recorded(part), **options)))
    if isinstance(found, sim.Page):
        output = found.items[0].final_output
    else:
        output = found.result.output if isinstance(found, sim.Job) else found.output
    result = output["result"]
    if isinstance(result, dict) and "text" in result:
        assert isinstance(result["text"], sim.LargeValueRef)
        assert (result["text"].kind, result["text"].size) == ("string", 9_000_002)
    else:
        assert isinstance(result, sim.LargeArrayManifest)
        assert (len(result), [chunk.size for chunk in result.chunks]) == (9000, [8388161, 879621])


async def test_a_resumed_run_of_v2_is_read_under_its_first_id(both: Both) -> None:
    client = both.client(recorded("claims-264"), recorded("claims-265"), **V2)
    receipt = await both(client.workflows.resume(FIRST))
    assert receipt.to_dict()["runId"] == "9e881e2b-4864-4c58-a24a-bbe1662c05a5"  # 404, as claims-268 says
    assert (await both(client.jobs.wait(receipt))).succeeded
    assert client.script.requests[1].path == "/api/v2/workflows/wf/runs/e1"


async def test_a_resumed_job_of_v1_has_the_output(both: Both) -> None:
    client = both.client(recorded("claims-693"), recorded("claims-283"))
    receipt = await both(client.workflows.resume(FIRST))
    job = await both(client.jobs.wait(receipt))
    assert client.script.requests[1].path == "/api/jobs/run_EEUouwIbqbQVluSrfRL_"
    assert job.result.output["result"] == {"comment": "", "approved": True}
    assert (job.execution_id, job.result.execution_id) == ("e1", "e1")


@pytest.mark.parametrize(("part", "options"), [("claims-250", {}), ("claims-243", V2)], ids=["v1", "v2"])
async def test_several_pauses_are_all_shown(both: Both, part: str, options: Any) -> None:
    result = await both(both.client(recorded(part), **options).workflows.execute("wf"))
    assert result.paused
    assert [(pause.question, pause.input_fields[0].name) for pause in result.pauses] == [("A?", "a"), ("B?", "b")]
    with pytest.raises(sim.InvalidInputError, match=r"several pauses.*\(A\?\).*\(B\?\)"):
        await both(both.client(**options).workflows.resume(result))


async def test_a_run_that_waits_with_several_pauses_names_one_until_all_are_looked_up(both: Both) -> None:
    client = both.client(recorded("claims-244"), answer(404, {"error": "gone"}), recorded("claims-253"), **V2)
    job = await both(client.jobs.wait("r", workflow_id="wf"))
    assert [pause.context_id for pause in job.pauses] == ["0228f37f-7f54-441b-89cf-92934f4eb64d"]
    job = await both(client.jobs.wait("r", workflow_id="wf"))  # one of two is answered
    assert [pause.context_id for pause in job.pauses] == ["c2a0f879-e6cb-4611-bff6-2e23789c425b"]


@pytest.mark.parametrize(
    ("first", "refusal", "version"), [("claims-212", "claims-203", "v1"), ("claims-191", "claims-196", "v2")]
)
async def test_a_second_pause_in_sequence_cannot_be_answered(
    both: Both, first: str, refusal: str, version: str
) -> None:
    client = both.client(recorded(first), recorded(refusal), api_version=version)
    result = await both(client.workflows.resume(FIRST))
    assert (result.paused, result.pause.question, result.execution_id) == (True, "Size of red?", "e1")
    with pytest.raises(sim.ConflictError, match=r"can no longer be resumed.*paused again after an answer"):
        await both(client.workflows.resume(result))
    assert client.script.requests[1].path.split("/")[-2] == result.pause.execution_id


async def test_a_run_that_paused_again_is_stuck(both: Both) -> None:
    client = both.client(recorded("claims-691"), recorded("claims-691"), answer(404, {"error": "gone"}), **V2)
    job = await both(client.jobs.wait("r", workflow_id="wf"))
    assert (job.done, job.paused, job.pauses) == (True, True, [])
    with pytest.raises(sim.ConflictError, match="paused again"):
        await both(client.workflows.resume(job))


async def test_a_queued_answer_to_a_second_pause_fails_with_the_reason(both: Both) -> None:
    with pytest.raises(sim.JobFailedError, match=r"can no longer be resumed.*paused again after an answer"):
        await both(both.client(recorded("claims-695")).jobs.wait("run_EEUouwIbqbQVluSrfRL_"))
