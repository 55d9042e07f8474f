"""The notation of types."""

from __future__ import annotations

from typing import Any

import pytest

from .contract import operations
from .notation import shape

NESTED = "{name:string,tags?:('a'|'b')[],size:{x:number}|null}"


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("string", ["", "a"], [1, None, True]),
        ("number", [1, 0.5], ["1", True]),
        ("integer", [1, -2], [0.5]),
        ("boolean", [True], [1, "true"]),
        ("true", [True], [False, 1]),
        ("1", [1], [2, True]),
        ("string|null", ["", None], [0]),
        ("'a'|'b'", ["a"], ["c"]),
        ("string[]", [[], ["a"]], ["a", [1]]),
        ("(string|number)[]", [["a", 1]], [[None]]),
        ("map<number>", [{}, {"a": 1}], [{"a": "1"}, []]),
        ("string|map<any>", ["a", {"b": None}], [1]),
        ("{id:string}|{name:string}[]", [[{"id": "a"}, {"name": "b"}]], [{"id": "a"}, [{}]]),
        ("string|string[]", ["a", ["a"]], [1, [1]]),
        ("{a:string}&map<any>", [{"a": "x", "b": 1}], [{"b": 1}]),
        ("any", [None, 1, {}], []),
    ],
)
def test_a_type_takes_what_it_means(text: str, good: list[Any], bad: list[Any]) -> None:
    assert [shape(text).issues(value) for value in good] == [[] for _ in good]
    assert all(shape(text).issues(value) for value in bad)


def test_an_issue_tells_where_and_what() -> None:
    (issue,) = shape(NESTED).issues({"name": "n", "tags": ["a", "c"], "size": None})
    assert issue.json() == {
        "code": "invalid_type",
        "expected": "'a'|'b'",
        "received": "string",
        "path": ["tags", 1],
        "message": "Expected 'a'|'b', received string",
    }


def test_what_is_missing_is_required() -> None:
    issues = shape(NESTED).issues({})
    assert [(issue.path, issue.json()["message"]) for issue in issues] == [
        (("name",), "Required"),
        (("size",), "Required"),
    ]


@pytest.mark.parametrize("text", ["", "strin", "{a:string", "string]", "map<", "'a", "a b", "{a}"])
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no type"):
        shape(text)


def test_every_type_of_an_answer_of_v2_can_be_read() -> None:
    texts = {each["type"] for operation in operations().values() for each in operation.get("response") or []}
    assert all(shape(text).text for text in texts)
