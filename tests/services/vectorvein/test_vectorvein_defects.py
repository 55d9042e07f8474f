"""The defects of VectorVein's own package that must not come back, by their numbers in its reference.

Where a sample recorded one, its canned replies are what our client gets here.
"""

from __future__ import annotations

import builtins
import inspect
import json
import subprocess
import sys
from typing import Any

import pytest

import simstudio
from simstudio import ConfigurationError, InvalidInputError, InvalidResponseError
from simstudio.services import vectorvein
from simstudio.services.vectorvein import (
    AccessKey,
    AccessKeyError,
    AgentDefinition,
    AgentSettings,
    APIKeyError,
    AsyncVectorVeinClient,
    AttachmentDetail,
    OssAttachmentDetail,
    RequestError,
    TaskInfo,
    VApp,
    VectorVeinAPIError,
    VectorVeinClient,
    WorkflowError,
)
from tests.modes import both_modes
from tests.services.vectorvein.helpers import (
    BASE_URL,
    FIELDS,
    KEY,
    OUTPUTS,
    WID,
    Canned,
    Clock,
    Sample,
    envelope,
    new_client,
    playing,
    run,
    samples,
    told_not_to_wait,
)

RUNNING = envelope([], 202, "running")
STARTED = envelope({"rid": "rid-1"}, 202, "running")
TESTED: set[str] = set()


def defect(name: str) -> list[Any]:
    """The samples of a defect, of both versions, as they are to be played."""
    found = [sample for sample in samples().values() if sample.use == "defect" and sample.file.stem == name]
    assert found
    TESTED.update(sample.name for sample in found)
    return [pytest.param(told_not_to_wait(sample), id=sample.name) for sample in found]


def wait(client: Any) -> Any:
    return client.run_workflow(WID, FIELDS, wait_for_completion=True, timeout=7)


def start(client: Any) -> Any:
    return client.run_workflow(WID, FIELDS)


# --- 1: a fixed sleep of 5 s, not cut to the limit ------------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("04_run_wait_timeout"))
def test_1_a_wait_ends_at_its_limit_and_not_at_the_next_multiple_of_five_seconds(
    sample: Sample, mode: str, clock: Clock
):
    started, running = (json.loads(each["response"]["body"]["string"]) for each in sample.interactions[:2])
    server = Canned([started, running])

    with pytest.raises(vectorvein.TimeoutError, match="rid-1 was not done within 7 s") as caught:
        server.run(mode, wait)

    assert clock.now == pytest.approx(7.0)
    assert caught.value.rid == "rid-1"


def test_1_a_wait_stays_far_below_sixty_calls_a_minute(mode: str, clock: Clock):
    server = Canned([STARTED, RUNNING])

    with pytest.raises(vectorvein.TimeoutError):
        server.run(mode, lambda client: client.workflows.run(WID, FIELDS, timeout=60))

    assert len(server.requests) <= 15


def test_1_a_quick_run_is_not_waited_for_five_seconds(mode: str, clock: Clock):
    server = Canned([STARTED, RUNNING, envelope(OUTPUTS)])

    server.run(mode, wait)

    assert clock.slept == [1.5]


# --- 2: outputs decoded while there are none ------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [*defect("08_run_wait_202_null_data"), *defect("09_run_wait_202_dict_data")])
def test_2_a_run_is_still_running_whatever_its_data_holds(sample: Sample, mode: str, clock: Clock):
    replies = [json.loads(each["response"]["body"]["string"]) for each in sample.interactions]

    result = Canned([*replies, envelope(OUTPUTS)]).run(mode, wait)

    assert result.rid == "rid-1"
    assert [output.value for output in result.data] == ["v", ["http://x/y.mp3"]]


@pytest.mark.parametrize("data", [None, {}, {"progress": 10}, "soon", 3, [], [1], [{"type": 5}]])
def test_2_a_state_that_runs_is_given_whatever_its_data_holds(data: Any, mode: str):
    state = Canned([envelope(data, 202, "running")]).run(mode, lambda client: client.check_workflow_status("rid-1"))

    assert not state.done
    assert state.to_dict()["data"] == data


@pytest.mark.parametrize(
    ("data", "values"),
    [(OUTPUTS, ["v", ["http://x/y.mp3"]]), (None, []), ([], []), (OUTPUTS[0], ["v"])],
    ids=["list", "null", "empty", "object"],
)
def test_2_a_run_that_is_done_may_have_a_list_of_outputs_or_one_or_none(data: Any, values: list[Any], mode: str):
    state = Canned([envelope(data)]).run(mode, lambda client: client.check_workflow_status("rid-1"))

    assert [output.value for output in state.data] == values


# --- 3: a failed run is no WorkflowError ----------------------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("07_run_wait_failed_500"))
def test_3_a_failed_run_is_a_workflow_error_with_its_id_and_the_servers_words(sample: Sample, mode: str, clock: Clock):
    with playing(sample), pytest.raises(WorkflowError) as caught:
        run(new_client(mode), wait)

    error = caught.value
    assert (error.rid, error.task_id, error.status_code, error.msg) == ("rid-1", "rid-1", 500, "node failed")
    assert "node failed" in str(error)
    assert error.result.status == 500
    assert isinstance(error, simstudio.JobFailedError)
    assert isinstance(error, simstudio.ExecutionError)


def test_3_what_a_failed_run_left_is_on_the_error(mode: str, clock: Clock):
    partial = [{"type": "Text", "title": "so far", "value": 1}]

    with pytest.raises(WorkflowError) as caught:
        Canned([STARTED, envelope(partial, 500, "node failed")]).run(mode, wait)

    assert caught.value.data == partial
    assert caught.value.result.data[0].title == "so far"


# --- 4: no rid; outputs at once -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("06_run_wait_no_rid"))
def test_4_outputs_without_a_rid_are_given_and_nothing_is_asked_with_an_empty_one(
    sample: Sample, mode: str, clock: Clock
):
    with playing(sample, requests=1):
        result = run(new_client(mode), wait)

    assert [output.value for output in result.data] == ["v", ["http://x/y.mp3"]]
    assert result.rid == ""


@pytest.mark.parametrize("sample", defect("05_run_wait_immediate_result"))
def test_4_outputs_that_come_at_once_are_not_asked_for_again(sample: Sample, mode: str, clock: Clock):
    with playing(sample, requests=1):
        result = run(new_client(mode), wait)

    assert (result.rid, result.status, len(result.data)) == ("rid-9", 200, 2)


@pytest.mark.parametrize("data", [None, {}, [], {"rid": ""}, {"rid": None}, "rid-1"])
@pytest.mark.parametrize("status", [200, 202])
def test_4_an_answer_without_a_rid_is_a_clear_error_and_is_not_polled(data: Any, status: int, mode: str, clock: Clock):
    server = Canned([envelope(data, status)])

    with pytest.raises(InvalidResponseError, match="no rid") as caught:
        server.run(mode, start)

    assert isinstance(caught.value, RequestError)
    assert caught.value.data == data
    assert server.paths == ["workflow/run"]


# --- 5: a server that waits keeps the rid ---------------------------------------------------------------------------


@pytest.mark.parametrize("script", [wait, start])
def test_5_the_server_is_never_asked_to_wait(script: Any, mode: str, clock: Clock):
    server = Canned([STARTED, envelope(OUTPUTS)])

    server.run(mode, script)

    assert server.bodies[0]["wait_for_completion"] is False


# --- 6: answers that are no envelope --------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("36_error_no_status"))
def test_6_an_answer_without_a_status_is_a_clear_error_that_keeps_the_rid(sample: Sample, mode: str):
    with playing(sample), pytest.raises(InvalidResponseError, match="answered with no ") as caught:
        run(new_client(mode), start)

    assert caught.value.task_id == "x"
    assert caught.value.details == {"data": {"rid": "x"}}


@pytest.mark.parametrize("sample", defect("37_error_http_429"))
def test_6_a_429_without_an_envelope_is_a_rate_limit_error(sample: Sample, mode: str):
    with playing(sample), pytest.raises(simstudio.RateLimitError, match="rate limit") as caught:
        run(new_client(mode), start)

    assert isinstance(caught.value, RequestError)
    assert caught.value.status_code == 429


@pytest.mark.parametrize("sample", defect("35_error_http_500_html"))
def test_6_the_html_of_a_proxy_is_a_server_error(sample: Sample, mode: str):
    with playing(sample), pytest.raises(simstudio.ServerError, match="HTTP 502") as caught:
        run(new_client(mode), start)

    assert isinstance(caught.value, RequestError)
    assert caught.value.status_code == 502


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_6_the_envelope_of_an_http_error_is_read(status: int, mode: str):
    with pytest.raises(VectorVeinAPIError, match="the server's words") as caught:
        Canned([(status, envelope(None, status, "the server's words"))]).run(mode, start)

    assert (caught.value.status_code, caught.value.msg) == (status, "the server's words")


@pytest.mark.parametrize("reply", [(429, {"detail": "slow down"}), (200, envelope(None, 429, "slow down"))])
def test_6_retry_after_is_honoured(reply: Any, mode: str):
    with pytest.raises(simstudio.RateLimitError, match="Wait 7 s") as caught:
        Canned([(*reply, {"Retry-After": "7"})]).run(mode, start)

    assert caught.value.retry_after == 7.0


def test_6_a_wait_bears_a_429_and_asks_again_when_it_may(mode: str, clock: Clock):
    limited = (429, envelope(None, 429, "slow down"), {"Retry-After": "4"})

    result = Canned([STARTED, limited, envelope(OUTPUTS)]).run(mode, wait)

    assert result.succeeded
    assert clock.slept == [4.0]


# --- 7: errors without a code; 401 and 403 merged -------------------------------------------------------------------


def test_7_a_bad_key_has_a_status_code_and_the_servers_words(mode: str):
    with pytest.raises(APIKeyError, match="your key ended") as caught:
        Canned([envelope(None, 401, "your key ended")]).run(mode, start)

    assert caught.value.status_code == 401
    assert isinstance(caught.value, simstudio.AuthenticationError)


@pytest.mark.parametrize("call", [start, lambda client: client.list_access_keys()], ids=["run", "access keys"])
@pytest.mark.parametrize(
    ("msg", "is_key"),
    [("API key expired", True), ("Invalid Api Key", True), ("身份认证信息未提供", True), ("no credits left", False)],
)
def test_7_a_403_is_about_the_key_only_if_its_message_is(msg: str, is_key: bool, call: Any, mode: str):
    with pytest.raises(simstudio.PermissionDeniedError, match=msg) as caught:
        Canned([envelope(None, 403, msg)]).run(mode, call)

    assert caught.value.status_code == 403
    assert isinstance(caught.value, APIKeyError) is is_key
    assert not isinstance(caught.value, simstudio.AuthenticationError)


@pytest.mark.parametrize("sample", defect("29_ak_get_403"))
def test_7_an_expired_access_key_is_not_reported_as_a_bad_api_key(sample: Sample, mode: str):
    with playing(sample), pytest.raises(AccessKeyError, match="expired") as caught:
        run(new_client(mode), lambda client: client.get_access_keys(["A"]))

    assert caught.value.status_code == 403
    assert isinstance(caught.value, simstudio.PermissionDeniedError)
    assert not isinstance(caught.value, APIKeyError)


# --- 8: unknown fields, missing fields, records left as dicts -------------------------------------------------------


@pytest.mark.parametrize("sample", defect("10_run_wait_extra_output_key"))
def test_8_an_output_may_have_a_field_that_nobody_knew(sample: Sample, mode: str):
    with playing(sample):
        state = run(new_client(mode), lambda client: client.check_workflow_status("rid-1"))

    assert state.data[0].extra == {"node_id": "n"}


@pytest.mark.parametrize("sample", defect("31_ak_unknown_field"))
def test_8_an_access_key_may_have_a_field_that_nobody_knew(sample: Sample, mode: str):
    with playing(sample):
        (key,) = run(new_client(mode), lambda client: client.get_access_keys(["A"]))

    assert key.extra == {"new_field": 1}
    assert key["new_field"] == 1


NEW = {"new_field": {"x": 1}}
RECORDS: dict[str, tuple[Any, Any]] = {
    "create_access_keys": ([{"access_key": "a", **NEW}], lambda c: c.create_access_keys("L")),
    "create_workflow": ({"wid": "w", **NEW}, lambda c: c.create_workflow()),
    "get_agent": ({"agent_id": "a", **NEW}, lambda c: c.get_agent("a")),
    "get_agent_cycle": ({"cycle_id": "c", **NEW}, lambda c: c.get_agent_cycle("c")),
    "get_agent_task": ({"task_id": "t", **NEW}, lambda c: c.get_agent_task("t")),
    "get_agent_workspace": ({"workspace_id": "w", **NEW}, lambda c: c.get_agent_workspace("w")),
    "list_workspace_files": ({"files": [{"key": "a", **NEW}], **NEW}, lambda c: c.list_workspace_files("w")),
    "read_workspace_file": ({"content": "x", **NEW}, lambda c: c.read_workspace_file("w", "a")),
}


@pytest.mark.parametrize("name", RECORDS)
def test_8_a_record_with_new_fields_and_without_all_but_its_id_is_still_a_record(name: str, mode: str):
    data, call = RECORDS[name]

    found = Canned([envelope(data)]).run(mode, call)
    record = found[0] if isinstance(found, list) else found

    assert record.extra == NEW


def test_8_nested_records_are_records(mode: str):
    app = {"app_id": "a"}
    key = {"access_key": "k", "v_app": app, "v_apps": [app]}
    replies = [
        envelope({"access_keys": [key], "total": 1, "page_size": 10, "page": 1}),
        envelope({"cycles": [{"cycle_id": "c"}], "total": 1}),
        envelope({"content": "x", "file_info": {"key": "a.txt", "size": 1}}),
    ]

    def script(client: Any) -> Any:
        keys = yield client.list_access_keys()
        cycles = yield client.list_agent_cycles("t")
        content = yield client.read_workspace_file("w", "a.txt")
        return keys, cycles, content

    keys, cycles, content = Canned(replies).run(mode, script)

    assert isinstance(keys.access_keys[0], AccessKey)
    assert keys.access_keys[0].v_app == VApp("a")
    assert keys.access_keys[0].v_apps[0].app_id == "a"
    assert cycles.cycles[0].cycle_id == "c"
    assert content.file_info.size == 1


# --- 9: what is empty is taken for what is not given ----------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("24_ak_update_clear_description"))
def test_9_a_description_can_be_cleared(sample: Sample, mode: str):
    server = Canned([json.loads(sample.interactions[0]["response"]["body"]["string"])])

    server.run(mode, lambda client: client.update_access_keys(access_key="A", description=""))

    assert server.bodies == [{"access_key": "A", "description": ""}]


EMPTY: dict[str, tuple[Any, dict[str, Any]]] = {
    "create_access_keys": (
        lambda c: c.create_access_keys("L", app_ids=[], max_credits=0, max_use_count=0, description="", expire_time=""),
        {"app_ids": [], "max_credits": 0, "max_use_count": 0, "description": "", "expire_time": ""},
    ),
    "list_access_keys": (lambda c: c.list_access_keys(app_id="", status=[]), {"app_id": "", "status": []}),
    "update_access_keys": (
        lambda c: c.update_access_keys("A", app_ids=[], max_credits=0, max_use_count=0),
        {"app_ids": [], "max_credits": 0, "max_use_count": 0},
    ),
    "create_agent": (
        lambda c: c.create_agent("N", avatar="", description="", available_workflow_ids=[], available_template_ids=[]),
        {"avatar": "", "description": "", "available_workflow_ids": [], "available_template_ids": []},
    ),
    "update_agent": (
        lambda c: c.update_agent("a", name="", default_max_cycles=0, available_workflow_ids=[], shared=False),
        {"name": "", "default_max_cycles": 0, "available_workflow_ids": [], "shared": False},
    ),
    "list_public_agents": (
        lambda c: c.list_public_agents(search="", official=False),
        {"search": "", "official": False},
    ),
    "create_agent_task": (lambda c: c.create_agent_task("x", max_cycles=0, title=""), {"max_cycles": 0, "title": ""}),
    "list_agent_tasks": (lambda c: c.list_agent_tasks(status=[], search=""), {"status": [], "search": ""}),
    "update_agent_task_share": (
        lambda c: c.update_agent_task_share("t", shared=False, is_public=False, shared_meta={}),
        {"shared": False, "is_public": False, "shared_meta": {}},
    ),
    "continue_agent_task": (
        lambda c: c.continue_agent_task("t", "", attachments_detail=[]),
        {"message": "", "attachments_detail": []},
    ),
    "resume_agent_task": (lambda c: c.resume_agent_task("t", message=""), {"message": ""}),
    "read_workspace_file": (lambda c: c.read_workspace_file("w", "f", 0, 0), {"start_line": 0, "end_line": 0}),
    "write_workspace_file": (lambda c: c.write_workspace_file("w", "f", ""), {"content": ""}),
    "list_workspace_files": (lambda c: c.list_workspace_files("w", prefix=""), {"prefix": ""}),
    "run_workflow": (
        lambda c: c.run_workflow("w", [{"node_id": "n", "field_name": "f", "value": None}]),
        {"input_fields": [{"node_id": "n", "field_name": "f", "value": None}]},
    ),
}


@pytest.mark.parametrize("name", EMPTY)
def test_9_what_is_given_is_sent_however_empty(name: str, mode: str):
    call, sent = EMPTY[name]
    server = Canned([envelope(None, 500)])

    with pytest.raises(VectorVeinAPIError):
        server.run(mode, call)

    assert {field: server.bodies[0].get(field, "nothing") for field in sent} == sent


# --- 10: settings that nobody set -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("62_task_create_full"))
def test_10_only_the_settings_that_were_set_are_sent(sample: Sample, mode: str):
    request, response = sample.interactions[0]["request"], sample.interactions[0]["response"]
    server = Canned([json.loads(response["body"]["string"])])
    info = TaskInfo("do it", [AttachmentDetail("a", "http://a"), OssAttachmentDetail("b", "k")])
    definition = AgentDefinition("m", "b", "S", compress_memory_after_characters=1)

    server.run(
        mode,
        lambda client: client.create_agent_task(
            info,
            agent_definition_to_start=definition,
            agent_settings=AgentSettings(model_name="m2"),
            max_cycles=3,
            title="T",
        ),
    )

    body = json.loads(request["body"])
    body["agent_definition_to_start"] |= {"workspace_files": [], "sub_agent_ids": []}  # since version 0.3.91
    assert server.bodies == [{**body, "agent_settings": {"model_name": "m2"}}]


def test_10_a_setting_that_is_false_is_set(mode: str):
    server = Canned([envelope({"task_id": "t"})])

    server.run(mode, lambda client: client.create_agent_task("x", agent_settings=AgentSettings(use_workspace=False)))

    assert server.bodies[0]["agent_settings"] == {"use_workspace": False}


# --- 11: uploads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("48_upload_fileobj"))
def test_11_an_open_file_does_not_tell_where_it_lies(sample: Sample, mode: str, tmp_path: Any):
    server = Canned([json.loads(sample.interactions[0]["response"]["body"]["string"])])
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello file a\n")

    with path.open("rb") as file:
        server.run(mode, lambda client: client.upload_file(file))

    sent = server.requests[0].content
    assert b'filename="a.txt"' in sent
    assert str(tmp_path).encode() not in sent


@pytest.mark.parametrize("sample", defect("51_upload_pathlib"))
def test_11_a_path_is_uploaded_whole(sample: Sample, mode: str, tmp_path: Any):
    server = Canned([json.loads(sample.interactions[0]["response"]["body"]["string"])])
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello file a\n")

    result = server.run(mode, lambda client: client.upload_file(path))

    assert b"hello file a\n" in server.requests[0].content
    assert result.file_size == 13


# --- 12: VApp links: see also test_vectorvein_vapp ------------------------------------------------------------------


def test_12_a_key_of_another_length_is_a_clear_error_that_names_the_lengths():
    with pytest.raises(ConfigurationError, match="16, 24 or 32 bytes"):
        VectorVeinClient("YOUR_API_KEY").generate_vapp_url("app", "ak", "kid")


def test_12_everything_in_a_link_is_quoted():
    url = VectorVeinClient(KEY).generate_vapp_url("a/b ü", "ak", "k&id=1 ü", base_url="https://example.test/")

    assert url.startswith("https://example.test/public/v-app/a%2Fb%20%C3%BC?token=")
    assert url.endswith("&key_id=k%26id%3D1%20%C3%BC")


def test_12_a_colon_that_would_make_the_token_ambiguous_is_refused():
    with pytest.raises(InvalidInputError, match="':'"):
        VectorVeinClient(KEY).generate_vapp_url("app", "a:k", "kid")


# --- 13: slashes, closing, retries, pages, weight -------------------------------------------------------------------


@pytest.mark.parametrize("sample", defect("39_base_url_trailing_slash"))
@pytest.mark.parametrize("slashes", ["/", "///"])
def test_13_a_trailing_slash_of_the_base_address_is_not_doubled(slashes: str, sample: Sample, mode: str):
    server = Canned([json.loads(sample.interactions[0]["response"]["body"]["string"])])

    assert server.run(mode, start, base_url=BASE_URL + slashes) == "r"
    assert server.requests[0].url.path == "/api/v1/open-api/workflow/run"


@both_modes
def test_13_a_client_can_be_closed_and_says_so_afterwards(mode: str):
    def script(client: Any) -> Any:
        yield client.close()
        return (yield client.list_agents())

    with pytest.raises(ConfigurationError, match="closed"):
        Canned([envelope()]).run(mode, script)


def test_13_a_read_is_tried_again_after_a_server_error_and_a_write_is_not(mode: str, clock: Clock):
    page = envelope({"agents": [], "total": 0})
    reading = Canned([(503, b""), (503, b""), page])
    writing = Canned([(503, b""), envelope()])

    reading.run(mode, lambda client: client.list_agents(), max_retries=2)
    with pytest.raises(simstudio.ServerError):
        writing.run(mode, lambda client: client.delete_agent("a"), max_retries=2)

    assert (len(reading.requests), len(writing.requests)) == (3, 1)


def test_13_a_run_that_may_have_started_is_never_started_again(mode: str, clock: Clock):
    server = Canned([(502, b""), STARTED])

    with pytest.raises(simstudio.ServerError):
        server.run(mode, start, max_retries=5)

    assert len(server.requests) == 1


def test_13_there_is_a_helper_for_pages():
    client = VectorVeinClient(KEY)

    for resource in (client.access_keys, client.agents, client.agent_tasks, client.workspaces):
        assert callable(resource.iterate)


def test_13_only_the_link_needs_more_than_the_core():
    code = (
        "import sys, simstudio.services.vectorvein\n"
        "heavy = {'cryptography', 'httpx', 'numpy', 'starlette', 'uvicorn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# --- 14: two copies of everything -----------------------------------------------------------------------------------


def test_14_both_clients_are_made_of_one_definition():
    names = [name for name in dir(VectorVeinClient) if not name.startswith("_")]

    for name in names:
        if name in ("close", "with_raw_response"):
            continue
        ours, theirs = (inspect.getattr_static(kind, name) for kind in (VectorVeinClient, AsyncVectorVeinClient))
        assert ours is theirs


def test_14_a_link_is_no_coroutine():
    assert not inspect.iscoroutinefunction(AsyncVectorVeinClient(KEY).generate_vapp_url)


# --- 15: TimeoutError -----------------------------------------------------------------------------------------------


def test_15_the_timeout_error_is_the_builtin_one_too():
    assert issubclass(vectorvein.TimeoutError, builtins.TimeoutError)
    assert issubclass(vectorvein.TimeoutError, simstudio.JobTimeoutError)
    assert issubclass(vectorvein.TimeoutError, VectorVeinAPIError)


def test_every_defect_sample_is_tested():
    assert {name for name, sample in samples().items() if sample.use == "defect"} == TESTED
