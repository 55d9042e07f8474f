"""``simstudio sandbox``, and the files that define one."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from simstudio import APIConnectionError, ExecutionError, SimStudioClient
from simstudio.cli.apps import load_sandbox, load_sandboxes
from simstudio.cli.failures import CommandError
from simstudio.cli.invocation import Invocation
from simstudio.cli.sandbox import _wait, terminated_like_interrupted
from simstudio.cli.sandbox import sandbox as sandbox_command
from simstudio.cli.sandbox_announcement import announce_background, announce_recording, announce_replay
from simstudio.cli.sandbox_examples import example_input
from simstudio.cli.sandbox_services import make_sandboxes, sandboxes_of
from simstudio.sandbox import Sandbox
from simstudio.sandbox.seeding import START
from simstudio.testing import RecordingProxy, Replay

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for one process")

GREET = """
from simstudio.sandbox import Sandbox
from words import GREETING

sandbox = Sandbox(api_key="sk-sim-test-of-app")

@sandbox.workflow("greet")
def greet(input):
    '''Greets.'''
    return f"{GREETING} {input['name']}"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "words.py").write_text('GREETING = "Hi"')
    path = tmp_path / "app.py"
    path.write_text(GREET)
    return path


def served(process) -> tuple[SimStudioClient, dict]:
    announced = json.loads(process.stdout.readline())
    return SimStudioClient(announced["apiKey"], announced["baseUrl"], max_retries=0), announced


def until_example(process) -> str:
    """What it prints, to the end of the example."""
    printed = b""
    while b"    -d " not in printed:
        printed += process.stdout.readline()
    return printed.decode()


def exports_of(text: str) -> dict[str, str]:
    return dict(line.removeprefix("  export ").split("=", 1) for line in text.splitlines() if "  export " in line)


@needs_signals
class TestServing:
    @pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
    def test_it_serves_until_it_is_told_to_stop_and_ends_cleanly(self, started, ending) -> None:
        process = started("sandbox", "--port", "0", "--json")
        client, announced = served(process)

        with client:
            assert client.workflows.execute("hello").success
            process.send_signal(ending)
            assert process.communicate() == (b"", b"")
            assert process.returncode == 0
            with pytest.raises(APIConnectionError):
                client.workflows.execute("hello")
        assert announced["workflows"] == ["hello", "count", "slow", "fail"]
        assert announced["apiKey"] == "sk-sim-sandbox"

    def test_it_ends_cleanly_in_the_middle_of_a_run(self, started) -> None:
        process = started("sandbox", "--port", "0", "--json")
        client, _ = served(process)
        with (
            client,
            client.workflows.stream("count", {"to": 1000, "delay": 60}, selected_outputs=["count.content"]) as s,
        ):
            next(s)
            process.send_signal(signal.SIGINT)
            assert process.communicate() == (b"", b"")
        assert process.returncode == 0

    def test_it_prints_what_to_paste_into_another_terminal(self, started, cli, app: Path, monkeypatch) -> None:
        process = started("sandbox", str(app), "--port", "0")
        text = pasted = until_example(process)
        url = text.split()[5]
        with SimStudioClient("sk-sim-test-of-app", url) as client:
            assert client.workflows.execute("greet", {"name": "Ada"}).output == "Hi Ada"
            with pytest.raises(ExecutionError):
                client.workflows.execute("greet")
        for name, value in exports_of(pasted).items():
            monkeypatch.setenv(name, value)
        assert '"greet"' in cli("workflows", "list").stdout
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

        assert text.startswith(f"A local Sim is at {url} (Ctrl-C stops it)\n")
        assert "API key: sk-sim-test-of-app\n" in text
        assert "    greet  Greets.\n" in text
        lines = text.splitlines()
        assert exports_of(pasted)["SIM_BASE_URL"] == url
        assert "  simstudio run greet --input name=Ada" in lines
        assert f"  curl {url}/api/workflows/greet/execute \\" in lines
        assert '-d \'{"name": "Ada"}\'' in text
        assert max(map(len, lines)) <= 80
        shown = re.sub(r"\d\d:\d\d:\d\d |\(\d+ ms\)", "", said.decode()).splitlines()
        assert shown[:3] == [
            "POST /api/workflows/greet/execute 200 ",
            "greet failed",
            "Traceback (most recent call last):",
        ]
        assert f'File "{app}", line 10, in greet' in shown[3]
        assert "POST /api/workflows/greet/execute 500 " in shown
        assert shown[-1] == "simstudio: stopped"

    def test_listening_to_others_it_warns_and_has_a_key_of_its_own(self, started) -> None:
        process = started("sandbox", "--port", "0", "--host", "0.0.0.0", "--json")
        client, announced = served(process)
        with client:
            assert client.workflows.execute("hello").success
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1].decode()

        assert announced["apiKey"] != "sk-sim-sandbox"
        assert said.startswith("simstudio: warning: the sandbox listens on 0.0.0.0:")
        assert said.count("\n") == 1

    def test_all_services_are_served_with_faults_and_limits(self, started) -> None:
        process = started(
            "sandbox", "--port=0", "--json", "--service=all", "--rate-limit=2", "--fault=GET */nowhere 418 x1"
        )
        announced = json.loads(process.stdout.readline())
        statuses = {}
        for name, service in announced["services"].items():
            origin = service["baseUrl"].partition("/api")[0]
            statuses[name] = [httpx.get(f"{origin}/scc/nowhere").status_code for _ in range(4)]

        assert list(statuses) == ["sim", "oomol", "speedpix", "vectorvein"]
        assert statuses.pop("sim") == [418, 404, 404, 404]
        assert [found[0] for found in statuses.values()] == [418] * 3
        assert [found[3] for found in statuses.values()] == [429] * 3
        assert announced["services"]["speedpix"]["environ"]["SPEEDPIX_APP_KEY"]
        process.send_signal(signal.SIGINT)
        assert process.communicate() == (b"", b"")

    def test_a_server_is_recorded_and_replayed(self, started, server, tmp_path: Path, monkeypatch, capsys) -> None:
        recording = str(tmp_path / "recording")
        process = started("sandbox", "--port=0", "--record", server.base_url, recording)
        printed = ""
        while f"simstudio sandbox --replay {recording}" not in printed:
            printed += process.stdout.readline().decode()
        assert "If it is not Sim, set OOMOL_BASE_URL, SPEEDPIX_ENDPOINT or VECTORVEIN_BASE_URL to this" in printed
        url = printed.split()[2]
        with SimStudioClient(server.sandbox.api_key, url) as client:
            client.workflows.execute("hello", {"name": "Ada"})
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1].decode()
        assert said.endswith(f"simstudio: stopped\nsimstudio: recorded 1 exchange in {recording}\n")

        def use() -> None:
            with SimStudioClient("any-key", announced()["baseUrl"]) as client:
                assert client.workflows.execute("hello", {"name": "Ada"}).output == {"message": "Hello, Ada!"}
            raise KeyboardInterrupt

        def announced() -> dict:
            return json.loads(capsys.readouterr().out)

        monkeypatch.setattr("simstudio.cli.sandbox._wait", use)
        log = tmp_path / "replay.log"
        words = ["--port=0", "--json", "--replay", recording, "--log", str(log)]
        sandbox_command.main(words, standalone_mode=False, obj=Invocation())
        assert "POST /api/workflows/hello/execute 200" in log.read_text(encoding="utf-8")

    def test_it_announces_the_workflows_of_a_file(self, app: Path, monkeypatch, capsys) -> None:
        def use() -> None:
            announced = json.loads(capsys.readouterr().out)
            assert "greet" in announced["workflows"]
            with SimStudioClient(announced["apiKey"], announced["baseUrl"]) as client:
                assert client.workflows.execute("greet", {"name": "Ada"}).output == "Hi Ada"
            raise KeyboardInterrupt

        monkeypatch.setattr("simstudio.cli.sandbox._wait", use)
        sandbox_command.main([str(app), "--port=0", "--json"], standalone_mode=False, obj=Invocation())

    def test_its_state_survives_a_restart_and_its_generation_can_be_chosen(self, started, tmp_path: Path) -> None:
        words = ["sandbox", "--port", "0", "--state", str(tmp_path / "state.db"), "--generation", "v0.4", "--json"]
        process = started(*words)
        client, _ = served(process)
        with client:
            task_id = client.jobs.wait(client.workflows.submit("hello")).task_id
        process.send_signal(signal.SIGINT)
        process.communicate()

        client, _ = served(started(*words))
        with client:
            assert client.jobs.get(task_id).succeeded
            assert client.workflows.execute("fail").success is False


@needs_signals
class TestInTheBackground:
    def test_a_shell_evaluates_what_it_prints_and_has_a_local_sim_with_a_log(self, app: Path, tmp_path: Path) -> None:
        log = tmp_path / "sandbox.log"
        words = shlex.join([sys.executable, "-m", "simstudio.cli", "sandbox", "--background", f"--log={log}", str(app)])
        script = f"""
            eval "$({words})"
            env | grep ^SIM_
        """
        ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        set_ = dict(line.split("=", 1) for line in ended.stdout.splitlines())
        try:
            with SimStudioClient(set_["SIM_API_KEY"], set_["SIM_BASE_URL"], max_retries=0) as client:
                assert client.workflows.execute("greet", {"name": "Ada"}).output == "Hi Ada"
                assert set_["SIM_WORKSPACE_ID"]
                with pytest.raises(ExecutionError):
                    client.workflows.execute("greet", {})
        finally:
            os.kill(int(set_["SIM_SANDBOX_PID"]), signal.SIGTERM)
        assert ended.stderr == (
            f"simstudio: a local Sim is at {set_['SIM_BASE_URL']}; it ends with: kill $SIM_SANDBOX_PID\n"
        )
        text = log.read_text(encoding="utf-8")
        assert "POST /api/workflows/greet/execute 500" in text
        assert "Traceback (most recent call last)" in text
        assert "KeyError: 'name'" in text

    def test_it_has_all_options(self, cli, monkeypatch) -> None:
        given: list[str] = []

        def serve(words):
            given.extend(words)
            return {"services": {}, "pid": 1}

        monkeypatch.setattr("simstudio.cli.sandbox.serve_in_background", serve)
        options = ["--service=sim,oomol", "--seed=0", "--fault=503 x1", "--fault=half", "--rate-limit=2", "--log=a.log"]

        assert cli("sandbox", "--background", *options).exit_code == 0
        assert given == ["--port=0", "--host=127.0.0.1", *options]

    def test_what_keeps_it_from_starting_is_told(self, cli, tmp_path: Path) -> None:
        (tmp_path / "app.py").write_text("1 / 0")

        result = cli("sandbox", "--background", str(tmp_path / "app.py"))

        assert result.exit_code == 2
        assert "(line 1): ZeroDivisionError: division by zero" in result.stderr
        assert result.stdout == ""


def test_a_recording_and_a_replay_can_run_in_the_background(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recording.yaml").write_text("version: 1\ninteractions: []\n")
    with (
        RecordingProxy("http://127.0.0.1:9", tmp_path / "new").serve() as recording,
        Replay(tmp_path).serve() as replay,
    ):
        announce_recording(recording, "http://127.0.0.1:9", "new", as_json=True)
        announce_replay(replay, 0, ".", as_json=True)
        for line in capsys.readouterr().out.splitlines():
            announce_background({**json.loads(line), "pid": 7}, as_json=False)

    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"export SIM_BASE_URL={recording.base_url} SIM_SANDBOX_PID=7",
        f"export SIM_BASE_URL={replay.base_url} SIM_API_KEY={replay.key} SIM_SANDBOX_PID=7",
    ]
    assert told.err.splitlines() == [
        f"simstudio: a recording proxy is at {recording.base_url}; it ends with: kill $SIM_SANDBOX_PID",
        f"simstudio: a replay is at {replay.base_url}; it ends with: kill $SIM_SANDBOX_PID",
    ]


def test_what_a_reload_met_is_in_the_log_that_is_kept(app: Path, tmp_path: Path, monkeypatch) -> None:
    @contextmanager
    def reloading(app: Path, servers: object, report: Callable[[str], None]) -> Iterator[None]:
        report("not reloaded: 100 % wrong")
        yield

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr("simstudio.cli.sandbox_reload.reloading", reloading)
    monkeypatch.setattr("simstudio.cli.sandbox._wait", interrupt)
    log = tmp_path / "sandbox.log"
    sandbox_command.main([str(app), "--port=0", "--reload", f"--log={log}"], standalone_mode=False, obj=Invocation())

    assert log.read_text(encoding="utf-8").endswith(" not reloaded: 100 % wrong\n")


@pytest.mark.parametrize("options", [[], ["--background"]])
def test_a_port_that_is_taken_is_one_line(cli, options: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = cli("sandbox", "--port", str(taken.getsockname()[1]), *options)

    assert result.exit_code == 2
    assert "cannot listen on 127.0.0.1" in result.stderr
    assert result.stderr.count("\n") == 1


def test_options_of_the_command_are_those_of_a_file_s_sandboxes(app: Path, tmp_path: Path) -> None:
    app.write_text(
        app.read_text() + "\nfrom simstudio.sandbox.services.oomol import OomolSandbox\noomol = OomolSandbox(seed=8)\n"
    )
    options = {"generation": "v0.4", "seed": 7, "state": tmp_path / "state.db"}

    def tasks(*made: str) -> list[tuple[str, int]]:
        sim, oomol, speedpix = make_sandboxes(app, ["sim", "oomol", "speedpix"], options)
        assert isinstance(sim, Sandbox)
        assert (sim.generation, speedpix.clock()) == ("v0.4", START)
        with sim.serve() as server, server.client() as client:
            assert client.workflows.execute("greet", {"name": "Ada"}).output == "Hi Ada"
        with oomol.serve() as server, server.client() as client:
            for block in made:
                client.tasks.create({"blockId": block})
            return [(task["id"], task["created_at"]) for task in client.tasks.list().to_dict()["tasks"]]

    first, again = tasks("sandbox::echo"), tasks()
    assert [moment for _, moment in first] == [START * 1000 + 1]
    assert again == first


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--fault", "POST /x"], "names no effect"),
        (["--service", "sim,other"], "choose among sim, oomol"),
        (["--service", "oomol", "--generation", "v0.4"], "--generation: only for Sim, which is not served"),
        (["--record", "http://a.test", "d", "--rate-limit", "2"], "--record and --rate-limit exclude each other"),
        (["--replay", ".", "--record", "http://a.test", "d"], "exclude each other"),
        (["--replay", "."], ". holds no recording: there is no file recording.yaml"),
        (["--record", "a.test", "d"], "is no base URL"),
        (["--log", "missing/a.log"], "The log missing/a.log cannot be written: No such file"),
    ],
)
def test_what_cannot_be_served_is_one_error(cli, words: list[str], problem: str) -> None:
    result = cli("sandbox", "--port", "0", *words)

    assert result.exit_code == 2
    assert problem in " ".join(result.stderr.split())


def test_a_command_can_run_on_a_file_s_sandbox(cli, app: Path) -> None:
    assert cli("run", "greet", "-i", "name=Ada", "--sandbox-app", str(app), "--json").exit_code == 0


class TestTheExample:
    @pytest.mark.parametrize(
        ("source", "given"),
        [
            ("def greet(input):\n    return input['first_name'] + input['of']", {"first_name": "Ada", "of": "hello"}),
            ("def add(a: int, b: float = 1.0, *, on: bool):\n    return a", {"a": 1, "on": True}),
            ("def nothing(input, context):\n    return context['x']", {}),
        ],
    )
    def test_it_has_the_fields_that_the_function_needs(self, tmp_path: Path, source: str, given: dict) -> None:
        path = tmp_path / "app.py"
        register = f"sandbox.workflow('it')({source.split('(', maxsplit=1)[0][4:]})"
        path.write_text(f"from simstudio.sandbox import Sandbox\nsandbox = Sandbox()\n{source}\n{register}")

        assert example_input(load_sandbox(path).workflows["it"]) == given


class TestFindingTheSandbox:
    def write(self, folder: Path, text: str) -> Path:
        path = folder / "app.py"
        path.write_text("from simstudio.sandbox import Sandbox\n" + text)
        return path

    def test_it_is_the_one_named_sandbox(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, 'other = Sandbox()\nsandbox = Sandbox(api_key="sk-sim-test")')

        assert load_sandbox(path).api_key == "sk-sim-test"

    def test_or_the_only_one_whatever_its_names(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, 'mine = Sandbox(api_key="sk-sim-test")\nalias = mine')

        assert load_sandbox(path).api_key == "sk-sim-test"

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "defines no Sandbox"),
            ("a = Sandbox()\nb = Sandbox()", r"several sandboxes \(a, b\)"),
            ("\n1 / 0", r"\(line 3\): ZeroDivisionError: division by zero"),
            ("def", r"\(line 2\): SyntaxError"),
            ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
            ("raise SystemExit", "SystemExit"),
        ],
    )
    def test_what_is_wrong_with_the_file_is_said_with_the_line(self, tmp_path: Path, text: str, problem: str) -> None:
        with pytest.raises(CommandError, match=problem):
            load_sandbox(self.write(tmp_path, text))

    def test_the_line_is_that_of_a_file_named_by_a_relative_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = self.write(tmp_path, "\n1 / 0").name
        monkeypatch.chdir(tmp_path)

        with pytest.raises(CommandError, match=r"\(line 3\): ZeroDivisionError"):
            load_sandbox(Path(name))

    def test_a_file_may_define_one_of_each_service(self, tmp_path: Path) -> None:
        oomol = "from simstudio.sandbox.services.oomol import OomolSandbox\n"
        path = self.write(tmp_path, f"{oomol}a = Sandbox()\nb = OomolSandbox()")

        assert [each.service for each in load_sandboxes(path)] == ["sim", "oomol"]
        assert [each.service for each in sandboxes_of(path, None)] == ["sim", "oomol"]
        assert [each.service for each in sandboxes_of(path, ["oomol", "speedpix"])] == ["oomol", "speedpix"]
        with pytest.raises(CommandError, match=r"several sandboxes \(b, c\)"):
            load_sandboxes(self.write(tmp_path, f"{oomol}b = OomolSandbox()\nc = OomolSandbox()"))

    def test_a_file_that_is_no_python_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "app.txt").write_text("")

        with pytest.raises(CommandError, match=r"must end with \.py"):
            load_sandbox(tmp_path / "app.txt")


@needs_signals
def test_a_signal_that_another_thread_was_given_ends_it_too() -> None:
    main, over, helped = threading.get_ident(), threading.Event(), threading.Event()

    def waits() -> bool:
        frame = sys._current_frames().get(main)
        while frame is not None and frame.f_code is not _wait.__code__:
            frame = frame.f_back
        return frame is not None

    def elsewhere() -> None:
        while not waits():
            threading.Event().wait(0.005)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        if not over.wait(10):  # let the test fail, not hang
            helped.set()
            signal.pthread_kill(main, signal.SIGTERM)

    thread = threading.Thread(target=elsewhere)
    with terminated_like_interrupted():
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            _wait()
        over.set()
        thread.join()

    assert not helped.is_set()
