"""The committed cassettes, and how tests read them."""

from __future__ import annotations

import json
import re

import attrs
import httpx
import pytest

from simstudio.testing import assert_all_played, block_network, make_vcr
from tests.long_texts import expand
from tests.recorded import CASSETTES, CLAIMS, SELECTION, SETS, recording, recordings

EVERY = [found for name in (*SETS, SELECTION, CLAIMS) for found in recordings(name)]


@pytest.mark.parametrize("name", SETS)
def test_recordings_come_in_the_order_of_their_numbers(name):
    numbers = [found.number for found in recordings(name)]

    assert len(numbers) > 150
    assert numbers == sorted(set(numbers))


def test_a_recording_tells_the_whole_exchange():
    found = recording("sim-v0.6.43", 96)

    assert (found.name, found.method, found.status) == ("paused-list-status-paused", "GET", 200)
    assert found.path == "/api/workflows/94046471-55dd-4d86-be9b-cf7e906df83c/paused"
    assert found.query == {"status": ["paused"]}
    assert found.request_headers == {"X-API-Key": "REDACTED"}
    assert found.request_body is None
    assert found.headers == [("content-type", "application/json")]
    assert json.loads(found.body)["pausedExecutions"]
    assert found.file == CASSETTES / "sim-v0.6.43" / "096-paused-list-status-paused.yaml"
    assert str(found) == "096-paused-list-status-paused"


def test_a_recording_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        recording("sim-v0.6.43", 1).status = 500


def test_an_unknown_recording_is_a_lookup_error():
    with pytest.raises(LookupError, match=r"sim-v0\.6\.43 has no recording 3$"):
        recording("sim-v0.6.43", 3)
    with pytest.raises(LookupError, match="no cassettes"):
        recordings("sim-v0")


def shape_of(details):
    """The shape of an error's ``details``: one of five."""
    if not isinstance(details, list):
        return "object" if isinstance(details, dict) else None
    return "texts" if isinstance(details[0], str) else "rows" if "row" in details[0] else "issues"


def test_errors_of_every_kind_are_among_the_recordings():
    shapes, told = set(), set()
    for found in EVERY:
        if found.status >= 400 and found.body[:1] == b"{":
            body = json.loads(found.body)
            error = body["error"] if isinstance(body.get("error"), dict) else body
            details = error.get("details")
            shapes.add(shape_of(details))
            issues = details if isinstance(details, list) else [details or {}]
            told |= {(found.status, each["code"]) for each in issues if isinstance(each, dict) and "code" in each}
            told.add((found.status, error.get("code") or error.get("error")))

    assert shapes == {"issues", "texts", "rows", "object", None}
    assert told >= {
        (400, "unrecognized_keys"),
        (403, "WORKFLOW_NOT_DEPLOYED"),
        (403, "WORKSPACE_KEY_OPERATION_NOT_PERMITTED"),
        (403, "PRINCIPAL_KIND_NOT_PERMITTED"),
        (403, "PERSONAL_API_KEYS_DISABLED"),
        (403, "INSUFFICIENT_WORKSPACE_ROLE"),
        (403, "ORGANIZATION_ADMIN_REQUIRED"),
        (409, "EXECUTION_ID_CONFLICT"),
        (409, "RUN_ID_CONFLICT"),
        (409, "OPERATIONS_NOT_APPLIED"),
        (409, "CALL_CHAIN_DEPTH_EXCEEDED"),
        (409, "Execution can no longer be resumed"),
        (413, "PAYLOAD_TOO_LARGE"),
        (413, "Workflow execution request body exceeds maximum size"),
        (429, "RATE_LIMIT_EXCEEDED"),
        (429, "EXECUTION_CONCURRENCY_LIMIT"),
        (429, "ADMISSION_GATE_CAPACITY"),
        (429, "Rate limit exceeded. Please try again later."),
    }


HOSTS = {
    "sim.test", "localhost", "127.0.0.1", "10.0.0.1", "example.com", "docs.sim.ai", "user", "oauth2.googleapis.com",
    "1234567-sb1.suitetalk.api.netsuite.com",
}  # fmt: skip
"""Of Sim's own texts and of made-up requests; ``user`` is of a message, ``http://user:pass@host:port``."""
MAIL_DOMAINS = {"example.com", "yourorg.com", "p.iam"}
"""The second is of a text of Sim's, the third of a made-up service account."""


def test_no_committed_cassette_has_a_key_a_person_a_host_a_path_or_a_wrong_length():
    for found in EVERY:
        text = found.file.read_text(encoding="utf-8")
        assert not re.search(r"sk-sim-|(?<!\w)sim_\w{6}|[Cc]ookie:|/(home|root|tmp|work)/", text), found
        assert set(re.findall(r"\w@([\w-]+\.\w+)", text)) <= MAIL_DOMAINS, found
        assert set(re.findall(r"https?://([\w.-]+)", text)) <= HOSTS, found
        assert "uri: http://sim.test/" in text, found
        assert all(value == str(len(found.body)) for name, value in found.headers if name.lower() == "content-length")


def test_committed_cassettes_replay_through_vcrpy():
    """One of each kind: the client replays every one of them in tests/integration."""
    transport = httpx.HTTPTransport(verify=False)  # making a context for TLS is what takes long
    kinds = {(found.method, found.status, found.request_body is None, bool(found.query)): found for found in EVERY}
    assert len(kinds) > 50
    for found in kinds.values():
        recorder = make_vcr(found.file.parent, record_mode="none")
        with block_network(loopback=False), recorder.use_cassette(found.file.name) as cassette:
            request = httpx.Request(
                found.method,
                httpx.URL("http://elsewhere.test" + found.path, params=found.query),
                headers=found.request_headers,
                content=found.request_body,
            )
            response = transport.handle_request(request)
            content = response.read()
            assert_all_played(cassette)

        assert (response.status_code, expand(content.decode()).encode()) == (found.status, found.body), found
