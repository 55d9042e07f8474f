"""The fenced blocks of a Markdown file, with what the text around them says about how to run them."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

try:
    import tomllib
except ImportError:  # CPython 3.10; pytest brings the other there
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FENCE = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,}) *(?P<language>[^\s`]*)[^`]*")
_LEFT_OUT = re.compile(r"<!-- *not executed(?P<colon>:?)(?P<reason>.*?)-->")
_EXECUTED = ("python", "bash")
PARSERS: dict[str, Callable[[str], Any]] = {"json": json.loads, "toml": tomllib.loads}


class ReadmeError(AssertionError):
    """A block cannot be understood."""


@frozen
class Block:
    """One fenced block.

    Attributes:
        file: The Markdown file.
        line: The number of its first line of code.
        language: The first word after the opening fence.
        code: What is between the fences.
        section: The ``##`` heading it stands under, empty before the first.
        reason: Why it is not executed, None when it is.
        expected: The ``text`` block that directly follows, None when none does.
    """

    file: Path = field(repr=False)
    line: int
    language: str
    code: str = field(repr=False)
    section: str
    reason: str | None = None
    expected: Block | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Where it is, for people and for test ids."""
        return f"{self.file.name}:{self.line}"

    @property
    def first_line(self) -> str:
        """Its first line of code: the name by which lists of blocks know it."""
        return self.code.partition("\n")[0]

    @property
    def kind(self) -> str:
        """How it is treated: ``left out``, ``python``, ``pytest``, ``bash``, ``toml``, ``json``, or ``unknown``."""
        if self.reason is not None:
            return "left out"
        if self.language == "python":
            return "pytest" if re.search(r"^\s*(async )?def test_", self.code, re.MULTILINE) else "python"
        return self.language if self.language in (*_EXECUTED, *PARSERS) else "unknown"

    @property
    def leaves_main_to_us(self) -> bool:
        """Whether it defines ``async def main()`` and does not run it itself."""
        try:
            tree = ast.parse(self.code)
        except SyntaxError:  # running it tells more
            return False
        defines = any(isinstance(each, ast.AsyncFunctionDef) and each.name == "main" for each in tree.body)
        runs = any(
            isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "main"
            for statement in tree.body
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            for each in ast.walk(statement)
        )
        return defines and not runs


def blocks_of(file: Path) -> list[Block]:
    """All blocks of a file in order; a ``text`` block that says what another prints is a part of that one.

    Raises:
        ReadmeError: A fence is never closed; ``not executed`` has no reason, or no block directly after it.
    """
    found: list[Block] = []
    section = ""
    reason: str | None = None
    followed: Block | None = None  # the block that a text block here would directly follow
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    for number, line in lines:
        fence = _FENCE.fullmatch(line)
        if fence:
            code = _code(lines, fence, f"{file.name}:{number}")
            block = Block(file, number + 1, fence["language"], code, section, reason)
            if block.language == "text" and reason is None and followed is not None:
                found[-1] = _expecting(followed, block)
                followed = None
            else:
                followed = block if block.kind in ("python", "pytest", "bash") else None
                found.append(block)
            reason = None
        elif line.strip():
            if reason is not None:
                raise ReadmeError(f"{file.name}:{number}: `not executed` must stand directly before a block")
            reason = _reason(line, f"{file.name}:{number}")
            followed = None
            if line.startswith("## "):
                section = line[3:].strip()
    if reason is not None:
        raise ReadmeError(f"{file.name}: `not executed` must stand directly before a block")
    return found


def sections_of(blocks: list[Block]) -> dict[str, list[Block]]:
    """The blocks that are to be run, by section, in order."""
    sections: dict[str, list[Block]] = {}
    for block in blocks:
        if block.kind in ("python", "pytest", "bash"):
            sections.setdefault(block.section, []).append(block)
    return sections


def unaccounted(blocks: list[Block]) -> list[Block]:
    """The blocks that nothing is done with, and that do not say why."""
    return [block for block in blocks if block.kind == "unknown"]


def parse(block: Block) -> Any:
    """What a ``toml`` or ``json`` block holds.

    Raises:
        ReadmeError: It cannot be parsed.
    """
    try:
        return PARSERS[block.kind](block.code)
    except ValueError as error:
        raise ReadmeError(f"{block.place} is no {block.kind}: {error}") from error


def _code(lines: enumerate[str], opening: re.Match[str], place: str) -> str:
    marks, indent = opening["marks"], len(opening["indent"])
    code: list[str] = []
    for _, line in lines:
        stripped = line.strip()
        if stripped.startswith(marks) and not stripped.strip(marks[0]):
            return "".join(f"{each}\n" for each in code)
        code.append(line[indent:] if not line[:indent].strip() else line)
    raise ReadmeError(f"{place}: this block is never closed")


def _reason(line: str, place: str) -> str | None:
    comment = _LEFT_OUT.fullmatch(line.strip())
    if comment is None:
        return None
    if not comment["colon"] or not comment["reason"].strip():
        raise ReadmeError(f"{place}: `not executed` without a reason: write <!-- not executed: reason -->")
    return comment["reason"].strip()


def _expecting(block: Block, text: Block) -> Block:
    return Block(block.file, block.line, block.language, block.code, block.section, block.reason, text)
