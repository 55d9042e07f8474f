"""``workflows.describe``, ``workflows.function``, ``check=``: their requests, and what is told before one is sent."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import pydoc
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import jedi
import pytest

import simstudio as sim
from simstudio import (
    APIVersionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    WorkflowDescription,
    WorkflowInput,
)
from simstudio.resources.batch_execution import ExecutionOptions, WorkflowExecution
from simstudio.resources.input_checks import check_input
from simstudio.testing import strict_models
from tests.driving import Answer, Both, Played, answer, client, context_of, play, replayed, streamed
from tests.modes import both_modes
from tests.recorded import SELECTION, recording

V06 = "sim-v0.6.43"
PAGE = answer(404, content=b"<html>", headers={"Content-Type": "text/html"})
"""An older server's answer to a path that it does not know."""
V2_OFF = (
    answer(404, {"error": {"code": "NOT_FOUND", "message": "Not found"}}),
    answer(200, {"data": {"v2Enabled": False}}),
)
UNKNOWN = replayed(recording(V06, 165))
FOREIGN = replayed(recording(V06, 406))
RESULT = answer(200, {"success": True, "output": {"content": "hi"}})


def described(name: str = "greet", /, **fields: Any) -> dict[str, Any]:
    """The answer to a description; a field is its type, or what the server says of it."""
    inputs = [{"name": key, **(given if isinstance(given, dict) else {"type": given})} for key, given in fields.items()]
    return {"data": {"id": name, "name": name, "description": "Greets.", "isDeployed": False, "inputs": inputs}}


def description(**fields: Any) -> WorkflowDescription:
    inputs = [WorkflowInput(name, kind) for name, kind in fields.items()]
    return WorkflowDescription("greet", "Greet", inputs=inputs)


def describing(version: str, *answers: Answer) -> Played:
    workflows = client(api_version=version).workflows
    with strict_models():
        return play(workflows._describe("wf"), *answers)


class TestDescribe:
    def test_v1_of_april_2026(self) -> None:
        played = describing("v1", replayed(recording(V06, 164)))
        found = played.result
        assert (found.name, found.description, found.is_deployed, found.version) == ("Files", "file input", True, None)
        assert [(each.name, each.type) for each in found.inputs] == [("files", "file[]"), ("message", "string")]
        assert {each.required for each in found.inputs} == {each.default for each in found.inputs} == {None}
        assert found.call == f'client.workflows.execute("{found.id}", {{"files": ..., "message": ...}})'
        assert [sent.path for sent in played.asked] == ["/api/v1/workflows/wf"]

    def test_v2_tells_the_live_version(self) -> None:
        played = describing("v2", replayed(recording(SELECTION, "tables-0531")), replayed(recording(SELECTION, 658)))
        assert played.result.version == 1
        assert [each.type for each in played.result.inputs] == ["string", "number"]
        assert [sent.path for sent in played.asked] == ["/api/v2/workflows/wf", "/api/v2/workflows/wf/deployment"]

    def test_what_is_not_deployed_has_none_and_is_asked_for_none(self) -> None:
        played = describing("v2", replayed(recording(SELECTION, "tables-0530")))
        assert (played.result.is_deployed, played.result.version, played.result.inputs) == (False, None, [])
        assert played.result.call == f'client.workflows.execute("{played.result.id}")'

    def test_a_version_that_cannot_be_read_is_none(self) -> None:
        assert describing("v2", replayed(recording(SELECTION, "tables-0531")), answer(403, {})).result.version is None

    def test_variables_of_the_workflow_are_left_out(self) -> None:
        found = describing("v2", replayed(recording(SELECTION, "tables-0651"))).result
        assert set(found) == {"id", "name", "description", "isDeployed", "inputs"}

    @pytest.mark.parametrize(
        ("version", "answers", "last"),
        [
            ("v2", V2_OFF, "/api/v1/workflows/wf"),
            ("v1", (PAGE,), "/api/v2/workflows/wf"),
            ("v1", (FOREIGN,), "/api/v2/workflows/wf"),
        ],
        ids=["v2 is switched off", "no v1", "v1 refuses the key"],
    )
    def test_the_other_version_is_asked(self, version: str, answers: tuple[Answer, ...], last: str) -> None:
        played = describing(version, *answers, answer(200, described()))
        assert played.result.id == "greet"
        assert played.asked[-1].path == last

    @pytest.mark.parametrize(
        ("version", "answers", "error", "words"),
        [
            ("v1", (UNKNOWN,), NotFoundError, "Workflow not found"),
            ("v1", (FOREIGN, *V2_OFF), PermissionDeniedError, "Access denied"),
            ("v1", (PAGE, *V2_OFF), NotFoundError, "has no GET /api/v1/workflows/wf"),
            ("v2", (*V2_OFF, PAGE), NotFoundError, "has no GET /api/v1/workflows/wf"),
            ("v2", (*V2_OFF, UNKNOWN), NotFoundError, "Workflow not found"),
            ("v2", (*V2_OFF, FOREIGN), PermissionDeniedError, "Access denied"),
        ],
    )
    def test_what_neither_tells(self, version: str, answers: tuple[Answer, ...], error: type, words: str) -> None:
        played = describing(version, *answers)
        assert type(played.error) is error
        assert not isinstance(played.error, APIVersionError)
        assert words in str(played.error)
        assert played.error.__cause__ is None

    def test_a_description_pickles_and_says_each_field(self) -> None:
        found = describing("v1", answer(200, described(n={"type": "number", "default": 3, "required": False}))).result
        for same in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
            assert same == found
            assert same.fields["n"].default == 3

    @pytest.mark.parametrize("inputs", [None, "x", [], ["x", None, {}, {"name": None}, {"name": ""}, {"name": 5}]])
    def test_fields_of_any_shape_do_not_break_it(self, inputs: Any) -> None:
        body = described()
        body["data"]["inputs"] = inputs
        found = play(client().workflows._describe("wf"), answer(200, body)).result
        assert found.fields == {}
        check_input(found, {"anything": 1})

    def test_the_line_that_calls_it_is_python_whatever_the_names(self) -> None:
        hostile = "a\"); print(1)\n#\u202e'\\"
        line = WorkflowDescription(hostile, inputs=[WorkflowInput(hostile)]).call
        seen: dict[str, Any] = {}

        class Workflows:
            def execute(self, workflow_id: str, input: Any) -> None:
                seen[workflow_id] = input

        assert line.isprintable()
        eval(line, {"client": type("Client", (), {"workflows": Workflows()})})
        assert seen == {hostile: {hostile: ...}}


class TestCheck:
    @pytest.mark.parametrize(
        "value",
        [
            {"name": "Ada", "n": 1, "on": True, "o": {}, "a": [], "files": [Path("x"), sim.File(b"", name="x")]},
            {"n": 1.5, "a": (1,), "files": {"type": "url", "data": "https://x.test", "name": "x"}},
            {"files": io.BytesIO()},
            {"name": None},
            {"input": {"name": "Ada"}, "n": 1},
            None,
            {},
        ],
    )
    def test_what_fits(self, value: Any) -> None:
        kinds = {"name": "string", "n": "number", "on": "boolean", "o": "object", "a": "array", "files": "file[]"}
        check_input(description(**kinds, other="of-tomorrow"), value)

    @pytest.mark.parametrize(
        ("kind", "value", "words"),
        [
            ("string", 5, "must be a str, not int"),
            ("number", True, "must be a number, not bool"),
            ("number", "3", "must be a number, not str"),
            ("boolean", 1, "must be a bool, not int"),
            ("object", [], "must be a mapping, not list"),
            ("array", "ab", "must be a list, not str"),
            ("file[]", "report.pdf", "must be a file or a list of files"),
            ("files", [Path("x"), "y"], "must be a file or a list of files"),
            ("file[]", b"raw", "holds raw bytes"),
            ("file[]", io.StringIO(), "opened in text mode"),
        ],
    )
    def test_a_wrong_type(self, kind: str, value: Any, words: str) -> None:
        with pytest.raises(InvalidInputError, match=words):
            check_input(description(it=kind), {"it": value})

    def test_all_faults_are_told_at_once_and_no_value(self) -> None:
        wanted = WorkflowDescription(
            "wf", inputs=[WorkflowInput("name", "string", required=True), WorkflowInput("count", "number")]
        )
        with pytest.raises(InvalidInputError) as caught:
            check_input(wanted, {"nmae": "s3cret", "Count": 1, "zzz": 2, "count": "s3cret"})
        assert str(caught.value) == (
            "The input does not fit the workflow 'wf': 'nmae' is no field (did you mean 'name'?); 'Count' is no field; "
            "'zzz' is no field; 'name' is missing; 'count' must be a number, not str. "
            "Its fields: 'name' (string), 'count' (number)."
        )
        assert len(caught.value.details) == 5

    @pytest.mark.parametrize("value", ["Ada", ["Ada"], 5])
    def test_a_value_that_is_no_mapping_goes_into_the_field_input(self, value: Any) -> None:
        check_input(description(input="of-tomorrow"), value)
        with pytest.raises(InvalidInputError, match="must be a mapping of fields"):
            check_input(description(name="string"), value)

    def test_a_required_field_is_not_satisfied_by_none(self) -> None:
        wanted = WorkflowDescription("wf", inputs=[WorkflowInput("name", required=True)])
        for value in ({}, None, {"name": None}, {"input": {}}):
            with pytest.raises(InvalidInputError, match="'name' is missing"):
                check_input(wanted, value)

    def test_names_of_megabytes_are_cut(self) -> None:
        with pytest.raises(InvalidInputError) as caught:
            check_input(description(**{"n" * 10**6: "string"}), {"m" * 10**6: 1})
        assert len(str(caught.value)) < 1000


EXECUTIONS = {
    "execute": lambda made, **options: made.workflows.execute("greet", {"nmae": "Ada"}, **options),
    "submit": lambda made, **options: made.workflows.submit("greet", {"nmae": "Ada"}, **options),
    "run": lambda made, **options: made.workflows.run("greet", {"nmae": "Ada"}, **options),
    "stream": lambda made, **options: made.workflows.stream("greet", {"nmae": "Ada"}, **options),
}


@pytest.mark.parametrize("name", EXECUTIONS)
def test_each_way_to_run_a_workflow_checks_when_asked_to(name: str) -> None:
    made = client(answer(200, described(name="string")))
    with pytest.raises(InvalidInputError, match="did you mean 'name'"):
        EXECUTIONS[name](made, check=True)
    assert [sent.method for sent in made.script.requests] == ["GET"]
    with pytest.raises(InvalidInputError, match="did you mean 'name'"):
        EXECUTIONS[name](made, check=description(name="string"))
    with pytest.raises(InvalidInputError, match="check must be"):
        EXECUTIONS[name](made, check="greet")
    assert len(made.script.requests) == 1


@pytest.mark.parametrize("mode", ["sync", "async", "stream"])
def test_an_item_of_a_batch_is_not_sent_if_it_does_not_fit(mode: Any) -> None:
    options = ExecutionOptions("greet", "v1", mode, description=description(name="string"))
    played = play(WorkflowExecution(options, context_of(client())).begin({"nmae": "Ada"}, None))
    assert isinstance(played.error, InvalidInputError)
    assert played.steps == []


@pytest.mark.parametrize("check", [True, "greet"])
def test_a_batch_takes_a_description_only(check: Any) -> None:
    with pytest.raises(InvalidInputError, match="check must be a WorkflowDescription"):
        client().workflows.map("greet", [{}], check=check)


class TestFunction:
    @both_modes
    async def test_it_is_a_function_of_its_fields(self, both: Both) -> None:
        made = both.client(answer(200, described(name="string", n="number")), RESULT)
        greet = await both(made.workflows.function("greet"))
        assert inspect.isfunction(greet)
        assert inspect.iscoroutinefunction(greet) is both.asynchronous
        assert (await both(greet(name="Ada", n=2))).output == {"content": "hi"}
        assert [(sent.method, sent.path) for sent in made.script.requests] == [
            ("GET", "/api/v1/workflows/greet"),
            ("POST", "/api/workflows/greet/execute"),
        ]
        assert made.script.requests[-1].content == b'{"name":"Ada","n":2}'

    @both_modes
    @pytest.mark.parametrize("how", ["", "submit", "stream"])
    async def test_nothing_is_sent_that_does_not_fit(self, both: Both, how: str) -> None:
        made = both.client(answer(200, described(name="string")))
        greet = await both(made.workflows.function("greet"))
        with pytest.raises(InvalidInputError, match="did you mean 'name'"):
            await both((getattr(greet, how) if how else greet)(nmae="Ada"))
        assert len(made.script.requests) == 1

    def test_python_sees_its_signature_and_docstring(self) -> None:
        fields: dict[str, Any] = {
            "name": {"type": "string", "description": "Whom to\n greet.", "required": True},
            "n": {"type": "number", "default": 3},
            "docs": "file[]",
        }
        greet = client(answer(200, described("greet", **fields))).workflows.function("greet")
        for shown in (greet, greet.submit, greet.stream):
            assert str(inspect.signature(shown)).startswith("(*, name: str, n: float = 3, docs: Any = UNSET) -> ")
        assert "WorkflowExecutionResult" in str(inspect.signature(greet))
        assert "workflow_id" not in inspect.signature(greet.map).parameters
        assert greet.__doc__ == "Greets.\n\nArgs:\n    name: Whom to greet.\n    n: Default: 3"
        assert "greet(*, name: str" in pydoc.render_doc(greet, renderer=pydoc.plaintext)
        assert (greet.__name__, greet.stream.__qualname__) == ("greet", "greet.stream")

    def test_an_editor_completes_its_fields(self) -> None:
        greet = client(answer(200, described(name="string"))).workflows.function("greet")
        for typed, expected in (("greet(na", "name="), ("greet.sub", "submit")):
            found = [each.name for each in jedi.Interpreter(typed, [{"greet": greet}]).complete()]
            assert expected in found

    def test_names_that_python_does_not_have_are_passed_by_unpacking(self) -> None:
        fields = {"class": "string", "first name": "string", "fields": "string", "self": "string", "ﬁ": "string"}
        made = client(answer(200, described("1 für alle!", **fields)), RESULT)
        function = made.workflows.function("wf")
        assert str(inspect.signature(function)).startswith(
            "(*, fields: str = UNSET, self: str = UNSET, **_fields: Any) -> "
        )
        assert function.__name__ == "1_für_alle"
        function(self="me", **{"class": "a", "first name": "b", "ﬁ": "c"})
        with pytest.raises(InvalidInputError, match="did you mean 'class'"):
            function(clas="a")

    def test_without_fields_it_takes_anything(self) -> None:
        made = client(answer(200, described()), RESULT)
        function = made.workflows.function("greet")
        assert str(inspect.signature(function)).startswith("(**fields: Any) -> ")
        assert function(anything=1).success

    def test_a_mock_of_it_refuses_wrong_arguments(self) -> None:
        greet = client(answer(200, described(name="string"))).workflows.function("greet")
        double = create_autospec(greet)
        double(name="Ada")
        with pytest.raises(TypeError, match="nmae"):
            double(nmae="Ada")
        with pytest.raises(TypeError):
            double.submit(nmae="Ada")

    def test_it_is_not_pickled_as_no_function_made_at_run_time_is(self) -> None:
        greet = client(answer(200, described(name="string"))).workflows.function("greet")
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickle.dumps(greet)

    def test_selected_outputs_are_those_of_its_stream(self) -> None:
        made = client(answer(200, described(name="string")), RESULT, streamed())
        greet = made.workflows.function("greet", selected_outputs=["agent.content"])
        greet(name="Ada")
        assert b"selectedOutputs" not in made.script.requests[-1].content
        greet.stream(name="Ada")
        assert b'"selectedOutputs":["agent.content"]' in made.script.requests[-1].content
