"""``simstudio files``, ``tables`` and ``knowledge``: jobs of more than one request, over a client that is scripted."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from simstudio.cli.connection import Connection
from simstudio.transport.errors import APIConnectionError
from simstudio.transport.message import Request, Response
from tests.driving import Answer, answer, client, streamed
from tests.resources.v2.upload_server import STAMP, TOKEN, UploadServer, error

WS = ("--workspace", "ws")
TEXT = b"0123456789"

Wire = Callable[..., "list[Request]"]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Wire:
    """Script the client of the command line, in an empty working directory; the list of what it asks."""
    monkeypatch.chdir(tmp_path)

    def use(*answers: Answer, version: str = "v2") -> list[Request]:
        made = client(*answers, api_version=version)
        monkeypatch.setattr(Connection, "_remote", lambda self: made)
        return made.script.requests  # type: ignore[attr-defined, no-any-return]

    return use


def data(body: Any, status: int = 200) -> Response:
    return answer(status, {"data": body})


def press_at(ending: str) -> Callable[[int, Request], None]:
    """Ctrl-C during the first request to a path with this ending."""
    pressed: list[str] = []

    def fails(_: int, request: Request) -> None:
        if request.path.endswith(ending) and not pressed:
            pressed.append(ending)
            raise KeyboardInterrupt

    return fails


class TestUploads:
    @pytest.fixture(autouse=True)
    def file(self, wire: Wire, tmp_path: Path) -> Path:
        path = tmp_path / "a.txt"
        path.write_bytes(TEXT)
        return path

    def test_a_file_goes_to_its_folder(self, cli, wire: Wire) -> None:
        sim = UploadServer()
        wire(*[sim] * 3)
        result = cli("files", "upload", "a.txt", *WS, "--folder", "/New leads", "--name", "b.txt")

        assert (result.exit_code, json.loads(result.stdout)["id"]) == (0, "wf_1")
        assert (sim.content, sim.created["name"], sim.created["folderPath"]) == (TEXT, "b.txt", "/New%20leads")

    def test_an_interrupted_upload_goes_on_from_a_private_file(self, cli, wire: Wire, tmp_path: Path) -> None:
        sim = UploadServer(part_size=4, fails=press_at("/complete"))
        wire(*[sim] * 20)
        result = cli("files", "upload", "a.txt", *WS)

        (session,) = tmp_path.glob("a.txt.*.upload")
        assert (result.exit_code, result.stdout) == (130, "")
        assert "The server keeps 10 B of 10 B for 24 hours; go on with: simstudio files upload" in result.stderr
        assert stat.S_IMODE(session.stat().st_mode) == 0o600
        words = result.stderr.rpartition("simstudio ")[2].split()
        assert TOKEN not in result.stderr

        sim.asked.clear()
        wire(sim)
        again = cli(*words)
        assert (again.exit_code, json.loads(again.stdout)["id"]) == (0, "wf_1")
        assert sim.asked == [("POST", "/api/v2/files/uploads/up-1/complete")]
        assert not session.exists()

    def test_a_lost_connection_leaves_the_same_file(self, cli, wire: Wire, tmp_path: Path) -> None:
        sim = UploadServer(part_size=4)
        wire(*[sim] * 5, APIConnectionError("lost"), APIConnectionError("lost"), APIConnectionError("lost"))
        result = cli("files", "upload", "a.txt", *WS, "--json")

        (session,) = tmp_path.glob("a.txt.*.upload")
        assert result.exit_code == 3
        assert json.loads(result.stdout)["error"]["type"] == "APIConnectionError"
        assert "session=" not in result.stdout
        assert (
            f"go on with: simstudio files upload a.txt --workspace ws --json --session {session.name}" in result.stderr
        )

    def test_a_file_that_has_changed_does_not_go_on(self, cli, wire: Wire, tmp_path: Path) -> None:
        wire(*[UploadServer(part_size=4, fails=press_at("/complete"))] * 20)
        cli("files", "upload", "a.txt", *WS)
        (session,) = tmp_path.glob("a.txt.*.upload")
        (tmp_path / "a.txt").write_bytes(b"9876543210")

        asked = wire()
        result = cli("files", "upload", "a.txt", *WS, "--session", session.name)
        assert (result.exit_code, asked) == (2, [])
        assert "has changed since this upload began" in result.stderr

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"upload": {}, "sent": 1, "size": 1, "parts": 3}'])
    def test_something_else_is_no_session(self, cli, wire: Wire, tmp_path: Path, text: str) -> None:
        (tmp_path / "session").write_text(text)
        wire()

        result = cli("files", "upload", "a.txt", *WS, "--session", "session")
        assert (result.exit_code, "is no upload session" in result.stderr) == (2, True)

    def test_a_refusal_that_would_come_again_leaves_nothing(self, cli, wire: Wire, tmp_path: Path) -> None:
        refused = lambda _, request: error(400, "no") if request.path == "/parts/2" else None  # noqa: E731
        sim = UploadServer(part_size=4, fails=refused)
        wire(*[sim] * 20)
        result = cli("files", "upload", "a.txt", *WS)

        assert (result.exit_code, sim.status, list(tmp_path.glob("*.upload"))) == (1, "aborted", [])

    def test_where_nothing_has_arrived_nothing_stays(self, cli, wire: Wire, tmp_path: Path) -> None:
        sim = UploadServer(part_size=4, fails=press_at("/parts"))
        wire(*[sim] * 3)
        result = cli("files", "upload", "a.txt", *WS)

        assert (result.exit_code, sim.status) == (130, "aborted")
        assert "Interrupted. Nothing was uploaded." in result.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]

    def test_v1_uploads_in_one_request_and_has_no_folders(self, cli, wire: Wire) -> None:
        (asked,) = [wire(data({"file": {"id": "wf_2", "name": "a.txt"}}), version="v1")]
        assert json.loads(cli("files", "upload", "a.txt", *WS).stdout)["id"] == "wf_2"
        assert (asked[0].method, asked[0].path) == ("POST", "/api/v1/files")

        wire(version="v1")
        result = cli("files", "upload", "a.txt", *WS, "--folder", "/x")
        assert (result.exit_code, "Give --api-version v2" in result.stderr) == (2, True)


@pytest.mark.parametrize("version", ["v1", "v2"])
class TestDownloads:
    def test_a_file_is_saved_under_its_name(self, cli, wire: Wire, tmp_path: Path, version: str) -> None:
        response = streamed(b"he", b"llo", content_type="text/plain")
        response.headers["Content-Disposition"] = 'attachment; filename="a.txt"'
        wire(response, version=version)
        result = cli("files", "download", "wf_1", *WS)

        assert json.loads(result.stdout) == {
            "id": "wf_1", "output": "a.txt", "bytes": 5, "contentType": "text/plain"
        }  # fmt: skip
        assert (tmp_path / "a.txt").read_text() == "hello"

    def test_nothing_is_replaced(self, cli, wire: Wire, tmp_path: Path, version: str) -> None:
        (tmp_path / "a.txt").write_text("mine")
        wire(version=version)
        result = cli("files", "download", "wf_1", *WS, "--output", "a.txt")

        assert (result.exit_code, (tmp_path / "a.txt").read_text()) == (2, "mine")

    def test_an_interrupted_one_leaves_nothing(self, cli, wire: Wire, tmp_path: Path, version: str) -> None:
        wire(streamed(b"he", KeyboardInterrupt()), version=version)
        result = cli("files", "download", "wf_1", *WS, "--output", "a.txt")

        assert (result.exit_code, list(tmp_path.iterdir())) == (130, [])
        assert "Nothing was saved; a download begins again." in result.stderr


def imported(status: str, **more: Any) -> Response:
    return data(_import(status, **more))


def _import(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "imp-1", "workspaceId": "ws", "status": status, "target": {"type": "new", "name": "stock"},
        "tableId": "tbl_1", "rowsProcessed": 2, "error": None, "createdAt": STAMP, "updatedAt": STAMP,
        "source": {"type": "upload", "name": "a.csv", "contentType": "text/csv", "size": 4}, **more,
    }  # fmt: skip


def session_of(**session: Any) -> Response:
    transfer = {"method": "put", "url": "https://storage.test/in", "headers": {}, "expiresAt": STAMP}
    return data({"session": session, "uploadToken": TOKEN, "transfer": transfer}, 201)


class TestImports:
    @pytest.fixture(autouse=True)
    def file(self, wire: Wire, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("a,b\n")

    def test_a_file_becomes_a_table(self, cli, wire: Wire) -> None:
        asked = wire(session_of(**_import("uploading")), answer(204), imported("processing"), imported("completed"))
        words = ("--new", "stock", "--column", "a=x", "--column", "b=", "--timezone", "Europe/Berlin")
        result = cli("tables", "import", "a.csv", *WS, *words)

        assert json.loads(result.stdout)["tableId"] == "tbl_1"
        body = json.loads(asked[0].content)
        assert (body["mapping"], body["timezone"]) == ({"a": "x", "b": None}, "Europe/Berlin")

    @pytest.mark.parametrize(("words", "mode"), [((), "append"), (("--replace",), "replace")])
    def test_or_more_rows_of_one(self, cli, wire: Wire, words: tuple[str, ...], mode: str) -> None:
        asked = wire(session_of(**_import("uploading")), answer(204), imported("processing"), imported("completed"))
        assert cli("tables", "import", "a.csv", *WS, "--table", "tbl_1", *words).exit_code == 0
        assert json.loads(asked[0].content)["target"] == {"type": "existing", "tableId": "tbl_1", "mode": mode}

    def test_one_that_fails_is_1_and_says_why(self, cli, wire: Wire) -> None:
        failed = imported("failed", error="Row 3 is bad")
        wire(session_of(**_import("uploading")), answer(204), imported("processing"), failed)
        result = cli("tables", "import", "a.csv", *WS, "--new", "stock")

        assert (result.exit_code, result.stderr) == (1, "simstudio: error: The import imp-1 failed: Row 3 is bad.\n")

    def test_an_interrupted_wait_says_that_the_import_goes_on(self, cli, wire: Wire) -> None:
        wire(session_of(**_import("uploading")), answer(204), imported("processing"), KeyboardInterrupt())
        result = cli("tables", "import", "a.csv", *WS, "--new", "stock")

        assert result.exit_code == 130
        assert "The import imp-1 goes on on the server" in result.stderr
        assert "simstudio call v2.tables.imports.cancel imp-1 --workspace-id ws" in result.stderr

    def test_a_wait_that_is_too_long_says_the_same(self, cli, wire: Wire) -> None:
        wire(session_of(**_import("uploading")), answer(204), *[imported("processing")] * 50)
        result = cli("tables", "import", "a.csv", *WS, "--new", "stock", "--timeout", "0.05")

        assert result.exit_code == 4
        assert "(last seen 'processing'). The import imp-1 goes on on the server; look at it with: " in result.stderr

    def test_its_progress_is_shown(self, cli, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
        shown: list[str] = []
        monkeypatch.setattr("simstudio.cli.progress.Waiting.update", lambda self, text: shown.append(text))
        wire(session_of(**_import("uploading")), answer(204), imported("processing"), imported("completed"))
        cli("tables", "import", "a.csv", *WS, "--new", "stock")

        assert shown == [
            "a.csv: uploaded 0 B of 4 B", "a.csv: uploaded 4 B of 4 B", "a.csv: completed, 2 rows",
        ]  # fmt: skip

    def test_an_interrupted_upload_imports_nothing(self, cli, wire: Wire) -> None:
        asked = wire(session_of(**_import("uploading")), KeyboardInterrupt(), imported("canceled"))
        result = cli("tables", "import", "a.csv", *WS, "--new", "stock")

        assert (result.exit_code, asked[-1].method) == (130, "DELETE")
        assert result.stderr == "simstudio: Interrupted. Nothing was imported.\n"

    @pytest.mark.parametrize(
        "words", [(), ("--new", "a", "--table", "b"), ("--new", "a", "--replace"), ("--new", "a", "--column", "x")]
    )
    def test_a_target_is_one(self, cli, wire: Wire, words: tuple[str, ...]) -> None:
        asked = wire()
        assert (cli("tables", "import", "a.csv", *WS, *words).exit_code, asked) == (2, [])


class TestExports:
    EXPORT: ClassVar = {
        "id": "exp-1", "tableId": "tbl_1", "format": "csv", "status": "completed", "rowsProcessed": 2, "error": None,
        "createdAt": STAMP, "updatedAt": STAMP, "completedAt": STAMP,
    }  # fmt: skip
    FILE: ClassVar = {"url": "https://storage.test/out?sig=x", "fileName": "stock.csv", "expiresAt": STAMP}

    def test_a_table_becomes_a_file(self, cli, wire: Wire, tmp_path: Path) -> None:
        wire(data({**self.EXPORT, "status": "processing"}), data(self.EXPORT), data(self.FILE), streamed(b"sku\nA1\n"))
        result = cli("tables", "export", "tbl_1", *WS)

        assert result.stderr == ""
        assert json.loads(result.stdout) == {"tableId": "tbl_1", "output": "tbl_1.csv", "rows": 2, "bytes": 7}
        assert (tmp_path / "tbl_1.csv").read_text() == "sku\nA1\n"

    def test_an_interrupted_one_leaves_no_file(self, cli, wire: Wire, tmp_path: Path) -> None:
        wire(
            data({**self.EXPORT, "status": "processing"}),
            data(self.EXPORT),
            data(self.FILE),
            streamed(b"sku", KeyboardInterrupt()),
        )
        result = cli("tables", "export", "tbl_1", *WS, "-o", "stock.csv")

        assert (result.exit_code, list(tmp_path.iterdir())) == (130, [])
        assert "No file was written" in result.stderr


def document(status: str) -> Response:
    return data({
        "id": "doc-1", "knowledgeBaseId": "kb", "filename": "a.md", "processingStatus": status, "chunkCount": 3,
        "tokenCount": 12, "fileSize": 4, "processingError": "No text" if status == "failed" else None,
    })  # fmt: skip


def uploaded(answers: list[Any]) -> list[Any]:
    done = data({"id": "up-1", "status": "completed", "document": {"id": "doc-1"}})
    return [session_of(id="up-1", status="uploading", name="a.md", size=4), answer(204), done, *answers]


ADDED = {"documentId": "doc-1", "filename": "a.md", "fileReference": "wf_1"}


class TestDocuments:
    @pytest.fixture(autouse=True)
    def file(self, wire: Wire, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("# Hi")

    def test_a_file_is_waited_for(self, cli, wire: Wire) -> None:
        asked = wire(*uploaded([document("processing"), document("completed")]))
        result = cli("knowledge", "add", "kb", "a.md", *WS, "--tag", "tag1=Ada")

        assert json.loads(result.stdout)["processingStatus"] == "completed"
        body = json.loads(asked[0].content)
        assert (body["name"], body["tag1"]) == ("a.md", "Ada")

    def test_standard_input_has_a_name(self, cli, wire: Wire) -> None:
        asked = wire(*uploaded([document("pending")]))
        result = cli("knowledge", "add", "kb", "-", *WS, "--name", "b.txt", "--no-wait", stdin="text")

        assert (json.loads(result.stdout)["processingStatus"], asked[1].method) == ("pending", "PUT")
        assert json.loads(asked[0].content)["name"] == "b.txt"
        assert cli("knowledge", "add", "kb", "-", *WS, stdin="text").exit_code == 2

    def test_a_file_of_the_workspace_is_an_id(self, cli, wire: Wire) -> None:
        asked = wire(data({"knowledgeBaseId": "kb", "added": [ADDED], "failed": []}), document("completed"))
        assert cli("knowledge", "add", "kb", "wf_1", "--file-id", *WS).exit_code == 0
        assert json.loads(asked[0].content)["fileReferences"] == ["wf_1"]

    def test_one_that_cannot_be_processed_is_1(self, cli, wire: Wire) -> None:
        wire(*uploaded([document("failed")]))
        result = cli("knowledge", "add", "kb", "a.md", *WS)

        assert (result.exit_code, result.stderr) == (1, "simstudio: error: The document doc-1 failed: No text.\n")

    def test_an_interrupted_wait_names_the_document(self, cli, wire: Wire) -> None:
        wire(*uploaded([document("processing"), KeyboardInterrupt()]))
        result = cli("knowledge", "add", "kb", "a.md", *WS)

        assert result.exit_code == 130
        assert "look at it with: simstudio call v2.knowledge.documents.get kb doc-1 --workspace-id ws" in result.stderr


class TestSearches:
    RESULT: ClassVar = {
        "knowledgeBaseId": "kb", "documentId": "doc-1", "documentName": "a.md", "content": "The quick\nfox " * 30,
        "chunkIndex": 0, "metadata": {}, "similarity": 0.87654,
    }  # fmt: skip
    FOUND: ClassVar = {
        "results": [RESULT], "query": "fox", "knowledgeBaseIds": ["kb"], "topK": 10, "totalResults": 1,
        "rerankerStatus": "not_requested",
    }  # fmt: skip

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_passages_are_json_lines_on_a_pipe(self, cli, wire: Wire, version: str) -> None:
        asked = wire(data(self.FOUND), version=version)
        result = cli("knowledge", "search", "kb", "fox", *WS, "--base", "kb2", "--tag", "Author=Ada")

        assert json.loads(result.stdout) == self.RESULT
        body = json.loads(asked[0].content)
        assert (body["knowledgeBaseIds"], body["topK"]) == (["kb", "kb2"], 10)
        assert body["tagFilters"] == [{"tagName": "Author", "value": "Ada"}]

    @pytest.mark.usefixtures("terminal")
    def test_and_a_table_on_a_terminal(self, cli, wire: Wire) -> None:
        wire(data(self.FOUND))
        shown = cli("knowledge", "search", "kb", "fox", *WS, "--hybrid").stdout

        assert "0.877" in shown
        assert "The quick fox The" in " ".join(shown.split())


@pytest.mark.parametrize(
    "words",
    [
        ("tables", "import", "a.csv", "--new", "stock"),
        ("tables", "export", "tbl_1"),
        ("knowledge", "add", "kb", "a.csv"),
        ("knowledge", "search", "kb", "fox", "--hybrid"),
    ],
)
def test_what_needs_v2_says_so_before_it_sends_anything(cli, wire: Wire, tmp_path: Path, words) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    asked = wire(version="v1")
    result = cli(*words, *WS)

    assert (result.exit_code, asked) == (2, [])
    assert "Give --api-version v2" in result.stderr


def test_an_error_of_the_server_is_1(cli, wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    wire(error(409, "A table named stock exists"))

    result = cli("tables", "import", "a.csv", *WS, "--new", "stock")
    assert (result.exit_code, "A table named stock exists" in result.stderr) == (1, True)
