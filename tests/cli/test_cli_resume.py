"""``simstudio runs resume``: in both versions of the API, from a script and by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import simstudio as sim
from simstudio.cli.prompts import ask
from simstudio.models.pauses import InputField
from simstudio.sandbox import Pause, Sandbox, SandboxServer


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


class TestResume:
    ANSWER = '{"approved": true, "copies": 3, "comment": "yes"}'

    @pytest.fixture(autouse=True)
    def version(self, version: str) -> str:
        return version

    @pytest.mark.parametrize("way", ["itself", "file", "pipe"])
    def test_the_answer_is_json_itself_or_of_a_file_or_of_a_pipe(self, cli, paused: str, tmp_path: Path, way) -> None:
        (tmp_path / "answer.json").write_text(self.ANSWER)
        word = {"itself": self.ANSWER, "file": f"@{tmp_path / 'answer.json'}", "pipe": "-"}[way]

        result = cli("runs", "resume", paused, "--workflow", "asks", "--input", word, stdin=self.ANSWER)

        assert (result.exit_code, result.stderr) == (0, "")
        assert json.loads(result.stdout) == {"answer": json.loads(self.ANSWER)}

    def test_with_json_the_whole_result_is_one_line(self, cli, paused: str) -> None:
        (result,) = lines(cli("runs", "resume", paused, "--workflow", "asks", "--input", self.ANSWER, "--json").stdout)

        assert (result["success"], result["output"]) == (True, {"answer": json.loads(self.ANSWER)})

    def test_what_asks_again_is_a_result_with_a_note(self, cli, sandbox: Sandbox, server) -> None:
        @sandbox.workflow("twice")
        def twice(input):
            yield Pause("First?")
            yield Pause("Second?", block="second")
            return "done"

        with server.client(api_version="v1") as client:
            run = client.workflows.execute("twice").execution_id

        result = cli("runs", "resume", run, "--workflow", "twice", "--input", "{}")

        assert result.exit_code == 0
        assert "the run is paused again" in result.stderr

    def test_one_that_fails_is_1(self, cli, sandbox: Sandbox, server) -> None:
        @sandbox.workflow("refuses")
        def refuses(input):
            yield Pause("Sure?")
            raise RuntimeError("no further")

        with server.client(api_version="v1") as client:
            run = client.workflows.execute("refuses").execution_id

        result = cli("runs", "resume", run, "--workflow", "refuses", "--input", "{}")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("simstudio: error: The workflow failed: refuses: no further")

    def test_without_an_answer_and_a_terminal_it_is_2_and_says_what_is_asked(self, cli, server, paused) -> None:
        result = cli("runs", "resume", paused, "--workflow", "asks")

        asked = "It asks for approved (boolean), copies (number), comment (string). Give --input JSON"
        assert (result.exit_code, result.stdout) == (2, "")
        assert asked in result.stderr
        assert all(request.method == "GET" for request in server.requests[1:])

    def test_one_that_does_not_wait_any_more_is_1(self, cli, paused: str) -> None:
        words = ["runs", "resume", paused, "--workflow", "asks", "--input", self.ANSWER]
        cli(*words)

        result = cli(*words)

        assert (result.exit_code, result.stdout) == (1, "")

    def test_an_unknown_pause_of_it_is_1(self, cli, paused: str) -> None:
        result = cli("runs", "resume", paused, "--workflow", "asks", "--input", "{}", "--context", "nope")

        assert result.exit_code == 1
        assert "No pause nope" in result.stderr

    def test_an_answer_that_is_no_json_is_2_and_nothing_is_sent(self, cli, server, paused: str) -> None:
        before = len(server.requests)

        assert cli("runs", "resume", paused, "--workflow", "asks", "--input", "{").exit_code == 2
        assert len(server.requests) == before


class TestResumingInTheBackground:
    @pytest.fixture
    def waiting(self, cli, server, begun, asking: str, version: str) -> str:
        """A run of the background that waits for a human; the id to answer it by."""
        run = begun(asking)
        cli("runs", "wait", run, "--workflow", asking)
        if version == "v2":
            return run
        return lines(cli("runs", "list", asking, "--status", "paused").stdout)[0]["executionId"]

    def test_its_task_is_printed_and_can_be_waited_for(self, cli, waiting: str) -> None:
        task = cli("runs", "resume", waiting, "--workflow", "asks", "--input", '{"copies": 2}').stdout.strip()

        result = cli("runs", "wait", task, "--workflow", "asks")

        assert (result.exit_code, '"copies": 2' in result.stdout) == (0, True)

    def test_it_is_waited_for_on_demand(self, cli, waiting: str) -> None:
        result = cli("runs", "resume", waiting, "--workflow", "asks", "--input", '{"copies": 2}', "--wait")

        assert (result.exit_code, lines(result.stdout)[0]["status"]) == (0, "completed")

    def test_with_json_its_receipt_is_a_line(self, cli, waiting: str) -> None:
        (receipt,) = lines(cli("runs", "resume", waiting, "--workflow", "asks", "--input", "{}", "--json").stdout)

        assert receipt["taskId"]


def test_the_note_of_a_paused_run_says_how_to_answer_it(cli, server, asking: str, version: str) -> None:
    result = cli("run", asking, "--json")
    run = lines(result.stdout)[0]["executionId" if version == "v1" else "runId"]
    said = cli("run", asking).stderr

    speaking = " --api-version v2" if version == "v2" else ""
    assert said.startswith("simstudio: note: the run is paused; it waits for a human. Answer it with: simstudio runs ")
    assert said.endswith(f" --workflow asks{speaking}\n")
    assert cli("runs", "resume", run, "--workflow", asking, "--input", "{}").exit_code == 0


@pytest.fixture
def terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input and standard error pass for terminals."""
    monkeypatch.setattr("simstudio.cli.prompts.is_terminal", lambda stream: True)


@pytest.mark.usefixtures("terminals")
class TestAskingOnATerminal:
    def test_the_question_is_shown_and_each_field_asked_by_its_type(self, cli, paused: str) -> None:
        result = cli("runs", "resume", paused, "--workflow", "asks", stdin="yes\n3\nwell done\n")

        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout) == {"answer": {"approved": True, "copies": 3, "comment": "well done"}}
        assert "title: Ode\nPublish it?\napproved (yes or no" in result.stderr

    @pytest.fixture
    def silent(self, sandbox: Sandbox, v2) -> None:
        """v2 where the unversioned routes are gone: nothing says what a run asks."""
        sandbox.faults.add(status=404, path="/api/workflows/*/paused/*", times=None)

    def test_where_the_server_does_not_say_what_is_asked_any_json_answers(self, cli, paused: str, silent) -> None:
        result = cli("runs", "resume", paused, "--workflow", "asks", stdin='yes\n{"copies": 3}\n')

        assert json.loads(result.stdout)["answer"]["copies"] == 3
        assert "answer (JSON, Enter for none)" in result.stderr

    def test_or_none(self, cli, server: SandboxServer, paused: str, silent) -> None:
        assert cli("runs", "resume", paused, "--workflow", "asks", stdin="\n").exit_code == 0
        assert "input" not in server.requests[-1].json

    def test_what_is_no_answer_is_asked_again(self, cli, paused: str) -> None:
        result = cli("runs", "resume", paused, "--workflow", "asks", stdin="perhaps\nno\nmany\ntrue\n2.5\n\n")

        assert json.loads(result.stdout)["answer"]["approved"] is False
        assert json.loads(result.stdout)["answer"]["copies"] == 2.5

    def test_what_is_left_out_is_not_sent(self, cli, server: SandboxServer, paused: str) -> None:
        cli("runs", "resume", paused, "--workflow", "asks", stdin="yes\n\n\n")

        assert server.requests[-1].json == {"input": {"approved": True}}

    def test_a_required_field_is_not_left_out(self, cli, sandbox: Sandbox, server: SandboxServer) -> None:
        @sandbox.workflow("strict")
        def strict(input):
            return (yield Pause("Name?", {"name": str}, required=["name"]))

        with server.client() as client:
            run = client.workflows.execute("strict").execution_id

        cli("runs", "resume", run, "--workflow", "strict", stdin="\n\nAda\n")

        assert server.requests[-1].json == {"input": {"name": "Ada"}}

    def test_a_default_is_taken_by_enter(self, cli, sandbox: Sandbox, server: SandboxServer) -> None:
        @sandbox.workflow("defaults")
        def defaults(input):
            return (yield Pause("How many?", {"copies": 7, "tags": ["a"]}))

        with server.client() as client:
            run = client.workflows.execute("defaults").execution_id

        cli("runs", "resume", run, "--workflow", "defaults", stdin='\n["b"]\n')

        assert server.requests[-1].json == {"input": {"copies": 7, "tags": ["b"]}}

    @pytest.mark.parametrize("stdin", ["", "yes\n"])
    def test_the_end_of_the_input_is_an_interruption_and_nothing_is_sent(self, cli, server, paused, stdin: str) -> None:
        result = cli("runs", "resume", paused, "--workflow", "asks", stdin=stdin)

        assert (result.exit_code, result.stdout) == (130, "")
        assert server.requests[-1].method == "GET"

    def test_control_characters_in_a_question_do_nothing_to_the_terminal(self, cli, sandbox, server) -> None:
        @sandbox.workflow("evil")
        def evil(input):
            return (yield Pause("\x1b[2Jgone?", {"a": str}))

        with server.client() as client:
            run = client.workflows.execute("evil").execution_id

        assert "\x1b" not in cli("runs", "resume", run, "--workflow", "evil", stdin="x\n").stderr

    def test_a_file_is_sent_as_an_object_with_its_name_and_type(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("hi")

        with CliRunner().isolation(input=f"{tmp_path}/a.txt\n"):
            answer = ask(sim.Pause(input_fields=[InputField("files", "file[]", required=True)]))

        (file,) = answer["files"]
        assert file == {"type": "file", "data": "data:text/plain;base64,aGk=", "name": "a.txt", "mime": "text/plain"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no ptys")
class TestOnARealTerminal:
    @pytest.fixture
    def asked(self, started, paused: str):
        """A process that asks on a terminal; the terminal; what it showed until it waited."""
        import pty

        ours, theirs = pty.openpty()
        process = started("runs", "resume", paused, "--workflow", "asks", stdin=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        while b"approved" not in shown:
            shown += os.read(ours, 4096)
        yield process, ours, shown
        os.close(ours)

    def test_it_asks_there_and_standard_output_has_the_result_only(self, asked) -> None:
        process, terminal, shown = asked
        os.write(terminal, b"yes\n2\nwell done\n")

        printed = process.stdout.read()

        assert b"Publish it?" in shown
        assert printed.startswith(b"{")
        assert json.loads(printed) == {"answer": {"approved": True, "copies": 2, "comment": "well done"}}

    def test_the_end_of_the_input_interrupts_it(self, asked) -> None:
        process, terminal, _ = asked
        os.write(terminal, b"\x04")

        assert process.stdout.read() == b""
        assert process.wait(30) == 130
