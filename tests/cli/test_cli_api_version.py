"""``--api-version``: which API a command speaks, and what it says where that API cannot do it."""

from __future__ import annotations

import json

import pytest

from simstudio.sandbox import Sandbox, SandboxServer


class TestChoosing:
    def test_it_is_v1_unless_told_otherwise(self, cli, server: SandboxServer) -> None:
        assert cli("run", "hello").exit_code == 0
        assert server.requests[-1].path == "/api/workflows/hello/execute"

    def test_the_option_says_which(self, cli, server: SandboxServer) -> None:
        assert cli("run", "hello", "--api-version", "v2").exit_code == 0
        assert server.requests[-1].path == "/api/v2/workflows/hello/execute"

    def test_so_does_the_environment(self, cli, server: SandboxServer, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_VERSION", "v2")

        assert cli("run", "hello").exit_code == 0
        assert server.requests[-1].path == "/api/v2/workflows/hello/execute"

    def test_the_option_wins_over_the_environment(self, cli, server: SandboxServer, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_VERSION", "v2")

        cli("run", "hello", "--api-version", "v1")

        assert server.requests[-1].path == "/api/workflows/hello/execute"

    def test_the_embedded_sandbox_speaks_both(self, cli) -> None:
        printed = [cli("run", "hello", "--sandbox", "--api-version", version).stdout for version in ("v1", "v2")]

        assert [json.loads(each) for each in printed] == [{"message": "Hello, world!"}] * 2

    @pytest.mark.parametrize("way", ["option", "environment"])
    def test_any_other_is_2_and_nothing_is_sent(self, cli, server: SandboxServer, monkeypatch, way: str) -> None:
        if way == "environment":
            monkeypatch.setenv("SIM_API_VERSION", "v3")

        result = cli("run", "hello", *(["--api-version", "v3"] if way == "option" else []))

        assert result.exit_code == 2
        assert "'v3'" in result.stderr
        assert server.requests == []


@pytest.mark.parametrize(
    "words",
    [
        ["workflows", "versions", "hello"],
        ["runs", "list", "hello"],
        ["runs", "list", "hello", "--status", "failed"],
        ["runs", "list", "hello", "--status", "paused", "--trigger", "api"],
        ["logs", "list", "--workspace", "ws", "--status", "failed"],
        ["usage", "--workspace", "ws"],
    ],
)
def test_what_v1_cannot_do_is_refused_with_the_version_that_can(cli, server: SandboxServer, words) -> None:
    result = cli(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "not in v1 of the API. Give --api-version v2" in result.stderr
    assert server.requests == []


@pytest.mark.parametrize(
    "words",
    [["job", "get", "r"], ["job", "wait", "r"], ["runs", "get", "r"], ["runs", "wait", "r"], ["runs", "cancel", "r"]],
)
def test_v2_says_that_it_finds_a_run_by_its_workflow_only(cli, server: SandboxServer, words: list[str]) -> None:
    result = cli(*words, "--api-version", "v2")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "give --workflow ID" in result.stderr
    assert server.requests == []


def test_a_server_without_v2_is_told_apart_and_the_option_named(cli, monkeypatch) -> None:
    with Sandbox(v2=False).serve() as server:
        monkeypatch.setenv("SIM_API_KEY", server.sandbox.api_key)
        result = cli("runs", "list", "hello", "--api-version", "v2", "--base-url", server.base_url)

    assert result.exit_code == 1
    assert "Give --api-version v1 (or SIM_API_VERSION=v1)" in result.stderr


def test_the_hint_of_a_wait_that_was_too_short_names_workflow_and_version(cli, server: SandboxServer, gate) -> None:
    result = cli("run", "gated", "--async", "--timeout", "0.01", "--api-version", "v2")

    assert result.exit_code == 4
    assert result.stderr.endswith(" --workflow gated --api-version v2\n")
