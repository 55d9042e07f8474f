"""The classes, signatures and formats that the documents show are those of the package."""

from __future__ import annotations

import dataclasses
import inspect
import runpy
from dataclasses import dataclass
from typing import Any, Dict, List, Optional  # noqa: UP035 - the documents' own spelling

import attrs
import httpx
import pytest

import simstudio as sim
from tests.documents.stage import EXAMPLES, documented

TYPES = {"dataclass": dataclass, "Any": Any, "Dict": Dict, "List": List, "Optional": Optional}  # noqa: UP006
"""What the documents' definitions take for granted."""

CLASSES = {
    "13_workflow_execution_result": sim.WorkflowExecutionResult,
    "14_async_execution_result": sim.AsyncExecutionResult,
    "15_workflow_status": sim.WorkflowStatus,
    "16_rate_limit_info": sim.RateLimitInfo,
    "17_usage_limits": sim.UsageLimits,
}
VALUES = {
    "success": True, "task_id": "run_1", "status": "queued", "created_at": "2026-01-01T00:00:00Z",
    "links": {"status": "/api/jobs/run_1"}, "is_deployed": True, "limit": 10, "remaining": 9, "reset": 1_700_000_000,
    "rate_limit": {}, "usage": {},
}  # fmt: skip
"""A value for each field without a default."""


def definition(name: str) -> Any:
    """The class that a file of the documents defines."""
    names = runpy.run_path(str(EXAMPLES / f"{name}.py"), init_globals=TYPES)
    (defined,) = (value for key, value in names.items() if isinstance(value, type) and key not in TYPES)
    return defined


@pytest.mark.parametrize(("name", "ours"), CLASSES.items())
def test_a_class_has_the_documented_name_and_fields(name, ours):
    documented_class = definition(name)
    fields = dataclasses.fields(documented_class)

    assert ours.__name__ == documented_class.__name__
    assert [field.name for field in attrs.fields(ours)][: len(fields)] == [field.name for field in fields]


@pytest.mark.parametrize(("name", "ours"), CLASSES.items())
def test_a_class_is_made_from_the_documented_arguments_with_the_documented_defaults(name, ours):
    documented_class = definition(name)
    needed = [field.name for field in dataclasses.fields(documented_class) if field.default is dataclasses.MISSING]
    positional = [VALUES[field] for field in needed]

    theirs, made = documented_class(*positional), ours(*positional)

    for field in dataclasses.fields(documented_class):
        assert getattr(made, field.name) == getattr(theirs, field.name)


def test_a_result_has_no_task_id_by_which_the_documents_tell_the_two_apart():
    assert not hasattr(sim.WorkflowExecutionResult(success=True), "task_id")
    assert hasattr(sim.AsyncExecutionResult(True, "run_1"), "task_id")


def test_the_error_is_made_and_read_as_documented():
    theirs, ours = definition("18_sim_studio_error"), sim.SimStudioError
    assert theirs.__name__ == ours.__name__

    for arguments in [("m",), ("m", "CODE"), ("m", "CODE", 418), ("m", None, 500)]:
        expected, made = theirs(*arguments), ours(*arguments)
        assert (str(made), made.code, made.status) == (str(expected), expected.code, expected.status)
    assert issubclass(ours, Exception)


SIGNATURES = {
    "execute_workflow": {
        "workflow_id": ..., "input_data": None, "timeout": 30.0, "stream": False, "selected_outputs": None,
        "async_execution": False,
    },
    "get_workflow_status": {"workflow_id": ...},
    "validate_workflow": {"workflow_id": ...},
    "get_job_status": {"task_id": ...},
    "execute_with_retry": {
        "workflow_id": ..., "input_data": None, "timeout": 30.0, "stream": False, "selected_outputs": None,
        "async_execution": False, "max_retries": 3, "initial_delay": 1.0, "max_delay": 30.0, "backoff_multiplier": 2.0,
    },
    "get_rate_limit_info": {},
    "get_usage_limits": {},
    "set_api_key": {"api_key": ...},
    "set_base_url": {"base_url": ...},
    "close": {},
}  # fmt: skip
"""The documented parameters and defaults, in order; ``...`` for none."""


@pytest.mark.parametrize("kind", [sim.SimStudioClient, sim.AsyncSimStudioClient])
@pytest.mark.parametrize(("method", "parameters"), SIGNATURES.items())
def test_a_method_has_the_documented_parameters(kind, method, parameters):
    client = kind("sk-sim-test")

    found = inspect.signature(getattr(client, method)).parameters

    assert list(found)[: len(parameters)] == list(parameters)
    for name, default in parameters.items():
        assert found[name].default == (inspect.Parameter.empty if default is ... else default)
    others = list(found.values())[len(parameters) :]
    assert all(parameter.default is not inspect.Parameter.empty for parameter in others)


@pytest.mark.parametrize("kind", [sim.SimStudioClient, sim.AsyncSimStudioClient])
def test_a_client_is_made_as_documented(kind):
    assert list(inspect.signature(kind).parameters)[:2] == ["api_key", "base_url"]
    assert kind("sk-sim-test").base_url == "https://sim.ai"
    assert kind(api_key="sk-sim-test", base_url="https://sim.example.com").base_url == "https://sim.example.com"


def assert_conforms(value: Any, structure: Any) -> None:
    """Require a value to have the documented structure; more is allowed."""
    if isinstance(structure, dict):
        for key, inner in structure.items():
            assert key in value
            assert_conforms(value[key], inner)
    else:
        accepted = {float: (int, float)}.get(structure, (structure,))
        assert type(value) in accepted


def test_usage_limits_have_the_documented_structure(generation, serve):
    structure = eval((EXAMPLES / "09_usage_limits_structure.py").read_text("utf-8"))
    serve(documented(generation))

    with sim.SimStudioClient() as client:
        limits = client.get_usage_limits()

    assert_conforms(limits, structure)
    assert limits["rateLimit"]["authType"] == "api"
    assert isinstance(limits["rateLimit"]["sync"]["limit"], int)


DOCUMENTED_STREAM = """\
data: {"blockId":"7b7735b9-19e5-4bd6-818b-46aae2596e9f","chunk":"One"}

data: {"blockId":"7b7735b9-19e5-4bd6-818b-46aae2596e9f","chunk":", two"}

data: {"event":"done","success":true,"output":{},"metadata":{"duration":610}}

data: [DONE]

"""
"""The stream that the documents show."""


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text=DOCUMENTED_STREAM)


def assert_documented(result: sim.WorkflowExecutionResult) -> None:
    assert result.success is True
    assert result.output == {"7b7735b9-19e5-4bd6-818b-46aae2596e9f": {"content": "One, two"}}
    assert result.metadata == {"duration": 610}


def test_the_documented_stream_is_read():
    http_client = httpx.Client(transport=httpx.MockTransport(answer))
    client = sim.SimStudioClient("sk-sim-test", http_client=http_client)

    with client.workflows.stream("workflow-id") as stream:
        assert list(stream.text()) == ["One", ", two"]

    assert_documented(stream.result())
    assert_documented(client.execute_workflow("workflow-id", stream=True))


async def test_the_documented_stream_is_read_by_the_async_client():
    http_client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    client = sim.AsyncSimStudioClient("sk-sim-test", http_client=http_client)

    async with client.workflows.stream("workflow-id") as stream:
        assert [text async for text in stream.text()] == ["One", ", two"]

    assert_documented(await stream.result())
    assert_documented(await client.execute_workflow("workflow-id", stream=True))
