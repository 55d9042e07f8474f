from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio.transport.hints import parse_count, parse_reset, parse_retry_after

NOW = datetime(2026, 4, 14, 12, 0, tzinfo=timezone.utc).timestamp()

header_text = st.one_of(
    st.text(),
    st.text(st.characters(max_codepoint=255)),
    st.from_regex(r"[-+]?[0-9]{0,400}(\.[0-9]*)?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
    st.from_regex(
        r"(Mon, )?[0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,20} [0-9]{1,3}:[0-9]{2}:[0-9]{2} ([+-][0-9]{4,9}|GMT)",
        fullmatch=True,
    ),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?",
        fullmatch=True,
    ),
    st.sampled_from(["nan", "inf", "-inf", "infinity", "1_000", "0x10", "٣", "Ⅷ", "1e999", "-0", "9" * 5000]),
)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local time ahead of UTC, where the end of the year 9999 comes early."""
    if not hasattr(time, "tzset"):
        pytest.skip("this platform cannot set a time zone for a process")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-14")
        time.tzset()
        yield
    time.tzset()


class TestRetryAfter:
    @pytest.mark.parametrize(("value", "seconds"), [("5", 5.0), (" 5 ", 5.0), ("0", 0.0), ("1.5", 1.5), ("120", 120.0)])
    def test_seconds(self, value: str, seconds: float) -> None:
        assert parse_retry_after(value, now=NOW) == seconds

    def test_an_http_date_is_the_seconds_until_then(self) -> None:
        date = format_datetime(datetime(2026, 4, 14, 12, 0, 30, tzinfo=timezone.utc), usegmt=True)
        assert parse_retry_after(date, now=NOW) == 30.0

    def test_a_date_without_a_zone_is_utc(self) -> None:
        assert parse_retry_after("Tue, 14 Apr 2026 12:00:30 -0000", now=NOW) == 30.0

    def test_a_date_that_has_passed_is_no_wait(self) -> None:
        assert parse_retry_after("Tue, 14 Apr 2020 12:00:00 GMT", now=NOW) == 0.0

    @pytest.mark.parametrize(
        "value", [None, "", " ", "-5", "soon", "nan", "inf", "1_000", "5 minutes", "Tue, 99 Apr 2026", "٣"]
    )
    def test_garbage_is_nothing(self, value: str | None) -> None:
        assert parse_retry_after(value, now=NOW) is None

    @given(header_text)
    def test_no_text_raises_and_what_comes_is_a_wait(self, value: str) -> None:
        seconds = parse_retry_after(value, now=NOW)
        assert seconds is None or 0 <= seconds < float("inf")


class TestReset:
    @pytest.mark.parametrize(
        "value",
        [
            "1776168000",
            "1776168000.9",
            "1776168000000",
            "2026-04-14T12:00:00.000Z",
            "2026-04-14T12:00:00Z",
            "2026-04-14T14:00:00+02:00",
            "2026-04-14T12:00:00",
            " 2026-04-14 12:00:00 ",
        ],
    )
    def test_epoch_seconds_milliseconds_and_iso_8601_are_the_same_moment(self, value: str) -> None:
        assert parse_reset(value) == int(NOW)

    @pytest.mark.parametrize(
        "value", [None, "", "tomorrow", "-5", "nan", "inf", "1e300", "2026-13-45", "1_776_168_000"]
    )
    def test_garbage_is_nothing(self, value: str | None) -> None:
        assert parse_reset(value) is None

    @given(header_text)
    def test_no_text_raises_and_what_comes_is_a_moment(self, value: str) -> None:
        reset = parse_reset(value)
        assert reset is None or datetime.fromtimestamp(reset, timezone.utc)

    @pytest.mark.usefixtures("far_east")
    @pytest.mark.parametrize("value", ["253402300799", "253402300799000", "9999-12-31T23:59:59Z", "0"])
    def test_what_comes_is_a_moment_in_local_time_too(self, value: str) -> None:
        reset = parse_reset(value)
        assert reset is None or datetime.fromtimestamp(reset)  # noqa: DTZ006 - as the documents do


class TestCount:
    @pytest.mark.parametrize(("value", "count"), [("60", 60), ("0", 0), ("59.0", 59), (" 7 ", 7)])
    def test_a_whole_number(self, value: str, count: int) -> None:
        assert parse_count(value) == count

    @pytest.mark.parametrize("value", [None, "", "-1", "many", "nan", "inf", "1e300"])
    def test_garbage_is_nothing(self, value: str | None) -> None:
        assert parse_count(value) is None

    @given(header_text)
    def test_no_text_raises(self, value: str) -> None:
        count = parse_count(value)
        assert count is None or count >= 0
