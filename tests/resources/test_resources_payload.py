from __future__ import annotations

import json
from collections import ChainMap, OrderedDict, UserDict, namedtuple
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import File, InvalidInputError, WorkflowExecutionResult
from simstudio.core.resource import encode_query
from simstudio.models.usage import Usage, UsageLimits
from simstudio.resources.payload import CONTROL_KEYS, encode_input
from tests.driving import Both

Point = namedtuple("Point", "x y")

json_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=3)
    | st.dates()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.one_of(st.text(max_size=3), st.integers(), st.none()), inner, max_size=3)
        | st.sets(st.integers(), max_size=2)
    ),
    max_leaves=8,
)


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


def numpy_like(name: str, **attributes: Any) -> Any:
    """A value of a class of NumPy, as a message about it sees it."""
    methods = {"item": lambda self: 1, **({"tolist": lambda self: [1]} if attributes else {})}
    return type(name, (), {"__module__": "numpy", **methods, **attributes})()


def body(data: Any, **control: Any) -> Any:
    return json.loads(encode_input(data, control or None).content)


class TestShape:
    def test_none_is_an_empty_object(self) -> None:
        assert encode_input(None).content == encode_input({}).content == b"{}"

    @pytest.mark.parametrize(
        "mapping",
        [{"a": 1}, OrderedDict(a=1), MappingProxyType({"a": 1}), UserDict(a=1), ChainMap({"a": 1})],
        ids=lambda value: type(value).__name__,
    )
    def test_a_mapping_is_sent_flat(self, mapping: Any) -> None:
        assert body(mapping) == {"a": 1}

    @pytest.mark.parametrize("value", ["text", "", 5, 0, False, 1.5, [1, 2], [], (1, 2)])
    def test_anything_else_is_sent_as_input(self, value: Any) -> None:
        assert body(value) == {"input": list(value) if isinstance(value, tuple) else value}

    def test_it_is_utf_8_without_spaces(self) -> None:
        assert encode_input({"a": "ü€", "b": [1, 2]}).content == '{"a":"ü€","b":[1,2]}'.encode()

    def test_our_own_models_may_be_input(self) -> None:
        result = WorkflowExecutionResult(success=True, output={"n": 1})
        assert body(result) == {"success": True, "output": {"n": 1}}
        limits = UsageLimits(True, usage=Usage(plan="free", limit=5))
        assert body({"limits": limits, "list": [result]}) == {
            "limits": {"success": True, "rateLimit": {"sync": {}, "async": {}}, "usage": {"limit": 5, "plan": "free"}},
            "list": [{"success": True, "output": {"n": 1}}],
        }

    def test_nested_mappings_named_tuples_and_number_enums_are_what_they_look_like(self) -> None:
        assert body({"a": MappingProxyType({"b": UserDict(c=1)}), "p": Point(1, 2), "s": Size.BIG}) == {
            "a": {"b": {"c": 1}},
            "p": [1, 2],
            "s": 3,
        }

    @given(json_data)
    def test_json_data_comes_through_as_it_is(self, data: Any) -> None:
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if key not in CONTROL_KEYS}
            assert body(data) == data
        else:
            assert body(data) == ({} if data is None else {"input": data})

    @given(anything)
    def test_anything_is_encoded_or_refused_with_a_clear_error(self, data: Any) -> None:
        with suppress(InvalidInputError):
            content = encode_input(data).content
            json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} was sent"))


class TestControlKeys:
    @pytest.mark.parametrize("key", sorted(CONTROL_KEYS))
    def test_each_of_sims_own_is_refused_by_name_with_advice(self, key: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            encode_input({"a": 1, key: True})
        assert key in str(caught.value)
        assert f'{{"input": {{"{key}": …}}}}' in str(caught.value)

    @pytest.mark.parametrize("key", sorted(CONTROL_KEYS))
    def test_nested_it_is_sent_as_it_is(self, key: str) -> None:
        assert body({"input": {key: 1}}) == {"input": {key: 1}}
        assert body({"mine": [{key: 1}]}) == {"mine": [{key: 1}]}

    def test_they_are_exactly_these(self) -> None:
        assert " ".join(sorted(CONTROL_KEYS)) == (
            "base64MaxBytes executionId includeFileBase64 runFromBlock selectedOutputs stopAfterBlockId stream "
            "triggerBlockId triggerType useDraftState workflowId workflowStateOverride"
        )

    def test_those_of_the_client_itself_are_added(self) -> None:
        assert body({"a": 1}, stream=True) == {"a": 1, "stream": True}
        assert body(None, stream=True) == {"stream": True}

    @pytest.mark.parametrize("method", ["execute", "submit", "run", "stream"])
    async def test_every_way_to_run_refuses_them_before_anything_is_sent(self, both: Both, method: str) -> None:
        made = both.client()
        with pytest.raises(InvalidInputError, match="triggerType"):
            await both(getattr(made.workflows, method)("wf", {"triggerType": "api"}))
        with pytest.raises(InvalidInputError, match="triggerType"):
            await both(made.execute_workflow("wf", {"triggerType": "api"}))
        assert made.script.requests == []


class TestRefused:
    @pytest.mark.parametrize(
        ("data", "place"),
        [
            ({"a": float("nan")}, "input.a is nan"),
            ({"a": [1, float("inf")]}, "input.a[1] is inf"),
            ({"a": {"b": -float("inf")}}, "input.a.b is -inf"),
            ({"a": UserDict(b=float("nan"))}, "input.a.b is nan"),
            ({"when": date(2026, 1, 1)}, "input.when is of type datetime.date, which is no JSON data: send its .iso"),
            ({"a": timedelta(1)}, "input.a is of type datetime.timedelta, which is no JSON data: send its .total_sec"),
            ({"a": [{"b": {1, 2}}]}, "input.a[0].b is of type set, which is no JSON data: send list(value)"),
            (
                {"a b": Decimal(1)},
                "input['a b'] is of type decimal.Decimal, which is no JSON data: send str(value), or",
            ),
            ({"a": Colour.RED}, f"input.a is of type {__name__}.Colour, which is no JSON data: send its .value"),
            ({"a": UUID(int=1)}, "input.a is of type uuid.UUID, which is no JSON data: send str(value)"),
            ({"a": numpy_like("bool")}, "input.a is of type numpy.bool, which is no JSON data: send what its .item()"),
            ({"a": numpy_like("ndarray", shape=(1,))}, "input.a is of type numpy.ndarray, which is no JSON data: send"),
            ({"a": numpy_like("float16", shape=())}, "input.a is of type numpy.float16, which is no JSON data: send w"),
            ({"a": object()}, "input.a is of type object, which is no JSON data: send it as a text"),
            ({"a": Colour}, f"input.a is the class {__name__}.Colour itself, which is no JSON data"),
            ({"a": json}, "input.a is the module json, which is no JSON data"),
            ({"a": 10**5000}, "input.a is an integer that is too long (Exceeds the limit"),
            ({"a": [b"x"]}, "input.a[0] cannot be sent: The input holds raw bytes. Say what they are: simstudio.File"),
            ({"a": {"b": {1: 2}}}, "input.a.b has the key 1 of type int. JSON keys are text"),
            ({"rows": [{"text": "cut \ud83d"}]}, "input.rows[0].text holds '\\ud83d', half of a surrogate pair"),
            ({"rows": {"cut \ud83d": 1}}, "input.rows has the key 'cut \\ud83d' with '\\ud83d', half of a surrogate"),
            ({1, 2}, "input is of type set"),
            (date(2026, 1, 1), "input is of type datetime.date"),
            (float("nan"), "input is nan"),
            ([1, [float("nan")]], "input[1][0] is nan"),
        ],
    )
    def test_what_is_no_json_is_named_with_its_place(self, data: Any, place: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            encode_input(data)
        assert str(caught.value).startswith(place)

    @pytest.mark.parametrize("key", [1, None, 1.5, True, (1,), b"a", Size.BIG])
    @pytest.mark.parametrize(
        "place", [lambda d: d, lambda d: {"a": [d]}, lambda d: {"a": ({"b": d},)}, lambda d: {"a": UserDict(b=d)}]
    )
    def test_a_key_that_is_no_text_is_refused_at_any_depth(self, key: Any, place: Any) -> None:
        with pytest.raises(InvalidInputError, match="JSON keys are text"):
            encode_input(place({key: 1}))

    def test_what_contains_itself(self) -> None:
        loop: list[Any] = []
        loop.append(loop)
        knot: dict[str, Any] = {}
        knot["a"] = [knot]
        winding = UserDict(a=1)
        winding["me"] = winding
        for data in (loop, knot, {"a": loop}, {"a": winding}):
            with pytest.raises(InvalidInputError, match="nests too deeply, or contains itself"):
                encode_input(data)

    def test_what_nests_too_deeply(self) -> None:
        deep: Any = 1
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(InvalidInputError, match="nests too deeply"):
            encode_input({"a": deep})

    @pytest.mark.parametrize("data", [{"a": "\ud800"}, {"\udfff": 1}, "\ud83d"])
    def test_half_a_character(self, data: Any) -> None:
        with pytest.raises(InvalidInputError, match="cannot be encoded"):
            encode_input(data)

    def test_an_integer_too_long_for_a_query(self) -> None:
        with pytest.raises(InvalidInputError, match=r"'limit' cannot be sent: .*4300"):
            encode_query({"limit": 10**5000})

    def test_raw_bytes_with_advice(self) -> None:
        with pytest.raises(InvalidInputError, match=r"simstudio\.File"):
            encode_input({"a": [b"x"]})

    def test_more_than_sim_takes(self) -> None:
        with pytest.raises(InvalidInputError, match="empty input") as caught:
            encode_input("x" * (10 * 1024 * 1024))
        assert caught.value.code == "PAYLOAD_TOO_LARGE"

    def test_it_is_measured_in_bytes(self) -> None:
        with pytest.raises(InvalidInputError):
            encode_input("ü" * (6 * 1024 * 1024))

    def test_it_is_a_value_error_too(self) -> None:
        with pytest.raises(ValueError, match="no JSON data"):
            encode_input({"a": object()})


class TestFiles:
    def test_they_are_counted_and_so_are_the_deeper_ones(self) -> None:
        file = File(b"x", name="x.bin")
        for data, counted in [
            ({"a": 1}, (0, 0)),
            ({"a": file, "b": [file, file]}, (3, 0)),
            (file, (1, 0)),
            ([file], (1, 0)),
            ({"a": {"b": file}}, (1, 1)),
            ({"a": [[file]], "b": file}, (2, 1)),
            ({"input": {"a": file}}, (1, 1)),
            ({"a": UserDict(b=file)}, (1, 1)),
        ]:
            payload = encode_input(data)
            assert (payload.files, payload.nested) == counted, data
