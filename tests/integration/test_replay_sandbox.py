"""What the local Sim answers can be recorded while it answers, and replayed when it is gone."""

from __future__ import annotations

import pytest

from simstudio.testing import assert_all_played, block_network, make_vcr, rechunk
from tests.integration.replaying import run
from tests.integration.sandbox_session import DIRECTORY, KEY, NAME, Seen, record, session
from tests.modes import both_modes


def check(seen: Seen) -> None:
    assert (seen.greeting.success, seen.greeting.output) == (True, {"message": "Hello, Ada!"})
    assert seen.greeting.execution_id
    assert [event.chunk for event in seen.counted.events[:-1]] == ["1", " 2", " 3"]
    (block,) = seen.counted.result.output.values()
    assert block == {"content": "1 2 3"}
    assert (seen.teapot.status, seen.teapot.response.headers["x-kind"]) == (418, "teapot")
    assert (seen.failure.code, seen.failure.status) == ("EXECUTION_ERROR", 500)
    assert "no ✓" in str(seen.failure)
    assert seen.job.succeeded
    assert seen.job.result.output == {"slept": 0}
    assert seen.deployed is True
    assert seen.limits.usage["plan"] == "free"
    assert (seen.missing.status, seen.missing.server_code) == (404, "TASK_NOT_FOUND")


def same(first: Seen, second: Seen) -> None:
    """Both saw the same, down to ids and times."""
    for name in ("greeting", "job", "deployed", "limits"):
        assert getattr(first, name) == getattr(second, name)
    assert first.counted == second.counted
    for name in ("teapot", "failure", "missing"):
        assert str(getattr(first, name)) == str(getattr(second, name))


@both_modes
@pytest.mark.parametrize("recorded_by", ["sync", "async"])
def test_a_session_recorded_live_is_replayed_without_the_server(mode, recorded_by, tmp_path):
    live, written = record(tmp_path, recorded_by)

    with make_vcr(tmp_path, record_mode="none").use_cassette(NAME) as tape, block_network(loopback=False), rechunk():
        replayed = run(mode, session, base_url="http://sim.test")
        assert_all_played(tape)

    check(live)
    check(replayed)
    same(live, replayed)
    assert KEY.encode() not in written


@both_modes
def test_the_committed_session_is_replayed(mode):
    with make_vcr(DIRECTORY, record_mode="none").use_cassette(NAME) as tape, block_network(loopback=False), rechunk():
        seen = run(mode, session, base_url="http://sim.test")
        assert_all_played(tape)

    check(seen)


def test_the_committed_session_holds_no_key_though_the_server_told_it():
    text = (DIRECTORY / f"{NAME}.yaml").read_text("utf-8")

    assert KEY not in text
    assert '"key":"REDACTED"' in text
