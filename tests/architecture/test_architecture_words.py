"""Docstrings begin with the noun or the verb that a reader looks for, and not with a clause that has to be decoded.

The cause of an exception is named, not referred to by a pronoun.
"""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import simstudio

PACKAGE = Path(simstudio.__file__).parent
CLAUSE = re.compile(
    r"(What|Whatever|Where|Whose|Which|How|Why|When|Of|That|Those|Something|Somebody|Nothing|The one)\b(?! \|)"
)
LINE = re.compile(r"^ +\w+: (.*)$", re.MULTILINE)
PRONOUN = re.compile(r"^ +\w+(?:Error|Exception): (?:It|They|This|One(?! of))\b.*$", re.MULTILINE)


def test_summaries_and_lines_of_arguments_begin_with_their_noun_or_verb() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            text = ast.get_docstring(node) or ""
            found += PRONOUN.findall(text)
            found += [
                f"{path.relative_to(PACKAGE)}: {each}" for each in (text, *LINE.findall(text)) if CLAUSE.match(each)
            ]
    assert [each.splitlines()[0] for each in found] == []


def test_the_text_below_a_constant_begins_with_its_noun() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            body = getattr(node, "body", None)
            for before, after in itertools.pairwise(body if isinstance(body, list) else ()):
                text = after.value if isinstance(after, ast.Expr) else None
                if isinstance(before, (ast.Assign, ast.AnnAssign)) and isinstance(text, ast.Constant):
                    found += [f"{path.name}:{after.lineno}: {text.value}"] * bool(CLAUSE.match(str(text.value)))
    assert found == []
