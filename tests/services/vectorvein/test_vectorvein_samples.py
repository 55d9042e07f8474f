"""Every golden sample: our clients, driven with the sample's call, send the same and give the same.

What our requests have otherwise on purpose is one thing: ``wait_for_completion`` is false, because a server that waits
may keep a run's id for longer than the call lasts (``told_not_to_wait``).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from simstudio import ConfigurationError, InvalidInputError
from simstudio.core.model import Model
from simstudio.services.vectorvein import (
    AccessKeyError,
    APIKeyError,
    AttachmentDetail,
    RequestError,
    TaskInfo,
    VectorVeinAPIError,
    VectorVeinClient,
    WorkflowRunResult,
)
from simstudio.services.vectorvein.client import DEFAULT_TIMEOUT
from tests.services.vectorvein.helpers import (
    FIELDS,
    KEY,
    WID,
    Canned,
    Clock,
    Sample,
    Spy,
    new_client,
    playing,
    run,
    samples,
    told_not_to_wait,
)

Call = Callable[[Any], Any]

CALLS: dict[str, Call] = {
    "02_run_nowait": lambda c: c.run_workflow(WID, FIELDS, wait_for_completion=False),
    "03_run_wait": lambda c: c.run_workflow(WID, FIELDS, "all", wait_for_completion=True, timeout=30),
    "11_check_status_running": lambda c: c.check_workflow_status("rid-1"),
    "12_check_status_done": lambda c: c.check_workflow_status("rid-1"),
    "13_async_run_wait": lambda c: c.run_workflow(WID, FIELDS, wait_for_completion=True),
    "14_ak_get": lambda c: c.get_access_keys(["A", "B"]),
    "15_ak_get_all": lambda c: c.get_access_keys(get_type="all"),
    "16_ak_create_min": lambda c: c.create_access_keys(
        "L", app_id="app-1", count=1, max_credits=500, description="测试密钥"
    ),
    "17_ak_create_full": lambda c: c.create_access_keys(
        "M", app_ids=["a", "b"], count=2, expire_time="2030-01-01", max_credits=0, max_use_count=3
    ),
    "20_ak_list": lambda c: c.list_access_keys(),
    "21_ak_list_filters": lambda c: c.list_access_keys(2, 5, "use_count", "ascend", "app-1", ["AC", "EX"], "L"),
    "22_ak_update": lambda c: c.update_access_keys(access_key="A", description="更新的描述"),
    "23_ak_update_full": lambda c: c.update_access_keys(
        access_keys=["A", "B"],
        app_ids=["x"],
        expire_time="2030-01-01",
        max_use_count=0,
        max_credits=0,
        access_key_type="M",
    ),
    "25_ak_delete": lambda c: c.delete_access_keys("app-1", ["A", "B"]),
    "26_ak_add_apps": lambda c: c.add_apps_to_access_keys(["A"], ["x", "y"]),
    "27_ak_remove_apps": lambda c: c.remove_apps_from_access_keys(["A"], ["x"]),
    "42_vapp_run_nowait": lambda c: c.run_workflow(WID, FIELDS, api_key_type="VAPP"),
    "43_vapp_run_wait": lambda c: c.run_workflow(WID, FIELDS, wait_for_completion=True, api_key_type="VAPP"),
    "45_create_workflow_defaults": lambda c: c.create_workflow(),
    "46_create_workflow_full": lambda c: c.create_workflow(
        "T", "B", ["http://i"], [{"tid": "t"}], {"nodes": [{"id": 1}], "edges": []}, "en-US", {"x": 1}, "w-0"
    ),
    "49_upload_bytesio": lambda c: c.upload_file(io.BytesIO(b"abc")),
    "50_upload_bytesio_named": lambda c: c.upload_file(io.BytesIO(b"abc"), filename="图.png"),
    "55_agent_get": lambda c: c.get_agent("ag-1"),
    "56_agent_list": lambda c: c.list_agents(search="s"),
    "57_agent_update": lambda c: c.update_agent("ag-1", name="", shared=False),
    "58_agent_delete": lambda c: c.delete_agent("ag-1"),
    "60_agent_duplicate": lambda c: c.duplicate_agent("ag-1", add_templates=True),
    "61_task_create_min": lambda c: c.create_agent_task(TaskInfo("x"), "ag-1"),
    "63_task_get": lambda c: c.get_agent_task("tk-1"),
    "64_task_list": lambda c: c.list_agent_tasks(status=["running"], agent_id="ag-1", search="s"),
    "66_task_update_share": lambda c: c.update_agent_task_share("tk-1", True, False, {"a": 1}),
    "67_task_get_shared": lambda c: c.get_shared_agent_task("tk-1"),
    "68_task_public_shared": lambda c: c.list_public_shared_agent_tasks(),
    "69_task_continue": lambda c: c.continue_agent_task("tk-1", "more", [AttachmentDetail("a", "http://a")]),
    "70_task_pause": lambda c: c.pause_agent_task("tk-1"),
    "72_task_delete": lambda c: c.delete_agent_task("tk-1"),
    "73_cycle_list": lambda c: c.list_agent_cycles("tk-1"),
    "74_cycle_get": lambda c: c.get_agent_cycle("c-1"),
    "75_ws_list": lambda c: c.list_agent_workspaces(),
    "76_ws_get": lambda c: c.get_agent_workspace("ws-1"),
    "78_ws_read": lambda c: c.read_workspace_file("ws-1", "a.txt", 1, 5),
    "79_ws_download": lambda c: c.download_workspace_file("ws-1", "a.txt"),
    "80_ws_write": lambda c: c.write_workspace_file("ws-1", "a.txt", "内容"),
    "81_ws_delete": lambda c: c.delete_workspace_file("ws-1", "a.txt"),
}
"""Calls that give something."""

FAILING: dict[str, tuple[Call, type[Exception], int | None]] = {
    "18_ak_create_both": (lambda c: c.create_access_keys("L", "app", ["app"]), AccessKeyError, None),
    "19_ak_create_bad_type": (lambda c: c.create_access_keys("X"), AccessKeyError, None),
    "28_ak_get_404": (lambda c: c.get_access_keys(["A"]), AccessKeyError, 404),
    "30_ak_create_http_404": (lambda c: c.create_access_keys("L", app_id="a"), AccessKeyError, 404),
    "32_error_401_envelope": (lambda c: c.run_workflow(WID, FIELDS), APIKeyError, 401),
    "33_error_401_http": (lambda c: c.run_workflow(WID, FIELDS), APIKeyError, 401),
    "34_error_500_envelope": (lambda c: c.run_workflow(WID, FIELDS), VectorVeinAPIError, 500),
    "44_vapp_check_needs_wid": (
        lambda c: c.check_workflow_status("rid-1", api_key_type="VAPP"),
        VectorVeinAPIError,
        None,
    ),
}
"""Calls that fail, as what, and with which ``status_code``."""

ELSEWHERE = {
    "01_vapp_url_vectors": "test_vectorvein_vapp",
    "38_error_connect": "below",
    "40_bad_key_empty": "below",
    "41_bad_key_type": "below",
    "42_client_defaults": "below",
    "52_upload_async": "below",
    "54_agent_create_full": "below",
    "82_client_defaults": "below",
}

GOLDEN = {name: sample for name, sample in samples().items() if sample.use == "golden"}


def short(name: str) -> str:
    return name.partition("/")[2]


def same(ours: Any, theirs: Any) -> bool:
    """Whether a result says all that the sample's says: its records as records of that name, the rest equal."""
    if isinstance(theirs, dict) and isinstance(ours, Model):
        named = theirs.get("__type__", type(ours).__name__) == type(ours).__name__
        return named and all(same(getattr(ours, name), value) for name, value in theirs.items() if name != "__type__")
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs


def test_every_golden_sample_is_driven():
    assert {short(name) for name in GOLDEN} == {*CALLS, *FAILING, *ELSEWHERE}


@pytest.mark.parametrize("name", [name for name in GOLDEN if short(name) in CALLS])
def test_a_call_sends_and_gives_what_the_sample_does(name: str, mode: str, clock: Clock):
    sample = told_not_to_wait(GOLDEN[name])
    spy = Spy()

    with playing(sample):
        result = run(new_client(mode, middleware=[spy]), CALLS[short(name)])

    assert same(result, sample.outcome["returned"]), result
    assert_headers(spy, sample)


def assert_headers(spy: Spy, sample: Sample) -> None:
    """The headers that matter, of each request; of a multipart body the boundary is random."""
    assert len(spy.headers) == len(sample.interactions)
    for sent, each in zip(spy.headers, sample.interactions, strict=True):
        recorded = {name.lower(): value for name, (value,) in each["request"]["headers"].items()}
        assert sent["vectorvein-api-key"] == KEY
        for header in ("vectorvein-api-version", "vectorvein-api-key-type", "content-type"):
            assert sent.get(header, "").partition(";")[0] == recorded.get(header, "").partition(";")[0]


@pytest.mark.parametrize("name", [name for name in GOLDEN if short(name) in FAILING])
def test_a_call_fails_as_the_sample_does(name: str, mode: str):
    sample = GOLDEN[name]
    call, kind, status_code = FAILING[short(name)]
    words = [json.loads(each["response"]["body"]["string"])["msg"] for each in sample.interactions]

    with playing(sample), pytest.raises(kind) as caught:
        run(new_client(mode), call)

    if sample.file.parent.name == "newest":  # the seed hid the envelope of an HTTP error (defect 6)
        assert sample.outcome["raised"]["type"].endswith(f".{kind.__name__}")
    assert caught.value.status_code == status_code
    for said in words:
        assert said in str(caught.value)


def test_the_upload_of_a_path_sends_its_base_name(mode: str, tmp_path: Any):
    file = tmp_path / "a.txt"
    file.write_bytes(b"hello file a\n")

    with playing(GOLDEN["newest/52_upload_async"]):
        result = run(new_client(mode), lambda client: client.upload_file(str(file)))

    assert same(result, GOLDEN["newest/52_upload_async"].outcome["returned"])


def test_an_agent_can_still_have_what_version_0_3_68_gave_it(mode: str):
    sample = GOLDEN["newest/54_agent_create_full"]
    (exchange,) = sample.interactions
    server = Canned([json.loads(exchange["response"]["body"]["string"])])

    agent = server.run(
        mode,
        lambda client: client.create_agent(
            "N",
            "http://a",
            "d",
            "S",
            default_model_name="m",
            default_backend_type="b",
            default_max_cycles=5,
            default_allow_interruption=False,
            default_use_workspace=False,
            default_compress_memory_after_characters=1000,
            available_workflow_ids=["w"],
            available_template_ids=["tp"],
            shared=True,
            is_public=True,
            is_official=True,
            official_order=3,
        ),
    )

    sent = {**json.loads(exchange["request"]["body"]), "default_compress_memory_after_tokens": 128000}
    assert server.bodies == [sent]
    assert same(agent, sample.outcome["returned"])


def test_a_closed_port_is_a_request_error(mode: str, unused_tcp_port: int):
    with pytest.raises(RequestError, match="Request failed"):
        run(
            new_client(mode, base_url=f"http://127.0.0.1:{unused_tcp_port}/api"),
            lambda client: client.run_workflow(WID, FIELDS),
        )


@pytest.mark.parametrize("key", ["", 123])
def test_an_empty_key_or_one_that_is_no_text_is_an_api_key_error(key: Any, mode: str):
    with pytest.raises(APIKeyError, match="API key cannot be empty") as caught:
        new_client(mode, api_key=key)

    assert isinstance(caught.value, ConfigurationError)


def test_the_defaults_are_those_of_the_newest_package():
    newest = samples()["newest/82_client_defaults"].told
    client = VectorVeinClient(KEY)

    assert client.base_url == newest["default_base_url"]
    assert newest["http_timeout"] == f"Timeout(timeout={DEFAULT_TIMEOUT:g})"


def test_the_state_of_a_run_is_also_the_mapping_that_the_seed_gave(mode: str):
    sample = GOLDEN["seed/12_check_status_done"]

    with playing(sample):
        state = run(new_client(mode), CALLS["12_check_status_done"])

    assert isinstance(state, WorkflowRunResult)
    assert state == sample.outcome["returned"]
    assert state["status"] == 200


def test_what_cannot_be_sent_is_an_invalid_input_too(mode: str):
    with pytest.raises(InvalidInputError):
        run(new_client(mode), FAILING["19_ak_create_bad_type"][0])
