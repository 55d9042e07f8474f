"""Models in the hands of other libraries: ``json``, pydantic, FastAPI."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, TypeAdapter, ValidationError

from simstudio import Job, LargeArrayManifest, LargeValueRef, UsageLimits, WorkflowExecutionResult
from simstudio.core.conversion import structure

REFERENCE = {"__simLargeValueRef": True, "id": "lv_1", "kind": "string", "size": 9}
RESULT = structure({"success": True, "output": {"n": [1], "big": REFERENCE}}, WorkflowExecutionResult)
WITH_REFERENCE = structure(
    {"success": True, "output": {"big": structure(REFERENCE, LargeValueRef)}}, WorkflowExecutionResult
)


class Answer(BaseModel):
    result: WorkflowExecutionResult
    jobs: list[Job] = []


@pytest.mark.parametrize("default", [dict, lambda value: value.to_dict(), jsonable_encoder])
def test_json_takes_them_by_default(default: Callable[[Any], Any]) -> None:
    assert json.loads(json.dumps({"a": [RESULT]}, default=default)) == {"a": [RESULT.to_dict()]}
    nested = json.loads(json.dumps(WITH_REFERENCE, default=default))
    assert nested == {"success": True, "output": {"big": REFERENCE}}


def test_pydantic_takes_instances_and_objects_and_gives_objects() -> None:
    answer = Answer(result=RESULT, jobs=[{"taskId": "t", "status": "completed", "new": 1}])  # type: ignore[list-item]
    assert answer.result is RESULT
    assert (answer.jobs[0].task_id, answer.jobs[0].extra) == ("t", {"new": 1})
    assert Answer.model_validate_json(answer.model_dump_json()) == answer
    assert answer.model_dump() == json.loads(answer.model_dump_json())
    assert Answer(result=WITH_REFERENCE).model_dump(mode="json")["result"]["output"] == {"big": REFERENCE}


@pytest.mark.parametrize("kind", [LargeValueRef, LargeArrayManifest])
def test_pydantic_takes_references(kind: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    made = adapter.validate_python(REFERENCE)
    assert (type(made), type(adapter.validate_python(made))) == (kind, kind)
    assert json.loads(adapter.dump_json(made)) == adapter.dump_python(made) == REFERENCE


@pytest.mark.parametrize("wrong", [5, "text", [], None])
def test_pydantic_refuses_what_is_no_object(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="must be a Job or an object"):
        TypeAdapter(Job).validate_python(wrong)


async def test_fastapi_takes_them_as_the_type_of_a_response_and_of_a_body() -> None:
    app = FastAPI()

    @app.post("/job")
    def job(given: Job) -> WorkflowExecutionResult:
        assert given.task_id == "t"
        return RESULT

    @app.get("/limits", response_model=UsageLimits | None)
    def limits() -> None:
        return None

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        answer = await client.post("/job", json={"taskId": "t", "status": "completed"})
        assert answer.json() == RESULT.to_dict()
        assert (await client.get("/limits")).json() is None
        schema = (await client.get("/openapi.json")).json()
    answered = schema["paths"]["/job"]["post"]["responses"]["200"]["content"]["application/json"]
    assert answered["schema"]["type"] == "object"
