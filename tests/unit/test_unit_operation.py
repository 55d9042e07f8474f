from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import pydoc
from typing import Any
from unittest import mock

import cloudpickle
import pytest
from driving import KEY, Both, answer, async_client, client

from simstudio import AsyncSimStudioClient, SimStudioClient
from simstudio.core.operation import operations_of
from simstudio.resources.jobs import Jobs
from simstudio.resources.usage import Usage
from simstudio.resources.workflows import Workflows

NAMES = [
    "workflows.execute",
    "workflows.submit",
    "workflows.run",
    "workflows.status",
    "workflows.validate",
    "workflows.cancel",
    "jobs.get",
    "jobs.wait",
    "usage.limits",
    "execute_workflow",
    "execute_workflow_sync",
    "execute_with_retry",
    "get_workflow_status",
    "validate_workflow",
    "get_job_status",
    "get_usage_limits",
    "request",
]


def find(made: Any, name: str) -> Any:
    for part in name.split("."):
        made = getattr(made, part)
    return made


class TestSignature:
    def test_it_has_every_name_and_default_and_the_result_itself(self) -> None:
        signature = inspect.signature(client().jobs.get)
        assert (
            str(signature) == "(job: 'str | AsyncExecutionResult | Job', *, workflow_id: 'str | None' = None) -> 'Job'"
        )

    @pytest.mark.parametrize(
        ("name", "result"), [("jobs.get", "Job"), ("workflows.validate", "bool"), ("get_job_status", "dict[str, Any]")]
    )
    def test_what_it_returns_in_each_mode(self, name: str, result: str) -> None:
        for made in (client(), async_client()):
            assert inspect.signature(find(made, name)).return_annotation == result
            assert inspect.signature(find(made.with_raw_response, name)).return_annotation == f"APIResponse[{result}]"

    def test_a_stream_in_each_mode(self) -> None:
        assert inspect.signature(client().workflows.stream).return_annotation == "Stream[StreamEvent]"
        assert inspect.signature(async_client().workflows.stream).return_annotation == "AsyncStreamManager[StreamEvent]"

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

    def test_wrong_arguments_are_refused_at_once_as_for_any_function(self, both: Both) -> None:
        made = both.client()
        for call in (made.jobs.get, lambda: made.jobs.get("a", "b"), lambda: made.jobs.get("a", nope=1)):
            with pytest.raises(TypeError):
                call()

    @pytest.mark.parametrize("name", NAMES)
    def test_no_operation_shows_its_flow(self, name: str) -> None:
        for made in (client(), async_client()):
            assert "Flow" not in str(inspect.signature(find(made, name)))


class TestDocumentation:
    @pytest.mark.parametrize("name", [*NAMES, "workflows.stream"])
    def test_each_says_what_it_does(self, name: str) -> None:
        operation = find(client(), name)
        assert operation.__doc__
        assert operation.__doc__ == find(async_client(), name).__doc__
        assert operation.__name__ == name.rpartition(".")[2]
        assert operation.__qualname__.endswith(operation.__name__)

    def test_help_shows_signature_and_text(self) -> None:
        for made in (client(), async_client()):
            text = pydoc.render_doc(made.jobs.get, renderer=pydoc.plaintext)
            signature = "".join(text.split())  # Python 3.13 writes long ones over several lines
            assert "get(job:'str|AsyncExecutionResult|Job'" in signature
            assert ")->'Job'" in signature
            assert "Retrieve the state of one background execution." in text

    def test_help_of_the_class_lists_it(self) -> None:
        assert "Retrieve the state of one background execution." in pydoc.render_doc(Jobs, renderer=pydoc.plaintext)

    def test_repr_names_it_and_its_server_and_no_key(self) -> None:
        assert repr(client().jobs.get) == "<operation Jobs.get of <Jobs of https://sim.test>>"
        assert KEY not in repr(client().execute_workflow)

    def test_operations_of_a_resource(self) -> None:
        assert list(operations_of(Jobs)) == ["get", "wait"]
        assert list(operations_of(Usage)) == ["limits"]
        assert set(operations_of(Workflows)) >= {"execute", "submit", "run", "stream", "status", "validate", "cancel"}


class TestKind:
    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_a_coroutine_function_when_async_and_only_then(self, name: str) -> None:
        assert inspect.iscoroutinefunction(find(async_client(), name))
        assert inspect.iscoroutinefunction(find(async_client().with_raw_response, name))
        assert not inspect.iscoroutinefunction(find(client(), name))
        assert not inspect.iscoroutinefunction(find(client().with_raw_response, name))

    def test_a_streaming_one_is_none_because_it_gives_a_manager(self) -> None:
        assert not inspect.iscoroutinefunction(async_client().workflows.stream)
        assert not inspect.iscoroutinefunction(client().workflows.stream)

    def test_calling_it_on_the_class_is_a_type_error_that_says_so(self) -> None:
        with pytest.raises(TypeError, match=r"Jobs\.get\(\) is called on a client's resource"):
            Jobs.get("t1")  # type: ignore[operator]
        with pytest.raises(TypeError, match=r"execute_workflow\(\) is called on a client's resource"):
            SimStudioClient.execute_workflow(client(), "wf")  # type: ignore[operator]

    async def test_a_coroutine_that_is_never_awaited_sends_nothing(self) -> None:
        made = async_client()
        made.jobs.get("t1").close()
        made.workflows.stream("wf")
        assert made.script.requests == []  # type: ignore[attr-defined]


class TestEqualityAndPickling:
    def test_the_same_operation_is_equal_and_hashes_alike(self) -> None:
        made = client()
        assert made.jobs.get == made.jobs.get
        assert hash(made.jobs.get) == hash(made.jobs.get)
        assert made.jobs.get != made.jobs.wait
        assert made.jobs.get != client().jobs.get
        assert made.jobs.get != 5
        assert len({made.jobs.get, made.jobs.get, made.jobs.wait}) == 2

    def test_it_belongs_to_its_resource(self) -> None:
        made = client()
        assert made.jobs.get.__self__ is made.jobs  # type: ignore[attr-defined]
        assert made.execute_workflow.__self__ is made  # type: ignore[attr-defined]

    @pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
    @pytest.mark.parametrize("name", [*NAMES, "workflows.stream"])
    def test_it_pickles_with_its_client(self, both: Both, name: str, pickler: Any) -> None:
        made = both.client(timeout=7.0, headers={"X-Mine": "1"})
        for original in (made, made.with_raw_response):
            operation = pickle.loads(pickler.dumps(find(original, name)))
            assert operation.__name__ == name.rpartition(".")[2]
            assert inspect.signature(operation) == inspect.signature(find(original, name))
            context = operation.__self__._context
            assert context.options == made._context.options
            assert context.raw is original._context.raw
            assert type(context.runner) is type(original._context.runner)

    def test_a_copy_is_equal(self) -> None:
        made = client()
        assert copy.copy(made.jobs.get) == made.jobs.get


class TestMocks:
    async def test_one_can_be_patched_on_an_instance_and_comes_back(self, both: Both) -> None:
        made = both.client(answer(200, {"isDeployed": True}))
        with mock.patch.object(made.workflows, "status", return_value="mine") as patched:
            assert (
                made.workflows.status("wf") == "mine"
                if not both.asynchronous
                else await made.workflows.status("wf") == "mine"
            )
        patched.assert_called_once_with("wf")
        assert (await both(made.workflows.status("wf"))).is_deployed

    async def test_a_patched_async_one_is_awaited_without_being_told(self) -> None:
        made = async_client()
        with mock.patch.object(made.jobs, "get") as patched:
            assert isinstance(patched, mock.AsyncMock)
            await made.jobs.get("t1")
            patched.assert_awaited_once_with("t1")

    def test_a_flat_method_too(self) -> None:
        made = client()
        with mock.patch.object(made, "execute_workflow", return_value=5):
            assert made.execute_workflow("wf") == 5

    async def test_one_can_be_patched_with_its_own_spec(self, both: Both) -> None:
        made = both.client()
        with mock.patch.object(made.jobs, "get", autospec=True) as patched:
            patched.return_value = "job"
            assert await both(made.jobs.get("t1", workflow_id="wf")) == "job"
            patched.assert_called_once_with("t1", workflow_id="wf")

    def test_a_client_can_be_a_spec(self) -> None:
        made = mock.create_autospec(client(), instance=True)
        made.jobs.get.return_value = "job"
        assert made.jobs.get("t1") == "job"
        with pytest.raises(AttributeError):
            made.jobs.nothing  # noqa: B018

    def test_an_async_client_can_be_a_spec(self) -> None:
        made = mock.create_autospec(async_client(), instance=True)
        made.jobs.get.return_value = "job"
        assert asyncio.run(made.jobs.get("t1")) == "job"

    @pytest.mark.parametrize("kind", [SimStudioClient, AsyncSimStudioClient])
    def test_a_client_class_can_be_a_spec(self, kind: type) -> None:
        made = mock.create_autospec(kind)
        made("key").set_api_key("other")


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
