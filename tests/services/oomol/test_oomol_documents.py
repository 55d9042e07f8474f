"""Every Python example of the service's document runs on the sandbox with only its import line changed."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox.services.oomol import Context, OomolSandbox, OomolServer
from simstudio.services import oomol
from simstudio.services.oomol import AsyncOomolConnectClient, BackoffStrategy, RunResult
from tests.services.oomol.helpers import Clock

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OomolSandbox:
    """A server that has what the document speaks of, in a directory that has its files."""
    monkeypatch.chdir(tmp_path)
    for name in ("test.txt", "file1.txt", "file2.txt"):
        Path(name).write_text(f"content of {name}")
    sandbox = OomolSandbox("your-api-token")

    @sandbox.block("audio-lab::text-to-audio")
    def text_to_audio(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"audio": inputs["text"]}

    @sandbox.block("pkg::file-processor")
    @sandbox.block("pkg::multi-file-processor")
    def process(inputs: dict[str, Any], context: Context) -> dict[str, Any]:
        return {**inputs, "files": [(file.name, file.content.decode()) for file in context.files]}

    for name in ("flow-name", "flow-1", "long-running-flow"):
        sandbox.flow(name)(lambda inputs: {"given": inputs})
    return sandbox


@pytest.fixture
def run_example(server: OomolServer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Run an example; what it left in its namespace."""

    def elsewhere(request: Any, call_next: Any) -> Any:
        """Take the document's address for the sandbox's."""
        request.url = request.url.replace("http://localhost:3000", server.applets_url)
        return (yield from call_next(request))

    monkeypatch.setattr(oomol, "AsyncOomolConnectClient", partial(AsyncOomolConnectClient, middleware=[elsewhere]))

    def run(number: str) -> dict[str, Any]:
        (file,) = [file for file in EXAMPLES if file.name.startswith(number)]
        code = compile(file.read_text(encoding="utf-8"), str(file), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        client = server.async_client()
        names: dict[str, Any] = {"client": client, "__name__": "__main__"}

        async def awaited() -> None:
            async with client:
                await eval(code, names)

        if inspect.CO_COROUTINE & code.co_flags:
            asyncio.run(awaited())
        else:
            exec(code, names)
        return names

    return run


def test_there_are_all_of_the_documents_examples():
    assert len(EXAMPLES) == 12
    for file in EXAMPLES:
        assert "oomol_connect_sdk" not in file.read_text(encoding="utf-8")


def test_quick_start(run_example: Any, capsys: pytest.CaptureFixture[str]):
    run_example("01")

    first, second = capsys.readouterr().out.splitlines()
    assert first == "任务 ID: t-1"
    assert second.endswith("{'audio': '你好，世界'}")


def test_the_client_is_made(run_example: Any):
    client = run_example("02")["client"]

    assert isinstance(client, AsyncOomolConnectClient)
    assert client.base_url == "/api"


def test_tasks(run_example: Any, capsys: pytest.CaptureFixture[str]):
    names = run_example("03")

    assert isinstance(names["result"], RunResult)
    assert names["result"]["result"] == {"given": {"input": "value"}}
    printed = capsys.readouterr().out.splitlines()
    assert printed.count("日志: BlockFinished") == 1
    assert any(line.endswith(": completed") for line in printed)


@pytest.mark.parametrize(
    ("form", "given"),
    [(0, {"input1": "value1", "input2": 123}), (1, {"input1": "value1", "input2": 123}), (2, {"input1": "value1"})],
)
def test_the_three_forms_of_inputs_are_understood(form: int, given: Any, server: OomolServer):
    (file,) = [file for file in EXAMPLES if file.name.startswith("04")]
    forms = [ast.literal_eval(node.value) for node in ast.parse(file.read_text(encoding="utf-8")).body]  # type: ignore[attr-defined]
    assert len(forms) == 3

    with server.client() as client:
        result = client.tasks.run({"blockId": "sandbox::echo", "inputValues": forms[form]}, {"interval_ms": 1})

    assert result["result"] == given


def test_files(run_example: Any, server: OomolServer):
    names = run_example("05")

    assert names["result"]["result"] == {
        "input1": "value",
        "files": [["file1.txt", "content of file1.txt"], ["file2.txt", "content of file2.txt"]],
    }
    uploads = [request for request in server.requests if request.method == "POST"]
    assert len(uploads) == 2
    assert all("boundary=" in request.headers["content-type"] for request in uploads)


def test_flows(run_example: Any, capsys: pytest.CaptureFixture[str]):
    run_example("06")

    assert capsys.readouterr().out.splitlines()[0].startswith("flow-name /")


def test_blocks(run_example: Any, capsys: pytest.CaptureFixture[str]):
    run_example("07")

    assert "audio-lab text-to-audio" in capsys.readouterr().out.splitlines()


def test_packages(run_example: Any):
    names = run_example("08")

    assert names["packages"]["packages"]
    assert (names["install_task"]["status"], names["install_task"]["packagePath"]) == (
        "success",
        "/p/package-name/1.0.0",
    )


def test_polling_options(run_example: Any, server: OomolServer, clock: Clock):
    options = run_example("09")["polling_options"]

    assert options["backoff_strategy"] is BackoffStrategy.EXPONENTIAL
    with server.client() as client:
        assert client.tasks.run({"manifest": "flow-1"}, options)["task"]["status"] == "completed"


def test_errors(run_example: Any, sandbox: OomolSandbox, capsys: pytest.CaptureFixture[str]):
    assert run_example("10")["result"]["result"] == {"given": {"input": "test"}}

    def broken(inputs: dict[str, Any]) -> None:
        raise RuntimeError("broken")

    sandbox.flow("flow-1")(broken)
    run_example("10")
    assert capsys.readouterr().out == "任务失败: t-2\n"

    sandbox.faults.add(status=503, body={"message": "busy"}, method="POST")
    run_example("10")
    assert capsys.readouterr().out == "HTTP 503: busy\n"


def test_concurrent_tasks(run_example: Any):
    results = run_example("11")["results"]

    assert [result["result"] for result in results] == [{"given": {"input": f"test-{i}"}} for i in range(5)]


def test_an_own_backoff(run_example: Any):
    assert run_example("12")["result"]["result"] == {"given": {}}
