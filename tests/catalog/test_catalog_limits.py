"""What the digest allows of each parameter, and what is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from catalog_arguments import annotations, arguments, at_the_end, literals, outside, python_names, route_of
from catalog_calls import Caller, Server
from catalog_digest import Documented, DocumentedOperation, documented
from catalog_local import LIMITED_HERE
from catalog_reading import each_of, of
from catalog_types import NULL, options, parse

from simstudio import InvalidInputError, InvalidRequestError
from simstudio.catalog import Parameter

every_operation = each_of(documented())


def name_of(known: DocumentedOperation, parameter: Documented) -> str:
    """The Python name of a parameter."""
    return python_names(of(known))[Parameter(parameter.name, parameter.place)]  # type: ignore[arg-type]


def needed(known: DocumentedOperation) -> dict[str, Any]:
    """The arguments without which the operation cannot be called."""
    return {name: argument.python for name, (_, argument) in arguments(of(known), known, optional=False).items()}


def having(values: Callable[[Documented], Iterable[Any]]) -> Any:
    """The operations that have parameters with such values, with these."""
    cases = []
    for known in documented():
        chosen = [(each, value) for each in known.parameters for value in values(each)]
        if chosen:
            cases.append(pytest.param(known, chosen, id=known.key))
    return pytest.mark.parametrize(("known", "chosen"), cases)


class TestLimits:
    @having(outside)
    async def test_a_value_just_outside_is_refused_by_name_and_nothing_is_sent(
        self, caller: Caller, known: DocumentedOperation, chosen: list[tuple[Documented, tuple[Any, tuple[str, ...]]]]
    ) -> None:
        for limit, (value, said) in chosen:
            name = name_of(known, limit)
            server = Server()
            with pytest.raises(InvalidInputError) as caught:
                await caller(of(known), server, {**needed(known), name: value})
            message = str(caught.value)
            assert message.startswith(f"{name} must ")
            assert all(word in message for word in said)
            assert server.sent == []

    @having(at_the_end)
    async def test_the_least_and_the_greatest_value_are_sent(
        self, caller: Caller, known: DocumentedOperation, chosen: list[tuple[Documented, Any]]
    ) -> None:
        for limit, value in chosen:
            server = Server()
            with pytest.raises(InvalidRequestError):
                await caller(of(known), server, {**needed(known), name_of(known, limit): value})
            assert len(server.sent) == 1

    @every_operation
    def test_there_are_no_other_limits(self, known: DocumentedOperation) -> None:
        theirs = {
            name_of(known, each)
            for each in known.parameters
            if (each.low is not None or each.high is not None) and each.unit != "clamped"
        }
        limited = {name for name, each in route_of(of(known)).arguments.items() if each.bounds is not None}
        assert limited - theirs == set(LIMITED_HERE.get(known.key, ()))

    @every_operation
    def test_every_word_that_the_digest_lists_is_taken_and_shown_in_the_signature(
        self, known: DocumentedOperation
    ) -> None:
        hints = annotations(of(known))
        for each in known.parameters:
            if each.choices and not each.is_flag:
                assert set(literals(hints[name_of(known, each)])) == set(each.choices)

    @every_operation
    async def test_no_required_parameter_can_be_left_out_by_none(
        self, caller: Caller, known: DocumentedOperation
    ) -> None:
        for each in known.parameters:
            name = name_of(known, each)
            if not each.required or each.type == "any" or NULL in options(parse(each.type)):
                continue
            server = Server()
            with pytest.raises(InvalidInputError, match=name):
                await caller(of(known), server, {**needed(known), name: None})
            assert server.sent == []
