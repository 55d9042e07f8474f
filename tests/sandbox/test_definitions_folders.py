"""Folder paths, and a tree of folders."""

from __future__ import annotations

import pytest

from simstudio.sandbox.definitions.folders import Folders, normal
from simstudio.sandbox.http import Refusal


@pytest.mark.parametrize(
    ("given", "stored"),
    [("/", "/"), ("", "/"), ("a/b", "/a/b"), ("/Q3%20plans", "/Q3%20plans"), ("/a-_.~9", "/a-_.~9")],
)
def test_a_path_is_stored_with_its_slash(given: str, stored: str) -> None:
    assert normal(given) == stored


@pytest.mark.parametrize(
    "path",
    ["/a/", "//a", "/a//b", "/./a", "/a/..", "/a b", "/%2f", "/ü", "/a?b", "/" + "a/" * 64 + "a", "/" + "a" * 4097],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(Refusal) as caught:
        normal(path)
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
