"""Folder paths, and a tree of folders."""

from __future__ import annotations

import pytest

from simstudio.sandbox.definitions.folders import Folders, normalise_path
from simstudio.sandbox.http import Refusal


@pytest.mark.parametrize(
    ("given", "stored"),
    [("/", "/"), ("", "/"), ("a/b", "/a/b"), ("/Q3%20plans", "/Q3%20plans"), ("/a-_.~9", "/a-_.~9")],
)
def test_a_path_is_stored_with_its_slash(given: str, stored: str) -> None:
    assert normalise_path(given) == stored


@pytest.mark.parametrize(
    "path",
    ["/a/", "//a", "/a//b", "/./a", "/a/..", "/a b", "/%2f", "/ü", "/a?b", "/" + "a/" * 64 + "a", "/" + "a" * 4097],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(Refusal) as caught:
        normalise_path(path)
    assert caught.value.status == 400


@pytest.fixture
def folders() -> Folders:
    made = Folders()
    for path in ("/a", "/a/b", "/a/b/c", "/ab"):
        made.create(path, 1.0)
    return made


def paths(folders: Folders) -> list[str]:
    return sorted(folder.path for folder in folders)


def test_a_folder_has_the_name_its_path_encodes(folders: Folders) -> None:
    folder = folders.create("/a/%C3%BCber%20alles", 2.0)
    assert (folder.name, folder.parent) == ("über alles", "/a")


@pytest.mark.parametrize(("path", "status"), [("/a", 409), ("/", 409), ("/x/y", 404)])
def test_a_folder_needs_a_free_place(path: str, status: int, folders: Folders) -> None:
    with pytest.raises(Refusal) as caught:
        folders.create(path, 1.0)
    assert caught.value.status == status


def test_what_is_below_moves_along_and_nothing_else(folders: Folders) -> None:
    folder, moved = folders.relocate("/a/b", "/ab/x", 2.0)
    assert folder.path == "/ab/x"
    assert moved == {"/a/b": "/ab/x", "/a/b/c": "/ab/x/c"}
    assert paths(folders) == ["/a", "/ab", "/ab/x", "/ab/x/c"]


@pytest.mark.parametrize(
    ("path", "destination", "status"),
    [("/a", "/a/b/c/d", 400), ("/a", "/ab", 409), ("/", "/x", 400), ("/x", "/y", 404)],
)
def test_a_folder_cannot_go_everywhere(path: str, destination: str, status: int, folders: Folders) -> None:
    with pytest.raises(Refusal) as caught:
        folders.relocate(path, destination, 2.0)
    assert caught.value.status == status


def test_only_an_empty_folder_goes_unless_all_of_it_may(folders: Folders) -> None:
    with pytest.raises(Refusal, match="not empty"):
        folders.delete("/a", occupied=False, recursive=False)
    with pytest.raises(Refusal, match="not empty"):
        folders.delete("/a/b/c", occupied=True, recursive=False)
    assert folders.delete("/a", occupied=True, recursive=True) == ["/a", "/a/b", "/a/b/c"]
    assert paths(folders) == ["/ab"]


def test_a_deleted_folder_comes_back_with_what_was_in_it(folders: Folders) -> None:
    folders.delete("/a", occupied=False, recursive=True)
    assert sorted(folder.path for folder in folders.archived) == ["/a", "/a/b", "/a/b/c"]
    folder, restored = folders.restore("/a", 2.0)
    assert (folder.path, folder.created, folder.updated) == ("/a", 1.0, 2.0)
    assert restored == {"/a": "/a", "/a/b": "/a/b", "/a/b/c": "/a/b/c"}
    assert paths(folders) == ["/a", "/a/b", "/a/b/c", "/ab"]
    assert folders.archived == []


def test_a_restored_folder_gets_a_number_if_its_name_is_taken(folders: Folders) -> None:
    folders.delete("/a", occupied=False, recursive=True)
    folders.create("/a", 1.5)
    folder, restored = folders.restore("/a", 2.0)
    assert (folder.path, folder.name, restored["/a/b/c"]) == ("/a%20%281%29", "a (1)", "/a%20%281%29/b/c")


def test_a_restored_folder_is_put_into_the_root_if_its_place_is_gone(folders: Folders) -> None:
    folders.delete("/a/b", occupied=False, recursive=True)
    folders.delete("/a", occupied=False, recursive=True)
    assert folders.restore("/a/b", 2.0)[1] == {"/a/b": "/b", "/a/b/c": "/b/c"}


@pytest.mark.parametrize("path", ["/a", "/never"])
def test_only_a_deleted_folder_can_be_restored(path: str, folders: Folders) -> None:
    with pytest.raises(Refusal) as caught:
        folders.restore(path, 2.0)
    assert (caught.value.status, caught.value.message) == (404, "Folder not found")
