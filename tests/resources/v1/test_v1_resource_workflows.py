"""``client.v1.workflows``: what they send, and what they make of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v1.workflows import Deployment, WorkflowExport
from tests.driving import Both, answer

STATE = {"blocks": {"b": {"id": "b", "type": "start_trigger"}}, "edges": []}
EXPORT = {
    "version": "1.0",
    "exportedAt": "2026-11-20T08:00:00.000Z",
    "workflow": {"id": "wf", "name": "Triage", "description": None, "workspaceId": "ws", "folderId": None},
    "state": STATE,
}


def sent(client: Any) -> tuple[str, str, Any]:
    """Verb, address and body of the one request."""
    (request,) = client.script.requests
    return request.method, request.url.removeprefix("https://sim.test"), json.loads(request.content or b"null")


def deployed(**said: Any) -> Any:
    return answer(200, {"data": {"id": "wf", "isDeployed": True, "warnings": [], **said}, "limits": {}})


async def every(pager: Any) -> list[Any]:
    if hasattr(pager, "__aiter__"):
        return [item async for item in pager]
    return list(pager)


class TestList:
    async def test_all_pages_are_followed_with_the_same_filters(self, both: Both) -> None:
        client = both.client(
            answer(200, {"data": [{"id": "a"}], "nextCursor": "c/2", "limits": {}}),
            answer(200, {"data": [{"id": "b"}], "limits": {}}),
        )
        found = await every(client.v1.workflows.list("w s", folder_id="f", deployed_only=True, limit=1))
        assert [workflow.id for workflow in found] == ["a", "b"]
        first, second = (request.url.partition("/api")[2] for request in client.script.requests)
        assert first == "/v1/workflows?workspaceId=w+s&folderId=f&deployedOnly=true&limit=1"
        assert second == f"{first}&cursor=c%2F2"

    async def test_deployed_only_is_left_out_when_it_is_false_for_any_text_would_be_true(self, both: Both) -> None:
        client = both.client(answer(200, {"data": []}))
        await every(client.v1.workflows.list("ws", deployed_only=False))
        assert sent(client)[1] == "/api/v1/workflows?workspaceId=ws"

    @pytest.mark.parametrize("limit", [0, 101, "5", 1.5, True])
    async def test_a_limit_that_the_server_refuses_is_not_sent(self, both: Both, limit: Any) -> None:
        client = both.client()
        with pytest.raises(sim.InvalidInputError, match="limit must be"):
            await every(client.v1.workflows.list("ws", limit=limit))
        assert client.script.requests == []


class TestGet:
    async def test_an_id_is_one_segment_of_the_path(self, both: Both) -> None:
        client = both.client(answer(200, {"data": {"id": "a/b", "inputs": [{"name": "n", "type": "number"}]}}))
        workflow = await both(client.v1.workflows.get("a/b"))
        assert workflow.inputs[0].type == "number"
        assert sent(client) == ("GET", "/api/v1/workflows/a%2Fb", None)

    async def test_what_the_model_does_not_know_is_kept_and_odd_values_stay(self, both: Both) -> None:
        client = both.client(answer(200, {"data": {"id": "a", "runCount": "many", "mood": "good", "inputs": {}}}))
        workflow = await both(client.v1.workflows.get("a"))
        assert (workflow.run_count, workflow.extra, workflow.inputs) == ("many", {"mood": "good"}, {})

    async def test_a_read_is_sent_again(self, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
        async def asleep(_: float) -> None: ...

        monkeypatch.setattr("simstudio.transport.flow.time.sleep", lambda _: None)
        monkeypatch.setattr("asyncio.sleep", asleep)
        client = both.client(answer(503, {"error": "later"}), answer(200, {"data": {"id": "a"}}), max_retries=1)
        assert (await both(client.v1.workflows.get("a"))).id == "a"


class TestDeployment:
    async def test_deploying_sends_a_body_even_when_nothing_is_said_of_the_version(self, both: Both) -> None:
        client = both.client(deployed(version=7, deployedAt="2026-11-20T08:00:00.000Z"))
        made = await both(client.v1.workflows.deploy("wf"))
        assert type(made) is Deployment
        assert (made.is_deployed, made.version, made.warnings) == (True, 7, [])
        assert sent(client) == ("POST", "/api/v1/workflows/wf/deploy", {})

    async def test_a_version_may_have_a_name_and_a_description(self, both: Both) -> None:
        client = both.client(deployed())
        await both(client.v1.workflows.deploy("wf", name="1.4", description=""))
        assert sent(client)[2] == {"name": "1.4", "description": ""}

    async def test_undeploying_sends_no_body(self, both: Both) -> None:
        client = both.client(deployed(isDeployed=False, deployedAt=None))
        assert (await both(client.v1.workflows.undeploy("wf"))).is_deployed is False
        assert sent(client) == ("DELETE", "/api/v1/workflows/wf/deploy", None)

    @pytest.mark.parametrize(("given", "body"), [({}, {}), ({"version": 6}, {"version": 6})])
    async def test_rolling_back_names_the_version_where_one_is_given(self, both: Both, given: Any, body: Any) -> None:
        client = both.client(deployed(version=6))
        assert (await both(client.v1.workflows.rollback("wf", **given))).version == 6
        assert sent(client) == ("POST", "/api/v1/workflows/wf/rollback", body)

    @pytest.mark.parametrize(
        ("name", "given", "said"),
        [
            ("deploy", {"name": ""}, "name must have from 1 to 100 characters"),
            ("deploy", {"description": "x" * 2001}, "description must have at most 2,000 characters"),
            ("deploy", {"description": None}, "description must be text"),
            ("rollback", {"version": 0}, "version must be at least 1"),
        ],
    )
    async def test_what_the_server_refuses_is_not_sent(self, both: Both, name: str, given: Any, said: str) -> None:
        client = both.client()
        with pytest.raises(sim.InvalidInputError, match=said):
            await both(getattr(client.v1.workflows, name)("wf", **given))
        assert client.script.requests == []

    @pytest.mark.parametrize("name", ["deploy", "undeploy", "rollback"])
    async def test_writes_are_never_sent_again(self, both: Both, name: str) -> None:
        client = both.client(answer(503, {"error": "later"}), max_retries=5)
        with pytest.raises(sim.ServerError):
            await both(getattr(client.v1.workflows, name)("wf"))
        assert len(client.script.requests) == 1

    async def test_fields_that_no_recording_shows_may_all_be_missing(self, both: Both) -> None:
        client = both.client(answer(200, {"data": {"later": 1}}))
        made = await both(client.v1.workflows.deploy("wf"))
        assert (made.id, made.version, made.extra) == (None, None, {"later": 1})


class TestExchange:
    async def test_what_is_exported_can_be_imported_as_it_is(self, both: Both) -> None:
        imported = {"id": "new", "name": "Triage", "workspaceId": "other", "folderId": None}
        client = both.client(answer(200, {"data": EXPORT, "limits": {}}), answer(201, {"data": imported}))
        exported = await both(client.v1.workflows.export("wf"))
        made = await both(client.v1.workflows.import_(workspace_id="other", workflow=exported))
        assert type(exported) is WorkflowExport
        assert (exported.version, exported.workflow.name, exported.state) == ("1.0", "Triage", STATE)
        assert (made.id, made.folder_id) == ("new", None)
        first, second = client.script.requests
        assert (first.method, first.url) == ("GET", "https://sim.test/api/v1/workflows/wf/export")
        assert (second.method, second.url) == ("POST", "https://sim.test/api/v1/workflows/import")
        assert json.loads(second.content) == {"workspaceId": "other", "workflow": EXPORT}

    async def test_a_workflow_may_be_json_text_and_get_a_place_and_a_name(self, both: Both) -> None:
        client = both.client(answer(201, {"data": {"id": "new"}}))
        text = json.dumps(STATE)
        await both(
            client.v1.workflows.import_(
                workspace_id="ws", workflow=text, folder_id="f", name="Copy", description="of Triage"
            )
        )
        assert sent(client)[2] == {
            "workspaceId": "ws",
            "workflow": text,
            "folderId": "f",
            "name": "Copy",
            "description": "of Triage",
        }

    async def test_importing_is_never_sent_again(self, both: Both) -> None:
        client = both.client(answer(502, {"error": "lost"}), max_retries=5)
        with pytest.raises(sim.ServerError):
            await both(client.v1.workflows.import_(workspace_id="ws", workflow={}))
        assert len(client.script.requests) == 1
