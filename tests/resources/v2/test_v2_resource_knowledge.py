from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from simstudio import (
    APITimeoutError,
    ConflictError,
    File,
    InvalidInputError,
    JobFailedError,
    JobTimeoutError,
    UsageLimitExceededError,
)
from simstudio.core.conversion import structure
from simstudio.core.polling import Poller
from simstudio.core.runs import SubmittedRun
from simstudio.models.v2.knowledge_tags import TagDefinition
from simstudio.resources.v2.handles import StateHandle
from tests.driving import Both, Clock, answer, replayed
from tests.modes import both_modes
from tests.recorded import SELECTION, recording


def recorded(name: str) -> Any:
    return replayed(recording(SELECTION, name))


PROCESSING = recorded("resources-0593")
COMPLETED = recorded("resources-0598")
SYNCING = recorded("resources-0609")
SYNCED = recorded("resources-0611")


def connector(*syncs: dict[str, Any], status: str = "active") -> Any:
    """The recorded connector with other syncs, newest first."""
    data = json.loads(recording(SELECTION, "resources-0611").body)["data"]
    log = data["syncLogs"][0]
    return answer(200, {"data": {**data, "status": status, "syncLogs": [{**log, **each} for each in syncs]}})


class TestDocumentHandles:
    @both_modes
    async def test_a_document_is_done_when_it_is_processed(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(PROCESSING, COMPLETED)
        handle = client.v2.knowledge.documents.handle("kb 1", "doc", workspace_id="ws")
        assert isinstance(handle, SubmittedRun)
        assert (handle.status, handle.done) == ("unknown", False)
        seen: list[str] = []
        document = await both(handle.wait(on_progress=lambda state: seen.append(state.processing_status)))
        assert seen == ["processing", "completed"]
        assert (handle.status, handle.done, document.chunk_count) == ("completed", True, 1)
        (first, _) = client.script.requests
        assert first.url.endswith("/api/v2/knowledge/kb%201/documents/doc?workspaceId=ws")
        assert len(no_waiting) == 1

    async def test_one_that_failed_is_an_error_with_the_servers_reason(self, both: Both) -> None:
        client = both.client(recorded("resources-0434"))
        handle = client.v2.knowledge.documents.handle("kb", "doc", workspace_id="ws")
        with pytest.raises(JobFailedError, match=r"The document doc failed: .") as raised:
            await both(handle.result())
        assert raised.value.job.processing_status == "failed"
        assert raised.value.job.processing_error[:40] in str(raised.value)

    async def test_one_that_stays_pending_is_named_so(
        self, both: Both, no_waiting: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock()
        monkeypatch.setattr(StateHandle, "poller", Poller(clock=clock))
        pending = recorded("resources-0426")

        def later(request: Any) -> Any:
            clock.advance(40)
            return pending(request)

        client = both.client(*[later] * 3)
        handle = client.v2.knowledge.documents.handle("kb", "doc", workspace_id="ws")
        with pytest.raises(JobTimeoutError, match=r"within 60 s \(last seen 'pending'\).*background worker") as raised:
            await both(handle.wait(timeout=60))
        assert raised.value.job.processing_status == "pending"

    async def test_the_result_of_a_processed_document_needs_no_request(self, both: Both) -> None:
        client = both.client(COMPLETED)
        handle = client.v2.knowledge.documents.handle("kb", "doc", workspace_id="ws")
        state = await both(handle.refresh())
        assert await both(handle.wait()) == await both(handle.result()) == state
        assert len(client.script.requests) == 1


class TestSyncHandles:
    @both_modes
    async def test_the_first_sync_of_a_new_connector(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(SYNCING, SYNCED)
        sync = client.v2.knowledge.connectors.handle("kb", "c", workspace_id="ws")
        state = await both(sync.wait())
        assert (sync.status, state.sync_logs[0].docs_added) == ("active", 3)
        assert len(no_waiting) == 1

    @both_modes
    async def test_a_requested_sync_is_the_one_that_began_later(self, both: Both, no_waiting: list[float]) -> None:
        old = {"id": "old"}
        client = both.client(
            connector(old),
            recorded("resources-0635"),
            connector(old),  # not begun yet
            connector({"id": "new", "status": "started", "completedAt": None}, old, status="syncing"),
            connector({"id": "new", "docsAdded": 7}, old),
        )
        sync = await both(client.v2.knowledge.connectors.start_sync("kb", "c", workspace_id="ws", rehydrate=True))
        state = await both(sync.wait())
        assert (state.sync_logs[0].id, state.sync_logs[0].docs_added) == ("new", 7)
        requested = client.script.requests[1]
        assert (requested.method, requested.url.rpartition("/")[2]) == ("POST", "sync")
        assert json.loads(requested.content) == {"workspaceId": "ws", "rehydrate": True}
        assert len(no_waiting) == 2

    async def test_one_that_failed_is_an_error_and_an_earlier_failure_is_none(
        self, both: Both, no_waiting: list[float]
    ) -> None:
        failed = {"id": "old", "status": "failed", "errorMessage": "Vault not found."}
        synced = recorded("resources-0635")
        client = both.client(connector(failed, status="error"), synced, connector({"id": "new"}, failed))
        sync = await both(client.v2.knowledge.connectors.start_sync("kb", "c", workspace_id="ws"))
        await both(sync.wait())
        client = both.client(connector(failed, status="error"))
        sync = client.v2.knowledge.connectors.handle("kb", "c", workspace_id="ws")
        with pytest.raises(JobFailedError, match="The sync of the connector c failed: Vault not found") as raised:
            await both(sync.wait())
        assert raised.value.job.status == "error"

    async def test_a_handle_pickles_with_what_it_waits_for(self, both: Both) -> None:
        client = both.client(SYNCED, recorded("resources-0635"), SYNCED)
        sync = await both(client.v2.knowledge.connectors.start_sync("kb", "c", workspace_id="ws"))
        await both(sync.refresh())
        again = pickle.loads(pickle.dumps(sync))
        assert (again.id, again.state, again.before, again.done) == ("c", sync.state, sync.before, False)
        assert len(again.before) == 1


class TestAnswers:
    async def test_tag_filters_of_a_list_are_json(self, both: Both) -> None:
        client = both.client(recorded("resources-0526"))
        filters = [{"tagName": "Farbe", "operator": "eq", "value": "rot"}]
        page = await both(client.v2.knowledge.documents.list("kb", workspace_id="ws", tag_filters=filters).page())
        assert page.items[0].tags["Farbe"] == "rot"
        assert "tagFilters=%5B%7B%22tagName%22%3A%22Farbe%22" in client.script.requests[0].url

    async def test_one_knowledge_base_may_be_searched_by_its_id_alone(self, both: Both) -> None:
        client = both.client(recorded("resources-0541"))
        base = "c3c4be9c-0c27-4464-be95-ed2de9bf4485"
        found = await both(client.v2.knowledge.search(workspace_id="ws", knowledge_base_ids=base, query="turtle"))
        assert json.loads(client.script.requests[0].content)["knowledgeBaseIds"] == base
        assert [each.similarity for each in found.results] == sorted(
            (each.similarity for each in found.results), reverse=True
        )

    async def test_the_secrets_of_an_upload_are_in_no_repr(self, both: Both) -> None:
        client = both.client(recorded("resources-0589"))
        new = await both(
            client.v2.knowledge.documents.uploads.create(
                "kb", workspace_id="ws", name="in Arbeit.txt", content_type="text/plain", size=370
            )
        )
        assert new.transfer.headers == {"Content-Type": "text/plain", "upload-token": new.upload_token}
        assert new.upload_token not in repr(new)

    async def test_chunks_of_a_document_that_is_not_processed_are_a_conflict(self, both: Both) -> None:
        client = both.client(recorded("resources-0435"))
        pages = client.v2.knowledge.documents.chunks.list("kb", "doc", workspace_id="ws")
        with pytest.raises(ConflictError, match="status: failed"):
            await both(pages.page())


SESSION = recorded("resources-0589")
COMPLETION = recorded("resources-0591")
STORED = answer(204)
TEXT = "x" * 370
ADDED = "c43e23b4-99ba-4e74-b52e-f1be7e9ef678"
"""Id of the session, and of the document that it became."""


TAGS = structure(json.loads(recording(SELECTION, "resources-0498").body)["data"], list[TagDefinition])
TEXT_TAG, NUMBER_TAG = (next(tag for tag in TAGS if tag.field_type == kind) for kind in ("text", "number"))


class TestAdding:
    @both_modes
    async def test_a_text_is_uploaded_and_then_processed(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(SESSION, STORED, COMPLETION, PROCESSING, COMPLETED)
        documents, seen = client.v2.knowledge.documents, []
        handle = await both(
            documents.add(
                "kb",
                ("in Arbeit.txt", TEXT),
                workspace_id="ws",
                tags={"tag1": "grün"},
                on_progress=lambda progress: seen.append((progress.sent, progress.size)),
            )
        )
        assert (handle.id, handle.done) == (ADDED, False)
        assert seen == [(0, 370), (370, 370)]
        assert (await both(handle.wait())).processing_status == "completed"
        create, put, complete, *_ = client.script.requests
        assert json.loads(create.content) == {
            "workspaceId": "ws", "name": "in Arbeit.txt", "contentType": "text/plain", "size": 370, "tag1": "grün",
        }  # fmt: skip
        assert (put.method, put.headers.get("X-API-Key")) == ("PUT", None)
        assert complete.url.endswith(f"/api/v2/knowledge/kb/documents/uploads/{ADDED}/complete?workspaceId=ws")
        assert complete.headers["upload-token"] == put.headers["upload-token"]
        assert complete.headers["X-API-Key"]

    async def test_a_completion_that_takes_too_long_is_asked_for_again(self, both: Both) -> None:
        client = both.client(SESSION, STORED, APITimeoutError("slow"), COMPLETION, max_retries=0)
        handle = await both(client.v2.knowledge.documents.add("kb", ("in Arbeit.txt", TEXT), workspace_id="ws"))
        assert handle.id == ADDED
        first, second = client.script.requests[2:]
        assert first.url == second.url
        assert (first.budget.total, second.budget.total) == (600, 30)

    async def test_an_upload_that_fails_is_aborted(self, both: Both) -> None:
        refused = answer(402, {"error": {"code": "USAGE_LIMIT_EXCEEDED", "message": "No credits"}})
        client = both.client(SESSION, STORED, refused, recorded("resources-0387"))
        with pytest.raises(UsageLimitExceededError):
            await both(client.v2.knowledge.documents.add("kb", ("in Arbeit.txt", TEXT), workspace_id="ws"))
        assert client.script.requests[-1].method == "DELETE"

    async def test_tags_are_given_by_name_or_slot(self, both: Both) -> None:
        client = both.client(recorded("resources-0498"), SESSION, STORED, COMPLETION)
        tags = {TEXT_TAG.display_name: "rot", "tag7": "x"}
        await both(client.v2.knowledge.documents.add("kb", ("in Arbeit.txt", TEXT), workspace_id="ws", tags=tags))
        asked, created = client.script.requests[:2]
        assert asked.url.endswith("/api/v2/knowledge/kb/tags?workspaceId=ws")
        sent = json.loads(created.content)
        assert (sent[TEXT_TAG.tag_slot], sent["tag7"]) == ("rot", "x")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("Größe", f"no tag 'Größe'; its tags are: .*'{TEXT_TAG.display_name}'"),
            (NUMBER_TAG.display_name, rf"is not for text; set it with documents\.update\({NUMBER_TAG.tag_slot}="),
        ],
    )
    async def test_a_tag_that_cannot_be_set_is_named(self, both: Both, name: str, message: str) -> None:
        client = both.client(recorded("resources-0498"))
        with pytest.raises(InvalidInputError, match=message):
            await both(client.v2.knowledge.documents.add("kb", ("a.txt", "a"), workspace_id="ws", tags={name: "1"}))
        assert len(client.script.requests) == 1

    @pytest.mark.parametrize(
        ("source", "sent"),
        [
            (("a.YAML", TEXT), "application/yaml"),
            (("a.csv", TEXT), "text/csv"),
            (("a.csv", TEXT.encode(), "application/octet-stream"), "text/csv"),
            (("a.csv", TEXT.encode(), "text/comma-separated-values"), "text/comma-separated-values"),
            (File(TEXT.encode(), name="a.jsonl"), "application/jsonl"),
            (("a.exe", TEXT.encode(), "application/octet-stream"), "application/octet-stream"),
        ],
    )
    async def test_the_ending_of_the_name_gives_the_media_type(self, both: Both, source: Any, sent: str) -> None:
        client = both.client(SESSION, STORED, COMPLETION)
        await both(client.v2.knowledge.documents.add("kb", source, workspace_id="ws"))
        assert json.loads(client.script.requests[0].content)["contentType"] == sent

    async def test_a_file_of_the_workspace_is_added_by_its_id(self, both: Both) -> None:
        client = both.client(recorded("resources-0400"))
        handle = await both(client.v2.knowledge.documents.add("kb", "wf_uaRDpxDiYZ5NwJAhxdgIp", workspace_id="ws"))
        assert handle.id == "df253aa1-930e-4a85-aea9-9ccca95a5c1b"
        assert json.loads(client.script.requests[0].content)["fileReferences"] == ["wf_uaRDpxDiYZ5NwJAhxdgIp"]

    async def test_a_path_that_is_given_as_a_text_is_no_file_of_the_workspace(self, both: Both) -> None:
        none = answer(200, {"data": {"knowledgeBaseId": "kb", "added": [], "failed": ["report.pdf"]}})
        client = both.client(none)
        with pytest.raises(JobFailedError, match=r"'report.pdf'.* pathlib\.Path"):
            await both(client.v2.knowledge.documents.add("kb", "report.pdf", workspace_id="ws"))

    @pytest.mark.parametrize(
        ("source", "tags", "message"),
        [
            (b"no name", None, "needs a name"),
            (("empty.txt", b""), None, "from 1 to 104,857,600 bytes; 'empty.txt' has 0"),
            ("wf_1", {"tag1": "rot"}, "not for a file of the workspace"),
            (Path("missing.pdf"), None, "cannot be read"),
        ],
    )
    async def test_what_cannot_become_a_document_is_not_sent(
        self, both: Both, source: Any, tags: Any, message: str
    ) -> None:
        client = both.client()
        with pytest.raises(InvalidInputError, match=message):
            await both(client.v2.knowledge.documents.add("kb", source, workspace_id="ws", tags=tags))
        assert client.script.requests == []
