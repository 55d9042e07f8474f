"""None of the known defects of the service's own package comes back. The numbers are those of the list of them."""

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

import simstudio
from simstudio.errors import ConfigurationError, InvalidInputError
from simstudio.services.oomol import (
    ApiError,
    ApiInvalidResponseError,
    Applet,
    AsyncOomolConnectClient,
    OomolConnectClient,
    TaskFailedError,
    TaskStoppedError,
)
from simstudio.services.oomol import TimeoutError as OomolTimeoutError
from simstudio.services.oomol.models import AppletData
from tests.modes import both_modes
from tests.services.oomol.helpers import (
    APPLETS_URL,
    BASE_URL,
    TOKEN,
    Canned,
    Clock,
    form,
    logs,
    replay,
    run,
    samples,
    task,
)

F = TypeVar("F", bound=Callable[..., Any])

COVERED: dict[int, set[str]] = {number: set() for number in range(1, 19)}
"""The defects, and the samples that show them."""


def defect(number: int, *names: str) -> Callable[[F], F]:
    """Say which defect a test is about."""

    def note(test: F) -> F:
        COVERED[number] |= {test.__name__, *names}
        return test

    return note


def test_every_defect_and_every_sample_of_one_has_a_test():
    shown = {name for name, sample in samples().items() if sample.use == "defect"}

    assert all(COVERED.values())
    assert shown <= set.union(*COVERED.values())


def json_of(request: httpx.Request) -> Any:
    import json

    return json.loads(request.content)


# --- 1, 2: forms ----------------------------------------------------------------------------------------------------


@both_modes
@defect(1)
def test_1_an_upload_says_that_it_is_a_form_and_with_which_boundary(mode: str):
    server = Canned([task("created")])
    server.run(mode, lambda client: client.tasks.create_with_files("a::b", {"x": 1}, io.BytesIO(b"hello")))

    (request,) = server.requests
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    texts, (file,) = form(request.headers["content-type"], request.content)
    assert [name for name, _ in texts] == ["blockId", "inputValues"]
    assert (file.field, file.name, file.content) == ("files", "upload", b"hello")
    assert request.headers["content-length"] == str(len(request.content))


@defect(2, "13_tasks_create_with_files_none")
@pytest.mark.parametrize("files", [None, [], ()])
def test_2_without_files_the_task_is_created_by_json(mode: str, files: Any):
    server = Canned([task("created")])
    server.run(mode, lambda client: client.tasks.create_with_files("pkg::x", {"a": 1}, files))

    (request,) = server.requests
    assert request.headers["content-type"] == "application/json"
    assert json_of(request) == {
        "blockId": "pkg::x",
        "inputValues": [{"nodeId": "_", "inputs": [{"handle": "a", "value": 1}]}],
    }


@defect(1, "14_tasks_create_with_files_string")
@pytest.mark.parametrize("file", ["/files/a.txt", ["a.txt"]])
def test_a_str_is_no_file_as_nobody_knows_whether_it_is_its_path_or_its_content(mode: str, file: Any):
    server = Canned([task("created")])

    with pytest.raises(InvalidInputError, match=r"pathlib\.Path"):
        server.run(mode, lambda client: client.tasks.create_with_files("pkg::x", {"a": 1}, file))
    assert server.requests == []


# --- 3: the constructor -----------------------------------------------------------------------------------------------


@defect(3, "60_constructor_keywords")
@pytest.mark.parametrize("kind", [OomolConnectClient, AsyncOomolConnectClient])
def test_3_the_documented_keywords_and_the_published_dict_make_the_same_client(kind: Any):
    options: dict[str, Any] = {
        "base_url": f"{BASE_URL}/",
        "api_token": TOKEN,
        "default_headers": {"X-A": "1"},
        "timeout": 5.0,
    }
    sent: list[Any] = []

    def answered(request: Any, call_next: Any) -> Any:
        sent.append(request)
        return simstudio.Response(200, content=b'{"tasks": []}')
        yield call_next

    more: Any = {"middleware": [answered]}
    for client in (kind(**options, **more), kind(options, **more), kind(*options.values(), **more)):
        assert client.base_url == client.get_base_url() == BASE_URL
        assert client.get_default_headers() == {"X-A": "1"}
        run(client, lambda client: client.tasks.list())
        request = sent.pop()
        assert request.headers["authorization"] == TOKEN
        assert request.budget.total == 5.0


@defect(3, "56_default_base_url")
@pytest.mark.parametrize("options", [{}, {"base_url": "/api"}, {"base_url": "/api/"}])
def test_3_the_documented_default_address_is_refused_at_the_first_call(mode: str, options: dict[str, Any]):
    server = Canned([{}])
    made = server.client(mode, **{"base_url": "/api", **options})

    with pytest.raises(ConfigurationError, match="base_url is '/api'"):
        _ = made.tasks.list() if mode == "sync" else asyncio.run(made.tasks.list())
    assert server.requests == []


def test_3_the_default_address_can_be_replaced_before_the_first_call(mode: str):
    server = Canned([{"tasks": []}])
    client = server.client(mode, base_url="/api")
    client.set_base_url(BASE_URL)

    _ = client.tasks.list() if mode == "sync" else asyncio.run(client.tasks.list())

    assert str(server.requests[0].url) == f"{BASE_URL}/v1/tasks"


# --- 4: where the token goes ------------------------------------------------------------------------------------------


@defect(4)
@pytest.mark.parametrize(
    ("options", "url", "token"),
    [
        ({}, "https://chat-data.oomol.com/rpc/listApplets", None),
        ({"applets_url": APPLETS_URL}, f"{APPLETS_URL}/rpc/listApplets", TOKEN),
        ({"applets_url": APPLETS_URL, "applets_token": None}, f"{APPLETS_URL}/rpc/listApplets", None),
        ({"applets_url": APPLETS_URL, "applets_token": "other"}, f"{APPLETS_URL}/rpc/listApplets", "other"),
        ({"applets_token": "other"}, "https://chat-data.oomol.com/rpc/listApplets", "other"),
        ({"applets_url": "http://oomol.test"}, "http://oomol.test/rpc/listApplets", TOKEN),
    ],
)
def test_4_the_token_goes_to_the_host_of_applets_only_where_the_client_says_so(
    mode: str, options: dict[str, Any], url: str, token: str | None
):
    server = Canned([[]])
    server.run(mode, lambda client: client.applets.list(), **options)

    (request,) = server.requests
    assert str(request.url) == url
    assert request.headers.get("authorization") == token


@defect(4)
def test_4_headers_of_ones_own_do_not_go_to_another_host(mode: str):
    server = Canned([[], {"tasks": []}])

    def script(client: Any) -> Any:
        yield client.applets.list()
        yield client.tasks.list()

    server.run(mode, script, default_headers={"X-Secret": "s3cret"})

    assert [request.headers.get("x-secret") for request in server.requests] == [None, "s3cret"]


@defect(4)
def test_4_a_redirect_to_another_host_is_not_followed_with_the_token(mode: str):
    server = Canned([(307, b"", {"Location": "https://elsewhere.test/api/v1/tasks"})])

    with pytest.raises(ApiError, match=r"redirects to https://elsewhere\.test"):
        server.run(mode, lambda client: client.tasks.list())
    assert len(server.requests) == 1


@defect(4, "58_headers_override")
@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_4_there_is_one_authorization_whatever_its_case_and_the_token_wins(mode: str, name: str, clock: Clock):
    sample = samples()["58_headers_override"]
    headers = {"X-A": "1", name: "mine"}
    outcome, (sent,) = replay(mode, sample, lambda client: client.packages.list(), clock=clock, default_headers=headers)

    assert outcome["packages"][0]["name"] == "audio-lab"
    assert sent.headers["x-a"] == "1"
    assert sent.headers["authorization"] == TOKEN


@defect(4)
def test_4_an_authorization_header_alone_is_the_token(mode: str):
    server = Canned([[], {"tasks": []}])

    def script(client: Any) -> Any:
        yield client.applets.list()
        yield client.tasks.list()

    server.run(mode, script, api_token=None, default_headers={"authorization": "Bearer mine"})

    assert [request.headers.get("authorization") for request in server.requests] == [None, "Bearer mine"]


# --- 5: paths ---------------------------------------------------------------------------------------------------------

IDS: dict[str, Callable[[Any, Any], Any]] = {
    "get": lambda client, task_id: client.tasks.get(task_id),
    "stop": lambda client, task_id: client.tasks.stop(task_id),
    "logs": lambda client, task_id: client.tasks.get_logs(task_id),
    "wait": lambda client, task_id: client.tasks.wait_for_completion(task_id),
    "install": lambda client, task_id: client.packages.get_install_task(task_id),
    "install_wait": lambda client, task_id: client.packages.wait_for_install_completion(task_id),
}


@defect(5, "57_path_injection")
@pytest.mark.parametrize("call", IDS.values(), ids=IDS)
def test_5_an_id_stays_one_segment_of_the_path(call: Callable[[Any, Any], Any], mode: str):
    server = Canned([(404, {"message": "no such thing"})])

    with pytest.raises(ApiError):
        server.run(mode, lambda client: call(client, "../../secret?x=1"))
    (request,) = server.requests
    assert b"/..%2F..%2Fsecret%3Fx%3D1" in request.url.raw_path


@defect(5)
@pytest.mark.parametrize("call", IDS.values(), ids=IDS)
@pytest.mark.parametrize("odd", ["", " ", ".", "..", None, 5, "\ud800"])
def test_5_an_id_that_names_nothing_is_refused(call: Callable[[Any, Any], Any], mode: str, odd: Any):
    server = Canned([{}])

    with pytest.raises(InvalidInputError):
        server.run(mode, lambda client: call(client, odd))
    assert server.requests == []


# --- 6: replies that are no success -----------------------------------------------------------------------------------


@defect(6, "49_error_success_false")
def test_6_success_false_is_an_error(mode: str, clock: Clock):
    error, _ = replay(mode, samples()["49_error_success_false"], lambda client: client.tasks.get("t-1"), clock=clock)

    assert isinstance(error, ApiError)
    assert (error.status, error.message) == (200, "no such task")


@defect(6, "52_error_redirect_302")
def test_6_a_redirect_is_no_success(mode: str, clock: Clock):
    error, _ = replay(mode, samples()["52_error_redirect_302"], lambda client: client.tasks.get("t-1"), clock=clock)

    assert isinstance(error, ApiError)
    assert error.status == 302
    assert "/login" in str(error)


@defect(6, "50_error_non_json_200", "51_error_bad_json_200")
@pytest.mark.parametrize("name", ["50_error_non_json_200", "51_error_bad_json_200"])
def test_6_a_body_that_is_not_json_is_an_api_error_that_keeps_it(name: str, mode: str, clock: Clock):
    call = (lambda client: client.tasks.get("t-1")) if "non_json" in name else (lambda client: client.tasks.list())
    sample = samples()[name]
    error, _ = replay(mode, sample, call, clock=clock)

    assert isinstance(error, ApiInvalidResponseError)
    assert isinstance(error, ApiError)
    assert isinstance(error, simstudio.InvalidResponseError)
    assert error.status == 200
    assert error.response is not None
    assert error.response.content == sample.exchanges[0].reply


# --- 7, 8: logs -------------------------------------------------------------------------------------------------------


@defect(7, "20_wait_unsorted_logs")
def test_7_unsorted_logs_come_once_each(mode: str, clock: Clock):
    seen: list[tuple[int, str]] = []
    replay(
        mode,
        samples()["20_wait_unsorted_logs"],
        lambda client: client.tasks.wait_for_completion(
            "t-1", {"on_log": lambda log: seen.append((log["id"], log["type"]))}
        ),
        clock=clock,
    )

    assert seen == [(1, "a"), (3, "c"), (2, "b")]


@defect(7)
def test_7_logs_come_in_the_order_of_their_ids_whatever_these_are(mode: str, clock: Clock):
    seen: list[int] = []
    server = Canned([task("running"), logs((2, "c"), (0, "b"), (-3, "a")), task(), logs((2, "c"), (-3, "a"), (7, "d"))])
    server.run(
        mode,
        lambda client: client.tasks.wait_for_completion("t-1", on_log=lambda log: seen.append(log.id)),
        clock=clock,
    )

    assert seen == [-3, 0, 2, 7]


@defect(7)
def test_7_logs_without_ids_come_once_each_in_their_places(mode: str, clock: Clock):
    seen: list[str] = []
    first, second = {"type": "a"}, {"type": "b", "id": None}
    server = Canned([task("running"), logs(first), task(), logs(first, second)])
    server.run(
        mode,
        lambda client: client.tasks.wait_for_completion("t-1", on_log=lambda log: seen.append(log["type"])),
        clock=clock,
    )

    assert seen == ["a", "b"]


@defect(8)
def test_8_a_run_that_has_read_the_log_does_not_read_it_once_more(mode: str, clock: Clock):
    finished = {"id": 2, "type": "BlockFinished", "event": {"result": 42}}
    server = Canned([task("created"), task(), logs((1, "a"), finished)])
    result = server.run(mode, lambda client: client.tasks.run({"blockId": "a::b"}, {"on_log": lambda log: None}))

    assert server.paths == ["POST /api/v1/tasks", "GET /api/v1/tasks/t-1", "GET /api/v1/tasks/t-1/logs"]
    assert result["result"] == 42
    assert [log.id for log in result.logs] == [1, 2]


@pytest.mark.parametrize("options", [{}, {"on_log": lambda log: None}], ids=["", "on_log"])
def test_8_the_log_of_a_run_that_failed_is_read_once_for_its_reason(options: dict[str, Any]):
    server = Canned([task("created"), task("failed"), logs({"id": 1, "event": {"error": "no disk"}})])

    with pytest.raises(TaskFailedError, match="no disk") as caught:
        server.run("sync", lambda client: client.tasks.run({"blockId": "a::b"}, options))

    assert server.paths == ["POST /api/v1/tasks", "GET /api/v1/tasks/t-1", "GET /api/v1/tasks/t-1/logs"]
    assert [log.id for log in caught.value.logs] == [1]


# --- 9, 10: pauses and deadlines --------------------------------------------------------------------------------------


@defect(9, "28_wait_overflow")
@pytest.mark.parametrize("factor", [1.5, 10**9])
def test_9_a_long_wait_does_not_overflow(mode: str, clock: Clock, factor: float):
    polls = samples()["28_wait_overflow"].outcome["polls_before"] + 10
    server = Canned([*[task("running")] * polls, task()])
    server.run(mode, lambda client: client.tasks.wait_for_completion("t-1", backoff_factor=factor), clock=clock)

    assert len(clock.slept) == polls
    assert clock.slept[-1] == 10.0
    assert max(clock.slept) == 10.0


@defect(10, "27_wait_timeout_overshoot")
def test_10_a_wait_ends_at_its_deadline(mode: str, clock: Clock):
    server = Canned([task("running")])

    with pytest.raises(OomolTimeoutError) as caught:
        server.run(mode, lambda client: client.tasks.wait_for_completion("t-1", {"timeout_ms": 5500}), clock=clock)

    assert clock.slept == [2.0, 3.0, 0.5]
    assert sum(clock.slept) == 5.5
    assert sum(samples()["27_wait_timeout_overshoot"].sleeps) == 9.5
    assert (caught.value.task_id, caught.value.task) == ("t-1", task("running")["task"])


@defect(10)
@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, True, "5"])
def test_10_a_senseless_timeout_is_refused_and_does_not_mean_for_ever(mode: str, timeout: Any):
    server = Canned([task("running")])

    with pytest.raises(InvalidInputError, match="timeout_ms"):
        server.run(mode, lambda client: client.tasks.wait_for_completion("t-1", {"timeout_ms": timeout}))
    assert server.requests == []


@defect(10)
def test_10_a_poll_may_not_take_longer_than_the_wait(mode: str, clock: Clock):
    allowed: list[float | None] = []

    def note(request: Any, call_next: Any) -> Any:
        allowed.append(request.budget.remaining())
        return (yield from call_next(request))

    server = Canned([task()])
    server.run(
        mode,
        lambda client: client.tasks.wait_for_completion("t-1", timeout_ms=7000),
        clock=clock,
        timeout=600.0,
        middleware=[note],
    )

    (seconds,) = allowed
    assert seconds is not None
    assert 0 < seconds <= 7.0


# --- 11: failed polls -------------------------------------------------------------------------------------------------


@defect(11, "54_wait_poll_500")
def test_11_a_failing_poll_does_not_end_the_wait(mode: str, clock: Clock):
    first, second = samples()["54_wait_poll_500"].exchanges
    assert (first.status, second.status) == (200, 500)
    server = Canned([(first.status, first.reply), (second.status, second.reply), httpx.ReadError("dropped"), task()])
    found = server.run(mode, lambda client: client.tasks.wait_for_completion("t-1"), clock=clock)

    assert found.status == "completed"
    assert len(server.requests) == 4


@defect(11)
def test_11_retry_after_is_waited_for(mode: str, clock: Clock):
    server = Canned([(429, {"message": "slow down"}, {"Retry-After": "7"}), task()])
    server.run(mode, lambda client: client.tasks.wait_for_completion("t-1"), clock=clock)

    assert clock.slept == [7.0]


RUNS: dict[str, Any] = {
    "create_and_wait": lambda client: client.tasks.create_and_wait({"blockId": "a::b"}),
    "run": lambda client: client.tasks.run({"blockId": "a::b"}),
    "run_with_files": lambda client: client.tasks.run_with_files("a::b", {}, [Pipe(b"content")]),
    "applet": lambda client: client.applets.run(Applet("x", AppletData("a-1.0.0", "b"))),
    "install_and_wait": lambda client: client.packages.install_and_wait("a"),
}


class Pipe(io.BytesIO):
    """A file that can be read once."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation("seek")


@defect(11)
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_11_what_the_limiter_refused_is_begun_again_within_the_time_of_the_wait(mode: str, clock: Clock, run: Any):
    refused = (429, {"message": "slow down"}, {"Retry-After": "7"})
    end = {"id": "t-1", "status": "success", "logs": []} if run is RUNS["install_and_wait"] else task()
    server = Canned([*[refused] * 5, end])
    server.run(mode, run, max_retries=2, clock=clock)

    assert sum(clock.slept) >= 35.0
    bodies = [request.content for request in server.requests[:6]]
    assert all(b"content" in body for body in bodies) or run is not RUNS["run_with_files"]


FINISHED: dict[str, Callable[[Any], Any]] = {
    "run": lambda client: client.tasks.run({"blockId": "a::b"}, timeout=60),
    "handle": lambda client: client.tasks.handle("t-1").result(timeout=60),
}


@defect(11)
@pytest.mark.parametrize("run", FINISHED.values(), ids=FINISHED)
def test_11_the_log_that_the_limiter_refused_is_asked_for_again(mode: str, clock: Clock, run: Any):
    refused = (429, {"message": "slow down"}, {"Retry-After": "7"})
    line = {"id": 1, "type": "BlockFinished", "event": {"result": 5}}
    server = Canned([*[task()] * (2 if run is FINISHED["run"] else 1), *[refused] * 5, {"logs": [line]}])

    assert server.run(mode, run, max_retries=2, clock=clock)["result"] == 5
    assert sum(clock.slept) >= 35.0


def test_a_file_that_can_be_read_once_is_in_each_form_that_is_sent(mode: str):
    server = Canned([(400, {"message": "manifest is required"}), task("created")])
    server.run(mode, lambda client: client.tasks.create_with_files("a::b", {}, [Pipe(b"content")]))

    assert [b"content" in request.content for request in server.requests] == [True, True]


@defect(11)
def test_11_a_read_is_sent_again_and_a_write_that_may_have_arrived_is_not(mode: str, clock: Clock):
    reads = Canned([(503, {}), {"tasks": []}])
    reads.run(mode, lambda client: client.tasks.list(), max_retries=2, clock=clock)
    assert len(reads.requests) == 2

    for reply in ((503, {}), httpx.ReadError("dropped")):
        writes = Canned([reply])
        with pytest.raises(ApiError):
            writes.run(mode, lambda client: client.tasks.create({"blockId": "a::b"}), max_retries=2, clock=clock)
        assert len(writes.requests) == 1


@defect(18)
def test_18_a_task_that_surely_was_not_started_is_sent_again(mode: str, clock: Clock):
    server = Canned([httpx.ConnectError("refused"), task("created")])
    created = server.run(mode, lambda client: client.tasks.create({"blockId": "a::b"}), max_retries=2, clock=clock)

    assert created.id == "t-1"
    assert len(server.requests) == 2


@defect(11)
def test_11_after_five_failures_in_a_row_the_wait_gives_up_and_says_for_what_it_waited(mode: str, clock: Clock):
    server = Canned([(500, {"message": "down"})])

    with pytest.raises(ApiError, match="down") as caught:
        server.run(mode, lambda client: client.tasks.wait_for_completion("t-9"), clock=clock)
    assert caught.value.task_id == "t-9"
    assert len(server.requests) == 6


# --- 12: reasons ------------------------------------------------------------------------------------------------------


@defect(12)
@pytest.mark.parametrize(
    "more", [{"error": "no disk"}, {"error": {"message": "no disk"}}, {"failedMessage": "no disk"}]
)
def test_12_a_failed_task_says_why(mode: str, more: dict[str, Any]):
    server = Canned([task("failed", **more)])

    with pytest.raises(TaskFailedError, match="no disk") as caught:
        server.run(mode, lambda client: client.tasks.wait_for_completion("t-1"))
    error = caught.value
    assert (error.reason, error.task_id) == ("no disk", "t-1")
    assert error.task is not None
    assert error.task["status"] == "failed"
    assert isinstance(error, simstudio.JobFailedError)


@defect(12)
def test_12_a_failed_run_carries_its_logs_and_the_reason_in_them(mode: str):
    finished = {"id": 1, "type": "BlockFinished", "event": {"error": "no disk"}}
    server = Canned([task("created"), task("failed"), logs(finished)])

    with pytest.raises(TaskFailedError, match="no disk") as caught:
        server.run(mode, lambda client: client.tasks.run({"blockId": "a::b"}))
    assert [log.type for log in caught.value.logs] == ["BlockFinished"]
    assert caught.value.reason == "no disk"


@defect(12)
def test_12_a_failed_run_whose_logs_cannot_be_read_still_failed(mode: str):
    server = Canned([task("created"), task("failed"), (404, {"message": "no logs"})])

    with pytest.raises(TaskFailedError, match="gives no reason"):
        server.run(mode, lambda client: client.tasks.run({"blockId": "a::b"}))


@defect(12)
def test_12_the_last_logs_are_delivered_before_the_error(mode: str):
    seen: list[int] = []
    server = Canned([task("stopped"), logs((1, "a"), (2, "b"))])

    with pytest.raises(TaskStoppedError) as caught:
        server.run(
            mode, lambda client: client.tasks.wait_for_completion("t-1", on_log=lambda log: seen.append(log["id"]))
        )
    assert seen == [1, 2]
    assert [log.id for log in caught.value.logs] == [1, 2]


# --- 13: callbacks ----------------------------------------------------------------------------------------------------


@defect(13)
def test_13_callbacks_of_an_async_client_may_be_async(clock: Clock):
    seen: list[str] = []

    async def on_progress(found: Any) -> None:
        seen.append(found["status"])

    async def on_log(log: Any) -> None:
        seen.append(log["type"])

    server = Canned([task(), logs((1, "a"))])
    options = {"on_progress": on_progress, "on_log": on_log}
    server.run("async", lambda client: client.tasks.wait_for_completion("t-1", options), clock=clock)

    assert seen == ["completed", "a"]


@defect(13)
def test_13_an_async_callback_is_refused_by_the_sync_client():
    async def on_progress(found: Any) -> None:
        raise AssertionError("never run")

    with pytest.raises(ConfigurationError, match="on_progress is async"):
        Canned([task()]).run("sync", lambda client: client.tasks.wait_for_completion("t-1", on_progress=on_progress))


@both_modes
@defect(13)
@pytest.mark.parametrize("error", [ValueError("mine"), simstudio.ServerError("mine")])
@pytest.mark.parametrize("name", ["on_progress", "on_log"])
def test_13_what_a_callback_raises_ends_the_wait_and_comes_out(mode: str, clock: Clock, name: str, error: Exception):
    def fail(_: Any) -> None:
        raise error

    server = Canned([task("running"), logs((1, "a"))])

    with pytest.raises(type(error), match="mine") as caught:
        server.run(mode, lambda client: client.tasks.wait_for_completion("t-1", {name: fail}), clock=clock)

    assert caught.value is error
    assert clock.slept == []
    notes = getattr(caught.value, "__notes__", None)
    assert notes is None or "while waiting for the task t-1" in notes[0]


# --- 14: applets ------------------------------------------------------------------------------------------------------


@defect(14, "37_applets_run_nodes")
def test_14_no_node_of_an_applets_inputs_is_lost(mode: str):
    (listed, *_) = samples()["37_applets_run_nodes"].exchanges
    nodes = [
        {"nodeId": "n1", "inputs": [{"handle": "indent", "value": 8}]},
        {"nodeId": "n2", "inputs": [{"handle": "other", "value": 9}]},
    ]
    server = Canned([(200, listed.reply), task("created"), task(), logs()])
    server.run(mode, lambda client: client.applets.run("84dc8cac-7f91-4bd1-a3b6-6715bf4f81c9", nodes))

    assert json_of(server.requests[1]) == {
        "blockId": "json-repair::repair",
        "inputValues": [{"nodeId": "_", "inputs": [{"handle": "content", "value": "preset"}]}, *nodes],
    }


@defect(14)
def test_14_an_applet_that_was_listed_runs_without_listing_it_again(mode: str):
    applet = {"appletId": "a", "data": {"packageId": "tool-2.0.0-rc.1", "blockName": "b"}}
    server = Canned([[applet], task("created"), task(), logs()])

    def script(client: Any) -> Any:
        (found,) = yield client.applets.list()
        return (yield client.applets.run(found))

    server.run(mode, script)

    assert [path for path in server.paths if "rpc" in path] == ["POST /rpc/listApplets"]
    assert json_of(server.requests[1]) == {"blockId": "tool::b"}


# --- 15 to 17 ---------------------------------------------------------------------------------------------------------


@defect(15)
def test_15_attributes_are_in_snake_case_and_items_as_the_wire_has_them(mode: str):
    install = {"id": "i", "name": "p", "status": "success", "packagePath": "/p", "createdAt": 1, "updatedAt": 2}
    server = Canned([task(created_at=1, inputValues=[]), install])

    def script(client: Any) -> Any:
        found = yield client.tasks.get("t-1")
        installed = yield client.packages.get_install_task("i")
        return found, installed

    found, installed = server.run(mode, script)

    assert found.created_at == found["created_at"] == installed.created_at == installed["createdAt"] == 1
    assert installed.package_path == installed["packagePath"] == "/p"
    assert found.input_values == found["inputValues"] == []


@defect(15, "seed-1.0.2-04_run_nested_get")
def test_15_a_task_is_found_in_an_envelope_and_without_one(mode: str, clock: Clock):
    sample = samples()["seed-1.0.2-04_run_nested_get"]
    created, enveloped = (exchange.reply for exchange in sample.exchanges[:2])
    for reply in (enveloped, task()["task"]):
        server = Canned([(200, created), (200, reply) if isinstance(reply, bytes) else reply, logs()])
        result = server.run(
            mode, lambda client: client.tasks.run({"blockId": "a::b", "inputValues": {"x": 1}}), clock=clock
        )
        assert result["task"]["status"] == "completed"


@defect(15)
@pytest.mark.parametrize("reply", [task("stopped"), task("stopped")["task"]])
def test_15_a_stopped_task_is_found_in_an_envelope_and_without_one(mode: str, reply: Any):
    found = Canned([reply]).run(mode, lambda client: client.tasks.stop("t-1"))

    assert found.task.status == found["task"]["status"] == "stopped"


@both_modes
@defect(16)
def test_16_a_file_is_read_by_a_thread_and_from_its_start_at_each_attempt(mode: str, tmp_path: Path, clock: Clock):
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello")
    server = Canned([httpx.ConnectError("refused"), task("created")])
    with path.open("rb") as file:
        file.read()
        server.run(mode, lambda client: client.tasks.create_with_files("a::b", None, file), max_retries=1, clock=clock)
        assert file.tell() == 5  # where the caller had it

    bodies = [form(request.headers["content-type"], request.content) for request in server.requests]
    assert bodies[0] == bodies[1]
    assert bodies[0][1][0].content == b"hello"


@defect(17)
def test_17_the_timeout_error_is_the_builtin_one_too_and_causes_are_chained(mode: str):
    assert issubclass(OomolTimeoutError, TimeoutError)
    assert issubclass(OomolTimeoutError, simstudio.JobTimeoutError)

    with pytest.raises(ApiError) as caught:
        Canned([httpx.ReadError("dropped")]).run(mode, lambda client: client.tasks.list())
    causes = []
    error: BaseException | None = caught.value
    while error is not None:
        causes.append(type(error))
        error = error.__cause__
    assert httpx.ReadError in causes


# --- inputs (section 3 of the facts) ----------------------------------------------------------------------------------


@defect(2, "08_tasks_create_empty_inputs", "09_tasks_create_null_inputs")
@pytest.mark.parametrize(("given", "sent"), [({}, []), ([], []), (None, None)])
def test_no_inputs_are_an_empty_list_or_nothing_at_all(mode: str, given: Any, sent: Any):
    server = Canned([task("created")])
    server.run(mode, lambda client: client.tasks.create({"blockId": "a::b", "inputValues": given}))

    expected = {"blockId": "a::b"} if sent is None else {"blockId": "a::b", "inputValues": sent}
    assert json_of(server.requests[0]) == expected
