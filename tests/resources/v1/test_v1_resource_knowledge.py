"""``client.v1.knowledge`` and ``.documents``: what they send."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

import simstudio as sim
from simstudio.models.v1.knowledge import ChunkingConfig, KnowledgeBase
from simstudio.transport.upload import Upload
from tests.driving import answer

BASE = {"id": "kb-1", "name": "Docs", "chunkingConfig": {"maxSize": 512, "minSize": 50, "overlap": 20}}


def said(**data):
    return answer(200, {"success": True, "data": data})


def sent(client):
    (request,) = client.script.requests
    return request.method, request.url.removeprefix("https://sim.test"), json.loads(request.content or b"null")


async def test_what_is_not_given_is_not_sent(both):
    client = both.client(said(knowledgeBase=BASE))

    base = await both(client.v1.knowledge.create("ws", name="Docs"))

    assert type(base) is KnowledgeBase
    assert sent(client) == ("POST", "/api/v1/knowledge", {"workspaceId": "ws", "name": "Docs"})


async def test_an_update_is_a_put_of_what_changes(both):
    client = both.client(said(knowledgeBase=BASE))

    await both(client.v1.knowledge.update("kb/1", workspace_id="ws", description=""))

    assert sent(client) == ("PUT", "/api/v1/knowledge/kb%2F1", {"workspaceId": "ws", "description": ""})


@pytest.mark.parametrize("config", [{"maxSize": 512, "minSize": 50, "overlap": 20}, None], ids=["given", "another's"])
async def test_how_documents_are_cut_is_given_by_a_mapping_or_another_base(both, config):
    client = both.client(said(knowledgeBase=BASE), said(knowledgeBase=BASE))

    base = await both(client.v1.knowledge.get("kb-1", workspace_id="ws"))
    assert base.chunking_config == ChunkingConfig(512, 50, 20)
    await both(client.v1.knowledge.create("ws", name="Copy", chunking_config=config or base.chunking_config))

    assert json.loads(client.script.requests[1].content)["chunkingConfig"] == BASE["chunkingConfig"]


@pytest.mark.parametrize("ids", ["kb-1", ["kb-1", "kb-2"], ("kb-1",)])
async def test_a_search_names_one_or_several_bases(both, ids):
    client = both.client(said(results=[], totalResults=0))
    tags = [{"tagName": "team", "operator": "eq", "value": "a"}]

    found = await both(
        client.v1.knowledge.search(workspace_id="ws", knowledge_base_ids=ids, query="fox", top_k=3, tag_filters=tags)
    )

    assert found.results == []
    _, path, body = sent(client)
    assert path == "/api/v1/knowledge/search"
    assert body == {
        "workspaceId": "ws",
        "knowledgeBaseIds": ids if isinstance(ids, str) else list(ids),
        "query": "fox",
        "topK": 3,
        "tagFilters": tags,
    }


async def test_documents_are_listed_by_what_the_server_sorts_and_filters_by(both):
    client = both.client(said(documents=[], pagination={"total": "0"}))

    pager = client.v1.knowledge.documents.list(
        "kb-1",
        workspace_id="ws",
        limit=100,
        search="fox",
        enabled_filter="enabled",
        sort_by="fileSize",
        sort_order="asc",
    )
    await both(pager.page())

    assert dict(parse_qsl(urlsplit(client.script.requests[0].url).query)) == {
        "workspaceId": "ws",
        "limit": "100",
        "search": "fox",
        "enabledFilter": "enabled",
        "sortBy": "fileSize",
        "sortOrder": "asc",
    }


async def test_a_document_is_uploaded_as_a_form(both, tmp_path):
    path = tmp_path / "fox é.txt"
    path.write_bytes(b"quick")
    document = {"id": "doc-1", "filename": "fox é.txt", "processingStatus": "pending"}
    client = both.client(said(document=document, message="…"))

    given = await both(client.v1.knowledge.documents.upload("kb-1", path, workspace_id="ws"))

    assert (given.id, given.processing_status) == ("doc-1", "pending")
    (request,) = client.script.requests
    assert (request.method, request.url) == ("POST", "https://sim.test/api/v1/knowledge/kb-1/documents")
    assert type(request.content) is Upload
    body = b"".join(request.content)
    assert body.index(b'name="workspaceId"\r\n\r\nws\r\n') < body.index('name="file"; filename="fox é.txt"'.encode())


async def test_a_document_larger_than_sim_takes_is_refused_before_sending(both):
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match="10,485,760"):
        await both(client.v1.knowledge.documents.upload("kb-1", ("a.txt", b"x" * 10_485_760), workspace_id="ws"))

    assert client.script.requests == []


async def test_a_document_is_found_by_both_ids(both):
    client = both.client(said(document={"id": "d", "processingError": "no text"}), said(message="gone"))

    document = await both(client.v1.knowledge.documents.get("kb-1", "d 1", workspace_id="ws"))
    await both(client.v1.knowledge.documents.delete("kb-1", "d 1", workspace_id="ws"))

    assert document.processing_error == "no text"
    assert [(request.method, urlsplit(request.url).path) for request in client.script.requests] == [
        ("GET", "/api/v1/knowledge/kb-1/documents/d%201"),
        ("DELETE", "/api/v1/knowledge/kb-1/documents/d%201"),
    ]


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda knowledge: knowledge.create("ws", name="x" * 256), "name must have at most 255 characters, not 256"),
        (lambda knowledge: knowledge.update("kb", workspace_id="ws", description="x" * 1001), "description must have"),
        (lambda knowledge: knowledge.create("ws", name="a", chunking_config=512), "chunking_config must be"),
        (
            lambda knowledge: knowledge.search(workspace_id="ws", knowledge_base_ids="kb", query="a", top_k=101),
            "top_k must be from 1 to 100: 101",
        ),
        (lambda knowledge: knowledge.search(workspace_id="ws", knowledge_base_ids=7), "knowledge_base_ids must be"),
    ],
)
async def test_what_cannot_be_sent_is_refused_by_name_and_limit(both, ask, text):
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match=text):
        await both(ask(client.v1.knowledge))

    assert client.script.requests == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"limit": 101}, "limit must be from 1 to 100: 101"),
        ({"sort_by": "size"}, "sort_by must be 'chunkCount', 'enabled'"),
        ({"sort_order": "up"}, "sort_order must be 'asc', 'desc'"),
        ({"enabled_filter": True}, "enabled_filter must be 'all'"),
    ],
)
def test_what_documents_cannot_be_asked_is_refused_by_name(both, arguments, text):
    with pytest.raises(sim.InvalidInputError, match=text):
        both.client().v1.knowledge.documents.list("kb", workspace_id="ws", **arguments)
