"""``simstudio doctor``: a line for each check, and what to do, whatever is broken."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from simstudio.sandbox import Sandbox, SandboxServer
from tests.cli.conftest import KEY
from tests.cli.keyrings import LockedKeyring, MemoryKeyring, use_keyring

Lines = dict[str, tuple[str, str]]


@pytest.fixture
def diagnosed(cli) -> Callable[..., Lines]:
    """State and text of each check; of a name that occurs twice, the last. The exit code says whether all is well."""

    def diagnose(*words: str) -> Lines:
        result = cli("doctor", *words)
        assert KEY not in result.stdout + result.stderr
        assert result.stderr == ""
        found = {
            line[9:23].strip(): (line[:8].strip(), line[23:]) for line in result.stdout.splitlines()
        }  # fmt: skip
        assert result.exit_code == (1 if any(state == "problem" for state, _ in found.values()) else 0)
        return found

    return diagnose


@pytest.fixture(params=[("v0.4", "Sim v0.4", "note"), ("v0.8", "Sim v0.8 or later", "ok")], ids=lambda each: each[0])
def release(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A served sandbox of a generation; how its release is called, and the state of its v2."""
    generation, called, v2 = request.param
    with Sandbox(api_key=KEY, generation=generation).serve() as server:
        monkeypatch.setenv("SIM_API_KEY", KEY)
        monkeypatch.setenv("SIM_BASE_URL", server.base_url)
        yield called, v2


def test_where_all_is_well_each_line_says_so(diagnosed, release: tuple[str, str]) -> None:
    called, v2 = release

    found = diagnosed()

    assert {name: state for name, (state, _) in found.items()} == {
        "versions": "ok", "profile": "note", "address": "ok", "certificates": "ok", "proxy": "note", "name": "ok",
        "connection": "ok", "key": "ok", "server": "ok", "clock": "ok", "v2": v2,
    }  # fmt: skip
    assert found["server"][1] == called
    assert found["address"][1].endswith(", from SIM_BASE_URL")


def test_with_json_each_check_is_an_object(cli, server: SandboxServer) -> None:
    first, *_ = map(json.loads, cli("doctor", "--json").stdout.splitlines())

    assert (set(first), first["name"], first["state"]) == ({"name", "state", "text"}, "versions", "ok")


class TestTheKey:
    def test_a_missing_one_leaves_the_other_checks(self, diagnosed, server, monkeypatch) -> None:
        monkeypatch.delenv("SIM_API_KEY")

        found = diagnosed()

        assert found["key"][0] == "problem"
        assert "simstudio login" in found["key"][1]
        assert (found["server"][0], found["clock"][0]) == ("ok", "ok")

    @pytest.mark.parametrize("fault", [{"status": 401, "body": {"error": f"no {KEY}"}}, {"status": 403, "body": {}}])
    def test_one_that_is_refused_is_told_and_not_shown(self, diagnosed, server, fault) -> None:
        server.sandbox.faults.add(**fault)

        state, text = diagnosed()["key"]

        assert state == "problem"
        assert f"HTTP {fault['status']}" in text

    def test_that_of_a_profile_is_checked(self, cli, diagnosed, server, monkeypatch) -> None:
        monkeypatch.delenv("SIM_API_KEY")
        with use_keyring(MemoryKeyring()):
            cli("login", "--with-key", "--profile", "work", stdin=KEY)
            found = diagnosed("--profile", "work")

        assert found["profile"] == ("ok", f"work, for {server.base_url}")
        assert found["key"] == ("ok", "accepted by the server")

        with use_keyring(LockedKeyring()):
            assert "The keyring is locked." in diagnosed("--profile", "work")["key"][1]


class TestBroken:
    """Each with a key, so that its own problem is the only one."""

    @pytest.fixture(autouse=True)
    def key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", KEY)

    def test_a_broken_file_of_profiles(self, diagnosed, server, monkeypatch, tmp_path) -> None:
        monkeypatch.setenv("SIM_PROFILE", "work")
        (tmp_path / "config" / "simstudio").mkdir(parents=True)
        (tmp_path / "config" / "simstudio" / "profiles.toml").write_text("[[[")

        found = diagnosed()

        assert (found["profile"][0], found["address"][0]) == ("problem", "ok")

    def test_an_address_that_is_none(self, diagnosed) -> None:
        found = diagnosed("--base-url", "sim.ai")

        assert found["address"][0] == "problem"
        assert "server" not in found

    def test_certificates_that_cannot_be_read(self, diagnosed, server, monkeypatch) -> None:
        def fail(**_: Any) -> None:
            raise FileNotFoundError(2, "No such file or directory")

        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
        monkeypatch.setattr(ssl, "create_default_context", fail)

        state, text = diagnosed()["certificates"]

        assert state == "problem"
        assert text.endswith(" Mend SSL_CERT_FILE, or unset it.")

    @pytest.mark.parametrize(("proxy", "name"), [("http://ada:hush@127.0.0.1:9", "connection"), ("http://:", "proxy")])
    def test_a_proxy_is_named_without_its_password(self, diagnosed, monkeypatch, proxy: str, name: str) -> None:
        monkeypatch.setenv("HTTP_PROXY", proxy)

        found = diagnosed("--base-url", "http://sim.test")

        assert found[name][0] == "problem"
        assert "HTTP_PROXY" in found[name][1]
        assert not any("hush" in text for _, text in found.values())

    def test_a_name_that_is_not_found(self, diagnosed, monkeypatch) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)

        found = diagnosed("--base-url", "http://sim.test")

        assert found["name"][1] == (
            "sim.test is not found: Name or service not known. Check the address and the network's DNS."
        )
        assert found["server"][0] == "problem"

    def test_a_name_that_nobody_answers_for(self, diagnosed, monkeypatch) -> None:
        answered = threading.Event()
        monkeypatch.setattr("simstudio.cli.diagnosis.socket.getaddrinfo", lambda *_, **__: answered.wait(30))
        monkeypatch.setattr("simstudio.cli.diagnosis.Diagnosis._check_server", lambda *_: iter(()))

        found = diagnosed("--base-url", "http://sim.test", "--timeout", "0.01")

        answered.set()
        assert found["name"][0] == "problem"
        assert "it takes longer than 0.01 s" in found["name"][1]

    def test_a_server_that_is_away(self, diagnosed, server) -> None:
        server.close()

        found = diagnosed()

        assert found["connection"][0] == found["server"][0] == "problem"

    @pytest.mark.parametrize("body", ["<html>", "[]", ""])
    def test_a_server_that_is_not_sim(self, diagnosed, server, body: str) -> None:
        server.sandbox.faults.add(status=200, body=body, headers={"Content-Type": "application/json"})

        state, text = diagnosed()["server"]

        assert state == "problem"
        assert text.endswith("answers, but not as Sim does. Check the address.")

    def test_a_server_that_speaks_no_tls(self, diagnosed, server) -> None:
        found = diagnosed("--base-url", server.base_url.replace("http:", "https:"))

        assert found["TLS"][0] == "problem"
        assert "whether the server uses https" in found["TLS"][1]

    def test_a_certificate_that_is_not_trusted(self, diagnosed, untrusted: int) -> None:
        found = diagnosed("--base-url", f"https://127.0.0.1:{untrusted}")

        assert found["TLS"][0] == "problem"
        assert "SSL_CERT_FILE" in found["TLS"][1]

    @pytest.mark.parametrize(("seconds", "said"), [(7200, "7200 s ahead of"), (-90, "90 s behind")])
    def test_a_clock_that_is_wrong(self, diagnosed, server, monkeypatch, seconds: int, said: str) -> None:
        theirs = "Mon, 30 Nov 2026 08:00:00 GMT"
        monkeypatch.setattr("simstudio.transport.message.Headers.get", lambda self, name, default=None: theirs)
        monkeypatch.setattr(
            "simstudio.cli.diagnosis.time",
            SimpleNamespace(time=lambda: 1796025600.0 + seconds, monotonic=time.monotonic),
        )

        state, text = diagnosed()["clock"]

        assert (state, text.partition(" the server's")[0]) == ("problem", said)

    def test_v2_that_is_asked_for_and_not_there(self, diagnosed, server, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_VERSION", "v2")
        server.sandbox.faults.add(status=200, path="/api/v2/meta", body={"data": {"v2Enabled": False}})

        state, text = diagnosed()["v2"]

        assert state == "problem"
        assert "Unset SIM_API_VERSION" in text


@pytest.fixture
def untrusted() -> Iterator[int]:
    """The port of a server whose certificate nobody has heard of."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
