"""Generated modules: what is in them, and that nothing a server sends becomes code."""

from __future__ import annotations

import ast
import inspect
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import InvalidInputError, WorkflowDescription, WorkflowInput
from simstudio.codegen.module import generate
from simstudio.codegen.names import assign_names, function_name
from tests.driving import Both, answer
from tests.modes import both_modes

HOSTILE = 'a"""); import os; os.system("x")\n\'\\ \u202e \ud800 \t\x00{} #'
GREET = WorkflowDescription(
    "greet",
    "Greet people",
    'Greets "you".\n\nPolitely.',
    inputs=[
        WorkflowInput("name", "string", "Whom\nto greet.", required=True),
        WorkflowInput("times", "number", default=1),
        WorkflowInput("docs", "file[]"),
        WorkflowInput("more", "object"),
    ],
)
NONE = WorkflowDescription("none", "None taken")
DESCRIPTIONS = [
    GREET,
    NONE,
    WorkflowDescription("g2", "Greet people", 'He said "hi"', inputs=[WorkflowInput("client"), WorkflowInput("self")]),
    WorkflowDescription(
        "c",
        "class",
        'x"""\n\\',
        inputs=[WorkflowInput("class", "string", required=True), WorkflowInput("a b"), WorkflowInput("ﬁ", "array")],
    ),
    WorkflowDescription("str", "str", inputs=[WorkflowInput("str", "string"), WorkflowInput("x", "boolean")]),
    WorkflowDescription("i", "import", inputs=[WorkflowInput("Any", "array"), WorkflowInput("__x", "files")]),
    WorkflowDescription("w", "workflow", inputs=[WorkflowInput("y" * 200, "unheard of")]),
    WorkflowDescription("w2", "…", inputs=[WorkflowInput(HOSTILE, HOSTILE, HOSTILE, HOSTILE, required=True)]),
    WorkflowDescription(HOSTILE, HOSTILE, HOSTILE),
    WorkflowDescription("z", "概要", inputs=[WorkflowInput("q", "string", default=float("nan"))]),
    WorkflowDescription("z2", "概要"),
    WorkflowDescription("u", "2 für 1 ß İŉΐ"),
    WorkflowDescription("n", "greet_people_2"),
]


def module(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "sim_workflows.py", "exec"), names)
    return names


@both_modes
async def test_a_function_executes_its_workflow_and_checks_first(both: Both) -> None:
    greet = module(generate([GREET], asynchronous=both.asynchronous))["greet_people"]
    assert inspect.iscoroutinefunction(greet) is both.asynchronous
    made = both.client(answer(200, {"success": True, "output": "hi"}))
    assert (await both(greet(made, name="Ada", times=2))).output == "hi"
    (sent,) = made.script.requests
    assert (sent.path, sent.content) == ("/api/workflows/greet/execute", b'{"name":"Ada","times":2}')
    with pytest.raises(InvalidInputError, match=r"'nmae' is no field .*'name' is missing"):
        await both(greet(made, nmae="Ada"))


def test_a_workflow_reads_like_this() -> None:
    text = generate([GREET, NONE])
    assert (
        text.partition("\n\n\nclass ")[2]
        == '''\
GreetPeopleInput(TypedDict, total=False):
    """Input of the workflow Greet people."""

    name: Required[str]
    times: float
    docs: AnyFile | Sequence[AnyFile]
    more: Mapping[str, Any]


GREET_PEOPLE_WORKFLOW = WorkflowDescription(
    id="greet",
    inputs=[
        WorkflowInput(name="name", type="string", required=True),
        WorkflowInput(name="times", type="number"),
        WorkflowInput(name="docs", type="file[]"),
        WorkflowInput(name="more", type="object"),
    ],
)


def greet_people(
    client: SimStudioClient,
    /,
    **fields: Unpack[GreetPeopleInput],
) -> WorkflowExecutionResult:
    """Greets "you".

    Politely.

    Args:
        name: Whom to greet.
        times: Default: 1
    """
    return client.workflows.execute(
        "greet",
        fields,
        check=GREET_PEOPLE_WORKFLOW,
    )


def none_taken(
    client: SimStudioClient,
    /,
    **fields: Any,
) -> WorkflowExecutionResult:
    """Run the workflow None taken."""
    return client.workflows.execute(
        "none",
        fields,
    )
'''
    )


def test_neither_order_nor_repetition_nor_a_new_version_changes_it() -> None:
    shuffled = [*DESCRIPTIONS, GREET]
    random.Random(1).shuffle(shuffled)
    deployed = WorkflowDescription("none", "None taken", is_deployed=True, version=7)
    assert generate([*shuffled, deployed]) == generate(DESCRIPTIONS)


@pytest.mark.parametrize(
    ("name", "default", "shown"),
    [
        ("apiKey", "hunter2", False),
        ("passwords", ["hunter2"], False),
        ("config", {"token": "hunter2"}, False),
        ("note", "Bearer hunter2hunter2hunter2", False),
        ("password", float("inf"), False),
        ("maxTokens", 7, True),
        ("note", "hunter2", True),
    ],
)
def test_a_default_that_is_a_secret_is_not_written(name: str, default: Any, shown: bool) -> None:
    text = generate([WorkflowDescription("w", "w", inputs=[WorkflowInput(name, "string", default=default)])])
    assert ("Default: " in text) is shown
    assert shown or "hunter2" not in text


def test_what_a_server_sends_is_data() -> None:
    """The module has nothing but imports, types, descriptions and functions of one call, whatever the texts hold."""
    for node in ast.parse(generate(DESCRIPTIONS)).body[1:]:
        if isinstance(node, ast.FunctionDef):
            docstring, returned = node.body
            assert isinstance(docstring, ast.Expr)
            assert isinstance(docstring.value, ast.Constant)
            assert isinstance(returned, ast.Return)
            assert ast.unparse(returned).startswith("return client.workflows.execute(")
        elif isinstance(node, ast.Assign):
            assert isinstance(node.value, ast.Call)
            assert ast.unparse(node.value.func) in ("TypedDict", "WorkflowDescription")
        else:
            assert isinstance(node, (ast.ImportFrom, ast.ClassDef, ast.AnnAssign))
    names = module(generate(DESCRIPTIONS))
    fields = {field for each in names.values() if isinstance(each, WorkflowDescription) for field in each.fields}
    assert fields == {field for each in DESCRIPTIONS for field in each.fields}


@given(st.lists(st.text(), max_size=5), st.text(), st.text())
def test_any_text_gives_a_module_that_python_reads(titles: list[str], text: str, field: str) -> None:
    described = [
        WorkflowDescription(f"{number}{title}", title, text, inputs=[WorkflowInput(field, text, text, text)])
        for number, title in enumerate(titles)
    ]
    generated = generate(described)
    generated.encode()
    assert all(line.isprintable() for line in generated.split("\n"))
    names = module(generated)
    assert {each.id for each in names.values() if isinstance(each, WorkflowDescription)} == (
        {each.id for each in described} if field else set()
    )


@given(st.text())
def test_any_title_gives_an_identifier(title: str) -> None:
    (names,) = assign_names([function_name(title)], reserved=())
    for name in names:
        compile(f"{name} = 1", "", "exec")
        assert name in module(f"{name} = 1")


@pytest.mark.external
def test_type_checkers_and_formatters_accept_it(tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(generate(DESCRIPTIONS), encoding="utf-8")
    (tmp_path / "hostile_async.py").write_text(generate(DESCRIPTIONS, asynchronous=True), encoding="utf-8")
    (tmp_path / "plain.py").write_text(generate([GREET, NONE]).replace("# fmt: off\n", ""), encoding="utf-8")
    (tmp_path / "uses.py").write_text(
        """\
from pathlib import Path

import hostile
import hostile_async
import plain

from simstudio import AsyncSimStudioClient, SimStudioClient, WorkflowExecutionResult


def use(client: SimStudioClient) -> WorkflowExecutionResult:
    given: plain.GreetPeopleInput = {"name": "Ada", "docs": [Path("a")]}
    unusual: hostile.ClassInput = {"class": "a", "a b": 1}
    hostile.class_(client, **unusual)
    plain.none_taken(client, anything=1)
    plain.greet_people(client, name="Ada", docs=Path("a"), more={"a": 1})
    plain.greet_people(client, nmae="Ada")  # type: ignore[call-arg]
    plain.greet_people(client, name=1)  # type: ignore[arg-type]
    plain.greet_people(client, name="Ada", docs="a")  # type: ignore[arg-type]
    return plain.greet_people(client, **given)


async def use_async(client: AsyncSimStudioClient) -> WorkflowExecutionResult:
    return await hostile_async.greet_people(client, client="a")
""",
        encoding="utf-8",
    )
    for tool in (
        ["mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "."],
        ["pyright", "--pythonpath", sys.executable, "."],
        ["ruff", "format", "--isolated", "--check", "hostile.py", "hostile_async.py", "plain.py"],
    ):
        done = subprocess.run([sys.executable, "-m", *tool], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
