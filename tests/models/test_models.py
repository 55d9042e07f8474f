from __future__ import annotations

import copy
import json
import pickle
import pickletools
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attrs
import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import (
    AsyncExecutionResult,
    CancelResult,
    ChunkEvent,
    ExecutionError,
    FinalEvent,
    InvalidResponseError,
    Job,
    JobNotDoneError,
    MissingFieldError,
    OtherEvent,
    Pause,
    PausedRun,
    SimStudioError,
    UsageLimits,
    WorkflowExecutionResult,
    WorkflowStatus,
)
from simstudio.core.conversion import structure
from simstudio.core.model import Model, model, restore_model, wire_name
from simstudio.models.runs import find_resume
from simstudio.models.usage import ExecutionRateLimits, RateLimitEntry, StorageUsage, Usage
from simstudio.models.v2.logs import TraceSpan
from simstudio.models.v2.runs import RunReceipt
from simstudio.models.v2.uploads import UploadPart
from simstudio.testing import strict_models
from simstudio.webhooks import GenericEvent
from tests.driving import answer


@model
class JobList(Model):
    tasks: list[Job]


@model
class Choice(Model):
    value: str | list[str] | WorkflowStatus | float | None = None


ENTRY = {
    "isLimited": False,
    "requestsPerMinute": 50,
    "maxBurst": 100,
    "remaining": 99,
    "resetAt": "2026-04-14T12:00:00.000Z",
}
LIMITS = {
    "success": True,
    "rateLimit": {"sync": ENTRY, "async": {**ENTRY, "limit": 200}, "authType": "api"},
    "usage": {"currentPeriodCost": 0.5, "limit": 10, "plan": "free"},
    "storage": {"usedBytes": 1, "limitBytes": 5, "percentUsed": 20},
    "new": {"a": [1]},
}
MADE: list[Model] = [
    WorkflowExecutionResult(success=True, output={"n": 1}),
    AsyncExecutionResult(True, "t1"),
    Job("t1", "completed", {"success": True, "output": 1}),
    WorkflowStatus(True),
    CancelResult(True),
    UsageLimits(True, usage=Usage(plan="free")),
    ChunkEvent("a", "b"),
    FinalEvent(True),
    OtherEvent("e", {"a": 1}),
    structure(LIMITS, UsageLimits),
    structure({"success": True, "output": None, "metadata": {"duration": 1}, "x": 1}, WorkflowExecutionResult),
]
by_type = pytest.mark.parametrize("model", MADE, ids=lambda model: type(model).__name__)


class TestAttributes:
    def test_they_are_the_wire_names_in_snake_case(self) -> None:
        limits = structure(LIMITS, UsageLimits)
        assert limits.rate_limit.sync.is_limited is False
        assert limits.rate_limit.sync.reset_at == "2026-04-14T12:00:00.000Z"
        assert limits.usage.current_period_cost == 0.5
        assert limits.storage is not None
        assert limits.storage.percent_used == 20

    def test_a_taken_name_has_a_trailing_underscore(self) -> None:
        limits = structure(LIMITS, UsageLimits)
        assert limits.rate_limit.async_ is limits["rateLimit"]["async"]

    def test_a_limit_falls_back_to_requests_per_minute(self) -> None:
        limits = structure(LIMITS, UsageLimits)
        assert (limits.rate_limit.sync.limit, limits.rate_limit["sync"]["limit"]) == (50, 50)
        assert "limit" in limits.rate_limit.sync
        assert (limits.rate_limit.async_.limit, limits.rate_limit.async_.requests_per_minute) == (200, 50)

    def test_wire_names_are_camel_case_unless_said_otherwise(self) -> None:
        assert list(ExecutionRateLimits(auth_type="api")) == ["sync", "async", "authType"]
        assert list(AsyncExecutionResult(True, "t", created_at="x")) == [
            "success",
            "taskId",
            "status",
            "createdAt",
            "links",
        ]

    def test_a_missing_optional_is_none_or_its_default(self) -> None:
        assert structure({"success": True}, WorkflowExecutionResult).output is None
        assert structure({"isDeployed": True}, WorkflowStatus).is_published is False
        assert structure({"success": True}, UsageLimits).rate_limit.sync.remaining is None

    def test_null_is_as_good_as_missing(self) -> None:
        status = structure({"isDeployed": True, "isPublished": None, "deployedAt": None}, WorkflowStatus)
        assert (status.is_published, status.deployed_at) == (False, None)

    def test_an_unknown_enum_value_stays_text(self) -> None:
        job = structure({"taskId": "t", "status": "hibernating"}, Job)
        assert job.status == "hibernating"
        assert not job.done

    @by_type
    def test_they_cannot_be_changed(self, model: Model) -> None:
        name = next(iter(attrs.fields_dict(type(model))))
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(model, name, 1)
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            model.anything = 1  # type: ignore[attr-defined]

    def test_every_documented_field_is_there(self) -> None:
        fields = {
            kind: [field.name for field in attrs.fields(kind)]
            for kind in (WorkflowExecutionResult, WorkflowStatus, AsyncExecutionResult)
        }
        assert fields[WorkflowExecutionResult] == [
            "success",
            "output",
            "error",
            "logs",
            "metadata",
            "trace_spans",
            "total_duration",
            "execution_id",
            "status",
            "truncated",
        ]
        assert fields[WorkflowStatus] == ["is_deployed", "deployed_at", "is_published", "needs_redeployment"]
        assert fields[AsyncExecutionResult] == [
            "success",
            "task_id",
            "status",
            "created_at",
            "links",
            "execution_id",
            "status_url",
            "message",
            "workflow_id",
        ]


class TestMapping:
    @by_type
    def test_each_is_a_mapping_that_agrees_with_itself(self, model: Model) -> None:
        assert isinstance(model, Mapping)
        assert list(model) == list(model.keys())
        assert len(model) == len(list(model))
        assert all(name in model for name in model)
        assert {name: model[name] for name in model} == dict(model.items()) == dict(model)
        assert list(model.values()) == [model[name] for name in model]

    def test_items_have_the_names_of_the_wire(self) -> None:
        limits = structure(LIMITS, UsageLimits)
        assert limits["rateLimit"]["sync"]["resetAt"] == "2026-04-14T12:00:00.000Z"
        assert limits.get("usage", {})["plan"] == "free"
        assert list(limits) == ["success", "rateLimit", "usage", "storage", "new"]

    def test_what_did_not_come_is_not_there(self) -> None:
        job = structure({"taskId": "t", "status": "queued"}, Job)
        assert "output" not in job
        assert job.get("output") is None
        assert job.get("output", 5) == 5
        with pytest.raises(KeyError, match="output"):
            job["output"]
        with pytest.raises(KeyError, match="nope"):
            job["nope"]

    def test_null_that_came_is_there(self) -> None:
        job = structure({"taskId": "t", "status": "queued", "output": None}, Job)
        assert "output" in job
        assert job["output"] is None

    def test_attribute_names_are_no_items(self) -> None:
        job = structure({"taskId": "t", "status": "queued"}, Job)
        assert "task_id" not in job
        assert 5 not in job

    def test_other_dialects_names_of_an_id_work_as_items(self) -> None:
        job = structure({"jobId": "t", "status": "queued"}, Job)
        assert (job.task_id, job["jobId"], job["taskId"]) == ("t", "t", "t")
        assert list(job) == ["jobId", "status"]

    def test_match_statements_take_them_apart(self) -> None:
        match structure(LIMITS, UsageLimits):
            case {"usage": {"plan": plan}}:
                assert plan == "free"
            case _:
                pytest.fail("it is a mapping")

    def test_unknown_fields_are_kept(self) -> None:
        limits = structure(LIMITS, UsageLimits)
        assert limits.extra == {"new": {"a": [1]}}
        assert limits["new"] == {"a": [1]}

    def test_one_made_by_hand_is_a_mapping_over_what_it_was_given(self) -> None:
        receipt = AsyncExecutionResult(True, "t1", links={"status": "/x"})
        assert dict(receipt) == {"success": True, "taskId": "t1", "status": "queued", "links": {"status": "/x"}}
        assert receipt.extra == {}
        assert UsageLimits(True, usage=Usage(plan="free")).to_dict() == {
            "success": True,
            "rateLimit": {"sync": {}, "async": {}},
            "usage": {"plan": "free"},
        }

    @by_type
    def test_to_dict_is_plain_json_data(self, model: Model) -> None:
        assert json.loads(json.dumps(model.to_dict())) == model.to_dict()
        assert type(model.to_dict()) is dict

    def test_to_dict_is_what_came(self) -> None:
        assert structure(LIMITS, UsageLimits).to_dict() == LIMITS

    def test_repr_shows_the_fields_that_are_there(self) -> None:
        assert repr(WorkflowStatus(True, deployed_at="x")) == (
            "WorkflowStatus(is_deployed=True, deployed_at='x', is_published=False, needs_redeployment=False)"
        )

    def test_repr_leaves_out_secrets(self) -> None:
        part = UploadPart(2, "https://sim.test/?token=secret", {"upload-token": "secret"}, "2026-01-01T00:00:00Z")
        assert repr(part) == "UploadPart(part_number=2, expires_at='2026-01-01T00:00:00Z')"


class TestEquality:
    def test_models_are_equal_when_the_same_came(self) -> None:
        sent = {"taskId": "t", "status": "q", "x": 1}
        assert structure(sent, Job) == structure(dict(sent), Job) == sent
        assert structure(sent, Job) != structure({**sent, "x": 2}, Job)
        assert structure(sent, Job) != structure({"jobId": "t", "status": "q", "x": 1}, Job)

    def test_of_a_model_made_by_hand_its_fields_came(self) -> None:
        assert Job("t", "queued") == structure({"taskId": "t", "status": "queued"}, Job)
        assert Job("t", "queued") != Job("u", "queued")
        nested = UsageLimits(True, usage=Usage(plan="free"))
        sent = {"success": True, "rateLimit": {"sync": {}, "async": {}}, "usage": {"plan": "free"}}
        assert nested == structure(sent, UsageLimits) == sent
        pauses = PausedRun("w", "e", "paused", pauses=[Pause(context_id="c")])
        assert pauses.to_dict()["pauses"] == [{"contextId": "c", "shown": [], "inputFields": [], "links": {}}]

    def test_a_model_is_equal_to_what_came(self) -> None:
        assert structure(LIMITS, UsageLimits) == LIMITS
        assert structure(LIMITS, UsageLimits) != {**LIMITS, "new": 2}

    def test_models_of_other_kinds_and_other_things_are_not(self) -> None:
        assert ChunkEvent("a") != OtherEvent("a")
        assert CancelResult(True) != WorkflowExecutionResult(True)
        assert CancelResult(True) != 5

    @by_type
    def test_none_can_be_hashed_because_dicts_cannot(self, model: Model) -> None:
        with pytest.raises(TypeError):
            hash(model)

    @by_type
    @pytest.mark.parametrize(
        "through",
        [
            lambda m: pickle.loads(pickle.dumps(m)),
            lambda m: pickle.loads(cloudpickle.dumps(m)),
            copy.copy,
            copy.deepcopy,
        ],
        ids=["pickle", "cloudpickle", "copy", "deepcopy"],
    )
    def test_they_come_back_equal(self, model: Model, through: Any) -> None:
        made = through(model)
        assert type(made) is type(model)
        assert made == model
        assert made.to_dict() == model.to_dict()
        assert made.extra == model.extra

    def test_attrs_tools_work_on_them(self) -> None:
        assert attrs.evolve(Job("t", "queued"), status="completed").status == "completed"


class TestDeviations:
    """What came is kept, whatever it is, and nothing is coerced or refused because of one field."""

    def test_a_missing_required_field_is_an_error_when_it_is_read(self) -> None:
        job = structure({"taskId": "t", "surprise": 1}, Job)
        assert job.task_id == "t"
        with pytest.raises(MissingFieldError, match=r"Job\.status: .*'status'\. It sent: surprise, taskId\.") as caught:
            job.status  # noqa: B018
        assert isinstance(caught.value, SimStudioError)
        assert isinstance(caught.value, AttributeError)
        assert not hasattr(job, "status")
        assert getattr(job, "status", "?") == "?"

    def test_all_its_spellings_are_named(self) -> None:
        with pytest.raises(
            MissingFieldError, match=r"'taskId' or 'jobId' or 'runId' or 'executionId'.* an empty object"
        ):
            structure({}, Job).task_id  # noqa: B018

    def test_a_property_that_reads_it_names_the_field(self) -> None:
        with pytest.raises(MissingFieldError, match=r"Job\.status"):
            structure({"taskId": "t"}, Job).done  # noqa: B018

    def test_any_other_attribute_is_an_ordinary_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="'Job' object has no attribute 'nope'") as caught:
            structure({}, Job).nope  # type: ignore[attr-defined]  # noqa: B018
        assert not isinstance(caught.value, MissingFieldError)

    def test_nothing_but_reading_the_attribute_raises(self) -> None:
        sent = {"taskId": "t", "surprise": 1}
        job = structure(sent, Job)
        assert repr(job) == "Job(task_id='t', status=<missing>)"
        assert job == sent
        assert job.to_dict() == sent
        assert "status" not in job
        assert list(job) == ["taskId", "surprise"]
        assert job.get("status") is None
        with pytest.raises(KeyError):
            job["status"]
        for same in (pickle.loads(pickle.dumps(job)), copy.copy(job), copy.deepcopy(job)):
            assert (same, repr(same)) == (job, repr(job))
        assert attrs.asdict(job)["task_id"] == "t"
        assert attrs.astuple(job)[0] == "t"
        assert attrs.asdict(structure({"tasks": [sent]}, JobList)) == {"tasks": [attrs.asdict(job)]}

    def test_null_in_a_required_field_came(self) -> None:
        job = structure({"taskId": None, "status": None}, Job)
        came: object = job.status
        assert came is None
        assert job["status"] is None
        assert repr(job) == "Job(task_id=None, status=None)"

    @pytest.mark.parametrize("raw", ["5", 5.5, True, [], {"a": 1}, "no"])
    @pytest.mark.parametrize("name", ["remaining", "isLimited", "resetAt"])
    def test_a_value_of_another_type_stays_as_it_came(self, name: str, raw: Any) -> None:
        entry = structure({name: raw}, RateLimitEntry)
        assert entry[name] is raw
        assert entry.to_dict() == {name: raw}

    @pytest.mark.parametrize("raw", ["x", 5, []])
    def test_so_does_what_is_no_object_where_a_model_belongs(self, raw: Any) -> None:
        limits = structure({"success": "false", "usage": raw, "rateLimit": {"sync": raw}}, UsageLimits)
        assert (limits.success, limits.usage, limits.rate_limit.sync) == ("false", raw, raw)

    def test_an_item_that_is_no_object_stays_in_its_list(self) -> None:
        first, *others = structure([{"isDeployed": True}, None, "x", [1]], list[WorkflowStatus])
        assert first.is_deployed
        assert others == [None, "x", [1]]
        jobs = structure({"tasks": [5, {"taskId": "t"}]}, JobList).tasks
        assert jobs == [5, {"taskId": "t"}]
        assert isinstance(jobs[1], Job)
        assert structure({"tasks": {"a": 1}}, JobList).tasks == {"a": 1}

    def test_a_union_takes_the_member_of_the_values_type(self) -> None:
        made = [structure({"value": raw}, Choice).value for raw in ("x", ["x", 5], {"isDeployed": True}, 1.5, None)]
        assert made == ["x", ["x", 5], {"isDeployed": True}, 1.5, None]
        assert isinstance(made[2], WorkflowStatus)

    def test_whole_numbers_are_numbers(self) -> None:
        with strict_models():
            assert structure({"percentUsed": 5}, StorageUsage).percent_used == 5

    def test_plain_data_stays_plain(self) -> None:
        sent = {
            "success": True,
            "output": {"deep": [{"x": None}]},
            "logs": [{"a": 1}],
            "traceSpans": [[]],
            "metadata": {"duration": 1},
        }
        made = structure(sent, WorkflowExecutionResult)
        assert made.output is sent["output"]
        assert (made.logs, made.trace_spans, made.metadata) == ([{"a": 1}], [[]], {"duration": 1})

    @pytest.mark.parametrize(
        ("data", "into", "problem"),
        [
            ([], Job, "the body is no Job: as a whole it is a list and not an object"),
            ("text", Job, "as a whole it is text"),
            (None, Job, "as a whole it is null"),
            ({}, list[Job], "no list of Job: as a whole it is an object and not a list"),
            ([], dict[str, Job], "as a whole it is a list and not an object"),
        ],
    )
    def test_another_envelope_is_an_invalid_response(self, data: Any, into: Any, problem: str) -> None:
        response = answer(200, data)
        response.method, response.url = "GET", "https://sim.test/api/x"
        with pytest.raises(InvalidResponseError, match=problem) as caught:
            structure(data, into, response=response)
        assert "GET /api/x answered 200" in str(caught.value)
        assert (caught.value.response, caught.value.status) == (response, 200)

    def test_what_is_nested_too_deeply_is_an_invalid_response(self) -> None:
        span: dict[str, Any] = {"id": "s"}
        for _ in range(3_000):
            span = {"id": "s", "children": [span]}
        with pytest.raises(InvalidResponseError, match="nested too deeply"):
            structure(span, TraceSpan)

    def test_each_is_logged_once_per_model_and_field(self, caplog: pytest.LogCaptureFixture) -> None:
        @model
        class Fresh(Model):
            name: str
            count: int | None = None

        with caplog.at_level("INFO", "simstudio.models"):
            for sent in ({}, {"name": None}, {"name": "x", "count": "5"}, {"name": "x", "count": [], "new": 1}):
                structure(sent, Fresh)
        assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
            "Fresh.name is missing",
            "Fresh.count is text and not a whole number",
        ]
        assert {record.levelname for record in caplog.records} == {"INFO"}

    def test_copies_and_pickles_log_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level("INFO", "simstudio.models"):
            copy.deepcopy(Job("t", "queued", metadata="odd"))  # type: ignore[arg-type]
        assert not caplog.records


class TestStrictModels:
    @pytest.mark.parametrize(
        ("data", "into", "problem"),
        [
            ({"taskId": "t"}, Job, r"Job\.status is missing"),
            ({"taskId": "t", "status": None}, Job, r"Job\.status is null"),
            ({"taskId": "t", "status": 5}, Job, r"Job\.status is a whole number and not text"),
            ({"success": True, "usage": {"limit": "5"}}, UsageLimits, r"Usage\.limit is text and not a number"),
            ({"success": True, "usage": []}, UsageLimits, r"UsageLimits\.usage is a list and not an object"),
        ],
    )
    def test_a_deviation_is_an_error(self, data: Any, into: type[Model], problem: str) -> None:
        with strict_models(), pytest.raises(InvalidResponseError, match=problem):
            structure(data, into)
        structure(data, into)

    def test_unknown_fields_and_words_are_none(self) -> None:
        with strict_models():
            structure({"taskId": "t", "status": "hibernating", "new": 1, "output": None}, Job)

    def test_what_exists_can_be_copied_and_shown(self) -> None:
        job = structure({"taskId": "t"}, Job)
        with strict_models():
            assert copy.deepcopy(job) == pickle.loads(pickle.dumps(job)) == job
            assert "<missing>" in repr(job)

    def test_it_ends_with_the_block_and_may_be_nested(self) -> None:
        with strict_models():
            with strict_models():
                pass
            with pytest.raises(InvalidResponseError):
                structure({}, Job)
        assert structure({}, Job) == {}


class TestPickles:
    """They hold what came, and name public places only, so that another version reads them."""

    @pytest.mark.parametrize(
        ("made", "module", "name"),
        [
            (Job("t", "queued"), "simstudio", "Job"),
            (RateLimitEntry(limit=5), "simstudio.models.usage", "RateLimitEntry"),
            (RunReceipt("r"), "simstudio.models.v2.runs", "RunReceipt"),
            (GenericEvent([1]), "simstudio.webhooks", "GenericEvent"),
        ],
    )
    def test_they_name_the_shortest_public_place(self, made: Model, module: str, name: str) -> None:
        texts = [argument for _, argument, _ in pickletools.genops(pickle.dumps(made)) if isinstance(argument, str)]
        assert texts[:4] == ["simstudio", "restore_model", module, name]
        assert not any(text.startswith("simstudio.") for text in texts if text != module)

    def test_the_class_keeps_its_real_module(self) -> None:
        assert Job.__module__ == "simstudio.models.jobs"

    def test_attributes_that_did_not_come_with_the_answer_are_kept(self) -> None:
        job = structure(
            {"status": "queued"}, Job, fallbacks={"task_id": "t", "api_version": "v2"}, overrides={"error": "E"}
        )
        for same in (pickle.loads(pickle.dumps(job)), copy.copy(job)):
            assert (same.task_id, same.api_version, same.error, same.to_dict()) == (
                "t",
                "v2",
                "E",
                {"status": "queued"},
            )

    def test_attributes_that_a_version_does_not_know_are_left_out(self) -> None:
        job = restore_model(("simstudio", "Job"), {"taskId": "t"}, {"status": "queued", "shoe_size": 9})
        assert (job.task_id, job.status) == ("t", "queued")
        assert pickle.loads(pickle.dumps(job)) == job

    def test_a_class_that_no_module_has_can_be_copied(self) -> None:
        @model
        class Local(Model):
            name: str

        assert copy.deepcopy(Local("x")) == Local("x")


class TestUsersTypes:
    """``client.request(into=…)``."""

    def test_what_cattrs_understands(self) -> None:
        @dataclass
        class Point:
            x: int
            y: float = 0.0

        assert structure({"x": 1}, Point) == Point(1)
        assert structure([1, 2], list[int]) == [1, 2]
        assert structure({"a": [True]}, dict[str, list[bool]]) == {"a": [True]}
        assert structure([1], list) == [1]
        assert structure({"a": 1}, dict) == {"a": 1}
        assert structure([{"isDeployed": True}], list[WorkflowStatus])[0].is_deployed

    def test_what_does_not_fit_is_our_error_and_says_where(self) -> None:
        @attrs.define
        class Point:
            x: int

        for data, into, problem in [
            ({"x": "1"}, Point, r"it is text and not a whole number @ \$\.x\."),
            ({}, Point, r"required field missing @ \$\.x\."),
            ("x", list[int], r"it is text and not a list @ \$\."),
            ({"a": ["x"]}, dict[str, list[int]], r"it is text and not a whole number @ \$\['a'\]\."),
            (True, int, "it is a bool and not a whole number"),
            (1.0, int, "it is a number and not a whole number"),
            ({"a": 1}, object(), "Unsupported type"),
            (5, set[str], "expected an iterable"),
        ]:
            with pytest.raises(InvalidResponseError, match=problem) as caught:
                structure(data, into)  # type: ignore[type-var]
            assert "cattrs" not in str(caught.value)
            assert caught.value.__cause__ is caught.value.__context__ is None

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=3),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        )
    )
    def test_no_data_brings_another_error(self, data: Any) -> None:
        for into in (Job, UsageLimits, list[Job], dict[str, int], int, WorkflowStatus):
            with suppress(InvalidResponseError):
                structure(data, into)  # type: ignore[type-var]


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KINDS = [type(made) for made in MADE] + [RateLimitEntry, TraceSpan, JobList, Choice]


@st.composite
def sent_models(draw: st.DrawFn) -> tuple[type[Model], dict[str, Any]]:
    kind = draw(st.sampled_from(KINDS))
    names = st.sampled_from([*map(wire_name, attrs.fields_dict(kind)), "jobId", "requestsPerMinute"]) | st.text(
        max_size=5
    )
    return kind, draw(st.dictionaries(names, json_value, max_size=8))


@given(sent_models())
def test_whatever_comes_is_a_model_that_gives_it_back_and_pickles(sent: tuple[type[Model], dict[str, Any]]) -> None:
    kind, data = sent
    made = structure(data, kind)
    assert made.to_dict() == data
    assert made == data
    assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == made
    assert {name: made[name] for name in made}.keys() == data.keys()
    assert repr(made)
    assert attrs.asdict(made).keys() == attrs.fields_dict(kind).keys()
    for name in attrs.fields_dict(kind):
        with suppress(MissingFieldError):
            getattr(made, name)


class TestResult:
    def test_a_success_is_returned_and_a_failure_raised_with_the_result(self) -> None:
        good, bad = WorkflowExecutionResult(True, 1), WorkflowExecutionResult(False, error="Boom")
        assert good.raise_for_failure() is good
        with pytest.raises(ExecutionError, match="Boom") as caught:
            bad.raise_for_failure()
        assert caught.value.result is bad


class TestJob:
    @pytest.mark.parametrize(
        ("job", "done", "succeeded", "paused"),
        [
            (Job("t", "pending"), False, False, False),
            (Job("t", "queued"), False, False, False),
            (Job("t", "unknown"), False, False, False),
            (Job("t", "completed"), True, True, False),
            (Job("t", "completed", {"success": True, "output": 1}), True, True, False),
            (Job("t", "completed", {"success": False, "output": {}}), True, False, False),
            (Job("t", "completed", {"success": False}), True, True, False),
            (Job("t", "failed", error="x"), True, False, False),
            (Job("t", "cancelled"), True, False, False),
            (Job("t", "paused"), True, False, True),
            (
                Job("t", "completed", {"success": True, "output": {"data": {"_resume": {"apiUrl": "x"}}}}),
                True,
                False,
                True,
            ),
        ],
    )
    def test_done_succeeded_paused(self, job: Job, done: bool, succeeded: bool, paused: bool) -> None:
        assert (job.done, job.succeeded, job.paused) == (done, succeeded, paused)
        if done:
            assert job.result.status == ("paused" if paused else job.status)
        else:
            with pytest.raises(JobNotDoneError, match="no result yet"):
                job.result  # noqa: B018

    @pytest.mark.parametrize(
        ("error", "text"),
        [("Boom", "Boom"), ({"message": "Boom"}, "Boom"), (None, None), ("", None), ({}, None), (5, "5")],
    )
    def test_its_error_is_kept_as_sent_and_its_text_told(self, error: Any, text: str | None) -> None:
        job = structure({"taskId": "t", "status": "failed", "error": error}, Job)
        assert job.error == error
        assert job.error_message == text

    def test_its_result_is_the_workflows_own(self) -> None:
        job = Job(
            "t",
            "completed",
            {"success": True, "output": {"n": 1}, "executionId": "e"},
            execution_id="e",
            metadata={"duration": 5},
        )
        assert job.result == WorkflowExecutionResult(
            True, {"n": 1}, metadata={"duration": 5}, execution_id="e", status="completed"
        )

    @pytest.mark.parametrize(
        "output", [{"_resume": {"a": 1}}, {"data": {"_resume": {"a": 1}}}, {"output": {"data": {"_resume": {"a": 1}}}}]
    )
    def test_a_pause_is_found_wherever_an_output_says_so(self, output: Any) -> None:
        assert find_resume(output) == {"a": 1}
        assert WorkflowExecutionResult(True, output).paused

    @pytest.mark.parametrize(
        "output", [None, "x", [], {"_resume": 5}, {"data": 5}, {"output": {"output": {"output": {"_resume": {}}}}}]
    )
    def test_and_nowhere_else(self, output: Any) -> None:
        assert find_resume(output) is None


def test_ctrl_c_while_annotations_are_read_leaves_the_exit_code_to_who_catches_it(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        """
from __future__ import annotations
import sys
from simstudio.core.conversion import structure
from simstudio.core.model import Model, model

def interrupt():
    raise KeyboardInterrupt

@model
class Late(Model):
    text: interrupt()

try:
    structure({"text": "a"}, Late)
except KeyboardInterrupt:
    sys.exit(130)
"""
    )
    command = [sys.executable, "-m", "late"]  # a script ends with its exit code in any case
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")
