from __future__ import annotations

import pickle
from typing import Any

import pytest

from simstudio import ANONYMOUS, ConfigurationError, Request
from simstudio.resources.settings import check_api_key
from simstudio.transport.auth import Anonymous, APIKeyAuth, Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.message import Headers
from simstudio.transport.secret import Secret
from simstudio.transport.stack import compose
from tests.driving import KEY, Both, answer, play


def sent(url: str, key: Any = KEY, base: str = "https://sim.test/prefix", **headers: str) -> Headers:
    auth = APIKeyAuth(Credentials(key), Endpoint(base), "X-API-Key")
    request = Request("GET", url, Headers({name.replace("_", "-"): value for name, value in headers.items()}))
    return play(compose([auth])(request), answer()).requests[0].headers


@pytest.mark.parametrize(
    "url", ["https://sim.test/prefix/api/x", "https://sim.test/other", "https://sim.test", "https://sim.test?x=1"]
)
def test_the_key_goes_to_the_configured_origin(url: str) -> None:
    assert sent(url)["x-api-key"] == KEY


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.test/api",
        "https://sim.test.evil.test/api",
        "https://sim.test:8443/api",
        "http://sim.test/api",
        "https://sim.test@evil.test/api",
        "https://www.sim.test/api",
        "https://sim.testing/api",
        "https://sim.test\\@evil.test/",
        "https://sim.test#@evil.test/",
    ],
)
def test_the_key_goes_to_no_other_address(url: str) -> None:
    headers = sent(url)
    assert KEY not in dict(headers).values()


def test_a_key_already_there_is_taken_out_for_another_address() -> None:
    assert "x-api-key" not in sent("https://elsewhere.test/", X_API_Key=KEY)


def test_anonymous_sends_none() -> None:
    assert "x-api-key" not in sent("https://sim.test/prefix/api", ANONYMOUS)


def test_anonymous_survives_pickling_as_itself() -> None:
    assert pickle.loads(pickle.dumps(ANONYMOUS)) is ANONYMOUS
    assert repr(ANONYMOUS) == "ANONYMOUS"
    assert isinstance(ANONYMOUS, Anonymous)


async def test_a_set_key_takes_effect_with_the_next_request(both: Both) -> None:
    made = both.client(answer(200, {"isDeployed": True}), answer(200, {"isDeployed": True}))
    clone = made.with_options(timeout=1)
    await both(made.workflows.status("wf"))
    made.set_api_key("sk-sim-test-Other1")
    await both(clone.workflows.status("wf"))
    assert [request.headers["X-API-Key"] for request in made.script.requests] == [KEY, "sk-sim-test-Other1"]
    assert made.api_key == clone.api_key == "sk-sim-test-Other1"


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nX: 1", f"{KEY}é", f" {KEY}", f"{KEY}\x00", f"a {KEY}"])
def test_a_key_that_cannot_travel_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent") as caught:
        Credentials(key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  ", "\n"])
def test_an_empty_key_is_refused_with_advice(key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"empty.*SIM_API_KEY"):
        check_api_key(Secret(key))


@pytest.mark.parametrize("key", [None, 5, KEY.encode(), [KEY]])
def test_a_key_that_is_no_text_is_refused_and_not_shown(key: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a str") as caught:
        Credentials(key)
    assert KEY not in str(caught.value)


def test_credentials_show_no_key() -> None:
    assert KEY not in repr(Credentials(KEY))


def test_a_text_is_shown_without_the_key() -> None:
    credentials = Credentials(KEY)
    assert credentials.redact(f"a {KEY} b {KEY}") == "a *** b ***"
    assert credentials.redact_bytes(KEY.encode()) == b"***"
    assert Credentials(ANONYMOUS).redact("a") == "a"
    assert Credentials(ANONYMOUS).redact_bytes(b"a") == b"a"
