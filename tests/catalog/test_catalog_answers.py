"""What every operation makes of its answers: documented ones, and those of newer and older servers."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from catalog_answers import FILE, answer, at_result, change_result, least, says
from catalog_arguments import arguments
from catalog_calls import Caller, Server
from catalog_digest import DocumentedOperation, documented
from catalog_reading import each_of, of, one_of_each_kind
from catalog_shapes import one_of_each_result, result_types
from catalog_values import Maker

from simstudio import APIStatusError, ConflictError, Download, InvalidResponseError, Page
from simstudio.core.model import Model
from tests.modes import both_modes

every_operation = each_of(documented())
SHAPED = [known for known in documented() if known.answer.fields]
every_shape = each_of(SHAPED)
every_result = each_of(one_of_each_result(SHAPED))
every_shape_of_v2 = each_of([known for known in SHAPED if known.version == "v2"])


async def call(caller: Caller, known: DocumentedOperation, body: Any, status: int = 200) -> Any:
    """What the operation makes of an answer; of a list the items of its first page."""
    given = {name: each.python for name, (_, each) in arguments(of(known), known, optional=False).items()}
    result = await caller(of(known), Server(status, body), given)
    assert isinstance(result, Page) is of(known).is_list
    return result.items if isinstance(result, Page) else result


def models(result: Any) -> list[Model]:
    """The models of a result, one or many."""
    found = result if isinstance(result, list) else [result]
    assert found
    assert all(isinstance(each, Model) for each in found)
    return found


class TestDocumented:
    @every_shape
    async def test_the_result_is_typed_and_says_all_that_came(self, caller: Caller, known: DocumentedOperation) -> None:
        body = answer(known, Maker())
        result = await call(caller, known, body)
        for each in models(result):
            assert type(each) in result_types(known)
            assert each.extra == {}
        says(result, at_result(known, body))

    @every_result
    async def test_it_gives_back_what_came_and_pickles(self, caller: Caller, known: DocumentedOperation) -> None:
        body = answer(known, Maker())
        for each in models(await call(caller, known, body)):
            came = at_result(known, body)
            assert each.to_dict() == (came[0] if isinstance(came, list) else came)
            assert pickle.loads(pickle.dumps(each)) == each

    @pytest.mark.parametrize(
        "known", [known for known in documented() if known not in SHAPED], ids=lambda known: known.key
    )
    async def test_a_file_is_its_bytes(self, caller: Caller, known: DocumentedOperation) -> None:
        result = await call(caller, known, FILE)
        if result_types(known):
            assert isinstance(result, Download)
            assert result.content == FILE
        else:  # the answer is empty
            assert result is None

    @every_shape_of_v2
    async def test_the_least_that_the_digest_promises_is_enough(
        self, caller: Caller, known: DocumentedOperation
    ) -> None:
        body = answer(known, Maker(optional=False))
        says(await call(caller, known, body), at_result(known, body))

    @every_shape_of_v2
    async def test_null_for_all_that_may_be_null_or_absent(self, caller: Caller, known: DocumentedOperation) -> None:
        body = answer(known, Maker(null=True, null_for_absent=True))
        says(await call(caller, known, body), at_result(known, body))

    @both_modes
    @pytest.mark.parametrize("known", one_of_each_kind(), ids=lambda known: known.key)
    async def test_both_clients_make_the_same_of_an_answer(self, caller: Caller, known: DocumentedOperation) -> None:
        body = answer(known, Maker())
        result = await call(caller, known, body)
        if known.answer.fields:
            says(result, at_result(known, body))
        else:
            assert result.content == FILE if result_types(known) else result is None


class TestOtherServers:
    @every_result
    async def test_fields_that_no_document_knows_are_kept(self, caller: Caller, known: DocumentedOperation) -> None:
        body = answer(known, Maker(unknown=True))
        result = await call(caller, known, body)
        assert all(each.extra == {"brandNew": {"field": 1}} for each in models(result))
        says(result, at_result(known, body))

    @every_result
    async def test_words_that_no_document_knows_stay_text(self, caller: Caller, known: DocumentedOperation) -> None:
        body = answer(known, Maker(new_word="brand-new"))
        says(await call(caller, known, body), at_result(known, body))

    @every_result
    async def test_other_shapes_where_several_are_possible(self, caller: Caller, known: DocumentedOperation) -> None:
        for option in (1, 2, 3):
            body = answer(known, Maker(option=option))
            says(await call(caller, known, body), at_result(known, body))

    @every_result
    async def test_whatever_a_model_can_be_without(self, caller: Caller, known: DocumentedOperation) -> None:
        kind = result_types(known)[0]
        for null in (False, True):

            def change(data: Any, null: bool = null) -> Any:
                return [least(kind, each, null=null) for each in data] if isinstance(data, list) else least(
                    kind, data, null=null
                )  # fmt: skip

            body = change_result(known, answer(known, Maker()), change)
            says(await call(caller, known, body), at_result(known, body))

    @every_result
    async def test_an_answer_of_another_shape_is_an_error_that_names_the_request(
        self, caller: Caller, known: DocumentedOperation
    ) -> None:
        said = f"{known.verb} /api/{known.version}/.* answered 200"
        for body in ([], None, "text", 5):
            with pytest.raises(InvalidResponseError, match=said) as caught:
                await call(caller, known, body)
            assert caught.value.response is not None


class TestErrors:
    @pytest.mark.parametrize(
        "known", [known for known in one_of_each_kind() if known.version == "v2"], ids=lambda known: known.key
    )
    async def test_a_code_that_no_document_knows_is_kept(self, caller: Caller, known: DocumentedOperation) -> None:
        error = {"code": "BRAND_NEW", "message": "Not on Fridays", "details": {"code": "ALSO_NEW", "until": 5}}
        with pytest.raises(ConflictError, match="Not on Fridays") as caught:
            await call(caller, known, {"error": error}, 409)
        assert (caught.value.server_code, caught.value.code, caught.value.status) == ("BRAND_NEW", "BRAND_NEW", 409)
        assert caught.value.details == {"code": "ALSO_NEW", "until": 5}

    @pytest.mark.parametrize(
        "known", [known for known in one_of_each_kind() if known.version == "v1"], ids=lambda known: known.key
    )
    async def test_those_of_v1_are_texts_with_details_of_any_shape(
        self, caller: Caller, known: DocumentedOperation
    ) -> None:
        for details in ([{"path": ["x"]}], {"reason": "x"}, "x", ["x"], None):
            with pytest.raises(APIStatusError, match="Not on Fridays") as caught:
                await call(caller, known, {"error": "Not on Fridays", "details": details}, 418)
            assert (caught.value.status, caught.value.details) == (418, details)
