"""``simstudio batch run|resume --service``: Oomol, SpeedPix and VectorVein in the place of Sim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simstudio.cli.services import SERVICES
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from tests.cli.service_cases import Case


@pytest.fixture
def inputs(case: Case, tmp_path: Path) -> str:
    path = tmp_path / "inputs.jsonl"
    path.write_text("".join(f"{json.dumps(case.input(n))}\n" for n in range(3)))
    return str(path)


def states(text: str) -> list[str]:
    return [json.loads(line)["state"] for line in text.splitlines()]


def outputs(text: str) -> list[Any]:
    return [json.loads(line)["output"] for line in text.splitlines()]


def test_a_batch_runs_and_its_ledger_goes_on_with_the_same_service(
    cli, service, case, served, inputs, ledger, tmp_path
) -> None:
    first = cli("batch", "run", "--service", service, case.thing, inputs, "--ledger", ledger)
    again = cli("batch", "resume", ledger)
    exported = cli("batch", "export", ledger, "-", "--format", "jsonl")

    assert (first.exit_code, states(first.stdout)) == (0, ["done"] * 3)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert outputs(exported.stdout) == outputs(first.stdout) != [None] * 3
    assert case.count_begun(served) == 3
    assert json.loads(cli("batch", "status", ledger).stdout)["service"] == SERVICES[service].title
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(served.environ[variable].encode() in kept for variable in SERVICES[service].keys)


def test_results_tell_of_failures_without_attributes_of_python(cli, service, case, served, inputs, ledger, out) -> None:
    words = ("batch", "run", "--service", service, "broken::one", inputs)
    printed = cli(*words, "--max-failures", "1", "--concurrency", "1")
    cli(*words, "--ledger", ledger, "--out", str(out))
    exported = cli("batch", "export", ledger, "-", "--format", "jsonl")

    for text in (printed.stdout, out.read_text(), exported.stdout):
        assert "three is bad" in text
        assert "error." not in text
    assert "2 of 2 items have no result, and at most 1 may." in printed.stderr


def test_the_embedded_sandbox_runs_it_without_a_key(cli, tmp_path) -> None:
    (tmp_path / "in.jsonl").write_text('{"n": 1}\n')

    result = cli("batch", "run", "--service", "oomol", "sandbox::echo", str(tmp_path / "in.jsonl"), "--sandbox")

    assert (result.exit_code, states(result.stdout)) == (0, ["done"])


def test_the_sandbox_of_a_file_has_the_users_functions_and_resume_wants_it_named(cli, tmp_path, ledger) -> None:
    app, inputs = tmp_path / "app.py", tmp_path / "in.jsonl"
    app.write_text(
        "from simstudio.sandbox.services.oomol import OomolSandbox\n"
        "sandbox = OomolSandbox()\n"
        "@sandbox.block('mine::double')\n"
        "def double(inputs):\n"
        "    return inputs['n'] * 2\n"
    )
    inputs.write_text('{"n": 1}\n{"n": 2}\n')
    words = ("batch", "run", "--service", "oomol", "mine::double", str(inputs), "--sandbox-app", str(app))

    first = cli(*words, "--ledger", ledger)
    nameless = cli("batch", "resume", ledger)
    again = cli("batch", "resume", ledger, "--sandbox-app", str(app))
    other = cli("speedpix", "run", "echo", "--sandbox-app", str(app))

    assert outputs(first.stdout) == outputs(again.stdout) == [2, 4]
    assert nameless.stderr.endswith(f"simstudio batch resume {ledger} --sandbox-app {app}\n")
    assert f"{app} defines no SpeedPixSandbox. Write: from simstudio.sandbox.services.speedpix import" in other.stderr


def test_a_budget_needs_a_service_that_names_costs(cli) -> None:
    result = cli("batch", "run", "--service", "oomol", "b", __file__, "--sandbox", "--budget", "5 credits")

    assert result.exit_code == 2
    assert "error: A budget needs a service that says what an execution cost" in result.stderr


def test_what_is_missing_in_the_environment_is_named(cli, service, case, inputs) -> None:
    result = cli("batch", "run", "--service", service, case.thing, inputs)

    missing = list(SERVICES[service].keys) if SERVICES[service].needs_key else [SERVICES[service].address[0]]
    assert result.exit_code == 3
    assert f"{' and '.join(missing)}, or try --sandbox" in result.stderr


def test_a_server_that_only_the_ledger_names_gets_no_key(
    cli, service, case, served, inputs, ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("batch", "run", "--service", service, case.thing, inputs, "--ledger", ledger)
    monkeypatch.delenv(SERVICES[service].address[0])
    before = len(served.requests)

    result = cli("batch", "resume", ledger, "--retry-failed")

    assert result.exit_code == 2
    assert f"To go on: simstudio batch resume {ledger} --retry-failed --base-url {served.base_url}" in result.stderr
    assert len(served.requests) == before


def test_a_ledger_of_one_service_is_of_no_other(cli, service, case, served, inputs, ledger) -> None:
    cli("batch", "run", "--service", service, case.thing, inputs, "--ledger", ledger)
    other = next(each for each in SERVICES if each != service)

    resumed = cli("batch", "resume", ledger, "--service", other)
    run = cli("batch", "run", "--service", other, case.thing, inputs, "--ledger", ledger, "--sandbox")
    sims = cli("batch", "run", case.thing, inputs, "--ledger", ledger, "--sandbox")

    assert (resumed.exit_code, run.exit_code, sims.exit_code) == (2, 2, 2)
    title = SERVICES[service].title
    assert f"runs on {title}; --service cannot change that" in resumed.stderr
    assert f"ran on {title}, not on {SERVICES[other].title}" in run.stderr
    assert f"ran on {title}, not on Sim" in sims.stderr


def test_a_ledger_of_python_goes_on_where_the_call_names_the_service(
    cli, service, case, served, inputs, ledger
) -> None:
    with served.client() as client:
        list(SERVICES[service].map(client)(case.thing, inputs, ledger=ledger))

    nameless = cli("batch", "resume", ledger, inputs)
    named = cli("batch", "resume", ledger, inputs, "--service", service)

    assert (nameless.exit_code, named.exit_code, states(named.stdout)) == (2, 0, ["done"] * 3)
    assert "give --service oomol|speedpix|vectorvein" in nameless.stderr
    assert case.count_begun(served) == 3


def test_a_ledger_that_python_made_on_sim_is_of_no_service(cli, server, work, given, ledger) -> None:
    with server.client() as client:
        list(client.workflows.map("work", [{"n": 1}], ledger=ledger))

    result = cli("batch", "resume", ledger, given(1), "--service", "oomol")

    assert result.exit_code == 2
    assert "they ran on Sim, leave --service out" in result.stderr


@pytest.mark.parametrize("words", [["--mode", "sync"], ["--api-version", "v2"], ["--profile", "p"]])
def test_options_that_only_sim_has_are_refused(cli, words) -> None:
    result = cli("batch", "run", "--service", "oomol", "sandbox::echo", __file__, *words)

    assert result.exit_code == 2
    assert f"{words[0]} is of Sim only" in result.stderr


def test_a_refused_key_ends_the_batch_and_names_its_variable(
    cli, service, case, served, inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = list(SERVICES[service].keys)[-1]
    monkeypatch.setenv(secret, "another-key")

    result = cli("batch", "run", "--service", service, case.thing, inputs)

    assert result.exit_code == 3
    assert secret in result.stderr
    assert "SIM_" not in result.stderr
    assert "another-key" not in result.stderr


@pytest.fixture
def speedpix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A SpeedPix that the environment leads to; the working directory holds a picture that an input names."""
    with SpeedPixSandbox(states=()).serve() as server:
        for variable, value in server.environ.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "cat.png").write_bytes(b"abc")
        (tmp_path / "in.jsonl").write_text('{"image": "cat.png"}\n')
        yield server


def bodies_of(server: Any) -> list[Any]:
    return [each.json for each in server.sandbox.requests if each.path == "/scc/comfy_prompt"]


def test_arguments_of_the_service_are_set_and_remembered(cli, speedpix, ledger) -> None:
    cli("batch", "run", "--service", "speedpix", "fail", "in.jsonl", "--ledger", ledger, "--set", "alias_id=beta")
    cli("batch", "resume", ledger, "--retry-failed")

    assert [body["alias_id"] for body in bodies_of(speedpix)] == ["beta", "beta"]


def test_files_that_texts_name_are_sent_only_where_the_call_says_so(cli, speedpix, ledger) -> None:
    words = ("batch", "run", "--service", "speedpix", "fail", "in.jsonl", "--ledger", ledger)
    cli(*words)
    cli(*words, "--retry-failed", "--set", "upload_paths=true")
    cli("batch", "resume", ledger, "--retry-failed")

    sent = [body["inputs"]["image"] for body in bodies_of(speedpix)]
    assert [image.startswith(speedpix.base_url) for image in sent] == [False, True, False]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--service", "vectorvein", "--set", "alias_id=b"], "for VectorVein; there are output_scope, api_key_type"),
        (["--set", "alias_id=b"], "--set has nothing named 'alias_id' for Sim."),
        (["--service", "oomol", "--set", "alias_id"], "'alias_id' is not NAME=VALUE"),
    ],
)
def test_an_argument_that_the_service_lacks_is_refused(cli, words, problem) -> None:
    result = cli("batch", "run", "wf", __file__, *words)

    assert result.exit_code == 2
    assert problem in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("oomol", "Check the id and base_url.", "Check the id and --base-url (OOMOL_BASE_URL)."),
        ("oomol", "Check api_token; it is sent as it is.", "Check OOMOL_TOKEN; it is sent as it is."),
        ("oomol", "It failed: no. Its state is in error.task, its logs in error.logs.", "It failed: no."),
        ("speedpix", "check app_key, app_secret", "check SPEEDPIX_APP_KEY, SPEEDPIX_APP_SECRET"),
        ("speedpix", "endpoint is no address.", "--base-url (SPEEDPIX_ENDPOINT) is no address."),
        ("vectorvein", "Check the API key (api_key=).", "Check the API key (VECTORVEIN_API_KEY)."),
        ("vectorvein", "No file_url. What came is in error.response.content.", "No file_url."),
    ],
)
def test_messages_speak_of_options_and_variables(name: str, text: str, words: str) -> None:
    assert SERVICES[name].rephrase(text) == words
