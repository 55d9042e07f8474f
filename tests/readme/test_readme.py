"""Every block of the README does what the README says, when all are pasted in order into one fresh shell.

Python blocks run in an interpreter of their own, so that each can be read alone. A ``text`` block directly after one is
what it prints, with ``…`` for any part of a line. ``<!-- not executed: reason -->`` directly before a block is the only
way out. The guides in ``examples/`` are tested by ``test_guides.py``.
"""

from __future__ import annotations

from pathlib import Path

from tests.readme.blocks import blocks_of, unaccounted
from tests.readme.running import environment
from tests.readme.shell import paste_all

README = Path(__file__).parents[2] / "README.md"
BLOCKS = blocks_of(README)
LONGEST = 220


def test_its_blocks_pasted_in_order_do_what_they_say(tmp_path: Path):
    paste_all([block for block in BLOCKS[1:] if block.kind in ("python", "pytest", "bash")], tmp_path, environment())


def test_every_block_is_executed():
    assert unaccounted(BLOCKS) == []
    assert [block.place for block in BLOCKS if block.kind == "left out"] == []


def test_the_first_block_is_two_commands_that_each_make_their_own_environment():
    first = BLOCKS[0]

    assert (first.language, first.expected) == ("bash", None)
    assert len(first.code.splitlines()) == 2
    assert all(line.startswith("python3 -m venv .venv") for line in first.code.splitlines())


def test_it_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST
