from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import APIStatusError, ConfigurationError, InvalidInputError, Request, Response
from simstudio.transport.auth import APIKeyAuth, Credentials
from simstudio.transport.endpoint import Endpoint, check_base_url, check_path, segment
from simstudio.transport.message import Headers
from simstudio.transport.stack import compose
from tests.driving import KEY, Both, Played, answer, play


class TestBaseURL:
    @pytest.mark.parametrize(
        ("given_url", "kept"),
        [
            ("https://sim.ai", "https://sim.ai"),
            ("https://sim.ai/", "https://sim.ai"),
            ("https://sim.ai///", "https://sim.ai"),
            (" https://sim.ai\n", "https://sim.ai"),
            ("HTTPS://Sim.AI", "https://sim.ai"),
            ("https://sim.ai:443", "https://sim.ai"),
            ("http://sim.ai:80/x", "http://sim.ai/x"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://sim.ai:", "https://sim.ai"),
            ("https://example.com/a/sim/", "https://example.com/a/sim"),
            ("https://example.com/ä", "https://example.com/%C3%A4"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:3000/x", "http://[::1]:3000/x"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://sim_server:3000", "http://sim_server:3000"),
        ],
    )
    def test_it_is_kept_without_trailing_slashes_and_with_its_prefix(self, given_url: str, kept: str) -> None:
        assert check_base_url(given_url) == kept
        assert check_base_url(kept) == kept

    @pytest.mark.parametrize(
        "base_url",
        [
            "sim.ai",
            "localhost:3000",
            "",
            "https://",
            "ftp://sim.ai",
            "//sim.ai",
            "https:sim.ai",
            "file:///etc/passwd",
            "https://sim.ai:x",
            "https://sim.ai:99999",
            "https://[::1",
            "https://sim.ai?x=1",
            "https://sim.ai/#top",
            "https://sim.ai?",
            "https://sim.ai/a b",
            "https://si\nm.ai",
            "https://sim.ai/\r\nX: 1",
            "https://sim.ai\\evil",
            "https://sim.ai/../x",
            "https://sim.ai/./x",
            "https://s im.ai",
            "https://exa%6dple.com",
            "https://\ud800.test",
        ],
    )
    def test_what_is_no_address_of_an_api_is_refused(self, base_url: str) -> None:
        with pytest.raises(ConfigurationError, match="base_url"):
            check_base_url(base_url)

    @pytest.mark.parametrize(
        "base_url",
        ["https://user:hush@sim.ai", "https://hush@sim.ai", "https://user:hu#sh@sim.ai", "https://:hush@sim.ai:x"],
    )
    def test_credentials_in_it_are_refused_and_not_shown(self, base_url: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            check_base_url(base_url)
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize(
        "base_url", ["https://sim.ai/?key=hush", "https://sim.ai/#hush", "https://sim.ai/a?b#hush"]
    )
    def test_a_query_and_a_fragment_are_refused_and_not_shown(self, base_url: str) -> None:
        with pytest.raises(ConfigurationError, match="has a query or a fragment") as caught:
            check_base_url(base_url)
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize("base_url", [5, b"https://sim.ai", ["https://sim.ai"]])
    def test_it_is_a_str(self, base_url: Any) -> None:
        with pytest.raises(ConfigurationError, match="base_url must be a str"):
            check_base_url(base_url)

    @given(st.one_of(st.text(max_size=30), st.text(max_size=20).map(lambda text: f"https://{text}")))
    def test_any_text_is_an_address_or_a_configuration_error(self, text: str) -> None:
        try:
            kept = check_base_url(text)
        except ConfigurationError:
            return
        assert kept.startswith(("http://", "https://"))
        assert kept.isascii()
        assert not kept.endswith("/")
        assert check_base_url(kept) == kept

    def test_a_prefix_stands_before_each_path(self) -> None:
        endpoint = Endpoint("https://example.com/sim/")
        assert endpoint.url("/api/x?y=1") == "https://example.com/sim/api/x?y=1"
        assert (endpoint.origin, endpoint.prefix) == ("https://example.com", "/sim")


class TestSegment:
    @pytest.mark.parametrize(
        ("value", "encoded"),
        [
            ("wf_1-a.b~", "wf_1-a.b~"),
            ("a/b", "a%2Fb"),
            ("a?b#c", "a%3Fb%23c"),
            ("a b", "a%20b"),
            ("%2e%2e", "%252e%252e"),
            ("ä", "%C3%A4"),
            ("a\nb", "a%0Ab"),
            ("...", "..."),
            ("../x", "..%2Fx"),
            ("a\\b", "a%5Cb"),
            ("\x00", "%00"),
        ],
    )
    def test_an_id_is_one_encoded_segment(self, value: str, encoded: str) -> None:
        assert segment(value, "id") == encoded

    @pytest.mark.parametrize("value", ["", " ", "\t", ".", "..", None, 5, b"x", ["x"], "\ud800"])
    def test_what_names_nothing_is_refused_and_the_argument_named(self, value: Any) -> None:
        with pytest.raises(InvalidInputError, match="workflow_id"):
            segment(value, "workflow_id")

    @given(st.text())
    def test_any_text_stays_within_its_segment(self, value: str) -> None:
        try:
            encoded = segment(value, "id")
        except InvalidInputError:
            return
        assert not set(encoded) & set("/?#\\ \r\n")
        assert encoded not in ("", ".", "..")


class TestCheckPath:
    @pytest.mark.parametrize(
        ("path", "kept"),
        [
            ("/api/x", "/api/x"),
            ("api/x", "/api/x"),
            ("/api/x?y=1&z=%20", "/api/x?y=1&z=%20"),
            ("/api/x?url=https://elsewhere.test", "/api/x?url=https://elsewhere.test"),
            ("/api/ä", "/api/%C3%A4"),
            ("/api/x#part", "/api/x"),
            ("@evil.test/", "/@evil.test/"),
        ],
    )
    def test_a_path_may_hold_a_query(self, path: str, kept: str) -> None:
        assert check_path(path) == kept

    @pytest.mark.parametrize("path", ["https://evil.test/api", "//evil.test/api", "http://x", "ftp://x/y"])
    def test_one_that_names_a_host_is_refused(self, path: str) -> None:
        with pytest.raises(InvalidInputError, match="names a host"):
            check_path(path)

    @pytest.mark.parametrize(
        "path", ["", None, 5, b"/api", "/a b", "/a\r\nX: 1", "/\\evil.test", "\\\\evil.test", "/\x00", "/\ud800"]
    )
    def test_one_that_cannot_be_sent_is_refused(self, path: Any) -> None:
        with pytest.raises(InvalidInputError, match="path"):
            check_path(path)

    @given(st.text(min_size=1))
    def test_whatever_is_asked_stays_on_the_origin(self, path: str) -> None:
        endpoint = Endpoint("https://sim.test", follow_to_www=True)
        try:
            url = endpoint.url(check_path(path))
        except InvalidInputError:
            return
        assert endpoint.owns(url)


def moved(status: int, location: str | None) -> Response:
    return answer(status, headers={} if location is None else {"Location": location})


def follow(
    *answers: Response, base: str = "https://sim.test", path: str = "/api/x?y=1", method: str = "POST"
) -> tuple[Played, Endpoint]:
    """A call through auth, following what may be followed."""
    endpoint = Endpoint(base, follow_to_www=True)
    handler = compose([APIKeyAuth(Credentials(KEY), endpoint, "X-API-Key")])
    request = Request(method, endpoint.url(path), Headers({"X-Mine": "1"}), b'{"a": 1}')
    return play(endpoint.follow(request, handler), *answers), endpoint


def asked(played: Played) -> list[tuple[str, str, str | None, bytes]]:
    return [(r.method, r.url, r.headers.get("X-API-Key"), r.content) for r in played.asked]


class TestRedirectsFollowed:
    @pytest.mark.parametrize("status", [301, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_to_the_www_host_with_method_body_and_key(self, status: int, method: str) -> None:
        played, endpoint = follow(moved(status, "https://www.sim.test/api/x?y=1"), answer(200), method=method)
        assert played.result.status == 200
        assert asked(played) == [
            (method, "https://sim.test/api/x?y=1", KEY, b'{"a": 1}'),
            (method, "https://www.sim.test/api/x?y=1", KEY, b'{"a": 1}'),
        ]
        assert endpoint.base_url == "https://www.sim.test"

    def test_the_new_base_is_remembered_with_its_prefix(self) -> None:
        _, endpoint = follow(moved(301, "https://www.sim.test/p/api/x?y=1"), answer(200), base="https://sim.test/p")
        assert endpoint.base_url == "https://www.sim.test/p"

    @pytest.mark.parametrize(
        "location",
        ["https://WWW.Sim.Test/api/x?y=1", "https://www.sim.test:443/api/x?y=1", "https://www.sim.test/api/x?y=1#top"],
    )
    def test_however_the_address_is_written(self, location: str) -> None:
        played, endpoint = follow(moved(301, location), answer(200))
        assert asked(played)[1] == ("POST", "https://www.sim.test/api/x?y=1", KEY, b'{"a": 1}')
        assert endpoint.base_url == "https://www.sim.test"

    def test_on_another_port_when_it_is_the_same(self) -> None:
        played, endpoint = follow(
            moved(308, "https://www.sim.test:8443/api/x?y=1"), answer(200), base="https://sim.test:8443"
        )
        assert asked(played)[1][1:3] == ("https://www.sim.test:8443/api/x?y=1", KEY)
        assert endpoint.base_url == "https://www.sim.test:8443"

    @pytest.mark.parametrize("base", ["https://sim.test", "http://sim.test:3000"])
    @pytest.mark.parametrize("location", ["/api/x", "api-absolute"])
    def test_a_308_on_the_same_origin_even_without_tls_and_the_base_stays(self, base: str, location: str) -> None:
        target = f"{base}/api/x" if location == "api-absolute" else location
        played, endpoint = follow(moved(308, target), answer(200), base=base, path="/api/x/")
        assert asked(played)[1] == ("POST", f"{base}/api/x", KEY, b'{"a": 1}')
        assert endpoint.base_url == base

    def test_a_relative_location_is_resolved_against_the_address_asked(self) -> None:
        played, _ = follow(moved(308, "x"), answer(200), path="/api/y", base="http://sim.test")
        assert asked(played)[1][1] == "http://sim.test/api/x"

    def test_once_a_call(self) -> None:
        played, endpoint = follow(
            moved(301, "https://www.sim.test/api/x?y=1"), moved(301, "https://www.www.sim.test/api/x?y=1")
        )
        assert played.result.status == 301
        assert len(played.asked) == 2
        assert endpoint.base_url == "https://www.sim.test"

    def test_a_loop_ends_after_one_turn(self) -> None:
        played, _ = follow(moved(308, "/api/x?y=1"), moved(308, "/api/x?y=1"))
        assert (played.result.status, len(played.asked)) == (308, 2)

    def test_another_path_on_the_www_host_is_not_remembered(self) -> None:
        _, endpoint = follow(moved(301, "https://www.sim.test/login"), answer(200))
        assert endpoint.base_url == "https://sim.test"

    def test_calls_in_flight_are_followed_too_when_another_was_first(self) -> None:
        endpoint = Endpoint("https://sim.test", follow_to_www=True)
        handler = compose([APIKeyAuth(Credentials(KEY), endpoint, "X-API-Key")])
        flows = [endpoint.follow(Request("POST", endpoint.url("/api/x")), handler) for _ in range(2)]
        for flow in flows:
            next(flow)
        keys = []
        for flow in flows:
            again = flow.send(moved(301, "https://www.sim.test/api/x"))
            assert isinstance(again, Request)
            keys.append((again.url, again.headers.get("X-API-Key")))
        assert keys == [("https://www.sim.test/api/x", KEY)] * 2
        assert endpoint.base_url == "https://www.sim.test"

    def test_a_base_set_in_the_meantime_is_not_overwritten(self) -> None:
        endpoint = Endpoint("https://sim.test", follow_to_www=True)
        flow = endpoint.follow(Request("POST", endpoint.url("/api/x")), compose([]))
        next(flow)
        endpoint.move("https://other.test")
        flow.send(moved(301, "https://www.sim.test/api/x"))
        assert endpoint.base_url == "https://other.test"


class TestRedirectsRefused:
    @pytest.mark.parametrize("status", [301, 308])
    @pytest.mark.parametrize(
        "location",
        [
            None,
            "",
            "https://evil.test/api/x",
            "http://sim.test/api/x",
            "http://www.sim.test/api/x",
            "https://sim.test:8443/api/x",
            "https://www.sim.test:8443/api/x",
            "https://api.sim.test/api/x",
            "https://www.sim.test.evil.test/",
            "//evil.test/api/x",
            "https://user@www.sim.test/api/x",
            "https://user:pw@sim.test/api/x",
            "https://www.sim.test\\@evil.test/",
            "https://www.sim.test/\r\nX: 1",
            "https://www.sim.test/ü",
            "https://www.sim.test:x/",
            "https://[::1/",
            "ftp://sim.test/",
            "javascript:alert(1)",
            "\\\\evil.test\\x",
            "https://@www.sim.test/api/x",
            "https://ww.sim.test/api/x",
        ],
    )
    def test_anywhere_else(self, status: int, location: str | None) -> None:
        played, endpoint = follow(moved(status, location))
        assert played.error is None
        assert played.result.status == status
        assert len(played.asked) == 1
        assert endpoint.base_url == "https://sim.test"

    @pytest.mark.parametrize("status", [300, 302, 303, 304])
    def test_with_a_status_that_changes_the_method(self, status: int) -> None:
        played, _ = follow(moved(status, "https://www.sim.test/api/x?y=1"))
        assert (played.result.status, len(played.asked)) == (status, 1)

    @pytest.mark.parametrize("status", [301, 307])
    def test_without_tls_other_than_a_308(self, status: int) -> None:
        played, _ = follow(moved(status, "http://sim.test/api/x/"), base="http://sim.test")
        assert len(played.asked) == 1

    @pytest.mark.parametrize("status", [301, 307, 308])
    def test_from_http_to_https(self, status: int) -> None:
        played, _ = follow(moved(status, "https://sim.test/api/x?y=1"), base="http://sim.test")
        assert len(played.asked) == 1

    def test_from_http_to_the_www_host(self) -> None:
        played, _ = follow(moved(308, "http://www.sim.test/api/x?y=1"), base="http://sim.test")
        assert len(played.asked) == 1

    @pytest.mark.parametrize("status", [302, 301])
    async def test_is_an_error_that_carries_the_status_and_says_what_to_do(self, both: Both, status: int) -> None:
        made = both.client(moved(status, "https://elsewhere.test/login"))
        with pytest.raises(APIStatusError, match=r"redirecting to https://elsewhere.test/login.*base_url") as caught:
            await both(made.workflows.execute("wf", {}))
        assert caught.value.status == status
        assert type(caught.value) is APIStatusError


async def test_the_base_a_client_was_moved_to_serves_its_clones_too(both: Both) -> None:
    made = both.client(
        moved(301, "https://www.sim.test/api/workflows/wf/execute"),
        answer(200, {"success": True, "output": 1}),
        answer(200, {"success": True, "output": 2}),
    )
    assert (await both(made.workflows.execute("wf", {"a": 1}))).output == 1
    assert (await both(made.with_options(timeout=1).workflows.execute("wf"))).output == 2
    hosts = [request.url.partition("/api")[0] for request in made.script.requests]
    assert hosts == ["https://sim.test", "https://www.sim.test", "https://www.sim.test"]
    assert made.base_url == "https://www.sim.test"
