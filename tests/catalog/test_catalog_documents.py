"""The docstring, the signature and the result type of every operation."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from catalog_arguments import parameters
from catalog_calls import KEY
from catalog_digest import DocumentedOperation, documented
from catalog_docstrings import Docstring, is_filler
from catalog_reading import each_of, of
from catalog_shapes import differences, is_model, result_types, shape_of

import simstudio.errors
from simstudio import AsyncSimStudioClient, Download, SimStudioClient
from simstudio.catalog import Parameter

every_operation = each_of(documented())
SHAPED = [known for known in documented() if known.answer.fields]
every_shape = each_of(SHAPED)


def docstring(known: DocumentedOperation) -> Docstring:
    return Docstring.of(of(known).of(SimStudioClient(KEY)).__doc__)


class TestDocstrings:
    @every_operation
    def test_the_summary_is_one_sentence(self, known: DocumentedOperation) -> None:
        summary = docstring(known).summary
        assert summary[:1].isupper()
        assert summary.endswith(".")

    @every_operation
    def test_args_are_parameters_in_their_order(self, known: DocumentedOperation) -> None:
        explained = list(docstring(known).entries("Args"))
        assert explained == [name for name in parameters(of(known)) if name in explained]

    @every_operation
    def test_raises_names_errors_of_the_package(self, known: DocumentedOperation) -> None:
        for name in docstring(known).entries("Raises"):
            assert issubclass(getattr(simstudio.errors, name), simstudio.SimStudioError)

    @every_operation
    def test_no_line_is_filler(self, known: DocumentedOperation) -> None:
        text = docstring(known)
        returned = str(inspect.signature(of(known).of(SimStudioClient(KEY))).return_annotation)
        lines = [*text.entries("Args").items(), *text.entries("Raises").items()]
        lines += [(returned, line) for name, line in text.sections.items() if name == "Returns"]
        assert [line for name, line in lines if is_filler(name, line) or not line.endswith((".", "…"))] == []

    @every_operation
    def test_an_example_calls_the_operation(self, known: DocumentedOperation) -> None:
        example = docstring(known).sections.get("Example")
        assert example is None or f"client.{of(known).attribute}(" in example


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("workflow_id", "The workflow's id."),
        ("id", "Which."),
        ("start_date", "Where it begins."),
        ("SimStudioError", "Any other failure."),
        ("InvalidResponseError", "Nothing."),
        ("Pager[WorkspaceFile]", "The files."),
    ],
)
def test_a_line_that_says_only_what_name_and_type_say_is_filler(name: str, line: str) -> None:
    assert is_filler(name, line)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("limit", "Default 50."),
        ("start_date", "Earliest start, ISO 8601."),
        ("NotFoundError", "No workflow has this id."),
        ("Pager[WorkspaceFile]", "The files, newest first."),
    ],
)
def test_a_line_that_says_more_is_none(name: str, line: str) -> None:
    assert not is_filler(name, line)


class TestSignatures:
    @every_operation
    def test_it_shows_what_users_give_and_get(self, known: DocumentedOperation) -> None:
        for client, pager in ((SimStudioClient(KEY), "Pager["), (AsyncSimStudioClient(KEY), "AsyncPager[")):
            operation = of(known)
            signature = inspect.signature(operation.of(client))
            shown = str(signature)
            assert "call" not in signature.parameters
            assert "self" not in signature.parameters
            assert not re.search(r"\b(Flow|Pages|Call)\b", shown)
            assert str(signature.return_annotation).startswith(pager) is operation.is_list

    @every_operation
    def test_what_it_gives_has_a_type(self, known: DocumentedOperation) -> None:
        for kind in result_types(known):
            assert is_model(kind) or kind is Download

    @every_operation
    def test_every_parameter_has_a_type(self, known: DocumentedOperation) -> None:
        for name, each in parameters(of(known)).items():
            shown = each.annotation
            documented_as: Any = [
                p.type for p in known.parameters if of(known).parameters.get(name) == Parameter(p.name, p.place)
            ]
            assert shown is not inspect.Parameter.empty
            assert documented_as == ["any"] or shown not in ("Any", "object"), name


class TestTypes:
    @every_shape
    def test_a_result_says_all_that_the_digest_says(self, known: DocumentedOperation) -> None:
        found = [list(differences(kind, shape_of(known))) for kind in result_types(known)]
        assert [] in found, found
