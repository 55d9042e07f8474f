from __future__ import annotations

import enum
import json
import math
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, Protocol, TypedDict
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import InvalidInputError
from simstudio.core.model import Model, model
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import Accepted, Bounds, between, items, length
from simstudio.core.routes import encode_text, format_utc


class Color(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Shape(TypedDict):
    name: str


class Readable(Protocol):
    def read(self) -> bytes: ...


@model
class Thing(Model):
    id: str


class TestAccepted:
    @pytest.mark.parametrize(
        ("annotation", "values"),
        [
            (str, ["", "x", Color.RED]),
            (int, [0, -5, Level.LOW]),
            (float, [0.5, 5]),
            (bool, [True, False]),
            (str | None, ["x", None]),
            (Literal["asc", "desc"], ["asc", "desc"]),
            (Literal["asc", "desc"] | None, ["asc", None]),
            (int | Literal["active"], [5, "active"]),
            (Sequence[str], [["a"], ("a",), deque(["a"]), []]),
            (Mapping[str, Any], [{}, {"a": 1}, MappingProxyType({})]),
            (Mapping[str, Any], [Thing("t")]),
            (Shape, [{"name": "x"}, {}]),
            (str | Unset | None, ["x", None, UNSET]),
            (str | datetime, ["2026-01-01", datetime(2026, 1, 1, tzinfo=timezone.utc)]),
            (str | date, ["2026-01-01", date(2026, 1, 1)]),
            (bytes, [b"x"]),
            (Any, [5, "x", None]),
            (object, [5, "x", None]),
            (BinaryIO, [5, b"x"]),
            (Readable, [5, b"x"]),
        ],
    )
    def test_what_an_annotation_allows_passes(self, annotation: Any, values: list[Any]) -> None:
        accepted = Accepted.of(annotation)
        for value in values:
            accepted.check("name", value)

    @pytest.mark.parametrize(
        ("annotation", "value", "message"),
        [
            (str, None, "name must be text, not None."),
            (str, 5, "name must be text, not 5."),
            (str, b"x", "name must be text, not b'x'."),
            (int, True, "name must be a whole number, not True."),
            (int, 1.0, "name must be a whole number, not 1.0."),
            (int | None, "5", "name must be a whole number or None, not '5'."),
            (float, "5", "name must be a number, not '5'."),
            (float, False, "name must be a number, not False."),
            (bool, 1, "name must be True or False, not 1."),
            (bool, "true", "name must be True or False, not 'true'."),
            (Literal["asc", "desc"], "ASC", "name must be 'asc' or 'desc', not 'ASC'."),
            (Literal["asc", "desc"] | None, "up", "name must be 'asc', 'desc' or None, not 'up'."),
            (int | Literal["active"], "latest", "name must be 'active' or a whole number, not 'latest'."),
            (Sequence[str], "abc", "name must be a sequence, not 'abc'."),
            (Sequence[str], b"abc", "name must be a sequence, not b'abc'."),
            (Sequence[str], {"a"}, "name must be a sequence, not {'a'}."),
            (Mapping[str, Any], [("a", 1)], r"name must be a mapping, not \[\('a', 1\)\]."),
            (Shape, "x", "name must be a mapping, not 'x'."),
            (
                str | date,
                datetime(2026, 1, 1, tzinfo=timezone.utc),
                "name must be text or a date, not datetime.",
            ),
            (str | None, UNSET, "name must be text or None, not"),
            (str, ["x" * 99], "name must be text, not list."),
        ],
    )
    def test_anything_else_is_refused_with_the_name_and_what_it_may_be(
        self, annotation: Any, value: Any, message: str
    ) -> None:
        with pytest.raises(InvalidInputError, match=f"^{message}"):
            Accepted.of(annotation).check("name", value)

    def test_what_cannot_be_told_at_run_time_is_let_through(self) -> None:
        assert Accepted.of(Any | None).anything
        assert Accepted.of("a forward reference").anything

    def test_the_message_does_not_offer_the_sentinel(self) -> None:
        assert str(Accepted.of(str | Unset | None)) == "text or None"

    @given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary(), st.lists(st.text())))
    def test_a_kind_accepts_its_own_and_nothing_else(self, value: Any) -> None:
        kinds = (str, int, float, bool, type(None), list)
        passed = {kind for kind in kinds if _passes(Accepted.of(kind), value)}
        assert passed == ({int, float} if type(value) is int else {type(value)} & set(kinds))


def _passes(accepted: Accepted, value: Any) -> bool:
    try:
        accepted.check("name", value)
    except InvalidInputError:
        return False
    return True


class TestBounds:
    @pytest.mark.parametrize(
        ("bounds", "inside", "outside", "message"),
        [
            (between(1, 100), [1, 50, 100], [0, 101, -1, math.inf], "name must be from 1 to 100: "),
            (between(0), [0, 10**9], [-1, -0.5], "name must be at least 0: "),
            (between(high=1_000_000), [-5, 1_000_000], [1_000_001], "name must be at most 1,000,000: "),
            (length(1, 3), ["a", "abc"], ["", "abcd"], "name must have from 1 to 3 characters, not "),
            (length(high=2), ["", "äö"], ["äöü"], "name must have at most 2 characters, not 3 characters."),
            (items(1, 2), [["a"], ("a", "b")], [[], ["a"] * 3], "name must have from 1 to 2 items, not "),
            (items(high=1000), [[]], [[1] * 1001], "name must have at most 1,000 items, not 1,001 items."),
        ],
    )
    def test_both_ends_are_inside_and_the_error_says_them(
        self, bounds: Bounds, inside: list[Any], outside: list[Any], message: str
    ) -> None:
        for value in inside:
            bounds.check("name", value)
        for value in outside:
            with pytest.raises(InvalidInputError, match=f"^{message}"):
                bounds.check("name", value)

    def test_no_number_is_outside(self) -> None:
        with pytest.raises(InvalidInputError, match="name must be from 1 to 2: nan"):
            between(1, 2).check("name", math.nan)

    @given(st.integers(), st.integers(), st.integers())
    def test_exactly_what_is_between_passes(self, low: int, high: int, value: int) -> None:
        bounds = between(low, high)
        if low <= value <= high:
            bounds.check("name", value)
        else:
            with pytest.raises(InvalidInputError):
                bounds.check("name", value)


class TestText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("a b", "a b"),
            ("", ""),
            (5, "5"),
            (0.25, "0.25"),
            (True, "true"),
            (False, "false"),
            (Color.RED, "red"),
            (Level.LOW, "1"),
            ({"a": [1, None, "ä"]}, '{"a":[1,null,"ä"]}'),
            (Thing("t"), '{"id":"t"}'),
            ([{"a": "b,c"}, Thing("t")], '[{"a":"b,c"},{"id":"t"}]'),
            (["a", "b"], "a,b"),
            (("a",), "a"),
            (deque(["a", "b"]), "a,b"),
            ([1, 2.5, True, Color.RED], "1,2.5,true,red"),
            (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
            (datetime(2026, 1, 2, 3, 4, 5, 678999, tzinfo=timezone.utc), "2026-01-02T03:04:05.678Z"),
            ([datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))], "2026-01-01T22:00:00.000Z"),
        ],
    )
    def test_how_a_value_is_written(self, value: Any, text: str) -> None:
        assert encode_text("name", value) == text
        assert type(encode_text("name", value)) is str

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ([], "name must have at least one member"),
            (["a", ""], "name is sent joined by commas"),
            (["a,b"], "name is sent joined by commas, so no member may be empty or hold one: 'a,b'"),
            (["a", None], "name cannot be sent as text: None"),
            ([["a"]], r"name cannot be sent as text: \['a'\]"),
            (["a", {"a": 1}], "name cannot be sent as text"),
            (b"a", "name cannot be sent as text: b'a'"),
            (math.nan, "name must be a number that can be sent, not nan"),
            (-math.inf, "name must be a number that can be sent, not -inf"),
            ({"a": math.nan}, "The body cannot be sent as JSON: a is nan, which JSON cannot say"),
            ({1: {"a": [{2}]}}, r"cannot be sent as JSON: \[1\]\.a\[0\] is of type set"),
            (datetime(2026, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None), "name is a datetime without a time zone"),
        ],
    )
    def test_what_has_no_text_is_refused_with_the_name(self, value: Any, message: str) -> None:
        with pytest.raises(InvalidInputError, match=message):
            encode_text("name", value)

    @given(st.lists(st.text()))
    def test_a_joined_list_can_be_taken_apart_again(self, members: list[str]) -> None:
        try:
            text = encode_text("name", members)
        except InvalidInputError:
            assert not members or any(not member or "," in member for member in members)
            return
        assert text.split(",") == members

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_a_number_reads_back_as_itself(self, number: float) -> None:
        assert json.loads(encode_text("name", number)) == number


ZONES = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)


EARLY, LATE = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - Hypothesis adds the zone


class NoOffset(timezone.__base__):  # type: ignore[name-defined, misc]
    def utcoffset(self, _: Any) -> None:
        return None

    dst = tzname = utcoffset


class TestMoments:
    @given(st.datetimes(EARLY, LATE, timezones=ZONES))
    def test_a_moment_is_the_same_in_utc_to_the_millisecond(self, moment: datetime) -> None:
        text = format_utc("name", moment)
        assert text.endswith("Z")
        read = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        assert timedelta(0) <= moment - read < timedelta(milliseconds=1)

    @given(st.datetimes())
    def test_one_without_a_zone_is_none(self, moment: datetime) -> None:
        with pytest.raises(InvalidInputError, match="name is a datetime without a time zone"):
            format_utc("name", moment)

    def test_a_zone_that_knows_no_offset_is_none(self) -> None:
        with pytest.raises(InvalidInputError, match="without a time zone"):
            format_utc("name", datetime(2026, 1, 1, tzinfo=NoOffset()))

    def test_one_that_is_none_in_utc_is_refused(self) -> None:
        late = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
        with pytest.raises(InvalidInputError, match="name is out of range: 9999-12-31T23"):
            format_utc("name", late)
