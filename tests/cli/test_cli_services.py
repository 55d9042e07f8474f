"""``simstudio oomol|speedpix|vectorvein``: the commands of the services beside Sim, each on its own sandbox."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from simstudio.cli.service_group import ServiceGroup
from simstudio.cli.services import SERVICES
from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from tests.cli.service_cases import CASES
from tests.frames import leaks

GOLDEN = Path(__file__).parent / "golden"


def objects(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


# --- one definition for three services ------------------------------------------------------------------------------


def test_run_prints_the_output(cli, service, case, served) -> None:
    result = cli(service, "run", case.thing, *case.words)

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == case.output


def test_with_json_it_prints_one_object(cli, service, case, served) -> None:
    (told,) = objects(cli(service, "run", case.thing, *case.words, "--json").stdout)

    assert (told["success"], told["output"]) == (True, case.output)
    assert isinstance(told["taskId"], str)


def test_a_run_that_is_not_waited_for_is_found_by_its_id(cli, service, case, served) -> None:
    begun = cli(service, "run", case.thing, *case.words, "--no-wait")
    run_id = begun.stdout.strip()

    waited, shown = cli(service, "wait", run_id), cli(service, "get", run_id)

    assert (begun.exit_code, waited.exit_code, shown.exit_code) == (0, 0, 0)
    for result in (waited, shown):
        (told,) = objects(result.stdout)
        assert (told["taskId"], told["output"]) == (run_id, case.output)
    assert case.count_begun(served) == 1


def test_on_a_terminal_a_run_is_fields(cli, service, case, served, terminal) -> None:
    run_id = cli(service, "run", case.thing, *case.words, "--no-wait").stdout.strip()

    shown = cli(service, "get", run_id).stdout

    assert [line.split()[:2] for line in shown.splitlines()[:1]] == [[case.noun, run_id]]
    assert "output" in shown


def test_a_failed_run_is_told_and_ends_with_1(cli, service, case, served) -> None:
    result = cli(service, "run", "broken::one")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "three is bad" in result.stderr
    assert "error." not in result.stderr


def test_the_state_of_a_failed_run_is_shown_with_its_reason_and_ends_with_0(
    cli, service, case, served, terminal, eventually
) -> None:
    run_id = cli(service, "run", "broken::one", "--no-wait").stdout.strip()
    eventually(lambda: "failed" in cli(service, "get", run_id).stdout)

    result = cli(service, "get", run_id)

    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if "three is bad" in line and line.startswith("error ")]


def test_a_run_that_takes_longer_is_told_with_the_command_that_waits_on(
    cli, service, case, served, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = cli(service, "run", case.thing, *case.words, "--no-wait").stdout.strip()
    bodies = {
        "oomol": {"task": {"id": run_id, "status": "running"}},
        "speedpix": {"status": 10, "data": {"taskId": run_id, "status": "running"}},
        "vectorvein": {"status": 202, "msg": "", "data": None},
    }
    paths = {"oomol": f"/api/v1/tasks/{run_id}", "speedpix": "*comfy_get_progress", "vectorvein": "*check-status"}
    served.sandbox.faults.add(status=200, body=bodies[service], path=paths[service], times=None)

    result = cli(service, "wait", run_id, "--timeout", "0.01")

    assert result.exit_code == 4
    assert f"The {case.noun} {run_id} was not done in time" in result.stderr
    assert result.stderr.endswith(f"wait again with: simstudio {service} wait {run_id}\n")


def test_ctrl_c_tells_what_goes_on(cli, service, case, served, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("simstudio.cli.service_commands._finish", interrupt)

    result = cli(service, "run", case.thing, *case.words)

    assert result.exit_code == 130
    assert f"wait for it with: simstudio {service} wait " in result.stderr


def test_a_file_of_json_is_an_input_too(cli, service, case, served, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_text(json.dumps(case.input(7)))

    result = cli(service, "run", case.thing, "--input-json", str(tmp_path / "input.json"))

    assert result.exit_code == 0
    assert "7" in result.stdout


def test_an_unknown_id_is_told_with_the_option_for_the_address(cli, served, service) -> None:
    result = cli(service, "get", "nope")

    assert result.exit_code == 1
    assert "SIM_" not in result.stderr
    assert "nope" in result.stderr or "Check the id" in result.stderr


def test_what_is_missing_is_named(cli, service) -> None:
    result = cli(service, "get", "an-id", "--json")

    (told,) = objects(result.stdout)
    assert (result.exit_code, told["error"]["type"]) == (3, "ConfigurationError")
    assert "try --sandbox" in told["error"]["message"]


def test_the_address_is_of_an_option_or_of_the_sandbox(cli) -> None:
    result = cli("oomol", "list", "--base-url", "http://localhost:1/api", "--sandbox")

    assert result.exit_code == 2
    assert "--sandbox and --base-url exclude each other" in result.stderr


@pytest.mark.parametrize("key", ["a-key-of-another", "a key that cannot be sent\u2026"])
def test_no_frame_of_a_failure_holds_the_key(
    cli, service, case, served, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in SERVICES[service].keys:
        monkeypatch.setenv(variable, key)

    result = cli(service, "run", case.thing, *case.words)

    assert result.exit_code != 0
    assert key not in result.output
    assert leaks(result.exception, key) == []


def test_requests_are_shown_without_keys(cli, service, case, served) -> None:
    result = cli(service, "run", case.thing, *case.words, "-vv")

    assert case.begins in result.stderr
    assert not any(served.environ[variable] in result.stderr for variable in SERVICES[service].keys)


# --- what one service has -------------------------------------------------------------------------------------------


@pytest.fixture
def on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve a sandbox that the environment leads to."""

    def serve(sandbox: Any) -> Any:
        server = sandbox.serve().start()
        request.addfinalizer(server.close)
        for variable, value in server.environ.items():
            monkeypatch.setenv(variable, value)
        return server

    return serve


def test_oomol_lists_tasks_blocks_packages_and_applets(cli, on) -> None:
    on(CASES["oomol"].sandbox())
    task = cli("oomol", "run", "sandbox::echo", "--no-wait").stdout.strip()

    assert [found["id"] for found in objects(cli("oomol", "list").stdout)] == [task]
    assert "broken::one" in cli("oomol", "blocks", "--format", "block").stdout.splitlines()
    assert "sandbox\t1.0.0" in cli("oomol", "packages", "--format", "name,version").stdout.splitlines()
    assert cli("oomol", "applets", "--format", "{applet}: {package}").stdout == "a-1: sandbox-1.0.0\n"
    assert len(objects(cli("oomol", "blocks", "--limit", "2").stdout)) == 2
    assert [log["type"] for log in objects(cli("oomol", "logs", task).stdout)][-1] == "SessionFinished"


def test_the_event_of_a_log_is_on_one_line(cli, on, terminal) -> None:
    on(CASES["oomol"].sandbox())
    task = cli("oomol", "run", "sandbox::echo", "--input", "n=1", "--no-wait").stdout.strip()
    cli("oomol", "wait", task)

    assert '{"result": {"n": 1}}' in cli("oomol", "logs", task).stdout


def test_oomol_takes_files_beside_the_inputs_and_stops_a_task(cli, on, tmp_path: Path) -> None:
    on(CASES["oomol"].sandbox())
    (tmp_path / "a.txt").write_text("abc")

    sent = cli("oomol", "run", "sandbox::files", "--input", "n=1", "--file", str(tmp_path / "a.txt"))
    task = cli("oomol", "run", "sandbox::slow", "--input", "seconds=60", "--no-wait").stdout.strip()
    stopped = cli("oomol", "stop", task)

    assert json.loads(sent.stdout) == {"n": 1, "files": [["a.txt", "text/plain", 3]]}
    assert objects(stopped.stdout)[0]["task"]["status"] == "stopped"


def test_speedpix_saves_the_files_of_the_output_and_replaces_nothing(cli, on, tmp_path: Path) -> None:
    sandbox = SpeedPixSandbox(states=())
    sandbox.workflow("paint")(lambda inputs: {"images": [Media(b"one", "cat.png"), Media(b"two", "cat.png")], "n": 1})
    on(sandbox)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cat.png").write_text("mine")

    result = cli("speedpix", "run", "paint", "--output", str(tmp_path / "out"))

    second, third = str(tmp_path / "out" / "cat-2.png"), str(tmp_path / "out" / "cat-3.png")
    assert json.loads(result.stdout) == {"images": [second, third], "n": 1}
    assert [Path(path).read_text() for path in (tmp_path / "out" / "cat.png", second, third)] == ["mine", "one", "two"]


def test_an_output_whose_files_cannot_be_saved_can_be_taken_again(cli, on, tmp_path: Path) -> None:
    sandbox = SpeedPixSandbox(states=())
    sandbox.workflow("paint")(lambda inputs: Media(b"one", "cat.png"))
    on(sandbox)
    (tmp_path / "file").write_text("")

    failed = cli("speedpix", "run", "paint", "--output", str(tmp_path / "file" / "pictures"))
    again = re.search(r"is done; take its output with: simstudio (speedpix wait \S+)\n", failed.stderr)

    assert failed.exit_code != 0
    assert again is not None
    assert cli(*again[1].split(), "--output", str(tmp_path / "pictures")).exit_code == 0
    assert (tmp_path / "pictures" / "cat.png").read_bytes() == b"one"


def test_speedpix_uploads_a_file_by_itself_and_in_an_input(cli, on, tmp_path: Path) -> None:
    server = on(SpeedPixSandbox(states=()))
    (tmp_path / "in.png").write_bytes(b"abc")

    uploaded = cli("speedpix", "upload", str(tmp_path / "in.png")).stdout.strip()
    output = cli("speedpix", "run", "echo", "--file", f"image={tmp_path / 'in.png'}").stdout

    assert uploaded.startswith(server.base_url)
    assert json.loads(output)["image"].startswith(server.base_url)


def test_vectorvein_takes_fields_by_node_and_a_key_of_a_vapp(cli, on) -> None:
    server = on(VectorVeinSandbox(polls=0))

    nameless = cli("vectorvein", "run", "hello", "--input", "Name=Ada")
    run = cli("vectorvein", "run", "hello", "--input", "n.Name=Ada", "--vapp", "--no-wait").stdout.strip()
    found = cli("vectorvein", "get", run, "--workflow", "hello")

    assert (nameless.exit_code, found.exit_code) == (2, 0)
    assert "'Name' is not NODE.FIELD" in nameless.stderr
    first = next(each for each in server.sandbox.requests if each.path.endswith("workflow/run"))
    assert first.json["input_fields"] == [{"node_id": "n", "field_name": "Name", "value": "Ada"}]  # type: ignore[index]
    assert first.headers["vectorvein-api-key-type"] == "VAPP"


def test_a_batch_of_vectorvein_takes_tables(cli, on, tmp_path: Path) -> None:
    on(VectorVeinSandbox(polls=0))
    (tmp_path / "people.csv").write_text("name,age\nAda,36\nGrace,40\n")
    words = ["--column", "name=node-1.Name", "--set", "output_scope=all"]

    result = cli("batch", "run", "--service", "vectorvein", "hello", str(tmp_path / "people.csv"), *words)

    assert [line["output"][0]["value"] for line in objects(result.stdout)] == ["Hello, Ada!", "Hello, Grace!"]


def test_vectorvein_lists_runs_and_workflows_and_stops_a_run(cli, on, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simstudio.cli.vectorvein._PAGE", 2)
    on(VectorVeinSandbox(polls=0))
    runs = [cli("vectorvein", "run", "hello", "--input", "n.Name=Ada", "--no-wait").stdout.strip() for _ in range(3)]

    assert sorted(cli("vectorvein", "list", "--format", "{run}").stdout.split()) == sorted(runs)
    assert cli("vectorvein", "workflows", "--format", "workflow,title").stdout == "hello\thello\n"
    assert cli("vectorvein", "stop", runs[0]).exit_code == 0


def test_vectorvein_uploads_a_file(cli, on, tmp_path: Path) -> None:
    on(VectorVeinSandbox(polls=0))
    (tmp_path / "in.png").write_bytes(b"abc")

    assert cli("vectorvein", "upload", str(tmp_path / "in.png")).stdout.startswith("oss/")


# --- help -----------------------------------------------------------------------------------------------------------


def test_commands_are_made_when_their_group_is_used() -> None:
    group = ServiceGroup(SERVICES["oomol"])
    assert (group.short_help, group.commands) == ("Run blocks of Oomol Connect.", {})

    assert "run" in group.list_commands(click.Context(group))


def test_the_help_at_80_columns(cli, service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    pages = [(service,), *((service, command) for command in ("run", "wait", "get"))]

    shown = "".join(f"$ simstudio {' '.join(words)} --help\n{cli(*words, '--help').stdout}\n" for words in pages)

    golden = GOLDEN / f"help-{service}.txt"
    if not golden.exists():
        golden.write_text(shown, encoding="utf-8")
        pytest.fail(f"{golden.name} was recorded")
    assert shown == golden.read_text(encoding="utf-8")
