"""Every file of examples/ does what it shows: on the sandbox in it, and on a Sim that the environment names."""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from simstudio.sandbox import Sandbox
from simstudio.webhooks import sign
from tests.readme.running import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from simstudio.sandbox import Context, SandboxServer

    Runs: TypeAlias = Callable[[str], subprocess.CompletedProcess[str]]

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 60.0
"""Seconds after which something is taken to hang."""

SCRIPTS = {
    "quickstart.py": """\
{'text': 'Hello, Ada!'}
plan: free
""",
    "async_client.py": """\
'I love it': praise
'Send my money back': complaint
'': failed: EXECUTION_ERROR
'It arrived on Monday': other
""",
    "aiohttp_client.py": """\
{'text': 'Hello, Ada!'}
{'text': 'Hello, Bob!'}
""",
    "streaming.py": """\
All rivers run to the sea.
succeeded
[10, 26]
""",
    "long_job.py": """\
{'report': 'The year 2024 in numbers'}
{'report': 'The year 2025 in numbers'}
""",
    "files.py": """\
{'received': ['files.py (text/x-python)', 'files.py (text/x-python)', \
'source.txt (text/plain)', 'scores.csv (text/csv)']}
Refused: PAYLOAD_TOO_LARGE
""",
    "error_handling.py": """\
42
The workflow failed: answer: no question
There is no workflow no-such-workflow.
Set SIM_API_KEY to a key of this Sim.
Sim cannot be reached.
""",
    "own_middleware.py": """\
deployed: True
{'text': 'Hello, Ada!'}
{'GET 503': 2, 'GET 200': 1, 'POST 200': 1}
""",
    "dask_batch.py": """\
20 done, 0 not; the sum is 2470
""",
}
"""What each script prints."""

RUN = [pytest.param(name, marks=pytest.mark.external if name == "dask_batch.py" else ()) for name in SCRIPTS]

SERVICES = {
    "speedpix_run.py": """\
output.png 16 bytes
failed: EMPTY_TEXT say what to cut out
[5, 6, 7]
""",
    "oomol_run.py": """\
log: SessionStarted
log: BlockStarted
log: BlockFinished
log: SessionFinished
{'audio': '/oomol-driver/good-morning.wav'}
oomol_run.py has lines: True
Failed: nothing to say
['/oomol-driver/one.wav', '/oomol-driver/two.wav']
""",
    "vectorvein_run.py": """\
Description: The one and only Teapot
Run failed: 商品名称 is missing
https://vectorvein.com/public/v-app/my-app
The key is gone.
""",
}
"""What the scripts for other services print."""

APPS = ["fastapi_sse_proxy.py", "flask_sse_proxy.py"]
TESTS = ["testing_your_code.py"]
RECEIVERS = ["fastapi_webhook.py", "flask_webhook.py"]
DIALOGUES = {
    "human_in_the_loop.py": (
        "yes\nfine\n",
        "Refund 20 € to Ada?\n  approved (boolean):   comment (string): {'refunded': 20, 'comment': 'fine'}\n",
    ),
}
"""What a human answers, and what is printed then."""
ENGINES = {
    "ray_batch.py": """\
the sum is 2470: 20 done
""",
    "prefect_batch.py": """\
20 done, 19 of them in earlier tries
""",
}
"""What the scripts for engines print; the engines write to standard error, and warn."""
WORKFLOWS_OF_GITHUB = ["promote-workflow.yml"]
"""Tested in tests/cli, step by step."""


def test_every_example_is_tested():
    files = {str(file.relative_to(EXAMPLES)) for file in EXAMPLES.rglob("*") if file.is_file()}

    tested = {*SCRIPTS, *SERVICES, *APPS, *TESTS, *RECEIVERS, *DIALOGUES, *ENGINES, *WORKFLOWS_OF_GITHUB}
    guides = {file for file in files if file.endswith((".md", ".svg", ".png"))}  # test_guides.py
    assert {file for file in files if "__pycache__" not in file} - guides == tested


@pytest.mark.parametrize("name", [*SCRIPTS, *SERVICES, *APPS, *TESTS, *RECEIVERS, *DIALOGUES, *ENGINES])
def test_an_example_says_what_it_shows_and_how_to_run_it(name: str):
    text = ast.get_docstring(ast.parse((EXAMPLES / name).read_text(encoding="utf-8")), clean=False)

    assert text is not None
    assert re.match(r"[A-Z][^\n]+[.:]\n", text)
    assert any(how in text for how in (f"python {name} --sandbox", f"python {name} --demo", f"pytest {name}"))


# --- scripts --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_its_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Each script's run on the sandbox in it, once for all tests."""

    @functools.cache
    def ran(name: str) -> subprocess.CompletedProcess[str]:
        return run(name, "--sandbox", cwd=tmp_path_factory.mktemp("script"))

    return ran


@pytest.mark.parametrize("name", [*RUN, *SERVICES])
def test_a_script_runs_on_the_sandbox_in_it(name: str, on_its_sandbox: Runs):
    assert on_its_sandbox(name).stdout == {**SCRIPTS, **SERVICES}[name]


@pytest.mark.external
@pytest.mark.parametrize("name", ENGINES)
def test_a_script_runs_on_an_engine_of_this_machine(name: str, tmp_path: Path):
    env = environment(
        HOME=str(tmp_path),
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=str(PATIENCE),
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        RAY_USAGE_STATS_ENABLED="0",
    )

    ended = finished([sys.executable, str(EXAMPLES / name), "--sandbox"], cwd=tmp_path, env=env, patience=2 * PATIENCE)

    assert ended.stdout == ENGINES[name]


@pytest.mark.parametrize("name", ["quickstart.py", "async_client.py"])  # the others have the same last lines
def test_a_script_runs_on_the_sim_that_the_environment_names(name: str, tmp_path: Path):
    with loaded(name).sandbox.serve() as server:
        assert run(name, cwd=tmp_path, **address(server)).stdout == SCRIPTS[name]

        assert server.requests


@pytest.mark.parametrize("name", ["oomol_run.py"])
def test_a_script_for_a_service_runs_on_the_server_that_the_environment_names(name: str, tmp_path: Path):
    with loaded(name).sandbox.serve() as server:
        assert run(name, cwd=tmp_path, **server.environ).stdout == SERVICES[name]

        assert server.requests


@pytest.mark.parametrize("name", [*RUN, *SERVICES])
def test_a_script_that_works_complains_of_nothing(name: str, on_its_sandbox: Runs):
    progress = r" *[\d.]+ s  \w+\n"

    assert re.sub(progress, "", on_its_sandbox(name).stderr) == ""


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_asks_and_goes_on_with_the_answer(name: str, tmp_path: Path):
    answers, printed = DIALOGUES[name]
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), "--sandbox"]

    assert finished(command, cwd=tmp_path, env=environment(), answers=answers).stdout == printed


@pytest.mark.parametrize("name", DIALOGUES)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_dialogue_speaks_both_versions(name: str, version: str, tmp_path: Path):
    answers, printed = DIALOGUES[name]
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    with loaded(name).sandbox.serve() as server:
        env = environment(SIM_API_VERSION=version, **server.environ)

        assert finished(command, cwd=tmp_path, env=env, answers=answers).stdout == printed


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_that_nobody_answers_says_so(name: str, tmp_path: Path):
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), "--sandbox"]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment(), input="", capture_output=True, encoding="utf-8", check=False
    )

    assert (ended.returncode, ended.stderr) == (1, "\nNobody answered; the run goes on waiting.\n")


def test_the_long_job_shows_its_progress(on_its_sandbox: Runs):
    assert on_its_sandbox("long_job.py").stderr.endswith(" s  completed\n")


def test_the_own_middleware_gives_all_attempts_of_a_request_one_id(tmp_path: Path):
    with loaded("own_middleware.py").sandbox.serve() as server:
        run("own_middleware.py", cwd=tmp_path, **address(server))
        first, second, third, other = [request.headers["x-request-id"] for request in server.requests]

    assert first == second == third
    assert other != first


# --- servers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", APPS)
def test_a_proxy_streams_from_the_sandbox_in_it_and_ends_cleanly(name: str, tmp_path: Path):
    with running(name, "--sandbox", cwd=tmp_path) as app:
        with httpx.stream("GET", f"{app.url}/stream", params={"topic": "rivers"}, timeout=PATIENCE) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-cache"
            *texts, end = events(response)
        assert app.stopped() == 0

    assert "".join(text for _, text in texts) == "On rivers:\nthey run to the sea."
    assert {kind for kind, _ in texts} == {"message"}
    assert end == ("done", "")


@pytest.mark.parametrize("name", APPS)
def test_a_proxy_passes_each_piece_on_before_the_next_one_comes(name: str, tmp_path: Path):
    go_on = threading.Event()

    def article(input: dict[str, Any]) -> Iterator[str]:
        yield "first"
        yield "second" if go_on.wait(PATIENCE) else "too late"

    with serving(article) as server, running(name, cwd=tmp_path, **address(server)) as app:
        with httpx.stream("GET", f"{app.url}/stream", params={"topic": "x"}, timeout=2 * PATIENCE) as response:
            arriving = events(response)
            assert next(arriving) == ("message", "first")
            go_on.set()
            assert next(arriving) == ("message", "second")
            assert next(arriving) == ("done", "")
        assert app.stopped() == 0


def silent(input: dict[str, Any], context: Context) -> Iterator[str]:
    """Says something, and then nothing until its caller hangs up."""
    yield "first"
    context.cancelled.wait(PATIENCE)


def talking(input: dict[str, Any], context: Context) -> Iterator[str]:
    """Goes on talking until its caller hangs up."""
    yield "first"
    while not context.cancelled.wait(0.01):
        yield "."


@pytest.mark.parametrize(
    ("name", "workflow"),
    # An async app is told that its client has gone; a sync one finds out with the next piece of text.
    [("fastapi_sse_proxy.py", silent), ("fastapi_sse_proxy.py", talking), ("flask_sse_proxy.py", talking)],
)
def test_a_proxy_closes_the_upstream_when_the_browser_goes_away(
    name: str, workflow: Callable[..., Iterator[str]], tmp_path: Path
):
    hung_up = threading.Event()

    def article(input: dict[str, Any], context: Context) -> Iterator[str]:
        try:
            yield from workflow(input, context)
        finally:
            if context.cancelled.is_set():
                hung_up.set()

    with serving(article) as server, running(name, cwd=tmp_path, **address(server)) as app:
        with httpx.stream("GET", f"{app.url}/stream", params={"topic": "x"}, timeout=PATIENCE) as response:
            arriving = events(response)  # which hangs up when it is forgotten
            assert next(arriving) == ("message", "first")
            assert not hung_up.is_set()

        assert hung_up.wait(PATIENCE)
        assert app.stopped() == 0


@pytest.mark.parametrize("name", APPS)
def test_a_proxy_tells_the_browser_that_it_failed_and_only_its_own_log_why(name: str, tmp_path: Path):
    def article(input: dict[str, Any]) -> Iterator[str]:
        yield "first"
        raise RuntimeError("the database is on fire")

    with serving(article) as server, running(name, cwd=tmp_path, **address(server)) as app:
        with httpx.stream("GET", f"{app.url}/stream", params={"topic": "x"}, timeout=PATIENCE) as response:
            assert list(events(response)) == [("message", "first"), ("failed", "It failed.")]
        assert app.stopped() == 0

    assert "the database is on fire" in app.log


def test_the_page_of_the_fastapi_proxy_asks_for_the_stream_it_serves(tmp_path: Path):
    with running("fastapi_sse_proxy.py", "--sandbox", cwd=tmp_path) as app:
        response = httpx.get(app.url, timeout=PATIENCE)
        assert app.stopped() == 0

    assert response.headers["content-type"].startswith("text/html")
    assert 'new EventSource("/stream?"' in response.text
    assert "sk-" not in response.text


# --- receivers of webhooks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_acts_once_on_what_it_delivers_to_itself(name: str, tmp_path: Path):
    ended = run(name, "--demo", cwd=tmp_path)

    assert ended.stderr == ""
    assert (
        ended.stdout
        == """\
Greeting: success in 53 ms: {'text': 'Hello, Zoë!'}
200 {'received': 'new'}
200 {'received': 'again'}
A Webhook block sent {'order': 7}
200 {'received': 'other'}
400 {'detail': 'InvalidSignatureError'}
"""
    )


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_takes_what_is_signed_with_the_secret_that_the_environment_names(name: str, tmp_path: Path):
    body = loaded(name).encoded(loaded(name).EVENT)

    with running(name, cwd=tmp_path, SIM_WEBHOOK_SECRET="whsec-theirs") as app:
        answers = [
            httpx.post(f"{app.url}/sim", content=iter([body]), headers=headers, timeout=PATIENCE)
            for headers in ({}, sign(body, "whsec-other"), sign(body, "whsec-theirs"))
        ]
        assert app.stopped() == 0

    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (400, {"detail": "MissingSignatureError"}),
        (400, {"detail": "InvalidSignatureError"}),
        (200, {"received": "new"}),
    ]
    assert "Refused a delivery: The delivery has no signature" in app.log


# --- tests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_of_an_example_pass_recording_and_then_replaying(name: str, tmp_path: Path):
    shutil.copy(EXAMPLES / name, tmp_path)
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), name]

    first = finished(command, cwd=tmp_path, env=environment())
    assert re.search(r"^4 passed", first.stdout, re.MULTILINE)
    assert [file.name for file in (tmp_path / "cassettes").iterdir()] == ["welcome.yaml"]

    second = finished(command, cwd=tmp_path, env=environment(CI="1"))  # where nothing is recorded
    assert re.search(r"^4 passed", second.stdout, re.MULTILINE)


# --- how they are run -----------------------------------------------------------------------------------------------


def loaded(name: str) -> Any:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{Path(name).stem}", EXAMPLES / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def address(server: SandboxServer) -> dict[str, str]:
    """The environment variables that lead to a sandbox."""
    return {"SIM_API_KEY": server.sandbox.api_key, "SIM_BASE_URL": server.base_url}


@contextmanager
def serving(article: Callable[..., Iterator[str]]) -> Iterator[SandboxServer]:
    """A sandbox with another workflow under the name that the proxies call."""
    sandbox = Sandbox()
    sandbox.workflow("article", block="writer")(article)
    with sandbox.serve() as server:
        yield server


def finished(
    command: list[str],
    *,
    cwd: Path,
    env: dict[str, str],
    answers: str | None = None,
    patience: float = PATIENCE,
) -> subprocess.CompletedProcess[str]:
    """A program that ended well."""
    ended = subprocess.run(
        command, cwd=cwd, env=env, input=answers, capture_output=True, encoding="utf-8", timeout=patience, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def run(name: str, *arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """An example that ran to its end, warnings being errors."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    return finished(command, cwd=cwd, env=environment(**env))


class App:
    """A server that was started as a program."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.log = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self._address()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log += line
            self._lines.put(line)
        self._lines.put(None)

    def _address(self) -> str:
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            announced = re.search(r"unning on (http://127\.0\.0\.1:\d+)", line)
            if announced:
                return announced[1]
        raise AssertionError(f"it did not start:\n{self.log}")

    def stopped(self) -> int:
        """Its status, after it was interrupted as by Ctrl-C and ended by itself."""
        self._process.send_signal(signal.SIGINT)
        status = self._process.wait(PATIENCE)
        self._reader.join()
        return status


@contextmanager
def running(name: str, *arguments: str, cwd: Path, **env: str) -> Iterator[App]:
    """An example that serves on a free port of this machine."""
    # Where this process ignores Ctrl-C (in the background of a shell), the program would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        started = subprocess.Popen(
            [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
            cwd=cwd,
            env=environment(PORT="0", **env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with started as process:
        try:
            yield App(process)
        finally:
            process.kill()


def events(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """The kind and the text of each event, as it comes."""
    kind = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            kind = value
        elif field == "data":
            yield kind, json.loads(value)
