from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from simstudio import InvalidInputError, InvalidResponseError, JobTimeoutError, NotFoundError
from simstudio.core.polling import Poller
from simstudio.errors import DeploymentFailedError, DeploymentTimeoutError
from tests.driving import KEY, Both, Clock, answer, client, play
from tests.modes import both_modes
from tests.resources.v2.workflow_answers import attempt, data, deployed, deployment


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Sleeps take no time; what was to be slept is collected."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("simstudio.transport.flow.time.sleep", pauses.append)
    monkeypatch.setattr("asyncio.sleep", sleep)
    return pauses


ACTIVE = attempt("active", activatedAt="2026-10-01T08:00:00.000Z", error=None)
REASON = {"code": "WEBHOOK_PATH_TAKEN", "message": "The path is taken.", "retryable": True}
LIVE = answer(200, data(deployment(ACTIVE, live=3)))


def under_way() -> Any:
    return answer(200, data(deployment(attempt("preparing"), live=2)))


class TestAnswers:
    async def test_a_deployment_begins_and_says_how_far_it_is(self, both: Both) -> None:
        made = both.client(answer(200, data(deployed(attempt("preparing"), version=3))))
        result = await both(made.v2.workflows.deploy("wf1", name="1.4", description=None))
        assert json.loads(made.script.requests[0].content) == {"name": "1.4", "description": None}
        assert (result.version, result.is_deployed, result.active_deployment) == (3, False, None)
        latest = result.latest_deployment_attempt
        assert (latest.status, latest.is_current, latest.readiness.webhooks) == ("preparing", True, "pending")
        assert (latest.activated_at, latest.error) == (None, None)

    async def test_a_deployment_needs_no_words(self, both: Both) -> None:
        made = both.client(answer(200, data(deployed(None))))
        assert (await both(made.v2.workflows.deploy("wf1"))).version is None
        assert json.loads(made.script.requests[0].content) == {}

    async def test_undeploying_tells_which_tools_went(self, both: Both) -> None:
        tools = [{"serverId": "m1", "toolName": "triage"}]
        made = both.client(answer(200, data(deployed(None, archivedMcpTools=tools))))
        result = await both(made.v2.workflows.undeploy("wf1"))
        assert (result.is_deployed, result.archived_mcp_tools[0].tool_name) == (False, "triage")
        assert made.script.requests[0].method == "DELETE"

    async def test_rolling_back_goes_to_the_version_before_where_none_is_named(self, both: Both) -> None:
        step = answer(200, data(deployed(attempt("activating", action="activate"), live=3, version=2)))
        made = both.client(step, step)
        result = await both(made.v2.workflows.rollback("wf1"))
        assert json.loads(made.script.requests[0].content) == {}
        assert (result.version, result.active_deployment.version) == (2, 3)
        await both(made.v2.workflows.rollback("wf1", version=1))
        assert json.loads(made.script.requests[1].content) == {"version": 1}

    async def test_the_deployment_itself(self, both: Both) -> None:
        made = both.client(answer(200, data(deployment(ACTIVE, live=3))))
        found = await both(made.v2.workflows.deployment.get("wf1"))
        assert (found.needs_redeployment, found.is_public_api) == (False, False)
        assert (found.webhooks[0].provider, found.webhooks[0].block_id) == ("github", "b1")

    async def test_who_may_run_it(self, both: Both) -> None:
        made = both.client(answer(200, data({"id": "wf1", "isPublicApi": True})))
        assert (await both(made.v2.workflows.deployment.update("wf1", is_public_api=True))).is_public_api is True
        assert json.loads(made.script.requests[0].content) == {"isPublicApi": True}


BARE = {"id": "dv3", "version": 3, "name": None, "description": None, "isActive": True, "createdAt": "2026-10-01"}


class TestVersions:
    async def test_one_has_its_graph(self, both: Both) -> None:
        made = both.client(answer(200, data({**BARE, "state": {"blocks": {}}})))
        version = await both(made.v2.workflows.versions.get("wf1", 3))
        assert (version.version, version.state, version.name) == (3, {"blocks": {}}, None)
        assert made.script.requests[0].url.endswith("/api/v2/workflows/wf1/versions/3")

    async def test_its_labels_change(self, both: Both) -> None:
        made = both.client(answer(200, data({"version": 3, "name": "1.4", "description": None})))
        assert (await both(made.v2.workflows.versions.update("wf1", 3, description=None))).name == "1.4"
        assert json.loads(made.script.requests[0].content) == {"description": None}

    async def test_it_is_activated(self, both: Both) -> None:
        made = both.client(answer(200, data(deployed(attempt("activating"), live=3, version=2))))
        assert (await both(made.v2.workflows.versions.activate("wf1", 2))).version == 2
        assert made.script.requests[0].content == b""

    @pytest.mark.parametrize("version", [2, "active"])
    async def test_the_draft_is_overwritten_with_it(self, both: Both, version: int | str) -> None:
        made = both.client(answer(200, data({"id": "wf1", "version": version, "lastSaved": 1790000000000})))
        reverted = await both(made.v2.workflows.versions.revert("wf1", version))
        assert (reverted.version, reverted.last_saved) == (version, 1790000000000)
        assert made.script.requests[0].url.endswith(f"/versions/{version}/revert")

    async def test_two_are_compared(self, both: Both) -> None:
        diff = {
            "addedBlocks": [{"id": "b1"}],
            "removedBlocks": [],
            "modifiedBlocks": [],
            "edgeChanges": {"added": 1},
            "loopChanges": None,
            "parallelChanges": None,
            "containerChanges": [],
            "variableChanges": None,
            "hasChanges": True,
        }
        made = both.client(answer(200, data({"workflowId": "wf1", "base": 2, "target": 3, "diff": diff})))
        compared = await both(made.v2.workflows.versions.compare("wf1", base=2, target=3))
        assert made.script.requests[0].url.endswith("/versions/compare?base=2&target=3")
        assert (compared.diff.has_changes, compared.diff.added_blocks) == (True, [{"id": "b1"}])
        assert (compared.diff.edge_changes, compared.diff.loop_changes) == ({"added": 1}, None)


class TestWaiting:
    @both_modes
    async def test_it_ends_when_the_version_is_live(self, both: Both, slept: list[float]) -> None:
        made = both.client(under_way(), answer(200, data(deployment(attempt("activating"), live=2))), LIVE)
        found = await both(made.v2.workflows.wait_until_deployed("wf1"))
        assert found.active_deployment.version == 3
        assert len(slept) == 2
        assert {request.url for request in made.script.requests} == {"https://sim.test/api/v2/workflows/wf1/deployment"}

    async def test_a_status_of_the_future_is_waited_out(self, both: Both, slept: list[float]) -> None:
        made = both.client(answer(200, data(deployment(attempt("warming_up")))), LIVE)
        assert (await both(made.v2.workflows.wait_until_deployed("wf1"))).is_deployed is True

    async def test_what_was_deployed_long_ago_needs_no_attempt(self, both: Both) -> None:
        made = both.client(answer(200, data(deployment(None, live=1))))
        assert (await both(made.v2.workflows.wait_until_deployed("wf1"))).active_deployment.version == 1

    async def test_a_failure_comes_with_code_and_message_and_what_is_live(self, both: Both) -> None:
        made = both.client(answer(200, data(deployment(attempt("failed", error=REASON), live=2))))
        with pytest.raises(
            DeploymentFailedError, match=r"Version 3 .*: The path is taken\. Version 2 of it is live"
        ) as e:
            await both(made.v2.workflows.wait_until_deployed("wf1"))
        error: Any = e.value
        assert (error.code, error.server_code, error.retryable) == ("WEBHOOK_PATH_TAKEN", "WEBHOOK_PATH_TAKEN", True)
        assert error.deployment.active_deployment.version == 2

    @pytest.mark.parametrize(
        ("reason", "code"),
        [(None, None), ({"code": "X"}, "X"), ({"code": 5, "retryable": "no"}, None), ("text", None)],
        ids=["none", "half", "odd", "text"],
    )
    async def test_a_failure_without_a_reason_is_one_all_the_same(self, both: Both, reason: Any, code: Any) -> None:
        made = both.client(answer(200, data(deployment(attempt("failed", error=reason)))))
        with pytest.raises(DeploymentFailedError, match=r"could not be deployed\. No version of it is live") as e:
            await both(made.v2.workflows.wait_until_deployed("wf1"))
        assert (e.value.code, e.value.server_code, e.value.retryable) == (code, code, False)

    @pytest.mark.parametrize(
        ("odd", "problem"),
        [
            ({"isDeployed": "false"}, "the body is no WorkflowDeployment: its is_deployed is text and not a bool"),
            ({"latestDeploymentAttempt": {"id": "a"}}, "the body is no DeploymentAttempt: its status is missing"),
        ],
    )
    async def test_what_does_not_say_how_far_it_is_is_an_error_with_what_came(
        self, both: Both, slept: list[float], odd: dict[str, Any], problem: str
    ) -> None:
        made = both.client(*[answer(200, data({**deployment(None), **odd}))] * 6)
        with pytest.raises(InvalidResponseError, match=problem) as e:
            await both(made.v2.workflows.wait_until_deployed("wf1"))
        assert e.value.response is not None
        assert len(slept) == 5

    async def test_what_a_later_attempt_replaced_failed(self, both: Both) -> None:
        made = both.client(answer(200, data(deployment(attempt("superseded"), live=2))))
        with pytest.raises(DeploymentFailedError, match="Version 3 of the workflow wf1 was superseded"):
            await both(made.v2.workflows.wait_until_deployed("wf1"))

    @pytest.mark.parametrize("latest", [None, ACTIVE], ids=["never deployed", "undeployed"])
    async def test_nothing_is_waited_for_where_nothing_is_under_way(self, both: Both, latest: Any) -> None:
        made = both.client(answer(200, data(deployment(latest))))
        with pytest.raises(DeploymentFailedError, match="is not deployed, and nothing is under way"):
            await both(made.v2.workflows.wait_until_deployed("wf1"))

    async def test_patience_ends_after_a_last_question(self, both: Both, slept: list[float]) -> None:
        made = both.client(under_way(), under_way())
        with pytest.raises(DeploymentTimeoutError, match=r"wf1 was not deployed within 0.001 s .*'preparing'") as e:
            await both(made.v2.workflows.wait_until_deployed("wf1", timeout=0.001))
        assert isinstance(e.value, JobTimeoutError)
        error: Any = e.value
        assert (error.code, error.deployment.latest_deployment_attempt.version) == ("TIMEOUT", 3)
        assert (len(slept), len(made.script.requests)) == (1, 2)

    async def test_failed_questions_are_borne_and_refusals_are_not(self, both: Both, slept: list[float]) -> None:
        made = both.client(answer(503, {"error": {"code": "X", "message": "busy"}}), LIVE, max_retries=0)
        assert (await both(made.v2.workflows.wait_until_deployed("wf1"))).is_deployed is True
        made = both.client(answer(404, {"error": {"code": "NOT_FOUND", "message": "Workflow not found"}}))
        with pytest.raises(NotFoundError, match="Workflow not found"):
            await both(made.v2.workflows.wait_until_deployed("wf1"))

    async def test_a_deployment_has_a_handle(self, both: Both, slept: list[float]) -> None:
        made = both.client(under_way(), under_way(), LIVE)
        handle = made.v2.workflows.deployment.handle("wf1")
        assert (handle.id, handle.status, handle.done) == ("wf1", "unknown", False)
        await both(handle.refresh())
        assert (handle.status, handle.done) == ("preparing", False)
        assert (await both(handle.wait(timeout=60))).active_deployment.version == 3
        assert (handle.status, handle.done, (await both(handle.result())).is_deployed) == ("active", True, True)
        assert (len(slept), len(made.script.requests)) == (1, 3)
        assert pickle.loads(pickle.dumps(handle)).state == handle.state

    async def test_the_handle_of_what_was_never_deployed_is_done_and_fails(self, both: Both) -> None:
        handle = both.client(answer(200, data(deployment(None)))).v2.workflows.deployment.handle("wf1")
        with pytest.raises(DeploymentFailedError, match="nothing is under way"):
            await both(handle.wait())

    @pytest.mark.parametrize("arguments", [{"timeout": -1}, {"poll_interval": "2"}, {"workflow_id": ""}])
    async def test_what_cannot_be_is_refused_before_anything_is_sent(
        self, both: Both, arguments: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidInputError, match=next(iter(arguments))):
            await both(both.client().v2.workflows.wait_until_deployed(**{"workflow_id": "wf1", **arguments}))

    def test_pauses_are_as_long_as_asked_for_and_the_last_one_is_cut(self) -> None:
        clock = Clock()
        made = client()
        workflows = made.v2.workflows
        workflows.poller = Poller(clock=clock)
        flow = type(workflows).wait_until_deployed.flow(workflows, "wf1", timeout=5, poll_interval=2)
        played = play(flow, *[under_way() for _ in range(4)], on_sleep=clock.advance)
        assert isinstance(played.error, DeploymentTimeoutError)
        assert played.sleeps == [2, 2, 1]


def failure() -> Any:
    """One with everything that it may hold, of a server that echoes the key."""
    made = client(answer(200, data(deployment(attempt("failed", error={**REASON, "message": f"At {KEY}"})))))
    with pytest.raises(DeploymentFailedError) as caught:
        made.v2.workflows.wait_until_deployed("wf1")
    return caught.value


@pytest.mark.parametrize("through", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))], ids=["copy", "pickle"])
def test_the_errors_come_back_with_all_they_say_and_without_the_key(through: Any) -> None:
    error = failure()
    again = through(error)
    assert (str(again), again.code, again.retryable) == (str(error), "WEBHOOK_PATH_TAKEN", True)
    assert again.deployment == error.deployment
    assert KEY not in f"{error} {error.deployment!r} {error.deployment.to_dict()}"
