"""Descriptions of workflows: the fields of the input, and how to run them."""

from __future__ import annotations

from typing import Any

from simstudio.core.literals import string_literal
from simstudio.core.model import Model, model


@model
class WorkflowInput(Model):
    """A field of a workflow's input.

    Attributes:
        type: ``string``, ``number``, ``boolean``, ``object``, ``array``, ``file[]`` …; None if the server does not say.
        default: Value of a field that is left out; None also if the server does not say, as sim.ai does not.
        required: Whether a run needs the field; None if the server does not say, as sim.ai does not.
    """

    name: str
    type: str | None = None
    description: str | None = None
    default: Any = None
    required: bool | None = None


@model
class WorkflowDescription(Model):
    """A workflow and the fields of its input (``client.workflows.describe``).

    Attributes:
        is_deployed: Whether a version is live.
        version: Number of the live version; None with v1, which does not tell, and if none is live.
        inputs: Fields of the input as they are in the editor, which may be ahead of the live version. A workflow
            without any takes whatever it is sent.
    """

    id: str
    name: str | None = None
    description: str | None = None
    is_deployed: bool | None = None
    version: int | None = None
    inputs: list[WorkflowInput] | None = None

    @property
    def call(self) -> str:
        """A line of Python that runs the workflow, with ``...`` in the place of each value."""
        fields = ", ".join(f"{string_literal(name)}: ..." for name in self.fields)
        return f"client.workflows.execute({string_literal(str(self.id))}{f', {{{fields}}}' if fields else ''})"

    @property
    def fields(self) -> dict[str, WorkflowInput]:
        """The fields of the input by name."""
        inputs = self.inputs if isinstance(self.inputs, list) else []
        named = ((getattr(each, "name", None), each) for each in inputs if isinstance(each, WorkflowInput))
        return {name: each for name, each in named if isinstance(name, str) and name}
