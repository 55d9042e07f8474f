"""Which request a recorded exchange answers."""

from __future__ import annotations

import httpx
import pytest
import vcr.errors
from vcr.request import Request

from simstudio.testing import assert_all_played, make_vcr
from simstudio.testing.matchers import body, path, query

BASE = "http://sim.test/api"


def request(content=None, content_type="application/json", url=BASE):
    return Request("POST", url, content, {"Content-Type": content_type})


def same(matcher, one, other):
    try:
        matcher(one, other)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        (b'{"a": 1, "b": [1, 2]}', b'{"b":[1,2],"a":1}'),
        (b'{"a": 1.0}', b'{"a": 1}'),
        (b'{"a": "\xc3\xa9"}', rb'{"a": "\u00e9"}'),
        (b'{"a": {"c": 1, "d": 2}}', b'{"a": {"d": 2, "c": 1}}'),
        (b"", None),
        (b"plain", b"plain"),
        (b'{"broken', b'{"broken'),
    ],
)
def test_bodies_that_say_the_same_are_the_same(sent, recorded):
    assert same(body, request(sent), request(recorded))


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        (b'{"a": 1}', b'{"a": 2}'),
        (b'{"a": 1}', b'{"a": true}'),
        (b'{"a": 1}', b'{"a": "1"}'),
        (b'{"a": [1, 2]}', b'{"a": [2, 1]}'),
        (b'{"a": null}', b"{}"),
        (b"{}", None),
        (b"plain", b"other"),
        (b'{"broken', b'{"broken"'),
    ],
)
def test_bodies_that_say_something_else_are_not(sent, recorded):
    assert not same(body, request(sent), request(recorded))


def multipart(boundary, content=b"hello", *, quoted=False):
    data = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--%b--\r\n'
    parameter = f'"{boundary}"' if quoted else boundary
    data %= (boundary.encode(), content, boundary.encode())
    return request(data, f"multipart/form-data; boundary={parameter}")


def test_the_boundary_of_a_multipart_body_does_not_matter():
    assert same(body, multipart("one"), multipart("another-one", quoted=True))
    assert same(body, multipart("one", b"\xff\x00"), multipart("two", b"\xff\x00"))


def test_the_content_of_a_multipart_body_does():
    assert not same(body, multipart("one"), multipart("one", b"bye"))


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        ("a=1&b=2", "b=2&a=1"),
        ("filter=%7B%22a%22:1,%22b%22:2%7D", "filter=%7B%22b%22%3A+2%2C+%22a%22%3A+1%7D"),
        ("a=x%20y", "a=x+y"),
    ],
)
def test_queries_that_say_the_same_are_the_same(sent, recorded):
    assert same(query, request(url=f"{BASE}?{sent}"), request(url=f"{BASE}?{recorded}"))


@pytest.mark.parametrize(("sent", "recorded"), [("a=1", "a=2"), ("status=", ""), ("a=1&a=2", "a=1"), ("a=1", "a=1&b=")])
def test_queries_that_say_something_else_are_not(sent, recorded):
    assert not same(query, request(url=f"{BASE}?{sent}"), request(url=f"{BASE}?{recorded}"))


def test_an_empty_path_is_the_root():
    assert same(path, request(url="http://sim.test"), request(url="http://127.0.0.1:1/?a=1"))
    assert not same(path, request(url="http://sim.test/a"), request(url="http://sim.test/a/"))


@pytest.fixture
def recorder(server, tmp_path):
    with make_vcr(tmp_path).use_cassette("run"):
        httpx.post(f"{server.url}/run?limit=2", json={"a": 1, "b": 2})
        httpx.get(f"{server.url}/jobs")
    return make_vcr(tmp_path, record_mode="none")


def test_the_order_of_keys_does_not_matter(recorder):
    with recorder.use_cassette("run"):
        assert httpx.post(f"{BASE[:-4]}/run?limit=2", json={"b": 2, "a": 1}).json() == {"success": True}


def test_a_multipart_upload_replays(server, tmp_path):
    for _ in range(2):
        with make_vcr(tmp_path).use_cassette("upload"):
            httpx.post(f"{server.url}/files", files={"file": ("a.bin", b"\x00\xff")}, data={"workspaceId": "w"})

    assert len(server.received) == 1


def test_an_unknown_request_surfaces_as_vcrpys_own_error_saying_what_differs(recorder):
    with recorder.use_cassette("run"), pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException) as error:
        httpx.post("http://sim.test/run?limit=2", json={"a": 1, "b": 3})

    assert 'sent {"a": 1, "b": 3}, recorded {"a": 1, "b": 2}' in str(error.value)
    assert "body" in str(error.value)


def test_an_exchange_is_replayed_once(recorder):
    with recorder.use_cassette("run"):
        httpx.get("http://sim.test/jobs")
        with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException):
            httpx.get("http://sim.test/jobs")


def test_all_played_holds_when_each_exchange_was_replayed_once(recorder):
    with recorder.use_cassette("run") as cassette:
        httpx.post("http://sim.test/run?limit=2", json={"a": 1, "b": 2})
        httpx.get("http://sim.test/jobs")
        assert_all_played(cassette)


def test_all_played_names_what_was_not_sent(recorder):
    with recorder.use_cassette("run") as cassette:
        httpx.get("http://sim.test/jobs")

        with pytest.raises(AssertionError, match=r"1 of 2 exchanges.*\n  POST .*/run\?limit=2: never sent$"):
            assert_all_played(cassette)


def test_all_played_allows_no_repeats(recorder):
    with recorder.use_cassette("run", allow_playback_repeats=True) as cassette:
        httpx.post("http://sim.test/run?limit=2", json={"a": 1, "b": 2})
        for _ in range(3):
            httpx.get("http://sim.test/jobs")

        with pytest.raises(AssertionError, match=r"GET .*/jobs: replayed 3 times"):
            assert_all_played(cassette)
