"""Knowledge bases of v2: what recorded servers refused, the forms of the answers, and what a client does with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simstudio import JobFailedError, SimStudioClient
from simstudio.sandbox import Sandbox
from tests import recorded
from tests.recorded import SELECTION, Recording

from .calls import Caller, Serve
from .contract import fields, operations, problems, served
from .differences import reason_for_v08

UUID = "(?!0{8})[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
OUTSIDER = "sk-sim-outsider"


def facts(answer: httpx.Response) -> object:
    error = answer.json().get("error", {})
    details = error.get("details")
    if isinstance(details, list):
        details = [{name: each[name] for name in ("code", "path", "message")} for each in details]
    return answer.status_code, error.get("code"), error.get("message"), details


def facts_of(recording: Recording) -> object:
    return facts(httpx.Response(recording.status, content=recording.body))


class Stage:
    """A knowledge base with a document, a tag, a folder, and a connector that has copied two texts."""

    def __init__(self, call: Caller) -> None:
        self.call = call
        self.workspace = call.sandbox.workspace_id
        self.texts = {"first.md": "The turtle walks.", "second.md": "The rocket flies."}

        @call.sandbox.connector("shelf")
        def shelf(config: dict[str, Any]) -> dict[str, str]:
            if "broken" in config:
                raise ValueError("The shelf is broken")
            return self.texts

        self.ids: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.send("createKnowledgeFolder", path="/a")
        self.ids["knowledgeBaseId"] = self.send("createKnowledgeBase", name="Docs")["id"]
        self.ids["tagId"] = self.send("createKnowledgeTag", displayName="Color")["id"]
        self.ids["documentId"] = self.upload("notes.md", b"Turtles walk slowly.", tag1="green")
        self.ids["chunkId"] = self.send("listKnowledgeChunks")[0]["id"]
        self.ids["connectorId"] = self.send("createKnowledgeConnector", connectorType="shelf", sourceConfig={})["id"]
        for _ in range(2):
            self.send("getKnowledgeConnector")
        self.copied: str = self.send("listKnowledgeConnectorDocuments")[0]["id"]

    def request(self, operation_id: str, **given: Any) -> httpx.Response:
        """Send the request of an operation: ``given`` where the operation takes it, and the ids of the stage."""
        operation = operations()[operation_id]
        path = re.sub(r"{(\w+)}", lambda found: str(given.pop(found[1], self.ids.get(found[1]))), operation["path"])
        given = {"workspaceId": self.workspace, **given}
        query = {name: given.pop(name) for name in fields(operation, "query") if name in given}
        token = self.tokens.get(path.partition("/uploads/")[2].partition("/")[0])
        headers = {} if token is None else {"upload-token": token}
        return self.call.http.request(operation["method"], path, params=query, json=given or None, headers=headers)

    def send(self, operation_id: str, **given: Any) -> Any:
        answer = self.request(operation_id, **given)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    def refusal(self, operation_id: str, **given: Any) -> object:
        return facts(self.request(operation_id, **given))

    def open(self, name: str, content: bytes, **tags: str) -> Any:
        """Open an upload session, which is that of later requests."""
        kind = "text/markdown"
        made = self.send("createKnowledgeDocumentUpload", name=name, contentType=kind, size=len(content), **tags)
        self.ids["uploadId"] = made["session"]["id"]
        self.tokens[made["session"]["id"]] = made["uploadToken"]
        return made["transfer"]

    def upload(self, name: str, content: bytes, **tags: str) -> str:
        """Upload a document in a session, which processes it; return its id."""
        transfer = self.open(name, content, **tags)
        assert self.call.http.put(transfer["url"], content=content, headers=transfer["headers"]).status_code == 204
        document = self.send("completeKnowledgeDocumentUpload")["document"]
        assert document["processingStatus"] == "pending"
        return str(document["id"])

    def send_form(self) -> httpx.Response:
        return self.call.http.post(
            f"/api/v2/knowledge/{self.ids['knowledgeBaseId']}/documents",
            params={"workspaceId": self.workspace},
            files={"file": ("a.md", b"Turtles.")},
        )

    def search(self, query: str = "", **given: Any) -> list[str]:
        """The names of the documents that a search finds."""
        given = {"knowledgeBaseIds": self.ids["knowledgeBaseId"], **given}
        return [each["documentName"] for each in self.send("searchKnowledge", query=query, **given)["results"]]


def sandbox() -> Sandbox:
    return Sandbox(generation="v0.8", outsider_key=OUTSIDER)


@pytest.fixture
def stage(serve: Serve) -> Stage:
    return Stage(serve(sandbox()))


# -- refusals -------------------------------------------------------------------------------------------------------


NEEDS_A_PAST = re.compile("complete-before|abort-completed|again|out-of-range|failed|duplicate|not-empty")
"""Names of refusals that depend on what was done before; tests below do it."""
SENT = {"content-type", "upload-token"}


def refused() -> list[Recording]:
    return [
        each
        for each in recorded.recordings(SELECTION)
        if each.status >= 400 and each.path.startswith("/api/v2/knowledge") and not NEEDS_A_PAST.search(each.name)
    ]


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    caller = Caller(sandbox().serve().start())
    yield Stage(caller)
    caller.http.close()
    caller.server.close()


@pytest.mark.parametrize("recording", refused(), ids=str)
def test_a_request_is_refused_as_recorded(recording: Recording, shared: Stage) -> None:
    ids = {
        "knowledge": shared.ids["knowledgeBaseId"],
        "documents": shared.copied if "connector-document" in recording.name else shared.ids["documentId"],
        "connectors": shared.ids["connectorId"],
        "tags": shared.ids["tagId"],
    }
    workspace, base = shared.workspace.encode(), ids["knowledge"].encode()
    body = re.sub(rb'"workspaceId": ?"[0-9a-f-]{36}"', b'"workspaceId":""', recording.request_body or b"")
    body = re.sub(UUID.encode(), base, body).replace(b'"workspaceId":""', b'"workspaceId":"%s"' % workspace)
    answer = shared.call.http.request(
        recording.method,
        re.sub(rf"/({'|'.join(ids)})/{UUID}", lambda found: f"/{found[1]}/{ids[found[1]]}", recording.path),
        params={name: shared.workspace if name == "workspaceId" else each for name, each in recording.query.items()},
        content=body or None,
        headers={name: value for name, value in recording.request_headers.items() if name.lower() in SENT},
    )
    ours, theirs = facts(answer), facts_of(recording)
    if reason_for_v08(str(recording)) is not None:
        assert ours != theirs, "listed as different, but is the same"
    else:
        assert ours == theirs


# -- answers --------------------------------------------------------------------------------------------------------

TAG = {"tagSlot": "tag2", "displayName": "Place", "fieldType": "text"}
GIVEN: dict[str, dict[str, Any]] = {
    "listKnowledgeBases": {"search": "doc", "folderPath": "/"},
    "createKnowledgeBase": {"name": "More", "chunkingConfig": {"strategy": "auto"}, "folderPath": "/a"},
    "updateKnowledgeBase": {"name": "Papers"},
    "searchKnowledge": {"query": "turtles"},
    "createKnowledgeFolder": {"path": "/b"},
    "relocateKnowledgeFolder": {"path": "/a", "destinationPath": "/b"},
    "deleteKnowledgeFolder": {"path": "/a"},
    "addWorkspaceFilesToKnowledgeBase": {"fileReferences": ["nope"]},
    "bulkUpdateKnowledgeDocuments": {"operation": "disable", "selectAll": True},
    "updateKnowledgeDocument": {"filename": "b.md", "tag2": "x", "number1": 1.5, "date1": "2026-01-31"},
    "createKnowledgeDocumentUpload": {"name": "a.md", "contentType": "text/markdown", "size": 3, "tag1": "x"},
    "createKnowledgeDocumentUploadPartUrls": {"partNumbers": [2, 1]},
    "createKnowledgeChunk": {"content": "New."},
    "bulkUpdateKnowledgeChunks": {"operation": "disable", "chunkIds": ["nope"]},
    "updateKnowledgeChunk": {"content": "Changed."},
    "createKnowledgeTag": {"displayName": "Year", "fieldType": "number"},
    "bulkSaveKnowledgeTagDefinitions": {"definitions": [TAG]},
    "updateKnowledgeTag": {"displayName": "Colour"},
    "getNextKnowledgeTagSlot": {"fieldType": "text"},
    "createKnowledgeConnector": {"connectorType": "shelf", "sourceConfig": {}, "syncIntervalMinutes": 0},
    "updateKnowledgeConnector": {"status": "paused"},
    "updateKnowledgeConnectorDocuments": {"operation": "exclude", "documentIds": ["nope"]},
}
FAMILY = ("/api/v2/knowledge", "/api/v2/connector-types")
FORM, ABSENT = "uploadKnowledgeDocument", "exportKnowledgeBase"
OPERATIONS = sorted({name for name, each in operations().items() if each["path"].startswith(FAMILY)} - {FORM, ABSENT})


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_operation_answers_in_the_promised_form(operation_id: str, stage: Stage) -> None:
    if operation_id in ("createKnowledgeDocumentUploadPartUrls", "abortKnowledgeDocumentUpload"):
        stage.open("large.md", b"x" * 9_000_000)
    given = {"knowledgeBaseIds": stage.ids["knowledgeBaseId"]} if operation_id == "searchKnowledge" else {}
    answer = stage.request(operation_id, **GIVEN.get(operation_id, {}), **given)
    assert problems(operations()[operation_id], answer.status_code, answer.json()) == []
    assert answer.headers["cache-control"] == "private, no-store"


def test_every_operation_but_one_is_served(stage: Stage) -> None:
    assert {*OPERATIONS, FORM} <= set(served())
    assert stage.refusal(ABSENT) == (404, "NOT_FOUND", "Not found", None)
    answer = stage.send_form()
    assert problems(operations()[FORM], answer.status_code, answer.json()) == []


# -- what was done before counts ------------------------------------------------------------------------------------


def recorded_facts(number: int) -> object:
    return facts_of(recorded.recording(SELECTION, f"resources-{number:04d}"))


def test_a_document_is_pending_then_processing_then_completed(stage: Stage) -> None:
    first = stage.send_form().json()["data"]
    seen = [stage.send("getKnowledgeDocument", documentId=first["id"]) for _ in range(2)]
    assert [each["processingStatus"] for each in (first, *seen)] == ["pending", "processing", "completed"]
    assert [each["processingCompletedAt"] is None for each in seen] == [True, False]


def test_a_document_that_fails_says_why_and_fails_again(stage: Stage) -> None:
    failed = stage.upload("image.pdf", b"\xff\xfe")
    shown = stage.send("getKnowledgeDocument", documentId=failed)
    assert (shown["processingStatus"], "UTF-8" in shown["processingError"]) == ("failed", True)
    assert stage.refusal("listKnowledgeChunks", documentId=failed) == recorded_facts(435)
    assert stage.refusal("updateKnowledgeDocument", documentId=failed, retryProcessing=True) == recorded_facts(436)
    queued = stage.send_form().json()["data"]["id"]
    assert stage.send("updateKnowledgeDocument", documentId=queued, retryProcessing=True)["queued"]


def test_an_upload_is_completed_once_all_bytes_are_there(stage: Stage) -> None:
    transfer = stage.open("a.md", b"abc")
    assert stage.refusal("completeKnowledgeDocumentUpload") == recorded_facts(376)
    stage.call.http.put(transfer["url"], content=b"abc", headers=transfer["headers"])
    first, again = (stage.send("completeKnowledgeDocumentUpload")["document"] for _ in range(2))
    assert (first["id"], again["id"]) == (stage.ids["uploadId"],) * 2
    assert again["processingStatus"] == "completed"
    assert stage.refusal("abortKnowledgeDocumentUpload") == recorded_facts(381)


def test_what_is_deleted_cannot_be_deleted_again(stage: Stage) -> None:
    for operation_id, number in (
        ("deleteKnowledgeChunk", 484),
        ("deleteKnowledgeDocument", 570),
        ("deleteKnowledgeConnector", 656),
        ("deleteKnowledgeBase", 573),
    ):
        stage.send(operation_id)
        assert stage.refusal(operation_id) == recorded_facts(number)


def test_an_archived_base_is_restored_under_a_free_name(stage: Stage) -> None:
    stage.send("deleteKnowledgeBase")
    assert [each["name"] for each in stage.send("listKnowledgeBases", scope="archived")] == ["Docs"]
    stage.send("createKnowledgeBase", name="Docs")
    assert stage.refusal("createKnowledgeBase", name="Docs") == recorded_facts(317)
    assert stage.send("restoreKnowledgeBase")["name"] == "Docs_restored"


def test_a_folder_with_bases_is_deleted_only_as_a_whole(stage: Stage) -> None:
    stage.send("updateKnowledgeBase", folderPath="/a")
    stage.send("relocateKnowledgeFolder", path="/a", destinationPath="/b")
    assert stage.send("getKnowledgeBase")["folderPath"] == "/b"
    assert stage.refusal("deleteKnowledgeFolder", path="/b") == recorded_facts(583)
    gone = stage.send("deleteKnowledgeFolder", path="/b", recursive="true")
    assert gone["deletedItems"] == {"folders": 1, "knowledgeBases": 1}
    assert stage.send("listKnowledgeBases") == []


def test_a_search_compares_words_and_tags(stage: Stage) -> None:
    assert stage.search("the TURTLE walks") == ["first.md", "second.md"]
    assert stage.search(tagFilters=[{"tagName": "Color", "operator": "starts_with", "value": "GR"}]) == ["notes.md"]
    stage.send("bulkUpdateKnowledgeChunks", operation="disable", chunkIds=[stage.ids["chunkId"]])
    assert stage.search("slowly") == []


@pytest.mark.parametrize(
    ("slot", "value", "fits", "misses"),
    [
        ("number1", 2026, {"operator": "between", "value": 2020, "valueTo": 2026}, {"operator": "gt", "value": 2026}),
        ("date1", "2026-01-31", {"value": "2026-01-31"}, {"operator": "lt", "value": "2026-01-31"}),
        ("boolean1", True, {"value": True}, {"operator": "neq", "value": True}),
        ("tag2", "North Sea", {"operator": "contains", "value": "sea"}, {"operator": "not_contains", "value": "sea"}),
    ],
)
def test_documents_are_filtered_by_tags(
    stage: Stage, slot: str, value: object, fits: dict[str, Any], misses: dict[str, Any]
) -> None:
    kind = "text" if slot == "tag2" else slot[:-1]
    stage.send("createKnowledgeTag", displayName="T", fieldType=kind, tagSlot=slot)
    stage.send("updateKnowledgeDocument", **{slot: value})
    for condition, names in ((fits, ["notes.md"]), (misses, [])):
        listed = stage.send("listKnowledgeDocuments", tagFilters=json.dumps([{"tagName": "T", **condition}]))
        assert [each["filename"] for each in listed] == names


def test_the_values_of_a_tag_go_with_its_definition(stage: Stage) -> None:
    stage.send("updateKnowledgeDocument", tag7="loose")
    assert stage.send("getKnowledgeDocument")["tags"] == {"Color": "green", "tag7": "loose"}
    assert stage.send("deleteKnowledgeTagDefinitions") == {"unused": True, "count": 0}
    stage.send("deleteKnowledgeTag")
    assert stage.send("getKnowledgeDocument")["tags"] == {"tag7": "loose"}


def test_tags_are_saved_one_by_one(stage: Stage) -> None:
    definitions = [{**TAG, "originalDisplayName": "Color"}, TAG, {**TAG, "tagSlot": "tag1", "displayName": "Shape"}]
    saved = stage.send("bulkSaveKnowledgeTagDefinitions", definitions=definitions)
    assert [each["displayName"] for each in saved["updated"]] == ["Place"]
    assert [each["tagSlot"] for each in saved["created"]] == ["tag2"]
    assert saved["errors"] == ['Display name "Place" already exists']


def test_a_sync_copies_what_changed(stage: Stage) -> None:
    stage.send("deleteKnowledgeDocument", documentId=stage.copied)
    stage.texts |= {"second.md": "Rockets!", "third.md": "New."}
    stage.send("syncKnowledgeConnector")
    assert stage.send("getKnowledgeConnector")["status"] == "syncing"
    shown = stage.send("getKnowledgeConnector")
    counts = [shown["syncLogs"][0][f"docs{name}"] for name in ("Added", "Updated", "Deleted", "Skipped")]
    assert (shown["status"], counts) == ("active", [1, 1, 0, 1])
    assert [each["filename"] for each in stage.send("listKnowledgeConnectorDocuments")] == ["second.md", "third.md"]
    assert stage.send("deleteKnowledgeConnector", deleteDocuments="true")["documentsDeleted"] == 2


def test_a_source_that_fails_refuses_its_configuration_and_fails_its_sync(stage: Stage) -> None:
    refusal = stage.refusal("createKnowledgeConnector", connectorType="shelf", sourceConfig={"broken": True})
    assert refusal == (400, "BAD_REQUEST", "The shelf is broken", None)
    stage.send("updateKnowledgeConnector", sourceConfig={"broken": True})
    stage.send("syncKnowledgeConnector")
    stage.send("getKnowledgeConnector")
    shown = stage.send("getKnowledgeConnector")
    told = {name: shown[name] for name in ("status", "lastSyncError", "consecutiveFailures")}
    assert told == {"status": "error", "lastSyncError": "The shelf is broken", "consecutiveFailures": 1}


@pytest.mark.parametrize("kind", ["Document", "Connector"])
def test_a_page_shifts_when_an_earlier_item_is_deleted(kind: str, stage: Stage) -> None:
    for name in ("a.md", "b.md"):
        if kind == "Document":
            stage.upload(name, b"Text.")
        else:
            stage.send("createKnowledgeConnector", connectorType="shelf", sourceConfig={})
    every = [each["id"] for each in stage.send(f"listKnowledge{kind}s")]
    first = stage.request(f"listKnowledge{kind}s", limit=1).json()
    name = f"{kind.lower()}Id"
    stage.send(f"deleteKnowledge{kind}", **{name: first["data"][0]["id"]})
    second = stage.request(f"listKnowledge{kind}s", limit=1, cursor=first["nextCursor"]).json()
    assert [each["id"] for each in second["data"]] == [every[2]]


def test_others_may_not_see_a_knowledge_base(stage: Stage) -> None:
    stage.call.http.headers["x-api-key"] = OUTSIDER
    assert stage.refusal("getKnowledgeBase") == (403, "FORBIDDEN", "Insufficient workspace permissions", None)


# -- with a client --------------------------------------------------------------------------------------------------


@pytest.fixture
def client(stage: Stage) -> Iterator[SimStudioClient]:
    with stage.call.server.client() as client:
        yield client


def test_a_client_adds_documents_and_waits(stage: Stage, client: SimStudioClient, tmp_path: Path) -> None:
    path = tmp_path / "path.txt"
    path.write_text("A lighthouse by the sea", encoding="utf-8")
    file = client.v1.files.upload(stage.workspace, ("file.txt", b"The lighthouse keeper")).id
    documents, base = client.v2.knowledge.documents, stage.ids["knowledgeBaseId"]
    for source in (("text.md", "A lighthouse"), path, file):
        handle = documents.add(base, source, workspace_id=stage.workspace)
        assert handle.wait(poll_interval=0.001).chunk_count == 1
    assert stage.search("lighthouse") == ["text.md", "file.txt", "path.txt"]


def test_a_client_learns_why_a_document_failed(stage: Stage, client: SimStudioClient) -> None:
    documents, base = client.v2.knowledge.documents, stage.ids["knowledgeBaseId"]
    handle = documents.add(base, ("image.pdf", b"\xff"), workspace_id=stage.workspace)
    with pytest.raises(JobFailedError, match="UTF-8"):
        handle.wait()


def test_a_client_waits_for_a_sync(stage: Stage, client: SimStudioClient) -> None:
    stage.texts["third.md"] = "New."
    sync = client.v2.knowledge.connectors.start_sync(
        stage.ids["knowledgeBaseId"], stage.ids["connectorId"], workspace_id=stage.workspace
    )
    assert sync.wait(poll_interval=0.001).sync_logs[0].docs_added == 1
