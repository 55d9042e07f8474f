"""Names of files for workflows."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simstudio.core.disk import safe_name
from simstudio.workflow_files.paths import workflow_paths
from tests.properties import examples

NAMES = st.text(st.characters(), min_size=1, max_size=80)


@given(st.lists(NAMES, min_size=1, max_size=4))
@example(
    ["..", ".", "a/b", "a\\b", "con", "NUL.txt", "x" * 255, "é", "e\u0301", "A", "a", "a.", " a", "~a", "\u202egnp"]
)
@settings(max_examples=examples(100))
def test_every_name_is_that_of_a_file_in_the_folder_on_every_system(names: list[str]) -> None:
    paths = workflow_paths((f"w{index}", "/", name) for index, name in enumerate(names))

    assert len({path.casefold() for path in paths.values()}) == len(names)
    for path in paths.values():
        assert PurePosixPath(path).parts[:-1] == ("workflows",)
        assert len(PureWindowsPath(path).parts) == 2
        name = PurePosixPath(path).name
        assert safe_name(name) == name
        assert len(name.encode()) <= 160
        assert not set(name) & set('<>:"|?*\\\0')


@pytest.mark.parametrize("folder", ["/..", "/%2E%2E/a", "/a%2Fb", "/con", "/a/%00", "/%FF"])
def test_a_folder_leads_nowhere_else(folder: str) -> None:
    (path,) = workflow_paths([("w", folder, "x")]).values()

    assert len(PurePosixPath(path).parts) == folder.count("/") + 2
    assert not {"..", "."} & set(path.split("/"))


def test_a_folder_is_never_called_like_a_file() -> None:
    paths = workflow_paths([("w1", "/", "a"), ("w2", "/a.json", "b")])

    assert paths == {"w1": "workflows/a.json", "w2": "workflows/a%2Ejson/b.json"}


def test_names_depend_on_no_order() -> None:
    workflows = [("w1", "/", "Greet"), ("w2", "/", "greet"), ("w3", "/", "other")]

    assert workflow_paths(workflows) == workflow_paths(workflows[::-1])
    assert workflow_paths(workflows)["w3"] == "workflows/other.json"
