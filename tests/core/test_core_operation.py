"""What ``resource.method`` is: an ordinary bound method, about which Python itself answers every question."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import pydoc
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, get_type_hints
from unittest import mock

import cloudpickle
import pytest

import simstudio
from simstudio import (
    APIResponse,
    AsyncBatch,
    AsyncExecutionResult,
    AsyncPager,
    AsyncSimStudioClient,
    AsyncStreamManager,
    Batch,
    BatchItem,
    Flow,
    Job,
    Page,
    Pager,
    PausedRun,
    SimStudioClient,
    Stream,
    StreamEvent,
    WorkflowExecutionResult,
)
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.resource import APIResource
from simstudio.resources.jobs import Jobs
from simstudio.resources.streaming import streaming
from tests.driving import KEY, Both, answer, async_client, client, context_of, resource

MODES: dict[str, Callable[[], Any]] = {
    "sync": client,
    "async": async_client,
    "raw sync": lambda: client().with_raw_response,
    "raw async": lambda: async_client().with_raw_response,
}
in_each_mode = pytest.mark.parametrize("mode", MODES)


class Things(APIResource[M]):
    @operation
    def take(self, flow: str, /, run: str = "r", *rest: str, method: str = "m", **named: str) -> Flow[tuple[Any, ...]]:
        return flow, run, rest, method, named
        yield


class TestFunction:
    @in_each_mode
    def test_it_is_a_bound_method_of_a_function(self, mode: str) -> None:
        made = MODES[mode]()
        method = made.jobs.get
        assert type(method) is MethodType
        assert type(method.__func__) is FunctionType
        assert method.__self__ is made.jobs

    @in_each_mode
    def test_the_function_is_made_once(self, mode: str) -> None:
        first, second = MODES[mode](), MODES[mode]()
        assert first.jobs.get.__func__ is second.jobs.get.__func__
        assert first.with_options(timeout=5).jobs.get.__func__ is second.jobs.get.__func__

    def test_each_mode_has_its_own(self) -> None:
        assert len({make().jobs.get.__func__ for make in MODES.values()}) == len(MODES)

    @pytest.mark.parametrize("tell", [inspect.iscoroutinefunction, asyncio.iscoroutinefunction])
    @in_each_mode
    def test_it_is_a_coroutine_function_when_async_and_only_then(self, mode: str, tell: Callable[[Any], bool]) -> None:
        made = MODES[mode]()
        awaited = mode.endswith("async")
        assert tell(made.jobs.get) == tell(made.execute_workflow) == tell(made.v2.audit_logs.get) == awaited
        assert tell(made.v2.audit_logs.list) == (mode == "raw async")  # else a pager, which is not awaited

    def test_what_gives_a_stream_or_a_batch_is_none_because_its_result_need_not_be_awaited(self) -> None:
        workflows = async_client().workflows
        assert not inspect.iscoroutinefunction(workflows.stream)
        assert not inspect.iscoroutinefunction(workflows.map)

    @pytest.mark.parametrize("name", ["jobs.get", "workflows.stream", "v2.audit_logs.get", "v2.workflows.list"])
    @in_each_mode
    def test_wrong_arguments_are_refused_when_it_is_called_in_pythons_own_words(self, mode: str, name: str) -> None:
        method = find(MODES[mode](), name)
        for arguments, words in ((("a",) * 9, "takes"), ((), "missing"), (("a",), "unexpected keyword")):
            with pytest.raises(TypeError, match=rf"{method.__qualname__}\(\) .*{words}"):
                method(*arguments, **({"nope": 1} if words.startswith("unexpected") else {}))

    async def test_arguments_of_every_kind_arrive_whatever_their_names(self, both: Both) -> None:
        things: Any = resource(Things, both.client())
        assert await both(things.take("f")) == ("f", "r", (), "m", {})
        assert await both(things.take("f", "x", "y", method="z", _run="w")) == ("f", "x", ("y",), "z", {"_run": "w"})

    async def test_a_coroutine_that_is_never_awaited_sends_nothing(self) -> None:
        made = async_client()
        made.jobs.get("t1").close()
        made.workflows.stream("wf")
        assert made.script.requests == []  # type: ignore[attr-defined]

    def test_the_class_of_a_resource_has_none_and_says_so(self) -> None:
        with pytest.raises(TypeError, match=r"Jobs\.get\(\) is called on a client's resource"):
            Jobs.get("t1")  # type: ignore[operator]

    def test_the_class_of_a_client_has_the_function(self) -> None:
        for kind, made in ((SimStudioClient, client()), (AsyncSimStudioClient, async_client())):
            assert kind.execute_workflow is made.execute_workflow.__func__  # type: ignore[attr-defined]

    @pytest.mark.parametrize("decorator", [operation, streaming])
    def test_a_method_that_returns_no_flow_is_refused_when_it_is_decorated(self, decorator: Any) -> None:
        def get(self: Any) -> int:
            return 5

        with pytest.raises(TypeError, match=r"get must be annotated 'Flow\["):
            decorator(get)


def find(made: Any, name: str) -> Any:
    for part in name.split("."):
        made = getattr(made, part)
    return made


class TestSignature:
    @in_each_mode
    def test_it_has_every_name_annotation_and_default_as_they_are_written(self, mode: str) -> None:
        result = "APIResponse[Job]" if mode.startswith("raw") else "Job"
        assert str(inspect.signature(MODES[mode]().jobs.get)) == (
            f"(job: 'str | AsyncExecutionResult | Job', *, workflow_id: 'str | None' = None) -> '{result}'"
        )

    @pytest.mark.parametrize(
        ("mode", "name", "result"),
        [
            ("sync", "jobs.get", Job),
            ("async", "jobs.get", Job),
            ("raw sync", "jobs.get", APIResponse[Job]),
            ("raw async", "jobs.get", APIResponse[Job]),
            ("sync", "get_job_status", dict[str, Any]),
            ("sync", "workflows.stream", Stream[StreamEvent]),
            ("raw sync", "workflows.stream", Stream[StreamEvent]),
            ("async", "workflows.stream", AsyncStreamManager[StreamEvent]),
            ("sync", "workflows.paused", Pager[PausedRun]),
            ("async", "workflows.paused", AsyncPager[PausedRun]),
            ("raw sync", "workflows.paused", APIResponse[Page[PausedRun]]),
            ("sync", "workflows.map", Batch[WorkflowExecutionResult]),
            ("async", "workflows.map", AsyncBatch[WorkflowExecutionResult]),
        ],
    )
    def test_its_type_hints_are_types_of_what_is_imported_for_type_checkers_only_too(
        self, mode: str, name: str, result: Any
    ) -> None:
        method = find(MODES[mode](), name)
        assert get_type_hints(method)["return"] == result

    def test_so_are_those_of_its_parameters(self) -> None:
        Item = BatchItem[WorkflowExecutionResult]
        assert get_type_hints(client().jobs.get)["job"] == str | AsyncExecutionResult | Job
        assert get_type_hints(client().workflows.map)["on_result"] == Callable[[Item], Any] | None

    def test_so_are_those_of_public_classes(self) -> None:
        for kind in (getattr(simstudio, name) for name in simstudio.__all__):
            if isinstance(kind, type):
                assert get_type_hints(kind).keys() >= vars(kind).get("__annotations__", {}).keys()

    def test_a_signature_can_be_asked_for_with_types(self) -> None:
        signature = inspect.signature(client().execute_workflow_sync, eval_str=True)
        assert signature.parameters["stream"].annotation is bool
        assert signature.return_annotation is WorkflowExecutionResult

    def test_a_name_that_no_module_has_is_an_error_as_of_any_function(self) -> None:
        class Unknown(APIResource[M]):
            @operation
            def get(self) -> Flow[Missing]:  # type: ignore[name-defined]  # noqa: F821
                yield from ()

        unknown: Any = resource(Unknown, client())
        assert inspect.signature(unknown.get).return_annotation == "Missing"
        with pytest.raises(NameError, match="Missing"):
            get_type_hints(unknown.get)

    def test_the_documented_methods_are_exactly_as_documented(self) -> None:
        signature = inspect.signature(client().execute_with_retry)
        defaults = {name: parameter.default for name, parameter in signature.parameters.items() if name != "input"}
        assert defaults == {
            "workflow_id": inspect.Parameter.empty,
            "input_data": None,
            "timeout": 30.0,
            "stream": False,
            "selected_outputs": None,
            "async_execution": False,
            "max_retries": 3,
            "initial_delay": 1.0,
            "max_delay": 30.0,
            "backoff_multiplier": 2.0,
        }


class TestDocumentation:
    @in_each_mode
    def test_it_has_the_name_and_the_docstring_of_the_method(self, mode: str) -> None:
        get = MODES[mode]().jobs.get
        assert (get.__name__, get.__qualname__, get.__module__) == ("get", "Jobs.get", Jobs.__module__)
        assert (inspect.getdoc(get) or "").startswith("Retrieve the state of one background execution.")

    @pytest.mark.parametrize(
        ("name", "line"),
        [("jobs.get", "def get(self, job: str"), ("v2.audit_logs.get", "def get(self, send: Sender, audit")],
    )
    @in_each_mode
    def test_its_source_is_the_method_as_it_is_written(self, mode: str, name: str, line: str) -> None:
        method = find(MODES[mode](), name)
        assert line in inspect.getsource(method)
        assert inspect.getfile(method) == inspect.getfile(type(method.__self__))

    @in_each_mode
    def test_help_shows_signature_and_text(self, mode: str) -> None:
        text = pydoc.render_doc(MODES[mode]().jobs.get, renderer=pydoc.plaintext)
        assert "get(job:'str|AsyncExecutionResult|Job'" in "".join(text.split())
        assert "Retrieve the state of one background execution." in text

    def test_help_of_the_class_lists_it(self) -> None:
        assert "Retrieve the state of one background execution." in pydoc.render_doc(Jobs, renderer=pydoc.plaintext)

    def test_repr_names_it_and_its_server_and_no_key(self) -> None:
        assert repr(client().jobs.get) == "<bound method Jobs.get of <Jobs of https://sim.test>>"
        assert KEY not in repr(client().execute_workflow)


class TestEqualityAndPickling:
    def test_the_same_operation_is_equal_and_hashes_alike(self) -> None:
        made = client()
        assert made.jobs.get == made.jobs.get == copy.copy(made.jobs.get)
        assert made.jobs.get != made.jobs.wait
        assert made.jobs.get != client().jobs.get
        assert len({made.jobs.get, made.jobs.get, made.jobs.wait}) == 2

    @pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
    @pytest.mark.parametrize("name", ["jobs.get", "execute_workflow", "workflows.stream", "v2.audit_logs.list"])
    @in_each_mode
    def test_it_pickles_with_its_client(self, mode: str, name: str, pickler: Any) -> None:
        original = find(MODES[mode]().with_options(timeout=7.0, headers={"X-Mine": "1"}), name)
        loaded = pickle.loads(pickler.dumps(original))
        assert loaded.__name__ == original.__name__
        assert inspect.signature(loaded) == inspect.signature(original)
        context, before = context_of(loaded.__self__), context_of(original.__self__)
        assert context.mode is before.mode
        for name in ("timeout", "max_retries", "headers"):
            assert getattr(context.options, name) == getattr(before.options, name)


class TestMocks:
    async def test_one_can_be_patched_on_an_instance_and_comes_back(self, both: Both) -> None:
        made = both.client(answer(200, {"isDeployed": True}))
        with mock.patch.object(made.workflows, "status", return_value="mine") as patched:
            assert await both(made.workflows.status("wf")) == "mine"
        patched.assert_called_once_with("wf")
        assert (await both(made.workflows.status("wf"))).is_deployed

    async def test_a_patched_async_one_is_awaited_without_being_told(self) -> None:
        made = async_client()
        with mock.patch.object(made.jobs, "get") as patched:
            assert isinstance(patched, mock.AsyncMock)
            await made.jobs.get("t1")
            patched.assert_awaited_once_with("t1")

    async def test_one_can_be_patched_with_its_own_spec(self, both: Both) -> None:
        made = both.client()
        with mock.patch.object(made, "execute_workflow", autospec=True) as patched:
            patched.return_value = "result"
            assert await both(made.execute_workflow("wf", timeout=5)) == "result"
            with pytest.raises(TypeError):
                await both(made.execute_workflow())
        patched.assert_called_once_with("wf", timeout=5)

    @pytest.mark.parametrize(
        "name", ["jobs.get", "execute_workflow", "workflows.execute", "v2.workflows.versions.list"]
    )
    async def test_a_client_as_a_spec_refuses_wrong_arguments(self, both: Both, name: str) -> None:
        method = find(mock.create_autospec(both.client(), instance=True), name)
        with pytest.raises(TypeError):
            await both(method(1, 2, 3, 4, 5, 6))

    async def test_a_resource_as_a_spec_refuses_wrong_arguments(self, both: Both) -> None:
        workflows = mock.create_autospec(both.client().workflows)
        with pytest.raises(TypeError):
            await both(workflows.execute(1, 2, 3, 4, 5))
        with pytest.raises(AttributeError):
            workflows.nothing  # noqa: B018

    async def test_an_async_client_as_a_spec_has_methods_that_are_awaited(self) -> None:
        made = mock.create_autospec(async_client(), instance=True)
        made.jobs.get.return_value = "job"
        assert await made.jobs.get("t1") == "job"
        made.jobs.get.assert_awaited_once_with("t1")

    async def test_the_class_of_a_client_as_a_spec_knows_its_own_operations(self, both: Both) -> None:
        made = mock.create_autospec(AsyncSimStudioClient if both.asynchronous else SimStudioClient)("key")
        assert isinstance(made.execute_workflow, mock.AsyncMock) == both.asynchronous
        with pytest.raises(TypeError):
            await both(made.execute_workflow())


async def test_a_raw_call_that_bears_a_failure_has_no_response(both: Both) -> None:
    response = await both(both.client().with_raw_response.validate_workflow(""))
    assert response.parse() is False
    assert response.status == 0
    assert "0" in repr(response)


async def test_a_raw_call_gives_the_result_with_the_response(both: Both, no_waiting: list[float]) -> None:
    made = both.client(answer(503), answer(200, {"isDeployed": True}, headers={"X-Request-Id": "r1"}))
    response = await both(made.with_raw_response.workflows.status("wf"))
    assert response.parse().is_deployed
    assert (response.status, response.request_id, response.attempts) == (200, "r1", 2)
    assert response.headers["x-request-id"] == "r1"
    assert [attempt.status for attempt in response.response.history] == [503]
    assert repr(response) == "<APIResponse 200 GET /api/workflows/wf/status attempts=2>"
    made_again = pickle.loads(pickle.dumps(response))
    assert (made_again.parse(), made_again.status) == (response.parse(), 200)
