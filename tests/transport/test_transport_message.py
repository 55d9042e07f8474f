from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import InvalidInputError, InvalidResponseError
from simstudio.transport.deadline import Budget
from simstudio.transport.message import SHOWN_HEADERS, Attempt, Claim, Headers, Request, Response
from tests.driving import KEY, answer


class TestHeaders:
    def test_names_are_found_in_any_case(self) -> None:
        headers = Headers({"Retry-After": "5"})
        assert headers["RETRY-after"] == "5"
        assert "retry-AFTER" in headers
        assert headers.get("Retry-after") == "5"

    def test_a_missing_name_is_a_key_error_and_get_has_a_default(self) -> None:
        headers = Headers()
        assert headers.get("x") is None
        assert headers.get("x", "1") == "1"
        with pytest.raises(KeyError):
            headers["x"]

    def test_they_keep_their_order_and_the_case_they_were_written_in(self) -> None:
        headers = Headers([("B-One", "1"), ("a-Two", "2")])
        assert list(headers.pairs()) == [("B-One", "1"), ("a-Two", "2")]

    def test_setting_a_header_replaces_it_whatever_its_case(self) -> None:
        headers = Headers({"X-A": "1"})
        headers["x-a"] = "2"
        assert list(headers.pairs()) == [("x-a", "2")]

    def test_repeated_pairs_are_joined_by_commas(self) -> None:
        assert Headers([("Vary", "a"), ("VARY", "b")])["vary"] == "a, b"

    def test_received_ones_are_joined_by_commas_under_the_first_name(self) -> None:
        headers = Headers.decode([(b"Vary", b"a"), (b"x", b"1"), (b"vary", b"b")])
        assert list(headers.pairs()) == [("Vary", "a, b"), ("x", "1")]

    def test_received_ones_are_read_as_latin_1_and_not_disputed(self) -> None:
        assert Headers.decode([(b"X Odd", b"caf\xe9\x01")])["x odd"] == "café\x01"

    def test_a_header_can_be_deleted_in_any_case(self) -> None:
        headers = Headers({"X-A": "1"})
        del headers["x-a"]
        assert not headers

    @pytest.mark.parametrize("duplicate", [Headers.copy, copy.copy, copy.deepcopy], ids=["copy()", "copy", "deepcopy"])
    def test_a_copy_is_independent(self, duplicate: Any) -> None:
        headers = Headers({"X-A": "1"})
        other = duplicate(headers)
        other["X-A"] = "2"
        assert headers["x-a"] == "1"
        assert list(other.pairs()) == [("X-A", "2")]

    @pytest.mark.parametrize("name", ["", "X A", "X:A", "X\n", "Ü", "X\r\nY", 5, None, b"X"])
    def test_a_name_that_cannot_travel_is_refused(self, name: Any) -> None:
        with pytest.raises(InvalidInputError, match="is not a header name"):
            Headers()[name] = "1"

    @pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nX-Evil: 1", "ü", "\x00", "a\x7f", "€", 5, None, b"x"])
    def test_a_value_that_cannot_travel_is_refused_and_not_shown(self, value: Any) -> None:
        with pytest.raises(InvalidInputError) as caught:
            Headers()["X-Secret"] = value if not isinstance(value, str) else f"hush{value}"
        assert "X-Secret" in str(caught.value)
        assert "hush" not in str(caught.value)

    def test_tabs_and_spaces_may_stand_in_a_value(self) -> None:
        assert Headers({"X": "a b\tc"})["x"] == "a b\tc"

    def test_repr_shows_the_values_of_an_allow_list_only(self) -> None:
        shown = repr(Headers({"X-API-Key": KEY, "Cookie": "session=1", "X-Mine": "hush", "Content-Type": "a/b"}))
        assert "a/b" in shown
        assert all(name in shown for name in ("X-API-Key", "Cookie", "X-Mine"))
        assert not any(secret in shown for secret in (KEY, "session", "hush"))

    @pytest.mark.parametrize(
        "name", ["x-api-key", "authorization", "cookie", "set-cookie", "sim-signature", "x-anything"]
    )
    def test_no_secret_is_on_the_allow_list(self, name: str) -> None:
        assert name not in SHOWN_HEADERS

    def test_they_pickle(self) -> None:
        headers = pickle.loads(pickle.dumps(Headers({"X-A": "1"})))
        assert list(headers.pairs()) == [("X-A", "1")]

    def test_they_are_equal_whatever_the_case_of_their_names(self) -> None:
        assert Headers({"X-A": "1"}) == Headers({"x-a": "1"})
        assert Headers({"X-A": "1"}) != Headers({"x-a": "2"})

    @given(
        st.dictionaries(
            st.from_regex(r"[A-Za-z0-9-]{1,10}", fullmatch=True), st.from_regex(r"[ -~]{0,20}", fullmatch=True)
        )
    )
    def test_what_is_set_comes_back_without_the_blanks_around_it(self, items: dict[str, str]) -> None:
        headers = Headers(items)
        expected = {name.lower(): value.strip() for name, value in items.items()}
        assert dict(headers) == expected
        assert dict(Headers.decode((n.encode(), v.encode()) for n, v in headers.pairs())) == expected

    @given(st.text(max_size=20), st.text(max_size=20))
    def test_nothing_but_a_clear_error_comes_of_any_text(self, name: str, value: str) -> None:
        headers = Headers()
        try:
            headers[name] = value
        except InvalidInputError:
            assert not headers
        else:
            assert headers[name] == value
            assert "\n" not in name + value
            assert "\r" not in name + value


class TestRequest:
    def test_a_copy_has_headers_of_its_own_and_everything_else_alike(self) -> None:
        def refused(_: Response) -> bool:
            return True

        request = Request(
            "POST",
            "https://sim.test/api",
            Headers({"X": "1"}),
            b"{}",
            "claimed",
            refused,
            streamed=True,
            budget=Budget(1.0),
            max_retries=7,
            attempt=3,
            observers=(print,),
            claim=Claim("X-Claim", "1", refused),
            anonymous=True,
            confidential=True,
            template="/api",
        )
        made = request.copy()
        made.headers["X"] = "2"
        assert request.headers["X"] == "1"
        for name in attrs.fields_dict(Request).keys() - {"headers"}:
            assert getattr(made, name) == getattr(request, name), name

    def test_path_leaves_the_query_out(self) -> None:
        assert Request("GET", "https://sim.test/api/x?secret=1").path == "/api/x"

    def test_repr_shows_neither_query_nor_headers_nor_body(self) -> None:
        request = Request("POST", f"https://sim.test/api/x?k={KEY}", Headers({"X-API-Key": KEY}), KEY.encode())
        assert repr(request) == "<Request POST /api/x attempt=1>"

    def test_json_is_the_body_as_data_or_none(self) -> None:
        assert Request("POST", "https://x", content=b'{"a": 1}').json() == {"a": 1}
        assert Request("GET", "https://x").json() is None


def test_both_are_attrs_classes_and_slotted() -> None:
    """A middleware may use ``attrs.evolve`` on them."""
    request = attrs.evolve(Request("GET", "https://sim.test/a", max_retries=1), url="https://sim.test/b")
    response = attrs.evolve(Response(200, attempt=2), content=b"b")

    assert (request.method, request.url, request.max_retries) == ("GET", "https://sim.test/b", 1)
    assert (response.status, response.content, response.attempt) == (200, b"b", 2)
    assert not hasattr(request, "__dict__")
    assert not hasattr(response, "__dict__")


class TestResponse:
    @pytest.mark.parametrize(
        ("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (300, False), (500, False)]
    )
    def test_ok_is_2xx(self, status: int, ok: bool) -> None:
        assert Response(status).ok is ok

    def test_text_replaces_what_is_not_utf_8(self) -> None:
        assert Response(200, content=b"a\xff").text == "a\ufffd"

    @pytest.mark.parametrize("name", ["X-Request-Id", "Request-Id", "X-Vercel-Id", "CF-Ray"])
    def test_the_request_id_is_the_servers_or_its_proxys(self, name: str) -> None:
        assert answer(headers={name: "r1"}).request_id == "r1"
        assert answer().request_id is None

    @pytest.mark.parametrize(
        "content",
        [
            b"<!DOCTYPE html><html><body>Sign in</body></html>",
            b'{"success": true, "output": {"te',
            b"",
            b"\xff\xfe\x00{",
            b'{"a": "\xff"}',
            b"[" * 200_000,
            b'{"a":' * 200_000,
        ],
        ids=["html", "truncated", "empty", "not utf-8", "not utf-8 within", "deep lists", "deep objects"],
    )
    def test_a_body_that_is_no_json_is_an_error_that_says_so(self, content: bytes) -> None:
        response = Response(200, Headers({"Content-Type": "text/html"}), content, "GET", "https://sim.test/api/x?q=1")
        with pytest.raises(InvalidResponseError) as caught:
            response.json()
        error = caught.value
        assert error.response is response
        assert error.status == 200
        assert "GET /api/x" in str(error)
        assert "base_url" in str(error)
        assert len(str(error)) < 1500

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b'{"a": ' + b"9" * 5000 + b"}", r"it has an integer that is too long \(.*4300"),
            (b"[" * 200_000 + b"]" * 200_000, "it nests too deeply"),
        ],
    )
    def test_json_that_python_does_not_read_is_called_that(self, content: bytes, reason: str) -> None:
        with pytest.raises(InvalidResponseError, match=f"answered 200 with JSON that Python does not read: {reason}"):
            Response(200, content=content, method="GET", url="https://sim.test/api/x").json()

    def test_json_of_any_kind_is_returned(self) -> None:
        for data in ({"a": [1, None]}, [1], "text", 0, None, True):
            assert Response(200, content=json.dumps(data).encode()).json() == data
        assert Response(200, content=b'\xef\xbb\xbf{"a": 1}').json() == {"a": 1}

    def test_it_pickles_without_its_unread_body(self) -> None:
        response = answer(201, {"a": 1}, headers={"X-Request-Id": "r1"})
        response.method, response.url, response.attempt, response.elapsed = "POST", "https://x/y", 2, 0.5
        response.history = (Attempt(1, answer(429), None, 0.25),)
        response.body = object()  # type: ignore[assignment]
        for made in (pickle.loads(pickle.dumps(response)), copy.copy(response)):
            assert made.body is None
            assert (made.status, made.json(), made.request_id, made.method, made.url) == (
                201,
                {"a": 1},
                "r1",
                "POST",
                "https://x/y",
            )
            assert (made.attempt, made.elapsed, made.history[0].status, made.history[0].delay) == (2, 0.5, 429, 0.25)

    def test_repr_shows_status_method_path_and_attempt(self) -> None:
        assert repr(Response(404, method="GET", url="https://x/y?z")) == "<Response 404 GET /y attempt=1>"
