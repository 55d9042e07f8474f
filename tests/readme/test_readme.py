"""Every code block of the README does what the README says.

``python`` blocks run in order, in one namespace for each ``##`` section, those with tests by pytest; ``bash`` blocks by
``bash -e``. A ``text`` block directly after one is what it prints, with ``…`` for any part of a line.
``<!-- not executed: reason -->`` directly before a block is the only way out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simstudio.sandbox import Sandbox
from tests.readme.blocks import PARSERS, Block, blocks_of, first_bash, parse, sections_of, unaccounted
from tests.readme.running import Section, environment

if TYPE_CHECKING:
    from collections.abc import Callable

README = Path(__file__).parents[2] / "README.md"
BLOCKS = blocks_of(README)
SECTIONS = sections_of(BLOCKS)


def describe(input: dict[str, Any]) -> dict[str, Any]:
    return {"title": input["title"], "names": [file["name"] for file in input["files"]]}


WORKFLOWS: dict[str, Callable[..., Any]] = {"describe": describe}
"""The workflows that the README uses without registering them itself, besides those every sandbox has."""

FILES: dict[str, bytes] = {}
"""The files that the README uses without writing them itself."""

NOT_EXECUTED: dict[str, str] = {}
"""The blocks that are not executed: their first line, and the reason that the README gives."""


@pytest.mark.parametrize(
    "section", [pytest.param(blocks, id=name or "introduction") for name, blocks in SECTIONS.items()]
)
def test_the_blocks_of_a_section_do_what_they_say(section: list[Block], tmp_path: Path):
    sandbox = Sandbox()
    for name, function in WORKFLOWS.items():
        sandbox.workflow(name)(function)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)

    with sandbox.serve() as server:
        env = environment(SIM_API_KEY=sandbox.api_key, SIM_BASE_URL=server.base_url)
        with Section(tmp_path, env) as running:
            for block in section:
                running.run(block)


def test_toml_and_json_blocks_can_be_parsed():
    for block in BLOCKS:
        if block.kind in PARSERS:
            parse(block)


def test_every_block_is_executed_or_parsed_or_says_why_not():
    assert unaccounted(BLOCKS) == [], "use python, bash, toml, json; or say <!-- not executed: reason -->"


def test_the_blocks_left_out_are_these():
    assert {block.first_line: block.reason for block in BLOCKS if block.kind == "left out"} == NOT_EXECUTED


def test_the_first_bash_block_is_two_commands_that_each_make_their_own_environment():
    first = first_bash(BLOCKS)

    assert first is not None
    assert first is BLOCKS[0], "it is the first thing to be tried"
    assert first.reason is None
    assert len(first.code.splitlines()) == 2
    assert all(line.startswith("python3 -m venv .venv") for line in first.code.splitlines())


def test_the_tables_name_nothing_that_the_readme_does_not_use():
    code = "\n".join(block.code for blocks in SECTIONS.values() for block in blocks)

    assert [name for name in (*WORKFLOWS, *FILES) if name not in code] == []


def test_every_link_into_the_repository_leads_somewhere():
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", README.read_text(encoding="utf-8"))

    assert [target for target in targets if not (README.parent / target).exists()] == []
