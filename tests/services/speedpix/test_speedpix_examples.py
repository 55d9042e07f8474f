"""The examples of SpeedPix's document run with only the import line changed, against a sandbox of the ids they name."""

from __future__ import annotations

import io
import json
import runpy
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox, SpeedPixServer, WorkflowFailed
from simstudio.services.speedpix import Client, FileOutput, PredictionError, UnsupportedOperationError
from simstudio.testing import block_network

EXAMPLES = Path(__file__).parent / "examples"
PICTURES = ["input", "image", "source", "control", "style", "background", "input-image"]
JPEG = b"\xff\xd8fake"


def nested(input: dict[str, Any]) -> dict[str, Any]:
    """Workflows whose output is ``output["images"]["url"]``."""
    return {"images": {"url": Media(b"PNGDATA", "out.png")}}


def flat(input: dict[str, Any]) -> dict[str, Any]:
    """Workflows whose output is ``output["images"]``."""
    return {"images": Media(b"PNGDATA", "out.png")}


def failing(input: dict[str, Any]) -> None:
    raise WorkflowFailed(input["message"], "NODE_6")


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpeedPixServer]:
    """The environment that the document describes."""
    monkeypatch.chdir(tmp_path)
    for name in [*(f"{name}.jpg" for name in PICTURES), "mask.png"]:
        (tmp_path / name).write_bytes(JPEG)
    sandbox = SpeedPixSandbox("your-app-key", "your-app-secret")
    for workflow, function in {
        "your_workflow_id": nested,
        "your-workflow-id": flat,
        "workflow-123": flat,
        "workflow-id": failing,
    }.items():
        sandbox.workflow(workflow)(function)
    with sandbox.serve() as server, block_network():
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server


def run_example(name: str) -> tuple[list[str], dict[str, Any]]:
    """Run an example as a program, unchanged: what it printed, and its variables."""
    (file,) = EXAMPLES.glob(f"{name}*.py")
    printed = io.StringIO()
    with redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the form run(id, {"input": …}), tested elsewhere
        names = runpy.run_path(str(file), run_name="__main__")
    return printed.getvalue().splitlines(), names


def inputs(server: SpeedPixServer) -> list[dict[str, Any]]:
    """What the workflows were given."""
    return [json.loads(each.body)["inputs"] for each in server.requests if each.path == "/scc/comfy_prompt"]


@pytest.mark.parametrize(
    ("name", "saved"), [("01", "output.png"), ("02", "async_result.png"), ("03", "global_output.png")]
)
def test_the_quick_start_uploads_runs_and_saves(name: str, saved: str, documented: SpeedPixServer, tmp_path: Path):
    printed, _ = run_example(name)

    assert printed == []
    assert (tmp_path / saved).read_bytes() == b"PNGDATA"
    (given,) = inputs(documented)
    assert given["text"] == "一幅美丽的山水画"
    assert given["image"].startswith(f"{documented.base_url}/files/")
    assert list(documented.sandbox.uploads.values()) == [JPEG]


def test_resources_are_chosen_by_a_header(documented: SpeedPixServer):
    _, names = run_example("04")

    submits = [each for each in documented.requests if each.path == "/scc/comfy_prompt"]
    asked = [each.headers["x-sp-resource-config-id"] for each in submits]
    assert asked == ["default", "your-dedicated-resource-id", "your-dedicated-resource-id"]
    assert names["prediction"].status == "waiting"


def test_all_documented_forms_of_the_constructor_work(documented: SpeedPixServer):
    _, names = run_example("05")

    assert names["client"].app_key == "your-app-key"


def test_run_takes_all_that_is_documented(documented: SpeedPixServer):
    printed, names = run_example("06")

    first, second, third = inputs(documented)
    assert (first["strength"], first["steps"]) == (0.8, 20)
    assert second["source_image"] == second["control_image"] == "data:image/jpeg;base64,/9hmYWtl"
    assert second["style_image"] == "/Users/you/style.png"  # which is not there
    assert third == {"prompt": "复杂任务"}
    assert printed == ["任务ID: task-3"]
    assert names["result"].output["images"].read() == b"PNGDATA"


def test_predictions_are_created_asked_for_and_waited_for(documented: SpeedPixServer):
    printed, names = run_example("07")

    assert printed == ["状态: waiting"]
    assert names["result"] is names["updated"] is names["prediction"]
    assert names["updated"].status == "succeeded"


def test_the_list_of_predictions_is_a_clear_error(documented: SpeedPixServer):
    with pytest.raises(UnsupportedOperationError):
        run_example("08")


def test_files_are_uploaded_from_each_documented_form(documented: SpeedPixServer, tmp_path: Path):
    _, names = run_example("09")

    assert list(documented.sandbox.uploads.values()) == [JPEG] * 3
    assert {names[name].name for name in ("file1", "file2", "file3")} == {"image.jpg"}
    assert names["buffer"] == (tmp_path / "result.png").read_bytes() == b"PNGDATA"
    assert names["url"] == names["output"]["images"].url


def test_the_global_functions_run(documented: SpeedPixServer):
    _, names = run_example("10")

    assert isinstance(names["output"]["images"], FileOutput)
    assert isinstance(names["async_output"]["images"], FileOutput)


def test_a_failed_prediction_is_caught_as_documented(documented: SpeedPixServer):
    printed, _ = run_example("11")

    assert printed == [
        "预测错误: The prediction task-1 failed: 节点失败 (NODE_6).",
        "预测ID: task-1",
        "错误详情: 节点失败",
    ]


def test_a_refused_call_is_caught_as_documented(documented: SpeedPixServer):
    documented.sandbox.faults.add(status=403, body=b"", path="/scc/comfy_prompt")

    printed, _ = run_example("11")

    assert printed[0].startswith("API错误: Forbidden (HTTP 403")
    assert printed[1] == "状态码: 403"


def test_a_dead_server_is_caught_as_an_error_of_the_service(documented: SpeedPixServer):
    documented.close()

    printed, _ = run_example("11")

    assert printed[0].startswith("API错误: Cannot connect to 127.0.0.1")
    assert printed[1] == "状态码: None"


@pytest.mark.parametrize("name", ["12", "13", "14"])
def test_each_way_of_running_works(name: str, documented: SpeedPixServer):
    run_example(name)

    (given,) = inputs(documented)
    assert given["prompt"] == "test"
    others = [value for key, value in given.items() if key != "prompt"]
    assert others == ["/path/to/ref.png"] or others[0].startswith(documented.base_url)


@pytest.mark.parametrize(
    ("name", "saved", "uploads"), [("15", "processed-result.png", 1), ("16", "composite-result.png", 2)]
)
def test_uploaded_files_are_used_by_their_address(
    name: str, saved: str, uploads: int, documented: SpeedPixServer, tmp_path: Path
):
    run_example(name)

    assert (tmp_path / saved).read_bytes() == b"PNGDATA"
    assert len(documented.sandbox.uploads) == uploads


def test_the_complete_example_runs(documented: SpeedPixServer):
    printed, _ = run_example("17")

    assert printed[-2:] == ["处理完成,结果已保存到: ./processed_result.png", "输出文件大小: 7 bytes"]


def test_the_ellipsis_of_the_document_s_error_example_is_a_clear_error(documented: SpeedPixServer):
    given: Any = {...}

    with pytest.raises(ValueError, match="input must be a mapping"):
        Client().run("workflow-id", input=given)


def test_every_example_is_run():
    text = Path(__file__).read_text(encoding="utf-8")

    assert [file.name for file in EXAMPLES.glob("*.py") if f'"{file.name[:2]}"' not in text] == []


def test_an_error_s_prediction_can_be_waited_for_again(documented: SpeedPixServer):
    with Client() as client, pytest.raises(PredictionError) as caught:
        client.run("workflow-id", {"message": "x"})

    assert caught.value.prediction is not None
    assert caught.value.prediction.done
