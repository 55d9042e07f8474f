"""What transport, core, the engine of batches and traces must not know: Sim's environment, headers, addresses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import simstudio

PACKAGE = Path(simstudio.__file__).parent
SIMS = re.compile(r"SIM_|x-api-key|x-run-id|x-execution|x-stream|sim\.ai|v2_api|/api/v\d", re.IGNORECASE)


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
