from __future__ import annotations

import json
from typing import Any

import pytest

from simstudio import APIConnectionError, InvalidInputError
from simstudio.models.v2.exchange import ExportedWorkflow
from tests.driving import Both, answer
from tests.resources.v2.workflow_answers import EXPORT, LINT, OCCURRENCE, STATE, data

IMPORTED: dict[str, Any] = {
    "id": "wf9",
    "name": "Triage",
    "description": None,
    "workspaceId": "ws2",
    "folderPath": "/",
    "createdAt": "2026-10-01T08:00:00.000Z",
    "updatedAt": "2026-10-01T08:00:00.000Z",
    "warnings": ["A secret is missing"],
}


def sent(made: Any) -> Any:
    """The JSON body of the last request."""
    return json.loads(made.script.requests[-1].content)


class TestExport:
    async def test_it_says_what_it_is_and_what_it_names(self, both: Both) -> None:
        made = both.client(answer(200, data(EXPORT)))
        exported = await both(made.v2.workflows.export("wf1", include_references=True))
        assert type(exported) is ExportedWorkflow
        assert made.script.requests[0].url.endswith("/api/v2/workflows/wf1/export?includeReferences=true")
        assert (exported.version, exported.workflow.name, exported.workflow.description) == ("1.0", "Triage", None)
        manifest: Any = exported.reference_manifest
        (reference,) = manifest.references
        assert (reference.kind, reference.source_id, reference.required) == ("credential", "c1", True)
        assert (reference.occurrences[0].value_path, reference.occurrences[0].positions) == (["rows", 0], [1])

    async def test_it_has_no_manifest_unless_asked_for_one(self, both: Both) -> None:
        bare = {name: value for name, value in EXPORT.items() if name != "referenceManifest"}
        made = both.client(answer(200, data(bare)))
        assert (await both(made.v2.workflows.export("wf1"))).reference_manifest is None
        assert "?" not in made.script.requests[0].url

    async def test_what_came_is_what_is_kept(self, both: Both) -> None:
        made = both.client(answer(200, data(EXPORT)))
        exported = await both(made.v2.workflows.export("wf1"))
        assert exported.to_dict() == EXPORT
        assert json.loads(json.dumps(exported.to_dict())) == EXPORT


class TestImport:
    async def test_an_export_arrives_as_it_came(self, both: Both) -> None:
        made = both.client(answer(200, data(EXPORT)), answer(201, data(IMPORTED)))
        exported = await both(made.v2.workflows.export("wf1"))
        imported = await both(made.v2.workflows.import_("ws2", workflow=exported))
        assert sent(made) == {"workspaceId": "ws2", "workflow": EXPORT}
        assert (imported.id, imported.warnings, imported.status) == ("wf9", ["A secret is missing"], None)

    @pytest.mark.parametrize("workflow", [EXPORT, json.dumps(EXPORT)], ids=["mapping", "JSON text"])
    async def test_it_may_be_a_mapping_or_text(self, both: Both, workflow: Any) -> None:
        made = both.client(answer(201, data(IMPORTED)))
        await both(made.v2.workflows.import_(workspace_id="ws2", workflow=workflow))
        assert sent(made)["workflow"] == workflow

    async def test_anything_else_is_refused(self, both: Both) -> None:
        with pytest.raises(InvalidInputError, match="workflow must be"):
            await both(both.client().v2.workflows.import_("ws2", workflow=[EXPORT]))

    async def test_all_that_can_be_said_of_it_is_sent(self, both: Both) -> None:
        made = both.client(answer(201, data(IMPORTED)))
        mapping = {"kind": "credential", "sourceId": "c1", "targetId": None}
        binding = {"blockId": "b1", "subBlockKey": "table", "kind": "table", "targetId": "t2", "valuePath": ["x", 0]}
        value = {"blockId": "b1", "subBlockKey": "channel", "value": "C1"}
        await both(
            made.v2.workflows.import_(
                "ws2",
                workflow={},
                name="Other",
                mappings=[mapping],
                bindings=(binding,),
                dependent_values=[value],
                request_id="r1",
                preview_fingerprint="f1",
            )
        )
        assert sent(made) == {
            "workspaceId": "ws2",
            "workflow": {},
            "name": "Other",
            "mappings": [mapping],
            "bindings": [binding],
            "dependentValues": [value],
            "requestId": "r1",
            "previewFingerprint": "f1",
        }

    async def test_what_is_left_to_be_done(self, both: Both) -> None:
        rest = {
            "blocks": [{"id": "b1", "type": "agent", "name": "Agent 1"}],
            "operationId": "op1",
            "requestId": "r1",
            "kind": "workflow_import",
            "applied": True,
            "status": "somewhat_completed",
            "resourceIds": ["t2"],
            "issues": [{"code": "MISSING", "message": "No credential", "blockId": "b1"}],
            "idMap": {"b0": "b1"},
            "deploymentOperationIds": ["op2"],
            "deployments": [
                {
                    "operationId": "op2",
                    "workflowId": "wf9",
                    "version": 1,
                    "status": "preparing",
                    "ready": False,
                    "pendingComponents": ["webhooks"],
                }
            ],
            "triggerUrlChanges": [{"workflowName": "Triage", "path": "abc"}],
            "backgroundWorkId": "bg1",
            "copyProgress": {"status": "pending", "copied": 1, "failed": 0},
        }
        made = both.client(answer(201, data({**IMPORTED, **rest})))
        imported = await both(made.v2.workflows.import_("ws2", workflow={}))
        assert imported.blocks[0].name == "Agent 1"
        assert (imported.status, imported.applied, imported.id_map) == ("somewhat_completed", True, {"b0": "b1"})
        assert (imported.issues[0].block_id, imported.issues[0].workflow_id) == ("b1", None)
        assert imported.deployments[0].pending_components == ["webhooks"]
        assert imported.trigger_url_changes[0].workflow_name == "Triage"
        assert (imported.copy_progress.copied, imported.background_work_id) == (1, "bg1")
        assert imported.extra == {}


async def test_a_preview_says_what_must_be_bound_and_set(both: Both) -> None:
    binding = {"kind": "credential", "sourceId": "c1", "targetId": None, "required": True, "occurrence": OCCURRENCE}
    setting = {
        "blockId": "b1",
        "subBlockKey": "channel",
        "title": "Channel",
        "required": True,
        "configured": False,
        "context": {"credential": "c1"},
        "requiresAuthentication": True,
    }
    command = {"kind": "credential", "command": "sim credentials list", "humanAuthorizationMayBeRequired": True}
    preview = {
        "previewFingerprint": "f1",
        "ready": False,
        "bindings": [binding],
        "unresolvedBindings": [binding],
        "configuration": [setting],
        "unresolvedConfiguration": [setting],
        "discovery": [command],
    }
    made = both.client(answer(200, data(preview)))
    found = await both(made.v2.workflows.preview_import("ws2", workflow=EXPORT))
    assert made.script.requests[0].url.endswith("/api/v2/workflows/import/preview")
    assert (found.ready, found.preview_fingerprint) == (False, "f1")
    assert (found.unresolved_bindings[0].target_id, found.bindings[0].occurrence.encoding) == (None, "scalar")
    assert found.unresolved_configuration[0].context == {"credential": "c1"}
    assert (found.configuration[0].multi_select, found.configuration[0].requires_authentication) == (None, True)
    assert found.discovery[0].command == "sim credentials list"


class TestState:
    async def test_every_part_of_it_is_typed(self, both: Both) -> None:
        made = both.client(answer(200, data(STATE)))
        state = await both(made.v2.workflows.state.get("wf1"))
        block = state.blocks["b1"]
        assert (block.position.x, block.position.y) == (10, 20.5)
        assert block.sub_blocks["model"].value == "gpt-5"
        assert (block.retry.wait_between_tries_ms, block.data.canonical_modes) == (500, {"channel": "basic"})
        assert (block.locked, block.trigger_mode, block.height) == (None, None, None)
        assert (state.edges[0].target, state.edges[0].source_handle) == ("b1", None)
        assert (state.loops["l1"].for_each_items, state.loops["l1"].loop_type) == ([1, 2], "forEach")
        assert state.parallels["p1"].distribution == "<start.items>"
        assert state.variables["v1"].type == "plain"

    async def test_it_can_be_sent_back_as_it_came(self, both: Both) -> None:
        replaced = {"id": "wf1", "warnings": [], "needsRedeployment": False, "lint": LINT, "dryRun": True}
        made = both.client(answer(200, data(STATE)), answer(200, data(replaced)))
        state = await both(made.v2.workflows.state.get("wf1"))
        result = await both(made.v2.workflows.state.replace("wf1", **state, dry_run=True))
        assert made.script.requests[-1].url.endswith("/api/v2/workflows/wf1/state?dryRun=true")
        assert sent(made) == STATE
        assert result.dry_run is True

    async def test_variables_that_are_left_out_are_not_sent(self, both: Both) -> None:
        replaced = {"id": "wf1", "warnings": [], "needsRedeployment": True, "lint": LINT, "dryRun": False}
        made = both.client(answer(200, data(replaced)))
        await both(made.v2.workflows.state.replace("wf1", blocks={}, edges=[]))
        assert sent(made) == {"blocks": {}, "edges": []}

    async def test_the_advice_is_typed(self, both: Both) -> None:
        replaced = {"id": "wf1", "warnings": ["w"], "needsRedeployment": True, "lint": LINT, "dryRun": False}
        made = both.client(answer(200, data(replaced)))
        result = await both(made.v2.workflows.state.replace("wf1", blocks={}, edges=[]))
        lint = result.lint
        assert (lint.sources[0].block_name, lint.sinks[0].block_name) == ("Agent 1", None)
        assert (lint.orphan_blocks[0].block_type, lint.empty_outgoing_ports[0].label) == ("agent", "if")
        assert lint.invalid_branch_ports[0].source_handle == "condition-9"
        assert lint.invalid_connection_targets[0].target_block_id == "b0"
        assert lint.field_issues[0].inactive_mode_values[0].inactive_member_id == "channelId"
        assert lint.unresolved_references[0].value == ["c1", "c2"]
        assert lint.table_field_issues[0].table_name == "Leads"
        assert (lint.notes, result.warnings) == (["Looks odd"], ["w"])


class TestImportingAgain:
    async def test_is_done_where_identical_ones_import_once(self, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
        async def asleep(_: float) -> None:
            """No time passes."""

        monkeypatch.setattr("simstudio.transport.flow.time.sleep", lambda _: None)
        monkeypatch.setattr("asyncio.sleep", asleep)
        lost = APIConnectionError("cut", host="h", port=1)
        made = both.client(lost, answer(201, data(IMPORTED)))
        imported = await both(
            made.v2.workflows.import_("ws2", workflow=EXPORT, request_id="r1", preview_fingerprint="f1")
        )
        assert (imported.id, len(made.script.requests)) == ("wf9", 2)

    async def test_is_not_done_otherwise(self, both: Both) -> None:
        made = both.client(APIConnectionError("cut", host="h", port=1))
        with pytest.raises(APIConnectionError):
            await both(made.v2.workflows.import_("ws2", workflow=EXPORT, request_id="r1"))
        assert len(made.script.requests) == 1
