"""``simstudio login``, ``logout`` and ``profiles``: which server gets which key."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring.backends.fail
import pytest

from simstudio.sandbox import Sandbox, SandboxServer
from tests.cli.conftest import CLI, KEY
from tests.cli.keyrings import (
    BrokenKeyring,
    ForgetfulKeyring,
    LockedKeyring,
    MemoryKeyring,
    PlaintextKeyring,
    use_keyring,
)


@pytest.fixture(autouse=True)
def kept() -> Iterator[dict[tuple[str, str], str]]:
    """What the keyring holds."""
    backend = MemoryKeyring()
    with use_keyring(backend):
        yield backend.kept


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    """A served sandbox of which the environment says nothing."""
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def other() -> Iterator[SandboxServer]:
    """Another server, with another key."""
    with Sandbox(api_key="sk-sim-test-of-the-other-server").serve() as server:
        yield server


@pytest.fixture
def login(cli: CLI) -> Callable[..., Any]:
    def log_in(server: SandboxServer, *words: str) -> Any:
        return cli(*words, "login", "--base-url", server.base_url, "--with-key", stdin=f"{server.sandbox.api_key}\n")

    return log_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "simstudio" / "profiles.toml"
    path.parent.mkdir(parents=True)
    return path


class TestLogin:
    def test_the_key_is_in_the_keyring_and_the_file_is_private_and_without_it(
        self, login, server, kept, tmp_path: Path
    ) -> None:
        result = login(server)

        assert (result.exit_code, result.stderr) == (0, "")
        assert json.loads(result.stdout) == {
            "name": "default", "baseUrl": server.base_url, "workspaceId": None, "current": True, "keyring": "memory",
        }  # fmt: skip
        assert kept == {(f"simstudio {server.base_url}", "default"): KEY}
        (path,) = (tmp_path / "config" / "simstudio").iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert KEY not in path.read_text()

    def test_commands_that_follow_use_it(self, cli, login, server) -> None:
        login(server)

        result = cli("run", "hello")

        assert (result.exit_code, json.loads(result.stdout), result.stderr) == (0, {"message": "Hello, world!"}, "")

    def test_it_asks_for_the_key_on_a_terminal_and_does_not_show_it(self, cli, server, kept, monkeypatch) -> None:
        monkeypatch.setattr("simstudio.cli.login.is_terminal", lambda stream: True)

        result = cli("login", "--base-url", server.base_url, stdin=f"{KEY}\n")

        assert (result.exit_code, list(kept.values())) == (0, [KEY])
        assert f"API key for {server.base_url}" in result.stderr
        assert KEY not in result.stdout + result.stderr

    def test_without_a_terminal_it_says_what_to_do(self, cli, server) -> None:
        result = cli("login", "--base-url", server.base_url)

        assert result.exit_code == 2
        assert "--with-key" in result.stderr
        assert "SIM_API_KEY" in result.stderr

    @pytest.mark.parametrize("typed", ["", " \n", "sk sim\n"])
    def test_what_is_no_key_is_2(self, cli, server, typed: str) -> None:
        result = cli("login", "--with-key", "--base-url", server.base_url, stdin=typed)

        assert result.exit_code == 2
        assert not server.requests

    @pytest.mark.parametrize("words", [[], ["--json"]])
    def test_a_key_that_the_server_refuses_is_3_and_is_not_stored(self, cli, server, kept, tmp_path, words) -> None:
        wrong = "sk-sim-test-wrong"
        server.sandbox.faults.add(status=401, body={"error": f"Invalid API key {wrong}"})

        result = cli("login", "--with-key", "--base-url", server.base_url, *words, stdin=wrong)

        assert result.exit_code == 3
        assert "Check the key, and that it belongs to this server. Nothing was stored." in result.stdout + result.stderr
        assert wrong not in result.stdout + result.stderr
        assert (kept, list(tmp_path.iterdir())) == ({}, [])

    def test_a_server_that_is_away_is_3_and_nothing_is_stored(self, cli, server, kept, monkeypatch) -> None:
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        server.close()

        result = cli("login", "--with-key", "--base-url", server.base_url, stdin=KEY)

        assert (result.exit_code, kept) == (3, {})

    def test_a_second_profile_is_not_used_until_it_is_chosen(self, cli, login, server, other) -> None:
        login(server)
        result = login(other, "--profile", "other")

        assert "simstudio profiles use other" in result.stderr
        for name, used in (("default", server), ("other", other)):
            before = len(used.requests)
            assert cli("profiles", "use", name).exit_code == 0
            assert cli("usage").exit_code == 0  # neither server takes the key of the other
            assert len(used.requests) == before + 1

    def test_a_profile_is_not_moved_to_another_server(self, login, server, other, kept) -> None:
        login(server)

        result = login(other)

        assert result.exit_code == 2
        assert f"The profile default is for {server.base_url}." in result.stderr
        assert list(kept.values()) == [KEY]

    def test_logging_in_again_needs_no_address_and_keeps_what_the_file_says(self, cli, login, server, file) -> None:
        login(server)
        text = file.read_text() + 'workspace_id = "ws-1"\ncolour = "red"\n'
        file.write_text(text)

        assert cli("login", "--with-key", stdin=KEY).exit_code == 0
        assert 'workspace_id = "ws-1"' in file.read_text()
        assert 'colour = "red"' in file.read_text()

    def test_the_workspace_of_a_profile_is_that_of_its_commands(self, cli, server) -> None:
        workspace = server.sandbox.workspace_id
        cli("login", "--with-key", "--base-url", server.base_url, "--workspace", workspace, stdin=KEY)

        assert '"hello"' in cli("workflows", "list").stdout

    @pytest.mark.parametrize("name", ["a b", "../x", "-x", "x" * 65])
    def test_a_name_is_letters_digits_dots_dashes_and_underscores(self, cli, name: str) -> None:
        result = cli("login", f"--profile={name}", "--with-key", "--base-url", "http://127.0.0.1:9", stdin=KEY)

        assert result.exit_code == 2


class TestKeyring:
    @pytest.mark.parametrize(
        ("backend", "said"),
        [
            (keyring.backends.fail.Keyring(), "This machine has no keyring"),
            (LockedKeyring(), "The keyring is locked. Unlock it, or set"),
            (BrokenKeyring(), "The keyring cannot be used (ConnectionRefusedError). Mend it, or set"),
            (ForgetfulKeyring(), "keeps nothing"),
            (PlaintextKeyring(), "writes keys to a plain file"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_one_that_cannot_keep_a_key_is_3_and_says_what_to_do(self, login, server, file, backend, said) -> None:
        with use_keyring(backend):
            result = login(server)

        assert result.exit_code == 3
        assert said in result.stderr
        assert "SIM_API_KEY" in result.stderr
        assert not file.exists()

    @pytest.mark.parametrize("backend", [keyring.backends.fail.Keyring(), LockedKeyring(), BrokenKeyring()])
    @pytest.mark.parametrize("words", [["usage"], ["logout"], ["profiles", "show"]])
    def test_one_that_cannot_be_read_any_more_is_3(self, cli, login, server, backend, words) -> None:
        login(server)

        with use_keyring(backend):
            result = cli(*words)

        assert result.exit_code == 3
        assert "SIM_API_KEY" in result.stderr

    def test_a_key_that_was_removed_elsewhere_is_3_and_says_how_to_log_in_again(self, cli, login, server, kept) -> None:
        login(server)
        kept.clear()

        result = cli("usage")

        assert result.exit_code == 3
        assert result.stderr.endswith("Log in again: simstudio login --profile default\n")

    def test_a_key_that_was_revoked_says_how_to_log_in_again(self, cli, login, server, kept) -> None:
        login(server)
        kept[f"simstudio {server.base_url}", "default"] = "sk-sim-test-revoked"

        result = cli("usage")

        assert result.exit_code == 3
        assert result.stderr.endswith("Log in again: simstudio login --profile default\n")

    def test_the_key_shows_nowhere_even_when_the_server_repeats_it(self, cli, login, server) -> None:
        login(server)
        server.sandbox.faults.add(status=418, body={"error": f"no tea for {KEY}"}, times=2)

        said = cli("usage").stderr + cli("usage", "--json").stdout

        assert KEY not in said
        assert "no tea for ***" in said


class TestWhatWins:
    """Options, then the environment, then the profile. The profile's key goes to the profile's origin only."""

    def test_the_key_of_the_environment_leaves_the_current_profile_out(
        self, cli, login, server, other, monkeypatch
    ) -> None:
        login(server)
        monkeypatch.setenv("SIM_API_KEY", other.sandbox.api_key)
        monkeypatch.setenv("SIM_BASE_URL", other.base_url)

        assert cli("usage").exit_code == 0
        assert len(other.requests) == 1

    def test_the_key_of_the_environment_wins_over_that_of_a_named_profile_and_that_is_said(
        self, cli, login, server, monkeypatch
    ) -> None:
        login(server)
        monkeypatch.setenv("SIM_API_KEY", "sk-sim-test-wrong")

        result = cli("usage", "--profile", "default")

        assert result.exit_code == 3
        assert "note: SIM_API_KEY is used, not the key of the profile default" in result.stderr
        assert "Check SIM_API_KEY" in result.stderr

    @pytest.mark.parametrize("by_option", [True, False])
    def test_another_address_does_not_get_the_key_of_the_profile(
        self, cli, login, server, other, monkeypatch, by_option: bool
    ) -> None:
        login(server)
        monkeypatch.setenv("SIM_BASE_URL", "http://127.0.0.1:9" if by_option else other.base_url)

        result = cli("usage", *(["--base-url", other.base_url] if by_option else []))

        assert result.exit_code == 3
        assert f"The key of the profile default is for {server.base_url} and goes nowhere else" in result.stderr
        assert not other.requests

    def test_an_address_that_was_changed_in_the_file_does_not_get_it_either(
        self, cli, login, server, other, file
    ) -> None:
        login(server)
        file.write_text(file.read_text().replace(server.base_url, other.base_url))

        assert cli("usage").exit_code == 3
        assert not other.requests

    @pytest.mark.parametrize("way", ["before", "after", "environment"])
    def test_a_profile_is_named_before_or_after_the_command_or_by_the_environment(
        self, cli, login, server, other, monkeypatch, way: str
    ) -> None:
        login(server)
        login(other, "--profile", "other")
        before = len(server.requests)
        if way == "environment":
            monkeypatch.setenv("SIM_PROFILE", "other")
        named = ("--profile", "other")

        result = cli(*(named if way == "before" else ()), "usage", *(named if way == "after" else ()))

        assert (result.exit_code, len(server.requests)) == (0, before)

    def test_the_option_wins_over_the_variable(self, cli, login, server, monkeypatch) -> None:
        login(server)
        monkeypatch.setenv("SIM_PROFILE", "nope")

        assert cli("--profile", "default", "usage").exit_code == 0

    def test_a_profile_and_the_sandbox_exclude_each_other(self, cli) -> None:
        result = cli("run", "hello", "--sandbox", "--profile", "work")

        assert result.exit_code == 2
        assert "--sandbox and --profile exclude each other" in result.stderr

    def test_a_command_to_paste_names_the_profile(self, cli, login, server, gate) -> None:
        login(server)

        result = cli("--profile", "default", "run", "gated", "--async", "--timeout", "0.01")

        assert "simstudio --profile default runs wait " in result.stderr


class TestTheFile:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[[[", "are no valid TOML: "),
            (b"\xff\xfe", "are no valid TOML: "),
            ("profiles = 3", "profiles is no table"),
            ("[profiles.a]\n", "The profile 'a' in "),
            ("[profiles]\na = 3", "The profile 'a' in "),
            ("[profiles.a]\nbase_url = 3", "The profile 'a' in "),
            ('[profiles.a]\nbase_url = "sim.ai"', "has no http(s) scheme"),
            ('current = "b"\n[profiles.a]\nbase_url = "https://a.test"', "There is no profile 'b'. "),
            (
                '[profiles.a]\nbase_url = "https://a.test"\n[profiles.b]\nbase_url = "https://b.test"',
                "There are several profiles (a, b), and none is chosen: give --profile NAME",
            ),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("words", [["usage"], ["logout"]])
    def test_what_cannot_be_used_is_2_and_one_line(self, cli, file, text: str | bytes, said: str, words) -> None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

        result = cli(*words)

        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert said in result.stderr

    def test_one_that_an_editor_on_windows_saved_is_read(self, cli, file) -> None:
        file.write_bytes(b'\xef\xbb\xbf[profiles.a]\r\nbase_url = "https://a.test"\r\n')

        assert "https://a.test" in cli("profiles", "list").stdout

    def test_one_that_cannot_be_read_is_2(self, cli, file) -> None:
        file.mkdir()

        result = cli("usage")

        assert result.exit_code == 2
        assert "cannot be read: " in result.stderr
        assert "SIM_API_KEY" in result.stderr

    def test_one_that_cannot_be_written_is_2(self, cli, login, server, file) -> None:
        file.parent.rmdir()
        file.parent.write_text("")

        result = login(server)

        assert result.exit_code == 2
        assert "cannot be " in result.stderr

    def test_with_a_key_in_the_environment_it_is_not_read(self, cli, file, server, monkeypatch) -> None:
        file.write_text("[[[")
        monkeypatch.setenv("SIM_API_KEY", KEY)
        monkeypatch.setenv("SIM_BASE_URL", server.base_url)

        assert cli("usage").exit_code == 0

    def test_an_unknown_profile_is_2_and_names_the_known_ones(self, cli, login, server) -> None:
        login(server)

        result = cli("--profile", "work", "usage")

        assert result.exit_code == 2
        assert "There is no profile 'work'. The profiles are: default." in result.stderr


class TestProfiles:
    def test_they_are_listed_and_shown_without_their_keys(self, cli, login, server, other, file) -> None:
        login(server)
        login(other, "--profile", "other")

        listed = [json.loads(line) for line in cli("profiles", "list").stdout.splitlines()]
        shown = json.loads(cli("profiles", "show", "other").stdout)

        assert [(each["name"], each["baseUrl"], each["current"]) for each in listed] == [
            ("default", server.base_url, True),
            ("other", other.base_url, False),
        ]
        assert (shown["name"], shown["keyStored"], shown["file"]) == ("other", True, str(file))

    def test_one_that_cannot_be_used_does_not_hide_the_others(self, cli, file) -> None:
        file.write_text('[profiles.a]\nbase_url = 3\n[profiles.b]\nbase_url = "https://b.test"')

        result = cli("profiles", "list")

        assert (result.exit_code, [json.loads(line)["name"] for line in result.stdout.splitlines()]) == (0, ["b"])
        assert result.stderr.startswith("simstudio: warning: The profile 'a' in ")

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_gets_tables(self, cli, login, server) -> None:
        assert "memory" in login(server).stdout
        assert server.base_url in cli("profiles", "list").stdout
        assert "key stored" in cli("profiles", "show").stdout
        assert "logged out" in cli("logout").stdout

    def test_showing_them_says_what_wins_over_them(self, cli, login, server, monkeypatch) -> None:
        login(server)
        monkeypatch.setenv("SIM_API_KEY", KEY)
        monkeypatch.setenv("SIM_BASE_URL", server.base_url)

        said = cli("profiles", "show").stderr

        assert said == "simstudio: note: SIM_API_KEY and SIM_BASE_URL are set, and win over the current profile\n"

    def test_without_any_a_note_says_how_to_make_one(self, cli) -> None:
        assert "simstudio login makes one" in cli("profiles", "show").stderr
        assert cli("profiles", "list").exit_code == 0
        assert cli("logout").exit_code == 2

    def test_logging_out_removes_the_key_and_the_profile(self, cli, login, server, kept, file) -> None:
        login(server)

        assert cli("logout").exit_code == 0
        assert kept == {}
        assert "default" not in file.read_text()
        assert cli("usage").exit_code == 3
