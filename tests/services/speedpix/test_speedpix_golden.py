"""For every golden sample our client sends what the original sent, and gives what it gave."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from simstudio import ConfigurationError, InvalidInputError
from simstudio.services.speedpix import Client, FileOutput, PredictionError
from tests.services.speedpix.helpers import (
    HOST,
    KEY,
    NONCE,
    NOW,
    SECRET,
    Script,
    Sent,
    as_recorded,
    assert_signed,
    fetch,
    replay,
    replayed,
    run,
    sample,
    samples,
)

WORKFLOW = "wf"


def failing(client: Any) -> Iterator[Any]:
    try:
        yield client.run("wf-1", {"a": 1})
    except PredictionError as error:
        return {"raised": str(error), "prediction": as_recorded(error.prediction)}
    raise AssertionError


def open_file(client: Any) -> Iterator[Any]:
    with Path("in.png").open("rb") as file:
        return (yield client.run(WORKFLOW, {"image": file}, wait=False))


def containers(client: Any) -> Any:
    nested = {"a": (1, "x"), "b": (n for n in range(3)), "c": {"d": [Path("in.png"), "y"]}}
    return client.run(WORKFLOW, nested, wait=False)


def exact_limit(client: Any) -> Iterator[Any]:
    Path("exact.bin").write_bytes(b"y" * 1024 * 1024)
    yield client.predictions.create(WORKFLOW, {"image": Path("exact.bin")}, file_encoding_strategy="base64")
    return "accepted"


def read_and_save(client: Any) -> Iterator[Any]:
    output = yield client.run(WORKFLOW, {"a": 1})
    file = output["images"]["url"]
    content = yield fetch(client, file, "read")
    yield fetch(client, file, "save", "saved.png")
    first, second = output["list"]
    return [type(file), content, Path("saved.png").read_bytes(), type(first), second]


def waiting(client: Any) -> Iterator[Any]:
    prediction = yield client.predictions.create("wf-1", {"a": 1})
    return (yield prediction.wait(polling_interval=1.0))


def floats(client: Any) -> Iterator[Any]:
    data = {"f": 1e-07, "g": 1.0, "u": "é \u2028", "n": None, "l": [1, {"k": "v"}]}
    return (yield client.post("/scc/x", json=data)).status


def invoked(client: Any) -> Iterator[Any]:
    return (yield client.invoke("/scc/x", {"a": 1})).status


NESTED = {"nested": {"camelKey": 1, "snake_key": [1, [2, 3], {"x": None}]}}
OPTIONS: dict[str, Any] = {
    "alias_id": "v2.1",
    "randomise_seeds": True,
    "return_temp_files": False,
    "resource_config_id": "rc-1",
    "polling_interval": 2.0,
}
PAINTING = {"prompt": "一幅画", "steps": 20, "strength": 0.8}

SCRIPTS: dict[str, Script] = {
    "02_run": lambda client: client.run("wf-1", PAINTING),
    "03_async_run": lambda client: client.run("wf-1", {"prompt": "hi"}, polling_interval=0.5),
    "04_run_all_options": lambda client: client.run("wf-1", NESTED, **OPTIONS),
    "06_run_version_and_alias": lambda client: client.run("wf-1", {"a": 1}, version_id="v1", alias_id="main"),
    "07_run_no_resource": lambda client: client.run("wf-1", {"a": 1}, resource_config_id=""),
    "08_run_nowait": lambda client: client.run("wf-1", {"a": 1}, wait=False),
    "09_prediction_wait": waiting,
    "10_prediction_get_running": lambda client: client.predictions.get("task-1"),
    "12_prediction_async_get": lambda client: client.predictions.get("task-1"),
    "14_snake_case_reply": lambda client: client.run("wf-1", {"a": 1}),
    "22_task_failed": failing,
    "26_progress_no_status": lambda client: client.predictions.get("task-1"),
    "27_files_create_str": lambda client: client.files.create("./in.png"),
    "28_files_create_path": lambda client: client.files.create(Path("in.png")),
    "30_files_create_bytesio": lambda client: client.files.create(
        BytesIO(b"abc"), filename="a.jpg", content_type="image/x"
    ),
    "31_files_create_bytesio_plain": lambda client: client.files.create(BytesIO(b"abc")),
    "32_files_async_create": lambda client: client.files.create("./in.png"),
    "36_input_path_prefixed": lambda client: client.run(WORKFLOW, {"image": "./in.png", "t": "text"}, wait=False),
    "37_input_path_bare_sync": lambda client: client.run(WORKFLOW, {"image": "in.png"}, wait=False, upload_paths=False),
    "43_input_pathlike_object": lambda client: client.run(WORKFLOW, {"image": Path("in.png")}, wait=False),
    "44_input_fileobj": open_file,
    "45_input_containers": containers,
    "48_input_base64": lambda client: client.predictions.create(
        WORKFLOW, {"image": "./in.png"}, file_encoding_strategy="base64"
    ),
    "51_input_base64_exact_limit": exact_limit,
    "56_input_empty": lambda client: client.run(WORKFLOW, {}, wait=False),
    "58_output_read_save": read_and_save,
    "61_output_redirect_sync": lambda client: fetch(client, FileOutput(f"{HOST}/dl/redir"), "read"),
    "67_invoke": invoked,
    "70_post_floats": floats,
}
"""The call of each sample."""

OTHERWISE = {
    "22_task_failed": {
        "raised": "The prediction task-1 failed: node #6 failed (S).",
        "prediction": sample("22_task_failed").told["outcome"]["raised"]["attrs"]["prediction"],
    },
    "58_output_read_save": [FileOutput, b"PNGDATA", b"PNGDATA", FileOutput, "plain"],
    "61_output_redirect_sync": b"PNGDATA",
    "67_invoke": 200,
}
"""What comes back where the recorder kept it in a form of its own."""


def expected(name: str) -> Any:
    if name in OTHERWISE:
        return OTHERWISE[name]
    outcome = sample(name).outcome
    if name.startswith(("10_", "26_")):  # ours keeps the id of each call, the original that of the last one only
        return {**outcome, "invoke_id": "inv-1"}
    return outcome


def test_every_golden_sample_with_an_exchange_has_its_call():
    assert set(SCRIPTS) == set(samples("golden"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_is_sent_and_the_same_comes_back(mode: str, name: str, here: Path):
    cut = sample(name).told.get("cut_bodies")
    files = name.startswith(("58_", "61_"))

    result, sent = replay(mode, name, SCRIPTS[name], bodies=cut is None)

    assert as_recorded(result) == expected(name)
    for number, interaction in enumerate(sample(name).interactions):
        if number < len(sent):
            assert_equivalent(sent[number], interaction["request"], cut[number] if cut else None)
    assert len(sent) == len(sample(name).interactions) or files


def assert_equivalent(made: Sent, recorded: dict[str, Any], cut: dict[str, Any] | None) -> None:
    """Method, address, the headers that matter, and the body byte for byte."""
    asked, request, body = urlsplit(recorded["uri"]), made.request, made.body
    sent = urlsplit(request.url)
    assert (request.method, sent.path, sent.query) == (recorded["method"], asked.path, asked.query)
    headers = {name.lower(): values[0] for name, values in recorded["headers"].items()}
    headers.pop("user-agent")
    for name, value in headers.items():
        assert request.headers[name] == value
    if "x-ca-key" in headers:
        target = f"{sent.path}?{sent.query}" if sent.query else sent.path
        assert_signed(request.headers, request.method, target, body)
        assert ("x-sp-resource-config-id" in request.headers) == ("x-sp-resource-config-id" in headers)
    else:
        assert not [name for name in request.headers if name.startswith("x-ca") or name in ("date", "authorization")]
    if cut is not None:
        assert {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()} == cut
    elif isinstance(recorded["body"], bytes):
        assert body == recorded["body"]
    elif recorded["body"]:
        same = recorded["body"].encode()
        assert body == same or json.loads(body) == json.loads(same)


@pytest.mark.parametrize("name", ["02_run", "04_run_all_options", "09_prediction_wait"])
def test_the_same_goes_for_the_awaited_methods_of_the_blocking_client(name: str):
    calls: dict[str, Any] = {
        "02_run": lambda client: client.async_run("wf-1", PAINTING),
        "04_run_all_options": lambda client: client.async_run("wf-1", NESTED, **OPTIONS),
        "09_prediction_wait": waiting_in_a_blocking_client,
    }

    async def main() -> Any:
        async with Client(KEY, SECRET, HOST, clock=lambda: NOW, nonce=lambda: NONCE) as client:
            return await calls[name](client)

    with replayed(name) as told:
        assert as_recorded(asyncio.run(main())) == told.outcome


async def waiting_in_a_blocking_client(client: Any) -> Any:
    prediction = await client.predictions.async_create("wf-1", {"a": 1})
    assert await prediction.async_wait(1.0) is prediction
    return prediction


# --- golden samples in which nothing was sent -------------------------------------------------------------------------


def test_raw_bytes_are_refused(mode: str):  # 33
    with pytest.raises(ValueError, match=r"simstudio\.File\(content, name="):
        run(mode, lambda client: client.files.create(b"abc"))


def test_a_file_beyond_the_limit_of_base64_is_refused(mode: str, here: Path):  # 50
    def too_big(client: Any) -> Any:
        return client.predictions.create("wf", {"image": Path("big.bin")}, file_encoding_strategy="base64")

    with pytest.raises(InvalidInputError, match="1,048,577 bytes; base64 takes files up to 1,048,576"):
        run(mode, too_big)


@pytest.mark.parametrize(("given", "variable"), [({}, "SPEEDPIX_APP_KEY"), ({"app_key": "k"}, "SPEEDPIX_APP_SECRET")])
def test_a_missing_key_is_named_by_its_variable(given: dict[str, Any], variable: str):  # 74
    with pytest.raises(ValueError, match=variable) as caught:
        Client(**given)

    assert isinstance(caught.value, ConfigurationError)


def test_the_environment_configures_a_client(monkeypatch: pytest.MonkeyPatch):  # 75
    monkeypatch.setenv("SPEEDPIX_APP_KEY", "env-key")
    monkeypatch.setenv("SPEEDPIX_APP_SECRET", "env-secret")
    monkeypatch.setenv("SPEEDPIX_ENDPOINT", "http://127.0.0.1:18102")

    client = Client()

    assert (client.endpoint, client.app_key, client.timeout) == ("http://127.0.0.1:18102", "env-key", 30.0)


def test_the_endpoint_is_the_service_s_own_by_default():  # 76
    assert Client(KEY, SECRET).endpoint == "https://openai.edu-aliyun.com"
