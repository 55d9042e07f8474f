"""Downloads, archives and folders of the local Sim: what is on the disk after a fault, and names of every kind."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simstudio import APIConnectionError, AsyncSimStudioClient, InvalidInputError, NotFoundError, SimStudioClient
from simstudio.sandbox import Sandbox
from simstudio.transport.flow import Flow
from simstudio.transport.message import Request, Response
from tests.modes import both_modes

CONTENT = bytes(range(256)) * 800
PASSING: dict[str, dict[str, Any]] = {
    "refused": {"status": 503},
    "lost": {"drop": "request"},
    "no body": {"drop": "head"},
    "half": {"after_bytes": 100_000},
    "reset": {"drop": "response", "reset": True},
}


class Stage:
    def __init__(self, sandbox: Sandbox, base_url: str) -> None:
        self.sandbox = sandbox
        self.base_url = base_url
        self.workspace_id = sandbox.workspace_id
        files = sandbox._core.data.files
        files.folders.create("/Sales", 0)
        self.file_id = files.add("Grüße.bin", "application/octet-stream", CONTENT, "/Sales").id
        self.files = files

    def get(self, client: Any, kind: str, to: Path | None) -> Any:
        """A download of one file, or of a folder as an archive."""
        if kind == "file":
            return client.v2.files.download(self.file_id, workspace_id=self.workspace_id, to=to)
        return client.v2.files.bulk_download(self.workspace_id, folder_paths=[["Sales"]], to=to)

    def check(self, kind: str, content: bytes) -> None:
        if kind == "archive":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert archive.namelist() == ["Sales/Grüße.bin"]
                content = archive.read("Sales/Grüße.bin")
        assert content == CONTENT


@pytest.fixture(scope="module")
def served() -> Iterator[Stage]:
    sandbox = Sandbox(generation="v0.8")
    with sandbox.serve() as server:
        yield Stage(sandbox, server.base_url)


@pytest.fixture
def stage(served: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    served.sandbox.faults.clear()
    monkeypatch.setattr("simstudio.transport.flow.time.sleep", lambda _: None)  # between the attempts
    return served


@pytest.fixture
def client(stage: Stage) -> Iterator[SimStudioClient]:
    with SimStudioClient(stage.sandbox.api_key, stage.base_url) as client:
        yield client


KIND = pytest.mark.parametrize("kind", ["file", "archive"])


@KIND
@pytest.mark.parametrize("fault", PASSING)
def test_a_download_that_breaks_begins_again(
    kind: str, fault: str, stage: Stage, client: SimStudioClient, tmp_path: Path
) -> None:
    stage.sandbox.faults.add(**PASSING[fault])
    saved = stage.get(client, kind, tmp_path)
    stage.check(kind, saved.path.read_bytes())
    assert [path.name for path in tmp_path.iterdir()] == ["Grüße.bin" if kind == "file" else "workspace-files.zip"]


@KIND
@pytest.mark.parametrize("fault", ["lost", "half"])
def test_a_download_that_fails_leaves_nothing(
    kind: str, fault: str, stage: Stage, client: SimStudioClient, tmp_path: Path
) -> None:
    stage.sandbox.faults.add(times=None, **PASSING[fault])
    with pytest.raises(APIConnectionError):
        stage.get(client, kind, tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept(stage: Stage, client: SimStudioClient, tmp_path: Path) -> None:
    (tmp_path / "Grüße.bin").write_bytes(b"mine")
    for to in (tmp_path, tmp_path / "Grüße.bin"):
        with pytest.raises(InvalidInputError, match="is there already"):
            stage.get(client, "file", to)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("Grüße.bin", b"mine")]


async def test_a_download_that_is_cancelled_leaves_nothing(stage: Stage, tmp_path: Path) -> None:
    def cancel(request: Request, call_next: Callable[[Request], Flow[Response]]) -> Flow[Response]:
        response = yield from call_next(request)
        task.cancel()
        return response

    async with AsyncSimStudioClient(stage.sandbox.api_key, stage.base_url, middleware=[cancel]) as client:
        task = asyncio.ensure_future(stage.get(client, "file", tmp_path))
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not any(os.scandir(tmp_path))


@both_modes
async def test_both_clients_keep_a_download_in_memory(mode: str, stage: Stage) -> None:
    if mode == "sync":
        with SimStudioClient(stage.sandbox.api_key, stage.base_url) as client:
            found = stage.get(client, "file", None)
    else:
        async with AsyncSimStudioClient(stage.sandbox.api_key, stage.base_url) as other:
            found = await stage.get(other, "file", None)
    assert (found.name, found.content) == ("Grüße.bin", CONTENT)


NAMES = ["New leads 50/50", "Übersicht 世界 🎈", "100%20?#&=+,"]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name(name: str, stage: Stage, client: SimStudioClient) -> None:
    files, workspace_id = client.v2.files, stage.workspace_id
    folder = files.folders.create(workspace_id, path=[name])
    assert folder.name == name
    made = files.upload(("a.txt", b"a"), workspace_id=workspace_id, folder_path=[name])
    assert made.folder_path == folder.path
    assert [file.id for file in files.list(workspace_id, folder_path=[name])] == [made.id]
    assert [file.id for file in files.list(workspace_id, folder_path=folder.path)] == [made.id]
    archive = files.bulk_download(workspace_id, folder_paths=[[name]]).content
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == [f"{name}/a.txt"]
    moved = files.folders.relocate(workspace_id, path=[name], destination_path=["Sales", name])
    assert files.get(made.id, workspace_id=workspace_id).folder_path == moved.path
    assert files.folders.delete(workspace_id, path=["Sales", name], recursive=True).deleted_items.files == 1
    assert files.folders.restore(workspace_id, path=["Sales", name]).folder.name == name
    files.folders.delete(workspace_id, path=["Sales", name], recursive=True)


def test_an_archive_is_unpacked_again_only_if_the_caller_asks(stage: Stage, client: SimStudioClient) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("in/a.txt", "__MACOSX/x", "../escape.txt"):
            archive.writestr(name, b"a")
    file = client.v2.files.upload(("pack.zip", content.getvalue()), workspace_id=stage.workspace_id)
    stage.sandbox.faults.add(path="*/unzip", drop="response")
    with pytest.raises(APIConnectionError, match="may have been carried out"):
        client.v2.files.unzip(file.id, workspace_id=stage.workspace_id)
    assert [each.folder for each in stage.files.inside("/pack")] == ["/pack/in"]
    again = client.v2.files.unzip(file.id, workspace_id=stage.workspace_id)
    assert (again.folder_path, again.extracted_file_count, again.skipped_file_count) == ("/pack%20%281%29", 1, 2)


def test_versions_of_a_file(stage: Stage, client: SimStudioClient) -> None:
    files, where = client.v2.files, {"workspace_id": stage.workspace_id}
    file = files.create(stage.workspace_id, name="notes.md", content="one\n")
    changed = files.replace_content(file.id, content="two\n", **where)
    files.edit_content(
        file.id, edit={"mode": "search_replace", "search": "two", "content": "three"}, **where,
        expected_revision=changed.revision or "",
    )  # fmt: skip
    assert [each.version for each in files.versions.list(file.id, **where)] == [3, 2, 1]
    assert files.versions.download(file.id, 1, **where).content == b"one\n"
    assert files.versions.revert(file.id, 1, **where).version.restored_from_version == 1
    assert files.read_text(file.id, **where).text == "one\n"
    assert files.versions.delete(file.id, 2, **where).deleted
    with pytest.raises(NotFoundError):
        files.versions.get(file.id, 2, **where)
    assert [each.file_id for each in files.search(stage.workspace_id, query="^one$").results] == [file.id]
