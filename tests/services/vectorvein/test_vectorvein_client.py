"""The clients: signatures, life, clones, pickles, and what they never show."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import logging
import pickle
from pathlib import Path
from typing import Any

import httpx
import pytest

import simstudio
from simstudio import ConfigurationError
from simstudio.sandbox.services.vectorvein import VectorVeinServer
from simstudio.services import vectorvein
from simstudio.services.vectorvein import (
    AccessKey,
    AsyncVectorVeinClient,
    VApp,
    VectorVeinClient,
    WorkflowInputField,
    WorkflowOutput,
    WorkflowRunResult,
)
from tests.modes import both_modes
from tests.scripts import reached
from tests.services.vectorvein.helpers import (
    BASE_URL,
    FIELDS,
    KEY,
    OUTPUTS,
    WID,
    Canned,
    Clock,
    envelope,
    new_client,
    run,
)

STARTED = envelope({"rid": "rid-1"})
FLAT = {
    "check_workflow_status": "workflows.status",
    "create_workflow": "workflows.create",
    "get_workflow": "workflows.get",
    "list_workflows": "workflows.list",
    "update_workflow": "workflows.update",
    "delete_workflow": "workflows.delete",
    "run_workflow_template": "workflows.run_template",
    "stop_workflow_run": "workflows.stop",
    "resume_workflow_run": "workflows.resume",
    "get_workflow_run_record": "run_records.get",
    "list_workflow_run_records": "run_records.list",
    "stop_workflow_run_record": "run_records.stop",
    "delete_workflow_run_record": "run_records.delete",
    "get_workflow_run_schedule": "run_schedules.get",
    "list_workflow_run_schedules": "run_schedules.list",
    "update_workflow_run_schedule": "run_schedules.update",
    "delete_workflow_run_schedule": "run_schedules.delete",
    "get_workflow_template": "workflow_templates.get",
    "list_workflow_templates": "workflow_templates.list",
    "validate_api_key": "user.validate_api_key",
    "get_user_info": "user.get",
    "get_access_keys": "access_keys.get",
    "create_access_keys": "access_keys.create",
    "list_access_keys": "access_keys.list",
    "delete_access_keys": "access_keys.delete",
    "update_access_keys": "access_keys.update",
    "add_apps_to_access_keys": "access_keys.add_apps",
    "remove_apps_from_access_keys": "access_keys.remove_apps",
    "upload_file": "files.upload",
    "create_agent": "agents.create",
    "get_agent": "agents.get",
    "list_agents": "agents.list",
    "update_agent": "agents.update",
    "delete_agent": "agents.delete",
    "list_public_agents": "agents.list_public",
    "duplicate_agent": "agents.duplicate",
    "create_agent_task": "agent_tasks.create",
    "get_agent_task": "agent_tasks.get",
    "list_agent_tasks": "agent_tasks.list",
    "delete_agent_task": "agent_tasks.delete",
    "respond_to_agent_task": "agent_tasks.respond",
    "update_agent_task_share": "agent_tasks.update_share",
    "get_shared_agent_task": "agent_tasks.get_shared",
    "list_public_shared_agent_tasks": "agent_tasks.list_public_shared",
    "continue_agent_task": "agent_tasks.continue_",
    "pause_agent_task": "agent_tasks.pause",
    "resume_agent_task": "agent_tasks.resume",
    "batch_delete_agent_tasks": "agent_tasks.delete_many",
    "add_pending_message": "agent_tasks.add_pending_message",
    "list_agent_cycles": "agent_cycles.list",
    "get_agent_cycle": "agent_cycles.get",
    "list_agent_workspaces": "workspaces.list",
    "get_agent_workspace": "workspaces.get",
    "list_workspace_files": "workspaces.list_files",
    "read_workspace_file": "workspaces.read_file",
    "download_workspace_file": "workspaces.download_file",
    "write_workspace_file": "workspaces.write_file",
    "delete_workspace_file": "workspaces.delete_file",
    "zip_workspace_files": "workspaces.zip_files",
    "sync_workspace_container_to_oss": "workspaces.sync_container",
}
OFFICIAL: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("official_signatures.json").read_text(encoding="utf-8")
)
"""Parameters of the methods of VectorVein's own packages, in order, with their defaults (``␠`` is a space)."""


def found(client: Any, path: str) -> Any:
    for part in path.split("."):
        client = getattr(client, part)
    return client


# --- signatures -----------------------------------------------------------------------------------------------------


@both_modes
@pytest.mark.parametrize("name", FLAT)
def test_a_flat_method_is_that_of_a_namespace(name: str, mode: str):
    client = new_client(mode)
    flat, other = getattr(client, name), found(client, FLAT[name])

    assert inspect.signature(flat) == inspect.signature(other)
    assert flat.__doc__ == other.__doc__
    assert flat.__name__ == name
    assert inspect.iscoroutinefunction(flat) == (mode == "async")


CHANGED = {"create_agent", "update_agent"}
"""Methods whose parameters version 0.3.91 has in another order than 0.3.68; ours have the newer one."""


@pytest.mark.parametrize("package", OFFICIAL)
def test_methods_take_their_arguments_by_position_in_the_official_order(package: str, mode: str):
    client = new_client(mode)
    for name, text in OFFICIAL[package].items():
        official = [parameter.replace("␠", " ") for parameter in text.split()]
        parameters = inspect.signature(getattr(client, name)).parameters.values()
        ours = [_shown(each) for each in parameters if each.kind is not each.KEYWORD_ONLY]
        if package == "vectorvein 0.3.68" and name in CHANGED:
            assert {each.partition("=")[0] for each in official} <= {each.name for each in parameters}, name
        elif package == "vectorvein 0.2.1" and name == "run_workflow":  # its timeout: see the test of its positions
            assert ours[:4] == official[:4]
        else:
            assert ours[: len(official)] == official, name


def _shown(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"


def test_every_flat_method_is_compared_with_an_official_one():
    assert {*FLAT, "run_workflow", "generate_vapp_url"} == {name for methods in OFFICIAL.values() for name in methods}


@pytest.mark.parametrize("method", ["create_agent", "update_agent"])
def test_a_position_of_the_older_package_that_means_something_else_today_is_refused(method: str, mode: str):
    server = Canned([envelope()])

    with pytest.raises(simstudio.InvalidInputError, match="usage_hint must be a mapping"):
        server.run(mode, lambda client: getattr(client, method)("n", "a", "d", "s", "m", "b"))

    assert server.requests == []


@pytest.mark.parametrize(
    "script",
    [
        lambda c: c.run_workflow(WID, FIELDS, "all", True, 0.5),
        lambda c: c.run_workflow(WID, FIELDS, "all", True, "WORKFLOW", 0.5),
        lambda c: c.run_workflow(WID, FIELDS, "all", True, timeout=0.5),
        lambda c: c.run_workflow(WID, FIELDS, "all", True, None, 0.5),
        lambda c: c.run_workflow(WID, FIELDS, "all", True, 0.5, "WORKFLOW"),
    ],
    ids=["seed", "newest", "by name", "no kind of key", "the other way round"],
)
def test_running_takes_the_positions_of_the_seed_and_of_the_newest_package(script: Any, mode: str, clock: Clock):
    server = Canned([STARTED, envelope([], 202)])

    with pytest.raises(vectorvein.TimeoutError, match=r"within 0\.5 s"):
        server.run(mode, script)

    assert "vectorvein-api-key-type" not in server.requests[0].headers


def test_a_vapps_key_says_so_in_each_request_of_a_run(mode: str, clock: Clock):
    server = Canned([STARTED, envelope(OUTPUTS)])

    server.run(mode, lambda client: client.run_workflow(WID, FIELDS, "all", True, "VAPP", 30))

    assert [request.headers["vectorvein-api-key-type"] for request in server.requests] == ["VAPP", "VAPP"]
    assert server.bodies[1] == {"rid": "rid-1", "wid": WID}


def test_a_workflow_that_is_given_with_a_rid_is_sent(mode: str):
    server = Canned([envelope(OUTPUTS)])

    server.run(mode, lambda client: client.check_workflow_status("rid-1", WID))

    assert server.bodies == [{"rid": "rid-1", "wid": WID}]


@pytest.mark.parametrize("fields", [FIELDS, tuple(FIELDS), iter(FIELDS), [dict(FIELDS[0])], []])
def test_fields_may_be_any_iterable_of_models_or_mappings(fields: Any, mode: str):
    server = Canned([STARTED])
    given = list(fields) if not isinstance(fields, (list, tuple)) else fields

    server.run(mode, lambda client: client.run_workflow(WID, iter(given)))

    assert server.bodies[0]["input_fields"] == [
        field.to_dict() if hasattr(field, "to_dict") else field for field in given
    ]


def test_models_are_made_by_position_as_those_of_the_original():
    assert WorkflowInputField("n", "f", 1).field_name == "f"
    assert WorkflowOutput("Text", "t", 1).title == "t"
    assert WorkflowRunResult("r", 200, "m", []).msg == "m"
    assert VApp("a", "t", "d", {}, []).description == "d"


# --- life -----------------------------------------------------------------------------------------------------------


@both_modes
def test_clones_share_key_and_address_and_closing_one_closes_nothing(mode: str):
    server = Canned([envelope({"agents": []})])

    def script(client: Any) -> Any:
        clone = client.with_options(timeout=5, headers={"X-Trace": "1"})
        yield clone.close()
        yield clone.list_agents()
        client.set_api_key("another-key")
        yield clone.agents.list()

    server.run(mode, script)

    assert [request.headers["vectorvein-api-key"] for request in server.requests] == [KEY, "another-key"]
    assert server.requests[0].headers["x-trace"] == "1"


def test_a_raw_client_gives_the_response_too(mode: str):
    raw = Canned([envelope({"agents": []})]).run(mode, lambda client: client.with_raw_response.list_agents())

    assert raw.status == 200
    assert raw.parse().agents == []


def test_a_middleware_sees_every_attempt(mode: str, clock: Clock):
    seen = []

    def mine(request: Any, call_next: Any) -> Any:
        seen.append(request.attempt)
        return (yield from call_next(request))

    server = Canned([(503, b""), envelope({"agents": []})])
    server.run(mode, lambda client: client.list_agents(), middleware=[mine], max_retries=2)

    assert seen == [1, 2]


@both_modes
@pytest.mark.parametrize("path", ["", "agents", "list_agents", "workflows.run", "with_raw_response.agents"])
def test_a_client_and_what_hangs_on_it_pickle(path: str, mode: str):
    client = new_client(mode, timeout=7, headers={"X-Trace": "1"})
    thing = found(client, path) if path else client

    again = pickle.loads(pickle.dumps(thing))

    assert type(again) is type(thing)
    assert repr(again) == repr(thing)


@both_modes
def test_a_pickled_client_works(mode: str, server: VectorVeinServer):
    client = server.client() if mode == "sync" else server.async_client()
    again = pickle.loads(pickle.dumps(client))

    assert run(again, lambda client: client.list_agents()).total == 0


@both_modes
def test_a_client_with_a_users_http_client_does_not_pickle(mode: str):
    with pytest.raises(ConfigurationError, match="http_client"):
        pickle.dumps(Canned([]).client(mode))


def test_an_async_client_serves_one_event_loop_after_another(server: VectorVeinServer):
    client = server.async_client()

    async def ask() -> Any:
        return (await client.list_agents()).total

    assert [asyncio.run(ask()), asyncio.run(ask())] == [0, 0]

    asyncio.run(client.aclose())


@both_modes
def test_a_client_of_the_other_kind_is_refused(mode: str):
    other = httpx.AsyncClient() if mode == "sync" else httpx.Client()

    with pytest.raises(ConfigurationError, match="async"):
        new_client(mode, http_client=other)


@pytest.mark.parametrize("base_url", ["/api", "vectorvein.com", "ftp://x", "https://a@b/", "https://x/?a=1", 5])
def test_an_address_that_is_none_is_refused(base_url: Any, mode: str):
    with pytest.raises(ConfigurationError, match="base_url"):
        new_client(mode, base_url=base_url)


def test_the_documented_attributes_are_there(mode: str):
    client = new_client(mode)

    assert (client.api_key, client.base_url) == (KEY, BASE_URL)


@both_modes
def test_the_escape_hatch_calls_any_endpoint_and_reads_its_envelope(mode: str):
    server = Canned([envelope({"x": 1}), envelope(None, 404, "no such thing"), (200, b"plain")])

    def script(client: Any) -> Any:
        first = yield client.request("POST", "/some/endpoint", json={"a": 1})
        try:
            yield client.request("POST", "/some/endpoint", json={})
        except simstudio.NotFoundError as error:
            second = error
        third = yield client.request("GET", "/some/file")
        return first, second, third

    first, second, third = server.run(mode, script)

    assert first == envelope({"x": 1})
    assert isinstance(second, vectorvein.VectorVeinAPIError)
    assert third == b"plain"
    assert server.requests[0].headers["vectorvein-api-version"] == "20240508"


# --- secrets --------------------------------------------------------------------------------------------------------


@both_modes
def test_no_repr_shows_the_key(mode: str):
    client = new_client(mode)

    shown = [client, client.workflows, client.list_agents, client.workflows.handle("rid"), client.agents.iterate()]
    shown += [client.with_options(timeout=1), client.with_raw_response, *reached(client)]
    assert KEY not in "".join(map(repr, shown))


def test_no_log_record_shows_the_key(mode: str, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG, "simstudio.transport"):
        Canned([(200, envelope({"agents": []}), {"X-Echo": KEY})]).run(mode, lambda client: client.list_agents())

    assert caplog.records
    assert KEY not in "".join(str(vars(record)) for record in caplog.records)
    assert any("task-agent/agent/list" in record.getMessage() for record in caplog.records)


def test_the_sandbox_keeps_no_key(mode: str, server: VectorVeinServer):
    run(server.client() if mode == "sync" else server.async_client(), lambda client: client.list_agents())

    assert server.sandbox.api_key not in str(server.requests)


# --- models ---------------------------------------------------------------------------------------------------------

RECORD = {
    "access_key": "k",
    "use_count": 0,
    "v_app": {"app_id": "a", "new": 1},
    "v_apps": [{"app_id": "b"}],
    "more": [1],
}


def test_a_model_is_also_the_mapping_that_came_and_pickles(mode: str):
    (key,) = Canned([envelope([RECORD])]).run(mode, lambda client: client.get_access_keys(["k"]))

    for each in (key, pickle.loads(pickle.dumps(key)), copy.copy(key), copy.deepcopy(key)):
        assert isinstance(each, AccessKey)
        assert each.to_dict() == RECORD
        assert each == RECORD
        assert (each["use_count"], each.use_count) == (0, 0)
        assert each.v_app.extra == {"new": 1}
        assert each.extra == {"more": [1]}
        assert each.max_credits is None


@pytest.mark.parametrize("record", [{"use_count": "many"}, {"v_app": "app"}, {"v_apps": {}}, {"records": 5}])
def test_a_wrong_kind_in_an_optional_field_stays_as_it_came(record: dict[str, Any], mode: str):
    (key,) = Canned([envelope([{"access_key": "k", **record}])]).run(mode, lambda c: c.get_access_keys(["k"]))

    ((name, value),) = record.items()
    assert getattr(key, name) == value


def test_a_tree_of_files_is_given_as_it_came(mode: str):
    tree = {"name": "/", "children": [{"key": "a"}]}
    replies = [envelope({"files": tree, "tree_view": True}), envelope({"files": [{"key": "a"}], "tree_view": False})]

    def script(client: Any) -> Any:
        first = yield client.list_workspace_files("w", tree_view=True)
        second = yield client.list_workspace_files("w")
        return first, second

    first, second = Canned(replies).run(mode, script)

    assert first.tree == tree
    assert second.tree is None
    assert second.files[0].key == "a"


def test_an_address_of_a_file_that_did_not_come_is_a_clear_error(mode: str):
    with pytest.raises(simstudio.InvalidResponseError, match="file_url"):
        Canned([envelope({})]).run(mode, lambda client: client.download_workspace_file("w", "f"))


def test_both_clients_have_the_same_methods():
    ours = {name for name in dir(VectorVeinClient) if not name.startswith("_")}
    theirs = {name for name in dir(AsyncVectorVeinClient) if not name.startswith("_")}

    assert theirs - ours == {"aclose"}
    assert ours <= theirs
