"""Replies that no server should give: clear errors, and no id is lost."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest

import simstudio
from simstudio.services.oomol import (
    ApiError,
    ApiInvalidResponseError,
    ApiStatusError,
    InstallFailedError,
    OomolConnectError,
    TaskFailedError,
)
from tests.services.oomol.helpers import TOKEN, Canned, Clock, logs, task


@pytest.mark.parametrize(
    "reply",
    [
        {"task": {"id": "t-7", "status": "created"}, "success": False},
        {"task": "t-7", "taskId": "t-7"},
        {"task": {"status": "created"}, "id": "t-7"},
        {"data": {"taskId": "t-7"}},
        {"taskId": "t-7"},
    ],
)
@pytest.mark.parametrize("call", ["create", "run"])
def test_an_odd_receipt_is_an_error_that_has_the_id(mode: str, reply: Any, call: str):
    server = Canned([reply])

    with pytest.raises(ApiError) as caught:
        server.run(mode, lambda client: getattr(client.tasks, call)({"blockId": "a::b"}))
    assert caught.value.task_id == "t-7"
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [{"task": {"id": "t-7"}}, {"task": {"id": "t-7", "status": 3}}, {"id": "t-7"}])
def test_a_receipt_needs_no_more_than_an_id(mode: str, reply: Any):
    assert Canned([reply]).run(mode, lambda client: client.tasks.create({"blockId": "a::b"})).id == "t-7"


@pytest.mark.parametrize("state", [{"id": "t-7"}, {"id": "t-7", "status": None}, {"id": "t-7", "status": 3}])
def test_a_wait_that_is_told_no_status_gives_up_with_what_came(mode: str, state: Any, clock: Clock):
    server = Canned([state])

    with pytest.raises(ApiInvalidResponseError, match="the body is no Task: its status is") as caught:
        server.run(mode, lambda client: client.tasks.wait_for_completion("t-7"), clock=clock)
    assert caught.value.task_id == "t-7"
    assert caught.value.response is not None
    assert caught.value.response.json() == state
    assert len(server.requests) == 6
    assert server.run(mode, lambda client: client.tasks.get("t-7")) == state


def test_an_installation_is_waited_for_likewise(mode: str, clock: Clock):
    with pytest.raises(ApiInvalidResponseError, match="the body is no InstallTask: its status is missing") as caught:
        Canned([{"id": "i-7"}]).run(mode, lambda client: client.packages.install_and_wait("p"), clock=clock)
    assert caught.value.task_id == "i-7"


def test_a_receipt_whose_id_is_a_number_is_an_error_that_has_it(mode: str):
    with pytest.raises(ApiInvalidResponseError) as caught:
        Canned([{"task": {"id": 7, "status": "created"}}]).run(
            mode, lambda client: client.tasks.create({"blockId": "a::b"})
        )
    assert caught.value.task_id == "7"


def test_an_odd_receipt_of_an_installation_is_an_error_that_has_the_id(mode: str):
    with pytest.raises(ApiInvalidResponseError) as caught:
        Canned([{"taskId": 7, "status": "pending"}]).run(mode, lambda client: client.packages.install("p"))
    assert caught.value.task_id == "7"


def test_a_flat_receipt_is_one_too(mode: str):
    created = Canned([{"id": "t-7", "status": "created"}]).run(
        mode, lambda client: client.tasks.create({"blockId": "a::b"})
    )

    assert created.id == created["task"]["id"] == "t-7"
    assert created.status == "created"


@pytest.mark.parametrize("reply", [[], 5, "text", None])
def test_a_list_that_is_none_is_an_error_with_its_place(mode: str, reply: Any):
    with pytest.raises(ApiInvalidResponseError, match=r"GET /api/v1/tasks answered 200"):
        Canned([reply]).run(mode, lambda client: client.tasks.list())


@pytest.mark.parametrize("reply", [{"tasks": {}}, {"tasks": [5, None]}, {"tasks": [{"id": "t"}]}, {}])
def test_a_list_with_odd_items_is_as_it_came(mode: str, reply: Any):
    assert Canned([reply]).run(mode, lambda client: client.tasks.list()) == reply


@pytest.mark.parametrize("reply", [{}, {"blocks": 5}, {"blocks": [5]}, {"blocks": [{"package": "p"}]}])
@pytest.mark.parametrize("everything", [True, False])
def test_blocks_that_are_none_are_as_they_came(mode: str, reply: Any, everything: bool):
    found = Canned([reply]).run(mode, lambda client: client.blocks.list(include_all_versions=everything))

    assert found == reply


def test_an_odd_applet_is_no_reason_not_to_find_another(mode: str):
    server = Canned([[5, None, {}, {"appletId": "a-1", "data": "odd"}]])

    with pytest.raises(simstudio.InvalidInputError, match="does not name the block"):
        server.run(mode, lambda client: client.applets.run("a-1", {}))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "pass applets_url="), (403, "pass applets_url="), (404, "Check the id")]
)
def test_a_refused_list_of_applets_says_when_the_token_is_sent_to_its_host(status: int, advice: str):
    with pytest.raises(simstudio.APIStatusError, match=advice):
        Canned([(status, {})]).run("sync", lambda client: client.applets.list())


@pytest.mark.parametrize("applet_id", [None, "", 5, {"appletId": "a-1"}])
def test_what_names_no_applet_is_refused_before_anything_is_sent(applet_id: Any):
    server = Canned([[]])

    with pytest.raises(simstudio.InvalidInputError, match="applet_id must be"):
        server.run("sync", lambda client: client.applets.run(applet_id))
    assert server.requests == []


@pytest.mark.parametrize("values", [5, "text", [5], [{"handle": "a"}], [{"nodeId": "n", "inputs": 5}]])
def test_inputs_of_an_applet_that_cannot_be_sent_are_refused_before_its_list_is_read(values: Any):
    server = Canned([[]])

    with pytest.raises(simstudio.InvalidInputError, match="input_values"):
        server.run("sync", lambda client: client.applets.run("a-1", values))
    assert server.requests == []


@pytest.mark.parametrize("path", [None, 5, "", "/1.2/x", "/a/1.2.3-rc.1/b"])
def test_a_block_whose_path_tells_no_version_has_an_unknown_one(mode: str, path: Any):
    block = {"package": "p", "name": "b", "path": path}
    found = Canned([{"blocks": [block]}]).run(mode, lambda client: client.blocks.list())

    assert (found.blocks[0].version, found.blocks[0].block_id) == ("unknown", "p::b")


def test_the_newest_of_versions_is_found_by_number(mode: str):
    blocks = [
        {"package": package, "name": "b", "path": f"/{version}/b"}
        for package, version in [
            ("p", "0.1.9"),
            ("q", "1.0.0"),
            ("p", "0.1.10"),
            ("p", "x"),
            ("q", "0.9.9"),
            ("r", "x"),
            ("r", "0.0.1"),
        ]
    ]
    found = Canned([{"blocks": blocks}]).run(mode, lambda client: client.blocks.list())

    newest = [(block["package"], block["version"]) for block in found["blocks"]]
    assert newest == [("p", "0.1.10"), ("q", "1.0.0"), ("r", "0.0.1")]


@pytest.mark.parametrize("package", [None, 5, ["p"], {"name": "p"}])
def test_blocks_whose_package_is_no_text_are_all_kept(mode: str, package: Any):
    blocks = [{"package": package, "name": name, "path": "/1.0.0/b"} for name in "ab"]
    assert Canned([{"blocks": blocks}]).run(mode, lambda client: client.blocks.list())["blocks"] == blocks


@pytest.mark.parametrize("reply", [{}, {"logs": None}, {"logs": []}])
def test_no_logs_are_an_empty_list(mode: str, reply: Any):
    assert Canned([reply]).run(mode, lambda client: client.tasks.get_logs("t-1")) == []


@pytest.mark.parametrize("reply", [[], [5], {"logs": [5]}])
def test_odd_logs_are_as_they_came_and_a_run_ends_without_a_result(mode: str, reply: Any):
    lines = reply if isinstance(reply, list) else reply["logs"]
    assert Canned([reply]).run(mode, lambda client: client.tasks.get_logs("t-1")) == lines
    seen: list[Any] = []
    done = Canned([task("created"), task(), reply]).run(
        mode, lambda client: client.tasks.run({"blockId": "a::b"}, on_log=seen.append)
    )
    assert (done.result, done.logs, seen) == (None, lines, lines)
    assert pickle.loads(pickle.dumps(done)) == done


@pytest.mark.parametrize("reply", [{"logs": {}}, "text"])
def test_logs_that_are_none_are_an_error_and_after_a_run_it_has_the_tasks_id(mode: str, reply: Any):
    with pytest.raises(ApiInvalidResponseError) as caught:
        Canned([task("created"), task(), reply]).run(mode, lambda client: client.tasks.run({"blockId": "a::b"}))
    assert caught.value.task_id == "t-1"


@pytest.mark.parametrize(
    ("events", "result"),
    [
        ([("BlockFinished", {"result": 1}), ("BlockFinished", {"result": 2})], 2),
        ([("BlockFinished", {"result": 1}), ("BlockFinished", {})], 1),
        ([("BlockFinished", {"result": 1}), ("BlockFinished", None)], 1),
        ([("BlockFinished", {"result": 1}), ("BlockFinished", "text")], 1),
        ([("BlockFinished", {"result": 1}), ("BlockFinished", {"other": 2})], None),
        ([("BlockOutput", {"result": 1})], None),
        ([], None),
    ],
)
def test_the_result_is_that_of_the_last_finished_block(mode: str, events: Any, result: Any):
    lines = [{"id": number, "type": type_, "event": event} for number, (type_, event) in enumerate(events)]
    found = Canned([task("created"), task(), logs(*lines)]).run(
        mode, lambda client: client.tasks.run({"blockId": "a::b"})
    )

    assert found["result"] == found.result == result
    assert dict(found).keys() == {"task_id", "task", "logs", "result"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, simstudio.InvalidRequestError),
        (401, simstudio.AuthenticationError),
        (402, simstudio.UsageLimitExceededError),
        (403, simstudio.PermissionDeniedError),
        (404, simstudio.NotFoundError),
        (409, simstudio.ConflictError),
        (423, simstudio.LockedError),
        (429, simstudio.RateLimitError),
        (500, simstudio.ServerError),
        (418, simstudio.APIStatusError),
    ],
)
@pytest.mark.parametrize("body", [{"message": "no"}, b"no", {"error": "no"}])
def test_an_error_status_is_an_api_error_and_one_of_the_shared_tree(mode: str, status: int, kind: Any, body: Any):
    with pytest.raises(kind) as caught:
        Canned([(status, body)]).run(mode, lambda client: client.tasks.list())

    error = caught.value
    assert isinstance(error, ApiStatusError)
    assert (error.status, error.message) == (status, "no")


def test_a_rate_limit_says_how_long_to_wait(mode: str):
    with pytest.raises(simstudio.RateLimitError) as caught:
        Canned([(429, {"message": "slow"}, {"Retry-After": "9"})]).run(mode, lambda client: client.tasks.list())
    assert caught.value.retry_after == 9


def test_stopping_is_content_with_any_answer(mode: str):
    for reply in ((204, b""), {}, {"success": True}, task("stopped"), task("stopped")["task"]):
        found = Canned([reply]).run(mode, lambda client: client.tasks.stop("t-1"))
        assert found.task is None or found.task.status == "stopped"


def test_a_lost_connection_while_creating_says_that_it_may_have_arrived(mode: str):
    server = Canned([httpx.ReadError("gone")])

    with pytest.raises(simstudio.APIConnectionError) as caught:
        server.run(mode, lambda client: client.tasks.create({"blockId": "a::b"}), max_retries=5)
    assert caught.value.sent is True
    assert len(server.requests) == 1


@pytest.mark.parametrize("error", [None, "", 5, {"message": "no disk"}, "no disk"])
def test_a_failed_installation_says_why_where_it_can(mode: str, error: Any):
    reply = {"id": "i-1", "name": "p", "status": "failed", "error": error}

    with pytest.raises(InstallFailedError, match="no disk" if "disk" in str(error) else "no reason") as caught:
        Canned([reply]).run(mode, lambda client: client.packages.wait_for_install_completion("i-1"))
    assert caught.value.task_id == "i-1"


def test_an_installation_that_takes_too_long_is_a_timeout_with_its_id(mode: str, clock: Clock):
    with pytest.raises(TimeoutError) as caught:
        Canned([{"id": "i-1", "status": "running"}]).run(
            mode,
            lambda client: client.packages.install_and_wait("p", None, {"timeout_ms": 1000, "interval_ms": 400}),
            clock=clock,
        )
    assert isinstance(caught.value, OomolConnectError)
    assert caught.value.task_id == "i-1"
    assert sum(clock.slept) == 1.0


@pytest.mark.parametrize(
    "reply",
    [
        (401, {"message": f"who is {TOKEN}?"}),
        (500, f"<title>{TOKEN}</title>".encode(), {"X-Echo": TOKEN}),
        (302, b"", {"Location": f"https://elsewhere.test/?token={TOKEN}"}),
        {"success": False, "message": TOKEN},
        [TOKEN],
        f"not JSON: {TOKEN}".encode(),
    ],
)
@pytest.mark.parametrize("token", [TOKEN, f"Bearer {TOKEN}"])
def test_no_error_holds_the_token_whatever_the_server_echoes(mode: str, reply: Any, token: str):
    with pytest.raises(ApiError) as caught:
        Canned([reply]).run(mode, lambda client: client.tasks.list(), api_token=token)
    error: BaseException | None = caught.value
    while isinstance(error, simstudio.SimStudioError):
        assert TOKEN not in repr(vars(error)) + str(error)
        assert TOKEN.encode() not in pickle.dumps(error)
        assert error.response is None or TOKEN not in error.response.text + str(dict(error.response.headers))
        error = error.__cause__


def test_a_failed_tasks_error_does_not_hold_the_token_either(mode: str):
    finished = {"id": 1, "type": "BlockFinished", "event": {"error": f"bad {TOKEN}"}}
    server = Canned([task("created"), task("failed", input=TOKEN), logs(finished)])

    with pytest.raises(TaskFailedError) as caught:
        server.run(mode, lambda client: client.tasks.run({"blockId": "a::b"}))
    assert TOKEN not in repr(vars(caught.value)) + str(caught.value) + repr(
        caught.value.task and caught.value.task.to_dict()
    )
    assert TOKEN.encode() not in pickle.dumps(caught.value)
