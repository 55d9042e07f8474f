"""Where addresses lead, and which of them need rewriting first."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio.transport.wire.target import target_of

URLS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}",
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(
        [
            "sim.ai",
            "my_service",
            "127.0.0.1",
            "[::1]",
            "[1::2::3]",
            "999.1.1.1",
            "10.1",
            "SIM.ai",
            "münchen.example",
            "user@sim.ai",
            "a..b",
        ]
    ),
    st.sampled_from(["", ":80", ":443", ":3000", ":0", ":99999", ":"]),
    st.one_of(
        st.just(""),
        st.text(alphabet="/abcXYZ019._~!$&'()*+,;=:@-%?#[]{}|\\^`\"<> é", max_size=30).map(lambda rest: "/" + rest),
        st.sampled_from(["/a/./b", "/a/../b", "/a%2Fb", "/a%zz", "/..", "?q", "/a?b=%7B%7D&c=/../d"]),
    ),
)


@given(url=URLS)
def test_an_address_that_httpx_would_rewrite_is_left_to_httpx(url: str) -> None:
    target = target_of(url)
    if target is not None:
        read = httpx.URL(url)
        assert (target.scheme, target.host, target.path) == (read.scheme, read.host, read.raw_path.decode())
        assert target.port == (read.port or {"http": 80, "https": 443}[read.scheme])
        assert target.written_host == read.netloc.decode()


@pytest.mark.parametrize(
    "url", ["http://999.1.1.1/", "http://1.2.3/", "http://[127.0.0.1]/", "http://[::::]/", "http://s/?" + "a" * 66_000]
)
def test_what_httpx_refuses_is_left_to_httpx(url: str) -> None:
    assert target_of(url) is None


@pytest.mark.parametrize("url", ["http://sim.ai", "https://sim.ai/api/x?a=b%20c", "http://[::1]:3000/", "http://a_b/c"])
def test_ordinary_addresses_need_no_rewriting(url: str) -> None:
    assert target_of(url) is not None
