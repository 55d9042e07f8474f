from __future__ import annotations

import re
from typing import Any

import pytest

from simstudio import (
    ANONYMOUS,
    AsyncSimStudioClient,
    ConfigurationError,
    InvalidInputError,
    SimStudioClient,
    __version__,
)
from simstudio.core.options import (
    UNSET,
    Options,
    check_headers,
    check_timeout,
    user_agent,
)
from simstudio.resources.settings import resolve_api_key, resolve_api_version
from simstudio.transport.secret import Secret
from tests.driving import KEY

both_kinds = pytest.mark.parametrize("kind", [SimStudioClient, AsyncSimStudioClient])


class TestKey:
    def test_a_given_one_comes_before_the_environments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", "sk-sim-test-env")
        assert resolve_api_key(Secret("sk-sim-test-given")).reveal() == "sk-sim-test-given"
        assert resolve_api_key(Secret(None)).reveal() == "sk-sim-test-env"
        assert resolve_api_key(Secret(ANONYMOUS)).reveal() is ANONYMOUS

    @pytest.mark.parametrize("value", [None, ""])
    @both_kinds
    def test_none_is_refused_with_the_variables_name(
        self, monkeypatch: pytest.MonkeyPatch, kind: Any, value: str | None
    ) -> None:
        if value is not None:
            monkeypatch.setenv("SIM_API_KEY", value)
        with pytest.raises(ConfigurationError, match=r"SIM_API_KEY.*api_key=.*ANONYMOUS"):
            kind()

    def test_an_environments_key_that_cannot_be_sent_is_refused_and_not_shown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SIM_API_KEY", f"{KEY}\n")
        with pytest.raises(ConfigurationError, match="line end") as caught:
            SimStudioClient()
        assert KEY not in str(caught.value)

    def test_an_empty_given_one_does_not_fall_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", KEY)
        with pytest.raises(ConfigurationError, match="empty"):
            SimStudioClient("")


class TestBaseURL:
    def test_a_given_one_then_the_environments_then_sims(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert SimStudioClient(KEY).base_url == "https://sim.ai"
        monkeypatch.setenv("SIM_BASE_URL", "https://env.test/")
        assert SimStudioClient(KEY).base_url == "https://env.test"
        assert SimStudioClient(KEY, "https://given.test").base_url == "https://given.test"
        monkeypatch.setenv("SIM_BASE_URL", "")
        assert SimStudioClient(KEY).base_url == "https://sim.ai"

    @pytest.mark.parametrize("base_url", ["", "sim.ai", "https://me:hush@sim.ai"])
    @both_kinds
    def test_what_is_no_address_is_refused_when_the_client_is_made(self, kind: Any, base_url: str) -> None:
        with pytest.raises(ConfigurationError, match="base_url") as caught:
            kind(KEY, base_url)
        assert "hush" not in str(caught.value)


class TestVersion:
    def test_v1_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert resolve_api_version(None) == "v1"
        monkeypatch.setenv("SIM_API_VERSION", "v1")
        assert resolve_api_version(None) == "v1"
        monkeypatch.setenv("SIM_API_VERSION", "")
        assert resolve_api_version(None) == "v1"

    @pytest.mark.parametrize("version", ["v3", "1", "", "V1"])
    def test_one_that_is_not_spoken_is_refused(self, version: str) -> None:
        with pytest.raises(ConfigurationError, match="api_version"):
            resolve_api_version(version)


class TestTimeout:
    @pytest.mark.parametrize(("value", "seconds"), [(30, 30.0), (0.001, 0.001), (1e6, 1e6), (None, None)])
    def test_seconds_or_none(self, value: Any, seconds: float | None) -> None:
        assert check_timeout(value) == seconds

    @pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), -float("inf"), 10**400])
    def test_what_cannot_be_waited_is_refused_by_name(self, value: Any) -> None:
        with pytest.raises(InvalidInputError, match="idle_timeout must be"):
            check_timeout(value, "idle_timeout")

    @pytest.mark.parametrize("value", [True, False, "30", [30], b"30", 1j])
    def test_what_is_no_number_is_refused(self, value: Any) -> None:
        with pytest.raises(InvalidInputError, match="timeout must be seconds as a number, or None"):
            check_timeout(value)

    @pytest.mark.parametrize("value", [0, True, "30", float("nan")])
    @both_kinds
    def test_for_a_client_it_is_a_configuration_error(self, kind: Any, value: Any) -> None:
        with pytest.raises(ConfigurationError, match="timeout"):
            kind(KEY, timeout=value)
        with pytest.raises(ConfigurationError, match="timeout"):
            kind(KEY).with_options(timeout=value)


class TestHeaders:
    def test_they_are_checked_and_kept(self) -> None:
        assert check_headers({"X-A": "1", "x-a": "2"}) == {"x-a": "2"}
        assert check_headers(None) == {}

    @pytest.mark.parametrize("headers", [{"X A": "1"}, {"X": "hush\r\nY: 1"}, {"X": 5}, {5: "x"}, {"X": "hushé"}])
    @both_kinds
    def test_what_cannot_be_sent_is_refused_and_not_shown(self, kind: Any, headers: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"header") as caught:
            kind(KEY, headers=headers)
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize("headers", [[("X", "1")], "X: 1", 5])
    def test_they_are_a_mapping(self, headers: Any) -> None:
        with pytest.raises(ConfigurationError, match="headers must be a mapping"):
            SimStudioClient(KEY, headers=headers)
        with pytest.raises(ConfigurationError, match="headers must be a mapping"):
            SimStudioClient(KEY).with_options(headers=headers)

    def test_an_empty_user_agent_is_refused_because_sim_refuses_it(self) -> None:
        with pytest.raises(ConfigurationError, match="User-Agent"):
            SimStudioClient(KEY, headers={"user-agent": " "})

    def test_the_clients_own_name_says_what_it_is(self) -> None:
        assert re.fullmatch(rf"simstudio-sdk/{re.escape(__version__)} \w+/3\.\d+\.\S+", user_agent())


@pytest.mark.parametrize("value", [-1, True, 1.5, "2", None])
def test_max_retries_is_a_whole_number(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_retries"):
        Options.of(timeout=1, max_retries=value, headers=None)


def test_unset_is_itself_in_a_pickle_and_says_so() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(UNSET)) is UNSET
    assert repr(UNSET) == "UNSET"
