"""JSON as JavaScript reads and writes it."""

from __future__ import annotations

import json

import pytest

from simstudio.sandbox import jsontext


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("12345678901234567890", "12345678901234567000"),
        ("9007199254740993", "9007199254740992"),
        ("1e400", "null"),
        ("-0.0", "0"),
        ("1.50", "1.5"),
        ("1e21", "1e+21"),
        ("123456789012345680000", "123456789012345680000"),
        ('"é\\u2028"', '"é\u2028"'),
        ("{}", "{}"),
    ],
)
def test_there_and_back(text: str, written: str) -> None:
    assert jsontext.dumps(jsontext.plain(jsontext.loads(text.encode()))) == written


@pytest.mark.parametrize("text", [b"", b"NaN", b"[Infinity]", b"{'a': 1}", b"[" * 100_000])
def test_what_is_not_json(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        jsontext.loads(text)


def test_a_byte_order_mark_and_bad_utf8_are_forgiven() -> None:
    assert jsontext.loads(b'\xef\xbb\xbf"a\xff"') == "a\ufffd"


def test_python_values_become_plain_ones() -> None:
    assert jsontext.plain({"a": (1, 2.0), 3: None}) == {"a": [1, 2], "3": None}


@pytest.mark.parametrize("value", [{1, 2}, object(), b"x", {None: 1}])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        jsontext.plain(value)


def test_a_value_that_contains_itself_is_refused_and_one_that_is_there_twice_is_not() -> None:
    inner: dict[str, object] = {"n": 1}
    assert jsontext.plain([inner, inner, {"a": inner}]) == [{"n": 1}, {"n": 1}, {"a": {"n": 1}}]
    inner["around"] = [inner]
    with pytest.raises(TypeError, match="contains itself"):
        jsontext.plain([inner])


def test_a_lone_surrogate_is_escaped() -> None:
    assert json.loads(jsontext.encode("\ud83d")) == "\ud83d"


def test_values_may_be_nested_deeply() -> None:
    text = '{"a":[' * 300 + "1" + "]}" * 300
    assert jsontext.encode(jsontext.loads(text.encode())).decode() == text
