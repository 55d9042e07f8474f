"""Names in the code: functions are verbs, and a lower room names nothing of Sim (environment, headers, addresses)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import simstudio

PACKAGE = Path(simstudio.__file__).parent
SIMS = re.compile(r"SIM_|x-api-key|x-run-id|x-execution|x-stream|sim\.ai|v2_api|/api/v\d", re.IGNORECASE)

IRREGULAR = (
    "begun|bound|broken|brought|built|caught|chosen|done|drawn|found|given|gone|held|hidden|kept|known|left|lost|made|"
    "meant|met|paid|placed|said|seen|sent|shown|spent|stood|taken|told|understood|worn|woven|written"
)
PARTICLE = r"(?:_(?:by|to|of|in|out|from|with|up))?"
PARTICIPLE = re.compile(rf"_*(?:[a-z]{{3,}}(?<!ee)ed|{IRREGULAR}){PARTICLE}")
CLAUSE = re.compile(r"_*(?:how|what|why|where|when|which|whether|that|those)(?:_\w*)?")
READ_AS_ADJECTIVES = {"property", "cached_property", "contextmanager", "listing", "namespace", "abstractmethod"}
ALLOWED = {
    "_embed": "a verb that ends so",
    "connected": "a decorator",
    "_connected_to": "a decorator",
    "paged": "a decorator",
    "paused": "the name of a public operation",
    "_restored": "pickles of 1.0 name it",
}


def test_the_name_of_a_function_is_a_verb_and_no_bare_participle_or_clause() -> None:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            assert not CLAUSE.fullmatch(node.name), f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.name}"
            if not PARTICIPLE.fullmatch(node.name):
                continue
            decorators = {ast.unparse(each).partition("(")[0].rpartition(".")[2] for each in node.decorator_list}
            returned = ast.unparse(node.returns) if node.returns is not None else ""
            if not decorators & READ_AS_ADJECTIVES and not re.match("bool$|TypeGuard", returned):
                found[node.name] = f"{path.relative_to(PACKAGE)}:{node.lineno}"
    assert {name: place for name, place in found.items() if name not in ALLOWED} == {}
    assert ALLOWED.keys() == found.keys()


@pytest.mark.parametrize("room", ["transport", "core", "batch", "traces"])
def test_the_code_of_a_lower_room_names_nothing_of_sim(room: str) -> None:
    found = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            f"{path.name}:{node.lineno}: {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documented
            and SIMS.search(node.value)
        ]
    assert found == []
