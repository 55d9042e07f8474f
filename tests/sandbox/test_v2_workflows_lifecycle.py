"""A workflow's life over v2: made, edited, deployed, executed, rolled back, archived, promoted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simstudio import ConfigurationError
from simstudio.sandbox import Sandbox

from .calls import Caller, Serve

WORKFLOWS = "/api/v2/workflows"


class Manager:
    """Sends v2 requests that are expected to succeed, unless a status says otherwise."""

    def __init__(self, call: Caller) -> None:
        self.call = call
        self.workspace = call.sandbox.workspace_id

    def __call__(self, method: str, path: str, body: Any = None, /, *, status: int | None = None, **params: Any) -> Any:
        """The data, or with a status the error."""
        answer = self.call.http.request(method, f"/api/v2{path}", json=body, params=params)
        if status is None:
            assert answer.status_code < 300, answer.text
            return answer.json()["data"]
        assert answer.status_code == status, answer.text
        return answer.json()["error"]

    def list(self, **params: Any) -> list[str]:
        found = self("GET", "/workflows", **{"workspaceId": self.workspace, **params})
        return [each["name"] for each in found]

    def create(self, name: str, **more: Any) -> str:
        return self("POST", "/workflows", {"workspaceId": self.workspace, "name": name, **more})["id"]

    def set_function(self, workflow: str, function: str) -> None:
        """Make the draft run another function."""
        state = self("GET", f"/workflows/{workflow}/state")
        for block in state["blocks"].values():
            if block["type"] == "function":
                block["subBlocks"]["function"]["value"] = function
        self("PUT", f"/workflows/{workflow}/state", state)

    def needs_redeployment(self, workflow: str) -> bool:
        return self("GET", f"/workflows/{workflow}/deployment")["needsRedeployment"]

    def output(self, workflow: str, **given: Any) -> Any:
        answer = self.call.execute(workflow, given)
        assert answer.status_code == 200, answer.text
        return answer.json()["output"]


def two_functions(**options: Any) -> Sandbox:
    sandbox = Sandbox(**options)

    @sandbox.workflow("formal", fields={"name": "Sir"})
    def formal(input: dict) -> str:
        return f"Good day, {input['name']}"

    @sandbox.workflow("casual", fields={"name": "you"})
    def casual(input: dict) -> str:
        return f"Hey {input['name']}"

    return sandbox


@pytest.fixture
def manage(serve: Serve) -> Manager:
    return Manager(serve(two_functions(workspaces=["staging"])))


def test_a_registered_function_is_a_deployed_workflow(manage: Manager) -> None:
    deployment = manage("GET", "/workflows/formal/deployment")
    assert deployment["isDeployed"]
    assert deployment["activeDeployment"]["version"] == 1
    assert not deployment["needsRedeployment"]


def test_its_declared_fields_are_its_inputs(manage: Manager) -> None:
    assert manage("GET", "/workflows/count")["inputs"] == [
        {"name": "to", "type": "number"},
        {"name": "delay", "type": "number"},
    ]


def test_an_edited_draft_changes_nothing_until_it_is_deployed(manage: Manager) -> None:
    manage.set_function("formal", "casual")
    assert manage.needs_redeployment("formal")
    assert manage.output("formal", name="Ada") == "Good day, Ada"
    manage("POST", "/workflows/formal/deploy")
    assert not manage.needs_redeployment("formal")
    assert manage.output("formal", name="Ada") == "Hey Ada"


def test_the_status_route_knows_of_it(manage: Manager) -> None:
    manage.set_function("formal", "casual")
    assert manage.call.http.get("/api/workflows/formal/status").json()["needsRedeployment"]


def test_moving_a_block_needs_no_redeployment(manage: Manager) -> None:
    state = manage("GET", "/workflows/formal/state")
    next(iter(state["blocks"].values()))["position"] = {"x": 40, "y": 2}
    assert not manage("PUT", "/workflows/formal/state", state)["needsRedeployment"]


def test_a_dry_run_writes_nothing(manage: Manager) -> None:
    answer = manage("PUT", "/workflows/formal/state", {"blocks": {}, "edges": []}, dryRun="true")
    assert (answer["dryRun"], answer["needsRedeployment"]) == (True, False)
    assert len(manage("GET", "/workflows/formal/state")["blocks"]) == 2


def test_replacing_the_state_without_variables_keeps_them(manage: Manager) -> None:
    add = {"operation": "add", "name": "limit", "type": "number", "value": 3}
    manage("PATCH", "/workflows/formal/variables", {"operations": [add]})
    state = manage("GET", "/workflows/formal/state")
    variables = state.pop("variables")
    manage("PUT", "/workflows/formal/state", state)
    assert manage("GET", "/workflows/formal/state")["variables"] == variables


def test_variables_need_a_redeployment_too(manage: Manager) -> None:
    edit = [{"operation": "add", "name": "limit", "type": "number", "value": 3}]
    assert manage("PATCH", "/workflows/formal/variables", {"operations": edit})["changed"]
    assert manage.needs_redeployment("formal")
    again = [{"operation": "edit", "name": "limit", "value": 3}]
    assert not manage("PATCH", "/workflows/formal/variables", {"operations": again})["changed"]


def test_every_deployment_makes_a_version(manage: Manager) -> None:
    manage("POST", "/workflows/formal/deploy", {"name": "second", "description": "Same as before"})
    versions = manage("GET", "/workflows/formal/versions")
    assert [(each["version"], each["name"], each["isActive"]) for each in versions] == [
        (2, "second", True),
        (1, None, False),
    ]


def test_a_rollback_puts_the_version_before_into_service(manage: Manager) -> None:
    manage.set_function("formal", "casual")
    manage("POST", "/workflows/formal/deploy")
    assert manage("POST", "/workflows/formal/rollback")["version"] == 1
    assert manage.output("formal", name="Ada") == "Good day, Ada"
    assert manage.needs_redeployment("formal")
    error = manage("POST", "/workflows/formal/rollback", status=400)
    assert error["message"] == "No previous deployment version to roll back to"


def test_a_rollback_may_name_its_version(manage: Manager) -> None:
    for _ in range(3):
        manage("POST", "/workflows/formal/deploy")
    assert manage("POST", "/workflows/formal/rollback", {"version": 2})["activeDeployment"]["version"] == 2
    assert manage("POST", "/workflows/formal/rollback", {"version": 9}, status=404)["code"] == "NOT_FOUND"


def test_activating_says_how_it_came_about(manage: Manager) -> None:
    manage("POST", "/workflows/formal/deploy")
    attempt = manage("POST", "/workflows/formal/versions/1/activate")["latestDeploymentAttempt"]
    assert (attempt["action"], attempt["version"], attempt["status"]) == ("activate", 1, "active")


def test_reverting_changes_the_draft_and_not_what_is_in_service(manage: Manager) -> None:
    manage.set_function("formal", "casual")
    manage("POST", "/workflows/formal/deploy")
    manage("POST", "/workflows/formal/versions/1/revert")
    assert manage.needs_redeployment("formal")
    assert manage.output("formal", name="Ada") == "Hey Ada"
    assert manage("POST", "/workflows/formal/versions/active/revert")["version"] == "active"
    assert not manage.needs_redeployment("formal")


def test_versions_can_be_compared(manage: Manager) -> None:
    manage.set_function("formal", "casual")
    manage("POST", "/workflows/formal/deploy")
    diff = manage("GET", "/workflows/formal/versions/compare", base=1, target=2)["diff"]
    (modified,) = diff["modifiedBlocks"]
    assert modified["changes"] == [{"field": "function", "oldValue": "formal", "newValue": "casual"}]
    assert not manage("GET", "/workflows/formal/versions/compare", base=1, target=1)["diff"]["hasChanges"]


def test_an_undeployed_workflow_refuses_executions(manage: Manager) -> None:
    assert not manage("DELETE", "/workflows/formal/deploy")["isDeployed"]
    answer = manage.call.execute("formal")
    assert (answer.status_code, answer.json()) == (403, {"error": "Workflow is not deployed"})
    manage("POST", "/workflows/formal/versions/1/activate")
    assert manage.call.execute("formal").status_code == 200


def test_a_public_workflow_runs_without_a_key(manage: Manager) -> None:
    manage("PATCH", "/workflows/formal/deployment", {"isPublicApi": True})
    del manage.call.http.headers["X-API-Key"]
    assert manage.call.execute("formal").status_code == 200


def test_a_new_workflow_runs_nothing_and_says_so(manage: Manager) -> None:
    made = manage.create("Empty")
    manage("POST", f"/workflows/{made}/deploy")
    answer = manage.call.execute(made)
    assert answer.status_code == 500
    assert answer.json()["error"] == "Function: the workflow has no block that names a function of the sandbox"


def test_a_function_nobody_registered_fails_by_name_and_is_warned_of(manage: Manager) -> None:
    manage.set_function("formal", "nobody")
    assert manage("POST", "/workflows/formal/deploy")["warnings"] == ["formal: function 'nobody' is not registered"]
    error = manage.call.execute("formal").json()["error"]
    assert error == "formal: no function is registered as 'nobody' in this sandbox"


def test_a_workflow_built_by_operations_runs(manage: Manager) -> None:
    made = manage.create("Built")
    add = {"type": "function", "name": "Greeter", "inputs": {"function": "casual"}}
    operations = [{"operation_type": "add", "block_id": "greeter", "params": add}]
    answer = manage("POST", f"/workflows/{made}/operations", {"operations": operations})
    assert (answer["applied"], list(answer["mintedBlockIds"])) == (1, ["greeter"])
    manage("POST", f"/workflows/{made}/deploy")
    assert manage.output(made, name="Bob") == "Hey Bob"


def test_atomic_operations_are_all_applied_or_none(manage: Manager) -> None:
    made = manage.create("Built")
    add = {"operation_type": "add", "block_id": "a", "params": {"type": "agent", "name": "Writer"}}
    body = {"operations": [add, {"operation_type": "delete", "block_id": "nobody"}], "atomic": True}
    details = manage("POST", f"/workflows/{made}/operations", body, status=409)["details"]
    assert (details["code"], details["skipped"][0]["type"]) == ("OPERATIONS_NOT_APPLIED", "block_not_found")
    assert len(manage("GET", f"/workflows/{made}/state")["blocks"]) == 1


def test_a_workflow_is_promoted_to_another_workspace(manage: Manager) -> None:
    file = manage("GET", "/workflows/formal/export")
    made = manage("POST", "/workflows/import", {"workspaceId": "staging", "workflow": file})["id"]
    assert manage.call.execute(made).status_code == 403
    manage("POST", f"/workflows/{made}/deploy")
    assert manage.output(made, name="Ada") == "Good day, Ada"
    assert manage.list(workspaceId="staging") == ["formal"]


def test_a_sandbox_names_its_workspaces() -> None:
    sandbox = Sandbox(workspaces=["staging", "production"])
    assert sandbox.workspaces == (sandbox.workspace_id, "staging", "production")
    with pytest.raises(ConfigurationError, match="list of ids"):
        Sandbox(workspaces="staging")


def test_a_workflow_goes_from_one_sandbox_to_another(manage: Manager, serve: Serve) -> None:
    other = Manager(serve(two_functions()))
    file = json.dumps(manage("GET", "/workflows/casual/export"))
    body = {"workspaceId": other.workspace, "workflow": file, "name": "Greeting"}
    made = other("POST", "/workflows/import", body)
    other("POST", f"/workflows/{made['id']}/deploy")
    assert (made["name"], other.output(made["id"], name="Ada")) == ("Greeting", "Hey Ada")


def test_a_promoted_workflow_runs_in_the_background(manage: Manager) -> None:
    file = manage("GET", "/workflows/formal/export")
    made = manage("POST", "/workflows/import", {"workspaceId": "staging", "workflow": file})["id"]
    manage("POST", f"/workflows/{made}/deploy")
    job = manage.call.finished_job(manage.call.submit(made, {"name": "Ada"})["jobId"])
    assert job["output"]["output"] == "Good day, Ada"


def test_an_import_is_repeated_only_once(manage: Manager) -> None:
    file = manage("GET", "/workflows/formal/export")
    body = {"workspaceId": "staging", "workflow": file}
    fingerprint = manage("POST", "/workflows/import/preview", body)["previewFingerprint"]
    body |= {"requestId": "r1", "previewFingerprint": fingerprint}
    assert manage("POST", "/workflows/import", body)["id"] == manage("POST", "/workflows/import", body)["id"]
    changed = {**body, "folderPath": "/", "previewFingerprint": "of something else"}
    assert manage("POST", "/workflows/import", changed, status=409)["code"] == "CONFLICT"


def test_a_file_that_is_no_workflow_is_refused(manage: Manager) -> None:
    body = {"workspaceId": "staging", "workflow": "not a workflow"}
    assert manage("POST", "/workflows/import", body, status=400)["code"] == "BAD_REQUEST"


def test_copies_have_names_of_their_own(manage: Manager) -> None:
    names = [manage("POST", "/workflows/formal/duplicate", {})["name"] for _ in range(2)]
    assert names == ["formal (Copy)", "formal (Copy) (2)"]
    assert manage("POST", "/workflows", {"workspaceId": manage.workspace, "name": "formal"}, status=409)


def test_an_archived_workflow_can_be_restored(manage: Manager) -> None:
    made = manage.create("Mine")
    manage("POST", f"/workflows/{made}/deploy")
    manage("DELETE", f"/workflows/{made}")
    assert manage.call.execute(made).status_code == 404
    assert manage.list(scope="archived") == ["Mine"]
    assert not manage("POST", f"/workflows/{made}/restore")["isDeployed"]
    assert manage("POST", f"/workflows/{made}/restore", status=409)["code"] == "CONFLICT"
    assert "Mine" in manage.list()


def test_lists_are_filtered_and_sorted(manage: Manager) -> None:
    manage.create("Draft")
    assert "Draft" not in manage.list(deployedOnly="true")
    assert manage.list(search="DRA") == ["Draft"]
    manage.output("casual")
    assert manage.list(sortBy="runCount", sortOrder="desc")[0] == "casual"


def test_folders_hold_workflows(manage: Manager) -> None:
    where: dict[str, Any] = {"workspaceId": manage.workspace}
    manage("POST", "/workflows/folders", {**where, "path": "/a%20b"})
    manage("POST", "/workflows/folders", {**where, "path": "a%20b/c"})
    made = manage.create("Inside", folderPath="/a%20b/c")
    manage("PATCH", "/workflows/folders", {**where, "path": "/a%20b", "destinationPath": "/z"})
    assert manage("GET", f"/workflows/{made}")["folderPath"] == "/z/c"
    assert manage.list(folderPath="/z/c") == ["Inside"]
    error = manage("DELETE", "/workflows/folders", status=409, **where, path="/z")
    assert error == {"code": "CONFLICT", "message": "Folder is not empty"}
    gone = manage("DELETE", "/workflows/folders", **where, path="/z", recursive="true")
    assert gone["deletedItems"] == {"folders": 2, "workflows": 1}
    assert manage.list(scope="archived") == ["Inside"]


def test_moving_tells_what_could_not_be_moved(manage: Manager) -> None:
    where = {"workspaceId": manage.workspace}
    manage("POST", "/workflows/folders", {**where, "path": "/sub"})
    body = {**where, "workflowIds": ["formal", "nobody"], "folderPath": "/sub"}
    assert manage("POST", "/workflows/move", body) == {"moved": ["formal"], "failed": ["nobody"], "folderPath": "/sub"}


def test_a_chat_deploys_its_workflow_and_keeps_its_identifier(manage: Manager) -> None:
    made = manage.create("Chatty")
    chat = {"identifier": "talk", "title": "Talk", "customizations": {"welcomeMessage": "Hi"}}
    manage("PUT", f"/workflows/{made}/deployments/chat", chat)
    assert manage("GET", f"/workflows/{made}")["isDeployed"]
    assert manage("PUT", "/workflows/formal/deployments/chat", chat, status=409)["code"] == "CONFLICT"
    coloured = {**chat, "customizations": {"primaryColor": "#fff"}}
    merged = manage("PUT", f"/workflows/{made}/deployments/chat", coloured)["customizations"]
    assert merged == {"welcomeMessage": "Hi", "primaryColor": "#fff"}
    assert manage("GET", "/workflows/formal/deployments/chat", status=404)["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "access", [{"authType": "password"}, {"authType": "email"}, {"password": "p" * 15}, {"password": "short"}]
)
def test_a_chat_needs_what_its_access_needs(access: dict, manage: Manager) -> None:
    chat = {"identifier": "talk", "title": "Talk", **access}
    assert manage("PUT", "/workflows/formal/deployments/chat", chat, status=400)["code"] == "BAD_REQUEST"


def test_the_audit_log_tells_what_was_done(serve: Serve) -> None:
    manage = Manager(serve(two_functions(enterprise=True)))
    manage("POST", "/workflows/formal/deploy")
    manage("DELETE", "/workflows/formal/deploy")
    entries = manage("GET", "/audit-logs", resourceId="formal")
    assert {each["action"] for each in entries} == {"workflow.deployed", "workflow.undeployed"}
    assert all(each["workspaceId"] == manage.workspace for each in entries)


def test_the_audit_log_is_for_enterprises(manage: Manager) -> None:
    assert manage("GET", "/audit-logs", status=403)["details"] == {"code": "ENTERPRISE_PLAN_REQUIRED"}


def test_a_tool_runs_a_function_outside_any_workflow(manage: Manager) -> None:
    path = "/tools/function_execute/execute"
    body = {"workspaceId": manage.workspace, "input": {"function": "fail"}}
    failed = manage("POST", path, body)
    assert (failed["status"], failed["error"]) == ("failed", {"message": "this workflow always fails"})
    assert manage("GET", "/workflows/fail")["runCount"] == 0


def test_billing_dates_belong_to_a_custom_period(manage: Manager) -> None:
    manage.output("formal")
    dates = {"startDate": "2026-01-01T00:00:00Z", "endDate": "2100-01-01T00:00:00Z"}
    (issue,) = manage("GET", "/billing/logs", status=400, **dates)["details"]
    assert issue["path"] == ["startDate"]
    charges = manage("GET", "/billing/logs", period="custom", **dates)
    assert [each["workflow"] for each in charges] == [{"id": "formal", "name": "formal"}]


def test_an_exceeded_limit_shows_in_the_billing_status(manage: Manager) -> None:
    manage.call.sandbox.usage_cost, manage.call.sandbox.usage_limit = 2, 1
    status = manage("GET", "/billing/status")
    assert (status["status"], status["credits"]["remaining"]) == ("limit_exceeded", 0)
