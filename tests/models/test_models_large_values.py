"""References and manifests in place of values over 8 MiB: typed wherever a response has them."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import attrs
import pytest

from simstudio import FinalEvent, Job, LargeArrayManifest, LargeValueRef, WorkflowExecutionResult
from simstudio.batch.records import pack_result, unpack_result
from simstudio.core.conversion import structure
from simstudio.core.failures import redact_error
from simstudio.core.model import Model
from simstudio.errors import ExecutionError
from simstudio.models.pauses import InputField, ShownValue
from simstudio.models.v1.logs import ExecutionData
from simstudio.models.v1.logs import LogEntry as LogEntryV1
from simstudio.models.v2.logs import LogDetails, LogEntry, TraceSpan
from simstudio.models.v2.runs import Run, RunResult
from simstudio.models.webhooks import WorkflowExecutionData
from simstudio.resources.batch_execution import MODELS
from simstudio.transport.auth import Credentials
from simstudio.transport.secret import Secret
from simstudio.webhooks import DataDrainDelivery, Family, construct_event_without_verification

REF = {
    "__simLargeValueRef": True,
    "version": 1,
    "id": "lv_7gHMuenbHZH6",
    "kind": "string",
    "size": 9000002,
    "key": "execution/w/wf/e/large-value-lv_7gHMuenbHZH6.json",
    "executionId": "e",
    "preview": "xxx...",
}
MANIFEST = {
    "__simLargeArrayManifest": True,
    "version": 2,
    "kind": "array",
    "totalCount": 9000,
    "chunkCount": 2,
    "byteSize": 9267782,
    "chunks": [{"ref": {**REF, "kind": "array"}, "count": 8146, "byteSize": 8388161}, {"ref": None}, "odd"],
    "preview": [{"i": 0}, {"i": 1}],
}
OUTPUT = {"text": REF, "rows": [1, {"result": MANIFEST}], "own": {"n": 1}}


def assert_typed(output: Any) -> None:
    assert output == OUTPUT
    assert type(output["text"]) is LargeValueRef
    assert type(output["rows"][1]["result"]) is LargeArrayManifest
    assert type(output["own"]) is dict


def test_a_manifest_tells_the_length_of_its_list_and_no_items() -> None:
    manifest = LargeArrayManifest(MANIFEST)
    assert (len(manifest), manifest.total_count, manifest.size, manifest.kind) == (9000, 9000, 9267782, "array")
    assert [type(chunk) for chunk in manifest.chunks] == [LargeValueRef]
    assert manifest.preview == [{"i": 0}, {"i": 1}]
    assert repr(manifest) == "LargeArrayManifest(total_count=9000, size=9267782)"
    with pytest.raises(TypeError, match="too large for the response"):
        list(manifest)
    with pytest.raises(TypeError, match="too large for the response"):
        len(LargeArrayManifest({"totalCount": "many"}))


def test_a_reference_has_no_length_and_no_items() -> None:
    reference = LargeValueRef(REF)
    assert (reference.id, reference.size, reference.kind, reference.execution_id) == (REF["id"], 9000002, "string", "e")
    for measure in (len, list, sorted):
        with pytest.raises(TypeError, match=r"lv_7gHMuenbHZH6.*too large for the response"):
            measure(reference)


@pytest.mark.parametrize("made", [LargeValueRef(REF), LargeArrayManifest(MANIFEST)])
def test_both_stay_json_data(made: Any) -> None:
    assert bool(made)
    assert json.loads(json.dumps(made)) == json.loads(json.dumps(made, indent=1)) == made
    assert dict(made) == {**made} == made
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert (type(again), again) == (type(made), made)


@pytest.mark.parametrize(
    ("kind", "wire", "names"),
    [
        (WorkflowExecutionResult, "output", "output"),
        (WorkflowExecutionResult, "blockOutputs", "block_outputs"),
        (FinalEvent, "output", "output"),
        (Job, "output", "output"),
        (Job, "finalOutput", "output"),
        (RunResult, "output", "output"),
        (RunResult, "blockOutputs", "block_outputs"),
        (Run, "output", "output"),
        (Run, "blockOutputs", "block_outputs"),
        (LogEntryV1, "finalOutput", "final_output"),
        (ExecutionData, "finalOutput", "final_output"),
        (LogEntry, "finalOutput", "final_output"),
        (LogDetails, "finalOutput", "final_output"),
        (TraceSpan, "output", "output"),
        (ExecutionData, "executionState", "execution_state"),
        (ShownValue, "value", "value"),
        (InputField, "value", "value"),
    ],
)
def test_every_output_has_them_typed(kind: type[Model], wire: str, names: str) -> None:
    made = structure({wire: OUTPUT}, kind)
    assert_typed(getattr(made, names))
    assert made.to_dict() == {wire: OUTPUT}
    assert_typed(getattr(pickle.loads(pickle.dumps(made)), names))


@pytest.mark.parametrize(
    ("kind", "wire", "names"),
    [
        (WorkflowExecutionResult, "logs", "logs"),
        (WorkflowExecutionResult, "traceSpans", "trace_spans"),
        (WorkflowExecutionData, "traceSpans", "trace_spans"),
    ],
)
def test_every_list_of_outputs_has_them_typed(kind: type[Model], wire: str, names: str) -> None:
    assert_typed(getattr(structure({wire: [OUTPUT]}, kind), names)[0])


@pytest.mark.parametrize("family", ["webhook", "drain"])
def test_deliveries_have_them_typed(family: Family) -> None:
    event = construct_event_without_verification(json.dumps({"output": OUTPUT}), family=family)
    row = event.rows[0] if isinstance(event, DataDrainDelivery) else event
    assert_typed(row["output"])


def test_they_stay_typed_in_a_job_a_ledger_and_an_error() -> None:
    job = structure({"status": "completed", "output": {"success": True, "output": OUTPUT}}, Job)
    assert_typed(job.result.output)
    assert_typed(WorkflowExecutionResult(True, OUTPUT).output)
    result = attrs.evolve(job.result, truncated=("a",))
    kept = unpack_result(pack_result(result, 0), MODELS)
    assert_typed(kept.output)
    assert kept.truncated == ("a",)
    error = ExecutionError("failed", result=job.result)
    redact_error(error, Credentials(Secret("key-1234")))
    assert_typed(error.result.output)


def test_an_output_without_any_is_the_same_object() -> None:
    output: Any = {"rows": [{"n": [1, "x", None]}], "__simLargeValueRef": False}
    assert WorkflowExecutionResult(True, output).output is output
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert WorkflowExecutionResult(True, deep).output is deep
    while deep:  # Python would free it recursively
        deep = deep.pop()
