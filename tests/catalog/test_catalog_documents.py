"""What every operation says of itself: its docstring, its signature, and the types of what it gives."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from catalog_arguments import parameters
from catalog_calls import KEY
from catalog_digest import DocumentedOperation, documented
from catalog_docstrings import Docstring
from catalog_reading import of
from catalog_shapes import differences, is_model, result_types, shape_of

import simstudio.errors
from simstudio import AsyncSimStudioClient, Download, SimStudioClient
from simstudio.catalog import Parameter

every_operation = pytest.mark.parametrize("known", documented(), ids=lambda known: known.key)
SHAPED = [known for known in documented() if known.answer.fields]
every_shape = pytest.mark.parametrize("known", SHAPED, ids=lambda known: known.key)


def docstring(known: DocumentedOperation) -> Docstring:
    return Docstring.of(of(known).of(SimStudioClient(KEY)).__doc__)


class TestDocstrings:
    @every_operation
    def test_the_summary_is_one_sentence(self, known: DocumentedOperation) -> None:
        summary = docstring(known).summary
        assert summary[:1].isupper()
        assert summary.endswith(".")

    @every_operation
    def test_every_parameter_is_explained_and_nothing_else(self, known: DocumentedOperation) -> None:
        explained = docstring(known).entries("Args")
        assert list(explained) == list(parameters(of(known)))
        assert all(text.endswith((".", "…", ".)")) for text in explained.values()), explained

    @every_operation
    def test_it_says_what_comes_back(self, known: DocumentedOperation) -> None:
        assert len(docstring(known).sections["Returns"].split()) >= 2

    @every_operation
    def test_it_says_what_is_raised_by_names_that_exist(self, known: DocumentedOperation) -> None:
        raised = docstring(known).entries("Raises")
        assert raised
        for name, text in raised.items():
            assert issubclass(getattr(simstudio.errors, name), simstudio.SimStudioError)
            assert text

    @every_operation
    def test_it_shows_an_example_that_calls_it(self, known: DocumentedOperation) -> None:
        example = docstring(known).sections["Example"]
        assert re.search(r"^>>> ", example, re.MULTILINE)
        assert f"client.{of(known).attribute}(" in example


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
