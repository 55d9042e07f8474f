"""Bad input, and servers that answer badly: always a clear error of both trees, never a lost run."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

import simstudio
from simstudio import InvalidInputError, InvalidResponseError, SimStudioError
from simstudio.services import vectorvein
from simstudio.services.vectorvein import (
    AccessKeyError,
    APIKeyError,
    RequestError,
    VectorVeinAPIError,
    VectorVeinClient,
    WorkflowError,
    WorkflowInputField,
)
from simstudio.services.vectorvein.errors import combined
from tests.services.vectorvein.helpers import FIELDS, KEY, WID, Canned, Clock, envelope, new_client, run

STARTED = envelope({"rid": "rid-1"})

BAD_INPUT: dict[str, Any] = {
    "no workflow": lambda c: c.run_workflow("", FIELDS),
    "a workflow that is no text": lambda c: c.run_workflow(5, FIELDS),
    "fields that are one": lambda c: c.run_workflow(WID, FIELDS[0]),
    "fields that are text": lambda c: c.run_workflow(WID, "fields"),
    "fields that are none": lambda c: c.run_workflow(WID, None),
    "a field that is text": lambda c: c.run_workflow(WID, ["field"]),
    "a field without a node": lambda c: c.run_workflow(WID, [{"field_name": "f", "value": 1}]),
    "a field without a value": lambda c: c.run_workflow(WID, [{"node_id": "n", "field_name": "f"}]),
    "a value that is no JSON": lambda c: c.run_workflow(WID, [WorkflowInputField("n", "f", object())]),
    "a value that is no number": lambda c: c.run_workflow(WID, [WorkflowInputField("n", "f", float("nan"))]),
    "no scope": lambda c: c.run_workflow(WID, FIELDS, output_scope=""),
    "another kind of key": lambda c: c.run_workflow(WID, FIELDS, api_key_type="OTHER"),
    "a kind of key that is a list": lambda c: c.run_workflow(WID, FIELDS, api_key_type=["VAPP"]),
    "no time": lambda c: c.run_workflow(WID, FIELDS, wait_for_completion=True, timeout=0),
    "time that is text": lambda c: c.run_workflow(WID, FIELDS, wait_for_completion=True, timeout="30"),
    "a callback that is none": lambda c: c.workflows.run(WID, FIELDS, on_progress=5),
    "an interval of nothing": lambda c: c.workflows.run(WID, FIELDS, poll_interval=0),
    "no run": lambda c: c.check_workflow_status(""),
    "a run that is no text": lambda c: c.check_workflow_status(None),
    "a VApp's run without its workflow": lambda c: c.check_workflow_status("rid", api_key_type="VAPP"),
    "keys that are numbers": lambda c: c.get_access_keys([1]),
    "keys that are a mapping": lambda c: c.delete_access_keys("app", {"a": 1}),
    "no keys to make": lambda c: c.create_access_keys("L", count=0),
    "keys of no type": lambda c: c.create_access_keys(None),
    "an agent without a name": lambda c: c.create_agent(""),
    "an agent without an id": lambda c: c.get_agent(" "),
    "a task about nothing": lambda c: c.create_agent_task(None),
    "settings that are text": lambda c: c.create_agent_task("x", agent_settings="fast"),
    "attachments that are one": lambda c: c.continue_agent_task("t", "m", {"name": "a", "url": "u"}),
    "an answer to no call": lambda c: c.respond_to_agent_task("t", "", "yes"),
    "a file without a path": lambda c: c.read_workspace_file("w", ""),
    "a line that is text": lambda c: c.read_workspace_file("w", "f", "1"),
    "a content that is bytes": lambda c: c.write_workspace_file("w", "f", b"x"),
    "a handle of nothing": lambda c: c.workflows.handle(""),
    "a handle of a task that is none": lambda c: c.agent_tasks.handle(5),
    "a workflow without an id": lambda c: c.get_workflow(""),
    "a graph that is a list": lambda c: c.update_workflow("w", []),
    "tags that are a number": lambda c: c.update_workflow("w", {}, tags=5),
    "tags of two kinds": lambda c: c.update_workflow("w", {}, tags=["t", {"tid": "t"}]),
    "images that are a number": lambda c: c.create_workflow(images=5),
    "a template's data that is text": lambda c: c.run_workflow_template("t", "data"),
    "nodes that are text": lambda c: c.resume_workflow_run("r", "nodes"),
    "states that are numbers": lambda c: c.list_workflow_run_records(status=[1]),
    "a schedule of nothing": lambda c: c.update_workflow_run_schedule("0 8 * * *"),
    "a schedule without times": lambda c: c.update_workflow_run_schedule("", "s"),
    "skills that are a number": lambda c: c.create_agent("a", required_skills=5),
    "skills that are texts": lambda c: c.update_agent("a", required_skills=["s"]),
    "ids that are numbers": lambda c: c.create_agent("a", default_sub_agent_ids=[1]),
    "tasks that are numbers": lambda c: c.batch_delete_agent_tasks([1]),
    "no workflow for a file": lambda c: c.workflows.run("", [WorkflowInputField("n", "f", Path(__file__))]),
    "no task for a file": lambda c: c.continue_agent_task("", "m", [Path(__file__)]),
    "an attachment that is text": lambda c: c.continue_agent_task("t", "m", ["report.pdf"]),
    "an attachment without a name": lambda c: c.continue_agent_task("t", "m", [b"bytes"]),
    "a view that is text": lambda c: c.list_workspace_files("w", "a", "yes"),
    "a prefix that is a view": lambda c: c.list_workspace_files("w", True),
    "a workspace without an id": lambda c: c.zip_workspace_files(""),
    "a condition that is none": lambda c: c.agent_tasks.handle("t", until=5),
}


@pytest.mark.parametrize("what", BAD_INPUT)
def test_what_cannot_be_sent_is_refused_and_nothing_is_sent(what: str, mode: str):
    server = Canned([envelope()])

    with pytest.raises(InvalidInputError) as caught:
        server.run(mode, BAD_INPUT[what])

    assert isinstance(caught.value, VectorVeinAPIError)
    assert server.requests == []


def test_a_single_access_key_is_a_list_of_one(mode: str):
    server = Canned([envelope([]), envelope()])

    def script(client: Any) -> Any:
        yield client.get_access_keys("AB")
        yield client.delete_access_keys("app", "AB")

    server.run(mode, script)

    assert server.requests[0].url.params["access_keys"] == "AB"
    assert json.loads(server.requests[1].content)["access_keys"] == ["AB"]


# --- envelopes ------------------------------------------------------------------------------------------------------

STATUSES = {
    400: simstudio.InvalidRequestError,
    401: simstudio.AuthenticationError,
    402: simstudio.UsageLimitExceededError,
    403: simstudio.PermissionDeniedError,
    404: simstudio.NotFoundError,
    409: simstudio.ConflictError,
    422: simstudio.InvalidRequestError,
    423: simstudio.LockedError,
    429: simstudio.RateLimitError,
    500: simstudio.ServerError,
    503: simstudio.ServerError,
    418: simstudio.APIStatusError,
    0: simstudio.APIStatusError,
    -1: simstudio.APIStatusError,
    1001: simstudio.APIStatusError,
}


@pytest.mark.parametrize("http", [200, None], ids=["HTTP 200", "the same HTTP status"])
@pytest.mark.parametrize("status", STATUSES)
def test_an_envelopes_status_is_an_error_of_both_trees(status: int, http: int | None, mode: str):
    http = http or (status if 400 <= status <= 599 else 500)

    with pytest.raises(VectorVeinAPIError, match="said so") as caught:
        Canned([(http, envelope({"why": 1}, status, "said so"))]).run(mode, lambda client: client.list_agents())

    error = caught.value
    assert isinstance(error, STATUSES[status])
    assert (error.status_code, error.status, error.msg, error.data) == (status, http, "said so", {"why": 1})


@pytest.mark.parametrize("status", [403, 404])
def test_an_access_keys_403_and_404_are_access_key_errors_in_every_call(status: int, mode: str):
    calls = [
        lambda c: c.get_access_keys(["A"]),
        lambda c: c.create_access_keys("L"),
        lambda c: c.update_access_keys("A"),
        lambda c: c.delete_access_keys("app", ["A"]),
        lambda c: c.add_apps_to_access_keys(["A"], ["x"]),
        lambda c: c.remove_apps_from_access_keys(["A"], ["x"]),
        lambda c: c.list_access_keys(),
    ]
    for call in calls:
        with pytest.raises(AccessKeyError) as caught:
            Canned([envelope(None, status)]).run(mode, call)
        assert isinstance(caught.value, STATUSES[status])


ODD: dict[str, Any] = {
    "nothing": (200, b""),
    "HTML": (200, b"<html><title>Hello</title></html>", {"Content-Type": "text/html"}),
    "a text": (200, b'"ok"'),
    "a list": (200, b"[1, 2]"),
    "null": (200, b"null"),
    "half of it": (200, b'{"status": 200, "msg": "succ'),
    "a status in words": (200, envelope(None, "200")),  # type: ignore[arg-type]
    "a status that is true": (200, envelope(None, True)),
    "a status that is null": (200, envelope(None, None)),  # type: ignore[arg-type]
    "a status with a point": (200, envelope(None, 200.0)),  # type: ignore[arg-type]
    "deep nesting": (200, b"[" * 100_000),
    "no UTF-8": (200, b'{"status": 200, "msg": "\xff\xfe"}'),
    "data of another kind": (200, envelope("agents")),
    "a list of another kind": (200, envelope({"agents": {"a": 1}})),
    "no data": (200, {"status": 200}),
}


@pytest.mark.parametrize("what", ODD)
def test_an_answer_that_is_none_of_the_apis_is_a_request_error(what: str, mode: str):
    with pytest.raises(RequestError) as caught:
        Canned([ODD[what]]).run(mode, lambda client: client.list_agents())

    assert isinstance(caught.value, InvalidResponseError)
    assert caught.value.response is not None
    assert "list" in str(caught.value)


@pytest.mark.parametrize("agents", [["a", None, 5], [{"name": "a"}], [{"agent_id": 5}]], ids=repr)
def test_odd_records_are_as_they_came(agents: list[Any], mode: str):
    server = Canned([envelope({"agents": agents, "total": len(agents)})])

    assert server.run(mode, lambda client: client.list_agents()).agents == agents


def test_a_task_needs_an_id_where_it_is_begun_and_has_it_where_it_was_asked_for(mode: str):
    server = Canned([envelope({"status": "running"})])

    with pytest.raises(RequestError, match="the body is no AgentTask: its task_id is missing"):
        server.run(mode, lambda client: client.create_agent_task("Do it", agent_id_to_start="a-1"))
    assert server.run(mode, lambda client: client.get_agent_task("t-1")).task_id == "t-1"
    assert server.run(mode, lambda client: client.pause_agent_task("t-1")).task_id == "t-1"


def test_an_envelope_without_words_is_read(mode: str):
    state = Canned([{"status": 202}]).run(mode, lambda client: client.check_workflow_status("rid"))

    assert (state.status, state.msg, state.data) == (202, "", [])


@pytest.mark.parametrize("status", [500, 502, 404, 301])
def test_a_success_that_the_http_status_contradicts_is_an_error(status: int, mode: str):
    with pytest.raises(RequestError) as caught:
        Canned([(status, envelope({"agents": []}))]).run(mode, lambda client: client.list_agents())

    assert caught.value.status == status


FAILURES: dict[str, tuple[Exception, type[SimStudioError]]] = {
    "refused": (httpx.ConnectError("refused"), simstudio.APIConnectionError),
    "dropped": (httpx.RemoteProtocolError("gone"), simstudio.APIConnectionError),
    "silent": (httpx.ReadTimeout("silence"), simstudio.APITimeoutError),
    "slow to connect": (httpx.ConnectTimeout("silence"), simstudio.APITimeoutError),
}


@pytest.mark.parametrize("what", FAILURES)
def test_no_answer_is_a_request_error_of_both_trees(what: str, mode: str):
    failure, shared = FAILURES[what]

    with pytest.raises(RequestError, match="Request failed") as caught:
        Canned([failure]).run(mode, lambda client: client.list_agents())

    assert isinstance(caught.value, shared)
    assert isinstance(caught.value.__cause__, shared)
    assert caught.value.host == "vectorvein.test"


# --- runs that are not lost -----------------------------------------------------------------------------------------

KEEPING: dict[str, Any] = {
    "no status": {"data": {"rid": "rid-1"}},
    "a status in words": envelope({"rid": "rid-1"}, "ok"),  # type: ignore[arg-type]
    "half of it": (200, b'{"status": 200, "msg": "ok", "data": {"rid": "rid-1", "more": "'),
    "an error": envelope({"rid": "rid-1"}, 500, "started, but"),
    "an HTTP error": (502, envelope({"rid": "rid-1"})),
    "an HTTP error without an envelope": (502, b'<p>"rid": "rid-1"</p>'),
    "at the top": (500, {"status": 500, "rid": "rid-1", "data": None}),
}


@pytest.mark.parametrize("what", KEEPING)
@pytest.mark.parametrize("waiting", [True, False])
def test_the_id_of_a_run_is_on_the_error_however_odd_the_answer(what: str, waiting: bool, mode: str, clock: Clock):
    with pytest.raises(VectorVeinAPIError) as caught:
        Canned([KEEPING[what]]).run(mode, lambda client: client.run_workflow(WID, FIELDS, "all", waiting))

    assert caught.value.rid == "rid-1"
    assert caught.value.task_id == "rid-1"


@pytest.mark.parametrize(
    "rid", [{"rid": "rid-1"}, {"rid": "rid-1", "more": 1}], ids=["in the data", "in the data, with more"]
)
def test_the_id_is_taken_from_the_data(rid: Any, mode: str):
    assert Canned([envelope(rid)]).run(mode, lambda client: client.run_workflow(WID, FIELDS)) == "rid-1"


def test_the_id_is_taken_from_the_top_where_the_data_has_none(mode: str):
    assert Canned([envelope(None, rid="rid-1")]).run(mode, lambda client: client.run_workflow(WID, FIELDS)) == "rid-1"


def test_an_id_that_is_a_number_is_kept_as_text(mode: str):
    assert Canned([envelope({"rid": 7})]).run(mode, lambda client: client.run_workflow(WID, FIELDS)) == "7"


@pytest.mark.parametrize(
    "reply",
    [
        {"data": {"task_id": "task-1"}},
        (502, envelope({"task_id": "task-1"})),
        envelope({"task_id": "task-1"}, 500),
        (200, b'{"status": 200, "data": {"task_id": "task-1", "tit'),
    ],
)
def test_the_id_of_a_task_is_on_the_error_however_odd_the_answer(reply: Any, mode: str):
    with pytest.raises(VectorVeinAPIError) as caught:
        Canned([reply]).run(mode, lambda client: client.create_agent_task("x", "agent"))

    assert caught.value.task_id == "task-1"


def test_no_id_is_made_up_where_none_came(mode: str):
    for reply in ((502, b"<html/>"), httpx.ReadTimeout("silence"), envelope(None, 500), envelope({"rid": ["x"]}, 500)):
        with pytest.raises(VectorVeinAPIError) as caught:
            Canned([reply]).run(mode, lambda client: client.run_workflow(WID, FIELDS))
        assert caught.value.rid is None


ASKING_FAILS: dict[str, tuple[Any, type[Exception]]] = {
    "a bad key": (envelope(None, 401), APIKeyError),
    "a bad key without an envelope": ((401, b"<html/>"), APIKeyError),
    "no such run": (envelope(None, 404), simstudio.NotFoundError),
    "HTML for ever": ((502, b"<html/>"), simstudio.ServerError),
    "no JSON for ever": ((200, b"oops"), InvalidResponseError),
    "no connection for ever": (httpx.ConnectError("refused"), simstudio.APIConnectionError),
    "too many calls for ever": (envelope(None, 429), vectorvein.TimeoutError),
    "a failed run": (envelope(None, 500), WorkflowError),
    "a failed run with a status of its own": (envelope(None, 1234), WorkflowError),
}


@pytest.mark.parametrize("what", ASKING_FAILS)
def test_the_id_of_a_run_is_on_every_error_of_waiting_for_it(what: str, mode: str, clock: Clock):
    reply, kind = ASKING_FAILS[what]

    with pytest.raises(kind) as caught:
        Canned([STARTED, reply]).run(mode, lambda client: client.workflows.run(WID, FIELDS, timeout=600))

    assert isinstance(caught.value, VectorVeinAPIError)
    assert caught.value.rid == "rid-1"


def test_a_few_failed_questions_do_not_end_a_wait(mode: str, clock: Clock):
    bad = [(502, b"<html/>"), (200, b"oops"), httpx.ReadTimeout("silence"), envelope(None, 503)]

    result = Canned([STARTED, *bad, envelope([])]).run(mode, lambda client: client.workflows.run(WID, FIELDS))

    assert result.succeeded


# --- what an error holds --------------------------------------------------------------------------------------------

SECRET = "sk-sim-test-Zebra4711-0123456789"


def everything(error: BaseException) -> str:
    """All that a program may print, log or send on of an error."""
    texts = [str(error), repr(error), "".join(traceback.format_exception(error)), repr(vars(error))]
    response = getattr(error, "response", None)
    if response is not None:
        texts += [response.text, response.url, str(dict(response.headers))]
    return "\n".join([*texts, pickle.dumps(error).decode("latin-1")])


ECHOING: dict[str, Any] = {
    "words": envelope(None, 401, f"bad key {SECRET}"),
    "long words": envelope(None, 401, "x" * 485 + SECRET),
    "data": envelope({"sent": SECRET, SECRET: [SECRET]}, 500),
    "HTML": (502, f"<title>{SECRET}</title>".encode(), {"Content-Type": "text/html", "X-Echo": SECRET}),
    "no envelope": (200, ("x" * 100 + SECRET).encode()),
    "another shape": envelope({"agents": SECRET}),
    "a redirect": (302, b"", {"Location": f"https://x.test/?key={SECRET}"}),
}


@pytest.mark.parametrize("what", ECHOING)
def test_no_error_holds_the_key_whatever_the_server_echoes(what: str, mode: str):
    def ask(client: Any) -> Any:
        return client.list_agents()

    with pytest.raises(VectorVeinAPIError) as caught:
        Canned([ECHOING[what]]).run(mode, ask, api_key=SECRET)

    assert SECRET not in everything(caught.value)
    assert SECRET[:12] not in str(caught.value)


def test_a_failed_runs_state_holds_no_key(mode: str, clock: Clock):
    failed = envelope([{"title": SECRET, "value": SECRET}], 500, f"no {SECRET}")

    with pytest.raises(WorkflowError) as caught:
        Canned([STARTED, failed]).run(mode, lambda c: c.run_workflow(WID, FIELDS, "all", True), api_key=SECRET)

    assert SECRET not in everything(caught.value)
    assert SECRET not in repr(caught.value.result)


@pytest.mark.parametrize(
    "kind",
    [VectorVeinAPIError, APIKeyError, WorkflowError, AccessKeyError, RequestError, vectorvein.TimeoutError],
)
def test_a_documented_error_takes_a_message_and_a_status_code_and_pickles(kind: type[VectorVeinAPIError]):
    for error in (kind("what happened", 418), kind("what happened", status_code=418)):
        for copied in (error, pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(copied) is kind
            assert str(copied) == "what happened"
            assert copied.status_code == 418
            assert isinstance(copied, SimStudioError)
    assert kind("x").status_code is None


@pytest.mark.parametrize("shared", [simstudio.RateLimitError, simstudio.APITimeoutError, simstudio.ConfigurationError])
def test_an_error_of_two_families_pickles_with_all_it_says(shared: type[SimStudioError]):
    error = combined(RequestError, shared)("what happened", 429, status=503, details={"msg": "m", "data": [1]})
    error.task_id = "rid-1"

    found = pickle.loads(pickle.dumps(error))

    assert type(found) is type(error)
    assert (found.status_code, found.status, found.msg, found.data, found.rid) == (429, 503, "m", [1], "rid-1")
    assert found.code == error.code


OLD = (
    "gASV5gAAAAAAAACMJHNpbXN0dWRpby5zZXJ2aWNlcy52ZWN0b3J2ZWluLmVycm9yc5SMCF9yZXZpdmVklJOUaACMElZlY3RvclZlaW5BUElFcnJv"
    "cpSTlIwac2ltc3R1ZGlvLnRyYW5zcG9ydC5lcnJvcnOUjA5SYXRlTGltaXRFcnJvcpSTlIaUjARzbG93lIWUfZQojARjb2RllE6MBnN0YXR1c5RL"
    "yIwHZGV0YWlsc5ROjAtzZXJ2ZXJfY29kZZROjAhyZXNwb25zZZROjAdoaXN0b3J5lCmMC3N0YXR1c19jb2RllE2tAXWHlFKULg=="
)
"""A VectorVeinRateLimitError, pickled when this package made its class itself."""


def test_an_error_of_an_earlier_version_is_loaded():
    error = pickle.loads(base64.b64decode(OLD))

    assert type(error) is combined(VectorVeinAPIError, simstudio.RateLimitError)
    assert (type(error).__name__, str(error)) == ("VectorVeinRateLimitError", "slow")
    assert (error.status_code, error.status) == (429, 200)


def test_an_error_of_a_users_own_kind_pickles():
    assert type(pickle.loads(pickle.dumps(OwnError("x", 5)))) is OwnError


class OwnError(AccessKeyError):
    """Of a user."""


def test_a_key_that_cannot_travel_is_refused_without_showing_it():
    for key in ("ключ-0123456789", "has space 0123456789", "line-0123456789\n"):
        with pytest.raises(APIKeyError) as caught:
            VectorVeinClient(key)
        assert "0123456789" not in str(caught.value)
        assert isinstance(caught.value, simstudio.ConfigurationError)


def test_the_key_goes_to_the_configured_origin_only(mode: str):
    server = Canned([(302, b"", {"Location": "http://elsewhere.test/x"}), envelope({"agents": []})])

    with pytest.raises(VectorVeinAPIError):
        server.run(mode, lambda client: client.list_agents())

    assert [request.url.host for request in server.requests] == ["vectorvein.test"]
    assert server.requests[0].headers["vectorvein-api-key"] == KEY


def test_nothing_is_asked_of_a_network_by_making_a_client(mode: str):
    assert run(new_client(mode), lambda client: repr(client) if mode == "sync" else _given(repr(client)))


async def _given(value: Any) -> Any:
    return value
