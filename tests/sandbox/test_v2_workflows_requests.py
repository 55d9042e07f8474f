"""What every operation of v2 does alike: the gate, keys, limits, the checking of requests, pages."""

from __future__ import annotations

import json

import httpx
import pytest

from simstudio.sandbox import RateLimits, Sandbox

from .calls import Caller, Serve

WORKFLOWS = "/api/v2/workflows"


@pytest.fixture
def workspace(call: Caller) -> dict[str, str]:
    return {"workspaceId": call.sandbox.workspace_id}


def details(answer: httpx.Response) -> list[dict]:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "BAD_REQUEST")
    return error["details"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/workflows/hello"),
        ("POST", "/api/v2/workflows/hello/deploy"),
        ("POST", "/api/v2/workflows/hello/execute"),
        ("GET", "/api/v2/blocks"),
        ("GET", "/api/v2/what-is-this"),
    ],
)
def test_while_v2_is_switched_off_nothing_is_found(method: str, path: str, serve: Serve) -> None:
    answer = serve(Sandbox(v2=False)).http.request(method, path)
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "NOT_FOUND", "message": "Not found"}}


def test_meta_says_whether_v2_is_switched_on(serve: Serve) -> None:
    told = [serve(Sandbox(v2=v2)).http.get("/api/v2/meta").json()["data"]["v2Enabled"] for v2 in (True, False)]
    assert told == [True, False]


def test_a_server_of_an_older_generation_has_no_v2(serve: Serve) -> None:
    answer = serve(Sandbox(generation="v0.4")).http.get("/api/v2/meta")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_an_unknown_path_is_not_found_and_an_unknown_method_not_allowed(call: Caller) -> None:
    assert call.http.get("/api/v2/nothing").json() == {"error": {"code": "NOT_FOUND", "message": "Not found"}}
    assert call.http.put("/api/v2/meta").status_code == 405


def test_asking_only_for_the_head_answers_without_a_body(call: Caller) -> None:
    answer = call.http.head(f"{WORKFLOWS}/hello")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(("key", "message"), [(None, "API key required"), ("sk-sim-nobody", "Invalid API key")])
def test_without_a_valid_key_both_challenges_come(key: str | None, message: str, call: Caller) -> None:
    headers = {} if key is None else {"X-API-Key": key}
    answer = httpx.get(f"{call.server.base_url}{WORKFLOWS}/hello", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == {"code": "UNAUTHORIZED", "message": message}
    challenges = answer.headers["www-authenticate"]
    assert challenges.startswith("SimApiKey ")
    assert ", Bearer " in challenges


def test_what_belongs_to_others_is_not_found(serve: Serve) -> None:
    call = serve(Sandbox(outsider_key="sk-sim-outsider"))
    call.http.headers["X-API-Key"] = "sk-sim-outsider"
    params = {"workspaceId": call.sandbox.workspace_id}
    answers = [call.http.get(f"{WORKFLOWS}/hello"), call.http.get(WORKFLOWS, params=params)]
    assert [answer.json()["error"]["code"] for answer in answers] == ["NOT_FOUND", "NOT_FOUND"]


def test_each_operation_has_a_bucket_of_its_own(serve: Serve) -> None:
    now = 1_800_000_000.0
    call = serve(Sandbox(rate_limits=RateLimits(v1_per_minute=1), clock=lambda: now))
    answers = [call.http.get(f"{WORKFLOWS}/hello") for _ in range(3)]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"2"}
    assert {answer.headers["x-ratelimit-reset"] for answer in answers} == {"2027-01-15T08:01:00.000Z"}
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert refused.json()["error"]["details"] == {"retryAfter": "2027-01-15T08:01:00.000Z"}
    assert call.http.get(f"{WORKFLOWS}/hello/state").status_code == 200


def test_unknown_parameters_are_refused_by_name(call: Caller, workspace: dict) -> None:
    (issue,) = details(call.http.get(WORKFLOWS, params={**workspace, "limt": "2", "cursr": "x"}))
    assert (issue["code"], issue["keys"]) == ("unrecognized_keys", ["limt", "cursr"])


def test_unknown_names_in_a_body_are_refused(call: Caller, workspace: dict) -> None:
    (issue,) = details(call.http.post(WORKFLOWS, json={**workspace, "name": "New", "title": "New"}))
    assert (issue["code"], issue["keys"]) == ("unrecognized_keys", ["title"])


def test_operations_without_a_query_refuse_any(call: Caller) -> None:
    (issue,) = details(call.http.get(f"{WORKFLOWS}/hello", params={"verbose": "true"}))
    assert issue["keys"] == ["verbose"]


def test_blank_and_repeated_parameters_are_refused(call: Caller, workspace: dict) -> None:
    params = [*workspace.items(), ("limit", ""), ("search", "a"), ("search", "b")]
    issues = details(call.http.get(WORKFLOWS, params=params))
    assert [(issue["path"], issue["message"].rpartition(" ")[2]) for issue in issues] == [
        (["limit"], "instead"),
        (["search"], "once"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("limit", "0", "too_small"),
        ("limit", "101", "too_big"),
        ("limit", "many", "invalid_type"),
        ("scope", "all", "invalid_value"),
        ("search", "x" * 201, "too_big"),
        ("deployedOnly", "yes", "invalid_type"),
    ],
)
def test_a_value_out_of_its_limits_is_refused(name: str, value: str, code: str, call: Caller, workspace: dict) -> None:
    (issue,) = details(call.http.get(WORKFLOWS, params={**workspace, name: value}))
    assert (issue["code"], issue["path"]) == (code, [name])


def test_what_is_missing_is_named(call: Caller) -> None:
    issues = details(call.http.post(WORKFLOWS, json={}))
    assert [(issue["path"], issue["message"]) for issue in issues] == [
        (["workspaceId"], "Workspace ID is required"),
        (["name"], "name is required"),
    ]


def test_a_wrong_type_deep_in_a_body_is_named_with_its_path(call: Caller) -> None:
    state = call.http.get(f"{WORKFLOWS}/hello/state").json()["data"]
    block = next(iter(state["blocks"]))
    state["blocks"][block]["position"]["x"] = "left"
    (issue,) = details(call.http.put(f"{WORKFLOWS}/hello/state", json=state))
    assert issue["path"] == ["blocks", block, "position", "x"]
    assert issue["message"] == "Invalid input: expected number, received string"


def test_null_is_no_omission(call: Caller) -> None:
    call.http.patch(f"{WORKFLOWS}/hello", json={"description": "Greets"})
    described = call.http.patch(f"{WORKFLOWS}/hello", json={"name": "Hello"}).json()["data"]
    cleared = call.http.patch(f"{WORKFLOWS}/hello", json={"description": None}).json()["data"]
    assert (described["description"], cleared["description"]) == ("Greets", None)
    (issue,) = details(call.http.patch(f"{WORKFLOWS}/hello", json={"name": None}))
    assert issue["message"] == "Invalid input: expected string, received null"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"name=x", "text/plain", 415)],
)
def test_a_body_that_is_no_json_object_is_refused(content: bytes, kind: str, status: int, call: Caller) -> None:
    answer = call.http.post(WORKFLOWS, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status


def test_json_needs_no_media_type(call: Caller, workspace: dict) -> None:
    content = json.dumps({**workspace, "name": "Untyped"}).encode()
    assert call.http.post(WORKFLOWS, content=content).status_code == 201


def test_a_body_may_be_missing_where_nothing_in_it_is_required(call: Caller) -> None:
    assert call.http.post(f"{WORKFLOWS}/hello/deploy").json()["data"]["version"] == 2


def test_pages_follow_one_another_to_the_last(call: Caller, workspace: dict) -> None:
    names: list[str] = []
    params = {**workspace, "limit": "3", "sortBy": "name", "sortOrder": "desc"}
    page = call.http.get(WORKFLOWS, params=params).json()
    while True:
        names += [each["name"] for each in page["data"]]
        if page["nextCursor"] is None:
            break
        page = call.http.get(WORKFLOWS, params={**params, "cursor": page["nextCursor"]}).json()
    assert names == ["slow", "hello", "fail", "count"]


def test_a_page_of_another_size_may_follow(call: Caller, workspace: dict) -> None:
    cursor = call.http.get(WORKFLOWS, params={**workspace, "limit": "1"}).json()["nextCursor"]
    rest = call.http.get(WORKFLOWS, params={**workspace, "limit": "100", "cursor": cursor}).json()
    assert [each["id"] for each in rest["data"]] == ["count", "slow", "fail"]


@pytest.mark.parametrize("changed", [{"sortBy": "name"}, {"search": "o"}, {"cursor": "bm90aGluZw"}])
def test_a_cursor_of_another_list_is_refused(changed: dict, call: Caller, workspace: dict) -> None:
    cursor = call.http.get(WORKFLOWS, params={**workspace, "limit": "1"}).json()["nextCursor"]
    answer = call.http.get(WORKFLOWS, params={**workspace, "cursor": cursor, **changed})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")


def test_a_cursor_survives_what_is_deleted_meanwhile(call: Caller, workspace: dict) -> None:
    cursor = call.http.get(WORKFLOWS, params={**workspace, "limit": "2"}).json()["nextCursor"]
    call.http.delete(f"{WORKFLOWS}/count")
    rest = call.http.get(WORKFLOWS, params={**workspace, "cursor": cursor}).json()["data"]
    assert [each["id"] for each in rest] == ["slow", "fail"]
