"""Every code block of the README does what the README says.

``python`` blocks run in order, in one namespace for each ``##`` section, those with tests by pytest; ``bash`` blocks by
``bash -e``. A ``text`` block directly after one is what it prints, with ``…`` for any part of a line.
``<!-- not executed: reason -->`` directly before a block is the only way out.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simstudio.sandbox import Sandbox
from tests.readme.blocks import PARSERS, Block, blocks_of, first_bash, parse, sections_of, unaccounted
from tests.readme.running import Section, environment

README = Path(__file__).parents[2] / "README.md"
BLOCKS = blocks_of(README)
SECTIONS = sections_of(BLOCKS)


NOT_EXECUTED = {
    ".venv/bin/simstudio sandbox": "it serves until Ctrl-C",
    ". .venv/bin/activate": "tests of this page serve a sandbox on another port",
}
"""The blocks that are not executed: their first line, and the reason that the README gives."""


@pytest.mark.parametrize(
    "section", [pytest.param(blocks, id=name or "introduction") for name, blocks in SECTIONS.items()]
)
def test_the_blocks_of_a_section_do_what_they_say(section: list[Block], tmp_path: Path):
    with Sandbox().serve() as server, Section(tmp_path, environment(**server.environ)) as running:
        for block in section:
            running.run(block)


def test_before_the_first_example_it_says_how_to_serve_a_sandbox_and_what_to_set():
    first = next(index for index, block in enumerate(BLOCKS) if block.kind == "python")
    serve, activate_and_export = (block.code for block in BLOCKS[first - 2 : first])
    with Sandbox().serve() as server:
        printed = {**server.environ, "SIM_BASE_URL": "http://127.0.0.1:8000"}

    assert serve.strip() == ".venv/bin/simstudio sandbox"
    assert activate_and_export.splitlines()[1].split()[1:] == [f"{name}={value}" for name, value in printed.items()]


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


def test_every_link_into_the_repository_leads_somewhere():
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", README.read_text(encoding="utf-8"))

    assert [target for target in targets if not (README.parent / target).exists()] == []
