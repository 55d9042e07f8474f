"""Every recorded status, usage and cancellation, through the methods a user calls."""

from __future__ import annotations

from typing import Any

import pytest

import simstudio as sim
from tests.integration import accounts
from tests.integration.accounts import Status, Usage
from tests.integration.executions import Failure
from tests.integration.replaying import (
    V04,
    V06,
    Watch,
    answer_of,
    client_options,
    in_every_way,
    parameters,
    play,
    workflow_of,
)
from tests.integration.rules import assert_status_error
from tests.recorded import recording


def refused(table: dict[tuple[str, int], Any]) -> dict[tuple[str, int], Any]:
    return {key: value for key, value in table.items() if isinstance(value, Failure)}


def answered(table: dict[tuple[str, int], Any]) -> dict[tuple[str, int], Any]:
    return {key: value for key, value in table.items() if not isinstance(value, Failure)}


STATUS = {
    "workflows.status": lambda client, workflow: client.workflows.status(workflow),
    "get_workflow_status": lambda client, workflow: client.get_workflow_status(workflow),
}
VALIDATE = {
    "workflows.validate": lambda client, workflow: client.workflows.validate(workflow),
    "validate_workflow": lambda client, workflow: client.validate_workflow(workflow),
}
LIMITS = {
    "usage.limits": lambda client: client.usage.limits(),
    "get_usage_limits": lambda client: client.get_usage_limits(),
}


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(STATUS, answered(accounts.STATUSES)))
def test_a_workflow_tells_whether_it_is_deployed(mode, way, recorded, expected: Status):
    said = answer_of(recorded)

    status = play(mode, recorded, lambda client: STATUS[way](client, workflow_of(recorded)))

    assert type(status) is sim.WorkflowStatus
    assert status.is_deployed is expected.deployed
    assert status.deployed_at == said["deployedAt"]
    assert (status.deployed_at is None) is not expected.deployed
    assert status.needs_redeployment is expected.needs_redeployment
    assert status.is_published is False
    assert status.to_dict() == said
    assert set(status) == set(said)


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(STATUS, refused(accounts.STATUSES)))
def test_a_status_that_is_refused_is_an_error(mode, way, recorded, expected: Failure):
    with pytest.raises(expected.kind, match=expected.text) as raised:
        play(
            mode,
            recorded,
            lambda client: STATUS[way](client, workflow_of(recorded)),
            **client_options(recorded),
        )

    assert_status_error(raised.value, recorded)


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(VALIDATE, accounts.STATUSES))
def test_a_workflow_is_valid_when_it_is_deployed_and_not_when_the_server_refuses(mode, way, recorded, expected):
    valid = play(
        mode, recorded, lambda client: VALIDATE[way](client, workflow_of(recorded)), **client_options(recorded)
    )

    assert valid is (isinstance(expected, Status) and expected.deployed)


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(LIMITS, answered(accounts.USAGES)))
def test_the_limits_have_the_documented_names_on_every_server(mode, way, recorded, expected: Usage):
    said = answer_of(recorded)
    watch = Watch()

    limits = play(mode, recorded, LIMITS[way], middleware=[watch])

    assert type(limits) is sim.UsageLimits
    for name, entry, numbers in (
        ("sync", limits.rate_limit.sync, expected.sync),
        ("async", limits.rate_limit.async_, expected.background),
    ):
        sent = said["rateLimit"][name]
        assert (entry.limit, entry.remaining) == numbers
        assert limits.rate_limit[name]["limit"] == entry["limit"] == entry.limit
        assert limits.rate_limit[name]["remaining"] == entry.remaining
        assert limits.rate_limit[name]["resetAt"] == entry.reset_at == sent["resetAt"]
        assert (entry.requests_per_minute, entry.max_burst) == (sent.get("requestsPerMinute"), sent.get("maxBurst"))
    assert limits["rateLimit"]["sync"]["isLimited"] is limits.rate_limit.sync.is_limited is expected.limited
    assert limits.rate_limit.auth_type == limits.rate_limit["authType"] == "api"
    assert limits.usage["currentPeriodCost"] == limits.usage.current_period_cost == expected.cost
    assert limits.usage["limit"] == limits.usage.limit == expected.limit
    assert limits.usage["plan"] == limits.usage.plan == "free"
    assert (limits.storage is None) == ("storage" not in said)
    if limits.storage is not None:
        assert limits.storage.limit_bytes == limits.storage["limitBytes"] == said["storage"]["limitBytes"]
    assert limits.success is True
    assert limits.to_dict() == said
    watch.assert_sent_as(recorded)


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(LIMITS, refused(accounts.USAGES)))
def test_limits_that_are_refused_are_an_error(mode, way, recorded, expected: Failure):
    with pytest.raises(expected.kind, match=expected.text) as raised:
        play(mode, recorded, LIMITS[way], **client_options(recorded))

    assert_status_error(raised.value, recorded)
    assert raised.value.code == "UNAUTHORIZED"
    assert raised.value.server_code == "AUTHENTICATION_REQUIRED"


@pytest.mark.parametrize(("recorded", "reason"), parameters(answered(accounts.CANCELLED)))
def test_a_cancellation_tells_whether_it_was_recorded(mode, recorded, reason):
    execution = recorded.path.split("/")[5]

    cancelled = play(mode, recorded, lambda client: client.workflows.cancel(workflow_of(recorded), execution))

    assert type(cancelled) is sim.CancelResult
    assert cancelled.success is (reason == accounts.RECORDED)
    assert (cancelled.execution_id, cancelled.reason) == (execution, reason)
    assert cancelled.redis_available is cancelled.durably_recorded is (reason == accounts.RECORDED)
    assert cancelled.locally_aborted is False
    assert cancelled.paused_cancelled is (recorded.name == "cancel-paused-execution")
    assert cancelled.to_dict() == answer_of(recorded)


@pytest.mark.parametrize(("recorded", "expected"), parameters(refused(accounts.CANCELLED)))
def test_a_cancellation_that_is_refused_is_an_error(mode, recorded, expected: Failure):
    execution = recorded.path.split("/")[5]

    with pytest.raises(expected.kind, match=expected.text) as raised:
        play(
            mode,
            recorded,
            lambda client: client.workflows.cancel(workflow_of(recorded), execution),
            **client_options(recorded),
        )

    assert_status_error(raised.value, recorded)


@pytest.mark.parametrize("recorded", [recording(V06, 79), recording(V04, 198)], ids=str)
def test_neither_usage_nor_status_says_anything_of_rate_limits_by_headers(mode, recorded):
    def script(client):
        yield client.get_usage_limits()
        return client.get_rate_limit_info()

    assert play(mode, recorded, script) is None
