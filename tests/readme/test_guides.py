"""Every block of the guides, ``examples/*.md``, does what the guide says.

``python`` blocks run in order, in one namespace for each ``##`` section, those with tests by pytest; ``bash`` blocks by
``bash -e``. Pages follow the rules of the README for ``text`` blocks and blocks that are not executed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simstudio.sandbox import Sandbox
from tests.readme.blocks import PARSERS, Block, blocks_of, parse, sections_of, unaccounted
from tests.readme.running import Section, environment

ROOT = Path(__file__).parents[2]
GUIDES = {path: blocks_of(path) for path in sorted((ROOT / "examples").glob("*.md"))}
PAGES = [ROOT / "README.md", *GUIDES]

NOT_EXECUTED: dict[str, str] = {}
"""The blocks that are not executed: their first line, and the reason that the guide gives."""


@pytest.mark.parametrize(
    "section",
    [
        pytest.param(blocks, id=f"{path.stem}-{name}")
        for path, all_blocks in GUIDES.items()
        for name, blocks in sections_of(all_blocks).items()
    ],
)
def test_the_blocks_of_a_section_do_what_they_say(section: list[Block], tmp_path: Path):
    with Sandbox().serve() as server, Section(tmp_path, environment(**server.environ)) as running:
        for block in section:
            running.run(block)


def test_toml_and_json_blocks_can_be_parsed():
    for blocks in GUIDES.values():
        for block in blocks:
            if block.kind in PARSERS:
                parse(block)


def test_every_block_is_executed_or_parsed_or_says_why_not():
    problems = [block.place for blocks in GUIDES.values() for block in unaccounted(blocks)]

    assert problems == [], "use python, bash, toml, json; or say <!-- not executed: reason -->"


def test_the_blocks_left_out_are_these():
    left_out = [block for blocks in GUIDES.values() for block in blocks if block.kind == "left out"]

    assert {block.first_line: block.reason for block in left_out} == NOT_EXECUTED


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_every_link_into_the_repository_leads_somewhere(page: Path):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_names_every_guide():
    readme = PAGES[0].read_text(encoding="utf-8")

    assert [path.name for path in GUIDES if f"(examples/{path.name})" not in readme] == []


def test_every_picture_is_shown():
    pictures = {path.name for path in (ROOT / "examples" / "pictures").iterdir()}
    shown = {name for page in PAGES for name in re.findall(r"pictures/([^)]+)\)", page.read_text(encoding="utf-8"))}

    assert shown == pictures


def test_no_hint_installs_the_package_of_the_same_name_from_an_index():
    """That one is Sim's own."""
    hint = re.compile(r"pip install [^\n]*simstudio-sdk(?!\[cli\] @)")
    files = [*(ROOT / "simstudio").rglob("*.py"), *PAGES, *(ROOT / "examples").glob("*.py")]

    assert [path.name for path in files if hint.search(path.read_text(encoding="utf-8"))] == []


def test_the_files_that_the_guide_for_contributors_names_exist() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z][\w/.-]*/[\w.-]*)`", text))
    names = [name for name in named if not re.search(r"NAME|NNN|vX", name)]

    assert len(names) > 20
    assert [
        name for name in names if not any((ROOT / base / name).exists() for base in ("", "simstudio", "tests"))
    ] == []
