from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from simstudio import (
    AsyncSimStudioClient,
    ConflictError,
    InvalidInputError,
    LockedError,
    MissingFieldError,
    SimStudioClient,
)
from tests.driving import Both, answer
from tests.resources.v2.workflow_answers import CHAT, FOLDER, LINT, WORKFLOW, data, every


def sent(made: Any) -> Any:
    """The JSON body of the last request."""
    return json.loads(made.script.requests[-1].content)


def asked(made: Any) -> str:
    """Verb and address of the last request."""
    request = made.script.requests[-1]
    return f"{request.method} {request.url.removeprefix('https://sim.test')}"


class TestLists:
    async def test_workflows_are_followed_over_all_pages(self, both: Both) -> None:
        second = {**WORKFLOW, "id": "wf2"}
        made = both.client(answer(200, data([WORKFLOW], nextCursor="c2")), answer(200, data([second], nextCursor=None)))
        found = await every(both, made.v2.workflows.list("ws1", scope="archived", deployed_only=False, limit=1))
        assert [workflow.id for workflow in found] == ["wf1", "wf2"]
        assert asked(made) == (
            "GET /api/v2/workflows?workspaceId=ws1&scope=archived&deployedOnly=false&limit=1&cursor=c2"
        )

    async def test_a_page_names_the_next(self, both: Both) -> None:
        made = both.client(answer(200, data([WORKFLOW], nextCursor="c2")))
        page = await both(made.v2.workflows.list("ws1").page())
        assert (page.items[0].run_count, page.next_cursor) == (7, "c2")

    async def test_folders_come_at_once(self, both: Both) -> None:
        made = both.client(answer(200, data([FOLDER], nextCursor=None)))
        (folder,) = await every(both, made.v2.workflows.folders.list("ws1", parent_path="/Sales", sort_by="name"))
        assert (folder.name, folder.parent_path, folder.locked) == ("New leads", "/Sales", False)
        assert asked(made) == "GET /api/v2/workflows/folders?workspaceId=ws1&parentPath=%2FSales&sortBy=name"

    async def test_versions(self, both: Both) -> None:
        version = {"id": "dv3", "version": 3, "isActive": True, "createdAt": "2026-10-01T08:00:00.000Z"}
        made = both.client(
            answer(200, data([{**version, "latestOperationStatus": "paused-some-day"}], nextCursor=None))
        )
        (found,) = await every(both, made.v2.workflows.versions.list("wf1"))
        assert (found.version, found.is_active, found.name) == (3, True, None)
        assert found.latest_operation_status == "paused-some-day"

    async def test_chats_of_a_workspace(self, both: Both) -> None:
        made = both.client(answer(200, data([CHAT], nextCursor=None)))
        (chat,) = await every(both, made.v2.chat_deployments.list("ws1", is_active=True, sort_order="asc"))
        assert (chat.url, chat.output_configs[0].path) == ("https://sim.test/chat/triage", "content")
        assert asked(made) == "GET /api/v2/chat-deployments?workspaceId=ws1&isActive=true&sortOrder=asc"


class TestOne:
    async def test_it_has_its_inputs_and_variables(self, both: Both) -> None:
        more = {"variables": {"v1": {"name": "model"}}, "inputs": [{"name": "question", "type": "string"}]}
        made = both.client(answer(200, data({**WORKFLOW, **more})))
        workflow = await both(made.v2.workflows.get("wf1"))
        assert workflow.inputs[0].name == "question"
        assert workflow.inputs[0].description is None
        assert workflow.variables["v1"] == {"name": "model"}
        assert workflow.folder_path == "/Sales/New%20leads"

    async def test_a_new_one_has_its_first_blocks(self, both: Both) -> None:
        block = {"id": "b0", "type": "start_trigger", "name": "Start"}
        made = both.client(answer(201, data({**WORKFLOW, "blocks": [block]})))
        workflow = await both(made.v2.workflows.create("ws1", name="Triage"))
        assert workflow.blocks[0].type == "start_trigger"
        assert sent(made) == {"workspaceId": "ws1", "name": "Triage"}

    async def test_what_is_left_out_is_not_sent_and_none_is_null(self, both: Both) -> None:
        made = both.client(answer(200, data(WORKFLOW)), answer(200, data(WORKFLOW)))
        await both(made.v2.workflows.update("wf1", name="Triage"))
        assert sent(made) == {"name": "Triage"}
        await both(made.v2.workflows.update("wf1", description=None))
        assert sent(made) == {"description": None}

    async def test_none_is_refused_where_sim_takes_no_null(self, both: Both) -> None:
        made = both.client()
        with pytest.raises(InvalidInputError, match="folder_path must be text"):
            await both(made.v2.workflows.update("wf1", folder_path=None))

    async def test_it_is_archived_and_restored(self, both: Both) -> None:
        made = both.client(answer(200, data({"id": "wf1", "deleted": True, "archived": True})))
        assert (await both(made.v2.workflows.delete("wf1"))).archived is True
        assert made.script.requests[0].content == b""
        made = both.client(answer(200, data(WORKFLOW)))
        assert (await both(made.v2.workflows.restore("wf1"))).id == "wf1"
        assert asked(made) == "POST /api/v2/workflows/wf1/restore"

    async def test_a_copy(self, both: Both) -> None:
        made = both.client(answer(201, data({**WORKFLOW, "id": "wf2"})))
        assert (await both(made.v2.workflows.duplicate("wf1", folder_path="/Copies"))).id == "wf2"
        assert sent(made) == {"folderPath": "/Copies"}

    async def test_unknown_fields_are_kept(self, both: Both) -> None:
        made = both.client(answer(200, data({**WORKFLOW, "colour": "green"})))
        workflow = await both(made.v2.workflows.restore("wf1"))
        assert workflow.extra == {"colour": "green"}
        assert workflow.to_dict() == {**WORKFLOW, "colour": "green"}

    async def test_missing_optional_fields_are_none_and_missing_required_ones_named(self, both: Both) -> None:
        bare = {name: value for name, value in WORKFLOW.items() if name not in ("deployedAt", "lastRunAt")}
        del bare["name"]
        workflow = await both(both.client(answer(200, data({**bare, "runCount": "7"}))).v2.workflows.restore("wf1"))
        assert (workflow.last_run_at, workflow.run_count) == (None, "7")
        with pytest.raises(MissingFieldError, match=r"Workflow\.name"):
            workflow.name  # noqa: B018

    async def test_it_survives_a_pickle(self, both: Both) -> None:
        made = both.client(answer(200, data({**WORKFLOW, "variables": {}, "inputs": []})))
        workflow = await both(made.v2.workflows.get("wf1"))
        assert pickle.loads(pickle.dumps(workflow)) == workflow


class TestMoving:
    async def test_what_could_not_be_moved_is_told_and_not_raised(self, both: Both) -> None:
        made = both.client(answer(200, data({"moved": ["a"], "failed": ["b"], "folderPath": "/X"})))
        moved = await both(made.v2.workflows.move("ws1", workflow_ids=("a", "b"), folder_path="/X"))
        assert (moved.moved, moved.failed, moved.folder_path) == (["a"], ["b"], "/X")
        assert sent(made) == {"workspaceId": "ws1", "workflowIds": ["a", "b"], "folderPath": "/X"}

    async def test_folders(self, both: Both) -> None:
        gone = {"path": "/X", "deleted": True, "deletedItems": {"folders": 2, "workflows": 5}}
        made = both.client(answer(201, data(FOLDER)), answer(200, data(FOLDER)), answer(200, data(gone)))
        assert (await both(made.v2.workflows.folders.create("ws1", path="/X"))).path == "/Sales/New%20leads"
        await both(made.v2.workflows.folders.relocate("ws1", path="/X", destination_path="/Y"))
        assert sent(made) == {"workspaceId": "ws1", "path": "/X", "destinationPath": "/Y"}
        deleted = await both(made.v2.workflows.folders.delete("ws1", path="/X", recursive=True))
        assert (deleted.deleted_items.folders, deleted.deleted_items.workflows) == (2, 5)
        assert asked(made) == "DELETE /api/v2/workflows/folders?workspaceId=ws1&path=%2FX&recursive=true"


class TestLimits:
    @pytest.mark.parametrize(
        ("name", "arguments", "told"),
        [
            ("list", {"workspace_id": ""}, "workspace_id must have from 1 to 128 characters"),
            ("list", {"workspace_id": "ws1", "search": "x" * 201}, "search must have from 1 to 200 characters"),
            ("list", {"workspace_id": "ws1", "sort_by": "size"}, "sort_by must be 'createdAt', 'name'"),
            ("create", {"workspace_id": "x" * 129, "name": "a"}, "workspace_id must have from 1 to 128 characters"),
            (
                "move",
                {"workspace_id": "ws1", "workflow_ids": [], "folder_path": "/"},
                "workflow_ids must have from 1 to",
            ),
            (
                "move",
                {"workspace_id": "ws1", "workflow_ids": "a", "folder_path": "/"},
                "workflow_ids must be a sequence",
            ),
            (
                "apply_operations",
                {"workflow_id": "wf1", "operations": [{}] * 201},
                "operations must have from 1 to 200",
            ),
            ("variables.apply", {"workflow_id": "wf1", "operations": [{}] * 101}, "operations must have from 1 to 100"),
            ("versions.list", {"workflow_id": "wf1", "limit": 101}, "limit must be from 1 to 100"),
            (
                "versions.revert",
                {"workflow_id": "wf1", "version": "last"},
                "version must be 'active' or a whole number",
            ),
            (
                "chat.replace",
                {"workflow_id": "wf1", "identifier": "a", "title": "b", "password": "short"},
                "password must have from 15 to 1,024 characters",
            ),
            (
                "chat.replace",
                {"workflow_id": "wf1", "identifier": "a", "title": "b", "auth_type": "none"},
                "auth_type must be 'email', 'password', 'public' or 'sso'",
            ),
            (
                "state.replace",
                {"workflow_id": "wf1", "blocks": {}, "edges": [{}] * 10_001},
                "edges must have at most 10,000 items",
            ),
        ],
    )
    async def test_they_are_named_before_anything_is_sent(
        self, both: Both, name: str, arguments: dict[str, Any], told: str
    ) -> None:
        found: Any = both.client().v2.workflows
        for part in name.split("."):
            found = getattr(found, part)
        with pytest.raises(InvalidInputError) as caught:
            await both(found(**arguments))
        assert told in str(caught.value)


class TestRefusals:
    @pytest.mark.parametrize(("status", "kind"), [(409, ConflictError), (423, LockedError)])
    async def test_a_write_is_sent_once_and_its_refusal_raised(
        self, both: Both, status: int, kind: type[Exception]
    ) -> None:
        made = both.client(answer(status, {"error": {"code": "CONFLICT", "message": "The name is taken"}}))
        with pytest.raises(kind, match="The name is taken"):
            await both(made.v2.workflows.create("ws1", name="Triage"))
        assert len(made.script.requests) == 1

    async def test_a_write_whose_answer_failed_is_not_sent_again(self, both: Both) -> None:
        made = both.client(answer(503, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "Busy"}}))
        with pytest.raises(Exception, match="Busy"):
            await both(made.v2.workflows.deploy("wf1"))
        assert len(made.script.requests) == 1


class TestOperations:
    async def test_what_became_of_each(self, both: Both) -> None:
        skipped = {"type": "block_not_found", "operationType": "delete", "blockId": "b9", "reason": "No such block"}
        result = {
            "id": "wf1",
            "warnings": [],
            "needsRedeployment": True,
            "applied": 1,
            "skipped": [skipped],
            "deferred": [{**skipped, "type": "of_the_future", "details": {"handle": "x"}}],
            "inputValidationErrors": [{"blockId": "b1", "blockType": "agent", "field": "model", "error": "No such"}],
            "mintedBlockIds": {"summary": "b7"},
            "previewBlockIds": {"summary": "b8"},
            "lint": LINT,
            "dryRun": True,
        }
        made = both.client(answer(200, data(result)))
        add = {"operation_type": "add", "block_id": "summary", "params": {"type": "agent", "name": "Summary"}}
        applied = await both(
            made.v2.workflows.apply_operations(
                "wf1",
                operations=[add, {"operation_type": "delete", "block_id": "b9"}],
                set_block_enabled=[{"block_id": "b1", "enabled": False}],
                dry_run=True,
            )
        )
        assert asked(made) == "POST /api/v2/workflows/wf1/operations?dryRun=true"
        assert sent(made) == {
            "operations": [add, {"operation_type": "delete", "block_id": "b9"}],
            "setBlockEnabled": [{"block_id": "b1", "enabled": False}],
        }
        assert (applied.applied, applied.minted_block_ids, applied.preview_block_ids) == (
            1,
            {"summary": "b7"},
            {"summary": "b8"},
        )
        assert (applied.skipped[0].type, applied.skipped[0].details) == ("block_not_found", None)
        assert (applied.deferred[0].type, applied.deferred[0].details) == ("of_the_future", {"handle": "x"})
        assert applied.input_validation_errors[0].error == "No such"

    async def test_all_or_nothing_is_a_conflict_that_says_what_was_not(self, both: Both) -> None:
        details = {"code": "OPERATIONS_NOT_APPLIED", "skipped": [{"type": "block_locked"}], "droppedInputs": []}
        made = both.client(answer(409, {"error": {"code": "CONFLICT", "message": "Nothing", "details": details}}))
        with pytest.raises(ConflictError) as caught:
            await both(made.v2.workflows.apply_operations("wf1", operations=[{}], atomic=True))
        assert caught.value.details["skipped"] == [{"type": "block_locked"}]

    async def test_variables(self, both: Both) -> None:
        made = both.client(answer(200, data({"id": "wf1", "variableCount": 2, "changed": False})))
        change = {"operation": "add", "name": "model", "type": "plain", "value": None}
        applied = await both(made.v2.workflows.variables.apply("wf1", operations=[change]))
        assert (applied.variable_count, applied.changed) == (2, False)
        assert sent(made) == {"operations": [change]}


FULL = {**CHAT, "hasPassword": False, "allowedEmails": ["a@sim.test"], "customizations": {"primaryColor": "#fff"}}


class TestChat:
    async def test_it_is_read(self, both: Both) -> None:
        made = both.client(answer(200, data({**FULL, "authType": "passkey"})))
        chat = await both(made.v2.workflows.chat.get("wf1"))
        assert (chat.auth_type, chat.allowed_emails, chat.has_password) == ("passkey", ["a@sim.test"], False)
        assert (chat.customizations.primary_color, chat.customizations.image_url) == ("#fff", None)
        assert chat.output_configs[0].workflow_id is None

    async def test_its_settings_are_sent_as_they_are_and_models_as_they_came(self, both: Both) -> None:
        made = both.client(answer(200, data(FULL)), answer(200, data(FULL)))
        chat = await both(made.v2.workflows.chat.get("wf1"))
        await both(
            made.v2.workflows.chat.replace(
                "wf1",
                identifier="triage",
                title="Triage",
                customizations=chat.customizations,
                output_configs=chat.output_configs,
                include_thinking=False,
            )
        )
        assert sent(made) == {
            "identifier": "triage",
            "title": "Triage",
            "customizations": {"primaryColor": "#fff"},
            "outputConfigs": [{"blockId": "b1", "path": "content"}],
            "includeThinking": False,
        }

    async def test_it_is_taken_away(self, both: Both) -> None:
        made = both.client(answer(200, data({"id": "ch1", "deleted": True})))
        assert (await both(made.v2.workflows.chat.delete("wf1"))).deleted is True
        assert asked(made) == "DELETE /api/v2/workflows/wf1/deployments/chat"


@pytest.mark.parametrize("kind", [SimStudioClient, AsyncSimStudioClient])
def test_each_namespace_is_made_once_and_pickles(kind: Any) -> None:
    made = kind("sk-sim-test", "https://sim.test")
    for name in ("deployment", "versions", "state", "variables", "folders", "chat"):
        namespace = getattr(made.v2.workflows, name)
        assert getattr(made.v2.workflows, name) is namespace
        assert type(pickle.loads(pickle.dumps(namespace))) is type(namespace)
