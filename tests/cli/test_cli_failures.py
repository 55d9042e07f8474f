"""Exit codes, and what is said of a failure."""

from __future__ import annotations

import json
import shlex

import click
import pytest

from simstudio import errors
from simstudio.cli.failures import CommandError, ExitCode, Interrupted, describe, in_words
from simstudio.cli.invocation import Invocation
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.sandbox import Sandbox, SandboxServer
from simstudio.services.speedpix.errors import SpeedPixPermissionDeniedError


def wrong_signature() -> SpeedPixPermissionDeniedError:
    """The refusal of SpeedPix's gateway for a wrong key or secret."""
    error = SpeedPixPermissionDeniedError("x", status=403)
    error.gateway_code = "A403IS"
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ExecutionError("x"), 1),
        (errors.ExecutionTimeoutError("x"), 4),
        (errors.JobExecutionTimeoutError("x"), 4),
        (errors.JobFailedError("x"), 1),
        (errors.JobTimeoutError("x"), 4),
        (errors.NotFoundError("x", status=404), 1),
        (errors.PermissionDeniedError("x", status=403), 1),
        (wrong_signature(), 3),
        (errors.RateLimitError("x", status=429), 1),
        (errors.ServerError("x", status=500), 1),
        (errors.InvalidResponseError("x"), 1),
        (errors.ConfigurationError("x"), 2),
        (errors.InvalidInputError("x"), 2),
        (click.UsageError("x"), 2),
        (CommandError("x"), 2),
        (errors.APIConnectionError("x"), 3),
        (errors.APITimeoutError("x"), 4),
        (errors.StreamError("x"), 3),
        (errors.AuthenticationError("x", status=401), 3),
        (Interrupted(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_of_failure_has_its_exit_code(error: Exception, code: int) -> None:
    failure = describe(error, Invocation())

    assert failure is not None
    assert failure.exit_code == code


def test_a_defect_is_no_failure_to_be_told_of() -> None:
    assert describe(KeyError("oops"), Invocation()) is None


def test_a_line_has_no_control_characters_whatever_a_server_says() -> None:
    result = WorkflowExecutionResult(success=False, error="two\r\nlines \x1b[31mred\x1b[0m\u2028")

    failure = describe(errors.ExecutionError("x", result=result), Invocation())

    assert failure is not None
    assert failure.line == "The workflow failed: two lines [31mred [0m"


@pytest.mark.parametrize("suggestion", ["Did you mean --input?", "(Did you mean one of: --input, --input-json?)"])
def test_a_suggestion_keeps_its_question_mark_alone(suggestion: str) -> None:
    context = click.Context(click.Command("run"), info_name="run")
    failure = describe(click.UsageError(f"No such option '--inputs'. {suggestion}", context), Invocation())

    assert failure is not None
    assert failure.line == f"No such option '--inputs'. {suggestion} See: run --help"


def test_a_line_has_an_end_whatever_a_server_says() -> None:
    failure = describe(errors.ServerError("x" * 100_000), Invocation())

    assert failure is not None
    assert len(failure.line) < 3000


def test_interrupting_a_run_says_that_it_may_go_on_and_how_to_wait_for_it() -> None:
    failure = describe(Interrupted(), Invocation(begun=True, task_id="run_1"))

    assert failure is not None
    assert failure.line == (
        "Interrupted. The run may continue on the server. Its id is run_1; wait for it with: simstudio runs wait run_1"
    )


@pytest.mark.parametrize(
    "error", [errors.APIConnectionError("Gone."), errors.ServerError("Down.", status=503), errors.RateLimitError("No.")]
)
def test_a_wait_that_loses_the_server_says_how_to_wait_again(error: errors.SimStudioError) -> None:
    failure = describe(error, Invocation(begun=True, task_id="t-1", noun="task", waiter=("oomol", "wait")))

    assert failure is not None
    assert failure.line.endswith(
        " The task may continue on the server. Its id is t-1; wait for it with: simstudio oomol wait t-1"
    )


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFoundError("No such task.", status=404),
        errors.JobExecutionTimeoutError("Stopped."),
        errors.JobFailedError("Failed."),
    ],
)
def test_the_end_of_a_run_is_no_lost_server(error: errors.SimStudioError) -> None:
    failure = describe(error, Invocation(begun=True, task_id="t-1"))

    assert failure is not None
    assert "may continue" not in failure.line


@pytest.mark.parametrize("invocation", [Invocation(), Invocation(begun=True, embedded=True)])
def test_interrupting_what_leaves_nothing_behind_says_no_more(invocation: Invocation) -> None:
    failure = describe(Interrupted(), invocation)

    assert failure is not None
    assert failure.line == "Interrupted."


def _issue(path: list[str | int], message: str) -> dict[str, object]:
    return {"code": "custom", "path": path, "message": message}


class TestOfARealServer:
    @pytest.mark.parametrize("fault", ["POST */execute drop x9", "POST */execute 500 x9", "POST */execute delay=9 x9"])
    @pytest.mark.parametrize(("version", "command"), [("v2", "{} --workflow hello --api-version v2"), ("v1", None)])
    def test_a_run_of_unknown_outcome_is_named_with_the_command_that_shows_it(
        self, cli, sandbox: Sandbox, server: SandboxServer, fault: str, version: str, command: str | None
    ) -> None:
        sandbox.fault(fault)

        error = cli("run", "hello", "--api-version", version, "--timeout", "0.2").stderr

        assert "client." not in error
        if command is None:  # nothing was learnt about this server yet: it may give the run another id
            assert "run's id" not in error
        else:
            run_id = server.requests[-1].headers["x-run-id"]
            assert error.endswith(f"The run's id is {run_id}; its state: simstudio runs get {command.format(run_id)}\n")

    def test_a_missing_key_is_3_and_names_the_variable(self, cli) -> None:
        result = cli("run", "hello")

        assert (result.exit_code, result.stdout) == (3, "")
        assert result.stderr == (
            "simstudio: error: No API key. Log in with simstudio login, set the environment variable SIM_API_KEY, "
            "or try --sandbox, which needs none.\n"
        )

    def test_a_key_that_cannot_be_sent_is_3_and_is_not_shown(self, cli, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", "sk-sim-test broken")

        result = cli("usage")

        assert result.exit_code == 3
        assert "SIM_API_KEY holds a space" in result.stderr
        assert "broken" not in result.stderr

    def test_a_wrong_key_is_3(self, cli, server: SandboxServer, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", "sk-sim-test-wrong")

        result = cli("run", "hello")

        assert result.exit_code == 3
        assert "HTTP 401" in result.stderr
        assert result.stderr.endswith("Check SIM_API_KEY, and that it belongs to this server.\n")

    def test_nobody_listening_is_3(self, cli, server: SandboxServer, monkeypatch) -> None:
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the attempts
        server.close()

        result = cli("run", "hello")

        assert result.exit_code == 3
        assert "Cannot connect to 127.0.0.1:" in result.stderr
        assert result.stderr.endswith("Check --base-url (SIM_BASE_URL), the network and any proxy settings.\n")

    def test_an_address_that_is_none_is_2(self, cli, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", "sk-sim-test")

        result = cli("run", "hello", "--base-url", "sim.ai")

        assert result.exit_code == 2
        assert "--base-url 'sim.ai' has no http(s) scheme" in result.stderr

    def test_an_address_of_the_environment_names_its_variable(self, cli, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_KEY", "sk-sim-test")
        monkeypatch.setenv("SIM_BASE_URL", "sim.ai")

        assert "error: SIM_BASE_URL 'sim.ai' has no http(s) scheme" in cli("run", "hello").stderr

    def test_a_value_of_the_environment_that_is_none_names_its_variable(self, cli, monkeypatch) -> None:
        monkeypatch.setenv("SIM_API_VERSION", "v3")

        assert "error: Invalid value for SIM_API_VERSION: 'v3' is not one of" in cli("status", "hello").stderr

    def test_an_argument_that_the_client_refuses_is_named_by_its_option(self, cli, server: SandboxServer) -> None:
        result = cli("call", "v2.tables.list", "--workspace-id", "")

        assert result.exit_code == 2
        assert "error: --workspace-id must have from 1 to 128 characters" in result.stderr
        assert not server.requests

    def test_an_unknown_workflow_is_1(self, cli, server: SandboxServer) -> None:
        result = cli("status", "nope")

        assert result.exit_code == 1
        assert result.stderr.endswith("Check the id, and --base-url (SIM_BASE_URL).\n")

    @pytest.mark.parametrize(
        ("fault", "advice"),
        [
            ({"status": 403, "body": {"error": "Workflow is not deployed"}}, "Deploy the workflow first."),
            ({"status": 403, "body": {"error": "Access denied"}}, "Check what the key may do."),
            ({"status": 405}, "This server has no POST /api/workflows/hello/execute; it may be older."),
            ({"status": 504, "body": "<html>"}, "so look before sending it again. For long runs use --async."),
        ],
    )
    def test_the_advice_is_about_what_the_server_said(self, cli, sandbox: Sandbox, server, fault, advice) -> None:
        sandbox.faults.add(**fault)

        result = cli("run", "hello")

        assert result.exit_code == 1
        assert result.stderr.endswith(f"{advice}\n")

    def test_a_stream_that_breaks_off_is_3_after_what_it_delivered(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(after_events=1)

        result = cli("run", "count", "--stream", "--select", "count.content")

        assert (result.exit_code, result.stdout) == (3, "1\n")
        assert "error.partial" not in result.stderr

    @pytest.mark.parametrize(
        ("details", "lines"),
        [
            ([_issue(["source", "name"], "expected string"), _issue(["rows", 3], "too\x1b[2J\nlong")],
             ["source.name: expected string", "rows.3: too [2J long"]),
            ([_issue(["limit"], "Refused")], ["limit: Refused"]),
            ([_issue(["limit"], "limit must be a number")], []),
            ([{"row": 2, "errors": ["no title", "no year"]}, "qty must be a number"],
             ["row 2: no title, no year", "qty must be a number"]),
            ({"code": "INVALID_FILTER"}, ["code: INVALID_FILTER"]),
            ([f"row {n} is bad" for n in range(25)], [*(f"row {n} is bad" for n in range(20)),
                                                      "and 5 more; --json shows all"]),
            ("odd", []),
            ([None, 7], []),
        ],
    )  # fmt: skip
    def test_a_refusal_lists_the_places_and_reasons_that_the_server_gives(
        self, cli, sandbox: Sandbox, server, details, lines
    ) -> None:
        message = details[0]["message"] if len(details) == 1 and isinstance(details, list) else "Refused"
        sandbox.faults.add(status=400, body={"error": message, "details": details}, times=2)

        said = cli("usage").stderr.splitlines()
        told = json.loads(cli("usage", "--json").stdout)["error"]

        assert said[0].startswith(f"simstudio: error: {message} (HTTP 400, GET ")
        assert said[1:] == [f"  {line}" for line in lines]
        assert told["details"] == details

    @pytest.mark.parametrize("words", [["usage"], ["usage", "--json"]])
    def test_the_key_never_shows_even_when_the_server_repeats_it(self, cli, sandbox: Sandbox, server, words) -> None:
        sandbox.faults.add(status=418, body={"error": f"no tea for {sandbox.api_key}", "details": [sandbox.api_key]})

        result = cli(*words)

        assert sandbox.api_key not in result.stdout + result.stderr
        assert "no tea for ***" in result.stdout + result.stderr

    @pytest.mark.parametrize("generation", ["v0.6", "v0.4"])
    @pytest.mark.parametrize("options", [[], ["--json"], ["--stream", "--json"], ["--async", "--json"]])
    def test_the_key_never_shows_even_when_a_failing_workflow_repeats_it(self, cli, monkeypatch, generation, options):
        key = "sk-sim-test-secret"
        with Sandbox(api_key=key, generation=generation).serve() as server:
            monkeypatch.setenv("SIM_API_KEY", key)
            result = cli("run", "fail", "-i", f"message={key}", "--base-url", server.base_url, *options)

        assert result.exit_code == 1
        last = (result.stdout + result.stderr).splitlines()[-1]
        assert key not in last


class TestUsageErrors:
    @pytest.mark.parametrize(
        "words",
        [["run"], ["nope"], ["run", "a", "b"], ["run", "a", "--nope"], ["job", "nope"], ["sandbox", "--port", "x"]],
    )
    def test_they_are_one_line_that_names_the_help(self, cli, words) -> None:
        result = cli(*words)

        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("simstudio: error: ")
        assert "--help" in result.stderr
        assert result.stderr.count("\n") == 1

    def test_with_json_they_are_one_object(self, cli) -> None:
        result = cli("run", "--json", "a", "--nope")

        assert (result.exit_code, result.stderr) == (2, "")
        error = json.loads(result.stdout)["error"]
        assert error["type"] == "NoSuchOption"
        assert "--nope" in error["message"]

    def test_json_behind_two_dashes_is_an_argument(self, cli) -> None:
        result = cli("status", "a", "--", "--json")

        assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("words", [[], ["--help"], ["runs"], ["job"], ["run", "--help"], ["job", "wait", "-h"]])
def test_help_is_on_standard_output(cli, words) -> None:
    result = cli(*words)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "Usage: simstudio" in result.stdout


def test_the_version_is_the_package_s(cli) -> None:
    from simstudio import __version__

    assert cli("--version").stdout == f"simstudio {__version__}\n"


@pytest.mark.parametrize("missing", ["click", "keyring"])
def test_without_the_extra_one_line_says_what_to_install(missing, monkeypatch, capsys) -> None:
    import sys

    from simstudio.cli.__main__ import main

    monkeypatch.setitem(sys.modules, missing, None)

    assert main() == 2
    assert capsys.readouterr().err == (f"simstudio: error: the command line needs {missing}: pip install {missing}\n")


def test_a_full_disk_is_one_line(started, server) -> None:
    try:
        full = open("/dev/full", "wb")  # noqa: SIM115, PTH123
    except OSError:
        pytest.skip("this system has no /dev/full")
    with full:
        process = started("run", "hello", stdout=full)
        _, said = process.communicate()

    assert process.returncode == ExitCode.FAILED
    assert said.decode().startswith("simstudio: error: Standard output cannot be written: ")
    assert said.count(b"\n") == 1


@pytest.mark.parametrize("workflow", [None, "w; ls"])
def test_a_command_to_paste_quotes_what_the_server_named(workflow: str | None) -> None:
    words = shlex.split(Invocation(workflow=workflow).wait_again("job; rm -rf ~"))

    found_by = ["--workflow", workflow, "--api-version", "v2"] if workflow else []
    assert words == ["simstudio", "runs", "wait", "job; rm -rf ~", *found_by]


@pytest.mark.parametrize(
    ("call", "command"),
    [
        ("client.jobs.get('workflow-execution:r')", "simstudio runs get workflow-execution:r"),
        ("client.jobs.get('r', workflow_id='w x')", "simstudio runs get r --workflow 'w x' --api-version v2"),
        ("client.v1.logs.execution('r')", "simstudio runs show r"),
    ],
)
def test_a_call_that_reads_a_run_is_a_command(call: str, command: str) -> None:
    assert in_words(f"The run's id is r; its state: {call}") == f"The run's id is r; its state: {command}"
