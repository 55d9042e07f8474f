"""``simstudio batch`` and what its ledger remembers of the command line: what was right, and no secrets."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simstudio.batch.ledger import Ledger, LedgerView
from simstudio.cli.batch_settings import Note, Settings
from simstudio.cli.batch_shared import secrets_of, without_secrets
from simstudio.sandbox import Sandbox, SandboxServer


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def remembered(ledger: str) -> Settings:
    with LedgerView(ledger) as view:
        latest = Note.of(view).latest
    assert latest is not None
    return latest


class TestAWrongRun:
    """One whose inputs are not those that the ledger knows changes nothing of what it remembers."""

    @pytest.fixture
    def begun(self, cli, server, work, given, ledger, out) -> str:
        """The ledger of a batch of three inputs, of which two are finished."""
        path = given(1, 2)
        assert cli("batch", "run", "work", path, "--ledger", ledger, "--out", str(out)).exit_code == 0
        given(1, 2, 4)
        return ledger

    def test_resume_goes_on_with_the_inputs_and_the_results_of_before(
        self, cli, begun, given, work, out, tmp_path
    ) -> None:
        wrong = given(1, 7, 8, name="wrong.jsonl")

        result = cli("batch", "run", "work", wrong, "--ledger", begun, "--out", str(tmp_path / "other.jsonl"))

        assert result.exit_code == 1
        assert remembered(begun).inputs == given(1, 2, 4)
        assert cli("batch", "resume", begun).exit_code == 0
        assert work == Counter([1, 2, 4])
        assert [line["output"]["square"] for line in lines(out.read_text())] == [1, 4, 16]

    def test_it_says_with_what_the_ledger_goes_on(self, cli, begun, given) -> None:
        said = cli("batch", "run", "work", given(7, name="wrong.jsonl"), "--ledger", begun).stderr

        assert f"the inputs of {begun} are {given(1, 2, 4)} as before" in said
        assert f"go on with: simstudio batch resume {begun}" in said

    def test_it_advises_nothing_that_would_fail_again(self, cli, begun, given) -> None:
        path = given(7, 2, 4)

        result = cli("batch", "run", "work", path, "--ledger", begun)

        assert "resume" not in result.stderr
        assert "--key" in result.stderr

    def test_where_a_key_is_in_use_none_is_advised(self, cli, server, work, given, tmp_path, ledger) -> None:
        path = tmp_path / "in.jsonl"
        path.write_text('{"n": 1, "x": 1}\n')
        cli("batch", "run", "work", str(path), "--ledger", ledger, "--key", "n")
        path.write_text('{"n": 1, "x": 2}\n')

        result = cli("batch", "resume", ledger, "--json")

        (told,) = lines(result.stdout)
        assert (result.exit_code, told["error"]["type"]) == (1, "InputChangedError")
        assert "--key" not in told["error"]["message"]
        assert "others were put before it" not in told["error"]["message"]
        assert "'1' (n): it was changed. Give it back, or use another ledger." in told["error"]["message"]

    def test_killed_in_the_middle_it_is_found_out_by_the_next(self, cli, begun, given, work) -> None:
        """It cannot undo what it wrote; the ledger knows both ways, and the first that fails is forgotten."""
        right = remembered(begun)
        wrong = Settings(**{**_fields(right), "inputs": given(7, name="wrong.jsonl")})
        with Ledger.open(begun, workflow_id="work", mode="sync", api_version="v1") as opened:
            Note(wrong, right).keep(opened)

        assert cli("batch", "resume", begun).exit_code == 1
        assert cli("batch", "resume", begun).exit_code == 0
        assert work == Counter([1, 2, 4])

    def test_a_run_that_is_right_is_what_is_remembered(self, cli, begun, given, work) -> None:
        more = given(1, 2, 4, 5, name="more.jsonl")

        assert cli("batch", "run", "work", more, "--ledger", begun).exit_code == 0

        with LedgerView(begun) as view:
            note = Note.of(view)
        assert note.latest == note.accepted
        assert remembered(begun).inputs == more

    def test_one_of_python_s_batches_stays_without_inputs(self, cli, server, work, given, ledger) -> None:
        with server.client() as client:
            client.workflows.map("work", [{"n": 1}], ledger=ledger).run()

        assert cli("batch", "resume", ledger, given(7)).exit_code == 1

        assert "name them" in cli("batch", "resume", ledger).stderr

    def test_a_run_that_cannot_begin_changes_nothing_either(self, cli, begun, given, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", "sk-another-key-than-the-right-one")

        result = cli("batch", "run", "work", given(1, 2, 4, name="more.jsonl"), "--ledger", begun)

        assert result.exit_code == 3
        assert remembered(begun).inputs == given(1, 2, 4)


def _fields(settings: Settings) -> dict[str, Any]:
    import attrs

    return attrs.asdict(settings)


class TestFewerInputsThanBefore:
    def test_the_total_is_never_less_than_what_is_known(self, cli, server, work, given, ledger) -> None:
        cli("batch", "run", "work", given(1, 2, 4), "--ledger", ledger)
        given(1)

        (told,) = lines(cli("batch", "status", ledger).stdout)

        assert (told["total"], told["done"]) == (3, 3)

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_is_told(self, cli, server, work, given, ledger) -> None:
        cli("batch", "run", "work", given(1, 2, 4), "--ledger", ledger)
        path = given(1)

        said = cli("batch", "status", ledger).stderr

        assert said == f"simstudio: note: the ledger has 3 items, and {path} has 1 now\n"


class TestSecrets:
    ADDRESS = "redis://ada:s3cret-pass@127.0.0.1:1/0"

    @pytest.mark.parametrize(
        ("address", "without", "secrets"),
        [
            ("redis://cache:6379/0", "redis://cache:6379/0", ()),
            ("redis://:s3cret@cache/0", "redis://cache/0", (":s3cret@", "s3cret")),
            ("redis://ada:s3cret@cache", "redis://cache", ("ada:s3cret@", "s3cret")),
            ("redis://:a%40b%2Fc@cache", "redis://cache", (":a%40b%2Fc@", "a%40b%2Fc", ":a@b/c@", "a@b/c")),
            ("redis://:not/quoted@cache", "redis://cache", (":not/quoted@", "not/quoted")),
            ("redis+sentinel://:s3cret@a:1,b:2/m", "redis+sentinel://a:1,b:2/m", (":s3cret@", "s3cret")),
            ("redis://cache?db=2&password=s3cret", "redis://cache?db=2", ("s3cret",)),
            ("redis://cache?password=s3cret", "redis://cache", ("s3cret",)),
            ("rate@work.sqlite", "rate@work.sqlite", ()),
        ],
    )
    def test_of_an_address(self, address: str, without: str, secrets: tuple[str, ...]) -> None:
        assert without_secrets(address) == without
        assert secrets_of(address) == secrets

    def test_are_not_in_the_ledger_and_the_rest_is(self, server, ledger) -> None:
        with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
            Note(Settings("work", "in.jsonl", options={"shared": self.ADDRESS}), None).keep(opened)

        settings = remembered(ledger)
        assert (settings.shared, settings.secret) == ("redis://127.0.0.1:1/0", True)
        for path in Path(ledger).parent.iterdir():
            assert b"s3cret" not in path.read_bytes()

    @pytest.mark.parametrize("scheme", ["redis", "nothing"])
    @pytest.mark.parametrize("by", ["option", "environment"])
    def test_are_in_no_message_and_in_no_file(
        self, cli, server, work, given, ledger, tmp_path, monkeypatch, by, scheme
    ) -> None:
        pytest.importorskip("limits")
        address = self.ADDRESS.replace("redis", scheme)
        monkeypatch.setenv("SIM_BATCH_SHARED", address if by == "environment" else "")
        words = ["--shared", address] if by == "option" else []

        result = cli("batch", "run", "work", given(1), "--ledger", ledger, *words, "--json")

        assert result.exit_code == 2
        assert "s3cret" not in result.stdout + result.stderr
        for path in tmp_path.iterdir():
            assert b"s3cret" not in path.read_bytes()

    def test_are_to_be_given_again(self, cli, server, work, given, ledger, tmp_path, monkeypatch) -> None:
        path = given(1)
        cli("batch", "run", "work", path, "--ledger", ledger)
        with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
            Note(Settings("work", path, options={"shared": self.ADDRESS}), None).keep(opened)

        result = cli("batch", "resume", ledger)

        assert result.exit_code == 2
        assert "redis://127.0.0.1:1/0" in result.stderr
        assert "SIM_BATCH_SHARED" in result.stderr

        monkeypatch.setenv("SIM_BATCH_SHARED", str(tmp_path / "rate.sqlite"))
        assert cli("batch", "resume", ledger).exit_code == 0

    def test_an_address_that_only_the_ledger_names_is_not_connected_to(self, cli, server, work, given, ledger) -> None:
        path = given(1)
        cli("batch", "run", "work", path, "--ledger", ledger)
        with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
            Note(Settings("work", path, options={"shared": "redis://127.0.0.1:1/0"}), None).keep(opened)

        result = cli("batch", "resume", ledger)

        again = f"simstudio batch resume {ledger} --shared redis://127.0.0.1:1/0"
        assert (result.exit_code, result.stderr.partition("To go on: ")[2]) == (2, f"{again}\n")

    def test_of_this_call_are_not_in_the_command_to_paste(self, cli, server, work, given, ledger, monkeypatch) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)
        monkeypatch.delenv("SIM_BASE_URL")

        said = cli("batch", "resume", ledger, "--shared", self.ADDRESS).stderr

        assert f"--shared … --base-url {server.base_url}" in said
        assert "s3cret" not in said

    def test_a_file_that_is_shared_is_remembered_wherever_one_is(
        self, cli, server, work, given, ledger, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.chdir(tmp_path)

        assert cli("batch", "run", "work", given(1), "--ledger", ledger, "--shared", "rate.sqlite").exit_code == 0

        assert remembered(ledger).shared == str(tmp_path / "rate.sqlite")


class TestTheServer:
    """What one server finished is not passed for another's."""

    @pytest.fixture
    def begun(self, cli, server, work, given, ledger) -> str:
        cli("batch", "run", "work", given(1), "--ledger", ledger)
        given(1, 2)
        return ledger

    @pytest.fixture
    def other(self, server) -> Iterator[SandboxServer]:
        """Another server with a workflow of the same name."""
        sandbox = Sandbox(api_key=os.environ["SIM_API_KEY"])

        @sandbox.workflow("work")
        def work(input: dict[str, Any]) -> dict[str, Any]:
            return {"square": input["n"] ** 2}

        with sandbox.serve() as other:
            yield other

    def test_that_only_the_ledger_names_gets_nothing(self, cli, server, begun, monkeypatch) -> None:
        monkeypatch.delenv("SIM_BASE_URL")
        sent = len(server.requests)

        result = cli("batch", "resume", begun, "--retry-failed")

        assert (result.exit_code, len(server.requests)) == (2, sent)
        again = f"simstudio batch resume {begun} --retry-failed --base-url {server.base_url}"
        assert result.stderr.endswith(f"To go on: {again}\n")

    def test_the_command_to_paste_goes_on(self, cli, server, begun, work, monkeypatch) -> None:
        monkeypatch.delenv("SIM_BASE_URL")
        said = cli("batch", "resume", begun).stderr

        assert cli(*shlex.split(said.partition("To go on: ")[2])[1:]).exit_code == 0
        assert work == Counter([1, 2])

    def test_that_only_the_ledger_names_is_quoted(self, cli, begun, monkeypatch) -> None:
        """Whoever made the ledger chose the text that is pasted into a shell."""
        monkeypatch.delenv("SIM_BASE_URL")
        hostile = "http://h; touch /tmp/x"
        with Ledger.open(begun, workflow_id="work", mode="sync", api_version="v1") as opened:
            Note(Settings(**{**_fields(remembered(begun)), "server": hostile}), None).keep(opened)

        said = cli("batch", "resume", begun).stderr

        assert shlex.split(said.partition("To go on: ")[2])[-1] == hostile

    def test_sim_s_own_need_not_be_named(self, cli, begun, monkeypatch) -> None:
        monkeypatch.delenv("SIM_BASE_URL")
        monkeypatch.setenv("SIM_API_KEY", "")
        with Ledger.open(begun, workflow_id="work", mode="sync", api_version="v1") as opened:
            Note(Settings(**{**_fields(remembered(begun)), "server": "https://sim.ai"}), None).keep(opened)

        assert cli("batch", "resume", begun).exit_code == 3, "what is missing is the key alone"

    def test_that_was_named_by_this_call_goes_into_the_advice(self, cli, server, begun, given, monkeypatch) -> None:
        monkeypatch.delenv("SIM_BASE_URL")
        given(1, 3)

        said = cli("batch", "resume", begun, "--base-url", server.base_url).stderr

        assert f"simstudio batch resume {begun} --base-url {server.base_url} --retry-failed" in said

    @pytest.mark.parametrize("by", ["option", "environment"])
    def test_another_is_refused_and_gets_nothing(self, cli, server, begun, other, monkeypatch, by) -> None:
        if by == "environment":
            monkeypatch.setenv("SIM_BASE_URL", other.base_url)
        words = ["--base-url", other.base_url] if by == "option" else []

        result = cli("batch", "resume", begun, *words)

        assert (result.exit_code, other.requests) == (2, [])
        assert f"--base-url {server.base_url}" in result.stderr
        assert other.base_url in result.stderr

    def test_another_is_refused_to_the_same_command_too(self, cli, server, begun, other, given, monkeypatch) -> None:
        monkeypatch.setenv("SIM_BASE_URL", other.base_url)

        assert cli("batch", "run", "work", given(1, 2), "--ledger", begun).exit_code == 2

    def test_one_that_has_moved_goes_on_and_is_remembered(self, cli, begun, other, work, monkeypatch) -> None:
        monkeypatch.setenv("SIM_BASE_URL", other.base_url)

        assert cli("batch", "resume", begun, "--server-moved").exit_code == 0
        assert cli("batch", "resume", begun).exit_code == 0
        assert remembered(begun).server == other.base_url

    def test_of_the_environment_wins_over_the_ledger_s(
        self, cli, server, work, given, ledger, other, monkeypatch
    ) -> None:
        monkeypatch.setenv("SIM_BASE_URL", other.base_url)
        cli("batch", "run", "work", given(1), "--ledger", ledger, "--base-url", server.base_url)
        sent = len(server.requests)

        assert cli("batch", "resume", ledger).exit_code == 2
        assert (len(server.requests), other.requests) == (sent, [])

    def test_of_a_batch_of_python_is_heeded(self, cli, server, work, given, ledger, other, monkeypatch) -> None:
        with server.client() as client:
            client.workflows.map("work", [{"n": 1}], ledger=ledger).run()
        monkeypatch.setenv("SIM_BASE_URL", other.base_url)

        assert cli("batch", "resume", ledger, given(1, 2)).exit_code == 2

        monkeypatch.delenv("SIM_BASE_URL")
        said = cli("batch", "resume", ledger, given(1, 2)).stderr
        assert said.endswith(f"--base-url {server.base_url}\n")

        assert cli("batch", "resume", ledger, given(1, 2), "--base-url", server.base_url).exit_code == 0
        assert (work, other.requests) == (Counter([1, 2]), [])

    def test_the_embedded_sandbox_is_none_of_the_others(self, cli, given, ledger, monkeypatch) -> None:
        cli("batch", "run", "hello", given(1), "--ledger", ledger, "--sandbox")

        assert cli("batch", "resume", ledger, "--sandbox").exit_code == 0, "whatever port it has now"

        monkeypatch.setenv("SIM_API_KEY", "sk-sim-some-key")
        said = cli("batch", "resume", ledger).stderr
        assert said.endswith(f"To go on: simstudio batch resume {ledger} --sandbox\n")

        monkeypatch.setenv("SIM_BASE_URL", "http://127.0.0.1:1")
        result = cli("batch", "resume", ledger)
        assert result.exit_code == 2
        assert "Give --sandbox" in result.stderr

    def test_the_key_is_never_kept(self, cli, begun) -> None:
        with sqlite3.connect(begun) as db:
            told = db.execute("SELECT group_concat(value) FROM meta").fetchone()[0]
        db.close()
        assert "sk-sim" not in told


def test_the_options_of_an_earlier_release_are_heeded(server, work, given, ledger) -> None:
    """It kept each beside the others."""
    told = {"workflow": "work", "inputs": given(1), "mode": "async", "ordered": False, "key": "n", "concurrency": None}
    with Ledger.open(ledger, workflow_id="work", mode="async", api_version="v1") as opened:
        opened.remember("command line", told)
    settings = remembered(ledger)
    assert (settings.mode, settings.ordered, settings.key) == ("async", False, "n")
    assert settings.options == {"ordered": False, "key": "n"}


@pytest.mark.parametrize("options", [{"dead_letters": "victim.txt", "executor": 5, "ordered": False}, "no options"])
def test_a_ledger_has_no_say_in_options_that_are_not_kept(
    cli, server, work, given, ledger, tmp_path, monkeypatch, options
) -> None:
    """Such as the name of a file to write: a ledger may come from anybody."""
    monkeypatch.chdir(tmp_path)
    told = {"workflow": "work", "inputs": given(3), "mode": "sync", "options": options}
    with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
        opened.remember("command line", told)

    assert cli("batch", "resume", ledger).exit_code == 1
    assert work[3] == 1
    assert not (tmp_path / "victim.txt").exists()
