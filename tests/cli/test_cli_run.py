"""``simstudio run``: what is printed where, in each way of running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from simstudio.sandbox import Sandbox, SandboxServer, respond


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_output_that_is_no_text_is_printed_as_indented_json(cli, server: SandboxServer) -> None:
    result = cli("run", "hello", "--input", "name=Ada")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == '{\n  "message": "Hello, Ada!"\n}\n'


def test_an_output_that_is_text_is_printed_as_it_is(cli, sandbox: Sandbox, server: SandboxServer) -> None:
    sandbox.workflow("text")(lambda _: respond(200, body="Grüße\n\tAda"))

    assert cli("run", "text").stdout == "Grüße\n\tAda\n"


def test_with_json_the_whole_result_is_one_line(cli, server: SandboxServer) -> None:
    (result,) = lines(cli("run", "hello", "--json").stdout)

    assert result["success"] is True
    assert result["output"] == {"message": "Hello, world!"}
    assert "duration" in result["metadata"]


def test_with_json_a_result_without_an_output_says_null(cli, sandbox: Sandbox, server: SandboxServer) -> None:
    sandbox.workflow("empty")(lambda _: respond(204))

    assert lines(cli("run", "empty", "--json").stdout) == [{"success": True, "output": None}]


def test_half_a_surrogate_pair_in_an_output_is_printed_escaped(cli, sandbox: Sandbox, server: SandboxServer) -> None:
    sandbox.workflow("odd")(lambda _: {"half": "\ud83d"})

    result = cli("run", "odd", "--json")

    assert result.exit_code == 0
    assert lines(result.stdout)[0]["output"] == {"half": "\ud83d"}


@pytest.mark.parametrize("generation", ["v0.6", "v0.4", "documents"])
def test_a_failed_run_ends_with_1_and_one_line_on_standard_error(cli, monkeypatch, generation) -> None:
    """Whether the server calls it an error (v0.6) or a result (v0.4)."""
    with Sandbox(generation=generation).serve() as server:
        monkeypatch.setenv("SIM_API_KEY", server.sandbox.api_key)
        result = cli("run", "fail", "--input", "message=out of\npaper", "--base-url", server.base_url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("simstudio: error: The workflow failed: ")
    assert "out of paper. See what it did with: simstudio logs list --workflow fail" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("way", [[], ["--stream", "--select", "hello.message"], ["--async"], ["--async", "--no-wait"]])
def test_an_input_that_does_not_fit_is_told_before_it_is_sent(cli, server: SandboxServer, way: list[str]) -> None:
    result = cli("run", "hello", "-i", "naem=Ada", "--check", *way)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "'naem' is no field (did you mean 'name'?)" in result.stderr
    assert {each.method for each in server.requests} == {"GET"}
    assert cli("run", "hello", "-i", "name=Ada", "--check", *way).exit_code == 0


@pytest.mark.parametrize("way", [[], ["--stream"], ["--async"]])
@pytest.mark.parametrize("generation", ["v0.6", "v0.4"])
def test_with_json_a_failed_run_ends_with_one_object_that_tells_of_it(cli, monkeypatch, generation, way) -> None:
    with Sandbox(generation=generation).serve() as server:
        monkeypatch.setenv("SIM_API_KEY", server.sandbox.api_key)
        result = cli("run", "fail", *way, "--json", "--base-url", server.base_url)

    assert (result.exit_code, result.stderr) == (1, "")
    last = lines(result.stdout)[-1]
    assert last["success"] is False
    assert set(last["error"]) == {"type", "message", "code", "status", "requestId", "taskId"}
    assert last["error"]["code"] == "EXECUTION_ERROR"
    assert (last["error"]["taskId"] is not None) == (way == ["--async"])


class TestStreaming:
    def test_the_selected_output_is_printed_and_then_a_line_end(self, cli, server: SandboxServer) -> None:
        result = cli("run", "count", "--stream", "--select", "count.content")

        assert (result.exit_code, result.stdout, result.stderr) == (0, "1 2 3 4 5\n", "")

    def test_text_that_ends_a_line_gets_no_empty_one(self, cli, sandbox: Sandbox, server: SandboxServer) -> None:
        @sandbox.workflow("poem")
        def poem(input):
            yield "a line\n"

        assert cli("run", "poem", "--stream", "--select", "poem.content").stdout == "a line\n"

    def test_where_nothing_is_streamed_the_output_is_printed(self, cli, server: SandboxServer) -> None:
        """Sim streams only what was selected."""
        result = cli("run", "hello", "--stream")

        assert json.loads(result.stdout) == {"message": "Hello, world!"}
        assert result.stderr == (
            "simstudio: warning: --stream shows text of the outputs that --select names, such as --select "
            "agent1.content; without it the output comes at the end\n"
        )

    def test_with_json_each_event_is_a_line_and_the_result_the_last(self, cli, server: SandboxServer) -> None:
        *events, result = lines(
            cli("run", "count", "-i", "to=2", "--stream", "--select", "count.content", "--json").stdout
        )

        assert [event.get("chunk") for event in events] == ["1", " 2", None]
        assert events[-1]["event"] == "final"
        assert result["success"] is True
        assert [block["content"] for block in result["output"].values()] == ["1 2"]

    def test_a_run_that_fails_midway_ends_the_line_and_then_tells(self, cli, sandbox: Sandbox, server) -> None:
        @sandbox.workflow("breaks")
        def breaks(input):
            yield "so far"
            raise RuntimeError("no further")

        result = cli("run", "breaks", "--stream", "--select", "breaks.content")

        assert (result.exit_code, result.stdout) == (1, "so far\n")
        assert "no further. See what it did with: simstudio logs list --workflow breaks" in result.stderr


class TestInTheBackground:
    def test_it_waits_and_prints_the_workflow_s_output(self, cli, server: SandboxServer) -> None:
        result = cli("run", "hello", "--async")

        assert (result.exit_code, result.stderr) == (0, "")
        assert json.loads(result.stdout) == {"message": "Hello, world!"}

    def test_with_json_the_result_names_the_task(self, cli, server: SandboxServer) -> None:
        (result,) = lines(cli("run", "hello", "--async", "--json").stdout)

        assert result["output"] == {"message": "Hello, world!"}
        assert server.client().jobs.get(result["taskId"]).succeeded

    def test_without_waiting_it_prints_the_task_id_and_nothing_else(self, cli, server: SandboxServer) -> None:
        result = cli("run", "hello", "--async", "--no-wait")

        assert result.stderr == ""
        assert cli("job", "wait", result.stdout.strip()).exit_code == 0

    def test_without_waiting_json_is_the_receipt(self, cli, server: SandboxServer) -> None:
        (receipt,) = lines(cli("run", "hello", "--async", "--no-wait", "--json").stdout)

        assert receipt["status"] == "queued"
        assert unquote(receipt["links"]["status"]) == f"/api/jobs/{receipt['taskId']}"

    def test_a_wait_that_was_too_short_says_how_to_go_on(self, cli, server: SandboxServer, gate) -> None:
        result = cli("run", "gated", "--async", "--timeout", "0.01")

        assert result.exit_code == 4
        task_id = result.stderr.split()[4]
        assert result.stderr.endswith(f"It goes on; wait again with: simstudio runs wait {task_id}\n")

    def test_files_are_sent_with_a_warning_of_one_line(self, cli, server: SandboxServer, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("hello")

        result = cli("run", "hello", "--async", "--file", f"documents={tmp_path / 'a.txt'}")

        assert result.exit_code == 0
        assert result.stderr.startswith("simstudio: warning: ")
        assert result.stderr.count("\n") == 1


class TestTimeout:
    def test_a_blocking_run_takes_no_longer(self, cli, server: SandboxServer, gate) -> None:
        result = cli("run", "gated", "--timeout", "0.02")

        assert result.exit_code == 4
        assert "--timeout" in result.stderr
        assert "timeout=" not in result.stderr

    def test_a_stream_is_not_silent_for_longer(self, cli, server: SandboxServer, gate) -> None:
        result = cli("run", "talks", "--stream", "--select", "talks.content", "--timeout", "0.05", "--json")

        assert (result.exit_code, lines(result.stdout)[-1]["error"]["code"]) == (4, "TIMEOUT")

    @pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
    def test_it_is_a_number_of_seconds_above_0(self, cli, seconds: str) -> None:
        assert cli("run", "hello", "--timeout", seconds).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [["--stream", "--async"], ["--select", "a.b"], ["--no-wait"], ["--sandbox", "--base-url", "http://localhost"]],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_sent(cli, server, words) -> None:
    result = cli("run", "hello", *words)

    assert result.exit_code == 2
    assert server.requests == []


class TestEmbeddedSandbox:
    def test_it_needs_neither_key_nor_address(self, cli) -> None:
        assert json.loads(cli("run", "hello", "--sandbox").stdout) == {"message": "Hello, world!"}

    @pytest.mark.parametrize("words", [["status", "hello"], ["usage"]])
    def test_it_serves_any_command(self, cli, words) -> None:
        assert cli(*words, "--sandbox").exit_code == 0

    def test_it_is_used_whatever_the_environment_says(self, cli, server: SandboxServer) -> None:
        assert cli("run", "hello", "--sandbox").exit_code == 0
        assert server.requests == []

    def test_it_is_reached_past_any_proxy(self, cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.delenv("no_proxy", raising=False)

        assert cli("run", "hello", "--sandbox").exit_code == 0

    def test_what_its_generators_yield_is_streamed_without_being_selected(self, cli) -> None:
        assert cli("run", "count", "--stream", "--sandbox").stdout == "1 2 3 4 5\n"

    def test_an_unknown_workflow_is_answered_with_the_known_ones(self, cli, version: str) -> None:
        result = cli("run", "nope", "--sandbox")

        assert result.exit_code == 1
        assert "The sandbox has: hello, count, slow, fail." in result.stderr

    def test_a_run_that_is_not_waited_for_is_warned_of(self, cli) -> None:
        result = cli("run", "hello", "--sandbox", "--async", "--no-wait")

        assert result.exit_code == 0
        assert "ends with this command" in result.stderr

    def test_interrupting_its_running_workflow_leaves_no_traceback(self, cli, tmp_path, capfd) -> None:
        result = cli("run", "slow", "-i", "seconds=60", "--timeout", "0.05", "--sandbox")

        assert result.exit_code == 4
        assert capfd.readouterr() == ("", "")


def test_a_paused_run_is_a_result_with_a_note(cli, sandbox: Sandbox, server: SandboxServer) -> None:
    resume = {"data": {"_resume": {"contextId": "c1"}}}
    sandbox.workflow("asks")(lambda _: resume)

    result = cli("run", "asks")

    assert (result.exit_code, json.loads(result.stdout)) == (0, resume)
    assert result.stderr.startswith("simstudio: note: the run is paused; it waits for a human")
