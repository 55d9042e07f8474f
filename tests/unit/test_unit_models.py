from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import attrs
import cloudpickle
import pytest
from driving import answer
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
    OtherEvent,
    UsageLimits,
    WorkflowExecutionResult,
    WorkflowStatus,
)
from simstudio.core.conversion import structure
from simstudio.core.model import Model, find_resume, wire_names
from simstudio.models.usage import ExecutionRateLimits, RateLimitEntry, StorageUsage, Usage

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
        names = {field.name: wire_names(field) for field in attrs.fields(ExecutionRateLimits)}
        assert names == {"sync": ("sync",), "async_": ("async",), "auth_type": ("authType",)}

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


class TestEquality:
    def test_models_of_the_same_fields_are_equal_whatever_the_dialect(self) -> None:
        assert (
            structure({"taskId": "t", "status": "queued"}, Job)
            == structure({"jobId": "t", "status": "queued"}, Job)
            == Job("t", "queued")
        )
        assert Job("t", "queued") != Job("u", "queued")
        assert structure({"taskId": "t", "status": "q", "x": 1}, Job) != structure(
            {"taskId": "t", "status": "q", "x": 2}, Job
        )

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


class TestChecking:
    @pytest.mark.parametrize(
        ("data", "into", "place"),
        [
            ({"success": "true", "output": 1}, WorkflowExecutionResult, "at success it has text and not a bool"),
            ({"success": 1, "output": 1}, WorkflowExecutionResult, "at success it has a number and not a bool"),
            ({"success": None}, WorkflowExecutionResult, "at success it has null"),
            ({}, WorkflowStatus, "at isDeployed it has nothing"),
            ({"taskId": 5, "status": "queued"}, Job, "at taskId it has a number and not text"),
            ({"taskId": "t", "status": ["x"]}, Job, "at status it has a list and not text"),
            ({"status": "queued"}, Job, "at taskId it has nothing"),
            ([], Job, "as a whole it has a list and not an object"),
            ("text", Job, "as a whole it has text"),
            (None, Job, "as a whole it has null"),
        ],
    )
    def test_a_wrong_type_in_a_required_field_names_its_place(self, data: Any, into: type[Model], place: str) -> None:
        response = answer(200, data)
        response.method, response.url = "GET", "https://sim.test/api/x"
        with pytest.raises(InvalidResponseError) as caught:
            structure(data, into, response=response)
        assert place in str(caught.value)
        assert into.__name__ in str(caught.value)
        assert "GET /api/x" in str(caught.value)
        assert caught.value.response is response
        assert caught.value.status == 200

    def test_deeper_places_are_named_whole(self) -> None:
        with pytest.raises(InvalidResponseError, match=r"at \[1\]\.status it has nothing"):
            structure([{"taskId": "t", "status": "q"}, {"taskId": "t"}], list[Job])
        with pytest.raises(InvalidResponseError, match=r"at a\[0\] it has text"):
            structure({"a": ["x"]}, dict[str, list[int]])

    @pytest.mark.parametrize("raw", ["5", 5.5, True, [], {"a": 1}])
    def test_a_wrong_type_in_an_optional_field_stays_as_it_came(self, raw: Any) -> None:
        entry = structure({"remaining": raw, "resetAt": raw, "isLimited": "no"}, RateLimitEntry)
        assert entry.remaining == raw
        assert entry.reset_at == raw
        assert entry.is_limited == "no"
        assert entry.to_dict()["remaining"] == raw

    @pytest.mark.parametrize("raw", ["x", 5, [], None])
    def test_a_wrong_object_in_an_optional_model_stays_as_it_came_or_is_empty(self, raw: Any) -> None:
        limits = structure({"success": True, "usage": raw, "rateLimit": {"sync": raw}}, UsageLimits)
        assert limits.usage == (Usage() if raw is None else raw)
        assert limits.rate_limit.sync == (RateLimitEntry() if raw is None else raw)

    def test_whole_numbers_are_numbers_and_bools_are_not(self) -> None:
        assert structure({"percentUsed": 5}, StorageUsage).percent_used == 5
        assert structure(5, float) == 5
        with pytest.raises(InvalidResponseError):
            structure(True, int)
        with pytest.raises(InvalidResponseError):
            structure(1.0, int)

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

        for data, into in [({"x": "1"}, Point), ({}, Point), ("x", list[int]), ({"a": 1}, object()), (5, set[str])]:
            with pytest.raises(InvalidResponseError) as caught:
                structure(data, into)  # type: ignore[type-var]
            assert "cattrs" not in str(caught.value)
            assert len(str(caught.value)) < 500

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
REQUIRED: dict[type[Model], st.SearchStrategy[dict[str, Any]]] = {
    WorkflowExecutionResult: st.fixed_dictionaries({"success": st.booleans()}),
    AsyncExecutionResult: st.fixed_dictionaries({"success": st.booleans()}).flatmap(
        lambda known: st.sampled_from(["taskId", "jobId", "runId"]).map(lambda name: {**known, name: "t1"})
    ),
    Job: st.fixed_dictionaries({"status": st.text(max_size=5)}).flatmap(
        lambda known: st.sampled_from(["taskId", "jobId", "runId"]).map(lambda name: {**known, name: "t1"})
    ),
    WorkflowStatus: st.fixed_dictionaries({"isDeployed": st.booleans()}),
    CancelResult: st.fixed_dictionaries({"success": st.booleans()}),
    UsageLimits: st.fixed_dictionaries({"success": st.booleans()}),
    RateLimitEntry: st.just({}),
    ChunkEvent: st.fixed_dictionaries({"chunk": st.text(max_size=5)}),
    FinalEvent: st.fixed_dictionaries({"success": st.booleans()}),
}


@st.composite
def sent_models(draw: st.DrawFn) -> tuple[type[Model], dict[str, Any]]:
    kind = draw(st.sampled_from(list(REQUIRED)))
    required = draw(REQUIRED[kind])
    optional = [
        name for field in attrs.fields(kind) if field.default is not attrs.NOTHING for name in wire_names(field)
    ]
    names = st.one_of(st.sampled_from(optional), st.text(max_size=5)) if optional else st.text(max_size=5)
    return kind, {**draw(st.dictionaries(names, json_value, max_size=5)), **required}


@given(sent_models())
def test_whatever_comes_to_dict_is_what_came_and_it_pickles(sent: tuple[type[Model], dict[str, Any]]) -> None:
    kind, data = sent
    made = structure(data, kind)
    assert made.to_dict() == data
    assert made == data
    assert pickle.loads(pickle.dumps(made)) == made
    assert {name: made[name] for name in made}.keys() == data.keys()
    assert repr(made)


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
