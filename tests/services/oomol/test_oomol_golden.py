"""Every golden sample: our client makes the requests of the service's own package, and reads its replies."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest

import simstudio
from simstudio.services.oomol import ApiError, InstallFailedError, OomolConnectError, TaskStoppedError
from simstudio.services.oomol import TimeoutError as OomolTimeoutError
from tests.modes import both_modes
from tests.services.oomol.helpers import TOKEN, Canned, Clock, Sample, Script, assert_equivalent, plain, replay, samples

APPLET = "84dc8cac-7f91-4bd1-a3b6-6715bf4f81c9"
X = {"blockId": "a::b", "inputValues": {"x": 1}}
NODES = [
    {"nodeId": "node1", "inputs": [{"handle": "i", "value": 1}]},
    {"nodeId": "node2", "inputs": [{"handle": "j", "value": [1, None]}]},
]


def a_txt() -> io.BytesIO:
    file = io.BytesIO(b"hello file a\n")
    file.name = "/somewhere/a.txt"
    return file


CALLS: dict[str, Script] = {
    "01_blocks_list_latest": lambda client: client.blocks.list(),
    "02_blocks_list_all": lambda client: client.blocks.list(include_all_versions=True),
    "03_tasks_list": lambda client: client.tasks.list(),
    "04_tasks_create_object": lambda client: client.tasks.create(
        {"blockId": "audio-lab::text-to-audio", "inputValues": {"text": "你好", "n": 123}}
    ),
    "06_tasks_create_nodes": lambda client: client.tasks.create({"blockId": "a::b", "inputValues": NODES}),
    "07_tasks_create_no_inputs": lambda client: client.tasks.create({"blockId": "a::b"}),
    "10_tasks_create_with_one_file": lambda client: client.tasks.create_with_files(
        "pkg::file-processor", {"input1": "值"}, a_txt()
    ),
    "12_tasks_create_with_tuple_file": lambda client: client.tasks.create_with_files(
        "pkg::multi", None, [("named.csv", b"a,b\n1,2\n", "text/csv")]
    ),
    "15_tasks_get": lambda client: client.tasks.get("t-1"),
    "16_tasks_get_flat": lambda client: client.tasks.get("t-1"),
    "18_tasks_get_logs": lambda client: client.tasks.get_logs("t-1"),
    "19_wait_with_logs": lambda client: client.tasks.wait_for_completion(
        "t-1", {"on_progress": lambda task: None, "on_log": lambda log: None}
    ),
    "21_wait_backoff": lambda client: client.tasks.wait_for_completion("t-1"),
    "22_wait_fixed": lambda client: client.tasks.wait_for_completion(
        "t-1", {"interval_ms": 1000, "backoff_strategy": "fixed"}
    ),
    "24_wait_stopped": lambda client: client.tasks.wait_for_completion("t-1"),
    "25_wait_unknown_status": lambda client: client.tasks.wait_for_completion("t-1"),
    "30_run_no_result_log": lambda client: client.tasks.run({"blockId": "a::b"}),
    "31_create_and_wait": lambda client: client.tasks.create_and_wait(X),
    "32_run_with_files": lambda client: client.tasks.run_with_files(
        "pkg::file-processor", {"input1": "value"}, a_txt()
    ),
    "33_applets_list": lambda client: client.applets.list(),
    "34_applets_run_presets": lambda client: client.applets.run(APPLET),
    "36_applets_run_array": lambda client: client.applets.run(APPLET, [{"handle": "indent", "value": 8}]),
    "39_applets_run_unknown": lambda client: client.applets.run("nope"),
    "40_packages_list": lambda client: client.packages.list(),
    "42_packages_install_latest": lambda client: client.packages.install("audio-lab"),
    "43_packages_list_install_tasks": lambda client: client.packages.list_install_tasks(),
    "44_packages_get_install_task": lambda client: client.packages.get_install_task("i-1"),
    "45_packages_install_and_wait": lambda client: client.packages.install_and_wait("audio-lab", "1.0.0"),
    "46_packages_install_failed": lambda client: client.packages.install_and_wait("bad"),
    "48_error_500_text": lambda client: client.tasks.list(),
    "seed-1.0.0-01_flows_list": lambda client: client.flows.list(),
    "seed-1.0.0-03_tasks_create_object": lambda client: client.tasks.create(
        {"manifest": "audio-lab::text-to-audio", "inputValues": {"text": "你好"}}
    ),
    "seed-1.0.0-04_tasks_create_with_one_file": lambda client: client.tasks.create_with_files(
        manifest="pkg::file-processor", input_values={"input1": "value"}, files=a_txt()
    ),
    "seed-1.0.0-06_run_flat_get": lambda client: client.tasks.run({"manifest": "a::b", "inputValues": {"x": 1}}),
    "seed-1.0.2-01_blocks_list": lambda client: client.blocks.list(),
    "seed-1.0.2-02_tasks_create_object": lambda client: client.tasks.create(
        {"blockId": "audio-lab::text-to-audio", "inputValues": {"text": "你好"}}
    ),
    "seed-1.0.2-03_tasks_create_with_one_file": lambda client: client.tasks.create_with_files(
        "pkg::file-processor", {"input1": "value"}, a_txt()
    ),
}
"""Those that our client plays as they are; the others have tests of their own below, which say what differs."""

OF_THEIR_OWN = {
    "26_wait_timeout",
    "38_applets_run_no_presets",
    "55_error_connect",
    "seed-1.0.0-02_blocks_list",
}


def token_of(name: str) -> str:
    """The first release added a scheme to the token; ours sends what it is given."""
    return f"Bearer {TOKEN}" if name.startswith("seed-1.0.0") else TOKEN


def played(mode: str, clock: Clock, name: str, script: Script | None = None) -> tuple[Any, Sample]:
    """The outcome of a golden sample whose requests were all made, and no other."""
    sample = samples()[name]
    outcome, sent = replay(mode, sample, script or CALLS[name], clock=clock, api_token=token_of(name))
    assert len(sent) == len(sample.exchanges), outcome
    for ours, recorded in zip(sent, sample.exchanges, strict=True):
        assert_equivalent(ours, recorded)
    return outcome, sample


def test_every_golden_sample_is_played():
    golden = {name for name, sample in samples().items() if sample.use in ("golden", "golden-body")}

    assert golden == {*CALLS, *OF_THEIR_OWN}


@pytest.mark.parametrize("name", CALLS)
def test_a_golden_sample_is_played(name: str, mode: str, clock: Clock):
    outcome, sample = played(mode, clock, name)

    if "returned" in sample.outcome:
        assert plain(outcome) == sample.outcome["returned"]
    else:
        assert isinstance(outcome, OomolConnectError)
        theirs = sample.outcome["raised"]
        assert type(outcome).__name__ == theirs["type"].rpartition(".")[2] or isinstance(outcome, ApiError)
        assert getattr(outcome, "status", None) == theirs["attrs"].get("status")
        assert getattr(outcome, "task_id", None) == theirs["attrs"].get("task_id")
    assert clock.slept == sample.sleeps


@both_modes
def test_a_wait_calls_back_in_the_same_order(mode: str, clock: Clock):
    events: list[list[Any]] = []
    options = {
        "on_progress": lambda task: events.append(["progress", task["status"]]),
        "on_log": lambda log: events.append(["log", log["id"], log["type"]]),
    }
    _, sample = played(
        mode, clock, "19_wait_with_logs", lambda client: client.tasks.wait_for_completion("t-1", options)
    )

    assert events == sample.events


def test_a_stopped_task_is_on_its_error(mode: str, clock: Clock):
    error, sample = played(mode, clock, "24_wait_stopped")

    assert isinstance(error, TaskStoppedError)
    assert isinstance(error, simstudio.JobCancelledError)
    assert error.task == sample.outcome["raised"]["attrs"]["task"]


def test_a_failed_installation_is_on_its_error(mode: str, clock: Clock):
    error, sample = played(mode, clock, "46_packages_install_failed")

    assert isinstance(error, InstallFailedError)
    assert error.task == sample.outcome["raised"]["attrs"]["task"]
    assert "no such package" in error.message


def test_an_error_says_the_servers_words(mode: str, clock: Clock):
    error, _ = played(mode, clock, "48_error_500_text")

    assert (error.status, error.message) == (500, "oops")
    assert isinstance(error, simstudio.ServerError)
    assert error.response is not None
    assert error.response.text == "oops"


def test_an_unknown_applet_is_not_found(mode: str, clock: Clock):
    error, _ = played(mode, clock, "39_applets_run_unknown")

    assert (error.status, error.message) == (404, "Applet not found: nope")
    assert isinstance(error, simstudio.NotFoundError)


def test_a_wait_that_is_over_has_asked_once_more_at_its_deadline(mode: str, clock: Clock):
    """Golden but for the last poll: theirs gives up without a look."""
    sample = samples()["26_wait_timeout"]
    statuses: list[str] = []
    error, _ = replay(
        mode,
        sample,
        lambda client: client.tasks.wait_for_completion(
            "t-1", {"timeout_ms": 5000, "on_progress": lambda task: statuses.append(task.status)}
        ),
        clock=clock,
        middleware=[Repeating()],
    )

    assert isinstance(error, OomolTimeoutError)
    assert isinstance(error, TimeoutError)
    assert clock.slept == sample.sleeps
    assert statuses == ["running"] * (len(sample.exchanges) + 1)


class Repeating:
    """Middleware that gives a cassette's answers, and its last one again when it is at its end."""

    def __init__(self) -> None:
        self.last: Any = None
        self.asked = 0

    def __call__(self, request: Any, call_next: Any) -> Any:
        self.asked += 1
        if self.asked > len(samples()["26_wait_timeout"].exchanges):
            return self.last
        self.last = yield from call_next(request)
        return self.last


def test_a_prerelease_does_not_stay_in_the_id_of_an_applets_block(mode: str, clock: Clock):
    """Golden but for that (defect 14)."""
    sample = samples()["38_applets_run_no_presets"]
    nodes = [{"nodeId": "n1", "inputs": [{"handle": "i", "value": 1}]}]
    outcome, sent = replay(mode, sample, lambda client: client.applets.run("no-presets", nodes), clock=clock)

    assert sent[1].json == {"blockId": "tool::b", "inputValues": nodes}
    assert_equivalent(sent[0], sample.exchanges[0])
    assert isinstance(outcome, Exception)  # the recorded request is another


def test_a_closed_port_is_an_error_of_status_0(mode: str):
    theirs = samples()["55_error_connect"].outcome["raised"]["attrs"]
    server = Canned([httpx.ConnectError(theirs["message"])])

    with pytest.raises(ApiError) as caught:
        server.run(mode, lambda client: client.tasks.list())

    assert isinstance(caught.value, simstudio.APIConnectionError)
    assert caught.value.status == theirs["status"] == 0
    assert theirs["message"] in caught.value.message
    assert len(server.requests) == 1


def test_blocks_of_old_servers_get_an_id_and_a_version_too(mode: str, clock: Clock):
    """Golden but for what our client adds to what the first release gave."""
    outcome, sample = played(mode, clock, "seed-1.0.0-02_blocks_list", lambda client: client.blocks.list())

    (block,) = outcome["blocks"]
    assert sample.outcome["returned"]["blocks"][0].items() <= plain(block).items()
    assert (block["blockId"], block["version"]) == ("audio-lab::text-to-audio", "1.2.0")
