"""Knowledge bases, documents and search of the v1 API. The recordings are compared in `test_parity_v1_data`."""

from __future__ import annotations

import pytest

from simstudio.sandbox.data.search import Chunking, pieces, similarity

from .calls import Caller
from .v1_calls import V1, data, error

pytestmark = pytest.mark.generation("v0.6")

FOX = b"The quick brown fox jumps over the lazy dog."
SHIPS = b"Ships carry grain and steel over the sea."


@pytest.fixture
def v1(call: Caller) -> V1:
    return V1(call)


class Base:
    """A knowledge base."""

    def __init__(self, v1: V1, name: str = "Docs", **options: object) -> None:
        self.v1 = v1
        self.shown = data(v1.post("/knowledge", name=name, **options))["knowledgeBase"]
        self.id = self.shown["id"]
        self.path = f"/knowledge/{self.id}"

    def upload(self, name: str, content: bytes) -> str:
        return data(self.v1.upload(f"{self.path}/documents", name, content))["document"]["id"]

    def document(self, document: str) -> dict:
        return data(self.v1.get(f"{self.path}/documents/{document}"))["document"]

    def add(self, name: str, content: bytes) -> str:
        """Upload a document and see it through."""
        document = self.upload(name, content)
        states = [self.document(document)["processingStatus"] for _ in range(2)]
        assert states[1] in ("completed", "failed")
        return document

    def documents(self, **params: object) -> list[str]:
        listed = data(self.v1.get(f"{self.path}/documents", **params))["documents"]
        return [document["filename"] for document in listed]


@pytest.fixture
def base(v1: V1) -> Base:
    return Base(v1)


class TestKnowledgeBases:
    def test_one_that_was_made_is_listed_and_read(self, v1: V1, base: Base) -> None:
        listed = data(v1.get("/knowledge"))
        assert listed == {"knowledgeBases": [base.shown], "totalCount": 1}
        assert data(v1.get(base.path))["knowledgeBase"] == base.shown

    def test_what_is_not_said_of_its_chunks_is_the_servers_choice(self, v1: V1) -> None:
        assert Base(v1, "a").shown["chunkingConfig"] == {"maxSize": 1024, "minSize": 100, "overlap": 200}
        config = {"maxSize": 512}
        assert Base(v1, "b", chunkingConfig=config).shown["chunkingConfig"] == {
            "maxSize": 512,
            "minSize": 100,
            "overlap": 200,
        }

    def test_a_name_is_there_once(self, v1: V1, base: Base) -> None:
        other = Base(v1, "Other")
        taken = (409, "Resource already exists")
        assert error(v1.post("/knowledge", name="Docs")) == taken
        assert error(v1.put(other.path, name="Docs")) == taken
        assert data(v1.put(other.path, name="Other"))["knowledgeBase"]["name"] == "Other"

    def test_what_is_not_named_in_an_update_stays(self, v1: V1) -> None:
        base = Base(v1, "Docs", description="d")
        changed = data(v1.put(base.path, chunkingConfig={"maxSize": 200, "minSize": 1, "overlap": 0}))["knowledgeBase"]
        assert (changed["name"], changed["description"]) == ("Docs", "d")
        assert changed["chunkingConfig"]["maxSize"] == 200

    def test_a_deleted_one_is_gone_with_its_documents(self, v1: V1, base: Base) -> None:
        document = base.upload("a.txt", FOX)
        data(v1.delete(base.path))
        gone = (404, "Knowledge base not found")
        assert error(v1.delete(base.path)) == gone
        assert error(v1.get(f"{base.path}/documents/{document}")) == gone

    def test_it_counts_its_documents_and_tokens(self, v1: V1, base: Base) -> None:
        base.add("a.txt", FOX)
        shown = data(v1.get(base.path))["knowledgeBase"]
        assert (shown["docCount"], shown["tokenCount"]) == (1, len(FOX) / 4)

    def test_another_workspace_is_not_seen(self, v1: V1, base: Base) -> None:
        v1.workspace = "another"
        for answer in (
            v1.get("/knowledge"),
            v1.post("/knowledge", name="x"),
            v1.get(base.path),
            v1.get(f"{base.path}/documents"),
            v1.upload(f"{base.path}/documents", "a.txt", FOX),
            v1.post("/knowledge/search", knowledgeBaseIds=base.id, query="x"),
        ):
            assert error(answer) == (403, "Access denied")


class TestDocuments:
    def test_each_look_takes_one_a_step_on(self, base: Base) -> None:
        answer = data(base.v1.upload(f"{base.path}/documents", "fox.txt", FOX))["document"]
        assert answer["processingStatus"] == "pending"
        assert base.document(answer["id"])["processingStatus"] == "processing"
        document = base.document(answer["id"])
        assert document["processingStatus"] == "completed"
        assert (document["chunkCount"], document["characterCount"]) == (1, len(FOX))
        assert document["processingError"] is None
        assert document["processingCompletedAt"] >= document["processingStartedAt"]

    def test_looking_at_a_list_does_it_too(self, base: Base) -> None:
        document = base.upload("fox.txt", FOX)
        base.documents()
        assert base.document(document)["processingStatus"] == "completed"

    def test_what_is_no_text_fails_and_says_why(self, base: Base) -> None:
        document = base.document(base.add("scan.pdf", b"%PDF-\xff\xfe"))
        assert document["processingStatus"] == "failed"
        assert "scan.pdf" in document["processingError"]

    def test_its_file_is_among_the_files(self, v1: V1, base: Base) -> None:
        base.upload("fox.txt", FOX)
        assert [file["name"] for file in data(v1.get("/files"))["files"]] == ["fox.txt"]

    def test_a_deleted_one_is_gone(self, v1: V1, base: Base) -> None:
        path = f"{base.path}/documents/{base.upload('fox.txt', FOX)}"
        assert data(v1.delete(path))["message"] == "Document deleted successfully"
        assert error(v1.delete(path)) == (404, "Document not found")

    def test_pages_have_their_total_as_text(self, v1: V1, base: Base) -> None:
        for name in ("c.txt", "a.txt", "b.txt"):
            base.upload(name, FOX)
        params = {"sortBy": "filename", "sortOrder": "asc"}
        answer = data(v1.get(f"{base.path}/documents", limit=2, **params))
        assert answer["pagination"] == {"total": "3", "limit": 2, "offset": 0, "hasMore": True}
        assert base.documents(limit=2, offset=2, **params) == ["c.txt"]

    def test_they_are_found_by_a_part_of_their_name(self, base: Base) -> None:
        for name in ("Fox.txt", "ships.txt"):
            base.upload(name, FOX)
        assert base.documents(search="FO") == ["Fox.txt"]
        assert base.documents(enabledFilter="disabled") == []

    @pytest.mark.parametrize(
        "params", [{"limit": 101}, {"limit": "x"}, {"offset": -1}, {"sortBy": "size"}, {"sortOrder": "up"}]
    )
    def test_parameters_are_checked(self, v1: V1, base: Base, params: dict) -> None:
        answer = v1.get(f"{base.path}/documents", **params)
        assert error(answer) == (400, "Validation error")
        assert answer.json()["details"][0]["path"] == list(params)


class TestSearch:
    def search(self, base: Base, query: str, **options: object) -> dict:
        return data(base.v1.post("/knowledge/search", knowledgeBaseIds=[base.id], query=query, **options))

    def test_the_likest_chunk_comes_first(self, base: Base) -> None:
        base.add("ships.txt", SHIPS)
        base.add("fox.txt", FOX)
        found = self.search(base, "a quick fox over the lazy dog")
        assert [hit["documentName"] for hit in found["results"]] == ["fox.txt", "ships.txt"]
        assert 1 > found["results"][0]["similarity"] > found["results"][1]["similarity"] > 0
        assert (found["totalResults"], found["topK"]) == (2, 10)

    def test_a_hit_tells_where_it_is(self, base: Base) -> None:
        document = base.add("fox.txt", FOX)
        (hit,) = self.search(base, FOX.decode())["results"]
        assert hit == {
            "documentId": document,
            "documentName": "fox.txt",
            "content": FOX.decode(),
            "chunkIndex": 0,
            "metadata": {},
            "similarity": 1,
        }

    def test_only_so_many_as_asked_for(self, base: Base) -> None:
        base.add("ships.txt", SHIPS)
        base.add("fox.txt", FOX)
        assert len(self.search(base, "over the", topK=1)["results"]) == 1

    def test_nothing_is_found_before_a_document_is_completed(self, base: Base) -> None:
        base.upload("fox.txt", FOX)
        assert self.search(base, "fox")["results"] == []
        assert len(self.search(base, "fox")["results"]) == 1

    def test_several_knowledge_bases_are_searched_together(self, v1: V1, base: Base) -> None:
        other = Base(v1, "Other")
        base.add("fox.txt", FOX)
        other.add("ships.txt", SHIPS)
        found = data(v1.post("/knowledge/search", knowledgeBaseIds=[base.id, other.id], query="over the"))
        assert found["totalResults"] == 2

    def test_unknown_knowledge_bases_are_named_among_known_ones(self, v1: V1, base: Base) -> None:
        answer = v1.post("/knowledge/search", knowledgeBaseIds=[base.id, "nope"], query="x")
        assert error(answer) == (404, "Knowledge bases not found or access denied: nope")

    def test_a_tag_nobody_defined_is_refused(self, v1: V1, base: Base) -> None:
        answer = v1.post("/knowledge/search", knowledgeBaseIds=base.id, tagFilters=[{"tagName": "year", "value": 1}])
        status, message = error(answer)
        assert status == 400
        assert message.startswith('The following tags are not defined in this knowledge base: "year".')

    @pytest.mark.parametrize("options", [{"topK": 0}, {"topK": 101}, {"query": " "}, {"knowledgeBaseIds": []}])
    def test_parameters_are_checked(self, v1: V1, base: Base, options: dict) -> None:
        body = {"knowledgeBaseIds": base.id, "query": "x", **options}
        assert error(v1.post("/knowledge/search", **body)) == (400, "Validation error")


def texts_of(text: str, chunking: Chunking) -> list[str]:
    return [piece for _, piece in pieces(text, chunking)]


class TestTexts:
    def test_a_text_is_cut_between_words_with_an_overlap(self) -> None:
        words = [f"word{number:04d}" for number in range(200)]
        pieces = texts_of(" ".join(words), Chunking(max_size=100, min_size=1, overlap=10))
        assert len(pieces) > 4
        assert all(len(piece) <= 400 for piece in pieces)
        assert set(" ".join(pieces).split()) == set(words)
        assert pieces[1].split()[0] in pieces[0]

    def test_a_text_without_spaces_is_cut_all_the_same(self) -> None:
        pieces = texts_of("x" * 1000, Chunking(max_size=100, min_size=1, overlap=50))
        assert [len(piece) for piece in pieces] == [400, 400, 400, 400]

    def test_an_empty_text_has_no_chunks(self) -> None:
        assert texts_of(" \n", Chunking()) == []

    @pytest.mark.parametrize(
        ("one", "other", "closeness"),
        [("a b", "B a!", 1), ("a", "b", 0), ("", "a", 0), ("a b c d", "a", 0.5)],
    )
    def test_texts_are_as_similar_as_they_share_words(self, one: str, other: str, closeness: float) -> None:
        assert similarity(one, other) == similarity(other, one) == pytest.approx(closeness)
