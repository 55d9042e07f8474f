"""Workflow functions that take their input as keyword arguments, and what a client is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import pytest

from simstudio import ExecutionError, InvalidInputError
from simstudio.sandbox import Context, Sandbox, SandboxServer
from simstudio.sandbox.parameters import describe_arguments, read_parameters


def greet(name: str, times: int = 1, mood: Literal["calm", "loud"] | None = None, *, context: Context) -> Any:
    """Greets somebody.

    Args:
        name: Whom to greet,
            by first name.
        times (int): How often.

    Returns:
        times: no argument.
    """
    return {"text": [f"Hi {name}"] * times, "mood": mood, "workflow": context.workflow_id}


def whole(data: dict[str, Any]) -> Any:
    return data


def optional(data: Any = None) -> Any:
    return data


def named_input(input: str = "x") -> Any:
    return input


def unknown(first: Nowhere) -> Any:  # type: ignore[name-defined]  # noqa: F821
    return first


def with_context(payload: Any, context: Context) -> Any:
    return payload, context


async def keywords(*, flag: bool, items: Sequence[int] = (), more: dict[str, int] | None = None, other: Any = 2) -> Any:
    return {"flag": flag, "items": list(items), "more": more, "other": other}


@pytest.mark.parametrize("function", [whole, optional, named_input, unknown, with_context, dict, lambda: 1])
def test_a_function_of_the_whole_input_declares_nothing(function: Any) -> None:
    assert read_parameters(function) is None


def test_parameters_are_fields() -> None:
    found = read_parameters(keywords)
    assert found is not None
    assert [(each.name, each.kind, each.default, each.required) for each in found.fields] == [
        ("flag", "boolean", None, True),
        ("items", "array", (), False),
        ("more", "object", None, False),
        ("other", "number", 2, False),
    ]


def test_a_docstring_describes_arguments() -> None:
    assert describe_arguments(greet) == {"name": "Whom to greet, by first name.", "times": "How often."}
    assert describe_arguments(whole) == {}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    sandbox = Sandbox()
    sandbox.workflow("greet")(greet)
    sandbox.workflow("keywords")(keywords)
    with sandbox.serve() as server:
        yield server


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_client_is_told_names_types_defaults_and_descriptions(server: SandboxServer, version: str) -> None:
    with server.client(api_version=version) as client:
        found = client.workflows.describe("greet")
        assert found.description == "Greets somebody."
        assert [each.to_dict() for each in found.inputs or ()] == [
            {"name": "name", "type": "string", "description": "Whom to greet, by first name.", "required": True},
            {"name": "times", "type": "number", "description": "How often.", "required": False, "default": 1},
            {"name": "mood", "type": "string", "required": False},
        ]
        assert client.workflows.execute("greet", {"name": "Ada", "times": "2"}).output == {
            "text": ["Hi Ada", "Hi Ada"],
            "mood": None,
            "workflow": "greet",
        }
        assert client.workflows.execute("keywords", {"flag": "true"}).output["flag"] is True


def test_a_run_without_a_required_field_fails_and_names_it(server: SandboxServer) -> None:
    told = pytest.raises(ExecutionError, match="missing 1 required positional argument: 'name'")
    with server.client() as client, told:
        client.workflows.execute("greet", {"times": 2})


def test_a_batch_of_a_function_tells_the_row_that_does_not_fit(server: SandboxServer) -> None:
    with server.client() as client:
        items = list(client.workflows.function("greet").map([{"nmae": "Ada"}, {"name": "Ada"}]))
        assert [item.ok for item in items] == [False, True]
        assert isinstance(items[0].error, InvalidInputError)
        assert "did you mean 'name'" in str(items[0].error)
