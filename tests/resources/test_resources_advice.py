"""What the message of an error response of Sim advises; bodies as real servers sent them."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio import APIStatusError, Pause, ServerError
from simstudio.core.failures import status_error
from simstudio.resources.settings import SIM
from simstudio.transport.auth import Credentials
from tests.driving import KEY, Both, answer

EXECUTE = "/api/workflows/wf/execute"


def message(status: int, body: Any = None, *, at: str = EXECUTE, method: str = "POST", **more: Any) -> str:
    response = answer(status, body, **more)
    response.method, response.url = method, f"https://sim.test{at}"
    return str(status_error(response, Credentials(KEY), SIM))


def v2(code: str, text: str, details: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": text, **({} if details is None else {"details": details})}}


def forbidden(text: str, code: str | None = None) -> dict[str, Any]:
    return v2("FORBIDDEN", text, None if code is None else {"code": code})


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ({"error": "Workflow is not deployed"}, "Deploy the workflow first."),
        ({"error": "Workflow is not deployed", "code": "WORKFLOW_IS_NOT_DEPLOYED"}, "Deploy the workflow first."),
        (forbidden("Workflow is not deployed", "WORKFLOW_NOT_DEPLOYED"), "Deploy the workflow first."),
        (
            forbidden("Workspace API key cannot perform this operation", "WORKSPACE_KEY_OPERATION_NOT_PERMITTED"),
            "A workspace key may not do this (WORKSPACE_KEY_OPERATION_NOT_PERMITTED): use a personal API key.",
        ),
        (
            forbidden("Chat requires a personal API key", "PRINCIPAL_KIND_NOT_PERMITTED"),
            "A workspace key may not do this (PRINCIPAL_KIND_NOT_PERMITTED): use a personal API key.",
        ),
        (
            forbidden("Personal API keys are not allowed for this workspace", "PERSONAL_API_KEYS_DISABLED"),
            "The workspace does not allow personal keys (PERSONAL_API_KEYS_DISABLED): use a workspace key.",
        ),
        (
            forbidden("Insufficient workspace permissions", "INSUFFICIENT_WORKSPACE_ROLE"),
            "The role of the key's user in the workspace does not allow this (INSUFFICIENT_WORKSPACE_ROLE).",
        ),
        ({"error": "Access denied", "code": "ACCESS_DENIED"}, "Check what the key may do (ACCESS_DENIED)."),
        ({"error": "Unauthorized: Access denied to read this workflow"}, "Check what the key may do."),
    ],
)
def test_a_403_speaks_of_what_it_is_about(body: Any, advice: str) -> None:
    said = message(403, body)
    assert said.endswith(f"attempt 1). {advice}")
    assert ("eploy" in said.partition("(HTTP")[2]) is ("deployed" in said.partition("(HTTP")[0])


def test_a_403_that_is_not_sims_speaks_of_a_proxy() -> None:
    page = {"content": b"<html><title>Blocked</title></html>", "headers": {"Content-Type": "text/html"}}
    assert message(403, **page).endswith("The body is not Sim's: a proxy or a firewall may have refused the request.")


@pytest.mark.parametrize(
    ("status", "body", "unknown"),
    [
        (404, v2("NOT_FOUND", "Not found"), "GET /api/v2/billing"),
        (405, None, "GET /api/v2/billing"),
        (400, v2("BAD_REQUEST", "…", [{"code": "unrecognized_keys", "keys": ["includeEmpty"]}]), "include_empty"),
        (
            400,
            v2("BAD_REQUEST", "…", [{"code": "unrecognized_keys", "keys": ["offset", "limit"], "path": []}]),
            "offset, limit",
        ),
        (
            400,
            v2("BAD_REQUEST", "…", [{"code": "unrecognized_keys", "keys": ["widthPx"], "path": ["rows", 0]}]),
            "rows.0.widthPx",
        ),
    ],
)
def test_what_a_server_does_not_know_is_named(status: int, body: Any, unknown: str) -> None:
    said = message(status, body, method="GET", at="/api/v2/billing?workspaceId=ws")
    lacks = "has no" if unknown.startswith("GET /") else "does not take"
    assert said.endswith(f". This server {lacks} {unknown}; it may be older.")


def test_a_page_instead_of_a_route_may_come_from_another_server() -> None:
    said = message(404, content=b"<!DOCTYPE html>", at="/api/v1/tables", method="GET")
    assert said.endswith("has no GET /api/v1/tables; it may be older, or base_url is not the address of a Sim server.")


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (404, {"error": "Workflow not found"}, ". Check the id and base_url."),
        (404, v2("TASK_NOT_FOUND", "Not found here"), ". Check the id and base_url."),
        (400, v2("BAD_REQUEST", "Invalid", [{"code": "invalid_type", "keys": ["a"]}]), "attempt 1)."),
        (413, {"error": "Workflow execution request body exceeds maximum size"}, ". Send less; Sim takes 10 MiB."),
        (400, v2("BAD_REQUEST", "Invalid", "unrecognized_keys"), "attempt 1)."),
        (400, v2("BAD_REQUEST", "Invalid", [{"code": "unrecognized_keys", "keys": "a", "path": "b"}]), "attempt 1)."),
    ],
)
def test_what_is_missing_or_wrong_is_not_unknown(status: int, body: Any, advice: str) -> None:
    assert message(status, body).endswith(advice)


@pytest.mark.parametrize(
    ("details", "refused"),
    [
        ([{"path": ["operations", 0, "type"], "message": "Invalid"}], "operations.0.type."),
        ([{"path": "executionId", "message": "Too long"}], "executionId: Too long."),
        ([{"path": ["a"], "message": "Invalid"}, {"path": ["b"], "message": "Bad"}], "a; b: Bad."),
        ([{"path": [], "message": "No rows"}], "No rows."),
        (['Column "name" must be unique', "qty must be number"], 'Column "name" must be unique; qty must be number.'),
        ([{"row": 1, "errors": ["Missing required field: sku"]}], "row 1: Missing required field: sku."),
        ([f"c{number}" for number in range(9)], "c0; c1; c2; and 6 more."),
        ([{"path": ["date"], "message": "Use ISO 8601."}], "date: Use ISO 8601."),
        ([5000 * "x"], 200 * "x" + "….")
    ],
    ids=["an issue", "an issue of v1", "several issues", "no place", "texts", "rows", "many", "a full stop", "long"],
)  # fmt: skip
def test_a_400_names_what_was_refused(details: Any, refused: str) -> None:
    assert message(400, v2("BAD_REQUEST", "Invalid", details)).endswith(f"attempt 1). Refused: {refused}")


@pytest.mark.parametrize(
    "details",
    [
        None,
        {"code": "INVALID_FILTER"},
        "text",
        [None, 5, [], {}],
        [{"path": [], "message": "Invalid"}],
        ["Invalid"],
        [{"path": ["Invalid"], "message": "Invalid"}],
    ],
)
def test_a_400_whose_details_add_nothing_is_left_alone(details: Any) -> None:
    assert message(400, v2("BAD_REQUEST", "Invalid", details)).endswith("attempt 1).")


def test_a_route_that_an_older_server_reads_as_a_parameter_is_unknown_to_it() -> None:
    issue = {"expected": "number", "code": "invalid_type", "received": "NaN", "path": ["version"]}
    text = "Invalid input: expected number, received NaN"
    body = v2("BAD_REQUEST", text, [{**issue, "message": text}])
    at = "/api/v2/workflows/wf/versions/compare?base=1&target=2"
    assert message(400, body, method="GET", at=at).endswith(
        "This server has no GET /api/v2/workflows/wf/versions/compare; it may be older."
    )
    assert message(400, body, method="GET", at=f"{at}&version=x").endswith("Refused: version.")


def test_an_answer_that_is_too_large_is_no_request_that_is() -> None:
    body = v2("PAYLOAD_TOO_LARGE", "File (9 MB) exceeds the 5 MB inline limit")
    assert message(413, body, method="GET", at="/api/v2/workflows/wf/runs/run").endswith("attempt 1).")


@pytest.mark.parametrize(
    "body", [{"error": "Execution can no longer be resumed"}, v2("CONFLICT", "Execution can no longer be resumed")]
)
def test_a_run_that_paused_again_is_told_from_other_conflicts(body: Any) -> None:
    assert message(409, body).endswith("until client.workflows.cancel() ends it.")
    assert message(409, {"error": "Paused execution is not resumable"}).endswith("attempt 1).")


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("prefix", "ending"), [("/api", "/api"), ("/sim/api", "/api"), ("/api/v2", "/api/v2")])
async def test_a_base_url_that_ends_in_the_apis_path_is_recognised(
    both: Both, prefix: str, ending: str, version: str
) -> None:
    page = answer(404, content=b"<html>", headers={"Content-Type": "text/html"})
    client = both.client(page, base_url=f"https://sim.test{prefix}", api_version=version)
    with pytest.raises(APIStatusError, match=f"base_url ends in {ending}, .* leave it out of base_url"):
        await both(client.workflows.status("wf"))


@pytest.mark.parametrize(
    "address",
    [
        "https://sim.ai/workspace/ws1/w/wf1",
        "https://sim.ai/workspace/ws1/w/wf1/?tab=logs#x",
        "sim.ai/workspace/a/w/wf1",
    ],
)
async def test_the_address_of_an_editor_as_an_id_is_recognised(both: Both, address: str) -> None:
    client = both.client(answer(404, {"error": "Workflow not found"}))
    with pytest.raises(APIStatusError, match="The id is the address of a page: pass its last part, 'wf1'"):
        await both(client.workflows.execute(address))


PAGES = {504: b"<html><title>504 Gateway Time-out</title></html>", 520: b"", 524: b"error code: 524", 502: b""}


class TestGatewayTimeouts:
    @pytest.mark.parametrize("status", PAGES)
    @pytest.mark.parametrize(
        "call",
        [
            lambda client: client.workflows.execute("wf"),
            lambda client: client.workflows.submit("wf"),
            lambda client: client.workflows.stream("wf").result(),
            lambda client: client.workflows.resume(Pause("c1", workflow_id="wf", execution_id="e1")),
            lambda client: client.execute_workflow("wf"),
        ],
        ids=["execute", "submit", "stream", "resume", "flat"],
    )
    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_of_an_execution_the_run_may_go_on(self, status: int, call: Any, version: str) -> None:
        client = Both("sync").client(*[answer(status, content=PAGES[status])] * 3, api_version=version)
        with pytest.raises(ServerError, match=r"the run may go on.*client\.workflows\.run\(\) or submit\(\)"):
            call(client)

    def test_of_another_write_it_may_have_been_carried_out(self) -> None:
        said = message(504, content=b"late", at="/api/v1/tables")
        assert said.endswith("The request may have been carried out; look before sending it again.")

    def test_what_only_reads_is_no_such_thing(self) -> None:
        assert message(504, None, method="GET").endswith("attempt 1).")

    @pytest.mark.parametrize(("status", "body"), [(504, {"mine": 1}), (503, None), (500, {"error": "Internal"})])
    def test_of_another_response_to_an_execution_the_workflow_may_have_run(self, status: int, body: Any) -> None:
        said = message(status, body, method="POST")
        assert said.endswith("attempt 1). The workflow may have run: look before running it again.")
